//! The dossier of a case for a board, a court or a lawyer (S81, S82, F60): who gets it is recorded first (R30), the link
//! lasts minutes, each download is logged (R12). Internal notes stay in the house.

use chrono::{DateTime, TimeDelta, Utc};
use entity::Purpose as AccessPurpose;
use entity::attachments::{self, State};
use entity::cases;
use entity::disclosures::{ActiveModel, Column, Entity, Model, Purpose, RecipientKind};
use entity::ids::{AttachmentId, CaseId, CustomerId, DisclosureId, StaffId};
use entity::map::{Category, Export as Show, table};
use entity::staff;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::CASE;
use crate::auth::{Actor, Permission};
use crate::cases::{self as case_room, access};
use crate::error::{Code, Error, Refusal, Result};
use crate::evidence::archive::hex;
use crate::idempotency::{self, Outcome};
use crate::retention::read;
use crate::state::App;
use crate::{audit, input};

/// How long the link lasts. Nothing is stored: the archive is made while it is read.
pub const LINK_LASTS: TimeDelta = TimeDelta::minutes(5);

/// Who gets the dossier, and what for.
#[derive(Clone, Debug, Serialize)]
pub struct Recipient {
    /// What kind of recipient.
    pub kind: RecipientKind,
    /// By name.
    pub name: String,
    /// What for.
    pub purpose: Purpose,
}

/// Records the disclosure and signs a link to the dossier for the agent who asked. A replay signs a fresh one.
///
/// # Errors
/// Refused: an unknown case, no name.
pub async fn request(
    app: &App,
    actor: &Actor,
    id: CaseId,
    recipient: Recipient,
    key: &str,
) -> Result<(Model, String, DateTime<Utc>)> {
    actor.require(Permission::Decide)?;
    let agent = actor.staff().ok_or(Error::Forbidden)?;
    let name = input::text(&recipient.name, &["input", "recipient"], input::SHORT_TEXT)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let row = match idempotency::claim(app, &tx, actor, "caseDossier", key, &(id, &recipient)).await? {
        Outcome::Replay(ids) => {
            let id = DisclosureId(*ids.first().ok_or(Error::NotFound)?);
            Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound)?
        }
        Outcome::First(claim) => {
            let case = case_room::for_change(&tx, actor, id, CASE).await?;
            let row = ActiveModel {
                id: Set(DisclosureId::new(now)),
                case_id: Set(Some(id)),
                customer_id: Set(case.customer_id),
                recipient_kind: Set(recipient.kind),
                recipient: Set(name),
                purpose: Set(recipient.purpose),
                what: Set("DOSSIER".to_owned()),
                at: Set(now),
                by_staff: Set(Some(agent)),
                notice_id: Set(None),
                not_before: Set(None),
            };
            let row = row.insert(&tx).await?;
            claim.done(&tx, now, &[row.id.0], Some(case.customer_id)).await?;
            let details = json!({ "disclosure": row.id, "recipientKind": row.recipient_kind.code() });
            audit::record(&tx, now, actor, "case.dossier", ("cases", Some(id.0)), details).await?;
            tx.commit().await?;
            row
        }
    };
    let until = now + LINK_LASTS;
    let payload = [b"O".as_slice(), row.id.0.as_bytes(), agent.0.as_bytes(), &until.timestamp().to_be_bytes()].concat();
    Ok((row, format!("{}/dossiers/{}", app.base_url(), app.signing.sign_link(&payload)), until))
}

/// The disclosures about a person, oldest first, at most 1,000; for the data-protection officer.
///
/// # Errors
/// `FORBIDDEN` for others; the database cannot be read.
pub async fn of_customer(app: &App, actor: &Actor, customer: CustomerId) -> Result<Vec<Model>> {
    actor.require(Permission::ProtectData)?;
    let of_person = Entity::find().filter(Column::CustomerId.eq(customer));
    Ok(of_person.order_by_asc(Column::Id).limit(1000).all(app.db.read()).await?)
}

