//! Recipients of erased data are told (GDPR Art. 19): by mail where an address of theirs is known, else by staff. They
//! learn the numbers that they were given, and nothing else.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Datelike as _, Utc};
use entity::DataType;
use entity::codes::Locale;
use entity::disclosures::{self, Purpose, RecipientKind};
use entity::erasures;
use entity::ids::{CaseId, CustomerId, DisclosureId, ErasureId, MailId, NoticeId};
use entity::mails::{self, State as MailState};
use entity::map::table;
use entity::recipient_notices::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::outcome::Fate;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::mail::letter::{Content, Letter, RecipientNotice};
use crate::mail::words;
use crate::policy::calendar;
use crate::retention::read;
use crate::state::App;
use crate::{audit, db, mail};

/// Recipients are written to in the shop's language.
const LOCALE: Locale = Locale::De;

/// A recipient, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What kind of recipient.
    pub kind: RecipientKind,
    /// By name.
    pub recipient: String,
    /// `MAIL`, or `STAFF` where no address is set.
    pub way: String,
}

/// Where telling a recipient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The mail is written and waits to be sent.
    Queued,
    /// No address is set, or the mail did not arrive: staff has to tell.
    ToBeTold,
    /// A mail server took it, or staff told it.
    Told,
    /// The recipient has acknowledged it.
    Acknowledged,
}

/// A recipient who is to be told of what goes.
pub(super) struct Due {
    pub(super) told: Told,
    email: Option<String>,
    disclosures: Vec<DisclosureId>,
    references: Vec<String>,
}

/// Those who were given what goes and were not told yet, one entry each. With what goes comes what has gone before by its own
/// rule: nobody was told of that, and now the person wants everything to go (Art. 19 with 17(1)).
pub(super) async fn due(
    app: &App,
    db: &impl ConnectionTrait,
    customer: CustomerId,
    fates: &[Fate],
) -> Result<Vec<Due>> {
    let going = || fates.iter().filter(|f| f.record.is_gone());
    if going().next().is_none() {
        return Ok(Vec::new());
    }
    let gone = |table: &'static str| going().filter(move |f| f.table.name == table).map(|f| f.record.id);
    let mut cases: HashSet<Uuid> = gone("cases").collect();
    cases.extend(bare(db, "cases", "customer_id", customer).await?);
    let person = gone("customers").next().is_some() || !bare(db, "customers", "id", customer).await?.is_empty();
    let untold = disclosures::Entity::find()
        .filter(disclosures::Column::CustomerId.eq(customer))
        .filter(disclosures::Column::NoticeId.is_null())
        .order_by_asc(disclosures::Column::Id);
    let mut due: BTreeMap<(RecipientKind, String), Due> = BTreeMap::new();
    for row in untold.all(db).await? {
        if !row.case_id.map_or(person, |case| cases.contains(&case.0)) {
            continue;
        }
        let references = references(app, db, &row).await?;
        if references.is_empty() {
            // Without its numbers a carrier can find nothing: telling it is impossible.
            continue;
        }
        let email = address(app, row.recipient_kind, &row.recipient);
        let way = if email.is_some() { "MAIL" } else { "STAFF" }.to_owned();
        let told = Told { kind: row.recipient_kind, recipient: row.recipient.clone(), way };
        let entry = due.entry((row.recipient_kind, row.recipient.clone())).or_insert_with(|| Due {
            told,
            email,
            disclosures: Vec::new(),
            references: Vec::new(),
        });
        entry.disclosures.push(row.id);
        for reference in references {
            if !entry.references.contains(&reference) {
                entry.references.push(reference);
            }
        }
    }
    Ok(due.into_values().collect())
}

