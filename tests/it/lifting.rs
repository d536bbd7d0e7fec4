//! A person is told before a restriction is lifted (GDPR Art. 18(3)), and a mail tells when a mail server has taken it.

use aftersales::db;
use aftersales::mail::{self, send};
use chrono::TimeDelta;
use entity::mails::Template;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::smtp::Inbox;
use crate::support::{App, Caller, days, intake, life};

const SEEN: &str = "restriction { toldAt toldBy liftOn liftedAt mail { state template sentAt text } }";

async fn restrict(app: &App, scope: Value, ground: &str) -> Value {
    let mut input = json!({ "ground": ground, "reviewOn": "2014-09-01" });
    input.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
    let placed = app.dpo().await.done("restrictionPlace", "RestrictionPlaceInput", input, "restriction { id }").await;
    // Only what is caused from here on is the test's business.
    db::run(app.state.db.write(), "UPDATE mails SET state = 'SENT', sent_at = queued_at", []).await.unwrap();
    placed["restriction"]["id"].clone()
}

async fn tell(dpo: &Caller<'_>, input: Value) -> Value {
    dpo.done("restrictionTell", "RestrictionTellInput", input, SEEN).await["restriction"].clone()
}

async fn lift(dpo: &Caller<'_>, id: &Value) -> Value {
    dpo.mutate("restrictionLift", "RestrictionLiftInput", json!({ "id": id }), SEEN).await
}

/// Why a lifting was refused: the code, and the facts by name.
fn refusal(payload: &Value) -> (&str, Vec<(&str, &str)>) {
    let error = &payload["userErrors"][0];
    let details = error["details"].as_array().unwrap().iter();
    let facts = details.map(|d| (d["name"].as_str().unwrap(), d["value"].as_str().unwrap()));
    (error["code"].as_str().unwrap(), facts.collect())
}

