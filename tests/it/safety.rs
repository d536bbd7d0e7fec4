//! The register of product safety (R20): a record of its own, with a ceiling that its case does not move.

use chrono::TimeDelta;
use entity::staff::Role;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, life};

const SHOWN: &str = "safetyEntry { id caseId sku productGroup harm harmLabel happenedOn account contact measures reportedAt \
                     version availableActions { mutation enabled } retention { dataType keptUntil floor because } }";

fn entry(case: Option<&str>) -> Value {
    json!({
        "caseId": case, "sku": "W-100", "productGroup": "kitchen", "harm": "MINOR", "happenedOn": "2014-03-09",
        "account": "Der Boden leckt, leichter Stromschlag.", "contact": "030 23125 101, abends",
    })
}

async fn record(app: &App, case: Option<&str>) -> Value {
    let done = app.agent().await.done("safetyEntryRecord", "SafetyEntryRecordInput", entry(case), SHOWN).await;
    done["safetyEntry"].clone()
}

async fn open(caller: &Caller<'_>, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ {} }}", SHOWN.replace("safetyEntry", "safetyEntry(id: $id)"));
    caller.data(&query, json!({ "id": id })).await["safetyEntry"].clone()
}

async fn entries(app: &App) -> i64 {
    app.count("safety_entries", "1 = 1").await
}

async fn hold(app: &App, owner: &str, id: &str) -> Value {
    let input = json!({ owner: id, "reason": "LEGAL_CLAIM", "reviewOn": app.now().date_naive() + TimeDelta::days(90) });
    app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await["hold"]["id"].clone()
}

