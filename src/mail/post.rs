//! A mail as it goes over the wire (RFC 5322): addresses, identity, and both parts.

use std::time::SystemTime;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use entity::ids::CaseId;
use entity::mails::Model;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::Mail;
use super::smtp::Mailer;
use crate::state::App;

/// Puts a mail together. It says of itself that a program has made it, so that no vacation notice answers (RFC 3834).
///
/// # Errors
/// An address has a form that SMTP cannot carry. The text does not quote it.
pub(super) fn message(app: &App, mailer: &Mailer, mail: &Model, opened: &Mail) -> anyhow::Result<Message> {
    let now = app.clock.now();
    let to = opened.recipient.as_str().parse().ok().context("the recipient's address")?;
    let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut message = Message::builder()
        .from(from(app, mailer, now)?)
        .to(Mailbox::new(None, to))
        .subject(opened.subject.as_str())
        .date(SystemTime::from(now))
        .message_id(mail.message_id.clone())
        .raw_header(HeaderValue::new(auto, "auto-generated".to_owned()));
    if let Some(address) = mail.case_id.and_then(|case| reply_address(app, case)) {
        message = message.reply_to(Mailbox::new(None, address.parse().context("the address to reply to")?));
    }
    let parts = MultiPart::alternative_plain_html(opened.text.as_str().to_owned(), opened.html.as_str().to_owned());
    message.multipart(parts).context("the message")
}

fn from(app: &App, mailer: &Mailer, now: DateTime<Utc>) -> anyhow::Result<Mailbox> {
    if let Some(from) = &mailer.from {
        return Ok(from.clone());
    }
    let shop = &app.policies.at(now).shop;
    Ok(Mailbox::new(Some(shop.name.clone()), shop.email.parse().context("the shop's e-mail address")?))
}

/// The domain of message ids: the one that this program receives for, else the sender's.
pub(super) fn domain(app: &App, now: DateTime<Utc>) -> String {
    if let Some(domain) = &app.config.mail.domain {
        return domain.clone();
    }
    let from = app.config.mail.from.as_ref().unwrap_or(&app.policies.at(now).shop.email);
    from.rsplit('@').next().unwrap_or_default().trim_end_matches('>').trim().to_owned()
}

/// The address of a case, by which an answer finds it; none where no domain is set whose mail is received.
#[must_use]
pub fn reply_address(app: &App, case: CaseId) -> Option<String> {
    let domain = app.config.mail.domain.as_ref()?;
    Some(format!("reply+{}@{domain}", app.signing.case_token(case)))
}
