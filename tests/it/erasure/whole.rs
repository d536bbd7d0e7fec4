//! Rich lives: the dry run says exactly what the run does, only what is open waits, and it follows when it closes.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{erase, exchanged, outcomes};
use crate::on_both_engines;
use crate::support::{App, days, goods, life, media};

const EVERYTHING: &str = "erasure { dryRun id state records { table rowId dataType outcome on until because article } \
    recipients { recipientKind recipient } backupsUnreadableFrom letter(language: DE) { subject text html } }";

/// A customer with what the bits ask for; every life has a delivered order with a settled case.
async fn live(app: &App, life: u32) -> life::Known {
    let email = format!("leben-{life}@example.com");
    let known = life::order(app, &email, &format!("W-{life}-1")).await;
    life::delivered(app, &known).await;
    life::whole_case(app, &known).await;
    let customer = app.customer(&email).await;
    if life & 1 > 0 {
        let advice = life::open(&customer, "USAGE_GUIDANCE", None, "Wie entkalke ich ihn?").await;
        life::decide(app, &advice, "SOLVED_DIRECTLY").await;
        life::close(app, &advice).await;
    }
    if life & 2 > 0 {
        let order = life::order(app, &email, &format!("W-{life}-2")).await;
        life::delivered(app, &order).await;
        let open = life::open(&customer, "WARRANTY_CLAIM", Some(&order.order), "Er leckt schon wieder.").await;
        life::upload(&customer, &open, "leck.jpg", "image/jpeg", &media::jpeg()).await;
    }
    if life & 4 > 0 {
        life::order(app, &email, &format!("W-{life}-3")).await;
    }
    if life & 8 > 0 {
        life::open(&customer, "WITHDRAWAL", Some(&known.order), "").await;
    }
    if life & 16 > 0 {
        let held = life::open(&customer, "COMPLAINT", None, "Das dauert zu lange.").await;
        life::decide(app, &held, "NOT_ELIGIBLE").await;
        life::close(app, &held).await;
        let hold = json!({ "caseId": held, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
    }
    if life & 32 > 0 {
        let bought = goods::order(app, &email, &format!("W-{life}-4"), "DE").await;
        let exchange = exchanged(app, &bought, &format!("neu-{life}")).await;
        life::close(app, &exchange).await;
    }
    known
}

async fn everything(app: &App, customer: &str, dry_run: bool) -> Value {
    let input = json!({ "customerId": customer, "dryRun": dry_run });
    app.dpo().await.done("subjectErase", "SubjectEraseInput", input, EVERYTHING).await["erasure"].clone()
}

/// The outcomes of the records of a table.
fn of<'a>(report: &'a Value, table: &str) -> Vec<(&'a str, &'a str)> {
    let records = report["records"].as_array().unwrap().iter().filter(|r| r["table"] == table);
    let mut found: Vec<_> =
        records.map(|r| (r["outcome"].as_str().unwrap(), r["because"].as_str().unwrap_or_default())).collect();
    found.sort_unstable();
    found
}

on_both_engines! {
    /// F75, F76: in lives of every kind, the run says what the dry run has said, record by record and letter by letter.
    async fn the_dry_run_is_the_run(app) {
        for life in [0, 1, 2, 12, 21, 34, 42, 63] {
            let known = live(app, life).await;
            app.advance(days(3));
            let mut plan = everything(app, &known.customer, true).await;
            let before = app.counts().await;
            assert_eq!(everything(app, &known.customer, true).await, plan, "{life}: and changes nothing");
            assert_eq!(app.counts().await, before);
            let mut done = everything(app, &known.customer, false).await;
            assert_eq!((&plan["dryRun"], &plan["id"], &done["dryRun"]), (&json!(true), &json!(null), &json!(false)));
            assert!(done["id"].is_string());
            for report in [&mut plan, &mut done] {
                (report["dryRun"], report["id"]) = (json!(null), json!(null));
            }
            assert_eq!(plan, done, "life {life}");
            let records = done["records"].as_array().unwrap();
            assert!(records.len() > 15, "{life}: {}", records.len());
            for r in records {
                let gone = matches!(r["outcome"].as_str(), Some("ERASED" | "ANONYMISED"));
                assert_eq!(r["on"].is_string(), gone, "{r}");
                assert!(r["article"].is_string() && (gone || r["because"].is_string()), "{r}");
            }
        }
        let report = app.run_job("erasures").await;
        assert_eq!((&report["scansPassed"], &report["scansFailed"]), (&json!(8), &json!(0)));
    }

    /// F77: only what is open waits; everything else goes at once. When the case closes, the rest follows without anybody.
    async fn only_the_open_case_waits(app) {
        let known = live(app, 2 | 4).await;
        let report = everything(app, &known.customer, false).await;
        assert_eq!(report["state"], "DEFERRED");
        assert_eq!(of(&report, "cases"), [("ANONYMISED", ""), ("DEFERRED", "OPEN_CASE")]);
        assert_eq!(of(&report, "attachments"), [("DEFERRED", "OPEN_CASE"), ("ERASED", "")]);
        assert_eq!(of(&report, "orders"), [("ANONYMISED", ""), ("DEFERRED", "OPEN_CASE"), ("DEFERRED", "ORDER_ON_ITS_WAY")]);
        assert_eq!(of(&report, "customers"), [("DEFERRED", "OPEN_CASE")]);
        let way = report["records"].as_array().unwrap().iter().find(|r| r["because"] == "ORDER_ON_ITS_WAY").unwrap();
        assert_eq!(way["until"], "2014-06-08", "ninety days at most");
        assert_eq!(app.count("attachments", "1 = 1").await, 1);
        assert_eq!(app.run_job("erasures").await, json!({
            "erasuresSettled": 0, "erasuresFailed": 0, "scansPassed": 1, "scansFailed": 0,
        }));

        let case = app.dpo().await.data("{ erasures { nodes { id state records { table outcome rowId } } } }", json!({})).await;
        let node = &case["erasures"]["nodes"][0];
        let open = node["records"].as_array().unwrap().iter().find(|r| r["table"] == "cases" && r["outcome"] == "DEFERRED").unwrap();
        let open = aftersales::graphql::node::id("ServiceCase", open["rowId"].as_str().unwrap().parse().unwrap()).0;
        life::decide(app, &open, "NOT_ELIGIBLE").await;
        app.advance(TimeDelta::minutes(1));
        life::close(app, &open).await;
        let report = app.run_job("erasures").await;
        assert_eq!((&report["erasuresSettled"], &report["scansPassed"]), (&json!(0), &json!(1)), "an order is on its way");
        assert_eq!(app.count("cases", "state <> 'ERASED'").await, 0);
        assert_eq!(app.count("attachments", "1 = 1").await, 1, "evidence of a refused claim is kept (R09b)");
        app.advance(days(2));
        let parcel = json!({ "orderNumber": "W-6-3", "carrier": "DHL", "trackingNumber": "track-W-6-3", "deliveredAt": app.now() });
        app.shop().done("parcelDeliver", "ParcelDeliverInput", parcel, "parcel { deliveredAt }").await;
        let report = app.run_job("erasures").await;
        assert_eq!((&report["erasuresSettled"], &report["scansPassed"]), (&json!(1), &json!(1)));
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 0);
        assert_eq!(app.run_job("erasures").await["erasuresSettled"], 0, "once");

        let query = "query($id: ID!) { erasure(id: $id) { state settledAt records { table outcome on } } }";
        let found = app.dpo().await.data(query, json!({ "id": node["id"] })).await["erasure"].clone();
        assert_eq!(found["state"], "SETTLED");
        assert_eq!(outcomes_on(&found, "cases"), [("ANONYMISED", "2014-03-10"), ("ANONYMISED", "2014-03-10")]);
        assert_eq!(outcomes_on(&found, "customers"), [("ERASED", "2014-03-12")]);
    }

    /// F77: a process that dies in the middle leaves an erasure that goes on, and a report that misses nothing.
    async fn a_run_that_died_is_completed(app) {
        let known = live(app, 1).await;
        let plan = everything(app, &known.customer, true).await;
        let done = erase(app, &known.customer, false).await;
        assert_eq!(done["state"], "SETTLED");
        // As a process leaves it that was killed after everything had gone and before it could say so.
        let sql = "UPDATE erasures SET state = 'RUNNING', settled_at = NULL";
        aftersales::db::run(app.state.db.write(), sql, []).await.unwrap();
        assert_eq!(app.run_job("erasures").await["erasuresSettled"], 0, "it may still be running");
        app.advance(TimeDelta::minutes(11));
        let report = app.run_job("erasures").await;
        assert_eq!((&report["erasuresSettled"], &report["scansPassed"]), (&json!(1), &json!(1)));
        let found = app.dpo().await.data(
            "{ erasures { nodes { state records { table rowId dataType outcome on until because article } } } }", json!({})).await;
        let found = &found["erasures"]["nodes"][0];
        assert_eq!((&found["state"], &found["records"]), (&json!("SETTLED"), &plan["records"]));
        assert_eq!(outcomes(found, "DEFERRED"), Vec::new());
    }
}

fn outcomes_on<'a>(report: &'a Value, table: &str) -> Vec<(&'a str, &'a str)> {
    let records = report["records"].as_array().unwrap().iter().filter(|r| r["table"] == table);
    records.map(|r| (r["outcome"].as_str().unwrap(), r["on"].as_str().unwrap_or_default())).collect()
}
