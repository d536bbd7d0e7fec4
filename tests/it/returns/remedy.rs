//! Repair, replacement, exchange.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{delivered_at, fact, refused, state, with};
use crate::on_both_engines;
use crate::support::{days, goods, life};

on_both_engines! {
    /// S31, S32, F14: part is accepted and replaced, the rest goes back beside it.
    async fn a_part_is_replaced_and_the_rest_goes_back(app) {
        let known = goods::order(app, "max@example.com", "R-16", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        let id = goods::inspected(app, &case, 3, 1, "CAUSED_BY_USE", "WARRANTY").await;
        assert_eq!(state(app, &case).await, "PARTIALLY_ELIGIBLE");
        assert_eq!(goods::tasks(app, &case).await, ["ARRANGE_REMEDY", "SEND_GOODS_BACK"]);
        let agent = app.agent().await;
        let two = json!({ "caseId": case, "kind": "REPLACEMENT", "position": 1, "quantity": 2 });
        let (code, field, error) = refused(&agent, "remedyArrange", "RemedyArrangeInput", two).await;
        assert_eq!((code.as_str(), field.as_str(), fact(&error, "maximum").as_str()), ("TOO_LARGE", "input.quantity", "1"));
        let remedy = goods::arrange(app, &case, "REPLACEMENT").await;
        assert_eq!(state(app, &case).await, "REPLACEMENT");
        let input = json!({ "returnId": id, "carrier": "DHL", "trackingNumber": "home-16", "costs": "CUSTOMER", "text": "Siehe Befund." });
        goods::warehouse(app).await.done("returnSendBack", "ReturnSendBackInput", input, "return { id }").await;
        app.advance(TimeDelta::seconds(1));
        goods::ship(app, &remedy, "new-16").await;
        let found = goods::seen(app, &case, "state remedies { kind state parcel { trackingNumber } } parcels { purpose }").await;
        assert_eq!(found, json!({
            "state": "REPLACEMENT", "parcels": [{ "purpose": "SENT_BACK" }, { "purpose": "REPLACEMENT" }],
            "remedies": [{ "kind": "REPLACEMENT", "state": "SHIPPED", "parcel": { "trackingNumber": "new-16" } }],
        }));
        assert_eq!(goods::tasks(app, &case).await, Vec::<String>::new());
        assert_eq!(goods::report(app, json!([goods::event(app, "e-16", "new-16", "DELIVERED")])).await, ["RECORDED"]);
        let found = goods::seen(app, &case, "remedies { state deliveredAt }").await;
        assert_eq!(found["remedies"], json!([{ "state": "DELIVERED", "deliveredAt": "2014-03-10T09:00:01+00:00" }]));
    }

    /// F26: another variant with a price difference, which is noted and settled by people, never charged.
    async fn an_exchange_never_charges_its_difference(app) {
        let known = goods::order(app, "max@example.com", "R-17", "DE").await;
        let case = goods::case(app, &known, "EXCHANGE").await;
        goods::inspected(app, &case, 1, 1, "QUALITY_DEFECT", "SHOP_RETURN").await;
        let agent = app.agent().await;
        let exchange = json!({
            "caseId": case, "kind": "EXCHANGE", "position": 1, "quantity": 1, "sku": "W-300", "title": "Wasserkocher Rhein",
            "priceDifference": { "amountMinor": 2000, "currency": "EUR" },
        });
        for (input, code, field) in [
            (with(exchange.clone(), "sku", Value::Null), "REQUIRED", "input.sku"),
            (with(exchange.clone(), "title", Value::Null), "REQUIRED", "input.title"),
            (with(exchange.clone(), "kind", json!("REPAIR")), "INVALID", "input.sku"),
            (with(exchange.clone(), "quantity", json!(0)), "NOT_POSITIVE", "input.quantity"),
            (with(exchange.clone(), "position", json!(7)), "NOT_FOUND", "input.position"),
            (with(exchange.clone(), "priceDifference", json!({ "amountMinor": 1, "currency": "USD" })), "CURRENCY_MISMATCH", "input.priceDifference.currency"),
        ] {
            let (got, at, _) = refused(&agent, "remedyArrange", "RemedyArrangeInput", input).await;
            assert_eq!((got.as_str(), at.as_str()), (code, field));
        }
        let selection = "remedy { id title sku priceDifference { amountMinor currency } differenceSettledAt }";
        let done = agent.done("remedyArrange", "RemedyArrangeInput", exchange, selection).await;
        assert_eq!(done["remedy"]["priceDifference"], json!({ "amountMinor": 2000, "currency": "EUR" }));
        assert_eq!((&done["remedy"]["title"], &done["remedy"]["differenceSettledAt"]), (&json!("Wasserkocher Rhein"), &Value::Null));
        let remedy = done["remedy"]["id"].as_str().unwrap().to_owned();
        goods::ship(app, &remedy, "new-17").await;
        assert_eq!(app.count("refunds", "1 = 1").await, 0);
        assert_eq!(app.count("orders", "captured_minor = 69750 AND charged_back_minor = 0").await, 1, "nothing was taken");
        let step = json!({ "remedyId": remedy });
        let done = agent.done("remedyDifferenceSettle", "RemedyStepInput", step.clone(), "remedy { differenceSettledAt }").await;
        assert!(done["remedy"]["differenceSettledAt"].is_string());
        assert_eq!(refused(&agent, "remedyDifferenceSettle", "RemedyStepInput", step.clone()).await.0, "TRANSITION_NOT_ALLOWED");
        assert_eq!(refused(&agent, "remedyCancel", "RemedyStepInput", step).await.0, "TRANSITION_NOT_ALLOWED");
    }

    /// A remedy that was called off leaves room for another one.
    async fn a_cancelled_remedy_leaves_room(app) {
        let known = goods::order(app, "max@example.com", "R-18", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        goods::inspected(app, &case, 1, 1, "QUALITY_DEFECT", "WARRANTY").await;
        let remedy = goods::arrange(app, &case, "REPAIR").await;
        assert_eq!(state(app, &case).await, "REPAIR");
        let agent = app.agent().await;
        let another = json!({ "caseId": case, "kind": "REPLACEMENT", "position": 1, "quantity": 1 });
        assert_eq!(refused(&agent, "remedyArrange", "RemedyArrangeInput", another).await.0, "TOO_LARGE");
        let settle = json!({ "remedyId": remedy });
        assert_eq!(refused(&agent, "remedyDifferenceSettle", "RemedyStepInput", settle.clone()).await.0, "INVALID");
        agent.done("remedyCancel", "RemedyStepInput", settle, "remedy { state }").await;
        let ship = json!({ "remedyId": remedy, "carrier": "DHL", "trackingNumber": "x" });
        assert_eq!(refused(&goods::warehouse(app).await, "remedyShip", "RemedyShipInput", ship).await.0, "TRANSITION_NOT_ALLOWED");
        goods::arrange(app, &case, "REPLACEMENT").await;
    }

    /// F28: a delivered repair gives twelve months more for contracts from the policy's day on.
    async fn a_repair_extends_the_liability(app) {
        app.at("2026-09-01T09:00:00Z");
        let known = goods::order(app, "max@example.com", "R-19", "DE").await;
        let ends = async || {
            let query = "query($id: ID!) { order(id: $id) { lines { rights(reason: QUALITY_DEFECT) { track deadline { endsOn } } } } }";
            let found = app.agent().await.data(query, json!({ "id": known.order })).await;
            let rights = found["order"]["lines"][0]["rights"].as_array().unwrap().clone();
            let warranty = rights.into_iter().find(|r| r["track"] == "WARRANTY").unwrap();
            warranty["deadline"]["endsOn"].as_str().unwrap()[..4].parse::<i32>().unwrap()
        };
        assert_eq!(ends().await, 2028);
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        goods::inspected(app, &case, 1, 1, "QUALITY_DEFECT", "WARRANTY").await;
        let remedy = goods::arrange(app, &case, "REPAIR").await;
        goods::ship(app, &remedy, "mended-19").await;
        assert_eq!(ends().await, 2028, "it is not there yet");
        let input = json!({ "orderNumber": "R-19", "carrier": "DHL", "trackingNumber": "mended-19", "deliveredAt": app.now() + days(2) });
        app.advance(days(2));
        app.shop().done("parcelDeliver", "ParcelDeliverInput", input, "parcel { deliveredAt }").await;
        assert_eq!(ends().await, 2029);
        assert_eq!(delivered_at(app, &known).await, "2026-09-01T09:00:00+00:00", "the order was delivered once");
        let found = goods::seen(app, &case, "remedies { state }").await;
        assert_eq!(found["remedies"], json!([{ "state": "DELIVERED" }]));
    }

    /// F27: what is accepted without a return is replaced at once; nothing has to come back.
    async fn a_replacement_without_a_return(app) {
        let known = goods::order(app, "max@example.com", "R-28", "DE").await;
        let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
        life::decide(app, &case, "ELIGIBLE").await;
        assert_eq!(state(app, &case).await, "RESOLVED_WITHOUT_RETURN");
        let six = json!({ "caseId": case, "kind": "REPLACEMENT", "position": 1, "quantity": 6 });
        let (code, _, error) = refused(&app.agent().await, "remedyArrange", "RemedyArrangeInput", six).await;
        assert_eq!((code.as_str(), fact(&error, "maximum").as_str()), ("TOO_LARGE", "5"), "what was ordered");
        let remedy = goods::arrange(app, &case, "REPLACEMENT").await;
        goods::ship(app, &remedy, "new-28").await;
        let found = goods::seen(app, &case, "state returns { id } remedies { state }").await;
        assert_eq!(found, json!({ "state": "REPLACEMENT", "returns": [], "remedies": [{ "state": "SHIPPED" }] }));
        life::close(app, &case).await;
        assert_eq!(state(app, &case).await, "CLOSED");
    }
}
