//! Erasure (GDPR Art. 17): an outcome for every record. What is open is deferred and follows by itself.

mod batches;
mod certificate;
pub mod letter;
mod outcome;
mod recall;
pub mod recipients;
mod record;
pub mod request;
mod stored;

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::DataType;
use entity::customers;
use entity::erasures::{ActiveModel, Column, Entity, Model, ScanState, State};
use entity::ids::{CustomerId, ErasureId};
use entity::map::{Table, table};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Value,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub(super) use certificate::{certify, make_missing};
use outcome::{Fate, fates, merged};
pub(super) use outcome::{came_later, is_own_file};
pub use record::{Outcome, Record};
pub use stored::stored;
use stored::text;

use super::scan::identifiers::{self, Identifier};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency;
use crate::keys::lookup::Kind as Lookup;
use crate::keys::{BACKUPS_LIVE, UnitOf};
use crate::policy::calendar;
use crate::retention::archive;
use crate::retention::door;
use crate::retention::person::Person;
use crate::retention::sweep;
use crate::state::App;
use crate::{audit, db, outbox, policies};

pub(in crate::privacy) use recall::{Recalled, recall};

/// A run that has not ended by then has died: a job goes on with it.
const DIED_AFTER: TimeDelta = TimeDelta::minutes(10);

/// The answer to an erasure: what the letter and the certificate are made of, and the to-do list of what waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The erasure; none in a dry run.
    pub erasure_id: Option<ErasureId>,
    /// The person, by opaque id.
    pub customer_id: CustomerId,
    /// `SETTLED`, or `DEFERRED` while something waits for work or a hold to end.
    pub state: State,
    /// An outcome per record.
    pub records: Vec<Record>,
    /// Who was given data of what goes, and how they are told (Art. 19).
    pub recipients: Vec<recipients::Told>,
    /// From this day on no backup can open what was erased, if key-store backups live at most 35 days.
    pub backups_unreadable_from: NaiveDate,
}

impl Report {
    /// How many records had an outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.records.iter().filter(|r| r.outcome == outcome).count()
    }
}

/// What an erasure would do, without doing it: the list that [`erase`] begins with.
///
/// # Errors
/// Refused: nobody of this id; another policy is in force than this process was started with.
pub async fn plan(app: &App, actor: &Actor, customer: CustomerId) -> Result<Report> {
    actor.require(Permission::ProtectData)?;
    policies::require_current(&app.db, &app.policies).await?;
    outlook(app, actor, customer).await
}

/// As [`plan`], for whoever only looks: also by a policy that another process has replaced.
///
/// # Errors
/// Refused: nobody of this id.
pub async fn outlook(app: &App, actor: &Actor, customer: CustomerId) -> Result<Report> {
    actor.require(Permission::ProtectData)?;
    let Found { fates, .. } = found(app, customer, app.clock.now()).await?;
    if fates.is_empty() {
        return Err(Refusal::at(Code::NotFound, &["input", "customerId"]).into());
    }
    let records = merged(app, Vec::new(), &fates, None);
    let told = recipients::due(app, app.db.read(), customer, &fates).await?.into_iter().map(|due| due.told).collect();
    Ok(report(app, None, customer, records, told))
}

