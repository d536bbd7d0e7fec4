//! Quality of service: what was promised and how it was kept, in service time, without a word about who.

use chrono::TimeDelta;
use serde_json::json;

use crate::on_both_engines;
use crate::support::{days, life};

const QUERY: &str = "query($from: NaiveDate!, $to: NaiveDate!) { serviceQuality(from: $from, to: $to) {
    month kind cases reopenings closed closedWithNotice
    firstResponse { met breached open medianMinutes ninetiethMinutes } review { met breached open medianMinutes }
} }";

on_both_engines! {
    /// S20, S74, S88, F57: minutes count in service hours only, pauses do not, and a late answer is measured as well.
    async fn promises_are_measured_in_service_time(app) {
        let known = life::order(app, "max@example.com", "L-1").await;
        let customer = app.customer(&known.email).await;
        // Monday, 10:00 in Berlin.
        let prompt = life::open(&customer, "COMPLAINT", Some(&known.order), "Zu spät.").await;
        let paused = life::open(&customer, "COMPLAINT", Some(&known.order), "Zu laut.").await;
        let late = life::open(&customer, "COMPLAINT", Some(&known.order), "Zu klein.").await;
        life::open(&customer, "FEEDBACK", None, "Danke.").await;
        app.advance(TimeDelta::minutes(10));
        let pause = json!({ "caseId": paused, "reason": "WAITING_FOR_THIRD_PARTY" });
        app.agent().await.done("serviceCasePause", "ServiceCasePauseInput", pause, "serviceCase { id }").await;
        app.advance(TimeDelta::minutes(20));
        life::say(&app.agent().await, &prompt, "Das tut uns leid.").await;
        let resume = json!({ "caseId": paused });
        app.agent().await.done("serviceCaseResume", "ServiceCaseResumeInput", resume, "serviceCase { id }").await;
        app.advance(TimeDelta::minutes(5));
        life::say(&app.agent().await, &paused, "Das tut uns leid.").await;
        app.at("2014-03-11T09:00:00Z");
        app.run_job("timers").await;
        app.at("2014-03-12T09:00:00Z");
        life::say(&app.agent().await, &late, "Das tut uns leid.").await;
        let range = json!({ "from": "2014-03-01", "to": "2014-03-31" });
        let found = app.finance().await.data(QUERY, range).await["serviceQuality"].clone();
        let whole = TWO_DAYS;
        assert_eq!(found[0]["firstResponse"], json!({
            "met": 2, "breached": 1, "open": 0, "medianMinutes": 30, "ninetiethMinutes": whole,
        }));
        assert_eq!((&found[0]["month"], &found[0]["kind"], &found[0]["cases"]), (&json!("2014-03"), &json!("COMPLAINT"), &json!(3)));
        assert_eq!((&found[0]["review"]["met"], &found[0]["review"]["open"]), (&json!(0), &json!(3)));
        assert_eq!((&found[1]["kind"], &found[1]["firstResponse"]["breached"]), (&json!("FEEDBACK"), &json!(1)));
        assert_eq!(found.as_array().unwrap().len(), 2);
    }

    /// F57: a range is bounded, and what lies outside it is not counted.
    async fn a_range_is_bounded(app) {
        let known = life::order(app, "max@example.com", "L-2").await;
        life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Zu spät.").await;
        app.advance(days(1));
        let agent = app.agent().await;
        for (from, to, cases) in [("2014-03-10", "2014-03-10", 1), ("2014-03-11", "2014-03-11", 0), ("2013-02-11", "2014-03-10", 1)] {
            let found = agent.data(QUERY, json!({ "from": from, "to": to })).await;
            assert_eq!(found["serviceQuality"].as_array().unwrap().len(), cases, "{from} to {to}");
        }
        for (from, to) in [("2014-03-10", "2014-03-09"), ("2013-02-10", "2014-03-10")] {
            assert_eq!(agent.gql(QUERY, json!({ "from": from, "to": to })).await.code(), "BAD_USER_INPUT", "{from} to {to}");
        }
    }
}

/// Two whole days of service, from Monday 10:00 to Wednesday 10:00.
const TWO_DAYS: i64 = 2 * 450;
