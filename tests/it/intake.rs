//! The web form: it takes everything in and tells nobody anything.

use entity::mails::Template;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, intake, life};

fn form(email: &str, number: Option<&str>) -> Value {
    json!({
        "kind": "WARRANTY_CLAIM", "description": "Der Wasserkocher leckt.", "name": "Wer Auch Immer", "email": email,
        "orderNumber": number,
    })
}

async fn submit(app: &App, input: Value) -> Value {
    app.anonymous().done("serviceCaseSubmit", "ServiceCaseSubmitInput", input, "number").await
}

const CASE: &str = "channel order { id } customer { id } missing { fact } messages { nodes { body author } }";

on_both_engines! {
    /// S15, S18, S19: somebody unknown is met, and written to.
    async fn somebody_unknown_is_met(app) {
        let done = submit(app, form("neu@example.com", None)).await;
        let case = intake::case(app, &done["number"], CASE).await;
        assert_eq!((&case["channel"], &case["order"]), (&json!("WEB_FORM"), &json!(null)));
        assert_eq!(case["messages"]["nodes"][0], json!({ "body": "Der Wasserkocher leckt.", "author": "ANONYMOUS" }));
        let (text, to) = intake::letter(app, Template::Acknowledgement).await.unwrap();
        assert_eq!(to, "neu@example.com");
        assert!(text.contains(done["number"].as_str().unwrap()) && !text.contains("Wer Auch Immer"), "{text}");
        let guest = intake::guest(app, done["number"].as_str().unwrap(), "neu@example.com").await;
        let seen = guest.data("{ serviceCases { nodes { number } } }", json!({})).await;
        assert_eq!(seen["serviceCases"]["nodes"], json!([done.clone()].map(|d| json!({ "number": d["number"] }))));
    }

    /// S17, N3: number and address that belong together find the order; others are kept in words, and nobody is told.
    async fn an_order_is_attached_only_to_its_owner(app) {
        let known = life::order(app, "max@example.com", "F-1").await;
        life::order(app, "erika@example.com", "F-2").await;
        let own = submit(app, form("max@example.com", Some("F-1"))).await;
        let foreign = submit(app, form("max@example.com", Some("F-2"))).await;
        let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&own), keys(&foreign));
        let case = intake::case(app, &own["number"], CASE).await;
        assert_eq!((&case["order"]["id"], &case["customer"]["id"]), (&json!(known.order), &json!(known.customer)));
        let case = intake::case(app, &foreign["number"], CASE).await;
        assert_eq!(case["order"], json!(null));
        let text = case["messages"]["nodes"][0]["body"].as_str().unwrap();
        assert!(text.ends_with("Order number as entered: F-2"), "{text}");
        assert!(case["missing"].as_array().unwrap().contains(&json!({ "fact": "ORDER_NUMBER" })));
        let contact = "query($id: ID!) { customer(id: $id) { contact { name phone } } }";
        let found = app.customer("max@example.com").await.data(contact, json!({ "id": known.customer })).await;
        assert_eq!(found["customer"]["contact"], json!({ "name": "Erika Mustermann", "phone": "030 23125 101" }));
    }

    /// N3: a mailbox is not flooded; a withdrawal has its own function.
    async fn it_has_bounds(app) {
        for _ in 0..10 {
            submit(app, form("neu@example.com", None)).await;
        }
        let anyone = app.anonymous();
        let refused = anyone.refused("serviceCaseSubmit", "ServiceCaseSubmitInput", form("NEU@example.com", None)).await;
        assert_eq!(refused.0, "TOO_LARGE");
        let mut withdrawal = form("max@example.com", None);
        withdrawal["kind"] = json!("WITHDRAWAL");
        let refused = anyone.refused("serviceCaseSubmit", "ServiceCaseSubmitInput", withdrawal).await;
        assert_eq!((refused.0.as_str(), &refused.1["details"][0]["value"]), ("INVALID", &json!("withdrawalPrepare")));
        let mut input = form("zwei@example.com", None);
        input["idempotencyKey"] = json!("twice");
        assert_eq!(submit(app, input.clone()).await, submit(app, input).await);
        assert_eq!(app.count("cases", "1 = 1").await, 11);
    }
}
