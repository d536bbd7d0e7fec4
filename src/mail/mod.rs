//! E-mail to customers: written out and sealed in the transaction of what causes it, sent afterwards.
//!
//! The text is fixed when it is queued. What was sent, when and to whom can be proved by the row: sealed text, its hash,
//! the server's reply, and whether it came back (F46 to F48).

pub mod inbound;
pub mod letter;
mod post;
pub mod sample;
pub mod send;
pub mod smtp;
pub mod template;
pub mod words;

use chrono::{DateTime, Utc};
use entity::cases;
use entity::ids::{CaseId, MailId, UnitId};
use entity::mails::{ActiveModel, Column, Entity, Model, State};
use entity::{DataType, Purpose, Sealed, customers};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;

pub use letter::{Content, Letter};
pub use post::reply_address;
pub use send::mark_bounced;
pub(crate) use send::withdraw;

use crate::error::{Error, Result};
use crate::keys::{Personal, Place, Unit};
use crate::state::App;
use crate::{db, input};

/// Writes a letter out, seals it and queues it, in the transaction of what causes it. `unit` was made before the
/// transaction, as for a message of the case: per case, data type and year.
///
/// # Errors
/// Refused: an address that is none. A template that names what the letter does not have is an internal error; nothing
/// must be committed then.
pub async fn queue(
    app: &App,
    tx: &DatabaseTransaction,
    unit: &Unit,
    letter: Letter,
    now: DateTime<Utc>,
) -> Result<MailId> {
    let id = MailId::new(now);
    let recipient = input::email(&letter.recipient, &["recipient"])?;
    let written = app.templates.render(&letter, app.policies.at(now))?;
    let template = letter.content.template();
    let hash = unit.key.fingerprint(&[&recipient, &written.subject, &written.text, &written.html]);
    let seal = |column, text: &str| unit.key.seal(place(id, column), text).map(Some);
    let row = ActiveModel {
        id: Set(id),
        case_id: Set(letter.case),
        customer_id: Set(letter.customer),
        unit_id: Set(Some(unit.id)),
        data_type: Set(letter.data_type),
        template: Set(template),
        template_version: Set(template.version()),
        locale: Set(letter.locale),
        recipient: Set(seal("recipient", &recipient)?),
        subject: Set(seal("subject", &written.subject)?),
        body_text: Set(seal("body_text", &written.text)?),
        body_html: Set(seal("body_html", &written.html)?),
        content_hash: Set(Some(hash)),
        message_id: Set(Some(format!("<{id}@{}>", post::domain(app, now)))),
        state: Set(State::Queued),
        attempts: Set(0),
        queued_at: Set(now),
        available_at: Set(now),
        claimed_until: Set(None),
        sent_at: Set(None),
        bounced_at: Set(None),
        response: Set(None),
        start_at: Set(begins(tx, letter.case, letter.data_type, now).await?),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    Ok(id)
}

/// When the period of a letter or message begins: when it is written; that of mere advice (R06) when its case closes, or at once where
/// that is over.
pub(crate) async fn begins(
    tx: &DatabaseTransaction,
    case: Option<CaseId>,
    data_type: DataType,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let Some(case) = case.filter(|_| data_type == DataType::R06) else { return Ok(Some(now)) };
    let case = cases::Entity::find_by_id(case).one(tx).await?.ok_or(Error::NotFound)?;
    Ok(case.state.is_over().then_some(now))
}

/// Where a sealed part of a mail lies.
#[must_use]
pub const fn place(id: MailId, column: &'static str) -> Place {
    Place { table: "mails", column, row: id.0 }
}

/// E-mail address and name of the contact record; none where it has been erased.
///
/// # Errors
/// The key store cannot be read.
pub async fn recipient_of(app: &App, customer: &customers::Model) -> Result<Option<(String, Option<String>)>> {
    let Some(unit) = customer.unit_id else { return Ok(None) };
    let keys = app.keys.load(&[unit], Purpose::Contact, app.clock.now()).await?;
    let open = |column, sealed: &Option<Sealed>| {
        let place = Place { table: "customers", column, row: customer.id.0 };
        keys.get(&unit).zip(sealed.as_ref()).and_then(|(key, sealed)| key.open(place, sealed)).map(Personal::reveal)
    };
    Ok(open("email", &customer.email).map(|email| (email, open("name", &customer.name))))
}

/// A mail, opened.
#[derive(Debug)]
pub struct Mail {
    /// Address.
    pub recipient: Personal,
    /// Subject.
    pub subject: Personal,
    /// Plain part.
    pub text: Personal,
    /// HTML part.
    pub html: Personal,
    /// Whether these are, together, what was queued.
    pub proven: bool,
}

/// Opens a mail; none where its key has gone.
///
/// # Errors
/// The key store cannot be read.
pub async fn open(app: &App, mail: &Model) -> Result<Option<Mail>> {
    let Some(unit) = mail.unit_id else { return Ok(None) };
    let keys = app.keys.load(&[unit], Purpose::Contact, app.clock.now()).await?;
    let part = |column, sealed: &Option<Sealed>| keys.get(&unit)?.open(place(mail.id, column), sealed.as_ref()?);
    let parts = (
        part("recipient", &mail.recipient),
        part("subject", &mail.subject),
        part("body_text", &mail.body_text),
        part("body_html", &mail.body_html),
    );
    let (Some(recipient), Some(subject), Some(text), Some(html)) = parts else { return Ok(None) };
    let parts = [recipient.as_str(), subject.as_str(), text.as_str(), html.as_str()];
    let proven = keys.get(&unit).map(|key| key.fingerprint(&parts)) == mail.content_hash;
    Ok(Some(Mail { recipient, subject, text, html, proven }))
}

/// Re-seals the commercial letters of a case as advice, whose period starts when the case closes. Returns the units that
/// they had.
///
/// # Errors
/// A letter does not open.
pub async fn lower_to_advice(app: &App, tx: &DatabaseTransaction, case: CaseId, advice: &Unit) -> Result<Vec<UnitId>> {
    let letters = Entity::find().filter(Column::CaseId.eq(case)).filter(Column::DataType.eq(DataType::R03));
    let mut units = Vec::new();
    for letter in letters.all(tx).await? {
        let mail = open(app, &letter).await?.filter(|mail| mail.proven);
        let mail = mail.ok_or_else(|| anyhow::anyhow!("mail {} does not open", letter.id))?;
        units.extend(letter.unit_id);
        let seal = |column, text: &Personal| advice.key.seal(place(letter.id, column), text.as_str()).map(Some);
        let parts = [mail.recipient.as_str(), mail.subject.as_str(), mail.text.as_str(), mail.html.as_str()];
        let row = ActiveModel {
            id: Set(letter.id),
            unit_id: Set(Some(advice.id)),
            data_type: Set(DataType::R06),
            recipient: Set(seal("recipient", &mail.recipient)?),
            subject: Set(seal("subject", &mail.subject)?),
            body_text: Set(seal("body_text", &mail.text)?),
            body_html: Set(seal("body_html", &mail.html)?),
            content_hash: Set(Some(advice.key.fingerprint(&parts))),
            start_at: Set(None),
            ..Default::default()
        };
        row.update(tx).await?;
    }
    Ok(units)
}

/// How many mails wait, and how many never arrived.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// To be sent.
    pub queued: i64,
    /// Refused for good, or given up.
    pub dead: i64,
    /// Came back.
    pub bounced: i64,
}

/// What waits, and what never arrived.
///
/// # Errors
/// The database cannot be read.
pub async fn pending(app: &App) -> Result<Pending> {
    let count = |state| format!("CAST(COUNT(CASE WHEN state = '{state}' THEN 1 END) AS bigint)");
    let sql = format!("SELECT {}, {}, {} FROM mails", count("QUEUED"), count("DEAD"), count("BOUNCED"));
    let rows = db::rows(app.db.read(), &sql, []).await?;
    let row = rows.first().ok_or(Error::NotFound)?;
    let at = |n: usize| row.try_get_by_index::<i64>(n);
    Ok(Pending { queued: at(0)?, dead: at(1)?, bounced: at(2)? })
}
