//! Legal holds: placing one locks what the door locks, the customer's row or the records as a whole, so never both. Each change
//! goes to the ledger, too ([`protections`]).

use chrono::{DateTime, NaiveDate, Utc};
use entity::holds::{self as table, ActiveModel, Entity, Model, Reason};
use entity::ids::{CaseId, CustomerId, HoldId, OrderId};
use entity::{DataType, cases, customers, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction,
    DbBackend, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::ledger::{Protection, Why};
use super::person::Person;
use super::protections;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, db, input};

/// What a hold covers, with all that hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// Everything of a person.
    Customer(CustomerId),
    /// An order, its lines and parcels, and the cases about it.
    Order(OrderId),
    /// A case, its messages, evidence and refunds.
    Case(CaseId),
    /// Everybody's records of a data type whose period began in a calendar year (AO § 147(3) sentence 5).
    Records(DataType, i32),
}

/// How a transaction takes part in the order of doors and holds on records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Passing the door: many at once.
    Shared,
    /// Placing a hold on records: alone.
    Alone,
}

/// Locks the records as a whole until the transaction ends. On SQLite a write transaction already locks everything.
pub(super) async fn lock_records(tx: &DatabaseTransaction, lock: Lock) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = match lock {
            Lock::Shared => "SELECT pg_advisory_xact_lock_shared(7173)",
            Lock::Alone => "SELECT pg_advisory_xact_lock(7173)",
        };
        db::rows(tx, sql, []).await?;
    }
    Ok(())
}

/// A hold to be placed.
#[derive(Clone, Debug, Serialize)]
pub struct NewHold {
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub reason: Reason,
    /// In words; sealed.
    pub note: Option<String>,
    /// The day by which it is reviewed, at most six months ahead.
    pub review_on: NaiveDate,
}

