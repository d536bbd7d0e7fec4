//! Access and portability (GDPR Art. 15, 20): everything of a person, in words and as JSON, with why and until when.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::attachments::{Entity as Attachments, State};
use entity::ids::{AttachmentId, CustomerId, StaffId};
use entity::map::{Export as Show, Table};
use entity::{DataType, Purpose, customers, staff};
use sea_orm::EntityTrait as _;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::audit;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::retention::explain::explain;
use crate::retention::person::Person;
use crate::retention::read;
use crate::state::App;

/// How long the link to an export lasts. Nothing is stored: the archive is made while it is read.
pub const LINK_LASTS: TimeDelta = TimeDelta::minutes(15);

/// Everything of a person, without the bytes of the files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// `aftersales-export-1`.
    pub format: &'static str,
    /// When it was made, UTC.
    pub generated_at: DateTime<Utc>,
    /// The person, by opaque id.
    pub customer_id: CustomerId,
    /// A section per table with anything in it.
    pub sections: Vec<Section>,
    /// The photos and videos in the archive.
    pub files: Vec<File>,
}

/// The records of a table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Section {
    /// Table.
    pub table: &'static str,
    /// Its records.
    pub records: Vec<Record>,
}

/// A record: its shown columns, and why and until when it is kept (Art. 15(1)(a), (d)).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Label to value.
    pub values: Map<String, Json>,
    /// Data type.
    pub data_type: DataType,
    /// What it is kept for.
    pub purpose: &'static str,
    /// Legal basis, GDPR Art. 6(1).
    pub legal_basis: &'static str,
    /// The norm that sets the period.
    pub norm: &'static str,
    /// What starts the period.
    pub start_event: &'static str,
    /// The last day of keeping; none while the record is in use.
    pub kept_until: Option<NaiveDate>,
}

/// A photo or video.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// The attachment.
    pub id: AttachmentId,
    /// Its path in the archive.
    pub path: String,
    /// Media type.
    pub media_type: &'static str,
    /// Size in bytes.
    pub byte_size: i64,
}

/// Collects everything of a person. Who asked is audited.
///
/// # Errors
/// Refused: nothing of this person is kept.
pub async fn collect(app: &App, actor: &Actor, customer: CustomerId) -> Result<Export> {
    actor.require(Permission::ProtectData)?;
    let (mut sections, mut files) = (Vec::new(), Vec::new());
    let person = Person::find(app.db.read(), customer).await?;
    for t in person.tables() {
        let (theirs, values) = person.rows_of(t, 1);
        let found = read::records(app, t, Purpose::DataProtection, &theirs, values).await?;
        let live = found.iter().filter(|r| r.value("erased_at").is_none_or(Json::is_null));
        let records: Vec<Record> = live.filter_map(|row| record(app, t, row)).collect();
        if t.name == "attachments" {
            files = self::files(app, &found).await?;
        }
        if !records.is_empty() {
            sections.push(Section { table: t.name, records });
        }
    }
    if sections.is_empty() {
        return Err(Refusal::at(Code::NotFound, &["input", "customerId"]).into());
    }
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let details = json!({ "sections": sections.len(), "files": files.len() });
    audit::record(&tx, now, actor, "subject.export", ("customers", Some(customer.0)), details).await?;
    tx.commit().await?;
    Ok(Export { format: "aftersales-export-1", generated_at: now, customer_id: customer, sections, files })
}

pub(super) fn record(app: &App, t: &Table, row: &read::Record) -> Option<Record> {
    let data_type = row.data_type(t)?;
    let start = t.start.and_then(|s| row.value(s)).and_then(|v| serde_json::from_value(v.clone()).ok());
    let explained = explain(app, data_type, start)?;
    let mut values = Map::new();
    for (column, value) in &row.values {
        if let (Show::Shown(label), false) = (column.meaning.export, value.is_null()) {
            values.insert(label.to_owned(), value.clone());
        }
    }
    Some(Record {
        values,
        data_type,
        purpose: explained.rule.purpose,
        legal_basis: explained.rule.basis,
        norm: explained.rule.norm,
        start_event: explained.rule.start_event.en,
        kept_until: explained.ends_on,
    })
}

async fn files(app: &App, rows: &[read::Record]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for row in rows {
        let Some(id) = row.id.map(AttachmentId) else { continue };
        let Some(attachment) = Attachments::find_by_id(id).one(app.db.read()).await? else { continue };
        if attachment.state == State::Available {
            files.push(File {
                id,
                path: format!("files/{id}.{}", attachment.media_type.extension()),
                media_type: attachment.media_type.mime(),
                byte_size: attachment.byte_size,
            });
        }
    }
    Ok(files)
}

/// A link to the archive for the officer who asked. A replay signs a fresh one.
///
/// # Errors
/// Refused: nobody of this id. `FORBIDDEN` for everybody but the data-protection officer.
pub async fn request(app: &App, actor: &Actor, customer: CustomerId, key: &str) -> Result<(String, DateTime<Utc>)> {
    actor.require(Permission::ProtectData)?;
    let officer = actor.staff().ok_or(Error::Forbidden)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    if let Outcome::First(claim) = idempotency::claim(app, &tx, actor, "subjectExport", key, &customer).await? {
        let found = customers::Entity::find_by_id(customer).one(&tx).await?;
        found.ok_or_else(|| Refusal::at(Code::NotFound, &["input", "customerId"]))?;
        claim.done(&tx, now, &[customer.0], None).await?;
        let row = ("customers", Some(customer.0));
        audit::record(&tx, now, actor, "subject.export.request", row, json!({})).await?;
        tx.commit().await?;
    }
    let until = now + LINK_LASTS;
    let payload =
        [b"E".as_slice(), customer.0.as_bytes(), officer.0.as_bytes(), &until.timestamp().to_be_bytes()].concat();
    Ok((format!("{}/exports/{}", app.base_url(), app.signing.sign_link(&payload)), until))
}

/// Checks a link again at use: signature, end, and that the officer still is one.
///
/// # Errors
/// Refused: a link that is forged or over.
pub async fn open_link(app: &App, link: &str) -> Result<(Actor, CustomerId)> {
    let invalid = || Error::from(Refusal::at(Code::LinkInvalid, &["link"]));
    let payload = app.signing.open_link(link).ok_or_else(invalid)?;
    let rest = payload.strip_prefix(b"E").filter(|rest| rest.len() == 40).ok_or_else(invalid)?;
    let id = |bytes| Uuid::from_slice(bytes).map_err(|_| invalid());
    let (customer, officer) = (CustomerId(id(&rest[..16])?), StaffId(id(&rest[16..32])?));
    let until = rest[32..].try_into().map(i64::from_be_bytes).map_err(|_| invalid())?;
    let found = staff::Entity::find_by_id(officer).one(app.db.read()).await?;
    let actor = found.filter(|s| s.left_at.is_none()).map(|s| Actor::Staff(s.id, s.role)).ok_or_else(invalid)?;
    if until <= app.clock.now().timestamp() || !actor.may(Permission::ProtectData) {
        return Err(invalid());
    }
    Ok((actor, customer))
}