fn address(app: &App, kind: RecipientKind, name: &str) -> Option<String> {
    let of_kind = || app.config.recipients.iter().filter(|r| r.kind == kind);
    let named = of_kind().find(|r| r.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    named.or_else(|| of_kind().find(|r| r.name.is_none())).map(|r| r.email.clone())
}

/// Ids of the person of whose rows only the id is left.
async fn bare(db: &impl ConnectionTrait, table: &str, of: &str, customer: CustomerId) -> Result<Vec<Uuid>> {
    let sql = format!("SELECT id FROM {table} WHERE {of} = $1 AND erased_at IS NOT NULL");
    let rows = db::rows(db, &sql, [customer.0.into()]).await?;
    Ok(rows.iter().map(|r| r.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
}

/// A carrier knows its tracking numbers, everybody else the number of the case; where that has gone, the day on which the
/// data was given is all that is left to find it by. A carrier's day is full of others.
async fn references(app: &App, db: &impl ConnectionTrait, row: &disclosures::Model) -> Result<Vec<String>> {
    let mut number = None;
    if let Some(case) = row.case_id {
        if row.recipient_kind == RecipientKind::Carrier {
            let numbers = tracking_numbers(app, case, &row.recipient).await?;
            if !numbers.is_empty() {
                return Ok(numbers);
            }
        }
        number = entity::cases::Entity::find_by_id(case).one(db).await?.and_then(|c| c.number);
    }
    let day = (row.purpose != Purpose::Delivery).then(|| words::date(LOCALE, calendar::day_of(row.at)));
    Ok(number.or(day).into_iter().collect())
}

async fn tracking_numbers(app: &App, case: CaseId, carrier: &str) -> Result<Vec<String>> {
    let Some(t) = table("parcels") else { return Ok(Vec::new()) };
    let columns: Vec<_> = ["id", "unit_id", "tracking_number"].iter().filter_map(|c| t.column(c)).collect();
    let condition = "t.case_id = $1 AND t.carrier = $2 ORDER BY t.id";
    let rows = read::columns(app, t, &columns, condition, vec![case.0.into(), carrier.into()]).await?;
    Ok(rows.iter().filter_map(|r| Some(r.value("tracking_number")?.as_str()?.to_owned())).collect())
}

/// Writes the notices and queues the mails, in the transaction that comes before anything goes. Each disclosure names its
/// notice, so that nobody is told twice of the same. The caller has locked the person.
pub(super) async fn announce(
    app: &App,
    tx: &DatabaseTransaction,
    erasure: &erasures::Model,
    fates: &[Fate],
    now: DateTime<Utc>,
) -> Result<Vec<Told>> {
    let (customer, mut told) = (erasure.customer_id, Vec::new());
    for due in due(app, tx, customer, fates).await? {
        let year = calendar::day_of(now).year();
        let unit = UnitOf { owner: customer.0, data_type: DataType::R30, year, subject: Some(customer.0) };
        let unit = app.keys.ensure(unit, now).await?;
        let id = NoticeId::new(now);
        let mail_id = match &due.email {
            None => None,
            Some(email) => {
                let content = RecipientNotice { references: due.references.clone(), erased_on: calendar::day_of(now) };
                let letter = Letter {
                    content: Content::RecipientNotice(content),
                    locale: LOCALE,
                    recipient: email.clone(),
                    name: None,
                    case: None,
                    customer,
                    data_type: DataType::R30,
                    number: None,
                    link: None,
                };
                Some(mail::queue(app, tx, &unit, letter, now).await?)
            }
        };
        let row = ActiveModel {
            id: Set(id),
            erasure_id: Set(erasure.id),
            customer_id: Set(customer),
            unit_id: Set(Some(unit.id)),
            recipient_kind: Set(due.told.kind),
            recipient: Set(due.told.recipient.clone()),
            reference: Set(Some(unit.key.seal(place(id), &due.references.join("\n"))?)),
            mail_id: Set(mail_id),
            created_at: Set(now),
            told_at: Set(None),
            told_by: Set(None),
            acknowledged_at: Set(None),
            acknowledged_by: Set(None),
            not_before: Set(None),
        };
        row.insert(tx).await?;
        let backend = tx.get_database_backend();
        let any = db::is_any(backend, "id", 2);
        let sql = format!("UPDATE disclosures SET notice_id = $1 WHERE {any}");
        db::run(tx, &sql, [id.0.into(), db::id_list(backend, due.disclosures.iter().map(|d| d.0))]).await?;
        told.push(due.told);
    }
    Ok(told)
}

/// Where the references of a notice lie.
#[must_use]
pub const fn place(id: NoticeId) -> Place {
    Place { table: "recipient_notices", column: "reference", row: id.0 }
}

/// A notice, and when it was told: by its mail or by staff.
pub struct Notice {
    /// The row.
    pub row: Model,
    /// Where it stands.
    pub state: State,
    /// When it was told, UTC.
    pub told_at: Option<DateTime<Utc>>,
}

fn notice(row: Model, mail: Option<&mails::Model>) -> Notice {
    let told_at = row.told_at.or_else(|| mail.filter(|m| m.state == MailState::Sent).and_then(|m| m.sent_at));
    let state = match mail.map(|m| m.state) {
        _ if row.acknowledged_at.is_some() => State::Acknowledged,
        _ if told_at.is_some() => State::Told,
        Some(MailState::Queued) => State::Queued,
        _ => State::ToBeTold,
    };
    Notice { row, state, told_at }
}

/// The notices of an erasure, oldest first; of one pass by recipient.
///
/// # Errors
/// The database cannot be read.
pub async fn of_erasure(app: &App, erasure: ErasureId) -> Result<Vec<Notice>> {
    let rows = Entity::find().filter(Column::ErasureId.eq(erasure)).order_by_asc(Column::CreatedAt);
    let rows = rows.order_by_asc(Column::RecipientKind).order_by_asc(Column::Recipient);
    let rows = rows.all(app.db.read()).await?;
    let ids: Vec<MailId> = rows.iter().filter_map(|r| r.mail_id).collect();
    let mails = mails::Entity::find().filter(mails::Column::Id.is_in(ids)).all(app.db.read()).await?;
    let mail = |row: &Model| mails.iter().find(|m| Some(m.id) == row.mail_id);
    Ok(rows.into_iter().map(|row| (mail(&row), row)).map(|(mail, row)| notice(row, mail)).collect())
}

/// How many recipients wait for staff to tell them: no address of theirs is set, or the mail did not arrive.
///
/// # Errors
/// The database cannot be read.
pub async fn to_be_told(app: &App) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS bigint) FROM recipient_notices n LEFT JOIN mails m ON m.id = n.mail_id \
               WHERE n.told_at IS NULL AND n.acknowledged_at IS NULL AND (m.id IS NULL OR m.state NOT IN ('QUEUED', 'SENT'))";
    let rows = db::rows(app.db.read(), sql, []).await?;
    rows.first().map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
}

/// Staff has told a recipient, or the recipient has acknowledged.
///
/// # Errors
/// Refused: an unknown notice, one that was told or acknowledged before (`TRANSITION_NOT_ALLOWED`).
pub async fn told(app: &App, actor: &Actor, id: NoticeId, acknowledged: bool, key: &str) -> Result<Notice> {
    actor.require(Permission::ProtectData)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "recipientTold", key, &(id, acknowledged)).await? {
        Outcome::Replay(_) => return by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "recipient_notices", id.0).await?;
    let found = by_id(&tx, id).await.map_err(|_| Refusal::at(Code::NotFound, &["input", "id"]))?;
    let again = match found.state {
        State::Acknowledged => Some("ACKNOWLEDGED"),
        State::Told if !acknowledged => Some("TOLD"),
        _ => None,
    };
    if let Some(state) = again {
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("state", state).into());
    }
    let mut row: ActiveModel = found.row.clone().into();
    if found.told_at.is_none() {
        (row.told_at, row.told_by) = (Set(Some(now)), Set(actor.staff()));
    }
    if acknowledged {
        (row.acknowledged_at, row.acknowledged_by) = (Set(Some(now)), Set(actor.staff()));
    }
    row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(found.row.customer_id)).await?;
    let details = json!({ "acknowledged": acknowledged });
    audit::record(&tx, now, actor, "recipient.told", ("recipient_notices", Some(id.0)), details).await?;
    let told = by_id(&tx, id).await?;
    tx.commit().await?;
    Ok(told)
}

async fn by_id(db: &impl ConnectionTrait, id: NoticeId) -> Result<Notice> {
    let row = Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)?;
    let mail = match row.mail_id {
        Some(mail) => mails::Entity::find_by_id(mail).one(db).await?,
        None => None,
    };
    Ok(notice(row, mail.as_ref()))
}