/// Places a hold.
///
/// # Errors
/// Refused: an unknown scope, a review day in the past or more than six months ahead (three for an access request), an access request
/// of something else than a customer, a note over 2,000 characters.
pub async fn place(app: &App, actor: &Actor, new: NewHold, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let now = app.clock.now();
    let customer = customer_of(app, app.db.read(), new.scope).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "holdPlace", key, &new).await? {
        Outcome::Replay(ids) => return by_id(&tx, HoldId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    let id = HoldId::new(now);
    // Under the lock, so that the key cannot be destroyed between here and the commit.
    let unit = match customer {
        Some(customer) => {
            db::lock(&tx, "customers", customer.0).await?;
            // Whoever had the lock before may have taken the last of it.
            customer_of(app, &tx, new.scope).await?;
            UnitOf { owner: customer.0, data_type: DataType::R32, year: 0, subject: Some(customer.0) }
        }
        None => {
            lock_records(&tx, Lock::Alone).await?;
            UnitOf { owner: id.0, data_type: DataType::R32, year: 0, subject: None }
        }
    };
    check_review(new.review_on, now)?;
    check_access(new.reason, Some(new.scope), new.review_on, now)?;
    let note = input::optional(new.note.as_deref(), &["input", "note"], 2000)?;
    let hold = Protection::placed(id.0, Why::Hold(new.reason), new.scope, actor.staff(), now, new.review_on);
    let mut row = protections::hold_row(&hold, new.reason);
    if let Some(text) = note {
        let unit = app.keys.ensure(unit, now).await?;
        row.note = Set(Some(unit.key.seal(Place { table: "holds", column: "note", row: id.0 }, &text)?));
        row.unit_id = Set(Some(unit.id));
    }
    let row = row.insert(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    let details = json!({ "reason": row.reason.code(), "reviewOn": row.review_on });
    audit::record(&tx, now, actor, "hold.place", ("holds", Some(id.0)), details).await?;
    protections::commit_placed(app, tx, hold).await?;
    Ok(row)
}

/// Places a hold on a case for a legal claim, in the transaction of the dispute, reviewed as late as allowed. The caller has
/// locked the person, as [`place`] does, and ends with [`protections::commit_placed`]. It has no note, so that it needs no
/// key.
///
/// # Errors
/// The database fails.
pub(crate) async fn place_for_claim(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: CaseId,
    now: DateTime<Utc>,
) -> Result<Protection> {
    let (id, reason) = (HoldId::new(now), Reason::LegalClaim);
    let hold = Protection::placed(id.0, Why::Hold(reason), Scope::Case(case), actor.staff(), now, next_review(now));
    protections::hold_row(&hold, reason).insert(tx).await?;
    let details = json!({ "reason": reason.code(), "reviewOn": hold.review_on });
    audit::record(tx, now, actor, "hold.place", ("holds", Some(id.0)), details).await?;
    Ok(hold)
}

/// Refuses a day of review in the past or more than six months ahead.
pub(super) fn check_review(review_on: NaiveDate, now: DateTime<Utc>) -> Result<()> {
    check_day(review_on, "reviewOn", now)
}

/// An access request is a person's, and answered within three months at the latest (GDPR Art. 12(3)).
fn check_access(reason: Reason, on: Option<Scope>, review_on: NaiveDate, now: DateTime<Utc>) -> Result<()> {
    if reason != Reason::AccessRequest {
        return Ok(());
    }
    if on.is_some_and(|on| !matches!(on, Scope::Customer(_))) {
        return Err(Refusal::at(Code::Invalid, &["input", "reason"]).with("expected", "a customer").into());
    }
    let latest = calendar::plus_months(calendar::day_of(now), ANSWERED_WITHIN_MONTHS);
    if review_on > latest {
        return Err(Refusal::at(Code::Invalid, &["input", "reviewOn"]).with("latest", latest).into());
    }
    Ok(())
}

/// A day from today to six months ahead.
pub(crate) fn check_day(day: NaiveDate, field: &'static str, now: DateTime<Utc>) -> Result<()> {
    let (today, latest) = (calendar::day_of(now), next_review(now));
    if day < today || day > latest {
        let refusal = Refusal::at(Code::Invalid, &["input", field]);
        return Err(refusal.with("earliest", today).with("latest", latest).into());
    }
    Ok(())
}

/// Reviews a hold: it goes on standing until another day, at most six months ahead.
///
/// # Errors
/// Refused: unknown or released, a day in the past or more than six months ahead.
pub async fn review(app: &App, actor: &Actor, id: HoldId, review_on: NaiveDate, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "holdReview", key, &(id, review_on)).await? {
        Outcome::Replay(_) => return by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    let hold = standing_hold(&tx, id).await?;
    check_review(review_on, now)?;
    check_access(hold.reason, None, review_on, now)?;
    let row = ActiveModel { review_on: Set(review_on), ..hold.into() }.update(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    let details = json!({ "reviewOn": review_on });
    audit::record(&tx, now, actor, "hold.review", ("holds", Some(id.0)), details).await?;
    protections::commit_changed(app, tx, Some(protections::of_hold(&row)?)).await?;
    Ok(row)
}

/// Puts a review that has come off until the latest day, in the transaction of the task that it left. None where the hold was
/// reviewed or released meanwhile. The caller ends with [`protections::commit_changed`].
///
/// # Errors
/// The database fails.
pub(crate) async fn put_off_in(
    tx: &DatabaseTransaction,
    id: HoldId,
    due: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Option<Protection>> {
    db::lock(tx, "holds", id.0).await?;
    let Some(hold) = Entity::find_by_id(id).one(tx).await? else { return Ok(None) };
    if hold.released_at.is_some() || hold.review_on != due {
        return Ok(None);
    }
    let row = ActiveModel { review_on: Set(next_review(now)), ..hold.into() }.update(tx).await?;
    Ok(Some(protections::of_hold(&row)?))
}

async fn standing_hold(tx: &DatabaseTransaction, id: HoldId) -> Result<Model> {
    db::lock(tx, "holds", id.0).await?;
    let hold = by_id(tx, id).await.map_err(|_| Refusal::at(Code::NotFound, &["input", "id"]))?;
    if hold.released_at.is_some() {
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("state", "RELEASED").into());
    }
    Ok(hold)
}

/// Releases a hold in the transaction of what ended it; none where it was released before, and may have gone since (R32).
/// The caller ends with [`protections::commit_changed`].
///
/// # Errors
/// The database fails.
pub(crate) async fn release_in(
    tx: &DatabaseTransaction,
    actor: &Actor,
    id: HoldId,
    now: DateTime<Utc>,
) -> Result<Option<Protection>> {
    db::lock(tx, "holds", id.0).await?;
    let found = Entity::find_by_id(id).one(tx).await?;
    let Some(hold) = found.filter(|hold| hold.released_at.is_none()) else { return Ok(None) };
    Ok(Some(protections::of_hold(&released(tx, actor, hold, now).await?)?))
}

async fn released(tx: &DatabaseTransaction, actor: &Actor, hold: Model, now: DateTime<Utc>) -> Result<Model> {
    let released_by = Set(actor.staff());
    let row = ActiveModel { released_at: Set(Some(now)), released_by, start_at: Set(Some(now)), ..hold.into() };
    let row = row.update(tx).await?;
    audit::record(tx, now, actor, "hold.release", ("holds", Some(row.id.0)), json!({})).await?;
    Ok(row)
}

/// A hold is looked at again within so many months.
pub const REVIEWED_WITHIN_MONTHS: u32 = 6;

/// One for an access request, within so many: the month that it is answered in, and two more where that is said.
const ANSWERED_WITHIN_MONTHS: u32 = 3;

/// The latest day on which a hold that is placed or reviewed now is looked at again: six months ahead.
#[must_use]
pub fn next_review(now: DateTime<Utc>) -> NaiveDate {
    calendar::plus_months(calendar::day_of(now), REVIEWED_WITHIN_MONTHS)
}

/// Releases a hold: an erasure that waited for it goes on with the job's next turn, what was due meanwhile goes with the next
/// nightly run.
///
/// # Errors
/// Refused: unknown, or released already.
pub async fn release(app: &App, actor: &Actor, id: HoldId, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "holdRelease", key, &id).await? {
        Outcome::Replay(_) => return by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    let row = standing_hold(&tx, id).await?;
    let row = released(&tx, actor, row, now).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    protections::commit_changed(app, tx, Some(protections::of_hold(&row)?)).await?;
    Ok(row)
}

/// A page of holds before an id, newest first, one more than asked for: those that stand, those that are to be reviewed by
/// a day, or all.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn page(app: &App, actor: &Actor, wanted: Wanted, before: Option<HoldId>, most: u64) -> Result<Vec<Model>> {
    actor.require(Permission::ProtectData)?;
    let mut rows = Entity::find().order_by_desc(table::Column::Id).limit(most + 1);
    if wanted != Wanted::All {
        rows = rows.filter(table::Column::ReleasedAt.is_null());
    }
    if let Wanted::ReviewedBy(day) = wanted {
        rows = rows.filter(table::Column::ReviewOn.lte(day));
    }
    if let Some(before) = before {
        rows = rows.filter(table::Column::Id.lt(before));
    }
    Ok(rows.all(app.db.read()).await?)
}

/// Everything that was done with a hold or a restriction, oldest first.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn history(
    app: &App,
    actor: &Actor,
    table: &'static str,
    row: Uuid,
) -> Result<Vec<entity::audit_entries::Model>> {
    actor.require(Permission::ProtectData)?;
    audit::of(app.db.read(), table, row).await
}

/// Which holds or restrictions are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, also those that have ended.
    All,
    /// Those that stand.
    Standing,
    /// Those that stand and are to be reviewed by this day.
    ReviewedBy(NaiveDate),
}

