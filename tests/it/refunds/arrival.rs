//! Whether the money arrives: what is overdue, what is traced, what is told.

use serde_json::{Value, json};

use super::{claim, detail, line_input, withdrawal};
use crate::on_both_engines;
use crate::support::{days, life, money};

on_both_engines! {
    /// S61, F37: after fifteen Werktage without a credit the job marks it, once; a credit ends it.
    async fn what_does_not_arrive_is_overdue(app) {
        let (_, case) = claim(app, "D-16").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundSubmit", &refund).await;
        app.at("2014-03-27T22:59:59Z");
        assert_eq!(app.run_job("timers").await["refundsOverdue"], 0);
        app.at("2014-03-27T23:00:00Z");
        assert_eq!(app.run_job("timers").await["refundsOverdue"], 1);
        assert_eq!(app.run_job("timers").await["refundsOverdue"], 0);
        assert_eq!(app.count("refunds", "state = 'OVERDUE'").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 1);
        assert_eq!(app.count("audit_entries", "action = 'refund.advance' AND actor_kind = 'SYSTEM'").await, 1);
        // A second submission has fifteen Werktage of its own.
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        life::step(app, "refundSubmit", &refund).await;
        app.run_job("timers").await;
        assert_eq!(app.count("refunds", "state = 'SUBMITTED'").await, 1);
        life::step(app, "refundCredit", &refund).await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 0);
    }

    /// S61, S62: asked too early, it is refused with the day; then it is traced, and the customer sees what concerns them.
    async fn an_inquiry_is_answered_with_a_log(app) {
        let (known, case) = claim(app, "D-17").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundSubmit", &refund).await;
        let customer = app.customer(&known.email).await;
        let ask = json!({ "refundId": refund, "text": "Es ist nichts angekommen." });
        let (code, error) = customer.refused("refundInquire", "RefundInquireInput", ask.clone()).await;
        assert_eq!((code.as_str(), detail(&error, "lastDay"), detail(&error, "possibleFrom")),
            ("TOO_EARLY", "2014-03-27", "2014-03-27T23:00:00+00:00"));
        app.at("2014-03-28T09:00:00Z");
        app.run_job("timers").await;
        let customer = app.customer(&known.email).await;
        let done = customer.done("refundInquire", "RefundInquireInput", ask.clone(), "refund { state stateLabel }").await;
        assert_eq!(done["refund"]["state"], "CLARIFICATION");
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 1, "not twice");
        assert_eq!(customer.refused("refundInquire", "RefundInquireInput", ask).await.0, "TRANSITION_NOT_ALLOWED");

        let agent = app.agent().await;
        let selection = "entry { party arn } warnings { name value }";
        for (party, arn, odd) in [("PROVIDER", "74987500000000000000001", 0), ("BANK", "RRN 123", 1), ("SHOP", "", 0)] {
            app.advance(chrono::TimeDelta::seconds(1));
            let input = json!({ "refundId": refund, "party": party, "text": format!("Mit {party} gesprochen."), "arn": arn });
            let done = agent.done("refundInquiryNote", "RefundInquiryNoteInput", input, selection).await;
            assert_eq!(done["warnings"].as_array().unwrap().len(), odd, "{done}");
        }
        let query = "query($id: ID!) { refund(id: $id) { inquiry { party text arn author } } }";
        for (caller, parties) in [(&customer, vec!["CUSTOMER", "PROVIDER", "BANK"]), (&agent, vec!["CUSTOMER", "PROVIDER", "BANK", "SHOP"])] {
            let found = caller.data(query, json!({ "id": refund })).await;
            let log = found["refund"]["inquiry"].as_array().unwrap().clone();
            assert_eq!(log.iter().map(|e| e["party"].as_str().unwrap()).collect::<Vec<_>>(), parties);
            assert_eq!((&log[0]["text"], &log[0]["author"]), (&json!("Es ist nichts angekommen."), &json!("CUSTOMER")));
            assert_eq!(log[1]["arn"], "74987500000000000000001");
        }
        assert_eq!(app.count("inquiry_entries", "start_at = at").await, 4);
        life::step(app, "refundCredit", &refund).await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL").await, 0);
    }

    /// S61: a customer may ask after a case was closed; nothing is reopened by that, and what is filed ends with the case.
    async fn an_inquiry_after_closing_reopens_nothing(app) {
        let (known, case) = claim(app, "D-18").await;
        let refund = life::refunded(app, &case, 11990).await;
        life::close(app, &case).await;
        app.at("2014-04-01T09:00:00Z");
        let customer = app.customer(&known.email).await;
        let ask = json!({ "refundId": refund, "text": "Auf dem Konto ist nichts." });
        customer.done("refundInquire", "RefundInquireInput", ask, "refund { state }").await;
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REFUND_NOT_CREDITED' AND done_at IS NULL AND start_at IS NOT NULL").await, 1);
        // It is found to have bounced: now it is owed again.
        life::step(app, "refundFail", &refund).await;
        assert_eq!(app.count("cases", "state = 'REFUND'").await, 1);
    }

    /// R10, R03: consent and log have their own periods, outlive an erasure as long as these last, and leave no key behind.
    async fn consent_and_log_go_when_their_periods_end(app) {
        let (known, case) = claim(app, "D-25").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundSubmit", &refund).await;
        let note = json!({ "refundId": refund, "party": "BANK", "text": "Konto geschlossen." });
        app.agent().await.done("refundInquiryNote", "RefundInquiryNoteInput", note, "entry { id }").await;
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        life::step(app, "refundSubmit", &refund).await;
        life::step(app, "refundCredit", &refund).await;
        life::close(app, &case).await;
        let input = json!({ "customerId": known.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        let left = async || {
            (app.count("consents", "1 = 1").await, app.count("inquiry_entries", "1 = 1").await, app.count("refunds", "1 = 1").await)
        };
        // Year's end and three years for the consent, six for the letter, eight for the voucher.
        for (at, rows) in [
            ("2017-12-31T22:00:00Z", (1, 1, 1)), ("2018-01-01T12:00:00Z", (0, 1, 1)),
            ("2021-01-01T12:00:00Z", (0, 0, 1)), ("2023-01-01T12:00:00Z", (0, 0, 0)),
        ] {
            app.at(at);
            app.run_job("retention").await;
            assert_eq!(left().await, rows, "{at}");
        }
        let keys = aftersales::db::rows(app.state.keys.db().read(), "SELECT 1 FROM units", []).await.unwrap();
        assert_eq!(keys.len(), 0);
    }

    /// S57, F38: fourteen days by law, ten by the shop's target, and the bank's estimate stand side by side.
    async fn three_dates_are_told_apart(app) {
        let (_, case) = withdrawal(app, "D-19").await;
        let refund = life::grant(app, &case, 1000).await;
        life::step(app, "refundSubmit", &refund).await;
        let query = "query($id: ID!) { refund(id: $id) { dueBy { endsOn source } submitBy creditExpected { earliest endsOn } } }";
        let found = app.finance().await.data(query, json!({ "id": refund })).await["refund"].clone();
        assert_eq!(found["dueBy"], json!({ "endsOn": "2014-03-24", "source": "BGB §§ 355(3), 357(1)" }));
        assert_eq!(found["submitBy"], "2014-03-20");
        assert_eq!(found["creditExpected"], json!({ "earliest": "2014-03-21", "endsOn": "2014-03-27" }));
        let (_, other) = claim(app, "D-20").await;
        let refund = life::grant(app, &other, 1000).await;
        let found = app.finance().await.data(query, json!({ "id": refund })).await["refund"].clone();
        assert_eq!((&found["dueBy"], &found["submitBy"]), (&Value::Null, &Value::Null));
    }

    /// BGB § 357(1): what comes back was not paid, and the fourteen days are still those of the statement.
    async fn what_comes_back_of_a_withdrawal_is_owed_again(app) {
        let (bought, case) = withdrawal(app, "D-39").await;
        let running = async || app.count("timers", "rule = 'withdrawal-refund' AND state = 'RUNNING'").await;
        assert_eq!(running().await, 1);
        let input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 1)]) });
        let done = app.finance().await.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
        let refund = done["refund"]["id"].as_str().unwrap();
        life::step(app, "refundSubmit", refund).await;
        assert_eq!(running().await, 0);
        app.advance(days(3));
        life::step(app, "refundFail", refund).await;
        assert_eq!(running().await, 1);
        let same = "rule = 'withdrawal-refund' AND ends_at <> (SELECT MIN(t.ends_at) FROM timers t WHERE t.rule = timers.rule)";
        assert_eq!(app.count("timers", same).await, 0, "from the statement");
        app.advance(days(15));
        app.run_job("timers").await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_WITHDRAWAL' AND done_at IS NULL").await, 1);
    }
}
