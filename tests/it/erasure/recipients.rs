//! Recipients of erased data are told (GDPR Art. 19): by mail where an address is set, else by staff, once.

use aftersales::auth::Actor;
use aftersales::clock::Clock;
use aftersales::config::{Recipient, Secret};
use aftersales::mail::send;
use aftersales::privacy::erasure::{self, recipients::to_be_told};
use aftersales::state::{App as State, AppState};
use entity::disclosures::RecipientKind;
use entity::ids::CustomerId;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use super::exchanged;
use crate::on_both_engines;
use crate::support::smtp::Inbox;
use crate::support::{App, goods, life};

const NOTICES: &str =
    "erasure { id state recipients { id recipientKind recipient state references toldAt acknowledgedAt } }";

/// Another instance on the same stores that knows where recipients are told.
async fn with_addresses(app: &App, url: &str, to: &str) -> AppState {
    let mut config = app.state.config.clone();
    config.mail.smtp = Some(Secret::new(url.to_owned()));
    let carrier = |name: Option<&str>, email: &str| Recipient {
        kind: RecipientKind::Carrier,
        name: name.map(str::to_owned),
        email: email.to_owned(),
    };
    config.recipients = vec![carrier(None, "others@example.net"), carrier(Some("dhl"), to)];
    State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap()
}

async fn dossier(app: &App, case: &str, recipient: &str) {
    let input = json!({ "caseId": case, "recipientKind": "LAWYER", "recipient": recipient, "purpose": "LEGAL_CLAIM" });
    app.agent().await.done("caseDossier", "CaseDossierInput", input, "disclosure { id }").await;
}

/// A customer with an exchanged article, shipped by DHL, in a closed case; and an open case that a lawyer has seen.
async fn disclosed(app: &App) -> (life::Known, String, String) {
    let known = goods::order(app, "max@example.com", "E-1", "DE").await;
    let case = exchanged(app, &known, "neu-4711").await;
    dossier(app, &case, "Kanzlei Recht").await;
    life::close(app, &case).await;
    let open = life::open(&app.customer(&known.email).await, "COMPLAINT", None, "Zu spät.").await;
    dossier(app, &open, "Kanzlei Recht").await;
    dossier(app, &open, "Kanzlei Nebenan").await;
    (known, case, open)
}

async fn number(app: &App, case: &str) -> String {
    let found =
        app.agent().await.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await;
    found["serviceCase"]["number"].as_str().unwrap().to_owned()
}

fn names(recipients: &Value) -> Vec<(&str, &str, &str)> {
    recipients
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["recipientKind"].as_str().unwrap(), r["recipient"].as_str().unwrap(), r["state"].as_str().unwrap()))
        .collect()
}