/// The holds that stand on something of a person: on themselves, an order, a case, or on records of a year with some of theirs.
///
/// # Errors
/// The database cannot be read.
pub async fn on_person(app: &App, customer: CustomerId) -> Result<Vec<Model>> {
    let db = app.db.read();
    let orders = orders::Entity::find().select_only().column(orders::Column::Id);
    let orders = QueryTrait::into_query(orders.filter(orders::Column::CustomerId.eq(customer)));
    let cases = cases::Entity::find().select_only().column(cases::Column::Id);
    let cases = QueryTrait::into_query(cases.filter(cases::Column::CustomerId.eq(customer)));
    let any = Condition::any()
        .add(table::Column::CustomerId.eq(customer))
        .add(table::Column::OrderId.in_subquery(orders))
        .add(table::Column::CaseId.in_subquery(cases))
        .add(table::Column::DataType.is_not_null());
    let standing = Entity::find().filter(table::Column::ReleasedAt.is_null()).filter(any);
    let (mut found, person) = (Vec::new(), Person::find(db, customer).await?);
    for hold in standing.order_by_asc(table::Column::Id).all(db).await? {
        let concerns = match (hold.data_type, hold.from_at, hold.to_at) {
            (Some(data_type), Some(from), Some(to)) => has_records(db, &person, data_type, (from, to)).await?,
            _ => true,
        };
        found.extend(concerns.then_some(hold));
    }
    Ok(found)
}

/// Whether a person has records of a data type whose period began in a span of time.
async fn has_records(
    db: &impl ConnectionTrait,
    person: &Person,
    data_type: DataType,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool> {
    for t in person.tables().iter().filter(|t| t.types.contains(&data_type)) {
        let Some(start) = t.start else { continue };
        let (theirs, values) = person.rows_of(t, 3);
        let of_type =
            if t.types.len() > 1 { format!(" AND t.data_type = '{}'", data_type.code()) } else { String::new() };
        let sql = format!(
            "SELECT 1 FROM {} t WHERE t.{start} >= $1 AND t.{start} < $2{of_type} AND {theirs} LIMIT 1",
            t.name
        );
        let values = [from.into(), to.into()].into_iter().chain(values);
        if !db::rows(db, &sql, values).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn by_id(tx: &DatabaseTransaction, id: HoldId) -> Result<Model> {
    Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound)
}

async fn customer_of(app: &App, db: &impl ConnectionTrait, scope: Scope) -> Result<Option<CustomerId>> {
    let found = match scope {
        Scope::Records(data_type, _) if app.rules().contains_key(&data_type) => return Ok(None),
        Scope::Records(..) => None,
        Scope::Customer(id) => customers::Entity::find_by_id(id).one(db).await?.map(|c| c.id),
        Scope::Order(id) => orders::Entity::find_by_id(id).one(db).await?.map(|o| o.customer_id),
        Scope::Case(id) => cases::Entity::find_by_id(id).one(db).await?.map(|c| c.customer_id),
    };
    let field = match scope {
        Scope::Customer(_) => "customerId",
        Scope::Order(_) => "orderId",
        Scope::Case(_) => "caseId",
        Scope::Records(..) => "records",
    };
    found.map(Some).ok_or_else(|| Refusal::at(Code::NotFound, &["input", field]).into())
}
