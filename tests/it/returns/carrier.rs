//! What carriers report, and what it starts.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{one, with};
use crate::on_both_engines;
use crate::support::{days, goods};

on_both_engines! {
    /// F42: without a valid and fresh signature nothing is taken, and nothing is said about parcels.
    async fn a_carrier_has_to_sign(app) {
        goods::order(app, "max@example.com", "R-21", "DE").await;
        let body = json!({ "events": [goods::event(app, "e-1", "track-R-21", "IN_TRANSIT")] }).to_string();
        let now = app.now().timestamp();
        let good = goods::signature(now, &body, goods::SECRET);
        let before = app.counts().await;
        for signature in [
            String::new(), "t=,v1=".to_owned(), format!("t={now}"), goods::signature(now, &body, "another secret"),
            goods::signature(now - 301, &body, goods::SECRET), goods::signature(now + 301, &body, goods::SECRET),
            good.replace(&format!("t={now}"), &format!("t={}", now - 1)), good[..good.len() - 2].to_owned(),
        ] {
            let reply = goods::post(app, "dhl", &body, &signature).await;
            assert_eq!((reply.status.as_u16(), reply.json()["error"]["code"].as_str()), (401, Some("UNAUTHENTICATED")), "{signature}");
        }
        let changed = body.replace("IN_TRANSIT", "DELIVERED");
        assert_eq!(goods::post(app, "dhl", &changed, &good).await.status, 401);
        assert_eq!(app.counts().await, before);
        assert_eq!(goods::post(app, "dhl", &body, &good).await.json()["events"][0]["outcome"], "RECORDED");
        let rotated = good.replace("v1=", "v1=00,v1=");
        assert_eq!(goods::post(app, "dhl", &body, &rotated).await.json()["events"][0]["outcome"], "DUPLICATE", "a replay counts once");
        app.advance(TimeDelta::seconds(301));
        assert_eq!(goods::post(app, "dhl", &body, &good).await.status, 401, "recorded and played again later");
    }

    /// F42: the form of what a carrier sends; a refused request leaves nothing.
    async fn a_carriers_request_has_a_form(app) {
        goods::order(app, "max@example.com", "R-22", "DE").await;
        let event = |status: &str| goods::event(app, "e-1", "track-R-22", status);
        let many: Vec<Value> = (0..101).map(|n| goods::event(app, &format!("m-{n}"), "track-R-22", "IN_TRANSIT")).collect();
        let before = app.counts().await;
        for (body, status, code, path) in [
            ("{".to_owned(), 422, "INVALID", json!(["body"])),
            (json!({ "events": [event("FLYING")] }).to_string(), 422, "INVALID", json!(["events", "0", "status"])),
            (json!({ "events": [event("IN_TRANSIT"), with(event("IN_TRANSIT"), "occurredAt", json!(app.now() + days(1)))] }).to_string(), 422, "INVALID", json!(["events", "1", "occurredAt"])),
            (json!({ "events": [with(event("IN_TRANSIT"), "id", json!(""))] }).to_string(), 422, "REQUIRED", json!(["events", "0", "id"])),
            (json!({ "events": many }).to_string(), 413, "TOO_LARGE", json!(["events"])),
            (format!("{{\"events\":[]{}}}", " ".repeat(64 << 10)), 413, "TOO_LARGE", json!(["body"])),
        ] {
            let reply = goods::post(app, "dhl", &body, &goods::signature(app.now().timestamp(), &body, goods::SECRET)).await;
            let error = reply.json()["error"].clone();
            assert_eq!((reply.status.as_u16(), &error["code"], &error["path"]), (status, &json!(code), &path));
        }
        assert_eq!(app.counts().await, before);
        let body = json!({ "events": [event("IN_TRANSIT")] }).to_string();
        let signature = goods::signature(app.now().timestamp(), &body, goods::SECRET);
        assert!(!goods::post(app, "a!b", &body.clone(), &signature).await.status.is_success());
        assert_eq!(goods::post(app, "ups", &body, &signature).await.json()["events"][0]["outcome"], "UNKNOWN", "another carrier's number");
    }

    /// F42, F43: an event counts once, and a late "in transit" never undoes "delivered".
    async fn events_count_once_and_only_forward(app) {
        let known = goods::order(app, "max@example.com", "R-23", "DE").await;
        let case = goods::case(app, &known, "RETURN").await;
        let id = goods::instruct(app, &case, one()).await;
        let input = json!({ "returnId": id, "proof": "Beleg" });
        app.customer(&known.email).await.done("returnDispatch", "ReturnDispatchInput", input, "return { state }").await;
        goods::dispatch(app, &known, &id, "back 23").await;
        app.advance(TimeDelta::hours(1));
        let events = json!([
            with(goods::event(app, "e-1", "BACK23", "DELIVERED"), "detail", json!("Abgegeben bei MARKE-NACHBAR")),
            goods::event(app, "e-2", "back23", "IN_TRANSIT"), goods::event(app, "e-3", "back23", "LOST"),
            goods::event(app, "e-1", "back23", "DELIVERED"), goods::event(app, "e-4", "nobody knows", "DELIVERED"),
        ]);
        let outcomes = ["RECORDED", "RECORDED", "RECORDED", "DUPLICATE", "UNKNOWN"];
        assert_eq!(goods::report(app, events).await, outcomes);
        let found = goods::seen(app, &case, "state parcels { state carrierEvents { status detail retention { dataType startedAt } } }").await;
        assert_eq!((&found["state"], &found["parcels"][0]["state"]), (&json!("IN_TRANSIT"), &json!("DELIVERED")));
        let events = found["parcels"][0]["carrierEvents"].as_array().unwrap();
        let mut statuses: Vec<_> = events.iter().map(|e| e["status"].as_str().unwrap()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, ["DELIVERED", "IN_TRANSIT", "LOST"]);
        assert!(events.iter().any(|e| e["detail"] == "Abgegeben bei MARKE-NACHBAR"));
        assert!(events.iter().all(|e| e["retention"] == json!({ "dataType": "R08", "startedAt": "2014-03-10T10:00:00+00:00" })), "{found}");
        assert_eq!(goods::tasks(app, &case).await, Vec::<String>::new(), "it is filed when the goods are counted");
        let own = app.customer(&known.email).await.data("query($id: ID!) { serviceCase(id: $id) { parcels { state carrierEvents { status } } } }", json!({ "id": case })).await;
        assert_eq!(own["serviceCase"]["parcels"], json!([{ "state": "DELIVERED", "carrierEvents": null }]));
    }

    /// F42, F44: the first scan proves dispatch; an exception is traced once.
    async fn a_scan_proves_dispatch_and_an_exception_is_traced(app) {
        let known = goods::order(app, "max@example.com", "R-24", "DE").await;
        let case = goods::case(app, &known, "WITHDRAWAL").await;
        let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 1, "reason": "NO_REASON" }])).await;
        goods::dispatch(app, &known, &id, "back-24").await;
        let events = json!([goods::event(app, "e-1", "back-24", "EXCEPTION"), goods::event(app, "e-2", "back-24", "EXCEPTION")]);
        goods::report(app, events).await;
        assert_eq!(goods::tasks(app, &case).await, ["REFUND_WITHDRAWAL", "TRACE_PARCEL"]);
        goods::report(app, json!([goods::event(app, "e-3", "back-24", "LOST")])).await;
        let found = goods::seen(app, &case, "state parcels { state }").await;
        assert_eq!(found, json!({ "state": "IN_TRANSIT", "parcels": [{ "state": "LOST" }] }), "a person decides that it is lost");
        goods::report(app, json!([goods::event(app, "e-4", "back-24", "DELIVERED")])).await;
        assert_eq!(goods::seen(app, &case, "parcels { state }").await["parcels"], json!([{ "state": "DELIVERED" }]));
    }

    /// N4, F18: two parcels nine days apart start every window with the last of them.
    async fn the_last_parcel_starts_the_windows(app) {
        let input = json!({
            "number": "R-25", "orderedAt": app.now(), "captured": { "amountMinor": 11990, "currency": "EUR" },
            "customer": { "email": "max@example.com", "name": "Max", "locale": "DE" }, "paymentMethod": "VISA",
            "lines": [{ "sku": "W-100", "productGroup": "KITCHEN", "title": "Wasserkocher", "quantity": 1, "unitPriceMinor": 11990, "taxBasisPoints": 1900 }],
            "parcels": [{ "carrier": "DHL", "trackingNumber": "p-1" }, { "carrier": "DHL", "trackingNumber": "p-2" }],
        });
        let done = app.shop().done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
        let order = done["order"]["id"].as_str().unwrap().to_owned();
        let seen = async || {
            let query = "query($id: ID!) { order(id: $id) { deliveredAt lines { rights { track deadline { endsOn } } } } }";
            let found = app.agent().await.data(query, json!({ "id": order })).await["order"].clone();
            let rights = found["lines"][0]["rights"].as_array().unwrap().clone();
            let withdrawal = rights.into_iter().find(|r| r["track"] == "WITHDRAWAL").unwrap();
            (found["deliveredAt"].clone(), withdrawal["deadline"]["endsOn"].clone())
        };
        app.at("2014-03-12T10:00:00Z");
        goods::report(app, json!([goods::event(app, "e-1", "p-1", "DELIVERED")])).await;
        assert_eq!(seen().await, (Value::Null, Value::Null));
        app.at("2014-03-21T10:00:00Z");
        goods::report(app, json!([goods::event(app, "e-2", "p-2", "OUT_FOR_DELIVERY"), goods::event(app, "e-3", "p-2", "DELIVERED")])).await;
        assert_eq!(seen().await, (json!("2014-03-21T10:00:00+00:00"), json!("2014-04-04")));
        goods::report(app, json!([goods::event(app, "e-4", "p-1", "DELIVERED")])).await;
        assert_eq!(seen().await.0, "2014-03-21T10:00:00+00:00");
    }
}

/// Where no secret is set, nothing is taken from carriers, and the answer says so.
#[tokio::test]
async fn without_a_secret_the_route_takes_nothing() {
    use aftersales::clock::{Clock, FixedClock};
    use tower::ServiceExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::support::config(&folder, None);
    config.carrier_secret = None;
    let clock = Clock::Fixed(FixedClock::at(crate::support::BEGIN.parse().unwrap()));
    let state = aftersales::state::App::open(config, clock).await.unwrap();
    let request = axum::http::Request::post("/webhooks/carriers/dhl").header("x-signature", "t=1,v1=00");
    let request = request.body(axum::body::Body::from("{}")).unwrap();
    let response = aftersales::http::router(state).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 404);
}
