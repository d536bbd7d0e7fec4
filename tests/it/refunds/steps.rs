//! The steps of a refund, who takes them, and from which state of the case.

use entity::proposals;
use entity::refunds::State;
use sea_orm::Iterable as _;
use serde_json::{Value, json};

use super::{amount, claim, codes, detail, line_input, refused};
use crate::on_both_engines;
use crate::support::{App, days, dispute, goods, life, money};

/// Which states each step starts from.
const TABLE: &[(&str, &str)] = &[
    ("refundApprove", "GRANTED ALTERNATIVE_AGREED"),
    ("refundSubmit", "GRANTED ALTERNATIVE_AGREED"),
    ("refundAcknowledge", "SUBMITTED"),
    ("refundInquire", "SUBMITTED PENDING_AT_PROVIDER OVERDUE CREDITED"),
    ("refundCredit", "SUBMITTED PENDING_AT_PROVIDER OVERDUE CLARIFICATION"),
    ("refundFail", "GRANTED SUBMITTED PENDING_AT_PROVIDER OVERDUE CLARIFICATION CREDITED ALTERNATIVE_AGREED"),
    ("refundAgreeAlternative", "FAILED"),
];

async fn attempt(app: &App, mutation: &str, refund: &str) -> Value {
    let (input, kind) = match mutation {
        "refundInquire" => (json!({ "refundId": refund, "text": "Wo?" }), "RefundInquireInput"),
        "refundAgreeAlternative" => (json!({ "refundId": refund, "consent": "Ja." }), "RefundAgreeAlternativeInput"),
        "refundSubmit" => (json!({ "refundId": refund, "means": "ORIGINAL" }), "RefundStepInput"),
        _ => (json!({ "refundId": refund }), "RefundStepInput"),
    };
    app.finance().await.mutate(mutation, kind, input, "refund { state }").await
}