/// Checks a link again at use: signature, end, that the agent still decides and the case is still there; logs the
/// download and collects the dossier.
///
/// # Errors
/// Refused: a link that is forged or over, or whose case has gone.
pub async fn open_link(app: &App, link: &str) -> Result<Dossier> {
    let invalid = || Error::from(Refusal::at(Code::LinkInvalid, &["link"]));
    let payload = app.signing.open_link(link).ok_or_else(invalid)?;
    let rest = payload.strip_prefix(b"O").filter(|rest| rest.len() == 40).ok_or_else(invalid)?;
    let id = |bytes| Uuid::from_slice(bytes).map_err(|_| invalid());
    let (disclosure, agent) = (DisclosureId(id(&rest[..16])?), StaffId(id(&rest[16..32])?));
    let until = rest[32..].try_into().map(i64::from_be_bytes).map_err(|_| invalid())?;
    let found = staff::Entity::find_by_id(agent).one(app.db.read()).await?;
    let actor = found.filter(|s| s.left_at.is_none()).map(|s| Actor::Staff(s.id, s.role)).ok_or_else(invalid)?;
    if until <= app.clock.now().timestamp() || !actor.may(Permission::Decide) {
        return Err(invalid());
    }
    let disclosure = Entity::find_by_id(disclosure).one(app.db.read()).await?.ok_or_else(invalid)?;
    let case = match case_room::get(app.db.read(), &actor, disclosure.case_id.ok_or_else(invalid)?).await {
        Err(Error::NotFound) => return Err(invalid()),
        found => found?,
    };
    access::log_each(app, &actor, &case, AccessPurpose::Evidence).await?;
    collect(app, &case, &disclosure).await
}

/// A case as it is handed over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dossier {
    /// `aftersales-dossier-1`.
    pub format: &'static str,
    /// When it was made, UTC.
    pub generated_at: DateTime<Utc>,
    /// The number of the case.
    pub case_number: String,
    /// To whom it is given.
    pub recipient: String,
    /// What happened, oldest first.
    pub chronology: Vec<Event>,
    /// The records, a section per table with anything in it.
    pub sections: Vec<Section>,
    /// The photos and videos in the archive.
    pub files: Vec<File>,
}

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When, UTC.
    pub at: DateTime<Utc>,
    /// What: the table and the label of the instant.
    pub what: String,
    /// Its codes, such as a state and the state before.
    pub codes: Vec<String>,
}

/// The records of a table.
#[derive(Debug, Serialize)]
pub struct Section {
    /// Table.
    pub table: &'static str,
    /// Label to value.
    pub records: Vec<Map<String, Json>>,
}

/// A photo or video.
#[derive(Debug, Serialize)]
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
    /// SHA-256, fixed when it came in.
    pub sha256_at_intake: Option<String>,
    /// When that was, UTC.
    pub received_at: Option<DateTime<Utc>>,
}

/// What belongs to a case: table and condition over the case `$1` and its order `$2`.
const PARTS: &[(&str, &str)] = &[
    ("cases", "t.id = $1"),
    ("orders", "t.id = $2"),
    ("order_lines", "t.order_id = $2"),
    ("case_transitions", "t.case_id = $1"),
    ("timers", "t.case_id = $1"),
    ("messages", "t.case_id = $1 AND t.form <> 'INTERNAL_NOTE'"),
    ("proposals", "t.case_id = $1"),
    ("withdrawals", "t.case_id = $1"),
    ("returns", "t.case_id = $1"),
    ("return_lines", "t.return_id IN (SELECT r.id FROM returns r WHERE r.case_id = $1)"),
    ("parcels", "(t.case_id = $1 OR t.order_id = $2)"),
    ("remedies", "t.case_id = $1"),
    ("refunds", "t.case_id = $1"),
    ("attachments", "t.case_id = $1 AND t.state = 'AVAILABLE'"),
    ("disputes", "t.case_id = $1"),
];

