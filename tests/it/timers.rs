//! Timers and tasks: what the shop has promised by when, and what happens when it is late.

use std::sync::Arc;

use aftersales::cases::timers::mark_breaches;
use aftersales::clock::Clock;
use aftersales::state::App as State;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, days, life};

const TIMERS: &str = "query($id: ID!) { serviceCase(id: $id) { timers { rule state announced settledAt breachedAt \
    pauses { from to reason reasonLabel } deadline { rule start endsOn endsAt source steps { code date what why } } } } }";

/// The timers of a case as the agent sees them, by rule and state.
async fn timers(app: &App, case: &str) -> Vec<Value> {
    let found = app.agent().await.data(TIMERS, json!({ "id": case })).await;
    found["serviceCase"]["timers"].as_array().unwrap().clone()
}

async fn state(app: &App, case: &str, rule: &str) -> String {
    let all = timers(app, case).await;
    all.iter().rev().find(|t| t["rule"] == rule).unwrap()["state"].as_str().unwrap().to_owned()
}

async fn opened(app: &App) -> (life::Known, String) {
    app.at("2014-03-10T09:00:00Z");
    let known = life::order(app, "max@example.com", "K-1").await;
    let case = life::open(&app.customer(&known.email).await, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
    (known, case)
}

async fn tasks(caller: &Caller<'_>) -> Vec<Value> {
    let found = caller.data("{ tasks { nodes { id kind doneAt serviceCase { id } } } }", json!({})).await;
    found["tasks"]["nodes"].as_array().unwrap().clone()
}

on_both_engines! {
    /// S20, S23, F50, F52, F56: a case starts both clocks, each explains itself; an answer and a decision meet them.
    async fn a_case_starts_its_timers_and_work_meets_them(app) {
        let (_, case) = opened(app).await;
        let all = timers(app, &case).await;
        let of = |rule: &str| all.iter().find(|t| t["rule"] == rule).unwrap().clone();
        // Monday 10:00 to 12:30 and 14:00 to 15:30 in Berlin are 240 minutes of service.
        assert_eq!(of("first-response")["deadline"]["endsAt"], "2014-03-10T14:30:00+00:00");
        let review = of("review");
        assert_eq!((&review["deadline"]["endsOn"], &review["deadline"]["endsAt"]), (&json!("2014-03-13"), &json!("2014-03-13T23:00:00+00:00")));
        let codes: Vec<&str> = review["deadline"]["steps"].as_array().unwrap().iter().map(|s| s["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["ANCHOR", "FIRST_DAY", "WORKING_DAY", "WORKING_DAY", "WORKING_DAY", "END"]);
        let german = app.agent().await.gql_in("de", TIMERS, json!({ "id": case })).await.json();
        let said = german["data"]["serviceCase"]["timers"].to_string();
        assert!(said.contains("3. Werktag") && said.contains("Anfrage eingegangen"), "{said}");

        life::say(&app.agent().await, &case, "Vielen Dank, wir prüfen das.").await;
        assert_eq!(state(app, &case, "first-response").await, "MET");
        assert_eq!(state(app, &case, "review").await, "RUNNING");
        life::decide(app, &case, "ELIGIBLE").await;
        assert_eq!(state(app, &case, "review").await, "MET");
    }

    /// S75: what runs out is marked once, with one task for staff, however many instances look.
    async fn a_breach_is_marked_once_and_files_a_task(app) {
        let (_, case) = opened(app).await;
        app.at("2014-03-13T22:59:59Z");
        assert_eq!(app.run_job("timers").await["breached"], 1, "the first answer is late, the review is not");
        app.at("2014-03-13T23:00:00Z");
        let other = State::open(app.state.config.clone(), Clock::Fixed(app.clock.clone())).await.unwrap();
        let looks = [Arc::clone(&app.state), Arc::clone(&other), Arc::clone(&app.state)];
        let looks = looks.map(|state| tokio::spawn(async move { mark_breaches(&state, false).await.unwrap().breached }));
        let marked: u64 = futures::future::try_join_all(looks).await.unwrap().into_iter().sum();
        assert_eq!(marked, 1);
        assert_eq!(app.run_job("timers").await["breached"], 0);
        assert_eq!(state(app, &case, "review").await, "BREACHED");

        let agent = app.agent().await;
        let filed = tasks(&agent).await;
        assert_eq!(filed.len(), 2);
        assert!(filed.iter().all(|t| t["kind"] == "DEADLINE_MISSED" && t["serviceCase"]["id"] == case.as_str()));
        let input = json!({ "taskId": filed[0]["id"] });
        agent.done("taskComplete", "TaskCompleteInput", input.clone(), "task { doneAt }").await;
        assert_eq!(tasks(&agent).await.len(), 1);
        assert_eq!(agent.refused("taskComplete", "TaskCompleteInput", input).await.0, "TRANSITION_NOT_ALLOWED");
        life::decide(app, &case, "ELIGIBLE").await;
        assert_eq!(state(app, &case, "review").await, "BREACHED", "a breach stays one");
    }

    /// A deed that comes after the end, before the job looked, was late all the same.
    async fn what_is_done_late_was_late(app) {
        let (_, case) = opened(app).await;
        app.at("2014-03-14T09:00:00Z");
        life::decide(app, &case, "ELIGIBLE").await;
        for timer in timers(app, &case).await {
            assert_eq!(timer["state"], "BREACHED");
            assert!(timer["settledAt"].is_string() && timer["breachedAt"].is_string());
        }
    }

    /// F53: a pause with its reason stops the clocks; the customer's answer lets them go on, later by what was paused.
    async fn a_pause_stops_the_clocks_until_the_customer_answers(app) {
        let (known, case) = opened(app).await;
        let agent = app.agent().await;
        let input = json!({ "caseId": case, "reason": "WAITING_FOR_CUSTOMER" });
        agent.done("serviceCasePause", "ServiceCasePauseInput", input.clone(), "serviceCase { waitingFor }").await;
        assert_eq!(state(app, &case, "review").await, "PAUSED");
        assert_eq!(agent.refused("serviceCasePause", "ServiceCasePauseInput", input).await.0, "TRANSITION_NOT_ALLOWED");
        app.at("2014-03-20T12:00:00Z");
        assert_eq!(app.run_job("timers").await["due"], 0, "what waits does not run out");
        life::say(&app.customer(&known.email).await, &case, "Hier ist das Foto.").await;
        let all = timers(app, &case).await;
        let review = all.iter().find(|t| t["rule"] == "review").unwrap();
        assert_eq!(review["state"], "RUNNING");
        assert_eq!(review["pauses"][0]["from"], "2014-03-10T09:00:00+00:00");
        assert_eq!(review["pauses"][0]["to"], "2014-03-20T12:00:00+00:00");
        // Thursday the 20th is the first Werktag that counts again; then Friday and Saturday.
        assert_eq!(review["deadline"]["endsOn"], "2014-03-22");
        let paused = review["deadline"]["steps"].as_array().unwrap().iter().filter(|s| s["code"] == "PAUSED_DAY").count();
        assert_eq!(paused, 8, "eight Werktage from the 11th to the 19th, the Sunday between is a Sunday");
        let first = all.iter().find(|t| t["rule"] == "first-response").unwrap();
        // It is 13:00 in Berlin and nothing of the 240 minutes was used: they begin at 14:00.
        assert_eq!(first["deadline"]["endsAt"], "2014-03-20T17:00:00+00:00");
        let agent = app.agent().await;
        assert_eq!(agent.refused("serviceCaseResume", "ServiceCaseResumeInput", json!({ "caseId": case })).await.0, "TRANSITION_NOT_ALLOWED");
    }

    /// S76, S77, F55: a later end is told in advance, with the situation and the day, and takes the place of the old one.
    async fn an_extension_writes_to_the_customer_in_advance(app) {
        let (known, case) = opened(app).await;
        let agent = app.agent().await;
        let input = |until: &str| json!({ "caseId": case, "until": until, "situation": "Wir warten auf das Gutachten." });
        for wrong in ["2014-03-13", "2014-03-10", "2014-05-10"] {
            let (code, error) = agent.refused("serviceCaseExtend", "ServiceCaseExtendInput", input(wrong)).await;
            assert_eq!(code, "INVALID", "{wrong}");
            assert!(error.to_string().contains("2014-03-14"), "{error}");
        }
        app.advance(chrono::TimeDelta::hours(1));
        let mut once = input("2014-03-20");
        once["idempotencyKey"] = json!("extend-1");
        for _ in 0..2 {
            agent.done("serviceCaseExtend", "ServiceCaseExtendInput", once.clone(), "serviceCase { state }").await;
        }
        let query = "query($id: ID!) { serviceCase(id: $id) { messages { nodes { form body } } } }";
        let read = app.customer(&known.email).await.data(query, json!({ "id": case })).await;
        let messages = read["serviceCase"]["messages"]["nodes"].as_array().unwrap();
        assert_eq!(messages.len(), 2, "the request and one notice");
        let body = messages[1]["body"].as_str().unwrap();
        assert!(body.contains("Wir warten auf das Gutachten.") && body.contains("20.03.2014"), "{body}");
        assert_eq!(app.count("mails", "template = 'DELAY_NOTICE'").await, 1, "it is mailed, once");
        let all = timers(app, &case).await;
        let review: Vec<&Value> = all.iter().filter(|t| t["rule"] == "review").collect();
        assert_eq!((review[0]["state"].as_str(), review[1]["state"].as_str()), (Some("SUPERSEDED"), Some("RUNNING")));
        assert_eq!((&review[1]["announced"], &review[1]["deadline"]["endsOn"]), (&json!(true), &json!("2014-03-20")));
        assert_eq!(review[1]["deadline"]["steps"][1]["code"], "ANNOUNCED");
        app.at("2014-03-20T22:59:59Z");
        assert_eq!(app.run_job("timers").await["due"], 0);
        app.at("2014-03-20T23:00:00Z");
        assert_eq!(app.run_job("timers").await["breached"], 1);
    }

    /// S60, S61, F37: the bank's estimate stands beside the refund; when it has passed, staff gets a task.
    async fn a_refund_that_is_not_credited_becomes_a_task(app) {
        let (_, case) = opened(app).await;
        life::decide(app, &case, "ELIGIBLE").await;
        let refund = life::grant(app, &case, 1000).await;
        let query = "query($id: ID!) { refund(id: $id) { creditExpected { rule earliest endsOn endsAt source } } }";
        let finance = app.finance().await;
        assert!(finance.data(query, json!({ "id": refund })).await["refund"]["creditExpected"].is_null());
        life::step(app, "refundSubmit", &refund).await;
        let expected = finance.data(query, json!({ "id": refund })).await["refund"]["creditExpected"].clone();
        // Handed over on Monday 10 March: ten Werktage are over on the 21st, fifteen on the 27th.
        assert_eq!((&expected["earliest"], &expected["endsOn"]), (&json!("2014-03-21"), &json!("2014-03-27")));
        app.at("2014-03-28T08:00:00Z");
        app.run_job("timers").await;
        let filed = tasks(&app.finance().await).await;
        assert!(filed.iter().any(|t| t["kind"] == "REFUND_NOT_CREDITED"), "{filed:?}");
        life::step(app, "refundCredit", &refund).await;
        assert_eq!(state(app, &case, "refund-credit").await, "BREACHED");
    }

    /// R26: timers and tasks live as long as the header of their case.
    async fn timers_and_tasks_go_with_their_case(app) {
        let (_, case) = opened(app).await;
        app.advance(days(10));
        app.run_job("timers").await;
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        life::close(app, &case).await;
        assert!(app.count("timers", "start_at IS NOT NULL").await == 2 && app.count("tasks", "start_at IS NOT NULL").await == 2);
        app.at("2017-12-31T22:00:00Z");
        app.run_job("retention").await;
        assert_eq!((app.count("timers", "1 = 1").await, app.count("tasks", "1 = 1").await), (2, 2));
        app.at("2018-01-01T12:00:00Z");
        app.run_job("retention").await;
        assert_eq!((app.count("timers", "1 = 1").await, app.count("tasks", "1 = 1").await), (0, 0));
    }
}