/// Erases a person as far as the law lets it, at once. With `notify`, a request file is opened (R14) and the person is
/// mailed what became of it; the address for that is taken before the contact record goes.
///
/// # Errors
/// Refused: nobody of this id; `notify` for one whose address is not known any more; another policy is in force than this
/// process was started with. A failing store: what has gone has
/// gone completely, a job goes on.
pub async fn erase(app: &App, actor: &Actor, customer: CustomerId, notify: bool, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    policies::require_current(&app.db, &app.policies).await?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "subjectErase", key, &(customer, notify)).await? {
        idempotency::Outcome::Replay(ids) => {
            let id = ErasureId(*ids.first().ok_or(Error::NotFound)?);
            return Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound);
        }
        idempotency::Outcome::First(claim) => claim,
    };
    db::lock(&tx, "customers", customer.0).await?;
    let person = customers::Entity::find_by_id(customer).one(&tx).await?;
    let person = person.ok_or_else(|| Refusal::at(Code::NotFound, &["input", "customerId"]))?;
    let id = ErasureId::new(now);
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(customer),
        state: Set(State::Running),
        requested_at: Set(now),
        requested_by: Set(actor.staff()),
        report: Set(text(&report(app, Some(id), customer, Vec::new(), Vec::new()))?),
        wake_at: Set(None),
        unit_id: Set(None),
        identifiers: Set(None),
        scan_state: Set(None),
        scan: Set(None),
        scanned_at: Set(None),
        certificate: Set(None),
        certificate_hash: Set(None),
        settled_at: Set(None),
    };
    let row = row.insert(&tx).await?;
    if notify {
        request::open(app, &tx, &person, id, now).await?;
    }
    suppress(app, &tx, customer, now).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    let details = json!({ "erasure": id, "notify": notify });
    audit::record(&tx, now, actor, "subject.erase", ("customers", Some(customer.0)), details).await?;
    tx.commit().await?;
    go_on(app, actor, row).await
}

/// Remembers the person's e-mail addresses as keyed hashes, with the moment of the decision: an order that was placed
/// before it does not come back (R34).
async fn suppress(app: &App, tx: &DatabaseTransaction, customer: CustomerId, now: DateTime<Utc>) -> Result<()> {
    for hash in app.keys.hashes_to(Lookup::Email, customer.0).await? {
        let sql = "INSERT INTO suppressions (id, hash, created_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at";
        db::run(tx, sql, [entity::ids::uuid_at(now).into(), hash.into(), now.into()]).await?;
    }
    Ok(())
}

/// What became of the erasures that waited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resumed {
    /// Nothing is left to do.
    pub settled: u64,
    /// A store failed; the next run tries again.
    pub failed: u64,
}

/// Goes on with every erasure that waits for something. One that fails is counted and does not stop the others.
///
/// # Errors
/// The list of them cannot be read.
pub async fn resume(app: &App, actor: &Actor) -> Result<Resumed> {
    go_on_with(app, actor, Condition::all().add(Column::State.ne(State::Settled))).await
}

/// As [`resume`], with those alone whose waiting may have ended, and with runs that died.
///
/// # Errors
/// The list of them cannot be read.
pub async fn wake(app: &App, actor: &Actor) -> Result<Resumed> {
    let died = Condition::all()
        .add(Column::State.eq(State::Running))
        .add(Column::RequestedAt.lt(app.clock.now() - DIED_AFTER));
    let woken = Condition::all().add(Column::State.eq(State::Deferred)).add(Column::WakeAt.is_not_null());
    go_on_with(app, actor, Condition::any().add(died).add(woken)).await
}

async fn go_on_with(app: &App, actor: &Actor, which: Condition) -> Result<Resumed> {
    let mut resumed = Resumed::default();
    policies::require_current(&app.db, &app.policies).await?;
    let ids: Vec<ErasureId> =
        Entity::find().select_only().column(Column::Id).filter(which).into_tuple().all(app.db.read()).await?;
    for id in ids {
        let Some(row) = Entity::find_by_id(id).one(app.db.read()).await? else { continue };
        match go_on(app, actor, row).await {
            Ok(row) => resumed.settled += u64::from(row.state == State::Settled),
            Err(error) => {
                tracing::error!(erasure = %id, cause = ?error, "a deferred erasure failed");
                resumed.failed += 1;
            }
        }
    }
    Ok(resumed)
}

