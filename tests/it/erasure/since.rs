//! What is written after a request for erasure: an addition to what waits goes with it, new business stays.

use serde_json::{Value, json};

use super::{erase, outcomes};
use crate::on_both_engines;
use crate::support::{App, days, intake, life, media};

/// A question that is still open when its customer asks for erasure.
async fn asked_in_the_middle(app: &App, number: &str) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", number).await;
    life::delivered(app, &known).await;
    let case = life::open(&app.customer(&known.email).await, "USAGE_GUIDANCE", None, "Wie entkalke ich ihn?").await;
    app.advance(days(1));
    assert_eq!(erase(app, &known.customer, false).await["state"], "DEFERRED");
    app.advance(days(1));
    (known, case)
}

async fn add_to(app: &App, known: &life::Known, case: &str) {
    let customer = app.customer(&known.email).await;
    life::say(&customer, case, "Und womit?").await;
    life::upload(&customer, case, "p.jpg", "image/jpeg", &media::jpeg()).await;
    life::say(&app.agent().await, case, "Mit Zitronensäure.").await;
}

async fn close(app: &App, case: &str) {
    life::decide(app, case, "SOLVED_DIRECTLY").await;
    life::close(app, case).await;
}

async fn records(app: &App) -> Value {
    let query = "{ erasures { nodes { records { table dataType outcome because } } } }";
    app.dpo().await.data(query, json!({})).await["erasures"]["nodes"][0].clone()
}

