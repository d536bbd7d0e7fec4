//! The life of data after the work is done: periods, the sweep, holds, and twelve years in one test.

use aftersales::db;
use aftersales::retention::door::{self, Announced, Ground, Seen, Verdict};
use aftersales::retention::paths;
use aftersales::retention::rows::{Marks, read as read_rows};
use entity::ids::CustomerId;
use entity::map::Table;
use sea_orm::{ConnectionTrait as _, DbBackend};
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, days, life};

/// Runs the nightly job and checks first that its dry run says the same and changes nothing.
async fn sweep(app: &App) -> Value {
    let dry =
        aftersales::retention::sweep::run(&app.state, &aftersales::auth::Actor::System, true, None).await.unwrap();
    let real = app.run_job("retention").await;
    let lines = serde_json::to_value(&dry.lines).unwrap();
    assert_eq!(lines, real["lines"], "the dry run says what the run does");
    real
}

/// (rows, rows that are bare) of a table.
async fn rows(app: &App, table: &str) -> i64 {
    app.count(table, "1 = 1").await
}

async fn read(app: &App, table: &'static Table) -> Seen {
    let rows = read_rows(app.state.db.read(), table, Marks::ALL, "1 = 1", Vec::new()).await.unwrap();
    Seen { table, rows }
}

async fn announce<'a>(app: &'a App, table: &'static Table) -> Announced<'a> {
    let seen = read(app, table).await;
    door::announce(&app.state, vec![seen], Ground::Rule).await.unwrap()
}

async fn outcomes(app: &App, announced: Announced<'_>) -> Vec<Verdict> {
    let removed = announced.carry_out(&app.state, &aftersales::auth::Actor::System).await.unwrap();
    removed.verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

fn line<'a>(report: &'a Value, data_type: &str, table: &str) -> &'a Value {
    let lines = report["lines"].as_array().unwrap();
    let found = lines.iter().find(|l| l["dataType"] == data_type && l["table"] == table);
    found.unwrap_or_else(|| panic!("no line {data_type} {table} in {report:#}"))
}

