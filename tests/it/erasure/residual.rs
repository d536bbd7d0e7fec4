//! The scan after an erasure finds what should not be there, wherever it lies, and knows what may stay.

use aftersales::auth::Actor;
use aftersales::db;
use aftersales::privacy::scan::scan;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::command::program;
use crate::support::{App, life};

const SCAN: &str =
    "scan { state lookedFor unreadable lawful mentions failures findings { what place rowId sealed kind } }";

/// Erases and scans; the scan.
async fn scanned(app: &App, customer: &str) -> Value {
    let input = json!({ "customerId": customer });
    let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id scan { state } }").await;
    assert_eq!(done["erasure"]["scan"]["state"], "PENDING");
    app.run_job("erasures").await;
    let query = format!("query($id: ID!) {{ erasure(id: $id) {{ {SCAN} }} }}");
    let found = app.dpo().await.data(&query, json!({ "id": done["erasure"]["id"] })).await;
    found["erasure"]["scan"].clone()
}

async fn run(app: &App, sql: &str) {
    assert!(db::run(app.state.db.write(), sql, []).await.unwrap() > 0, "{sql}");
}

fn places(scan: &Value) -> Vec<(&str, &str)> {
    let findings = scan["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> = findings.map(|f| (f["what"].as_str().unwrap(), f["place"].as_str().unwrap())).collect();
    found.sort_unstable();
    found.dedup();
    found
}

on_both_engines! {
    /// F80: everything of the person is looked for; what the law keeps is counted apart; what was looked for is gone.
    async fn a_clean_erasure_passes(app) {
        let known = life::order(app, "max@example.com", "X-2014-1").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        // Same name, street and telephone, but somebody else: what is theirs is theirs.
        let other = life::order(app, "erika@example.com", "X-2014-2").await;
        life::delivered(app, &other).await;
        let scan = scanned(app, &known.customer).await;
        assert_eq!((&scan["state"], &scan["failures"], &scan["mentions"]), (&json!("PASSED"), &json!(0), &json!(0)), "{scan:#}");
        assert!(scan["lawful"].as_i64().unwrap() > 0, "the voucher and the letters hold the name");
        assert_eq!(scan["lookedFor"], 7, "address, name, telephone, street, order, payment, parcel");
        assert_eq!(app.count("erasures", "identifiers IS NULL AND unit_id IS NULL AND scan_state = 'PASSED'").await, 1);
        let left = db::rows(app.state.keys.db().read(), "SELECT 1 FROM units WHERE data_type = 'R13'", []).await.unwrap();
        assert_eq!(left.len(), 0, "its key, too");
        assert_eq!(app.run_job("erasures").await["scansPassed"], 0, "once");
    }

    /// A restore may bring back a scan that had come to its end, without the key of what it looked for: that is told, and stops neither
    /// other scans nor the night.
    async fn what_cannot_be_looked_for_any_more_stops_nothing(app) {
        for (email, number) in [("max@example.com", "X-2014-6"), ("erika@example.com", "X-2014-7")] {
            let known = life::order(app, email, number).await;
            life::delivered(app, &known).await;
            let input = json!({ "customerId": known.customer });
            app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id }").await;
        }
        let pending = "SELECT unit_id FROM erasures WHERE scan_state = 'PENDING' ORDER BY id";
        let units = db::rows(app.state.db.read(), pending, []).await.unwrap();
        assert_eq!(units.len(), 2);
        app.state.keys.destroy(&[entity::ids::UnitId(units[0].try_get_by_index(0).unwrap())]).await.unwrap();
        let report = app.run_job("retention").await;
        assert_eq!((&report["run"], &report["scansPassed"], &report["scansFailed"]), (&json!("DONE"), &json!(1), &json!(0)));
        assert_eq!(app.count("erasures", "scan_state IS NULL AND identifiers IS NULL AND unit_id IS NULL").await, 1);
        assert_eq!(app.count("audit_entries", "action = 'erasure.scan'").await, 2);
    }

    /// A scan that begins while rows still go would find them: none is due before the pass has ended.
    async fn no_scan_is_due_before_the_rows_have_gone(app) {
        let known = life::order(app, "max@example.com", "X-2014-10").await;
        life::delivered(app, &known).await;
        let case = life::open(&app.customer(&known.email).await, "USAGE_GUIDANCE", None, "Wie reinige ich ihn?").await;
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        life::close(app, &case).await;
        let due = "EXISTS (SELECT 1 FROM erasures WHERE scan_state = 'PENDING')";
        let on = "CREATE TRIGGER too_early BEFORE DELETE ON parcels FOR EACH ROW";
        let sql = match app.state.db.backend() {
            sea_orm::DbBackend::Postgres => vec![
                format!(
                    "CREATE FUNCTION too_early() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {due} THEN \
                     RAISE EXCEPTION 'a scan could begin'; END IF; RETURN OLD; END $$"
                ),
                format!("{on} EXECUTE FUNCTION too_early()"),
            ],
            _ => vec![format!("{on} WHEN {due} BEGIN SELECT RAISE(ABORT, 'a scan could begin'); END")],
        };
        for statement in sql {
            db::run(app.state.db.write(), &statement, []).await.unwrap();
        }
        let before = app.count("parcels", "1 = 1").await;
        assert_eq!(scanned(app, &known.customer).await["state"], "PASSED");
        assert_eq!((before, app.count("parcels", "1 = 1").await), (1, 0));
    }

    /// What nobody could look into is not known to be clean.
    async fn what_cannot_be_read_fails(app) {
        let known = life::order(app, "max@example.com", "X-2014-8").await;
        life::delivered(app, &known).await;
        let other = life::order(app, "erika@example.com", "X-2014-9").await;
        let customer = app.customer(&other.email).await;
        let case = life::open(&customer, "COMPLAINT", None, "Hallo.").await;
        life::upload(&customer, &case, "a.jpg", "image/jpeg", &crate::support::media::jpeg()).await;
        run(app, "UPDATE attachments SET blob = 'not/there'").await;
        let scan = scanned(app, &known.customer).await;
        assert_eq!((&scan["state"], &scan["unreadable"], &scan["failures"]), (&json!("FAILED"), &json!(1), &json!(0)), "{scan:#}");
        run(app, "UPDATE attachments SET state = 'RECEIVING'").await;
        let scan = scanned(app, &other.customer).await;
        assert_eq!((&scan["state"], &scan["unreadable"]), (&json!("PASSED"), &json!(0)), "it is still being received");
    }

    /// F80: planted in plain in a row, a dead order of the outbox, a run of a job, the audit: each is found, whatever its case.
    async fn what_lies_in_plain_fails(app) {
        let known = life::order(app, "max@example.com", "X-2014-3").await;
        life::delivered(app, &known).await;
        let other = life::order(app, "erika@example.com", "X-2014-4").await;
        life::open(&app.customer(&other.email).await, "COMPLAINT", None, "Hallo.").await;
        app.run_job("outbox").await;
        run(app, "UPDATE order_lines SET sku = 'MAX@EXAMPLE.COM' WHERE order_id IN (SELECT id FROM orders WHERE customer_id NOT IN (SELECT id FROM customers WHERE erased_at IS NOT NULL))").await;
        run(app, "UPDATE job_runs SET report = '{\"to\":\"max@example.com\"}'").await;
        let sql = "INSERT INTO outbox_entries (id, kind, target, state, attempts, created_at, available_at) \
                   VALUES ($1, 'DELETE_BLOB', 'erika mustermann.jpg', 'DEAD', 20, $2, $2)";
        let now = app.now();
        db::run(app.state.db.write(), sql, [entity::ids::uuid_at(now).into(), now.into()]).await.unwrap();
        run(app, "UPDATE audit_entries SET details = '{\"number\":\"X-2014-3\"}' WHERE action = 'case.open'").await;
        let scan = scanned(app, &known.customer).await;
        assert_eq!(scan["state"], "FAILED");
        let found = places(&scan);
        for place in ["order_lines.sku", "job_runs.report", "outbox_entries.target", "audit_entries.details"] {
            assert!(found.contains(&("FAILURE", place)), "{place}: {scan:#}");
        }
        let failures = scan["findings"].as_array().unwrap().iter().filter(|f| f["what"] == "FAILURE").collect::<Vec<_>>();
        assert!(failures.iter().all(|f| f["sealed"] == false), "{scan:#}");
        assert!(!scan.to_string().to_lowercase().contains("max@"), "places, not what was found");
        assert_eq!(app.count("erasures", "scan_state = 'FAILED' AND certificate LIKE '%\"passed\": false%'").await, 1);
    }

    /// F80: in the name of a blob, in a file of the data folder and in its name.
    async fn files_and_names_are_looked_through(app) {
        let known = life::order(app, "max@example.com", "X-2014-5").await;
        life::delivered(app, &known).await;
        let data = &app.state.config.data;
        std::fs::write(data.join("blobs/Erika Mustermann.jpg"), b"?").unwrap();
        std::fs::create_dir(data.join("tmp")).unwrap();
        let mut part = vec![b'.'; 300_000];
        part.splice(262_140..262_155, *b"Max@example.com");
        std::fs::write(data.join("tmp/upload#1"), part).unwrap();
        std::fs::write(data.join("tmp/export-max@example.com.zip"), b"?").unwrap();
        let scan = scanned(app, &known.customer).await;
        assert_eq!((&scan["state"], &scan["failures"]), (&json!("FAILED"), &json!(4)), "{scan:#}");
        assert_eq!(places(&scan), [("FAILURE", "blob name"), ("FAILURE", "file")]);
        assert!(scan["findings"].as_array().unwrap().iter().all(|f| f["rowId"].is_null()), "names are not repeated");
        for path in ["blobs/Erika Mustermann.jpg", "tmp/upload#1", "tmp/export-max@example.com.zip"] {
            std::fs::remove_file(data.join(path)).unwrap();
        }
    }

    /// F80: what waited goes in a later pass, when the file of the request alone still has the name: it is looked for again.
    async fn a_later_pass_looks_for_the_name_again(app) {
        let known = life::order(app, "max@example.com", "X-2014-9").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "USAGE_GUIDANCE", None, "Wie entkalke ich ihn?").await;
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        life::close(app, &case).await;
        let hold = json!({ "caseId": case, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        let erase = json!({ "customerId": known.customer, "notify": true });
        let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", erase, "erasure { id state }").await;
        assert_eq!(done["erasure"]["state"], "DEFERRED");
        assert_eq!(app.run_job("erasures").await["scansPassed"], 1);
        assert_eq!(app.count("customers", "name IS NOT NULL").await, 0, "the contact record does not wait");
        let input = json!({ "id": hold["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", input, "hold { id }").await;
        let left = app.state.config.data.join("blobs/Erika Mustermann.jpg");
        std::fs::write(&left, b"?").unwrap();
        let run = app.run_job("retention").await;
        assert_eq!(app.count("erasures", "state = 'SETTLED'").await, 1);
        assert_eq!(run["scansFailed"], 1, "{run:#}");
        let query = format!("query($id: ID!) {{ erasure(id: $id) {{ {SCAN} }} }}");
        let found = app.dpo().await.data(&query, json!({ "id": done["erasure"]["id"] })).await;
        assert_eq!(places(&found["erasure"]["scan"]), [("FAILURE", "blob name"), ("FAILURE", "file")]);
        std::fs::remove_file(left).unwrap();
    }

    /// F80: what somebody else has written about the person is theirs, and for a person to look at.
    async fn a_mention_in_another_ones_record_is_counted_apart(app) {
        let known = life::order(app, "max@example.com", "X-2014-6").await;
        life::delivered(app, &known).await;
        let other = life::order(app, "erika@example.com", "X-2014-7").await;
        let customer = app.customer(&other.email).await;
        let case = life::open(&customer, "COMPLAINT", None, "Das Paket von MAX@example.com, Nummer x-2014-6, kam zu mir.").await;
        life::say(&customer, &case, "Nummer X-2014-66 gibt es auch.").await;
        let scan = scanned(app, &known.customer).await;
        assert_eq!((&scan["state"], &scan["failures"]), (&json!("PASSED"), &json!(0)), "{scan:#}");
        // Letters to somebody of the same name are mentions, too.
        let findings = scan["findings"].as_array().unwrap().iter();
        let found: Vec<_> = findings.filter(|f| f["kind"] != "NAME").map(|f| (&f["what"], &f["place"], &f["sealed"])).collect();
        assert_eq!(found, [(&json!("MENTION"), &json!("messages.body"), &json!(true))], "the other number is another");
    }

    /// F80: a sealed record of the person that no report lists has to be gone.
    async fn what_the_report_does_not_list_fails(app) {
        let known = life::order(app, "max@example.com", "X-2014-8").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id }").await;
        // As if the voucher had been listed as erased and yet been left.
        let rows = db::rows(app.state.db.read(), "SELECT report FROM erasures", []).await.unwrap();
        let mut report: Value = serde_json::from_str(&rows[0].try_get_by_index::<String>(0).unwrap()).unwrap();
        for group in report["groups"].as_array_mut().unwrap().iter_mut().filter(|g| g["like"]["table"] == "refunds") {
            group["like"]["outcome"] = json!("ERASED");
        }
        db::run(app.state.db.write(), "UPDATE erasures SET report = $1", [report.to_string().into()]).await.unwrap();
        let done = app.run_job("erasures").await;
        assert_eq!((&done["scansPassed"], &done["scansFailed"]), (&json!(0), &json!(1)));
        let found = app.dpo().await.data(&format!("{{ erasures {{ nodes {{ {SCAN} }} }} }}"), json!({})).await;
        let scan = &found["erasures"]["nodes"][0]["scan"];
        assert_eq!(places(scan), [("FAILURE", "refunds.payee")]);
        assert_eq!(scan["findings"][0]["sealed"], true);
    }

    /// What a hold covers is not what it is: a finding in one names the rule of holds.
    async fn a_hold_on_records_is_found_as_a_hold(app) {
        let records = json!({ "dataType": "R01", "year": 2014 });
        let hold = json!({ "records": records, "reason": "LEGAL_CLAIM", "note": "Prüfung Kennwort", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        let found = scan(&app.state, &Actor::System, "prüfung kennwort").await.unwrap().findings;
        let found: Vec<_> = found.iter().map(|f| (f.place.as_str(), f.data_type.unwrap().code())).collect();
        assert_eq!(found, [("holds.note", "R32")]);
    }

    /// SQLite's locks are the process's: reading its files beside it may not lose them. Else the next command, which finds nobody else
    /// there, throws the log away that this process goes on writing.
    async fn a_scan_leaves_the_locks_of_the_databases(app) {
        app.clock.set(aftersales::clock::Clock::System.now());
        let known = life::order(app, "max@example.com", "L-1").await;
        life::delivered(app, &known).await;
        assert_eq!(scanned(app, &known.customer).await["state"], "PASSED");
        assert_eq!(program(app, &["doctor"]).status.code(), Some(0));
        life::order(app, "erika@example.com", "L-2").await;
        let token = program(app, &["token", "--role", "customer", "--customer", "erika@example.com"]);
        assert_eq!(token.status.code(), Some(0), "what was written is there for others: {}", String::from_utf8_lossy(&token.stderr));
    }
}