on_both_engines! {
    /// F30, F36: the way of a refund; every other step is refused and names the legal ones.
    async fn a_refund_goes_its_way(app) {
        let (_, case) = claim(app, "D-11").await;
        let refund = life::grant(app, &case, 11990).await;
        let step = json!({ "refundId": refund });
        let finance = app.finance().await;
        let (code, error) = refused(app, "refundCredit", &refund).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED");
        assert_eq!(detail(&error, "state"), "GRANTED");
        assert_eq!(detail(&error, "possibleIn"), "SUBMITTED, PENDING_AT_PROVIDER, OVERDUE, CLARIFICATION");
        assert_eq!(detail(&error, "legalTransitions"), "refundApprove, refundSubmit, refundFail");
        let done = finance.done("refundSubmit", "RefundStepInput", json!({ "refundId": refund, "reference": "ARN-1" }),
            "refund { state stateLabel reference submittedAt means serviceCase { waitingFor } }").await;
        assert_eq!(done["refund"]["state"], "SUBMITTED");
        assert_eq!((&done["refund"]["reference"], &done["refund"]["means"]), (&json!("ARN-1"), &json!("ORIGINAL")));
        assert_eq!(done["refund"]["serviceCase"]["waitingFor"], "BANK");
        assert_eq!(money::step(app, "refundAcknowledge", &refund, json!({})).await["state"], "PENDING_AT_PROVIDER");
        finance.done("refundCredit", "RefundStepInput", step.clone(), "refund { state }").await;
        // The bank sends it back: it fails after all, and the amount can be granted again.
        finance.done("refundFail", "RefundStepInput", step.clone(), "refund { state }").await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_FAILED' AND done_at IS NULL").await, 1);
        assert_eq!(refused(app, "refundSubmit", &refund).await.0, "TRANSITION_NOT_ALLOWED");
        life::grant(app, &case, 11990).await;
        assert_eq!(app.count("cases", "state = 'REFUND' AND waiting_for = 'SHOP'").await, 1);
    }

    /// F36: each step from each state: allowed exactly where the table says so.
    async fn the_whole_machine(app) {
        let bought = money::order(app, "D-12", &[(1, 11990, 1900)], None).await;
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let agent = app.agent().await;
        let mut wrong = Vec::new();
        for (mutation, from) in TABLE {
            for state in State::iter() {
                let done = agent.done("refundGrant", "RefundGrantInput", amount(&case, 1), "refund { id }").await;
                let refund = done["refund"]["id"].as_str().unwrap();
                let sql = "UPDATE refunds SET state = $1, submitted_at = granted_at WHERE id = $2";
                let values = [state.code().into(), life::row(refund).into()];
                aftersales::db::run(app.state.db.write(), sql, values).await.unwrap();
                let answer = attempt(app, mutation, refund).await;
                let legal = from.split(' ').any(|code| code == state.code());
                let fine = match answer["userErrors"].as_array().unwrap().as_slice() {
                    [] => legal,
                    [error] => {
                        !legal && error["code"] == "TRANSITION_NOT_ALLOWED"
                            && detail(error, "possibleIn").replace(',', "") == *from
                            && !detail(error, "legalTransitions").split(", ").any(|m| m == *mutation)
                    }
                    _ => false,
                };
                if !fine {
                    wrong.push(format!("{mutation} from {}: {answer}", state.code()));
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// F31: above the policy's amount somebody else in finance approves; the one who granted it never does.
    async fn four_eyes_above_the_amount(app) {
        let bought = money::order(app, "D-13", &[(1, 100_001, 1900)], None).await;
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let at_the_limit = life::grant(app, &case, 50_000).await;
        life::step(app, "refundSubmit", &at_the_limit).await;
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND'").await, 0);

        // A large refund is not made small by paying it in parts.
        let part = life::grant(app, &case, 1).await;
        assert_eq!(refused(app, "refundSubmit", &part).await.0, "APPROVAL_NEEDED");
        life::step(app, "refundFail", &part).await;
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, 0);

        let refund = life::grant(app, &case, 50_001).await;
        let query = "query($id: ID!) { refund(id: $id) { approvalNeeded approvedAt } }";
        let finance = app.finance().await;
        assert_eq!(finance.data(query, json!({ "id": refund })).await["refund"], json!({ "approvalNeeded": true, "approvedAt": null }));
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, 1);
        let (code, error) = refused(app, "refundSubmit", &refund).await;
        assert_eq!((code.as_str(), detail(&error, "approvalAboveMinor")), ("APPROVAL_NEEDED", "50000"));
        assert_eq!(refused(app, "refundApprove", &refund).await.0, "SAME_PERSON");
        let second = money::second_finance(app).await;
        let step = json!({ "refundId": refund });
        let done = second.done("refundApprove", "RefundStepInput", step.clone(), "refund { state approvedAt }").await;
        assert_eq!((&done["refund"]["state"], done["refund"]["approvedAt"].is_string()), (&json!("GRANTED"), true));
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, 0);
        assert_eq!(second.refused("refundApprove", "RefundStepInput", step).await.0, "ALREADY_EXISTS");
        life::step(app, "refundSubmit", &refund).await;
    }

    /// S58, S59, F35: the means of the payment, until they have failed and the customer has agreed to others.
    async fn other_means_need_consent(app) {
        let (_, case) = claim(app, "D-14").await;
        let refund = life::grant(app, &case, 5000).await;
        let transfer = json!({ "refundId": refund, "means": "BANK_TRANSFER", "reference": "Überweisung 17" });
        let finance = app.finance().await;
        let (code, error) = finance.refused("refundSubmit", "RefundStepInput", transfer.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("CONSENT_NEEDED", &json!(["input", "means"])));
        assert_eq!(money::step(app, "refundSubmit", &refund, json!({})).await["means"], "ORIGINAL");
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        assert_eq!(app.count("consents", "kind = 'OTHER_PAYMENT_MEANS' AND start_at = given_at AND unit_id IS NOT NULL").await, 1);
        assert_eq!(app.count("tasks", "kind = 'REFUND_FAILED' AND done_at IS NULL").await, 0);
        app.advance(days(2));
        let finance = app.finance().await;
        let done = finance.done("refundSubmit", "RefundStepInput", transfer, "refund { state means reference }").await;
        assert_eq!(done["refund"], json!({ "state": "SUBMITTED", "means": "BANK_TRANSFER", "reference": "Überweisung 17" }));
        assert_eq!(app.count("consents", "start_at > given_at").await, 1, "its period counts from its last use");
        // Each failure asks again.
        life::step(app, "refundFail", &refund).await;
        assert_eq!(refused(app, "refundSubmit", &refund).await.0, "TRANSITION_NOT_ALLOWED");
        // What has failed was free for others; once promised, it is not there twice.
        life::grant(app, &case, 11990).await;
        let input = json!({ "refundId": refund, "consent": "Ja." });
        assert_eq!(finance.refused("refundAgreeAlternative", "RefundAgreeAlternativeInput", input).await.0, "AMOUNT_EXCEEDS_CAPTURED");
    }

    /// F33, F35: what failed comes back only as far as nothing else was promised for the same pieces since, and with a second person
    /// where the sum wants one (F31).
    async fn what_failed_comes_back_for_what_is_left(app) {
        let bought = money::order(app, "D-16", &[(1, 40000, 1900), (1, 40000, 1900)], None).await;
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let finance = app.finance().await;
        let of_line = async |line: usize| {
            let input = json!({ "caseId": case, "lines": line_input(&bought, &[(line, 1)]) });
            let done = finance.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
            done["refund"]["id"].as_str().unwrap().to_owned()
        };
        let first = of_line(0).await;
        life::step(app, "refundSubmit", &first).await;
        life::step(app, "refundFail", &first).await;
        let again = of_line(0).await;
        let consent = json!({ "refundId": first, "consent": "Ja." });
        let (code, _) = finance.refused("refundAgreeAlternative", "RefundAgreeAlternativeInput", consent.clone()).await;
        assert_eq!(code, "AMOUNT_EXCEEDS_RETURNED", "the same piece");
        life::step(app, "refundFail", &again).await;
        of_line(1).await;
        let before = app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await;
        finance.done("refundAgreeAlternative", "RefundAgreeAlternativeInput", consent, "refund { state }").await;
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, before + 1, "800 in sum");
        assert_eq!(refused(app, "refundSubmit", &first).await.0, "APPROVAL_NEEDED");
        let needed = "query($id: ID!) { node(id: $id) { ... on Refund { state approvalNeeded } } }";
        let seen = finance.data(needed, json!({ "id": first })).await;
        assert_eq!(seen["node"], json!({ "state": "ALTERNATIVE_AGREED", "approvalNeeded": true }));
        let second = money::second_finance(app).await;
        let step = json!({ "refundId": first });
        let done = second.done("refundApprove", "RefundStepInput", step, "refund { state }").await;
        assert_eq!(done["refund"]["state"], "ALTERNATIVE_AGREED");
        assert_eq!(app.count("tasks", "kind = 'APPROVE_REFUND' AND done_at IS NULL").await, before);
        let transfer = json!({ "refundId": first, "means": "BANK_TRANSFER" });
        finance.done("refundSubmit", "RefundStepInput", transfer, "refund { state }").await;
    }

    /// F35, S44: what was agreed on without regard to the goods is so also by other means.
    async fn what_was_agreed_on_is_paid_by_other_means(app) {
        let known = goods::order(app, "max@example.com", "D-17", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        let back = goods::inspected(app, &case, 1, 0, "DEFECT_NOT_CONFIRMED", "WARRANTY").await;
        let input = json!({
            "returnId": back, "carrier": "DHL", "trackingNumber": "home-17", "costs": "SHOP", "text": "Siehe Befund.",
        });
        let warehouse = goods::warehouse(app).await;
        warehouse.done("returnSendBack", "ReturnSendBackInput", input, "return { id }").await;
        life::notify(app, &case).await;
        let customer = app.customer(&known.email).await;
        let objection = json!({ "caseId": case, "text": "Ich bin nicht einverstanden." });
        customer.done("serviceCaseObject", "ServiceCaseObjectInput", objection, "serviceCase { state }").await;
        let other = app.second_agent().await;
        other.done("serviceCaseReexamine", "ServiceCaseStepInput", json!({ "caseId": case }), "serviceCase { state }").await;
        let proposal = dispute::propose(app, &case, "Wir zahlen 10 EUR.").await;
        let answer = json!({ "proposalId": proposal, "accepted": true });
        customer.done("proposalAnswer", "ProposalAnswerInput", answer, "proposal { state }").await;
        let refund = life::grant(app, &case, 1000).await;
        app.advance(days(1));
        life::notify(app, &case).await;
        life::step(app, "refundSubmit", &refund).await;
        life::step(app, "refundFail", &refund).await;
        money::agree(app, &refund).await;
        assert_eq!(app.count("refunds", "state = 'ALTERNATIVE_AGREED'").await, 1);
        // Another one, of what came back, which is nothing.
        let input = json!({ "caseId": case, "amount": { "amountMinor": 1000, "currency": "EUR" } });
        let (code, _) = app.finance().await.refused("refundGrant", "RefundGrantInput", input).await;
        assert_eq!(code, "AMOUNT_EXCEEDS_RETURNED");
    }

    /// F35: a refund that was withdrawn before it was sent has not failed.
    async fn only_a_failure_opens_other_means(app) {
        let (_, case) = claim(app, "D-15").await;
        let refund = life::grant(app, &case, 5000).await;
        life::step(app, "refundFail", &refund).await;
        assert_eq!(app.count("tasks", "kind = 'REFUND_FAILED'").await, 0);
        let input = json!({ "refundId": refund, "consent": "Ja." });
        let refused = app.finance().await.refused("refundAgreeAlternative", "RefundAgreeAlternativeInput", input).await;
        assert_eq!((refused.0.as_str(), detail(&refused.1, "missing")), ("TRANSITION_NOT_ALLOWED", "submittedAt"));
    }

    /// Money that comes back after the case was closed takes it up again, and stops the periods that closing had started.
    async fn a_bounced_refund_reopens_its_case(app) {
        let (_, case) = claim(app, "D-22").await;
        let refund = life::refunded(app, &case, 11990).await;
        life::close(app, &case).await;
        let started = "start_at IS NOT NULL";
        assert_eq!((app.count("cases", started).await, app.count("customers", started).await), (1, 1));
        life::step(app, "refundFail", &refund).await;
        assert_eq!(app.count("cases", "state = 'REFUND' AND closed_at IS NULL AND waiting_for = 'SHOP'").await, 1);
        assert_eq!((app.count("cases", started).await, app.count("customers", started).await), (0, 0));
        life::refunded(app, &case, 11990).await;
        life::close(app, &case).await;
    }

    /// S33, F34: only what was decided in the customer's favour, and only with an order.
    async fn no_refund_without_a_decision_and_an_order(app) {
        let known = life::order(app, "max@example.com", "D-23").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
        let finance = app.finance().await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await.0, "TRANSITION_NOT_ALLOWED");
        life::decide(app, &case, "NOT_ELIGIBLE").await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await.0, "TRANSITION_NOT_ALLOWED");
        let without = life::open(&customer, "COMPLAINT", None, "Beschwerde.").await;
        life::decide(app, &without, "ELIGIBLE").await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&without, 1)).await.0, "REQUIRED");
    }

    /// S33, S44: in which states of a case money may go back, and which step of the case goes with it.
    async fn states_in_which_a_refund_is_granted(app) {
        let bought = money::order(app, "D-24", &[(1, 11990, 1900)], None).await;
        let finance = app.finance().await;
        for (state, outcome, proposal, then) in [
            ("ELIGIBLE", "ELIGIBLE", None, Some("REFUND")),
            ("PARTIALLY_ELIGIBLE", "PARTIALLY_ELIGIBLE", None, Some("REFUND")),
            ("SENT_BACK", "PARTIALLY_ELIGIBLE", None, Some("SENT_BACK")),
            ("SENT_BACK", "NOT_ELIGIBLE", None, None),
            ("REPAIR", "ELIGIBLE", None, Some("REPAIR")),
            ("RE_EXAMINATION", "NOT_ELIGIBLE", None, None),
            ("RE_EXAMINATION", "NOT_ELIGIBLE", Some(proposals::State::Offered), None),
            ("RE_EXAMINATION", "NOT_ELIGIBLE", Some(proposals::State::Accepted), Some("RE_EXAMINATION")),
            ("SETTLED", "NOT_ELIGIBLE", Some(proposals::State::Accepted), Some("SETTLED")),
            ("RESULT_NOTIFIED", "ELIGIBLE", None, None),
            ("CLOSED", "ELIGIBLE", None, None),
        ] {
            let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
            money::set_case(app, &case, &format!("state = '{state}', outcome = '{outcome}', legal_basis = 'WARRANTY'")).await;
            if let Some(proposal) = proposal {
                money::proposed(app, &case, proposal).await;
            }
            let done = finance.mutate("refundGrant", "RefundGrantInput", amount(&case, 1), "refund { serviceCase { state } }").await;
            match then {
                Some(then) => assert_eq!(done["refund"]["serviceCase"]["state"], then, "{state}: {done}"),
                None => assert_eq!(codes(&done["userErrors"]), ["TRANSITION_NOT_ALLOWED"], "{state}"),
            }
        }
        let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let input = json!({ "caseId": case, "priceReduction": 2000 });
        let done = finance.done("refundGrant", "RefundGrantInput", input, "refund { kind amount { amountMinor } serviceCase { state } }").await;
        assert_eq!(done["refund"], json!({ "kind": "PRICE_REDUCTION", "amount": { "amountMinor": 2000 }, "serviceCase": { "state": "PRICE_REDUCTION" } }));
    }
}