on_both_engines! {
    /// F82, Art. 19: one entry per recipient of what has gone; staff tells where no address is set, and notes it, once.
    async fn each_recipient_is_to_be_told_once(app) {
        let (known, case, open) = disclosed(app).await;
        let (closed_number, open_number) = (number(app, &case).await, number(app, &open).await);
        let dpo = app.dpo().await;
        let input = json!({ "customerId": known.customer, "dryRun": true });
        let plan = dpo.done("subjectErase", "SubjectEraseInput", input, NOTICES).await["erasure"].clone();
        assert_eq!(names(&plan["recipients"]), [("CARRIER", "DHL", "PLANNED"), ("LAWYER", "Kanzlei Recht", "PLANNED")]);
        let input = json!({ "customerId": known.customer });
        let done = dpo.done("subjectErase", "SubjectEraseInput", input, NOTICES).await["erasure"].clone();
        assert_eq!(names(&done["recipients"]), [("CARRIER", "DHL", "TO_BE_TOLD"), ("LAWYER", "Kanzlei Recht", "TO_BE_TOLD")]);
        assert_eq!(done["recipients"][0]["references"], json!(["neu-4711"]), "a carrier knows its number");
        assert_eq!(done["recipients"][1]["references"], json!([closed_number]), "and not that of the open case");
        assert!(app.run_job("retention").await["erasuresFailed"] == 0);
        assert_eq!(app.count("recipient_notices", "1 = 1").await, 2, "a further pass tells nobody again");

        let id = &done["recipients"][1]["id"];
        let told = json!({ "id": id });
        let payload = dpo.done("recipientTold", "RecipientToldInput", told.clone(), "recipient { state toldAt acknowledgedAt }").await;
        assert_eq!((&payload["recipient"]["state"], &payload["recipient"]["acknowledgedAt"]), (&json!("TOLD"), &json!(null)));
        assert!(payload["recipient"]["toldAt"].is_string());
        assert_eq!(dpo.refused("recipientTold", "RecipientToldInput", told).await.0, "TRANSITION_NOT_ALLOWED");
        let acknowledged = json!({ "id": id, "acknowledged": true, "idempotencyKey": "ack" });
        for _ in 0..2 {
            let payload = dpo.done("recipientTold", "RecipientToldInput", acknowledged.clone(), "recipient { state }").await;
            assert_eq!(payload["recipient"]["state"], "ACKNOWLEDGED");
        }
        assert_eq!(app.count("audit_entries", "action = 'recipient.told'").await, 2);

        // The open case closes: its recipients are told of it, and of nothing else.
        app.advance(chrono::TimeDelta::minutes(1));
        life::decide(app, &open, "SOLVED_DIRECTLY").await;
        life::close(app, &open).await;
        app.run_job("erasures").await;
        let query = "query($id: ID!) { erasure(id: $id) { state recipients { recipient references state } letter(language: EN) { text } } }";
        let found = dpo.data(query, json!({ "id": done["id"] })).await["erasure"].clone();
        assert_eq!(found["state"], "SETTLED");
        let late: Vec<Value> = found["recipients"].as_array().unwrap()[2..].to_vec();
        let entry = |name: &str| json!({ "recipient": name, "references": [open_number], "state": "TO_BE_TOLD" });
        assert_eq!(late, [entry("Kanzlei Nebenan"), entry("Kanzlei Recht")]);
        let letter = found["letter"]["text"].as_str().unwrap();
        assert!(letter.contains("- Kanzlei Nebenan\n"));
        assert!(letter.contains("- notices to these recipients, with the numbers that they know: until 31 December 2017;"), "{letter}");
    }

    /// Art. 19 with 17(1): what has gone by its own rule was told to nobody. When the person asks, who was given it is told of
    /// that, too: by the day, since no number is left; a carrier could find nothing by it.
    async fn who_was_given_what_had_gone_before_is_told(app) {
        let (known, case, _) = disclosed(app).await;
        app.at("2016-02-01T10:00:00Z");
        dossier(app, &case, "Kanzlei Spät").await;
        let carrier = "UPDATE disclosures SET at = $1 WHERE recipient_kind = 'CARRIER'";
        aftersales::db::run(app.state.db.write(), carrier, [app.now().into()]).await.unwrap();
        app.at("2018-06-01T10:00:00Z");
        let again = life::order(app, &known.email, "E-2").await;
        life::delivered(app, &again).await;
        app.run_job("retention").await;
        assert_eq!((app.count("cases", "state = 'ERASED'").await, app.count("disclosures", "1 = 1").await), (1, 2));
        let dpo = app.dpo().await;
        let told = async |dry_run: bool| {
            let input = json!({ "customerId": known.customer, "dryRun": dry_run });
            dpo.done("subjectErase", "SubjectEraseInput", input, NOTICES).await["erasure"]["recipients"].clone()
        };
        assert_eq!(names(&told(true).await), [("LAWYER", "Kanzlei Spät", "PLANNED")]);
        let written = told(false).await;
        assert_eq!(names(&written), [("LAWYER", "Kanzlei Spät", "TO_BE_TOLD")]);
        assert_eq!(written[0]["references"], json!(["01.02.2016"]));
        assert_eq!(told(false).await, json!([]), "another erasure tells nobody again");
    }

    /// F82: where an address is set, it is told by mail: the numbers that it was given, and nothing of the person.
    async fn a_recipient_is_told_by_mail(app) {
        let (known, ..) = disclosed(app).await;
        let inbox = Inbox::open();
        let state = with_addresses(app, &inbox.url, "privacy@carrier.example.com").await;
        let customer = CustomerId(life::row(&known.customer));
        aftersales::db::run(app.state.db.write(), "UPDATE mails SET state = 'SENT'", []).await.unwrap();
        let row = erasure::erase(&state, &Actor::System, customer, false, "k").await.unwrap();
        assert_eq!(inbox.taken().len(), 0, "not before it is committed");
        let states = async || {
            let found = app.dpo().await.data("{ erasures { nodes { recipients { recipientKind recipient state } } } }", json!({})).await;
            found["erasures"]["nodes"][0]["recipients"].clone()
        };
        assert_eq!(names(&states().await), [("CARRIER", "DHL", "QUEUED"), ("LAWYER", "Kanzlei Recht", "TO_BE_TOLD")]);
        assert_eq!(to_be_told(&state).await.unwrap(), 1);
        assert_eq!(send::drain(&state).await.unwrap().sent, 1);
        assert_eq!(to_be_told(&state).await.unwrap(), 1);
        assert_eq!(names(&states().await)[0].2, "TOLD");
        let taken = inbox.taken();
        assert_eq!(taken[0].to, ["privacy@carrier.example.com"], "the entry with the name wins");
        let text = MessageParser::default().parse(&taken[0].bytes).unwrap().body_text(0).unwrap().into_owned();
        assert!(text.contains("- neu-4711") && text.contains("Art. 19 DSGVO"), "{text}");
        for word in ["max@example.com", "Mustermann", "Heidestraße", "E-1"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        assert_eq!(row.state, entity::erasures::State::Deferred);
    }

    /// A notice that does not arrive is staff's again.
    async fn a_notice_that_does_not_arrive_is_staffs(app) {
        let (known, ..) = disclosed(app).await;
        let inbox = Inbox::open();
        let state = with_addresses(app, &inbox.url, "gone@carrier.example.com").await;
        let customer = CustomerId(life::row(&known.customer));
        aftersales::db::run(app.state.db.write(), "UPDATE mails SET state = 'SENT'", []).await.unwrap();
        erasure::erase(&state, &Actor::System, customer, false, "k").await.unwrap();
        assert_eq!(send::drain(&state).await.unwrap().dead, 1);
        let found = app.dpo().await.data("{ erasures { nodes { recipients { recipientKind recipient state } } } }", json!({})).await;
        assert_eq!(names(&found["erasures"]["nodes"][0]["recipients"])[0], ("CARRIER", "DHL", "TO_BE_TOLD"));
        assert_eq!(to_be_told(&state).await.unwrap(), 2);
    }
}