async fn collect(app: &App, case: &cases::Model, disclosure: &Model) -> Result<Dossier> {
    let (mut sections, mut chronology) = (Vec::new(), Vec::new());
    let purpose = opened_for(disclosure.purpose);
    for (name, condition) in PARTS {
        let Some(t) = table(name) else { continue };
        // Every placeholder is bound, whether the condition names it or not.
        let condition = format!("{condition} AND ($1 = $1 OR $2 = $2)");
        let values = vec![case.id.0.into(), case.order_id.map_or(case.id.0, |o| o.0).into()];
        let mut records = Vec::new();
        for row in read::records(app, t, purpose, &condition, values).await? {
            if row.value("erased_at").is_some_and(|erased| !erased.is_null()) {
                continue;
            }
            events(name, &row, &mut chronology);
            records.push(shown(&row));
        }
        if !records.is_empty() {
            sections.push(Section { table: t.name, records });
        }
    }
    chronology.sort_by_key(|event| event.at);
    Ok(Dossier {
        format: "aftersales-dossier-1",
        generated_at: app.clock.now(),
        case_number: case.number.clone().unwrap_or_default(),
        recipient: disclosure.recipient.clone(),
        chronology,
        sections,
        files: files(app, case.id, purpose).await?,
    })
}

/// What the person's own export shows as well, less the ways to reach the person: the recipient needs the matter.
fn shown(row: &read::Record) -> Map<String, Json> {
    let mut values = Map::new();
    for (column, value) in &row.values {
        if let (Show::Shown(label), false) = (column.meaning.export, value.is_null())
            && column.meaning.category != Category::Contact
        {
            values.insert(label.to_owned(), value.clone());
        }
    }
    values
}

/// Every shown instant of a record that has come, with the codes that say what it was.
fn events(name: &str, row: &read::Record, into: &mut Vec<Event>) {
    const CODES: &[&str] = &["from_state", "to_state", "state", "form", "rule", "outcome", "purpose"];
    // An end that is promised is no event.
    const AHEAD: &[&str] = &["ends_at", "limitation_until", "return_by"];
    let codes: Vec<String> = CODES.iter().filter_map(|code| row.value(code)?.as_str().map(str::to_owned)).collect();
    for (column, value) in &row.values {
        let Show::Shown(label) = column.meaning.export else { continue };
        if AHEAD.contains(&column.name) || !matches!(column.ty, sea_orm::ColumnType::TimestampWithTimeZone) {
            continue;
        }
        if let Ok(at) = serde_json::from_value::<DateTime<Utc>>(value.clone()) {
            into.push(Event { at, what: format!("{name}: {label}"), codes: codes.clone() });
        }
    }
}

/// What the data is opened for when somebody gets it for a purpose: nothing goes out that does not serve it.
const fn opened_for(purpose: Purpose) -> AccessPurpose {
    match purpose {
        Purpose::Delivery => AccessPurpose::Goods,
        // Whoever mends goods has to know what is wrong with them.
        Purpose::Cure => AccessPurpose::CaseHandling,
        Purpose::Payment => AccessPurpose::Refund,
        Purpose::LegalClaim => AccessPurpose::LegalClaim,
    }
}

async fn files(app: &App, case: CaseId, purpose: AccessPurpose) -> Result<Vec<File>> {
    let rows = attachments::Entity::find()
        .filter(attachments::Column::CaseId.eq(case))
        .filter(attachments::Column::State.eq(State::Available))
        .order_by_asc(attachments::Column::Id)
        .all(app.db.read())
        .await?;
    let file = |row: attachments::Model| File {
        id: row.id,
        path: format!("files/{}.{}", row.id, row.media_type.extension()),
        media_type: row.media_type.mime(),
        byte_size: row.byte_size,
        sha256_at_intake: row.content_hash.as_deref().map(hex),
        received_at: row.ready_at,
    };
    Ok(rows.into_iter().filter(|row| row.data_type.serves(purpose)).map(file).collect())
}
