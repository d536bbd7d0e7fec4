//! Never more than was captured, whatever happens at the same moment.

use serde_json::{Value, json};

use super::{amount, claim, detail, line_input, minor, refused, withdrawal};
use crate::on_both_engines;
use crate::support::{App, goods, life, money};

/// The first line of an order.
async fn line(app: &App, known: &life::Known) -> Value {
    let query = "query($id: ID!) { order(id: $id) { lines { id } } }";
    app.agent().await.data(query, json!({ "id": known.order })).await["order"]["lines"][0]["id"].clone()
}

/// Finance pays pieces of the first line back.
async fn pay_back(app: &App, known: &life::Known, case: &str, pieces: i32) {
    let lines = json!([{ "orderLineId": line(app, known).await, "quantity": pieces }]);
    let input = json!({ "caseId": case, "lines": lines });
    app.finance().await.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
}

on_both_engines! {
    /// F33: sixteen grants of 20.00 at once on 119.90: five fit, with the rest refused and told what is left.
    async fn sixteen_at_once_never_pass_the_ceiling(app) {
        let (_, case) = claim(app, "D-8").await;
        let finance = app.finance().await;
        let grants = (0..16).map(|_| finance.mutate("refundGrant", "RefundGrantInput", amount(&case, 2000), "refund { id }"));
        let done = futures::future::join_all(grants).await;
        let granted = done.iter().filter(|p| !p["refund"].is_null()).count();
        assert_eq!(granted, 5);
        let refused = done.iter().find(|p| p["refund"].is_null()).unwrap();
        assert_eq!(refused["userErrors"][0]["code"], "AMOUNT_EXCEEDS_CAPTURED");
        assert_eq!(app.count("refunds", "1 = 1").await, 5);
    }

    /// F33: the same with goods, two cases on one order at once: the units are refunded once.
    async fn sixteen_at_once_refund_a_unit_once(app) {
        let bought = money::order(app, "D-9", &[(3, 5000, 1900)], Some((490, 490))).await;
        let mut cases = Vec::new();
        for _ in 0..2 {
            let case = money::case(app, &bought, "WARRANTY_CLAIM").await;
            life::decide(app, &case, "ELIGIBLE").await;
            cases.push(case);
        }
        let finance = app.finance().await;
        let grants = (0..16).map(|n| {
            let input = json!({ "caseId": cases[n % 2], "lines": line_input(&bought, &[(0, 1)]) });
            finance.mutate("refundGrant", "RefundGrantInput", input, "refund { amount { amountMinor } }")
        });
        let done = futures::future::join_all(grants).await;
        let mut amounts: Vec<i64> = done.iter().filter(|p| !p["refund"].is_null()).map(|p| minor(&p["refund"]["amount"])).collect();
        amounts.sort_unstable();
        assert_eq!(amounts, [5000, 5000, 5490], "delivery goes back with the last unit");
    }

    /// F32: the same key sixteen times at once grants once.
    async fn one_key_grants_once(app) {
        let (_, case) = claim(app, "D-10").await;
        let finance = app.finance().await;
        let mut input = amount(&case, 100);
        input["idempotencyKey"] = json!("the-same");
        let grants = (0..16).map(|_| finance.done("refundGrant", "RefundGrantInput", input.clone(), "refund { id }"));
        let done = futures::future::join_all(grants).await;
        assert!(done.iter().all(|p| p["refund"]["id"] == done[0]["refund"]["id"]));
        assert_eq!(app.count("refunds", "1 = 1").await, 1);
    }

    /// F33: what the issuer takes back is not refunded as well; it is lowered only with a reason.
    async fn a_chargeback_lowers_the_ceiling(app) {
        let (known, case) = claim(app, "D-21").await;
        let charged = |minor: i64| json!({ "orderNumber": known.number, "chargedBack": { "amountMinor": minor, "currency": "EUR" } });
        let shop = app.shop();
        let selection = "order { chargedBack { amountMinor } }";
        let granted = life::grant(app, &case, 4000).await;
        for _ in 0..2 {
            let done = shop.done("orderChargeback", "OrderChargebackInput", charged(8000), selection).await;
            assert_eq!(minor(&done["order"]["chargedBack"]), 8000);
        }
        let finance = app.finance().await;
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_CAPTURED", "0"));
        // What was granted before is not paid, either: 39.90 are left.
        let (code, error) = refused(app, "refundSubmit", &granted).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_CAPTURED", "3990"));
        let (code, error) = shop.refused("orderChargeback", "OrderChargebackInput", charged(0)).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "lowered"])));
        for (minor, code) in [(11991, "INVALID"), (-1, "INVALID")] {
            assert_eq!(shop.refused("orderChargeback", "OrderChargebackInput", charged(minor)).await.0, code);
        }
        let mut lower = charged(0);
        lower["lowered"] = json!("REVERSED");
        shop.done("orderChargeback", "OrderChargebackInput", lower, selection).await;
        life::step(app, "refundSubmit", &granted).await;
        assert_eq!(app.count("audit_entries", "action = 'order.chargeback'").await, 3);
    }

    /// BGB § 357(4): another article in the parcel takes nothing from what came.
    async fn a_wrong_article_beside_takes_nothing_from_what_came(app) {
        let (bought, case) = withdrawal(app, "D-37").await;
        let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 2, "reason": "NO_REASON" }])).await;
        goods::receive(app, &id, json!([{ "position": 1, "received": 2, "wrong": 1 }])).await;
        let input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 2)]) });
        let done = app.finance().await.done("refundGrant", "RefundGrantInput", input, "refund { amount { amountMinor } }").await;
        assert!(minor(&done["refund"]["amount"]) >= 10000, "{done}");
    }

    /// A piece that was replaced is not paid back as well.
    async fn a_replaced_piece_is_not_paid_back(app) {
        let known = goods::order(app, "max@example.com", "D-38", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        goods::inspected(app, &case, 2, 2, "DAMAGED", "WARRANTY").await;
        goods::arrange(app, &case, "REPLACEMENT").await;
        let two = json!({ "caseId": case, "lines": [{ "orderLineId": line(app, &known).await, "quantity": 2 }] });
        let (code, _) = app.finance().await.refused("refundGrant", "RefundGrantInput", two).await;
        assert_eq!(code, "AMOUNT_EXCEEDS_RETURNED");
        pay_back(app, &known, &case, 1).await;
    }

    /// Nor is one that was paid back replaced as well.
    async fn a_piece_that_was_paid_back_is_not_replaced(app) {
        let known = goods::order(app, "max@example.com", "D-39", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        goods::inspected(app, &case, 2, 2, "DAMAGED", "WARRANTY").await;
        goods::arrange(app, &case, "REPLACEMENT").await;
        pay_back(app, &known, &case, 1).await;
        let more = json!({ "caseId": case, "kind": "REPLACEMENT", "position": 1, "quantity": 1 });
        let (code, error) = app.agent().await.refused("remedyArrange", "RemedyArrangeInput", more).await;
        assert_eq!((code.as_str(), detail(&error, "maximum")), ("TOO_LARGE", "0"));
    }

    /// A replacement that the carrier has lost is none: the customer gets money or another, and not both.
    async fn a_lost_replacement_stands_in_no_way(app) {
        let known = goods::order(app, "max@example.com", "D-40", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        goods::inspected(app, &case, 2, 2, "DAMAGED", "WARRANTY").await;
        let remedy = goods::arrange(app, &case, "REPLACEMENT").await;
        goods::ship(app, &remedy, "lost-1").await;
        goods::report(app, json!([goods::event(app, "e-1", "lost-1", "LOST")])).await;
        goods::arrange(app, &case, "REPLACEMENT").await;
        let lines = json!([{ "orderLineId": line(app, &known).await, "quantity": 2 }]);
        let both = json!({ "caseId": case, "lines": lines });
        let (code, _) = app.finance().await.refused("refundGrant", "RefundGrantInput", both).await;
        assert_eq!(code, "AMOUNT_EXCEEDS_RETURNED");
        pay_back(app, &known, &case, 1).await;
    }
}
