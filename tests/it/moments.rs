//! What happens at the same moment leaves no record behind whose period never begins.

use std::time::Duration;

use aftersales::db;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::on_both_engines;
use crate::support::{life, media};

on_both_engines! {
    /// R21, R25: of two cases that end at once, one is the last.
    async fn of_two_cases_that_end_at_once_one_is_the_last(app) {
        let known = life::order(app, "max@example.com", "M-1").await;
        life::delivered(app, &known).await;
        let customer = app.customer(&known.email).await;
        for _ in 0..8 {
            let mut cases = Vec::new();
            for _ in 0..2 {
                cases.push(life::open(&customer, "COMPLAINT", Some(&known.order), "Zu laut.").await);
            }
            assert_eq!(app.count("customers", "start_at IS NOT NULL").await, 0);
            let cancel = async |case: &String| {
                let input = json!({ "caseId": case });
                customer.done("serviceCaseCancel", "ServiceCaseCancelInput", input, "serviceCase { state }").await
            };
            tokio::join!(cancel(&cases[0]), cancel(&cases[1]));
            for table in ["customers", "orders", "order_lines"] {
                assert_eq!(app.count(table, "start_at IS NULL").await, 0, "{table}");
            }
        }
    }

    /// Two who meet a new person at once meet the same one.
    async fn two_who_meet_a_person_at_once_meet_one(app) {
        for round in 0..4 {
            let email = format!("neu{round}@example.com");
            let register = async |number: String| life::order(app, &email, &number).await;
            let (one, two) = tokio::join!(register(format!("M-{round}-1")), register(format!("M-{round}-2")));
            assert_eq!(one.customer, two.customer);
        }
    }

    /// R09b: a file that arrives while its case ends is refused, or ends with it.
    async fn a_file_that_meets_the_end_of_its_case_does_not_stay(app) {
        let known = life::order(app, "max@example.com", "M-2").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Er leckt.").await;
        let photo = media::jpeg();
        let input = json!({ "caseId": case, "fileName": "a.jpg", "mediaType": "image/jpeg", "byteSize": photo.len() });
        let done = customer.done("attachmentUploadCreate", "AttachmentUploadCreateInput", input, "upload { url }").await;
        let path = done["upload"]["url"].as_str().unwrap().trim_start_matches("http://test").to_owned();
        let ending = app.state.db.begin().await.unwrap();
        let end = "UPDATE cases SET state = 'CANCELLED', closed_at = $1, start_at = $1 WHERE id = $2";
        db::run(&ending, end, [app.now().into(), life::row(&case).into()]).await.unwrap();
        let upload = app.send(Request::put(&path).body(Body::from(photo)).unwrap());
        tokio::pin!(upload);
        let early = tokio::time::timeout(Duration::from_millis(700), &mut upload).await;
        assert!(early.is_err(), "it waits for how the case ends");
        ending.commit().await.unwrap();
        assert_eq!(upload.await.json()["error"]["code"], "LINK_INVALID");
        assert_eq!(app.count("attachments", "state = 'AVAILABLE'").await, 0);
        app.run_job("outbox").await;
    }
}
