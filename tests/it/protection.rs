//! Holds on records of a year, restriction of processing, purposes, and the archive.

use aftersales::cases;
use aftersales::clock::Clock;
use aftersales::db;
use aftersales::error::Error;
use aftersales::retention::{archive, guards};
use aftersales::state::App as State;
use chrono::TimeDelta;
use entity::Purpose;
use entity::ids::UnitId;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, days, goods, life};

async fn restrict(app: &App, scope: Value) -> String {
    let review = (app.now() + days(90)).date_naive();
    let mut input = json!({ "ground": "ACCURACY_CONTESTED", "note": "Adresse bestritten", "reviewOn": review });
    input.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    let placed =
        app.dpo().await.done("restrictionPlace", "RestrictionPlaceInput", input, "restriction { id note }").await;
    assert_eq!(placed["restriction"]["note"], "Adresse bestritten");
    placed["restriction"]["id"].as_str().unwrap().to_owned()
}

async fn found(app: &App, case: &str) -> Value {
    let agent = app.agent().await;
    let search = "query($e: String!) { serviceCases(filter: { email: $e }) { nodes { id } } }";
    let listed = agent.data(search, json!({ "e": "max@example.com" })).await;
    let one = agent.gql("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await.json();
    json!([listed["serviceCases"]["nodes"].as_array().unwrap().len(), one["data"]["serviceCase"]])
}

on_both_engines! {
    /// F91, S67: a restricted case is gone from search and reads of staff, changes are refused with the date, and the
    /// person goes on reading; it is lifted only after the person was told (GDPR Art. 18(3)).
    async fn a_restricted_case_is_stored_and_nothing_else(app) {
        let known = life::order(app, "max@example.com", "B-7001").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Kaputt.").await;
        assert_eq!(found(app, &case).await[0], 1);
        let restriction = restrict(app, json!({ "caseId": case })).await;
        assert_eq!(found(app, &case).await, json!([0, null]));

        let input = json!({ "caseId": case, "body": "Guten Tag" });
        let refused = app.agent().await.mutate("messageAdd", "MessageAddInput", input, "message { id }").await;
        assert_eq!(refused["userErrors"][0]["code"], "RESTRICTED");
        assert_eq!(refused["userErrors"][0]["details"][0]["name"], "since");
        life::order(app, "other@example.com", "B-7010").await;
        let stranger = app.customer("other@example.com").await;
        let input = json!({ "caseId": case, "body": "Guten Tag" });
        let refused = stranger.mutate("messageAdd", "MessageAddInput", input, "message { id }").await;
        assert_eq!(refused["userErrors"][0]["code"], "NOT_FOUND", "nobody else learns of it");
        let own = customer.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await;
        assert!(own["serviceCase"]["number"].is_string(), "{own}");

        let dpo = app.dpo().await;
        let id = json!({ "id": restriction });
        let early = dpo.mutate("restrictionLift", "RestrictionLiftInput", id.clone(), "restriction { id }").await;
        assert_eq!(early["userErrors"][0]["code"], "PERSON_NOT_TOLD");
        app.advance(TimeDelta::seconds(1));
        let tell = json!({ "id": restriction, "toldBy": "LETTER" });
        dpo.done("restrictionTell", "RestrictionTellInput", tell, "restriction { toldAt }").await;
        app.advance(TimeDelta::seconds(1));
        let review = json!({ "id": restriction, "reviewOn": "2014-08-01" });
        dpo.done("restrictionReview", "RestrictionReviewInput", review, "restriction { reviewOn }").await;
        app.advance(TimeDelta::seconds(1));
        let lifted = dpo.done("restrictionLift", "RestrictionLiftInput", id, "restriction { liftedAt history { action } }").await;
        let done: Vec<_> = lifted["restriction"]["history"].as_array().unwrap().iter().map(|h| h["action"].clone()).collect();
        assert_eq!(done, ["restriction.place", "restriction.tell", "restriction.review", "restriction.lift"]);
        assert_eq!(found(app, &case).await[0], 1);
    }

    /// F91: what the statute or the person demands still goes through: a refund that runs, a withdrawal.
    async fn a_refund_and_a_withdrawal_go_through_a_restriction(app) {
        let known = life::order(app, "max@example.com", "B-7002").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "COMPLAINT", Some(&known.order), "Kratzer.").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let refund = life::grant(app, &case, 500).await;
        restrict(app, json!({ "customerId": known.customer })).await;
        assert_eq!(found(app, &case).await, json!([0, null]));
        let listed = app.finance().await.data("{ refunds { nodes { id } } }", json!({})).await;
        assert_eq!(listed["refunds"]["nodes"][0]["id"], json!(refund), "it has to be paid");
        life::step(app, "refundSubmit", &refund).await;
        life::step(app, "refundCredit", &refund).await;
        let listed = app.finance().await.data("{ refunds { nodes { id } } }", json!({})).await;
        assert_eq!(listed["refunds"]["nodes"], json!([]), "and nothing else");

        let withdrawal = life::open(&customer, "WITHDRAWAL", Some(&known.order), "Ich widerrufe.").await;
        assert!(found(app, &withdrawal).await[1]["number"].is_string(), "staff has to deal with it");
    }

    /// Decision 4: neither the job, nor an erasure, nor a statement that slips past the code deletes what is restricted.
    async fn nothing_restricted_is_deleted(app) {
        let known = life::order(app, "max@example.com", "B-7003").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let restriction = restrict(app, json!({ "caseId": case })).await;
        let refused = db::run(app.state.db.write(), "DELETE FROM messages", []).await.unwrap_err().to_string();
        assert!(refused.contains("restriction of processing"), "{refused}");
        app.at("2018-06-01T00:00:00Z");
        let report = app.run_job("retention").await;
        let line = report["lines"].as_array().unwrap().iter().find(|l| l["table"] == "cases").unwrap();
        assert_eq!((&line["restricted"], &line["anonymised"]), (&json!(1), &json!(0)));
        let input = json!({ "customerId": known.customer });
        let erased = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state records { table outcome } }").await;
        let records = erased["erasure"]["records"].as_array().unwrap();
        let restricted = records.iter().filter(|r| r["outcome"] == "RESTRICTED").count();
        assert!(restricted > 2 && records.iter().any(|r| r["table"] == "cases" && r["outcome"] == "RESTRICTED"), "{records:?}");
        assert_eq!(erased["erasure"]["state"], "DEFERRED");

        let dpo = app.dpo().await;
        let mut tell = json!({ "id": restriction, "toldBy": "EMAIL" });
        let (code, error) = dpo.refused("restrictionTell", "RestrictionTellInput", tell.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "toldBy"])), "no address is left");
        tell["toldBy"] = json!("LETTER");
        dpo.done("restrictionTell", "RestrictionTellInput", tell, "restriction { toldBy }").await;
        dpo.done("restrictionLift", "RestrictionLiftInput", json!({ "id": restriction }), "restriction { id }").await;
        app.run_job("retention").await;
        assert_eq!(app.count("cases", "state <> 'ERASED'").await, 0, "it follows by itself");
    }

    /// domain 1.4, TX: a tax hold is one switch per year and data type.
    async fn a_hold_on_records_of_a_year_keeps_them_and_no_others(app) {
        let known = life::order(app, "max@example.com", "B-7004").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        app.at("2015-02-01T00:00:00Z");
        let later = life::order(app, "eva@example.com", "B-7005").await;
        life::delivered(app, &later).await;
        life::whole_case(app, &later).await;
        assert_eq!(app.count("refunds", "1 = 1").await, 2);
        app.at("2022-12-01T00:00:00Z");
        let dpo = app.dpo().await;
        let input = json!({ "records": { "dataType": "R01", "year": 2014 }, "reason": "TAX_AUDIT", "reviewOn": "2023-05-01" });
        let selection = "hold { id records { dataType year } }";
        let placed = dpo.done("holdPlace", "HoldPlaceInput", input, selection).await;
        assert_eq!(placed["hold"]["records"], json!({ "dataType": "R01", "year": 2014 }));
        for (records, field) in [(json!({ "dataType": "R99", "year": 2014 }), "dataType"), (json!({ "dataType": "R01", "year": 14 }), "year")] {
            let input = json!({ "records": records, "reason": "TAX_AUDIT", "reviewOn": "2023-05-01" });
            let refused = dpo.mutate("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
            assert_eq!(refused["userErrors"][0]["field"], json!(["input", "records", field]));
        }
        let refused = db::run(app.state.db.write(), "DELETE FROM refunds", []).await.unwrap_err().to_string();
        assert!(refused.contains("row of refunds is under a legal hold"), "{refused}");

        app.at("2024-01-01T02:00:00Z");
        let report = app.run_job("retention").await;
        let line = report["lines"].as_array().unwrap().iter().find(|l| l["table"] == "refunds").unwrap();
        assert_eq!((&line["held"], &line["deleted"]), (&json!(1), &json!(1)), "2014 is held, 2015 went: {report:#}");
        let due = app.dpo().await.data("{ holds(which: REVIEW_DUE) { nodes { id reviewDue } } }", json!({})).await;
        assert_eq!(due["holds"]["nodes"][0]["reviewDue"], true);
        let id = placed["hold"]["id"].clone();
        let review = json!({ "id": id, "reviewOn": "2024-06-30" });
        app.dpo().await.done("holdReview", "HoldReviewInput", review, "hold { reviewOn }").await;
        let due = app.dpo().await.data("{ holds(which: REVIEW_DUE) { nodes { id } } }", json!({})).await;
        assert_eq!(due["holds"]["nodes"], json!([]));
        let far = json!({ "id": id, "reviewOn": "2024-07-02" });
        let refused = app.dpo().await.mutate("holdReview", "HoldReviewInput", far, "hold { id }").await;
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "reviewOn"]), "six months at most");
        let released = app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": id }), "hold { history { action } }").await;
        assert_eq!(released["hold"]["history"].as_array().unwrap().len(), 3);
        app.run_job("retention").await;
        assert_eq!(app.count("refunds", "1 = 1").await, 0);
    }

    /// `TRUNCATE` asks no row, and is refused as a whole while anything stands.
    async fn no_table_is_emptied_under_a_hold(app) {
        if app.state.db.backend() != sea_orm::DbBackend::Postgres {
            return;
        }
        let known = life::order(app, "max@example.com", "B-7015").await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        let placed = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        let empty = async || db::run(app.state.db.write(), "TRUNCATE messages", []).await;
        let refused = empty().await.unwrap_err().to_string();
        assert!(refused.contains("messages cannot be emptied"), "{refused}");
        let id = json!({ "id": placed["hold"]["id"] });
        app.dpo().await.done("holdRelease", "HoldReleaseInput", id, "hold { id }").await;
        empty().await.unwrap();
    }

    /// domain 1.4, EDPB 01/2022: while a request for access is open nothing of the person goes, by rule or by an erasure.
    async fn an_open_request_for_access_keeps_everything_until_it_is_answered(app) {
        let known = life::order(app, "max@example.com", "B-7016").await;
        life::delivered(app, &known).await;
        life::whole_case(app, &known).await;
        let of = |scope: Value, review: &str| {
            let mut input = json!({ "reason": "ACCESS_REQUEST", "reviewOn": review });
            input.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
            input
        };
        let dpo = app.dpo().await;
        for (input, field) in [
            (of(json!({ "orderId": known.order }), "2014-04-01"), "reason"),
            (of(json!({ "customerId": known.customer }), "2014-07-01"), "reviewOn"),
        ] {
            let (code, error) = dpo.refused("holdPlace", "HoldPlaceInput", input).await;
            assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", field])));
        }
        let input = of(json!({ "customerId": known.customer }), "2014-06-01");
        let hold = dpo.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await["hold"]["id"].clone();
        let far = json!({ "id": hold, "reviewOn": "2014-08-01" });
        assert_eq!(dpo.refused("holdReview", "HoldReviewInput", far).await.0, "INVALID");
        let before = app.counts().await;
        let input = json!({ "customerId": known.customer, "notify": true });
        let selection = "erasure { state records { table outcome article } }";
        let done = dpo.done("subjectErase", "SubjectEraseInput", input, selection).await;
        let records = done["erasure"]["records"].as_array().unwrap();
        // What only lets somebody in is nothing that was asked for.
        let gone = records.iter().filter(|r| r["outcome"] == "ERASED");
        assert!(gone.clone().all(|r| r["table"] == "tokens" || r["table"] == "idempotency_keys"), "{done:#}");
        let held: Vec<_> = records.iter().filter(|r| r["outcome"] == "HELD").collect();
        assert!(held.len() > 5 && held.iter().all(|r| r["article"] == "GDPR Art. 15"), "{done:#}");
        let of_person = ["messages", "orders", "cases", "parcels"];
        let left = app.counts().await;
        for table in of_person {
            let count = |all: &[(&str, i64)]| all.iter().find(|(name, _)| *name == table).unwrap().1;
            assert!(count(&left) >= count(&before), "{table}");
        }
        dpo.done("holdRelease", "HoldReleaseInput", json!({ "id": hold }), "hold { id }").await;
        app.run_job("erasures").await;
        assert_eq!(app.count("cases", "erased_at IS NULL").await, 0, "it follows by itself");
    }

    /// Decision 2: the guards are those that the map wants, and one that was tampered with is put right at the next start.
    async fn guards_are_put_right(app) {
        assert_eq!(guards::missing(&app.state.db).await.unwrap(), Vec::<String>::new());
        let drop = if app.state.db.backend() == sea_orm::DbBackend::Postgres {
            "DROP TRIGGER messages_guard_delete ON messages"
        } else {
            "DROP TRIGGER messages_guard_delete"
        };
        db::run(app.state.db.write(), drop, []).await.unwrap();
        assert_eq!(guards::missing(&app.state.db).await.unwrap(), ["messages_guard_delete"]);
        guards::install(&app.state.db).await.unwrap();
        assert_eq!(guards::missing(&app.state.db).await.unwrap(), Vec::<String>::new());
    }

    /// S67: nothing is opened for a purpose that its data type does not serve.
    async fn a_purpose_that_the_data_does_not_serve_opens_nothing(app) {
        let known = life::order(app, "max@example.com", "B-7006").await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "note": "Klage", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { note }").await;
        let rows = db::rows(app.state.db.read(), "SELECT unit_id FROM holds", []).await.unwrap();
        let unit = UnitId(rows[0].try_get_by_index(0).unwrap());
        let now = app.state.clock.now();
        for purpose in [Purpose::CaseHandling, Purpose::Refund, Purpose::Contact, Purpose::Bookkeeping] {
            let Err(Error::Refused(refusal)) = app.state.keys.load(&[unit], purpose, now).await else { panic!("{purpose:?}") };
            assert_eq!(refusal.code.as_str(), "PURPOSE_NOT_ALLOWED");
        }
        assert_eq!(app.state.keys.load(&[unit], Purpose::DataProtection, now).await.unwrap().len(), 1);

        let agent = app.agent().await;
        let reveal = "query($id: ID!, $p: AccessPurpose!) { customer(id: $id) { contact(purpose: $p) { email } } }";
        for purpose in ["BOOKKEEPING", "SELF_SERVICE", "DATA_PROTECTION"] {
            let refused = agent.gql(reveal, json!({ "id": known.customer, "p": purpose })).await.json();
            assert!(refused["data"]["customer"].is_null(), "{refused}");
            assert!(refused.to_string().contains("may not be used for this purpose"), "{refused}");
        }
        let shown = agent.data(reveal, json!({ "id": known.customer, "p": "CONTACT" })).await;
        assert_eq!(shown["customer"]["contact"]["email"], "max@example.com");
    }

    /// S71, N7: after the tails of the warranty a case leaves search and normal reads; finance and the data-protection
    /// officer see what serves their reason, and every look is logged.
    async fn what_is_kept_for_a_duty_alone_lies_in_the_archive(app) {
        let known = life::order(app, "max@example.com", "B-7007").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let agent = app.agent().await;
        let number = agent.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await;
        let number = number["serviceCase"]["number"].as_str().unwrap().to_owned();
        app.at("2016-06-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(found(app, &case).await[0], 1, "two years and two months: a defect may still show up late");
        app.at("2016-08-15T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(found(app, &case).await, json!([0, null]));
        let order = app.agent().await.gql("query($id: ID!) { order(id: $id) { id } }", json!({ "id": known.order })).await.json();
        assert!(order["data"]["order"].is_null());
        let listed = app.finance().await.data("{ refunds { nodes { id } } }", json!({})).await;
        assert_eq!(listed["refunds"]["nodes"], json!([]));
        let listed = app.shop().data("{ orders { nodes { id } } }", json!({})).await;
        assert_eq!(listed["orders"]["nodes"], json!([]), "the shop has its own books");

        let open = "query($n: String!, $r: ArchiveReason!) { archive(of: { caseNumber: $n }, reason: $r) \
                    { table dataType keptUntil because purpose values { label value } } }";
        let books = app.finance().await.data(open, json!({ "n": number, "r": "BOOKKEEPING" })).await;
        let tables: Vec<&str> = books["archive"].as_array().unwrap().iter().map(|r| r["table"].as_str().unwrap()).collect();
        assert!(tables.contains(&"refunds") && tables.contains(&"messages"), "{tables:?}");
        assert!(!tables.contains(&"cases") && !tables.contains(&"customers"), "not what no books need: {tables:?}");
        let refund = books["archive"].as_array().unwrap().iter().find(|r| r["table"] == "refunds").unwrap().clone();
        assert_eq!(refund["keptUntil"], "2022-12-31");
        let all = app.dpo().await.data(open, json!({ "n": number, "r": "DATA_PROTECTION" })).await;
        assert!(all["archive"].as_array().unwrap().iter().any(|r| r["table"] == "cases"), "{all}");
        let refused = app.finance().await.gql(open, json!({ "n": number, "r": "DATA_PROTECTION" })).await.json();
        assert!(refused.to_string().contains("may not be used for this purpose"), "{refused}");
        assert_eq!(app.count("access_entries", "purpose = 'BOOKKEEPING'").await, 1);

        // A new order brings the person back.
        let again = life::order(app, "max@example.com", "B-7009").await;
        assert_eq!(app.count("customers", "archived_at IS NULL").await, 1, "{}", again.customer);
    }

    /// BGB § 443: what a guarantee is given for is of use as long as that.
    async fn a_guarantee_keeps_an_order_in_service(app) {
        let known = life::order(app, "max@example.com", "B-7011").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let guarantee = "UPDATE order_lines SET guarantee_months = 36";
        db::run(app.state.db.write(), guarantee, []).await.unwrap();
        for (at, listed) in [("2016-08-15T00:00:00Z", 1), ("2017-03-01T00:00:00Z", 1), ("2017-04-15T00:00:00Z", 0)] {
            app.at(at);
            app.run_job("retention").await;
            assert_eq!(found(app, &case).await[0], listed, "{at}");
        }
    }

    /// GDPR Art. 18(2), BGB § 355(3): a withdrawal goes through a restriction to its end: goods are booked in and money goes back.
    async fn a_withdrawal_goes_through_a_restriction_to_its_end(app) {
        let known = goods::order(app, "max@example.com", "B-7013", "DE").await;
        let case = goods::case(app, &known, "WITHDRAWAL").await;
        restrict(app, json!({ "customerId": known.customer })).await;
        let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 1, "reason": "NO_REASON" }])).await;
        let warehouse = goods::warehouse(app).await;
        let seen = warehouse.data("query($id: ID!) { return(id: $id) { number } }", json!({ "id": id })).await;
        let by_number = "query($n: String!) { returnByNumber(number: $n) { id } }";
        let found = warehouse.data(by_number, json!({ "n": seen["return"]["number"] })).await;
        assert_eq!(found["returnByNumber"]["id"], json!(id));
        goods::receive(app, &id, json!([{ "position": 1, "received": 1 }])).await;
        let query = "query($id: ID!) { serviceCase(id: $id) { order { lines { id } } } }";
        let of = app.agent().await.data(query, json!({ "id": case })).await;
        let input = json!({ "caseId": case, "lines": [{ "orderLineId": of["serviceCase"]["order"]["lines"][0]["id"], "quantity": 1 }] });
        let done = app.finance().await.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
        let refund = done["refund"]["id"].as_str().unwrap();
        life::step(app, "refundSubmit", refund).await;
        life::step(app, "refundFail", refund).await;
        crate::support::money::agree(app, refund).await;
        // Anything else of the same person stays shut.
        let other = life::order(app, "max@example.com", "B-7014").await;
        let order = app.agent().await.gql("query($id: ID!) { order(id: $id) { id } }", json!({ "id": other.order })).await.json();
        assert!(order["data"]["order"].is_null(), "{order}");
    }

    /// GDPR Art. 18(2): what is restricted is opened for claims, not for the books.
    async fn the_archive_opens_what_is_restricted_for_claims_alone(app) {
        let known = life::order(app, "max@example.com", "B-7012").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let open = "query($o: String!, $r: ArchiveReason!) { archive(of: { orderNumber: $o }, reason: $r) { table } }";
        let tables = async |reason: &str| {
            let found = app.finance().await.data(open, json!({ "o": "B-7012", "r": reason })).await;
            found["archive"].as_array().unwrap().iter().map(|r| r["table"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for reason in ["BOOKKEEPING", "LEGAL_CLAIM"] {
            assert_eq!(tables(reason).await, Vec::<String>::new(), "what is in service is read where it is worked on");
        }
        let look = json!({ "o": "B-7012", "r": "DATA_PROTECTION" });
        assert_eq!(app.dpo().await.data(open, look).await["archive"], json!([]), "nor is it the officer's to read");
        app.at("2016-08-15T00:00:00Z");
        app.run_job("retention").await;
        assert!(tables("BOOKKEEPING").await.contains(&"refunds".to_owned()));
        restrict(app, json!({ "caseId": case })).await;
        assert!(!tables("BOOKKEEPING").await.contains(&"refunds".to_owned()));
        assert!(tables("LEGAL_CLAIM").await.contains(&"refunds".to_owned()));
    }

    /// GDPR Art. 17(3)(e), 5(1)(b): what an erasure has to leave for a hold is there for that alone. It leaves normal reads at once,
    /// but for what somebody still works on; the archive opens it for its reason.
    async fn what_an_erasure_leaves_for_a_hold_lies_in_the_archive(app) {
        let known = life::order(app, "max@example.com", "B-7010").await;
        life::delivered(app, &known).await;
        let (case, ..) = life::whole_case(app, &known).await;
        let open = life::open(&app.customer(&known.email).await, "USAGE_GUIDANCE", None, "Wie reinige ich ihn?").await;
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        let hold = app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await["hold"]["id"].clone();
        for of in [&case, &open] {
            let of = entity::ids::CaseId(life::row(of));
            cases::tasks::file_alone(&app.state, of, entity::tasks::Kind::MailBounced).await.unwrap();
        }
        let tasks = async || app.agent().await.data("{ tasks { nodes { id } } }", json!({})).await["tasks"]["nodes"].clone();
        app.run_job("retention").await;
        assert_eq!((found(app, &case).await[0].clone(), tasks().await.as_array().unwrap().len()), (json!(2), 2), "a hold hides nothing");
        let erase = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", erase, "erasure { state }").await;

        assert_eq!(found(app, &case).await, json!([1, null]));
        assert_eq!(tasks().await.as_array().unwrap().len(), 1, "and what was to be done about it");
        assert!(found(app, &open).await[1]["number"].is_string(), "it is still worked on");
        life::decide(app, &open, "SOLVED_DIRECTLY").await;
        life::close(app, &open).await;
        app.run_job("erasures").await;
        assert_eq!(found(app, &open).await, json!([0, null]));
        let seen = "query($o: ID!, $c: ID!) { order(id: $o) { id } customer(id: $c) { id } orders { nodes { id } } \
                    refunds { nodes { id } } returns { nodes { id } } tasks { nodes { id } } customers { nodes { id } } }";
        let seen = app.agent().await.gql(seen, json!({ "o": known.order, "c": known.customer })).await.json();
        let nothing = json!({ "nodes": [] });
        for list in ["orders", "refunds", "returns", "tasks", "customers"] {
            assert_eq!(seen["data"][list], nothing, "{list}: {seen:#}");
        }
        assert_eq!((&seen["data"]["order"], &seen["data"]["customer"]), (&Value::Null, &Value::Null));

        let look = "query($e: String!) { archive(of: { email: $e }, reason: LEGAL_CLAIM) { table } }";
        let look = app.finance().await.data(look, json!({ "e": "max@example.com" })).await;
        let tables: Vec<&str> = look["archive"].as_array().unwrap().iter().map(|r| r["table"].as_str().unwrap()).collect();
        for table in ["customers", "orders", "cases", "messages"] {
            assert!(tables.contains(&table), "{table}: {tables:?}");
        }

        // Whoever orders again is a customer again; what was asked to be erased stays where it is.
        let again = life::order(app, "max@example.com", "B-7011").await;
        assert_eq!(again.customer, known.customer);
        assert_eq!(found(app, &case).await, json!([0, null]));
        let seen = app.agent().await.data("{ orders { nodes { id } } customers { nodes { id } } }", json!({})).await;
        assert_eq!(seen, json!({ "orders": { "nodes": [{ "id": again.order }] }, "customers": { "nodes": [{ "id": again.customer }] } }));
        app.dpo().await.done("holdRelease", "HoldReleaseInput", json!({ "id": hold }), "hold { id }").await;
        app.run_job("erasures").await;
        assert_eq!(app.count("cases", "erased_at IS NULL").await, 0);
        assert_eq!(app.count("orders", "erased_at IS NULL").await, 1);
    }

    /// What only a hold or a restriction keeps beyond its period leaves normal reads with the end of that.
    async fn what_a_hold_keeps_beyond_its_period_lies_in_the_archive(app) {
        let known = life::order(app, "max@example.com", "B-7012").await;
        let (held, free) = (known.email.clone(), life::order(app, "erika@example.com", "B-7013").await.email);
        for email in [&held, &free] {
            let case = life::open(&app.customer(email).await, "USAGE_GUIDANCE", None, "Wie reinige ich ihn?").await;
            life::decide(app, &case, "SOLVED_DIRECTLY").await;
            life::close(app, &case).await;
        }
        let input = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-09-01" });
        app.dpo().await.done("holdPlace", "HoldPlaceInput", input, "hold { id }").await;
        let file = app.folder.path().join("policy.toml");
        std::fs::write(&file, "retention.periods.R24 = { months = 1 }\n").unwrap();
        let mut config = app.state.config.clone();
        config.policy = Some(file);
        let state = State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap();
        let archived = async || app.count("cases", "archived_at IS NOT NULL").await;
        app.at("2015-01-31T10:00:00Z");
        archive::run(&state, true).await.unwrap();
        assert_eq!(archived().await, 0, "the last day counts whole");
        app.at("2015-02-01T10:00:00Z");
        archive::run(&state, true).await.unwrap();
        assert_eq!(archived().await, 1, "the other one is for the sweep");
        assert_eq!(app.count("cases", "archived_at IS NOT NULL AND customer_id IN (SELECT customer_id FROM holds)").await, 1);
    }
}