/// One pass: say what is to go and what is looked for afterwards, take it through the door, say what has gone. Killed
/// anywhere, the next pass completes it: what was planned and is not there any more has gone.
async fn go_on(app: &App, actor: &Actor, row: Model) -> Result<Model> {
    if row.wake_at.is_some() {
        // Whatever ends from here on wakes it again.
        db::run(app.db.write(), "UPDATE erasures SET wake_at = NULL WHERE id = $1", [row.id.0.into()]).await?;
    }
    if row.state == State::Running {
        // A restore may find nothing else of it. Where this is not reached, the erasure is taken up again as one that died.
        app.ledger.asked(app.clock.now(), row.id, row.customer_id).await?;
    }
    let before = stored(&row)?;
    let told = if before.records.is_empty() { None } else { request::answered(app, row.id).await? };
    let told = told.map(|_| row.requested_at);
    let Found { person, mut fates, is_whole } = found(app, row.customer_id, row.requested_at).await?;
    let planned = prepare(app, &row, &before, told, (&person, &fates)).await?;
    // Whoever has to be told of it, and their letters, are new rows of the person.
    let is_whole = is_whole && planned.recipients.is_empty();
    batches::take(app, actor, row.id, &mut fates, is_whole.then_some(row.customer_id)).await?;
    let (_, mut touched) = door::remove_bare(app, Some(&person)).await?;
    touched.extend(fates.iter().filter(|f| f.record.is_gone()).map(|f| f.table.name));
    let records = merged(app, planned.records, &fates, told);
    let gone: HashSet<Uuid> = records.iter().filter(|r| r.is_gone()).map(|r| r.id).collect();
    outbox::hasten(app, row.customer_id.0, &gone).await?;
    let done = report(app, Some(row.id), row.customer_id, records, planned.recipients);
    let tx = app.db.begin().await?;
    // Before its erasure, in the order of everybody else.
    db::lock(&tx, "customers", row.customer_id.0).await?;
    let now = app.clock.now();
    let settled_at = (done.state == State::Settled).then_some(now);
    // A certificate of something else is none.
    let stale = if done.records == before.records { "" } else { ", certificate = NULL, certificate_hash = NULL" };
    let (id, report): (Value, Value) = (row.id.0.into(), text(&done)?.into());
    // Mostly it has come as it was planned, and may be megabytes; another pass may have written its own plan meanwhile.
    let same = "SELECT 1 FROM erasures WHERE id = $1 AND report = $2";
    let is_same = !db::rows(&tx, same, [id.clone(), report.clone()]).await?.is_empty();
    let new = if is_same { "" } else { ", report = $4" };
    let sql = format!(
        "UPDATE erasures SET state = $1, settled_at = $2{new}{stale}, \
         scan_state = CASE WHEN identifiers IS NULL THEN scan_state ELSE 'PENDING' END WHERE id = $3"
    );
    let values = [done.state.code().into(), settled_at.into(), id].into_iter().chain((!is_same).then_some(report));
    db::run(&tx, &sql, values).await?;
    request::answer(app, &tx, actor, &row, &done, now).await?;
    archive::left_by_erasure(&tx, &protected(&done), now).await?;
    tx.commit().await?;
    sweep::finish(app, &touched).await?;
    let row = Entity::find_by_id(row.id).one(app.db.write()).await?.ok_or(Error::NotFound)?;
    // With a scan to come, the certificate comes with that.
    if row.scan_state == Some(ScanState::Pending) || row.certificate.is_some() {
        return Ok(row);
    }
    certificate::make(app, row).await
}

