//! Withdrawal in two steps, without an account; what is received is received.

use aftersales::db;
use chrono::TimeDelta;
use entity::mails::Template;
use serde_json::json;

use crate::on_both_engines;
use crate::support::{App, days, intake, life};

const CASE: &str = "id kind channel state order { id } missing { fact } \
    withdrawal { receivedAt dispatchedAt statement matched timeliness refundDue withholding { mayWithhold endedAt } } \
    timers { state rule }";

async fn waiting(app: &App) -> i64 {
    app.count("tasks", "kind = 'MATCH_WITHDRAWAL' AND done_at IS NULL").await
}

on_both_engines! {
    /// F17: two steps, no account, no reason; the receipt holds content, date and time; the refund is due in 14 days.
    async fn two_steps_and_a_receipt(app) {
        let known = life::order(app, "max@example.com", "W-1").await;
        life::delivered(app, &known).await;
        app.advance(days(3));
        let before = app.counts().await;
        let input = json!({ "name": "Erika Mustermann", "contract": "Bestellung W-1 vom 10. März", "receiptTo": "max@example.com" });
        let prepared = intake::prepare(&app.anonymous(), input).await;
        assert_eq!(app.counts().await, before, "the first step stores nothing");
        let statement = prepared["statement"].as_str().unwrap().to_owned();
        assert_eq!(
            statement,
            "Hiermit widerrufe ich den von mir abgeschlossenen Vertrag.\n\nVertrag: Bestellung W-1 vom 10. März\n\
             Name: Erika Mustermann\nBestätigung an: max@example.com"
        );
        let labels = json!([
            { "locale": "DE", "function": "Vertrag widerrufen", "confirm": "Widerruf bestätigen" },
            { "locale": "EN", "function": "Withdraw from contract here", "confirm": "Confirm withdrawal" },
        ]);
        assert_eq!(prepared["labels"], labels);
        app.advance(TimeDelta::minutes(5));
        let done = intake::confirm(&app.anonymous(), &prepared["token"]).await;
        assert_eq!(done["receivedAt"], "2014-03-13T09:05:00+00:00");
        assert_eq!(done["timeliness"], json!(null), "a stranger learns nothing");
        let (text, to) = intake::letter(app, Template::WithdrawalReceipt).await.unwrap();
        assert_eq!(to, "max@example.com");
        for part in ["13.03.2014, 10:05 Uhr (MEZ)", "2014-03-13T09:05:00Z", "Vertrag: Bestellung W-1 vom 10. März"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let case = intake::case(app, &done["number"], CASE).await;
        assert_eq!((&case["kind"], &case["channel"], &case["state"]), (&json!("WITHDRAWAL"), &json!("WEB_FORM"), &json!("RECEIVED")));
        assert_eq!(case["order"]["id"], known.order.as_str());
        assert_eq!(case["missing"], json!([]), "nothing else is ever asked for");
        let w = &case["withdrawal"];
        assert_eq!((&w["matched"], &w["timeliness"]), (&json!(true), &json!("IN_TIME")));
        assert_eq!(w["statement"], statement.as_str());
        assert_eq!(w["refundDue"], "2014-03-27T23:00:00+00:00", "the end of 27 March in Berlin");
        assert_eq!(w["withholding"], json!({ "mayWithhold": true, "endedAt": null }));
        assert_eq!(app.count("withdrawals", "receipt_id IS NOT NULL").await, 1);
        assert_eq!(waiting(app).await, 0);
    }

    /// F17: whoever is signed in enters nothing again; a guest only what a link does not show.
    async fn what_is_known_is_not_asked_again(app) {
        let known = life::order(app, "max@example.com", "W-2").await;
        let customer = app.customer("max@example.com").await;
        let prepared = intake::prepare(&customer, json!({ "orderId": known.order })).await;
        let statement = prepared["statement"].as_str().unwrap();
        assert!(statement.contains("Vertrag: W-2") && statement.contains("Bestätigung an: max@example.com"), "{statement}");
        let done = intake::confirm(&customer, &prepared["token"]).await;
        assert_eq!(done["timeliness"], "IN_TIME", "before anything has arrived");
        app.advance(TimeDelta::minutes(1));
        let guest = intake::guest(app, "W-2", "max@example.com").await;
        let input = json!({ "name": "E. Mustermann", "receiptTo": "erika@example.org" });
        let prepared = intake::prepare(&guest, input).await;
        intake::confirm(&guest, &prepared["token"]).await;
        assert_eq!(intake::letter(app, Template::WithdrawalReceipt).await.unwrap().1, "erika@example.org");
        assert_eq!(app.count("customers", "1 = 1").await, 1, "still one person");
        let other = life::order(app, "erika@example.com", "W-3").await;
        for field in [json!({ "orderId": other.order }), json!({})] {
            let query = "mutation($i: WithdrawalPrepareInput!) { withdrawalPrepare(input: $i) { token userErrors { code } } }";
            let answer = customer.data(query, json!({ "i": field })).await["withdrawalPrepare"].clone();
            assert_eq!(answer["token"], json!(null), "{answer}");
        }
    }

    /// F17: a token is this server's, for an hour, for one statement.
    async fn a_token_is_one_statement(app) {
        life::order(app, "max@example.com", "W-4").await;
        let input = json!({ "name": "Max", "contract": "W-4", "receiptTo": "max@example.com" });
        let token = intake::prepare(&app.anonymous(), input.clone()).await["token"].clone();
        let late = intake::prepare(&app.anonymous(), input).await["token"].clone();
        let mut forged = token.as_str().unwrap().to_owned();
        forged.replace_range(20..21, if &forged[20..21] == "A" { "B" } else { "A" });
        let refused = app.anonymous().refused("withdrawalConfirm", "WithdrawalConfirmInput", json!({ "token": forged })).await;
        assert_eq!(refused.0, "LINK_INVALID");
        let first = intake::confirm(&app.anonymous(), &token).await;
        app.advance(TimeDelta::hours(1));
        let refused = app.anonymous().refused("withdrawalConfirm", "WithdrawalConfirmInput", json!({ "token": late })).await;
        assert_eq!(refused.0, "LINK_INVALID", "its hour is over");
        assert_eq!(intake::confirm(&app.anonymous(), &token).await, first, "received is received");
        assert_eq!(app.count("withdrawals", "1 = 1").await, 1);
        assert_eq!(app.count("mails", "template = 'WITHDRAWAL_RECEIPT'").await, 1);
    }

    /// F17: lateness is recorded and shown to those who decide; it stops nobody.
    async fn late_is_recorded_and_not_refused(app) {
        let known = life::order(app, "max@example.com", "W-5").await;
        life::delivered(app, &known).await;
        app.at("2014-03-24T22:59:00Z");
        let customer = app.customer("max@example.com").await;
        let prepared = intake::prepare(&customer, json!({ "orderId": known.order })).await;
        let done = intake::confirm(&customer, &prepared["token"]).await;
        assert_eq!(done["timeliness"], "IN_TIME");
        app.at("2014-03-26T09:00:00Z");
        let customer = app.customer("max@example.com").await;
        let prepared = intake::prepare(&customer, json!({ "orderId": known.order })).await;
        let done = intake::confirm(&customer, &prepared["token"]).await;
        assert_eq!(done["timeliness"], "LATE");
        let letter = json!({
            "customerId": known.customer, "contract": "W-5", "statement": "Ich widerrufe.", "channel": "LETTER",
            "receivedAt": "2014-03-26T08:00:00Z", "dispatchedAt": "2014-03-24T10:00:00Z",
        });
        let agent = app.agent().await;
        let selection = "withdrawal { number receivedAt timeliness }";
        let done = agent.done("withdrawalRecord", "WithdrawalRecordInput", letter, selection).await;
        assert_eq!(done["withdrawal"]["timeliness"], "IN_TIME", "sent in time suffices");
        let case = intake::case(app, &done["withdrawal"]["number"], CASE).await;
        assert_eq!(case["withdrawal"]["refundDue"], "2014-04-09T22:00:00+00:00", "from its receipt");
    }

    /// F17: what fits no order is received all the same, and matched by hand; the statement stays.
    async fn unmatched_then_matched(app) {
        let known = life::order(app, "max@example.com", "W-6").await;
        let other = life::order(app, "erika@example.com", "W-7").await;
        let done = intake::withdraw(app, "W-7", "max@example.com").await;
        let case = intake::case(app, &done["number"], CASE).await;
        assert_eq!((&case["order"], &case["withdrawal"]["timeliness"]), (&json!(null), &json!("UNMATCHED")));
        assert_eq!(waiting(app).await, 1);
        let agent = app.agent().await;
        let wrong = json!({ "caseId": case["id"], "orderId": other.order });
        assert_eq!(agent.refused("withdrawalMatch", "WithdrawalMatchInput", wrong).await.0, "NOT_FOUND");
        let right = json!({ "caseId": case["id"], "orderId": known.order });
        agent.done("withdrawalMatch", "WithdrawalMatchInput", right.clone(), "withdrawal { number }").await;
        let after = intake::case(app, &done["number"], CASE).await;
        assert_eq!(after["order"]["id"], known.order.as_str());
        assert_eq!(after["withdrawal"]["matched"], true);
        for same in ["receivedAt", "statement", "refundDue"] {
            assert_eq!(after["withdrawal"][same], case["withdrawal"][same], "{same}");
        }
        assert_eq!(waiting(app).await, 0);
        assert_eq!(agent.refused("withdrawalMatch", "WithdrawalMatchInput", right).await.0, "TRANSITION_NOT_ALLOWED");
    }

    /// F17: a statement is neither changed nor called off, and nothing pauses its period.
    async fn a_statement_stays(app) {
        let known = life::order(app, "max@example.com", "W-8").await;
        let done = intake::withdraw(app, "W-8", "max@example.com").await;
        for change in ["received_at = '2014-03-01 00:00:00+00:00'", "name = contract", "statement = receipt_to"] {
            let error = db::run(app.state.db.write(), &format!("UPDATE withdrawals SET {change}"), []).await.unwrap_err();
            assert!(error.to_string().contains("never changes"), "{change}: {error}");
        }
        let case = intake::case(app, &done["number"], CASE).await;
        let customer = app.customer(&known.email).await;
        let refused = customer.refused("serviceCaseCancel", "ServiceCaseCancelInput", json!({ "caseId": case["id"] })).await;
        assert_eq!(refused.0, "TRANSITION_NOT_ALLOWED");
        let agent = app.agent().await;
        agent.done("serviceCaseReview", "ServiceCaseStepInput", json!({ "caseId": case["id"] }), "").await;
        let ask = json!({ "caseId": case["id"], "facts": ["PRODUCT"], "text": "Welche Ware geht zurück?" });
        agent.done("serviceCaseAskInfo", "ServiceCaseAskInfoInput", ask, "").await;
        assert_eq!(app.count("timers", "rule = 'withdrawal-refund' AND state = 'RUNNING'").await, 1);
        assert_eq!(app.count("timers", "state = 'PAUSED'").await, 1, "the review waits");
        app.advance(days(15));
        app.run_job("timers").await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_WITHDRAWAL'").await, 1);
    }

    /// F17: receipt, case and period are there as soon as the statement is: all of it or nothing.
    async fn it_is_one_transaction(app) {
        life::order(app, "max@example.com", "W-9").await;
        let input = json!({ "name": "Max", "contract": "W-9", "receiptTo": "max@example.com" });
        let token = intake::prepare(&app.anonymous(), input).await["token"].clone();
        let before = app.counts().await;
        // The timer is the last row of the transaction: without its table nothing of it must stay.
        db::run(app.state.db.write(), "ALTER TABLE timers RENAME TO timers_away", []).await.unwrap();
        let query = "mutation($i: WithdrawalConfirmInput!) { withdrawalConfirm(input: $i) { withdrawal { number } } }";
        let input = json!({ "i": { "token": token, "idempotencyKey": "one" } });
        assert_eq!(app.anonymous().gql(query, input.clone()).await.code(), "INTERNAL_SERVER_ERROR");
        db::run(app.state.db.write(), "ALTER TABLE timers_away RENAME TO timers", []).await.unwrap();
        assert_eq!(app.counts().await, before);
        let done = app.anonymous().data(query, input).await;
        assert!(done["withdrawalConfirm"]["withdrawal"]["number"].is_string());
        assert_eq!(app.count("withdrawals", "receipt_id = (SELECT id FROM mails WHERE template = 'WITHDRAWAL_RECEIPT')").await, 1);
    }

    /// Whoever is not the customer chooses no order: the withdrawal would be one person's from another's contract.
    async fn an_order_is_chosen_by_its_customer_alone(app) {
        let max = life::order(app, "max@example.com", "W-32").await;
        let query = "mutation($i: WithdrawalPrepareInput!) { withdrawalPrepare(input: $i) { token userErrors { code field } } }";
        let input = json!({ "i": { "name": "Erika", "contract": "W-32", "receiptTo": "erika@example.com", "orderId": max.order } });
        for caller in [app.agent().await, app.shop(), app.finance().await] {
            let refused = caller.data(query, input.clone()).await["withdrawalPrepare"].clone();
            assert_eq!(refused["userErrors"][0]["field"], json!(["input", "orderId"]), "{refused}");
        }
        // Erased between the two steps, the address is a stranger's, and of the order only the voucher's bare id is left.
        let customer = app.customer("max@example.com").await;
        let token = intake::prepare(&customer, json!({ "name": "Max", "contract": "W-32", "receiptTo": "max@example.com", "orderId": max.order })).await["token"].clone();
        life::delivered(app, &max).await;
        life::whole_case(app, &max).await;
        let erase = json!({ "customerId": max.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", erase, "erasure { state }").await;
        assert_eq!(app.count("orders", "erased_at IS NOT NULL").await, 1);
        intake::confirm(&app.anonymous(), &token).await;
        assert_eq!(app.count("cases", "kind = 'WITHDRAWAL' AND order_id IS NULL").await, 1);
    }

    /// BGB §§ 355(3), 357(1): no merger ends the period of the refund, or moves it back.
    async fn a_withdrawal_is_merged_only_into_an_earlier_one(app) {
        let known = life::order(app, "max@example.com", "W-31").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let other = life::open(&customer, "RETURN", Some(&known.order), "Zurück.").await;
        let first = life::open(&customer, "WITHDRAWAL", Some(&known.order), "Ich widerrufe.").await;
        app.advance(chrono::TimeDelta::days(1));
        let customer = app.customer(&known.email).await;
        let second = life::open(&customer, "WITHDRAWAL", Some(&known.order), "Ich widerrufe, zum zweiten Mal.").await;
        let agent = app.agent().await;
        for (case, into) in [(&first, &other), (&first, &second)] {
            let input = json!({ "caseId": case, "intoCaseId": into });
            let (code, error) = agent.refused("serviceCaseMerge", "ServiceCaseMergeInput", input).await;
            assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "intoCaseId"])));
        }
        let input = json!({ "caseId": second, "intoCaseId": first });
        agent.done("serviceCaseMerge", "ServiceCaseMergeInput", input, "serviceCase { state }").await;
        assert_eq!(app.count("timers", "rule = 'withdrawal-refund' AND state = 'RUNNING'").await, 1);
    }

    /// BGB § 355, GDPR Art. 18(2): a withdrawal is effective whether or not the person's data is restricted, also where staff writes it down.
    async fn a_withdrawal_is_written_down_through_a_restriction(app) {
        let known = life::order(app, "max@example.com", "W-33").await;
        let restrict = json!({ "customerId": known.customer, "ground": "OBJECTION_PENDING", "reviewOn": "2014-04-01" });
        app.dpo().await.done("restrictionPlace", "RestrictionPlaceInput", restrict, "restriction { id }").await;
        let of = [json!({ "customerId": known.customer }), json!({ "name": "Max Mustermann", "email": "max@example.com" })];
        for (n, whose) in of.into_iter().enumerate() {
            let mut input = json!({
                "contract": "W-33", "statement": format!("Ich widerrufe, zum {n}. Mal."), "channel": "LETTER",
                "receivedAt": app.now(),
            });
            input.as_object_mut().unwrap().extend(whose.as_object().unwrap().clone());
            let selection = "withdrawal { timeliness }";
            let done = app.agent().await.done("withdrawalRecord", "WithdrawalRecordInput", input, selection).await;
            assert_eq!(done["withdrawal"]["timeliness"], "IN_TIME");
        }
        assert_eq!(app.count("withdrawals", "order_id IS NOT NULL").await, 2);
    }
}