on_both_engines! {
    /// F91, Art. 18(3): written and queued by the mutation, it counts when a server has taken it, and it is not lifted before
    /// the day that it names.
    async fn a_mail_tells_when_a_server_has_taken_it(app) {
        let known = life::order(app, "max@example.com", "L-1").await;
        let customer = app.customer(&known.email).await;
        let case = life::open(&customer, "COMPLAINT", Some(&known.order), "Falsche Anschrift.").await;
        let number = customer.data("query($id: ID!) { serviceCase(id: $id) { number } }", json!({ "id": case })).await;
        let id = restrict(app, json!({ "caseId": case }), "ACCURACY_CONTESTED").await;
        let dpo = app.dpo().await;
        for day in ["2014-03-09", "2014-09-11"] {
            let input = json!({ "id": id, "toldBy": "EMAIL", "liftOn": day });
            let (code, error) = dpo.refused("restrictionTell", "RestrictionTellInput", input).await;
            assert_eq!((code.as_str(), &error["field"]), ("INVALID", &json!(["input", "liftOn"])), "{day}");
        }
        let input = json!({ "id": id, "toldBy": "EMAIL", "liftOn": "2014-03-24", "idempotencyKey": "tell" });
        let told = tell(&dpo, input.clone()).await;
        assert_eq!((&told["toldBy"], &told["toldAt"], &told["liftOn"]), (&json!("EMAIL"), &json!(null), &json!("2014-03-24")));
        assert_eq!((&told["mail"]["state"], &told["mail"]["template"]), (&json!("QUEUED"), &json!("RESTRICTION_NOTICE")));
        assert_eq!(tell(&dpo, input).await, told, "a replay writes no second mail");
        let again = json!({ "id": id, "toldBy": "EMAIL" });
        let (code, error) = dpo.refused("restrictionTell", "RestrictionTellInput", again).await;
        assert_eq!((code.as_str(), &error["field"]), ("TRANSITION_NOT_ALLOWED", &json!(["input", "toldBy"])));
        assert_eq!(app.count("mails", "template = 'RESTRICTION_NOTICE'").await, 1);
        let early = lift(&dpo, &id).await;
        assert_eq!(refusal(&early), ("PERSON_NOT_TOLD", vec![("norm", "GDPR Art. 18(3)"), ("mail", "QUEUED")]));

        app.advance(TimeDelta::minutes(1));
        let inbox = Inbox::open();
        let state = inbox.sender(app).await;
        assert_eq!(send::drain(&state).await.unwrap().sent, 1, "the restriction keeps no mail back");
        let sent_at = app.now();
        let taken = inbox.taken();
        assert_eq!(taken[0].to, ["max@example.com"]);
        let text = MessageParser::default().parse(&taken[0].bytes).unwrap().body_text(0).unwrap().into_owned();
        let number = format!("der Daten zu Ihrem Vorgang {}", number["serviceCase"]["number"].as_str().unwrap());
        for phrase in [number.as_str(), "am 10.03.2014", "bestritten", "frühestens am 24.03.2014", "Art. 77 DSGVO"] {
            assert!(text.contains(phrase), "{phrase}: {text}");
        }
        app.advance(TimeDelta::minutes(1));
        let early = lift(&dpo, &id).await;
        assert_eq!(refusal(&early), ("TRANSITION_NOT_ALLOWED", vec![("liftOn", "2014-03-24")]), "told, and not yet");
        app.advance(days(14));
        let lifted = lift(&app.dpo().await, &id).await["restriction"].clone();
        assert_eq!(lifted["toldAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), sent_at);
        assert!(lifted["liftedAt"].is_string() && lifted["mail"]["text"].as_str().unwrap().contains("bestritten"), "{lifted}");
        let shown = "query($id: ID!) { serviceCase(id: $id) { mails { template } } }";
        let mails = app.agent().await.data(shown, json!({ "id": case })).await;
        assert!(!mails.to_string().contains("RESTRICTION_NOTICE"), "the officer's letter is no letter of the case: {mails}");
    }

    /// A mail that no server takes, or that comes back, tells nothing; then staff tells, or another mail does.
    async fn a_mail_that_does_not_arrive_tells_nothing(app) {
        let known = life::order(app, "gone@example.com", "L-2").await;
        let id = restrict(app, json!({ "customerId": known.customer }), "NEEDED_FOR_CLAIMS").await;
        let dpo = app.dpo().await;
        let inbox = Inbox::open();
        let state = inbox.sender(app).await;
        tell(&dpo, json!({ "id": id, "toldBy": "EMAIL" })).await;
        assert_eq!(send::drain(&state).await.unwrap().dead, 1);
        assert_eq!(refusal(&lift(&dpo, &id).await).1[1], ("mail", "DEAD"));
        let told = tell(&dpo, json!({ "id": id, "toldBy": "LETTER" })).await;
        assert_eq!((told["toldAt"].is_string(), &told["mail"]["state"]), (true, &json!("DEAD")));
        app.advance(TimeDelta::seconds(1));
        assert_eq!(lift(&dpo, &id).await["userErrors"], json!([]));

        let known = life::order(app, "eva@example.com", "L-3").await;
        let id = restrict(app, json!({ "customerId": known.customer }), "OBJECTION_PENDING").await;
        tell(&dpo, json!({ "id": id, "toldBy": "EMAIL" })).await;
        assert_eq!(send::drain(&state).await.unwrap().sent, 1);
        let message = MessageParser::default().parse(&inbox.taken()[0].bytes).unwrap().message_id().unwrap().to_owned();
        mail::mark_bounced(&state, &message).await.unwrap().unwrap();
        assert_eq!(refusal(&lift(&dpo, &id).await).1[1], ("mail", "BOUNCED"));
        tell(&dpo, json!({ "id": id, "toldBy": "EMAIL" })).await;
        assert_eq!(refusal(&lift(&dpo, &id).await).1[1], ("mail", "QUEUED"), "the last telling counts");
        assert_eq!(send::drain(&state).await.unwrap().sent, 1);
        assert_eq!(lift(&dpo, &id).await["userErrors"], json!([]));

        let known = life::order(app, "ida@example.com", "L-6").await;
        let id = restrict(app, json!({ "customerId": known.customer }), "NEEDED_FOR_CLAIMS").await;
        tell(&dpo, json!({ "id": id, "toldBy": "EMAIL" })).await;
        let told = tell(&dpo, json!({ "id": id, "toldBy": "PHONE" })).await;
        assert_eq!((told["toldAt"].is_string(), &told["mail"]["state"]), (true, &json!("DEAD")));
        assert_eq!(lift(&dpo, &id).await["userErrors"], json!([]));
        app.advance(TimeDelta::minutes(1));
        assert_eq!(send::drain(&state).await.unwrap().sent, 0, "no mail announces what has been lifted");
    }

    /// The letter in both languages: what was restricted, since when, why, from when it is lifted, the right to complain.
    async fn the_letter_says_what_is_lifted_and_why(app) {
        let dpo = app.dpo().await;
        let english = "UPDATE customers SET locale = 'EN'";
        for (n, (ground, de, en)) in [
            ("ACCURACY_CONTESTED", "bestritten, dass die Daten richtig sind", "contested that the data is right"),
            ("UNLAWFUL_PROCESSING", "nicht rechtmäßig", "unlawful"),
            ("NEEDED_FOR_CLAIMS", "brauchten sie für Rechtsansprüche", "needed it for legal claims"),
            ("OBJECTION_PENDING", "Sie haben widersprochen", "you objected"),
        ].into_iter().enumerate() {
            app.advance(TimeDelta::minutes(1));
            let known = life::order(app, &format!("max-{n}@example.com"), &format!("L-4-{n}")).await;
            let id = restrict(app, json!({ "customerId": known.customer }), ground).await;
            tell(&dpo, json!({ "id": id, "toldBy": "EMAIL" })).await;
            let (text, to) = intake::letter(app, Template::RestrictionNotice).await.unwrap();
            assert_eq!(to, known.email);
            for phrase in ["Guten Tag Erika Mustermann,", "aller Ihrer Daten", "am 10.03.2014", de, "sobald diese Nachricht", "Art. 77"] {
                assert!(text.contains(phrase), "{phrase}: {text}");
            }
            db::run(app.state.db.write(), "UPDATE mails SET state = 'SENT'", []).await.unwrap();
            db::run(app.state.db.write(), english, []).await.unwrap();
            app.advance(TimeDelta::minutes(1));
            tell(&dpo, json!({ "id": id, "toldBy": "EMAIL", "liftOn": "2014-04-01" })).await;
            let (text, _) = intake::letter(app, Template::RestrictionNotice).await.unwrap();
            for phrase in ["Dear Erika Mustermann,", "all your data", "On 10 March 2014", en, "on 1 April 2014 at the earliest", "GDPR Art. 77"] {
                assert!(text.contains(phrase), "{phrase}: {text}");
            }
        }
        assert_eq!(app.count("mails", "template = 'RESTRICTION_NOTICE' AND (data_type <> 'R14' OR case_id IS NOT NULL)").await, 0);
    }
}
