//! Access without an account: one answer for everybody, one order for a guest, an end for every token.

use chrono::TimeDelta;
use entity::mails::Template;
use serde_json::json;

use crate::on_both_engines;
use crate::support::{App, days, goods, intake, life};

async fn shape(app: &App) -> (i64, i64, i64) {
    (
        app.count("idempotency_keys", "operation = 'guestAccessRequest'").await,
        app.count("tokens", "kind = 'GUEST'").await,
        app.count("mails", "template = 'GUEST_LINK'").await,
    )
}

on_both_engines! {
    /// F2, N3: whoever asks is answered the same, whether number and address belong together or not.
    async fn the_answer_tells_nothing(app) {
        life::order(app, "max@example.com", "G-1").await;
        life::order(app, "erika@example.com", "G-2").await;
        let hit = intake::ask_in(app, "G-1", "max@example.com").await;
        assert_eq!(shape(app).await, (1, 1, 1));
        for (number, email) in [
            ("G-1", "erika@example.com"), ("G-2", "max@example.com"), ("none", "max@example.com"),
            ("G-1", "nobody@example.com"), ("none", "nobody@example.com"), ("AS-2014-0000000", "erika@example.com"),
        ] {
            let miss = intake::ask_in(app, number, email).await;
            assert_eq!((miss.status, &miss.bytes), (hit.status, &hit.bytes), "{number} {email}");
        }
        assert_eq!(shape(app).await, (7, 1, 1), "each leaves its key, and one alone a link");
        let (text, to) = intake::letter(app, Template::GuestLink).await.unwrap();
        assert_eq!(to, "max@example.com");
        assert!(!text.contains("G-1"), "{text}");
    }

    /// N3: guessing and flooding are slowed down, with the same answer.
    async fn a_flood_ends_in_the_same_words(app) {
        life::order(app, "max@example.com", "G-3").await;
        let first = intake::ask_in(app, "G-3", "max@example.com").await;
        for _ in 0..6 {
            assert_eq!(intake::ask_in(app, "g-3 ", "MAX@example.com").await.bytes, first.bytes);
        }
        assert_eq!(app.count("mails", "template = 'GUEST_LINK'").await, 5);
        app.advance(TimeDelta::hours(1));
        let _ = intake::ask_in(app, "G-3", "max@example.com").await;
        assert_eq!(app.count("mails", "template = 'GUEST_LINK'").await, 6);
    }

    /// F2: a guest sees and does what concerns the order, and nothing else of the same person.
    async fn a_guest_sees_one_order(app) {
        let one = life::order(app, "max@example.com", "G-4").await;
        let two = life::order(app, "max@example.com", "G-5").await;
        let customer = app.customer("max@example.com").await;
        let (case, refund, photo) = life::whole_case(app, &one).await;
        let (other, other_refund, other_photo) = life::whole_case(app, &two).await;
        let loose = life::open(&customer, "COMPLAINT", None, "Ohne Bestellung.").await;
        let guest = intake::guest(app, "G-4", "max@example.com").await;
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } serviceCases { nodes { id } } orders { nodes { id } } \
                     refunds { nodes { id } } customers { nodes { id displayName emailMasked } } }";
        let ids = json!([case, other, loose, one.order, two.order, refund, other_refund, photo, other_photo, one.customer]);
        let seen = guest.data(query, json!({ "ids": ids })).await;
        let found: Vec<bool> = seen["nodes"].as_array().unwrap().iter().map(|n| !n.is_null()).collect();
        assert_eq!(found, [true, false, false, true, false, true, false, true, false, true]);
        assert_eq!(seen["serviceCases"]["nodes"], json!([{ "id": case }]));
        assert_eq!(seen["orders"]["nodes"], json!([{ "id": one.order }]));
        assert_eq!(seen["refunds"]["nodes"], json!([{ "id": refund }]));
        let masked = json!([{ "id": one.customer, "displayName": "E. M.", "emailMasked": "m…@example.com" }]);
        assert_eq!(seen["customers"]["nodes"], masked);
        let contact = "query($id: ID!) { customer(id: $id) { contact { email } } }";
        assert_eq!(guest.gql(contact, json!({ "id": one.customer })).await.code(), "FORBIDDEN");
        for order in [Some(&two.order), None] {
            let input = json!({ "kind": "COMPLAINT", "description": "Noch etwas.", "orderId": order });
            assert_eq!(guest.refused("serviceCaseOpen", "ServiceCaseOpenInput", input).await.0, "NOT_FOUND");
        }
        let opened = life::open(&guest, "COMPLAINT", Some(&one.order), "Noch etwas.").await;
        life::say(&guest, &opened, "Und noch etwas.").await;
        let query = "query($id: ID!) { node(id: $id) { ... on Attachment { download { url } } } }";
        let url = guest.data(query, json!({ "id": photo })).await["node"]["download"]["url"].clone();
        let path = url.as_str().unwrap().trim_start_matches("http://test").to_owned();
        let get = || axum::http::Request::get(&path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(app.send(get()).await.status, 200);
        guest.done("guestAccessRevoke", "GuestAccessStepInput", json!({}), "guestAccess { bearer }").await;
        assert_eq!(app.send(get()).await.status, 404, "the link ends with the access");
        assert_eq!(guest.gql("{ viewer { kind } }", json!({})).await.code(), "UNAUTHENTICATED");
        assert!(customer.data("{ viewer { customerId } }", json!({})).await["viewer"]["customerId"].is_string());
    }

    /// F2: the returns of others are not a guest's, by no way in.
    async fn a_guest_sees_the_returns_of_one_order(app) {
        let mut returns = Vec::new();
        for (email, number) in [("max@example.com", "G-14"), ("max@example.com", "G-15"), ("erika@example.com", "G-16")] {
            let known = goods::order(app, email, number, "DE").await;
            let case = goods::case(app, &known, "WARRANTY_CLAIM").await;
            let lines = json!([{ "position": 1, "quantity": 1, "reason": "QUALITY_DEFECT" }]);
            returns.push(goods::instruct(app, &case, lines).await);
        }
        let agent = app.agent().await;
        let guest = intake::guest(app, "G-14", "max@example.com").await;
        let listed = guest.data("{ returns { nodes { id } } }", json!({})).await;
        assert_eq!(listed["returns"]["nodes"], json!([{ "id": returns[0] }]));
        for (id, is_theirs) in returns.iter().zip([true, false, false]) {
            let number = agent.data("query($id: ID!) { return(id: $id) { number } }", json!({ "id": id })).await;
            let number = number["return"]["number"].clone();
            for query in [
                "query($id: ID!, $n: String!) { found: return(id: $id) { id } other: returnByNumber(number: $n) { number } }",
                "query($id: ID!, $n: String!) { found: node(id: $id) { id } other: returnByNumber(number: $n) { number } }",
            ] {
                let seen = guest.gql(query, json!({ "id": id, "n": number })).await.json();
                let found = (!seen["data"]["found"].is_null(), !seen["data"]["other"].is_null());
                assert_eq!(found, (is_theirs, is_theirs), "{seen}");
            }
        }
    }

    /// F2: a case without an order has its own guest, by its number.
    async fn a_case_number_lets_in_as_well(app) {
        life::order(app, "max@example.com", "G-6").await;
        let customer = app.customer("max@example.com").await;
        let case = life::open(&customer, "COMPLAINT", None, "Ohne Bestellung.").await;
        let query = "query($id: ID!) { serviceCase(id: $id) { number } }";
        let number = customer.data(query, json!({ "id": case })).await["serviceCase"]["number"].clone();
        let guest = intake::guest(app, number.as_str().unwrap(), "max@example.com").await;
        let seen = guest.data("{ serviceCases { nodes { id } } orders { nodes { id } } }", json!({})).await;
        assert_eq!(seen, json!({ "serviceCases": { "nodes": [{ "id": case }] }, "orders": { "nodes": [] } }));
    }

    /// F2: a link is opened once and for half an hour; the access lasts a day, and thirty with renewals.
    async fn everything_ends(app) {
        life::order(app, "max@example.com", "G-7").await;
        let _ = intake::ask_in(app, "G-7", "max@example.com").await;
        let link = intake::link(app).await;
        let input = json!({ "token": link, "idempotencyKey": "once" });
        let selection = "guestAccess { bearer expiresAt renewableUntil }";
        let open = || app.anonymous();
        let first = open().done("guestAccessRedeem", "GuestAccessRedeemInput", input.clone(), selection).await;
        let again = open().done("guestAccessRedeem", "GuestAccessRedeemInput", input, selection).await;
        assert_eq!(first, again, "sent again, it answers the same");
        let refused = open().refused("guestAccessRedeem", "GuestAccessRedeemInput", json!({ "token": link })).await;
        assert_eq!(refused.0, "LINK_INVALID");
        let _ = intake::ask_in(app, "G-7", "max@example.com").await;
        let late = intake::link(app).await;
        app.advance(TimeDelta::minutes(30));
        let refused = open().refused("guestAccessRedeem", "GuestAccessRedeemInput", json!({ "token": late })).await;
        assert_eq!(refused.0, "LINK_INVALID");

        let bearer = |payload: &serde_json::Value| crate::support::Caller {
            app,
            token: Some(payload["guestAccess"]["bearer"].as_str().unwrap().to_owned()),
        };
        let mut guest = bearer(&first);
        for day in 0..29 {
            app.advance(days(1) - TimeDelta::hours(1));
            let renewed = guest.mutate("guestAccessRenew", "GuestAccessStepInput", json!({}), selection).await;
            assert_eq!(renewed["userErrors"], json!([]), "day {day}");
            guest = bearer(&renewed);
        }
        app.advance(TimeDelta::hours(23));
        guest = bearer(&guest.mutate("guestAccessRenew", "GuestAccessStepInput", json!({}), selection).await);
        app.advance(TimeDelta::hours(23));
        guest = bearer(&guest.mutate("guestAccessRenew", "GuestAccessStepInput", json!({}), selection).await);
        let refused = guest.refused("guestAccessRenew", "GuestAccessStepInput", json!({})).await;
        assert_eq!(refused.0, "TRANSITION_NOT_ALLOWED", "the thirtieth day is the last");
        app.advance(days(1));
        assert_eq!(guest.gql("{ viewer { kind } }", json!({})).await.code(), "UNAUTHENTICATED");
    }
}
