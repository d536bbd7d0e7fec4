//! E-mail that comes in, by real files: to its case or to one of its own, and gone as it came after thirty days.

use std::sync::Arc;

use aftersales::auth::Actor;
use aftersales::clock::Clock;
use aftersales::config::Secret;
use aftersales::privacy::scan::scan;
use aftersales::{db, http, state::App as State};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::on_both_engines;
use crate::support::{App, days, intake, life, media};

const ERIKA: &str = "erika.mustermann@beispiel.example";

/// An instance that receives mail for laden.example.
async fn gateway(app: &App) -> Router {
    let mut config = app.state.config.clone();
    config.inbound_secret = Some(Secret::new("gateway".to_owned()));
    config.mail.domain = Some("laden.example".to_owned());
    let state = State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap();
    http::router(Arc::clone(&state))
}

fn signature(time: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"gateway").unwrap();
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("t={time},v1={hex}")
}

async fn post(router: &Router, body: &[u8], signature: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::post("/webhooks/mail").header("x-signature", signature).body(Body::from(body.to_vec()));
    let response = router.clone().oneshot(request.unwrap()).await.unwrap();
    (response.status(), response.into_body().collect().await.unwrap().to_bytes().to_vec())
}

/// Delivers a mail; what became of it.
async fn deliver(app: &App, router: &Router, body: &str) -> String {
    // Ids of one instant have no order.
    app.advance(TimeDelta::seconds(1));
    let (status, answer) = post(router, body.as_bytes(), &signature(app.now().timestamp(), body.as_bytes())).await;
    assert_eq!(status, 200);
    serde_json::from_slice::<Value>(&answer).unwrap()["state"].as_str().unwrap().to_owned()
}

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("tests/fixtures/mail/{name}.eml")).unwrap()
}

/// A case of Erika's by the web form: its number, its address, and the id of the letter that acknowledged it.
async fn case(app: &App) -> (Value, String, String) {
    let input = json!({ "kind": "COMPLAINT", "description": "Die Tür klemmt.", "name": "Erika", "email": ERIKA });
    let done = app.anonymous().done("serviceCaseSubmit", "ServiceCaseSubmitInput", input, "number").await;
    let id = life::row(intake::case(app, &done["number"], "id").await["id"].as_str().unwrap());
    let token = app.state.signing.case_token(entity::ids::CaseId(id));
    let sql = "SELECT message_id FROM mails WHERE case_id = $1";
    let rows = db::rows(app.state.db.write(), sql, [id.into()]).await.unwrap();
    (done["number"].clone(), format!("reply+{token}@"), rows[0].try_get_by_index(0).unwrap())
}

const SEEN: &str =
    "id state kind channel messages { nodes { form author body } } attachments { fileName state download { url } }";

async fn messages(app: &App, number: &Value) -> Vec<Value> {
    intake::case(app, number, SEEN).await["messages"]["nodes"].as_array().unwrap().clone()
}

