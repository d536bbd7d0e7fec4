//! E-mail to customers, through a mail server that others wrote.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use aftersales::auth::Actor;
use aftersales::clock::Clock;
use aftersales::config::Secret;
use aftersales::db;
use aftersales::mail::{self, Letter, send};
use aftersales::state::{App as State, AppState};
use entity::DataType;
use entity::ids::{CaseId, CustomerId, MailId};
use entity::mails::{Entity, Model, State as Stands};
use mail_parser::MessageParser;
use sea_orm::EntityTrait as _;
use serde_json::json;

use crate::on_both_engines;
use crate::support::smtp::Inbox;
use crate::support::{App, life};

/// Another instance on the same stores, with a mail server.
async fn with_server(app: &App, url: &str, patience: Duration) -> AppState {
    let mut config = app.state.config.clone();
    config.mail.smtp = Some(Secret::new(url.to_owned()));
    config.mail.domain = Some("service.example.com".to_owned());
    config.mail.patience = patience;
    State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap()
}

const PATIENT: Duration = Duration::from_secs(30);

/// Whom a test writes to, and about what, by opaque ids.
struct Person {
    customer: String,
    case: String,
}

async fn person(app: &App, kind: &str) -> Person {
    let known = life::order(app, "erika@example.com", "B-1001").await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, kind, None, "Der Wasserkocher leckt.").await;
    // The acknowledgement is another test's business.
    db::run(app.state.db.write(), "DELETE FROM mails", []).await.unwrap();
    Person { customer: known.customer, case }
}

async fn write(state: &AppState, person: &Person, to: &str, body: &str) -> MailId {
    life::queue(state, life::letter(&person.customer, &person.case, to, body)).await
}

async fn stored(app: &App, id: MailId) -> Model {
    Entity::find_by_id(id).one(app.state.db.write()).await.unwrap().unwrap()
}

fn contains(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return contains(&path, text);
        }
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|w| w == text.as_bytes()))
    })
}

