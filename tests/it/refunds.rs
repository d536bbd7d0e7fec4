//! Refunds: never more than was captured, whatever happens at the same moment.

use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, life};

async fn claim(app: &App, number: &str) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", number).await;
    life::delivered(app, &known).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
    life::decide(app, &case, "ELIGIBLE").await;
    (known, case)
}

fn amount(case: &str, minor: i64) -> Value {
    json!({ "caseId": case, "amount": { "amountMinor": minor, "currency": "EUR" } })
}

on_both_engines! {
    /// F33: sixteen grants of 20.00 at once on 119.90: five fit, with the rest refused and told what is left.
    async fn sixteen_at_once_never_pass_the_ceiling(app) {
        let (_, case) = claim(app, "D-1").await;
        let finance = app.finance().await;
        let grants = (0..16).map(|_| finance.mutate("refundGrant", "RefundGrantInput", amount(&case, 2000), "refund { id }"));
        let done = futures::future::join_all(grants).await;
        let granted = done.iter().filter(|p| !p["refund"].is_null()).count();
        assert_eq!(granted, 5);
        let refused = done.iter().find(|p| p["refund"].is_null()).unwrap();
        assert_eq!(refused["userErrors"][0]["code"], "AMOUNT_EXCEEDS_CAPTURED");
        assert_eq!(app.count("refunds", "1 = 1").await, 5);
    }

    /// F32: the same key sixteen times at once grants once.
    async fn one_key_grants_once(app) {
        let (_, case) = claim(app, "D-2").await;
        let finance = app.finance().await;
        let mut input = amount(&case, 100);
        input["idempotencyKey"] = json!("the-same");
        let grants = (0..16).map(|_| finance.done("refundGrant", "RefundGrantInput", input.clone(), "refund { id }"));
        let done = futures::future::join_all(grants).await;
        assert!(done.iter().all(|p| p["refund"]["id"] == done[0]["refund"]["id"]));
        assert_eq!(app.count("refunds", "1 = 1").await, 1);
    }

    /// F30, F36: the way of a refund; every other step is refused and names the legal ones.
    async fn a_refund_goes_its_way(app) {
        let (_, case) = claim(app, "D-3").await;
        let refund = life::grant(app, &case, 11990).await;
        let step = json!({ "refundId": refund });
        let finance = app.finance().await;
        let (code, error) = finance.refused("refundCredit", "RefundStepInput", step.clone()).await;
        assert_eq!(code, "TRANSITION_NOT_ALLOWED");
        assert_eq!(error["details"], json!([{ "name": "state", "value": "GRANTED" }, { "name": "possibleIn", "value": "SUBMITTED" }]));
        let done = finance.done("refundSubmit", "RefundStepInput", json!({ "refundId": refund, "reference": "ARN-1" }),
            "refund { state stateLabel reference submittedAt serviceCase { waitingFor } }").await;
        assert_eq!(done["refund"]["state"], "SUBMITTED");
        assert_eq!(done["refund"]["reference"], "ARN-1");
        assert_eq!(done["refund"]["serviceCase"]["waitingFor"], "BANK");
        finance.done("refundCredit", "RefundStepInput", step.clone(), "refund { state }").await;
        // The bank sends it back: it fails after all, and the amount can be granted again.
        finance.done("refundFail", "RefundStepInput", step.clone(), "refund { state }").await;
        assert_eq!(finance.refused("refundSubmit", "RefundStepInput", step).await.0, "TRANSITION_NOT_ALLOWED");
        life::grant(app, &case, 11990).await;
    }

    /// Money that comes back after the case was closed takes it up again, and stops the periods that closing had started.
    async fn a_bounced_refund_reopens_its_case(app) {
        let (_, case) = claim(app, "D-5").await;
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

    /// F34: only what was decided in the customer's favour, and only with an order.
    async fn no_refund_without_a_decision_and_an_order(app) {
        let known = life::order(app, "max@example.com", "D-4").await;
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
}