on_both_engines! {
    /// F45: by the token in the address, by the letter that it answers, by number and sender; a stranger by none.
    async fn a_mail_finds_its_case(app) {
        let router = gateway(app).await;
        let (number, address, letter) = case(app).await;
        let gmail = file("reply_gmail");
        let fresh = |n: u8| gmail.replace("CAGmail+1", &format!("mail-{n}"));
        let by_token = fresh(1).replace("reply+k7Q2mX@", &address);
        assert_eq!(deliver(app, &router, &by_token).await, "FILED");
        let by_reference = fresh(2).replace("<case-1@laden.example>", &letter);
        assert_eq!(deliver(app, &router, &by_reference).await, "FILED");
        let by_subject = fresh(3).replace("AS-2014-0000001", number.as_str().unwrap());
        assert_eq!(deliver(app, &router, &by_subject).await, "FILED");
        let found = messages(app, &number).await;
        let reply = json!({ "form": "REPLY", "author": "CUSTOMER", "body": "Ja, die Tür klemmt immer noch." });
        assert_eq!(found[1..], [reply.clone(), reply.clone(), reply]);

        let before = app.counts().await;
        assert_eq!(deliver(app, &router, &by_token).await, "FILED", "delivered twice");
        assert_eq!(app.counts().await, before);

        let stranger = fresh(4).replace("AS-2014-0000001", number.as_str().unwrap()).replace("erika.mustermann", "fremd");
        assert_eq!(deliver(app, &router, &stranger).await, "FILED");
        assert_eq!(messages(app, &number).await.len(), 4, "a number alone leads nowhere");
        assert_eq!(app.count("cases", "kind = 'ORDER_ADVICE' AND channel = 'EMAIL'").await, 1);
        let with_token = fresh(5).replace("reply+k7Q2mX@", &address).replace("erika.mustermann", "fremd");
        assert_eq!(deliver(app, &router, &with_token).await, "FILED");
        assert_eq!(messages(app, &number).await[4]["author"], "ANONYMOUS");
        assert_eq!(app.count("tasks", "kind = 'READ_MAIL'").await, 1, "somebody looks who that is");
    }

    /// R34: a mail that was erased with its person does not come back when the gateway delivers it again.
    async fn an_erased_mail_is_recognised(app) {
        let router = gateway(app).await;
        let mail = file("reply_gmail");
        assert_eq!(deliver(app, &router, &mail).await, "FILED");
        let rows = db::rows(app.state.db.write(), "SELECT id FROM customers", []).await.unwrap();
        let customer = entity::ids::CustomerId(rows[0].try_get_by_index(0).unwrap());
        aftersales::privacy::erasure::erase(&app.state, &Actor::System, customer, false, "k").await.unwrap();
        assert_eq!(app.count("inbound_mails", "1 = 1").await, 0);
        let before = app.counts().await;
        assert_eq!(deliver(app, &router, &mail).await, "FILED");
        assert_eq!(app.counts().await, before, "nothing of it is back");
        assert_eq!(deliver(app, &router, &mail.replace("CAGmail+1", "another")).await, "FILED");
        assert_eq!(app.count("inbound_mails", "1 = 1").await, 1, "what is written later is new");
    }

    /// F45, N3: a photo is stripped and sealed like an upload; the mail as it came is sealed, and gone after 30 days.
    async fn a_photo_becomes_evidence(app) {
        let router = gateway(app).await;
        let (number, address, _) = case(app).await;
        let photo = base64::engine::general_purpose::STANDARD.encode(media::jpeg_with_place("GEHEIME-KAMERA"));
        let mail = file("photo").replace("reply+k7Q2mX@", &address);
        let at = mail.find("/9j/").unwrap();
        let end = at + mail[at..].find("--=_grenze").unwrap();
        let text = "Content-Type: text/plain; name=\"liste.csv\"\nContent-Disposition: attachment; filename=liste.csv\n\na;b";
        let mail = format!("{}{photo}\n--=_grenze 1\n{text}\n{}", &mail[..at], &mail[end..]);
        assert_eq!(deliver(app, &router, &mail).await, "FILED");
        let seen = intake::case(app, &number, SEEN).await;
        let attachment = &seen["attachments"][0];
        assert_eq!((&attachment["fileName"], &attachment["state"]), (&json!("Glastür.jpg"), &json!("AVAILABLE")));
        let path = attachment["download"]["url"].as_str().unwrap().trim_start_matches("http://test");
        let bytes = app.send(Request::get(path).body(Body::empty()).unwrap()).await.bytes;
        assert_eq!(bytes, media::jpeg(), "without device and place");
        let body = seen["messages"]["nodes"][1]["body"].as_str().unwrap();
        assert!(body.ends_with("[Dateien in der E-Mail: liste.csv (text/plain)]"), "{body}");
        assert_eq!(app.count("tasks", "kind = 'READ_MAIL'").await, 1);
        assert_eq!(app.count("inbound_mails", "blob IS NOT NULL").await, 1);
        for blob in std::fs::read_dir(app.folder.path().join("data/blobs")).unwrap() {
            let bytes = std::fs::read(blob.unwrap().path()).unwrap();
            assert!(bytes.starts_with(b"AFSEAL"), "sealed");
        }
        app.advance(days(29));
        app.run_job("retention").await;
        assert_eq!(app.count("inbound_mails", "1 = 1").await, 1);
        app.advance(days(3));
        app.run_job("retention").await;
        assert_eq!(app.count("inbound_mails", "1 = 1").await, 0, "although the case is open");
        assert_eq!(app.count("attachments", "state = 'AVAILABLE'").await, 1);
        assert_eq!(std::fs::read_dir(app.folder.path().join("data/blobs")).unwrap().count(), 1);
    }

    /// F45: a robot opens nothing and is not answered; what came back is known; what no program reads is kept.
    async fn robots_are_told_apart(app) {
        let router = gateway(app).await;
        let (number, address, letter) = case(app).await;
        let mails = app.count("mails", "1 = 1").await;
        let away = file("out_of_office").replace("reply+k7Q2mX@", &address);
        assert_eq!(deliver(app, &router, &away).await, "AUTOMATIC");
        let bounce = file("bounce_postfix").replace("<case-1.outbox-7@laden.example>", &letter);
        assert_eq!(deliver(app, &router, &bounce).await, "BOUNCE");
        assert_eq!(deliver(app, &router, "kein Kopf").await, "UNREADABLE");
        assert_eq!(messages(app, &number).await.len(), 1);
        assert_eq!((app.count("cases", "1 = 1").await, app.count("mails", "1 = 1").await), (1, mails));
        assert_eq!(app.count("mails", "state = 'BOUNCED'").await, 1);
        assert_eq!(app.count("tasks", "kind = 'MAIL_BOUNCED'").await, 1);
        assert_eq!(app.count("inbound_mails", "blob IS NOT NULL").await, 3);
    }

    /// S42, F45: an answer goes on with what was asked, and takes up a case whose result was told.
    async fn an_answer_moves_the_case(app) {
        let router = gateway(app).await;
        let (number, address, _) = case(app).await;
        let id = intake::case(app, &number, "id").await["id"].clone();
        let agent = app.agent().await;
        agent.done("serviceCaseReview", "ServiceCaseStepInput", json!({ "caseId": id }), "").await;
        let ask = json!({ "caseId": id, "facts": ["PRODUCT"], "text": "Welche Tür?" });
        agent.done("serviceCaseAskInfo", "ServiceCaseAskInfoInput", ask, "").await;
        let gmail = file("reply_gmail").replace("reply+k7Q2mX@", &address);
        deliver(app, &router, &gmail).await;
        assert_eq!(intake::case(app, &number, "state").await["state"], "UNDER_REVIEW");
        assert_eq!(app.count("timers", "state = 'PAUSED'").await, 0);
        life::decide(app, id.as_str().unwrap(), "SOLVED_DIRECTLY").await;
        let told = json!({ "caseId": id, "channel": "EMAIL", "text": "Erledigt." });
        agent.done("serviceCaseNotify", "ServiceCaseNotifyInput", told, "").await;
        deliver(app, &router, &gmail.replace("CAGmail+1", "CAGmail+2")).await;
        assert_eq!(intake::case(app, &number, "state").await["state"], "REOPENED");
        let found = messages(app, &number).await;
        assert_eq!(found.last().unwrap()["form"], "OBJECTION");
        assert_eq!(app.count("tasks", "kind IN ('READ_MAIL', 'REEXAMINE_CASE')").await, 2);
    }

    /// F45: nobody but the gateway delivers, and not later than it says.
    async fn a_delivery_is_signed(app) {
        let mail = file("reply_gmail");
        let good = signature(app.now().timestamp(), mail.as_bytes());
        assert_eq!(post(&app.router, mail.as_bytes(), &good).await.0, 404, "not configured");
        let router = gateway(app).await;
        for bad in ["", "t=1,v1=00", &signature(app.now().timestamp() - 301, mail.as_bytes())] {
            assert_eq!(post(&router, mail.as_bytes(), bad).await.0, 401, "{bad}");
        }
        assert_eq!(post(&router, b"another body", &good).await.0, 401);
        assert_eq!(app.count("inbound_mails", "1 = 1").await, 0);
        assert_eq!(post(&router, mail.as_bytes(), &good).await.0, 200);
    }

    /// F80: a scan reads mails as their readers do, and so finds who is only in the history that a sender quoted.
    async fn a_scan_reads_what_a_mail_says(app) {
        let router = gateway(app).await;
        let said = "Guten Tag,\r\n\r\nmein Paket fehlt.\r\n\r\n> Von: Jörg Verborgen\r\n> Die Tür klemmt.\r\n";
        let encoded = base64::engine::general_purpose::STANDARD.encode(said);
        let mail = format!(
            "From: =?UTF-8?B?QW5uYSBWZXJkZWNrdA==?= <{ERIKA}>\r\nTo: service@laden.example\r\nSubject: Paket\r\n\
             Message-ID: <verborgen@beispiel.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n"
        );
        assert_eq!(deliver(app, &router, &mail).await, "FILED");
        let found = async |text: &str| -> Vec<(String, bool)> {
            let found = scan(&app.state, &Actor::System, text).await.unwrap().findings;
            let blobs = found.into_iter().filter(|f| f.place == "blob");
            blobs.map(|f| (f.data_type.unwrap().code().to_owned(), f.sealed)).collect()
        };
        for text in ["jörg verborgen", "Anna Verdeckt", ERIKA] {
            assert_eq!(found(text).await, [("R29".to_owned(), true)], "{text}");
        }
        assert_eq!(found("Jörg Verbogen").await, []);
    }
}