on_both_engines! {
    /// N8, F84, S71, S72: different parts of one case expire at different times, each on its day and not before.
    async fn a_case_lives_twelve_years(app) {
        let known = life::order(app, "erika@example.com", "B-1001").await;
        app.advance(days(3));
        life::delivered(app, &known).await;
        app.advance(days(2));
        let (case, _, _) = life::whole_case(app, &known).await;
        // Closed in March 2014, accepted in full: the photo is R09a.
        assert_eq!(app.count("attachments", "data_type = 'R09a'").await, 1);

        app.at("2014-03-23T03:00:00Z");
        let report = sweep(app).await;
        assert_eq!(line(&report, "R28", "idempotency_keys")["due"], line(&report, "R28", "idempotency_keys")["deleted"]);
        assert_eq!(rows(app, "idempotency_keys").await, 0, "R28: seven days");

        app.at("2014-09-15T21:59:59Z");
        sweep(app).await;
        assert_eq!(rows(app, "attachments").await, 1, "R09a: the last day counts whole");
        app.at("2014-09-15T22:00:00Z");
        let report = sweep(app).await;
        assert_eq!(line(&report, "R09a", "attachments")["deleted"], 1);
        assert_eq!(rows(app, "attachments").await, 0, "R09a: six months after closing");

        app.at("2015-03-17T00:00:00Z");
        sweep(app).await;
        assert_eq!(rows(app, "access_entries").await, 0, "R12: a year");

        app.at("2017-12-31T22:59:59Z");
        sweep(app).await;
        assert_eq!((rows(app, "parcels").await, app.count("cases", "state = 'CLOSED'").await), (1, 1));
        app.at("2017-12-31T23:00:00Z");
        let report = sweep(app).await;
        assert_eq!(line(&report, "R07", "parcels")["deleted"], 1);
        assert_eq!(line(&report, "R24", "cases")["anonymised"], 1);
        assert_eq!(line(&report, "R25", "orders")["anonymised"], 1);
        assert_eq!(line(&report, "R25", "order_lines")["anonymised"], 1);
        assert_eq!(line(&report, "R21", "customers")["deleted"], 1);
        assert_eq!((rows(app, "parcels").await, rows(app, "order_lines").await), (0, 0));
        let bare = "erased_at IS NOT NULL AND unit_id IS NULL";
        assert_eq!((app.count("customers", bare).await, app.count("orders", bare).await), (1, 1), "bare ids stay");
        assert_eq!(app.count("cases", "state = 'ERASED' AND kind IS NULL AND number IS NULL").await, 1);
        assert_eq!((rows(app, "messages").await, rows(app, "refunds").await), (4, 1), "letters and voucher stay");
        assert_eq!(rows(app, "service_statistics").await, 0, "one case and one line of a year are no statistics");

        app.at("2020-12-31T22:59:59Z");
        sweep(app).await;
        assert_eq!(rows(app, "messages").await, 4);
        app.at("2020-12-31T23:00:00Z");
        let report = sweep(app).await;
        assert_eq!(line(&report, "R03", "messages")["deleted"], 4, "six years from the end of the year");
        assert_eq!(app.count("cases", "1 = 1").await, 1, "the voucher still points to it");

        app.at("2022-12-31T22:59:59Z");
        sweep(app).await;
        assert_eq!(rows(app, "refunds").await, 1);
        app.at("2022-12-31T23:00:00Z");
        let report = sweep(app).await;
        assert_eq!(line(&report, "R01", "refunds")["deleted"], 1, "eight years from the end of the year");
        assert_eq!(report["bareRemoved"], 3, "with the voucher go the bare case, order and customer");
        for table in ["customers", "orders", "cases", "messages", "refunds"] {
            assert_eq!(rows(app, table).await, 0, "{table}");
        }
        let keys = db::rows(app.state.keys.db().read(), "SELECT 1 FROM units", []).await.unwrap();
        let lookups = db::rows(app.state.keys.db().read(), "SELECT 1 FROM lookups", []).await.unwrap();
        assert_eq!((keys.len(), lookups.len()), (0, 0), "no key and no look-up is left");

        app.at("2026-03-10T09:00:00Z");
        sweep(app).await;
        let old = format!("row_id = '{}'", life::row(&case));
        let old = if app.state.db.backend() == sea_orm::DbBackend::Sqlite {
            format!("hex(row_id) = '{}'", life::row(&case).simple().to_string().to_uppercase())
        } else {
            old
        };
        assert_eq!(app.count("audit_entries", &old).await, 0, "R11: ten years from the end of the year");
    }

    /// F90, S71: a hold stops the job, and what was due goes when it is released.
    async fn a_hold_stops_the_sweep_until_it_is_released(app) {
        let known = life::order(app, "max@example.com", "B-1002").await;
        life::delivered(app, &known).await;
        let (case, _, _) = life::whole_case(app, &known).await;
        let dpo = app.dpo().await;
        let input = json!({
            "caseId": case, "reason": "LEGAL_CLAIM", "note": "Klage angekündigt", "reviewOn": "2014-09-01",
        });
        let placed = dpo.done("holdPlace", "HoldPlaceInput", input, "hold { id note }").await;
        assert_eq!(placed["hold"]["note"], "Klage angekündigt");
        app.at("2018-06-01T00:00:00Z");
        let report = sweep(app).await;
        assert_eq!(line(&report, "R24", "cases")["held"], 1);
        assert_eq!(line(&report, "R09a", "attachments")["held"], 1);
        assert_eq!(line(&report, "R07", "parcels")["deleted"], 1, "a hold covers the case, not the whole person");
        assert_eq!((rows(app, "attachments").await, app.count("cases", "state = 'CLOSED'").await), (1, 1));

        let input = json!({ "id": placed["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", input, "hold { releasedAt }").await;
        let report = sweep(app).await;
        assert_eq!(line(&report, "R24", "cases")["anonymised"], 1);
        assert_eq!(rows(app, "attachments").await, 0);
        app.at("2021-12-31T23:00:00Z");
        sweep(app).await;
        assert_eq!(rows(app, "holds").await, 0, "R32: three years from the end of the year of release");
    }

    /// Decision 4: below the code, triggers refuse deletion and clearing under a hold.
    async fn triggers_refuse_what_slips_past_the_door(app) {
        let known = life::order(app, "max@example.com", "B-1003").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        life::queue(&app.state, life::letter(&known.customer, &case, &known.email, "Guten Tag")).await;
        let input = json!({ "customerId": known.customer, "reason": "TAX_AUDIT", "reviewOn": "2014-09-01" });
        let placed = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        let clearing = [
            ("customers", "email"), ("orders", "number"), ("order_lines", "title"), ("parcels", "tracking_number"),
            ("cases", "kind"), ("messages", "body"), ("mails", "recipient"),
            ("mails", "subject"), ("mails", "body_text"), ("mails", "body_html"), ("refunds", "payee"),
            ("attachments", "file_name"),
        ];
        for (table, column) in clearing {
            for sql in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET {column} = NULL")] {
                let refused = db::run(app.state.db.write(), &sql, []).await.unwrap_err().to_string();
                // PostgreSQL looks at foreign keys before it asks the statement's own trigger.
                let pointed_to = sql.starts_with("DELETE") && refused.contains("foreign key");
                let held = refused.contains(&format!("row of {table} is under a legal hold"));
                assert!(held || pointed_to, "{sql}: {refused}");
            }
        }
        let input = json!({ "id": placed["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", input, "hold { id }").await;
        db::run(app.state.db.write(), "UPDATE messages SET body = NULL, unit_id = NULL", []).await.unwrap();
    }

    /// Decision 4: placing a hold and passing the door meet on one lock: never both.
    async fn a_hold_and_the_sweep_never_both_win(app) {
        let mut cases = Vec::new();
        for n in 0..12 {
            let known = life::order(app, &format!("c{n}@example.com"), &format!("B-2{n:03}")).await;
            life::delivered(app, &known).await;
            let customer = app.customer(&known.email).await;
            let case = life::open(&customer, "RETURN", Some(&known.order), "Bitte zurück.").await;
            life::decide(app, &case, "NOT_ELIGIBLE").await;
            life::close(app, &case).await;
            cases.push(case);
        }
        app.at("2018-02-01T00:00:00Z");
        let dpo = app.dpo().await;
        let place = async |case: &String| {
            let input = json!({ "caseId": case, "reason": "LEGAL_CLAIM", "reviewOn": "2018-03-01" });
            dpo.mutate("holdPlace", "HoldPlaceInput", input, "hold { id }").await
        };
        let holds = futures::future::join_all(cases.iter().map(place));
        let (report, placed) = futures::join!(app.run_job("retention"), holds);
        let held = placed.iter().filter(|p| !p["hold"].is_null()).count();
        assert_eq!(held, 12, "a case that is a bare id can still be held: {placed:?}");
        let survived = app.count("cases", "state = 'CLOSED'").await;
        let gone = line(&report, "R24", "cases")["anonymised"].as_i64().unwrap();
        assert_eq!(survived + gone, 12, "each case was either held or anonymised, none both, none neither");
    }

    /// R27, R33: tokens and outbox entries by days.
    async fn technical_records_go_after_days(app) {
        let known = life::order(app, "max@example.com", "B-1004").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        assert!(rows(app, "tokens").await > 0);
        app.advance(days(9));
        sweep(app).await;
        assert_eq!(rows(app, "tokens").await, 0, "R27: seven days after the end");
        app.at("2014-10-01T00:00:00Z");
        sweep(app).await;
        assert!(app.count("outbox_entries", "state = 'DONE'").await > 0, "the photo and its key went");
        app.at("2014-11-02T00:00:00Z");
        sweep(app).await;
        assert_eq!(app.count("outbox_entries", "kind = 'DELETE_BLOB'").await, 0, "R33: thirty days");
        assert!(app.count("job_runs", "1 = 1").await > 0);
        app.at("2018-01-01T00:00:00Z");
        sweep(app).await;
        assert_eq!(app.count("job_runs", "started_at < '2015-01-01'").await, 0, "R13");
    }

    /// N7: why a record is still here, until when.
    async fn a_record_says_why_it_is_kept(app) {
        let known = life::order(app, "max@example.com", "B-1005").await;
        life::delivered(app, &known).await;
        let (case, _, _) = life::whole_case(app, &known).await;
        let query = "query($id: ID!) { serviceCase(id: $id) { retention { dataType because keptUntil endsAt action }
            messages { nodes { retention { dataType because keptUntil } } }
            refunds { retention { dataType because keptUntil floor } } } }";
        let found = app.agent().await.data(query, json!({ "id": case })).await["serviceCase"].clone();
        assert_eq!(found["retention"]["keptUntil"], "2017-12-31");
        assert_eq!(found["retention"]["endsAt"], "2017-12-31T23:00:00+00:00");
        assert_eq!(found["retention"]["action"], "ANONYMISE");
        assert_eq!(found["messages"]["nodes"][0]["retention"]["keptUntil"], "2020-12-31");
        let voucher = &found["refunds"][0]["retention"];
        assert_eq!(voucher["because"], "AO § 147(3), HGB § 257(4)");
        assert_eq!((voucher["keptUntil"].as_str(), voucher["floor"].as_str()), (Some("2022-12-31"), Some("GDPR Art. 17(3)(b)")));
    }

    /// F96: what keeps a record whatever its period says is told to staff.
    async fn a_record_says_what_it_waits_for(app) {
        let known = life::order(app, "max@example.com", "B-1009").await;
        let customer = app.customer(&known.email).await;
        let query = "query($id: ID!) { order(id: $id) { retention { waitsFor } lines { retention { waitsFor } } } }";
        let waits = async || app.agent().await.data(query, json!({ "id": known.order })).await["order"].clone();
        let all = |of: &[&str]| json!({ "retention": { "waitsFor": of }, "lines": [{ "retention": { "waitsFor": of } }] });
        assert_eq!(waits().await, all(&["ORDER_ON_ITS_WAY"]));
        life::delivered(app, &known).await;
        assert_eq!(waits().await, all(&[]));
        life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Er leckt.").await;
        let hold = json!({ "orderId": known.order, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        assert_eq!(waits().await, all(&["HOLD", "OPEN_WORK"]));
        let theirs = customer.data(query, json!({ "id": known.order })).await;
        assert_eq!(theirs["order"]["retention"]["waitsFor"], json!(null));
    }

    /// R07, R21, R25: what is never reported delivered counts from its registration, and a returning customer is known
    /// until three years after the last event.
    async fn an_order_without_delivery_does_not_stay_for_ever(app) {
        let known = life::order(app, "max@example.com", "B-1006").await;
        life::delivered(app, &known).await;
        app.at("2017-12-30T09:00:00Z");
        life::order(app, "max@example.com", "B-1007").await;
        app.at("2018-01-02T00:00:00Z");
        sweep(app).await;
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 1, "the new order needs the contact");
        assert_eq!(app.count("orders", "number IS NOT NULL").await, 1);
        app.at("2021-01-01T00:00:00Z");
        sweep(app).await;
        for table in ["customers", "orders", "order_lines", "parcels"] {
            assert_eq!(rows(app, table).await, 0, "{table}");
        }
    }

    /// Decisions 4 and 6: the deleting statement checks once more what was seen without a lock. What has become another meanwhile
    /// stays, the ledger takes its word back, and what has not goes.
    async fn what_has_become_another_since_it_was_seen_stays(app) {
        let known = life::order(app, "erika@example.com", "B-1008").await;
        app.advance(days(3));
        life::delivered(app, &known).await;
        let (case, _, _) = life::whole_case(app, &known).await;
        app.at("2021-06-01T00:00:00Z");
        let letters = entity::map::table("messages").unwrap();
        let ids = read(app, letters).await.rows.into_iter().map(|row| db::id_list(app.state.db.backend(), [row.id])).collect::<Vec<_>>();
        let backend = app.state.db.backend();
        let one = format!("WHERE {}", db::is_any(backend, "id", 1));
        let last = async || app.state.ledger.entries().await.unwrap().pop().unwrap();

        let hold = json!({ "caseId": case, "reason": "LEGAL_CLAIM", "note": "Klage", "reviewOn": "2021-09-01" });
        let announced = announce(app, letters).await;
        let placed = app.dpo().await.done("holdPlace", "HoldPlaceInput", hold, "hold { id }").await;
        assert_eq!(outcomes(app, announced).await, [Verdict::Held, Verdict::Held, Verdict::Held, Verdict::Held]);
        assert_eq!((rows(app, "messages").await, &last().await["event"]), (4, &json!("VOID")));
        let release = json!({ "id": placed["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", release, "hold { releasedAt }").await;

        for (busy, idle) in [
            ("UPDATE cases SET state = 'UNDER_REVIEW'", "UPDATE cases SET state = 'CLOSED'"),
            ("UPDATE refunds SET state = 'SUBMITTED'", "UPDATE refunds SET state = 'CREDITED'"),
        ] {
            for all_of in [None, Some(CustomerId(life::row(&known.customer)))] {
                let announced = announce(app, letters).await.expect_whole(all_of);
                db::run(app.state.db.write(), busy, []).await.unwrap();
                assert_eq!(outcomes(app, announced).await, [const { Verdict::Deferred }; 4], "{busy}, {all_of:?}");
                db::run(app.state.db.write(), idle, []).await.unwrap();
            }
        }

        let later = |column: &str| format!("UPDATE messages SET {column} = '2021-05-01T00:00:00+00:00' {one}");
        let announced = announce(app, letters).await;
        db::run(app.state.db.write(), &later("start_at"), [ids[0].clone()]).await.unwrap();
        let mut after = outcomes(app, announced).await;
        after.sort_by_key(|verdict| *verdict == Verdict::NotDue);
        assert_eq!(after, [Verdict::Erased, Verdict::Erased, Verdict::Erased, Verdict::NotDue], "the others go");
        assert_eq!(rows(app, "messages").await, 1);
        let end = last().await;
        assert_eq!(end["event"], "SETTLED");
        let entries = app.state.ledger.entries().await.unwrap();
        let word = entries.iter().find(|e| e["event"] == "INTENT" && e["intent"] == end["intent"]).unwrap();
        assert_eq!(word["rows"][0]["ids"].as_array().unwrap().len(), 3, "the word that was kept names what went");

        let announced = announce(app, letters).await;
        announced.withdraw(&app.state).await.unwrap();
        assert_eq!(rows(app, "messages").await, 1, "what was announced and withdrawn stays");
    }

    /// Whether anybody works for a person is asked under the lock for each batch of theirs: two small indexes know it, whatever the
    /// person has had.
    async fn whether_anybody_works_for_a_person_is_known_to_an_index(app) {
        let known = life::order(app, "erika@example.com", "B-1010").await;
        let tx = app.state.db.begin().await.unwrap();
        let explain = if tx.get_database_backend() == DbBackend::Postgres {
            db::run(&tx, "SET LOCAL enable_seqscan = off", []).await.unwrap();
            "EXPLAIN"
        } else {
            "EXPLAIN QUERY PLAN"
        };
        let sql = format!("{explain} SELECT 1 WHERE {}", paths::is_working_for(1));
        let text = if explain == "EXPLAIN" { 0 } else { 3 };
        let lines = db::rows(&tx, &sql, [life::row(&known.customer).into()]).await.unwrap();
        let plan: Vec<String> = lines.iter().map(|line| line.try_get_by_index(text).unwrap()).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("cases_open") && plan.contains("refunds_running"), "{plan}");
    }

    /// Where something points to a row after all, nothing dangles and nothing is lost: its bare id stays.
    async fn what_something_points_to_after_all_stays_as_an_id(app) {
        let known = life::order(app, "erika@example.com", "B-1009").await;
        app.advance(days(3));
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        app.at("2040-01-01T00:00:00Z");
        // What points to it without a foreign key is found by the first try.
        for table in aftersales::retention::paths::WITHOUT_KEY {
            db::run(app.state.db.write(), &format!("DELETE FROM {table}"), []).await.unwrap();
        }
        let cases = entity::map::table("cases").unwrap();
        let announced = announce(app, cases).await.expect_whole(Some(CustomerId(life::row(&known.customer))));
        assert_eq!(outcomes(app, announced).await, [Verdict::Anonymised]);
        assert_eq!((app.count("cases", "erased_at IS NOT NULL").await, rows(app, "cases").await), (1, 1));
        assert!(rows(app, "messages").await > 0, "they pointed to it");
        let entries = app.state.ledger.entries().await.unwrap();
        let ends: Vec<&Value> = entries.iter().map(|e| &e["event"]).filter(|e| *e == "VOID" || *e == "SETTLED").collect();
        assert_eq!(ends, ["VOID", "SETTLED"], "the first try took nothing");
        sweep(app).await;
        assert_eq!(rows(app, "cases").await, 0);
    }

    /// R31: when somebody leaves, the account is closed at once and gone after its period; the audit keeps the id.
    async fn a_staff_account_ends(app) {
        let agent = app.agent().await;
        let admin = app.staff(entity::staff::Role::Admin).await;
        let members = admin.data("{ staffMembers { id role } }", json!({})).await;
        let id = members["staffMembers"].as_array().unwrap().iter().find(|m| m["role"] == "AGENT").unwrap()["id"].clone();
        admin.done("staffMemberLeave", "StaffMemberLeaveInput", json!({ "id": id }), "staffMember { leftAt }").await;
        assert_eq!(agent.gql("{ viewer { kind } }", json!({})).await.code(), "UNAUTHENTICATED");
        app.at("2018-01-01T00:00:00Z");
        sweep(app).await;
        assert_eq!(app.count("staff", "role = 'AGENT'").await, 0);
        assert_eq!(app.count("audit_entries", "action = 'staff.leave'").await, 1);
    }
}
