//! The published policy and the legal tracks of an order line, through the API.

use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, life};

const RIGHTS: &str = "query($id: ID!) { order(id: $id) { lines { rights { track status estimated mostFavourable \
    returnCarriage outboundRefund source deadline { endsOn steps { code why } source } } \
    eligibility(wish: MONEY_BACK) { verdict track findings { track code effect message source } } } } }";

/// An order of two parcels, on its way.
async fn two_parcels(app: &App) -> String {
    app.at("2014-03-10T09:00:00Z");
    let parcel = |n: &str| json!({ "carrier": "DHL", "trackingNumber": n, "dispatchedAt": app.now() });
    let input = json!({
        "number": "K-2", "orderedAt": app.now(), "captured": { "amountMinor": 5000, "currency": "EUR" },
        "customer": { "email": "max@example.com", "name": "Max" }, "paymentMethod": "VISA", "land": "by",
        "lines": [{ "sku": "A", "productGroup": "KITCHEN", "title": "Topf", "quantity": 1, "unitPriceMinor": 5000,
            "taxBasisPoints": 1900, "guaranteeMonths": 36 }],
        "parcels": [parcel("1"), parcel("2")],
    });
    let done = app.shop().done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
    done["order"]["id"].as_str().unwrap().to_owned()
}

async fn arrives(app: &App, parcel: &str) {
    let input = json!({ "orderNumber": "K-2", "carrier": "DHL", "trackingNumber": parcel, "deliveredAt": app.now() });
    app.shop().done("parcelDeliver", "ParcelDeliverInput", input, "parcel { deliveredAt }").await;
}

async fn line(caller: &Caller<'_>, order: &str) -> Value {
    caller.data(RIGHTS, json!({ "id": order })).await["order"]["lines"][0].clone()
}

fn right<'v>(line: &'v Value, track: &str) -> &'v Value {
    line["rights"].as_array().unwrap().iter().find(|r| r["track"] == track).unwrap()
}

