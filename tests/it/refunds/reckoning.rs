//! What a refund is made of: lines, tax, delivery, deductions, and what came back.

use serde_json::json;

use super::{amount, codes, detail, line_input, lines, minor, withdrawal};
use crate::on_both_engines;
use crate::support::life;
use crate::support::money::{self, Parcel};

on_both_engines! {
    /// F29: a preview tells lines, tax, delivery and ceiling with words and norms, and writes nothing.
    async fn a_preview_explains_itself_and_writes_nothing(app) {
        let (bought, case) = withdrawal(app, "D-1").await;
        let agent = app.agent().await;
        let before = app.counts().await;
        let all = lines(&bought, &[(0, 2), (1, 1)]);
        let found = money::preview(&agent, &case, &all).await;
        assert_eq!(found["userErrors"], json!([]));
        let c = &found["calculation"];
        // 100.00 + 10.70 + 4.90 of 9.90 for delivery: express stays with the customer (BGB § 357(2)).
        assert_eq!((minor(&c["total"]), minor(&c["ceiling"]), &c["ceilingReason"]), (11560, 12060, &json!("CAPTURED")));
        let tax: Vec<_> = c["tax"].as_array().unwrap().iter()
            .map(|t| (t["taxBasisPoints"].as_i64().unwrap(), minor(&t["net"]), minor(&t["tax"]), minor(&t["gross"]))).collect();
        assert_eq!(tax, [(700, 1000, 70, 1070), (1900, 8815, 1675, 10490)]);
        let steps = c["steps"].as_array().unwrap();
        assert_eq!(steps.iter().map(|s| minor(&s["amount"])).sum::<i64>(), 11560);
        assert!(steps.iter().all(|s| !s["what"].as_str().unwrap().is_empty() && !s["norm"].as_str().unwrap().is_empty()));
        assert_eq!(c["lines"][0]["orderLineId"], bought.lines[0].as_str());
        assert!(c["notes"].as_array().unwrap().iter().any(|n| n["code"] == "ORIGINAL_MEANS" && n["norm"] == "BGB § 357(3)"));

        // Part of the order: delivery goes back only as far as the rest would have cost less.
        for (rest, total, shipping) in [("", 5000, None), (", standardForRestMinor: 290", 5200, Some(200))] {
            let found = money::preview(&agent, &case, &format!("{}{rest}", lines(&bought, &[(0, 1)]))).await;
            let c = &found["calculation"];
            assert_eq!(minor(&c["total"]), total, "{found}");
            assert_eq!(c["shipping"].is_null().then_some(()).map_or_else(|| Some(minor(&c["shipping"]["gross"])), |()| None), shipping);
        }
        // Loss of value, on one line.
        let deduction = format!("{all}, deduction: {{amountMinor: 1000, reason: USE_BEYOND_TESTING, evidence: true, orderLineId: \"{}\"}}", bought.lines[0]);
        let c = money::preview(&agent, &case, &deduction).await["calculation"].clone();
        assert_eq!((minor(&c["total"]), minor(&c["deduction"])), (10560, 1000));

        // All faults at once, each at its place.
        let wrong = "deduction: {amountMinor: 99999, reason: DAMAGE, evidence: false}, priceReduction: 99999";
        let found = money::preview(&agent, &case, &format!("{}, {wrong}", lines(&bought, &[(0, 3), (1, 1)]))).await;
        assert!(found["calculation"].is_null());
        let errors = found["userErrors"].as_array().unwrap();
        let faults: Vec<&str> = errors.iter().map(|e| detail(e, "fault")).collect();
        for fault in ["QUANTITY_ABOVE_LEFT", "REDUCTION_WITHOUT_DEFECT", "DEDUCTION_WITHOUT_EVIDENCE", "DEDUCTION_ABOVE_GOODS"] {
            assert!(faults.contains(&fault), "{fault} in {faults:?}");
        }
        let above = errors.iter().find(|e| e["code"] == "TOO_LARGE").unwrap();
        assert_eq!((&above["field"], detail(above, "maximum")), (&json!(["lines", "0", "quantity"]), "2"));
        let found = money::preview(&agent, &case, "lines: []").await;
        assert_eq!((codes(&found["userErrors"]), &found["userErrors"][0]["field"]), (vec!["REQUIRED"], &json!(["lines"])));
        assert_eq!(app.counts().await, before);
    }

    /// F29, F34, F40: what was granted for goods is kept as it was reckoned and counts in what follows; delivery goes back
    /// once, a unit goes back once.
    async fn parts_add_up_to_the_order(app) {
        let (bought, case) = withdrawal(app, "D-2").await;
        let finance = app.finance().await;
        let selection = "refund { id kind means amount { amountMinor } calculation { total { amountMinor } lines { quantity } steps { code norm } } }";
        let grant = |units: &[(usize, i32)]| json!({ "caseId": case, "lines": line_input(&bought, units) });
        let first = finance.done("refundGrant", "RefundGrantInput", grant(&[(0, 1)]), selection).await["refund"].clone();
        assert_eq!((minor(&first["amount"]), &first["kind"], &first["means"]), (5000, &json!("GOODS"), &json!("ORIGINAL")));
        assert_eq!((minor(&first["calculation"]["total"]), &first["calculation"]["lines"][0]["quantity"]), (5000, &json!(1)));
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", grant(&[(0, 2)])).await;
        assert_eq!((code.as_str(), detail(&error, "maximum")), ("TOO_LARGE", "1"));
        let rest = finance.done("refundGrant", "RefundGrantInput", grant(&[(0, 1), (1, 1)]), selection).await["refund"].clone();
        assert_eq!(minor(&rest["amount"]), 5000 + 1070 + 490, "with the last of it, the standard delivery goes back");
        let stored = aftersales::db::rows(app.state.db.write(), "SELECT calculation FROM refunds", []).await.unwrap();
        assert!(stored.iter().all(|row| !row.try_get_by_index::<String>(0).unwrap().contains("Muster")));
        // What fails is free again.
        life::step(app, "refundFail", first["id"].as_str().unwrap()).await;
        finance.done("refundGrant", "RefundGrantInput", grant(&[(0, 1)]), selection).await;
        assert_eq!(app.count("cases", "state = 'RECEIVED'").await, 1, "paying early is no step of the case");
    }

    /// F39: a deduction has its own text to the customer, and an amount is either plain or reckoned.
    async fn a_deduction_is_told(app) {
        let (bought, case) = withdrawal(app, "D-3").await;
        let finance = app.finance().await;
        let deduction = json!({ "amountMinor": 500, "reason": "DAMAGE", "evidence": true });
        let mut input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 2)]), "deduction": deduction });
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", input.clone()).await;
        assert_eq!((code.as_str(), &error["field"]), ("REQUIRED", &json!(["input", "deductionText"])));
        input["deductionText"] = json!("Der Deckel ist zerkratzt.");
        finance.done("refundGrant", "RefundGrantInput", input.clone(), "refund { id }").await;
        let query = "query($id: ID!) { serviceCase(id: $id) { messages { nodes { form body } } } }";
        let seen = app.customer(&bought.known.email).await.data(query, json!({ "id": case })).await;
        let messages = seen["serviceCase"]["messages"]["nodes"].as_array().unwrap();
        assert!(messages.iter().any(|m| m["form"] == "DECISION" && m["body"] == "Der Deckel ist zerkratzt."), "{seen}");
        input["amount"] = json!({ "amountMinor": 1, "currency": "EUR" });
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", input).await.0, "INVALID");
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", json!({ "caseId": case })).await.0, "REQUIRED");
    }

    /// F34: where goods have to come back, no more is refunded than came back is worth, whichever way it is granted.
    async fn what_came_back_is_the_ceiling(app) {
        let bought = money::order(app, "D-4", &[(2, 5000, 1900)], None).await;
        let case = money::case(app, &bought, "RETURN").await;
        money::came_back(app, &bought, &case, Parcel { dispatched: true, received: true }, &[(0, 2, Some(1))]).await;
        money::set_case(app, &case, "state = 'PARTIALLY_ELIGIBLE', outcome = 'PARTIALLY_ELIGIBLE', legal_basis = 'SHOP_RETURN', reason = 'NO_REASON'").await;
        let finance = app.finance().await;
        let found = money::preview(&finance, &case, &lines(&bought, &[(0, 2)])).await;
        assert_eq!(codes(&found["userErrors"]), ["AMOUNT_EXCEEDS_RETURNED"]);
        assert_eq!(detail(&found["userErrors"][0], "largestAmountMinor"), "5000");
        let c = money::preview(&finance, &case, &lines(&bought, &[(0, 1)])).await["calculation"].clone();
        assert_eq!((minor(&c["ceiling"]), &c["ceilingReason"]), (5000, &json!("GOODS_RETURNED")));
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", amount(&case, 5001)).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_RETURNED", "5000"));
        finance.done("refundGrant", "RefundGrantInput", amount(&case, 1000), "refund { id }").await;
        assert_eq!(app.count("cases", "state = 'REFUND'").await, 1);
        // A plain amount counts against the goods.
        let input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 1)]) });
        let (code, error) = finance.refused("refundGrant", "RefundGrantInput", input).await;
        assert_eq!((code.as_str(), detail(&error, "largestAmountMinor")), ("AMOUNT_EXCEEDS_RETURNED", "4000"));
        finance.done("refundGrant", "RefundGrantInput", amount(&case, 4000), "refund { kind }").await;
        assert_eq!(finance.refused("refundGrant", "RefundGrantInput", amount(&case, 1)).await.0, "AMOUNT_EXCEEDS_RETURNED");
    }

    /// F38, 4.1: a withdrawal is paid without an inspection; proof of dispatch is enough, and so is what came, in whatever
    /// state; paying before either is the shop's choice.
    async fn an_inspection_never_gates_a_withdrawal(app) {
        for (number, parcel, units, most) in [
            ("D-5", Parcel { dispatched: true, received: false }, None, 12060),
            ("D-6", Parcel { dispatched: false, received: true }, Some(0), 5000),
            ("D-7", Parcel { dispatched: false, received: false }, None, 12060),
        ] {
            let (bought, case) = withdrawal(app, number).await;
            money::came_back(app, &bought, &case, parcel, &[(0, 1, units)]).await;
            money::set_case(app, &case, "state = 'INSPECTING'").await;
            let finance = app.finance().await;
            let (_, error) = finance.refused("refundGrant", "RefundGrantInput", amount(&case, 12061)).await;
            assert_eq!(detail(&error, "largestAmountMinor"), most.to_string(), "{number}");
            let input = json!({ "caseId": case, "lines": line_input(&bought, &[(0, 1)]) });
            finance.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
        }
        assert_eq!(app.count("cases", "state = 'INSPECTING'").await, 3);
    }
}
