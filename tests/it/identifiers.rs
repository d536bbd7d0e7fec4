//! Numbers that could be those of cards and are not: orders, parcels and devices are known by them, whole.

use serde_json::json;

use crate::on_both_engines;
use crate::support::{goods, life};

/// Each passes the check of a card number (Luhn).
const ORDER: &str = "2026112200004";
const OTHER_ORDER: &str = "2026112200020";
const PARCEL: &str = "4111111111111111";
const OTHER_PARCEL: &str = "4000000000001111";
const IMEI: &str = "356938035643809";

on_both_engines! {
    /// An order is found by its number at every door.
    async fn an_order_is_found_by_a_number_like_a_cards(app) {
        let known = life::order(app, "max@example.com", ORDER).await;
        life::delivered(app, &known).await;
        let input = json!({ "orderNumber": ORDER, "chargedBack": { "amountMinor": 500, "currency": "EUR" } });
        let done = app.shop().done("orderChargeback", "OrderChargebackInput", input, "order { number }").await;
        assert_eq!(done["order"]["number"], ORDER);
    }

    /// Two parcels whose last digits are the same are two: what is scanned of one says nothing of the other.
    async fn parcels_with_like_numbers_are_two(app) {
        let mut shipped = Vec::new();
        for (email, order, parcel) in [("max@example.com", ORDER, PARCEL), ("erika@example.com", OTHER_ORDER, OTHER_PARCEL)] {
            let known = goods::order(app, email, order, "DE").await;
            let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
            let id = goods::instruct(app, &case, json!([{ "position": 1, "quantity": 1, "reason": "QUALITY_DEFECT" }])).await;
            goods::dispatch(app, &known, &id, parcel).await;
            shipped.push((known, id));
        }
        let events = json!([goods::event(app, "9999999999999995", PARCEL, "IN_TRANSIT"), goods::event(app, "9999999999999979", OTHER_PARCEL, "IN_TRANSIT")]);
        assert_eq!(goods::report(app, events).await, ["RECORDED", "RECORDED"]);
        for ((known, id), parcel) in shipped.iter().zip([PARCEL, OTHER_PARCEL]) {
            let query = "query($id: ID!) { return(id: $id) { parcels { trackingNumber } } }";
            let seen = app.customer(&known.email).await.data(query, json!({ "id": id })).await;
            assert_eq!(seen["return"]["parcels"], json!([{ "trackingNumber": parcel }]));
        }
        assert_eq!(app.count("parcels", "id IN (SELECT parcel_id FROM carrier_events)").await, 2);
    }

    /// The number of a device is what a warranty goes by.
    async fn a_device_keeps_its_number(app) {
        let input = json!({
            "number": "I-1", "orderedAt": app.now(), "captured": { "amountMinor": 11990, "currency": "EUR" },
            "customer": { "email": "max@example.com", "name": "Max Muster", "locale": "DE" }, "paymentMethod": "VISA", "parcels": [],
            "lines": [{ "sku": "P-1", "productGroup": "PHONES", "title": "Telefon", "quantity": 1, "unitPriceMinor": 11990,
                        "taxBasisPoints": 1900, "serialNumber": IMEI }],
        });
        app.shop().done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
        let customer = app.customer("max@example.com").await.data("{ viewer { customerId } }", json!({})).await;
        let exported = crate::erasure::exported(app, customer["viewer"]["customerId"].as_str().unwrap()).await;
        assert!(exported.contains(IMEI), "{exported}");
    }
}