on_both_engines! {
    /// F16, F18, N1, N4: windows count from the last parcel of the order, not from the first and not from the order.
    async fn windows_count_from_the_last_parcel(app) {
        let order = two_parcels(app).await;
        app.at("2014-03-12T10:00:00Z");
        arrives(app, "1").await;
        let before = line(&app.customer("max@example.com").await, &order).await;
        assert_eq!(right(&before, "WITHDRAWAL")["status"], "OPEN", "it may be declared before the goods are there");
        assert!(right(&before, "WITHDRAWAL")["deadline"].is_null());
        assert_eq!(right(&before, "SHOP_RETURN")["status"], "NOT_YET");
        app.at("2014-03-21T10:00:00Z");
        arrives(app, "2").await;
        let after = line(&app.customer("max@example.com").await, &order).await;
        let ends = |track| right(&after, track)["deadline"]["endsOn"].as_str().unwrap().to_owned();
        assert_eq!(ends("WITHDRAWAL"), "2014-04-04");
        assert_eq!(ends("SHOP_RETURN"), "2014-05-05", "45 days");
        assert_eq!((ends("WARRANTY"), ends("GUARANTEE")), ("2016-03-21".to_owned(), "2017-03-21".to_owned()));
        assert_eq!(right(&after, "WITHDRAWAL")["returnCarriage"], "CUSTOMER");
        assert_eq!(right(&after, "WITHDRAWAL")["outboundRefund"], "STANDARD");
        let best: Vec<&Value> = after["rights"].as_array().unwrap().iter().filter(|r| r["mostFavourable"] == true).collect();
        assert_eq!(best.len(), 1);
    }

    /// N4: without a report of the delivery the end is an estimate, says so, and nothing is refused because of it.
    async fn an_assumed_delivery_is_marked_and_refuses_nothing(app) {
        let order = two_parcels(app).await;
        app.at("2014-09-01T10:00:00Z");
        let found = line(&app.customer("max@example.com").await, &order).await;
        for track in ["WITHDRAWAL", "SHOP_RETURN"] {
            assert_eq!((&right(&found, track)["estimated"], &right(&found, track)["status"]), (&json!(true), &json!("OPEN")));
        }
        assert_eq!(found["eligibility"]["verdict"], "MANUAL");
        assert!(found["eligibility"]["findings"].to_string().contains("DELIVERY_ASSUMED"));
    }

    /// F19, S14, S45, S51: every reason on every track; the shop's window takes over where withdrawal has ended.
    async fn all_reasons_are_told_in_both_languages(app) {
        let order = two_parcels(app).await;
        app.at("2014-03-21T10:00:00Z");
        arrives(app, "1").await;
        arrives(app, "2").await;
        app.at("2014-04-10T10:00:00Z");
        let agent = app.agent().await;
        let advice = line(&agent, &order).await["eligibility"].clone();
        assert_eq!((&advice["verdict"], &advice["track"]), (&json!("ELIGIBLE"), &json!("SHOP_RETURN")));
        let late = advice["findings"].as_array().unwrap().iter().find(|f| f["code"] == "TOO_LATE").unwrap();
        assert_eq!((&late["track"], &late["effect"]), (&json!("WITHDRAWAL"), &json!("REJECTED")));
        assert_eq!((&late["message"], &late["source"]), (&json!("The period is over."), &json!("BGB §§ 355(2), 356(2)")));
        let german = agent.gql_in("de", RIGHTS, json!({ "id": order })).await.json().to_string();
        assert!(german.contains("Die Frist ist abgelaufen."), "{german}");
    }

    /// S5, S19: advice never keeps anybody from asking; the case shows what is advised on each line.
    async fn intake_is_never_blocked(app) {
        let known = life::order(app, "max@example.com", "K-1").await;
        life::delivered(app, &known).await;
        app.advance(crate::support::days(4 * 365));
        let max = app.customer(&known.email).await;
        let case = life::open(&max, "RETURN", Some(&known.order), "Gefällt mir nicht.").await;
        let query = "query($id: ID!) { serviceCase(id: $id) { state assessments { line { sku } eligibility { verdict track findings { code } } } } }";
        let found = app.agent().await.data(query, json!({ "id": case })).await["serviceCase"].clone();
        assert_eq!(found["state"], "RECEIVED");
        assert_eq!(found["assessments"][0]["line"]["sku"], "W-100");
        assert_eq!(found["assessments"][0]["eligibility"]["verdict"], "REJECTED");
    }

    /// S2, S56, S63, S83 to S86: the policy is published to everybody, in both languages, with its validity.
    async fn the_policy_is_published(app) {
        let query = "{ policy { version validFrom validUntil werktag serviceZone shop { name email phone address } \
            serviceHours { weekday spans } documents { title } sections { topic text } freight { defect noReasonReturn handlingFee } \
            controller { name } euRepresentative { name } rules { id kind protects anchor period source validForContractsFrom } } }";
        let policy = app.anonymous().data(query, json!({})).await["policy"].clone();
        assert_eq!((&policy["version"], &policy["validUntil"]), (&json!(1), &Value::Null));
        assert_eq!((&policy["shop"]["email"], &policy["shop"]["phone"]), (&json!("info@sofioma.com"), &json!("+1 (908) 655-6268")));
        assert_eq!(policy["shop"]["address"][2], "US");
        assert_eq!(policy["serviceHours"][4], json!({ "weekday": 5, "spans": ["09:00-12:30", "14:00-18:00"] }));
        assert_eq!(policy["serviceHours"][5]["spans"], json!([]));
        assert_eq!(policy["documents"][1]["title"], "Return and exchange policy");
        assert_eq!(policy["freight"], json!({ "defect": "SHOP", "noReasonReturn": "CUSTOMER", "handlingFee": false }));
        let rule = |id: &str| policy["rules"].as_array().unwrap().iter().find(|r| r["id"] == id).unwrap().clone();
        assert_eq!((&rule("shop-return")["kind"], &rule("shop-return")["period"]), (&json!("SHOP"), &json!("45 days")));
        assert_eq!(rule("warranty-after-repair")["validForContractsFrom"], "2026-07-31");
        assert_eq!(rule("refund-credit")["period"], "10 to 15 Werktage");
        let german = app.anonymous().gql_in("de", query, json!({})).await.json()["data"]["policy"].clone();
        assert_eq!(german["documents"][1]["title"], "Rückgabe- und Umtauschrichtlinie");
        assert!(german["sections"][0]["text"].as_str().unwrap().contains("Beschwerden"));
    }

    /// F56, F85: how long a record is kept explains itself as well, and ends where the rule says.
    async fn keeping_explains_itself(app) {
        app.at("2014-03-10T09:00:00Z");
        let known = life::order(app, "max@example.com", "K-1").await;
        let (case, ..) = life::whole_case(app, &known).await;
        let query = "query($id: ID!) { serviceCase(id: $id) { refunds { retention { keptUntil endsAt deadline { rule endsOn endsAt source steps { code date what } } } } } }";
        let found = app.agent().await.data(query, json!({ "id": case })).await;
        let retention = &found["serviceCase"]["refunds"][0]["retention"];
        let deadline = &retention["deadline"];
        assert_eq!((&deadline["rule"], &deadline["endsOn"]), (&json!("retention:R01"), &json!("2022-12-31")));
        assert_eq!((&deadline["endsOn"], &deadline["endsAt"]), (&retention["keptUntil"], &retention["endsAt"]));
        let codes: Vec<&str> = deadline["steps"].as_array().unwrap().iter().map(|s| s["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["ANCHOR", "YEAR_END", "PERIOD", "END"]);
    }
}