on_both_engines! {
    /// R20, F89: recorded from a case, completed, read by those who need it, each in their measure.
    async fn an_entry_is_kept_and_completed(app) {
        let known = life::order(app, "max@example.com", "P-1").await;
        let case = life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Es hat gefunkt.").await;
        let (mut input, caller) = (entry(Some(&case)), app.agent().await);
        input["idempotencyKey"] = json!("once");
        caller.done("safetyEntryRecord", "SafetyEntryRecordInput", input.clone(), "safetyEntry { id }").await;
        let made = caller.done("safetyEntryRecord", "SafetyEntryRecordInput", input.clone(), SHOWN).await["safetyEntry"].clone();
        input["sku"] = json!("W-200");
        assert_eq!(caller.refused("safetyEntryRecord", "SafetyEntryRecordInput", input).await.0, "IDEMPOTENCY_MISMATCH");
        assert_eq!(entries(app).await, 1);
        assert_eq!(made["retention"], json!({
            "dataType": "R20", "keptUntil": "2019-03-10", "floor": "GDPR Art. 17(3)(b)",
            "because": "Regulation (EU) 2023/988 Art. 9(12), 11",
        }));
        assert_eq!((&made["caseId"], &made["productGroup"], &made["version"]), (&json!(case), &json!("KITCHEN"), &json!(1)));
        let agent = app.agent().await;
        let change = json!({
            "safetyEntryId": made["id"], "measures": "Verkauf angehalten.", "harm": "SERIOUS",
            "reportedAt": app.now(), "expectedVersion": 1, "idempotencyKey": "told",
        });
        for _ in 0..2 {
            let done = agent.done("safetyEntryUpdate", "SafetyEntryUpdateInput", change.clone(), SHOWN).await;
            assert_eq!((&done["safetyEntry"]["version"], &done["safetyEntry"]["harm"]), (&json!(2), &json!("SERIOUS")));
        }
        let mut stale = change.clone();
        stale["idempotencyKey"] = json!("late");
        assert_eq!(agent.refused("safetyEntryUpdate", "SafetyEntryUpdateInput", stale).await.0, "VERSION_CONFLICT");
        assert_eq!(app.count("audit_entries", "action IN ('safety.record', 'safety.update')").await, 2);

        let logged = app.count("access_entries", "purpose = 'DATA_PROTECTION'").await;
        let seen = open(&app.dpo().await, &made["id"]).await;
        assert_eq!(seen["account"], "Der Boden leckt, leichter Stromschlag.");
        assert_eq!((&seen["contact"], &seen["measures"]), (&json!("030 23125 101, abends"), &json!("Verkauf angehalten.")));
        assert_eq!(seen["availableActions"], json!([{ "mutation": "safetyEntryUpdate", "enabled": false }]));
        assert_eq!(app.count("access_entries", "purpose = 'DATA_PROTECTION'").await, logged + 1, "R12");
        let seen = open(&app.staff(Role::Admin).await, &made["id"]).await;
        assert_eq!((&seen["contact"], &seen["harmLabel"]), (&json!(null), &json!("Serious injury")));

        app.advance(TimeDelta::seconds(1));
        record(app, None).await;
        let list = "query($sku: String, $reported: Boolean) { safetyEntries(first: 5, sku: $sku, reported: $reported) \
                    { nodes { id account contact measures } pageInfo { hasNextPage } } }";
        let found = agent.data(list, json!({})).await["safetyEntries"]["nodes"].clone();
        assert_eq!(found.as_array().unwrap().len(), 2);
        assert_eq!(found[1], json!({ "id": made["id"], "account": null, "contact": null, "measures": null }));
        for (wanted, n) in [(json!({ "reported": true }), 1), (json!({ "sku": "W-100" }), 2), (json!({ "sku": "W-1" }), 0)] {
            let found = agent.data(list, wanted.clone()).await["safetyEntries"]["nodes"].clone();
            assert_eq!(found.as_array().unwrap().len(), n, "{wanted}");
        }
    }

    /// What cannot be is refused, and nothing is written.
    async fn bad_entries_are_refused(app) {
        let known = life::order(app, "max@example.com", "P-2").await;
        life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Es hat gefunkt.").await;
        let agent = app.agent().await;
        let before = app.counts().await;
        let none = aftersales::graphql::node::id("ServiceCase", uuid::Uuid::nil()).0;
        for (field, value, code) in [
            ("account", json!(" "), "REQUIRED"), ("sku", json!(""), "REQUIRED"), ("productGroup", json!("a b"), "INVALID"),
            ("happenedOn", json!("2014-03-11"), "INVALID"), ("caseId", json!(none), "NOT_FOUND"),
            ("caseId", json!(known.order), "NOT_FOUND"), ("contact", json!("x".repeat(301)), "TOO_LONG"),
        ] {
            let mut input = entry(None);
            input[field] = value;
            let (found, error) = agent.refused("safetyEntryRecord", "SafetyEntryRecordInput", input).await;
            assert_eq!((found.as_str(), &error["field"]), (code, &json!(["input", field])));
        }
        assert_eq!(app.counts().await, before);
        let made = record(app, None).await;
        for (change, code) in [
            (json!({}), "REQUIRED"), (json!({ "measures": "  " }), "REQUIRED"),
            (json!({ "reportedAt": app.now() + TimeDelta::seconds(1) }), "INVALID"),
        ] {
            let mut input = change;
            input["safetyEntryId"] = made["id"].clone();
            assert_eq!(agent.refused("safetyEntryUpdate", "SafetyEntryUpdateInput", input).await.0, code);
        }
    }

    /// R20: five years after the entry, to the day and not from the year's end, even while its case is still open; its letters
    /// (R04) stay as long as they have to.
    async fn an_entry_goes_after_five_years_whatever_its_case_does(app) {
        let known = life::order(app, "max@example.com", "P-3").await;
        let case = life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Es hat gefunkt.").await;
        record(app, Some(&case)).await;
        let units = aftersales::db::rows(app.state.db.read(), "SELECT unit_id FROM safety_entries", []).await.unwrap();
        let unit = entity::ids::UnitId(units[0].try_get_by_index(0).unwrap());
        app.at("2019-03-10T22:59:59Z");
        app.run_job("retention").await;
        assert_eq!(entries(app).await, 1, "the last day counts whole");
        app.at("2019-03-10T23:00:00Z");
        app.run_job("retention").await;
        assert_eq!(entries(app).await, 0);
        assert_eq!(app.state.keys.load(&[unit], entity::Purpose::DataProtection, app.now()).await.unwrap().len(), 0, "its key has gone with it");
        assert_eq!(app.count("cases", "state = 'RECEIVED'").await, 1, "the case is still open");
        assert_eq!(app.count("messages", "data_type = 'R04' AND body IS NOT NULL").await, 1, "and the complaint is there");
    }

    /// R20, F90: a hold on the case or on the person covers the entry; released, it goes.
    async fn a_hold_covers_an_entry(app) {
        let mut holds = Vec::new();
        for (number, owner) in [("P-4", "caseId"), ("P-5", "customerId")] {
            let known = life::order(app, &format!("{number}@example.com"), number).await;
            let case = life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), "Es raucht.").await;
            record(app, Some(&case)).await;
            holds.push(hold(app, owner, if owner == "caseId" { &case } else { &known.customer }).await);
        }
        record(app, None).await;
        app.at("2019-04-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(entries(app).await, 2, "the one of nobody has gone");
        for (id, left) in holds.iter().zip([1, 0]) {
            app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": id }), "hold { id }").await;
            app.run_job("retention").await;
            assert_eq!(entries(app).await, left);
        }
    }

    /// F76, F96: an erasure keeps it by its norm until its day, and an export shows it.
    async fn an_erasure_keeps_an_entry_and_an_export_shows_it(app) {
        let known = life::order(app, "max@example.com", "P-6").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "USAGE_GUIDANCE", None, "Darf das rauchen?").await;
        record(app, Some(&case)).await;
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        life::close(app, &case).await;
        let id = entity::ids::CustomerId(life::row(&known.customer));
        let actor = aftersales::auth::Actor::System;
        let export = aftersales::privacy::export::collect(&app.state, &actor, id).await.unwrap();
        let section = export.sections.iter().find(|s| s.table == "safety_entries").unwrap();
        assert_eq!(section.records[0].values["What happened"], "Der Boden leckt, leichter Stromschlag.");
        assert!(!section.records[0].values.contains_key("entered_by"));
        let input = json!({ "customerId": known.customer });
        let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { records { table outcome until article } }").await;
        let records = done["erasure"]["records"].as_array().unwrap();
        let found: Vec<&Value> = records.iter().filter(|r| r["table"] == "safety_entries").collect();
        assert_eq!(found, [&json!({ "table": "safety_entries", "outcome": "KEPT", "until": "2019-03-10", "article": "GDPR Art. 17(3)(b)" })]);
        app.at("2019-03-11T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(entries(app).await, 0);
    }
}