on_both_engines! {
    /// GDPR Art. 17: what is written, uploaded and logged while a case waits for its end is no longer kept than the case.
    async fn what_is_added_to_what_waits_goes_with_it(app) {
        let (known, case) = asked_in_the_middle(app, "D-1").await;
        add_to(app, &known, &case).await;
        assert!(app.count("access_entries", "1 = 1").await > 0, "who opened the case is logged");
        close(app, &case).await;
        let report = app.run_job("erasures").await;
        assert_eq!((&report["erasuresSettled"], &report["scansPassed"]), (&json!(1), &json!(1)));
        for table in ["customers", "cases", "messages", "attachments", "access_entries", "timers", "tasks"] {
            assert_eq!(app.count(table, "1 = 1").await, 0, "{table}");
        }
        assert!(outcomes(&records(app).await, "ERASED").contains(&("access_entries".to_owned(), "R12".to_owned())));
    }

    /// As long as the case is worked on, its customer gets in, uploads go on, and it is logged who looked: a pass in between takes none
    /// of that, and has nothing to scan for.
    async fn what_lets_somebody_in_is_left_while_something_waits(app) {
        let (known, case) = asked_in_the_middle(app, "D-4").await;
        app.run_job("erasures").await;
        add_to(app, &known, &case).await;
        let customer = app.customer(&known.email).await;
        let input = json!({ "caseId": case, "fileName": "q.jpg", "mediaType": "image/jpeg", "byteSize": 100 });
        customer.done("attachmentUploadCreate", "AttachmentUploadCreateInput", input, "attachment { id }").await;
        let tables = ["tokens", "access_entries", "idempotency_keys", "attachments", "messages"];
        let mut before = Vec::new();
        for table in tables {
            before.push(app.count(table, "1 = 1").await);
        }
        let report = app.run_job("retention").await;
        assert_eq!((&report["erasuresSettled"], &report["scansPassed"]), (&json!(0), &json!(0)));
        for (table, before) in tables.into_iter().zip(before) {
            assert_eq!(app.count(table, "1 = 1").await, before, "{table}");
        }
        customer.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await;
        close(app, &case).await;
        assert_eq!(app.run_job("erasures").await["erasuresSettled"], 1);
        for table in tables {
            let left = if table == "idempotency_keys" { "customer_id IS NOT NULL" } else { "1 = 1" };
            assert_eq!(app.count(table, left).await, 0, "{table}");
        }
    }

    /// What the shop reports of an older order is a part of that, whatever its customer has ordered since.
    async fn a_parcel_of_an_older_order_goes_with_it(app) {
        let known = life::order(app, "max@example.com", "D-5").await;
        assert_eq!(erase(app, &known.customer, false).await["state"], "DEFERRED");
        app.advance(days(1));
        life::order(app, "max@example.com", "D-6").await;
        let parcel = json!({ "orderNumber": "D-5", "carrier": "DHL", "trackingNumber": "nicht-gemeldet", "deliveredAt": app.now() });
        app.shop().done("parcelDeliver", "ParcelDeliverInput", parcel, "parcel { deliveredAt }").await;
        life::delivered(app, &known).await;
        let parcels = app.count("parcels", "1 = 1").await;
        assert_eq!(app.run_job("erasures").await["erasuresSettled"], 1);
        assert_eq!((parcels, app.count("parcels", "1 = 1").await), (3, 1));
        assert_eq!(app.count("orders", "1 = 1").await, 1, "not even a bare id is left of the old one");
    }

    /// What is added to a complaint that waits is a commercial letter: it is kept as long as the others, and the closing answer
    /// says so.
    async fn what_is_added_is_kept_where_the_law_keeps_it(app) {
        let known = life::order(app, "max@example.com", "D-2").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "COMPLAINT", Some(&known.order), "Er ist undicht.").await;
        let input = json!({ "customerId": known.customer, "notify": true });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        app.advance(days(400));
        add_to(app, &known, &case).await;
        close(app, &case).await;
        app.run_job("erasures").await;
        let closing = intake::letter(app, entity::mails::Template::ErasureClosing).await.unwrap().0;
        assert!(closing.contains("Beschwerden und was ihnen folgte: bis 31.12.2020"), "the letters of the year before: {closing}");
        assert!(closing.contains("Beschwerden und was ihnen folgte: bis 31.12.2021"), "and those that were added: {closing}");
    }

    /// Whoever orders again after asking for erasure is a customer again: what came later stays, what was there goes.
    async fn what_comes_after_the_request_stays(app) {
        let known = life::order(app, "max@example.com", "C-10").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "COMPLAINT", None, "Beschwerde.").await;
        app.advance(days(1));
        assert_eq!(erase(app, &known.customer, false).await["state"], "DEFERRED");
        app.advance(days(1));
        let again = life::order(app, "max@example.com", "C-11").await;
        assert_eq!(again.customer, known.customer);
        life::decide(app, &case, "SOLVED_DIRECTLY").await;
        life::close(app, &case).await;
        assert_eq!(app.run_job("retention").await["erasuresSettled"], 1);
        assert_eq!(app.count("orders", "number IS NOT NULL").await, 1, "the new order is untouched");
        assert_eq!(app.count("customers", "email IS NOT NULL").await, 1, "and its customer can be reached");
        assert_eq!(app.count("cases", "state = 'CLOSED'").await, 0, "the old case is gone");
        app.customer(&known.email).await.data("{ viewer { customerId } }", json!({})).await;
    }

    /// The old case goes with what was added to it, and nothing of the new one does.
    async fn new_business_stays_with_all_that_hangs_on_it(app) {
        let (known, old) = asked_in_the_middle(app, "D-3").await;
        add_to(app, &known, &old).await;
        let new = life::open(&app.customer(&known.email).await, "USAGE_GUIDANCE", None, "Und wie reinige ich ihn?").await;
        add_to(app, &known, &new).await;
        close(app, &old).await;
        let kept = app.count("messages", "1 = 1").await;
        let report = app.run_job("erasures").await;
        assert_eq!((&report["erasuresSettled"], &report["scansPassed"]), (&json!(1), &json!(1)), "{report:#}");
        assert_eq!(app.count("cases", "erased_at IS NULL").await, 1);
        assert_eq!((kept, app.count("messages", "1 = 1").await), (8, 3), "the request and the two messages of the new one");
        assert_eq!(app.count("attachments", "1 = 1").await, 1);
        assert_eq!(app.count("access_entries", "1 = 1").await, app.count("access_entries", "case_id IS NULL").await + 1);
        let seen = "query($id: ID!) { node(id: $id) { ... on ServiceCase { state attachments { id } } } }";
        let seen = app.customer(&known.email).await.data(seen, json!({ "id": new })).await;
        assert_eq!(seen["node"]["attachments"].as_array().unwrap().len(), 1);
        assert_eq!(outcomes(&records(app).await, "KEPT"), [("customers".to_owned(), "R21".to_owned())]);
    }
}