on_both_engines! {
    /// F46, F48, S38: what arrives is what was sealed, it says who and what it is, and the proof of it fits.
    async fn a_mail_arrives_with_everything_it_needs(app) {
        let inbox = Inbox::open();
        let state = with_server(app, &inbox.url, PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        let row = entity::customers::Entity::find_by_id(CustomerId(life::row(&person.customer))).one(state.db.read()).await.unwrap().unwrap();
        let (email, name) = mail::recipient_of(&state, &row).await.unwrap().unwrap();
        assert_eq!((email.as_str(), name.as_deref()), ("erika@example.com", Some("Erika Mustermann")));

        let body = "Größe & Farbe stimmen.\n.Punkt am Anfang\nZeisigfutter <b>fett</b>";
        let id = write(&state, &person, &email, body).await;
        assert!(!contains(app.folder.path(), "Zeisigfutter"), "sealed, wherever it lies");
        app.advance(chrono::TimeDelta::minutes(1));
        let report = send::drain(&state).await.unwrap();
        assert_eq!((report.sent, report.later, report.dead, report.waiting), (1, 0, 0, 0));

        let taken = inbox.taken();
        assert_eq!((taken.len(), taken[0].to.as_slice()), (1, ["erika@example.com".to_owned()].as_slice()));
        assert_eq!(taken[0].from, "info@sofioma.com");
        let message = MessageParser::default().parse(&taken[0].bytes).unwrap();
        let from = message.from().unwrap().first().unwrap();
        assert_eq!((from.name(), from.address()), (Some("Sofioma"), Some("info@sofioma.com")));
        assert_eq!(message.subject(), Some("Nachricht zu Ihrem Anliegen – Vorgang AS-2014-ABCDEFG"));
        assert_eq!(message.message_id(), Some(format!("{id}@service.example.com").as_str()));
        assert_eq!(message.date().unwrap().to_timestamp(), app.now().timestamp());
        assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        assert!(message.header_raw("In-Reply-To").is_none() && message.header_raw("References").is_none());
        let reply = message.reply_to().unwrap().first().unwrap().address().unwrap();
        let token = reply.strip_prefix("reply+").unwrap().strip_suffix("@service.example.com").unwrap();
        assert_eq!(state.signing.open_case_token(&token.to_uppercase()), Some(CaseId(life::row(&person.case))));
        let unix = |text: &str| text.replace("\r\n", "\n");
        let (text, html) = (unix(&message.body_text(0).unwrap()), unix(&message.body_html(0).unwrap()));
        assert!(text.starts_with("Guten Tag Erika Mustermann,\n") && text.contains(body), "{text}");
        assert!(html.contains("Größe &amp; Farbe") && html.contains("&lt;b&gt;fett"), "{html}");

        let row = stored(app, id).await;
        assert_eq!((row.state, row.attempts, row.response.as_deref()), (Stands::Sent, 1, Some("250")));
        assert_eq!((row.sent_at, row.start_at), (Some(app.now()), Some(row.queued_at)));
        let opened = mail::open(&state, &row).await.unwrap().unwrap();
        assert_eq!(text.trim_end(), opened.text.as_str().trim_end());
        assert!(opened.proven && opened.html.as_str().trim_end() == html.trim_end());
        let forged = Model { content_hash: Some(vec![0; 32]), ..row };
        assert!(!mail::open(&state, &forged).await.unwrap().unwrap().proven);
        assert!(!contains(app.folder.path(), "Zeisigfutter"), "and afterwards");
    }

    /// F47: two instances at the same moment, and each mail arrives once.
    async fn two_runs_at_once_send_once(app) {
        let inbox = Inbox::open();
        let one = with_server(app, &inbox.url, PATIENT).await;
        let other = with_server(app, &inbox.url, PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        for n in 0..20 {
            write(&one, &person, &format!("k{n}@example.com"), "Guten Tag").await;
        }
        let (a, b) = tokio::join!(send::drain(&one), send::drain(&other));
        assert_eq!(a.unwrap().sent + b.unwrap().sent, 20);
        let mut to: Vec<String> = inbox.taken().into_iter().flat_map(|t| t.to).collect();
        to.sort_unstable();
        to.dedup();
        assert_eq!((inbox.taken().len(), to.len()), (20, 20));
        assert_eq!(app.count("mails", "state = 'SENT' AND attempts = 1").await, 20);
        assert!(inbox.connections() <= 16, "eight a run, used again: {}", inbox.connections());
    }

    /// F47: refused for good ends at once; refused for now comes back later, under the same Message-ID, and ends after a day.
    async fn a_refusal_is_final_or_not(app) {
        let inbox = Inbox::open();
        let state = with_server(app, &inbox.url, PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        let gone = write(&state, &person, "gone@example.com", "a").await;
        let busy = write(&state, &person, "busy@example.com", "b").await;
        let report = send::drain(&state).await.unwrap();
        assert_eq!((report.sent, report.later, report.dead, report.waiting), (0, 1, 1, 1));
        let row = stored(app, gone).await;
        assert_eq!((row.state, row.response.as_deref()), (Stands::Dead, Some("550 5.1.1")), "never the server's text");
        assert_eq!(app.count("audit_entries", "action = 'mail.dead'").await, 1);
        let row = stored(app, busy).await;
        assert_eq!((row.state, row.response.as_deref()), (Stands::Queued, Some("451 4.3.0")));
        assert_eq!(send::drain(&state).await.unwrap().later, 0, "not due yet");

        inbox.relax();
        app.advance(chrono::TimeDelta::minutes(2));
        assert_eq!(send::drain(&state).await.unwrap().sent, 1);
        let row = stored(app, busy).await;
        assert_eq!((row.state, row.attempts), (Stands::Sent, 2));
        let id = MessageParser::default().parse(&inbox.taken()[0].bytes).unwrap().message_id().unwrap().to_owned();
        assert_eq!(Some(format!("<{id}>")), row.message_id);
    }

    /// F47: what no server wants for a whole day is given up.
    async fn a_mail_is_given_up_after_a_day(app) {
        let inbox = Inbox::open();
        let state = with_server(app, &inbox.url, PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        let id = write(&state, &person, "busy@example.com", "b").await;
        let begun = app.now();
        while stored(app, id).await.state == Stands::Queued {
            app.clock.set(stored(app, id).await.available_at);
            send::drain(&state).await.unwrap();
        }
        let row = stored(app, id).await;
        assert_eq!((row.state, row.response.as_deref()), (Stands::Dead, Some("451 4.3.0")));
        let hours = (app.now() - begun).num_hours();
        assert!((24..=31).contains(&hours), "{hours} hours after the first attempt");
        // Whoever tried last may have died before a task was filed; one is enough.
        for _ in 0..2 {
            app.run_job("mail").await;
            assert_eq!(app.count("tasks", "kind = 'MAIL_BOUNCED'").await, 1);
        }
    }

    /// Each that is given up is told of, also by one that was queued before somebody was told of the one before.
    async fn every_mail_that_is_given_up_is_told_of(app) {
        let inbox = Inbox::open();
        let state = with_server(app, &inbox.url, PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        let first = write(&state, &person, "busy@example.com", "b").await;
        app.advance(chrono::TimeDelta::hours(12));
        let second = write(&state, &person, "busy@example.com", "b").await;
        // It waits longer: given up in the same run, both would be one task.
        let later = [(app.now() + chrono::TimeDelta::days(2)).into(), second.0.into()];
        db::run(app.state.db.write(), "UPDATE mails SET available_at = $1 WHERE id = $2", later).await.unwrap();
        for (mail, told) in [(first, 1), (second, 2)] {
            while stored(app, mail).await.state == Stands::Queued {
                app.clock.set(stored(app, mail).await.available_at.max(app.now()));
                send::drain(&state).await.unwrap();
            }
            for _ in 0..2 {
                app.run_job("mail").await;
                assert_eq!(app.count("tasks", "kind = 'MAIL_BOUNCED'").await, told);
            }
            let task = app.agent().await.data("{ tasks { nodes { id kind } } }", json!({})).await;
            let nodes = task["tasks"]["nodes"].as_array().unwrap().clone();
            let open = nodes.iter().find(|task| task["kind"] == "MAIL_BOUNCED").unwrap();
            app.agent().await.done("taskComplete", "TaskCompleteInput", json!({ "taskId": open["id"] }), "task { id }").await;
        }
    }

    /// A server that takes the connection and says nothing holds up one run for its patience, and nothing else.
    async fn a_black_hole_stalls_nothing(app) {
        let hole = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("smtp://{}", hole.local_addr().unwrap());
        let state = with_server(app, &url, Duration::from_millis(300)).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        for _ in 0..30 {
            write(&state, &person, "erika@example.com", "a").await;
        }
        let began = Instant::now();
        let (drained, outbox) = tokio::join!(send::drain(&state), app.run_job("outbox"));
        let report = drained.unwrap();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!((report.sent, report.later, report.dead, report.waiting), (0, 8, 0, 30), "one batch, then no more");
        assert_eq!(outbox["failed"], 0);
        assert_eq!(app.count("mails", "response = 'TIMEOUT' AND attempts = 1").await, 8);
        drop(hole);
        assert_eq!(send::drain(&state).await.unwrap().later, 8);
        assert_eq!(app.count("mails", "response = 'UNREACHABLE'").await, 8, "nobody listens");
    }

    /// Where TLS is required, a server without it gets nothing, and the mail waits.
    async fn without_tls_nothing_goes(app) {
        let inbox = Inbox::open();
        let state = with_server(app, &format!("{}?tls=required", inbox.url), PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        let id = write(&state, &person, "erika@example.com", "a").await;
        assert_eq!(send::drain(&state).await.unwrap().later, 1);
        assert_eq!((stored(app, id).await.state, inbox.taken().len()), (Stands::Queued, 0));
        assert!(inbox.connections() > 0, "it was asked");
    }

    /// Without a server mail waits, and is counted; nothing is lost by it.
    async fn without_a_server_mail_waits(app) {
        let person = person(app, "WARRANTY_CLAIM").await;
        let id = write(&app.state, &person, "erika@example.com", "a").await;
        let report = app.run_job("mail").await;
        assert_eq!((report["sent"].as_i64(), report["waiting"].as_i64()), (Some(0), Some(1)));
        assert_eq!(stored(app, id).await.attempts, 0);
        let inbox = Inbox::open();
        let state = with_server(app, &inbox.url, PATIENT).await;
        assert_eq!(send::drain(&state).await.unwrap().sent, 1);
    }

    /// F48: a mail that came back is known by its Message-ID.
    async fn a_bounce_is_noted(app) {
        let inbox = Inbox::open();
        let state = with_server(app, &inbox.url, PATIENT).await;
        let person = person(app, "WARRANTY_CLAIM").await;
        let id = write(&state, &person, "erika@example.com", "a").await;
        send::drain(&state).await.unwrap();
        assert_eq!(mail::mark_bounced(&state, "<unknown@service.example.com>").await.unwrap(), None);
        let bounced = mail::mark_bounced(&state, &format!("{id}@service.example.com")).await.unwrap().unwrap();
        assert_eq!((bounced.id, bounced.state, bounced.bounced_at), (id, Stands::Bounced, Some(app.now())));
        let again = format!("<{id}@service.example.com>");
        assert_eq!(mail::mark_bounced(&state, &again).await.unwrap(), None, "once");
        assert_eq!(mail::pending(&state).await.unwrap().bounced, 1);
    }

    /// A letter that comes back after its case was erased asks nobody for anything: nothing can be done, and nothing would take the task.
    async fn a_case_that_has_gone_gets_no_task(app) {
        let person = person(app, "COMPLAINT").await;
        life::decide(app, &person.case, "NOT_ELIGIBLE").await;
        life::close(app, &person.case).await;
        let input = json!({ "customerId": person.customer });
        app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
        assert_eq!(app.count("cases", "state = 'ERASED'").await, 1, "its letters are kept");
        let case = entity::ids::CaseId(life::row(&person.case));
        aftersales::cases::tasks::file_alone(&app.state, case, entity::tasks::Kind::MailBounced).await.unwrap();
        assert_eq!(app.count("tasks", "1 = 1").await, 0);
    }

    /// Mere advice begins its period when the case closes, also what is lowered to it then; it opens afterwards.
    async fn advice_begins_its_period_at_closing(app) {
        let person = person(app, "USAGE_GUIDANCE").await;
        let to_erika = |body| life::letter(&person.customer, &person.case, "erika@example.com", body);
        let advice = life::queue(&app.state, Letter { data_type: DataType::R06, ..to_erika("Rat") }).await;
        let letter = life::queue(&app.state, to_erika("Brief")).await;
        assert_eq!(stored(app, advice).await.start_at, None);
        life::decide(app, &person.case, "SOLVED_DIRECTLY").await;
        life::notify(app, &person.case).await;
        let input = json!({ "caseId": person.case, "adviceOnly": true });
        app.agent().await.done("serviceCaseClose", "ServiceCaseCloseInput", input, "serviceCase { state }").await;
        for (id, text) in [(advice, "Rat"), (letter, "Brief")] {
            let row = stored(app, id).await;
            assert_eq!((row.data_type, row.start_at), (DataType::R06, Some(app.now())));
            let opened = mail::open(&app.state, &row).await.unwrap().unwrap();
            assert!(opened.text.as_str().contains(text) && opened.proven);
        }
        let after = life::queue(&app.state, Letter { data_type: DataType::R06, ..to_erika("Nachtrag") }).await;
        assert_eq!(stored(app, after).await.start_at, Some(app.now()), "its case is closed already");
        let export = aftersales::privacy::export::collect(&app.state, &Actor::System, CustomerId(life::row(&person.customer))).await.unwrap();
        let section = export.sections.iter().find(|s| s.table == "mails").unwrap();
        assert!(section.records.iter().all(|r| r.values["Recipient"] == "erika@example.com"));
        app.at("2017-06-01T00:00:00Z");
        app.run_job("retention").await;
        assert_eq!(app.count("mails", "1 = 1").await, 0);
    }
}