/// What stays only because a hold or a restriction stands, by table.
fn protected(report: &Report) -> Vec<(&'static Table, Vec<Uuid>)> {
    let mut protected: Vec<(&'static Table, Vec<Uuid>)> = Vec::new();
    for record in report.records.iter().filter(|r| matches!(r.outcome, Outcome::Held | Outcome::Restricted)) {
        match protected.iter_mut().find(|(t, _)| t.name == record.table) {
            Some((_, ids)) => ids.push(record.id),
            None => protected.extend(table(&record.table).map(|t| (t, vec![record.id]))),
        }
    }
    protected
}

/// The person as they are now, and what becomes of every record of theirs: one state of everything.
async fn found(app: &App, customer: CustomerId, decided: DateTime<Utc>) -> Result<Found> {
    let tx = app.db.begin_read().await?;
    let person = Person::as_of(&tx, customer, decided).await?;
    let (fates, left_out) = fates(app, &tx, &person, decided).await?;
    tx.commit().await?;
    Ok(Found { is_whole: left_out == 0 && !person.is_again(), person, fates })
}

/// What there is of a person.
struct Found {
    person: Person,
    /// What becomes of each record.
    fates: Vec<Fate>,
    /// There is nothing of theirs but these: no bare ids, no new business, no file of the erasure's own.
    is_whole: bool,
}

/// Before anything goes: the plan is stored, the recipients' notices are written, and the identifiers that the scan will
/// look for are sealed with the erasure, under a key of their own.
async fn prepare(
    app: &App,
    row: &Model,
    before: &Report,
    told: Option<DateTime<Utc>>,
    (person, fates): (&Person, &[Fate]),
) -> Result<Report> {
    let records = merged(app, before.records.clone(), fates, told);
    let mut planned = report(app, Some(row.id), row.customer_id, records, before.recipients.clone());
    if !fates.iter().any(|f| f.record.is_gone()) {
        return Ok(planned);
    }
    let mut identifiers = identifiers::collect(app, person).await?;
    identifiers.extend(identifiers::pending(app, row).await?.unwrap_or_default());
    identifiers.sort();
    identifiers.dedup();
    let now = app.clock.now();
    let unit = UnitOf { owner: row.id.0, data_type: DataType::R13, year: 0, subject: None };
    let unit = app.keys.ensure(unit, now).await?;
    let sealed = unit.key.seal(identifiers::place(row.id), &Identifier::list(&identifiers)?)?;
    let tx = app.db.begin().await?;
    db::lock(&tx, "customers", row.customer_id.0).await?;
    let told = recipients::announce(app, &tx, row, fates, now).await?;
    planned.recipients.extend(told);
    // Nobody looks before this pass has come to its end.
    let sql = "UPDATE erasures SET report = $1, unit_id = $2, identifiers = $3, scan_state = NULL WHERE id = $4";
    let values = [text(&planned)?.into(), unit.id.0.into(), sealed.0.into(), row.id.0.into()];
    db::run(&tx, sql, values).await?;
    tx.commit().await?;
    Ok(planned)
}

fn report(
    app: &App,
    id: Option<ErasureId>,
    customer: CustomerId,
    records: Vec<Record>,
    recipients: Vec<recipients::Told>,
) -> Report {
    let waits = records.iter().any(Record::waits);
    Report {
        dry_run: id.is_none(),
        erasure_id: id,
        customer_id: customer,
        state: if waits { State::Deferred } else { State::Settled },
        records,
        recipients,
        backups_unreadable_from: calendar::day_of(app.clock.now() + BACKUPS_LIVE),
    }
}

/// One erasure, for the data-protection officer.
///
/// # Errors
/// `NOT_FOUND`; `FORBIDDEN` for others.
pub async fn get(app: &App, actor: &Actor, id: ErasureId) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    Entity::find_by_id(id).one(app.db.read()).await?.ok_or(Error::NotFound)
}

/// A page of erasures, newest first, one more than asked for; for the data-protection officer.
///
/// # Errors
/// `FORBIDDEN` for others; the database cannot be read.
pub async fn page(app: &App, actor: &Actor, after: Option<ErasureId>, most: u64) -> Result<Vec<Model>> {
    actor.require(Permission::ProtectData)?;
    let mut rows = Entity::find().order_by_desc(Column::Id).limit(most + 1);
    if let Some(after) = after {
        rows = rows.filter(Column::Id.lt(after));
    }
    Ok(rows.all(app.db.read()).await?)
}
