//! What a hold or a restriction covers waits for its end, is told by its ground, and goes by itself afterwards.

use aftersales::db;
use sea_orm::DbBackend;
use serde_json::{Value, json};

use super::{erase, exchanged, outcomes, pairs};
use crate::on_both_engines;
use crate::support::life;

on_both_engines! {
    /// F90: a hold stops an erasure, and its release lets it finish.
    async fn a_hold_stops_an_erasure(app) {
        let known = life::order(app, "max@example.com", "C-4").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let seen = app.count("access_entries", "customer_id IS NOT NULL").await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        let done = erase(app, &known.customer, false).await;
        assert_eq!(done["state"], "DEFERRED");
        assert!(outcomes(&done, "HELD").contains(&("customers".to_owned(), "R21".to_owned())));
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 1);
        let gone: Vec<String> = outcomes(&done, "ERASED").into_iter().map(|(_, data_type)| data_type).collect();
        assert!(gone.iter().all(|t| ["R27", "R28"].contains(&t.as_str())), "what lets somebody in, and nothing else: {gone:?}");
        assert!(seen > 0, "who has looked into it is evidence, too");
        assert_eq!(app.count("access_entries", "customer_id IS NOT NULL").await, seen);
        let input = json!({ "id": hold["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", input, "hold { id }").await;
        app.run_job("erasures").await;
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 0);
    }

    /// Art. 17(3)(b), AO § 147(3) sentence 5: what a tax audit needs waits for that, and not for claims; with claims beside it, for these.
    async fn a_tax_audit_is_a_ground_of_its_own(app) {
        let known = life::order(app, "max@example.com", "C-5").await;
        life::delivered(app, &known).await;
        let dpo = app.dpo().await;
        let of_orders = async || {
            let input = json!({ "customerId": known.customer, "dryRun": true });
            let selection = "erasure { records { table because article } letter(language: DE) { text } }";
            let erasure = dpo.done("subjectErase", "SubjectEraseInput", input, selection).await["erasure"].clone();
            let of = |r: &&Value| r["table"] == "orders";
            let record = erasure["records"].as_array().unwrap().iter().find(of).unwrap().clone();
            (record, erasure["letter"]["text"].as_str().unwrap().to_owned())
        };
        for (reason, article, words) in [
            ("TAX_AUDIT", "GDPR Art. 17(3)(b)", "eine Steuerprüfung oder eine Behörde verlangt die Aufbewahrung"),
            ("LEGAL_CLAIM", "GDPR Art. 17(3)(e)", "für Rechtsansprüche gebraucht"),
        ] {
            let input = json!({ "records": { "dataType": "R25", "year": 2014 }, "reason": reason, "reviewOn": "2014-09-01" });
            dpo.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
            let (record, letter) = of_orders().await;
            assert_eq!((&record["because"], &record["article"]), (&json!("HOLD"), &json!(article)), "{reason}");
            assert!(letter.contains(words), "{letter}");
        }
    }

    /// F77: an erasure does not wait for the night: with the end of whatever protected something, it goes on.
    async fn the_end_of_a_protection_lets_an_erasure_finish(app) {
        let dpo = app.dpo().await;
        for on in ["order", "case", "records", "restriction"] {
            let known = life::order(app, &format!("{on}@example.com"), &format!("H-{on}"), ).await;
            life::delivered(app, &known).await;
            let mut hold = json!({ "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
            let customer = app.customer(&known.email).await;
            match on {
                "order" => hold["orderId"] = json!(known.order),
                "case" => {
                    let case = life::open(&customer, "USAGE_GUIDANCE", None, "Wie entkalke ich ihn?").await;
                    life::decide(app, &case, "SOLVED_DIRECTLY").await;
                    life::close(app, &case).await;
                    hold["caseId"] = json!(case);
                }
                "records" => hold["records"] = json!({ "dataType": "R25", "year": 2014 }),
                _ => {}
            }
            let (mutation, input_type, selection, end, end_type) = match on {
                "restriction" => {
                    hold = json!({
                        "customerId": known.customer, "ground": "NEEDED_FOR_CLAIMS", "reviewOn": "2014-09-01",
                    });
                    let placed = "restriction { id }";
                    ("restrictionPlace", "RestrictionPlaceInput", placed, "restrictionLift", "RestrictionLiftInput")
                }
                _ => ("holdPlace", "HoldPlaceInput", "hold { id }", "holdRelease", "HoldReleaseInput"),
            };
            let placed = dpo.done(mutation, input_type, hold, selection).await;
            let id = placed.as_object().unwrap().values().find_map(|of| of["id"].as_str()).unwrap();
            let query = "query($e: String!) { dataSubject(email: $e) { holds { id } restrictions { id } } }";
            let listed = dpo.data(query, json!({ "e": known.email })).await["dataSubject"].clone();
            let (there, absent) = if on == "restriction" { ("restrictions", "holds") } else { ("holds", "restrictions") };
            assert_eq!((&listed[there], &listed[absent]), (&json!([{ "id": id }]), &json!([])), "{on}");
            assert_eq!(erase(app, &known.customer, false).await["state"], "DEFERRED", "{on}");
            assert_eq!(app.run_job("erasures").await["erasuresSettled"], 0, "{on}");
            if on == "restriction" {
                let tell = json!({ "id": id, "toldBy": "PHONE" });
                dpo.done("restrictionTell", "RestrictionTellInput", tell, selection).await;
                assert_eq!(app.run_job("erasures").await["erasuresSettled"], 0, "it stands still");
            }
            dpo.done(end, end_type, json!({ "id": id }), selection).await;
            assert_eq!(app.run_job("erasures").await["erasuresSettled"], 1, "{on}");
        }
    }

    /// Art. 17(3): what is held after it was looked at and before it goes is told by the ground of that hold.
    async fn a_hold_that_comes_between_is_told_by_its_ground(app) {
        let (db, dpo) = (app.state.db.write(), app.dpo().await);
        for (reason, article) in [("TAX_AUDIT", "GDPR Art. 17(3)(b)"), ("LEGAL_CLAIM", "GDPR Art. 17(3)(e)")] {
            let known = life::order(app, &format!("{reason}@example.com"), reason).await;
            life::delivered(app, &known).await;
            let input = json!({ "customerId": known.customer, "reason": reason, "reviewOn": "2014-09-01" });
            let hold = dpo.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await["hold"]["id"].clone();
            // The erasure's plan is what is stored between the two: with it the hold stands again.
            let id = life::row(hold.as_str().unwrap());
            db::run(db, "UPDATE holds SET released_at = placed_at WHERE id = $1", [id.into()]).await.unwrap();
            let place = format!("UPDATE holds SET released_at = NULL WHERE reason = '{reason}';");
            let on_plan = "CREATE TRIGGER meanwhile AFTER UPDATE OF identifiers ON erasures";
            let (place, end) = if app.state.db.backend() == DbBackend::Postgres {
                let function = format!("CREATE FUNCTION place() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {place} RETURN NEW; END $$");
                (vec![function, format!("{on_plan} FOR EACH ROW EXECUTE FUNCTION place()")], "DROP FUNCTION place CASCADE")
            } else {
                (vec![format!("{on_plan} BEGIN {place} END")], "DROP TRIGGER meanwhile")
            };
            for sql in place {
                db::run(db, &sql, []).await.unwrap();
            }
            let done = erase(app, &known.customer, false).await;
            db::run(db, end, []).await.unwrap();
            let held = done["records"].as_array().unwrap().iter().filter(|r| r["outcome"] == "HELD");
            let told: Vec<_> = held.map(|r| (r["table"].as_str().unwrap(), r["article"].as_str().unwrap())).collect();
            assert_eq!(told, ["parcels", "order_lines", "orders", "customers"].map(|table| (table, article)));
            assert_eq!(app.count("customers", "email IS NOT NULL").await, 1, "nothing of it has gone");
            dpo.done("holdRelease", "HoldReleaseInput", json!({ "id": hold }), "hold { id }").await;
            assert_eq!(app.run_job("erasures").await["erasuresSettled"], 1);
        }
    }

    /// AO § 147(3): what is held keeps what carries it, and nothing else: neither run nor erasure fails at it.
    async fn what_is_held_keeps_what_carries_it(app) {
        let known = life::order(app, "max@example.com", "C-6").await;
        life::delivered(app, &known).await;
        let case = exchanged(app, &known, "neu-4711").await;
        life::close(app, &case).await;
        let input = json!({ "records": { "dataType": "R08", "year": 2014 }, "reason": "TAX_AUDIT", "reviewOn": "2014-09-01" });
        let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await["hold"]["id"].clone();
        let carried = app.count("parcels", "id IN (SELECT parcel_id FROM carrier_events)").await;
        assert!(carried > 0 && carried < app.count("parcels", "1 = 1").await, "one with events, others without");
        let done = erase(app, &known.customer, false).await;
        assert_eq!(done["state"], "DEFERRED");
        assert_eq!(outcomes(&done, "HELD"), pairs(&[("carrier_events", "R08"), ("parcels", "R07")]));
        assert_eq!(app.count("parcels", "1 = 1").await, carried);
        app.at("2030-01-02T00:00:00Z");
        let report = app.run_job("retention").await;
        assert_eq!(report["run"], "DONE", "{report:#}");
        assert_eq!((app.count("parcels", "1 = 1").await, app.count("refunds", "1 = 1").await), (carried, 0));
        app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": hold }), "hold { id }").await;
        app.run_job("retention").await;
        for table in ["carrier_events", "parcels", "orders", "customers"] {
            assert_eq!(app.count(table, "1 = 1").await, 0, "{table}");
        }
    }
}
