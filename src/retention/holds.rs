//! Legal holds: placing one locks the same customer row that the door locks, so never both.

use chrono::{DateTime, NaiveDate, Utc};
use entity::holds::{self as table, ActiveModel, Entity, Model, Reason};
use entity::ids::{CaseId, CustomerId, HoldId, OrderId};
use entity::{DataType, cases, customers, orders};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction, EntityTrait as _};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, db, input};

/// What a hold covers, with all that hangs on it.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Scope {
    /// Everything of a person.
    Customer(CustomerId),
    /// An order, its lines and parcels, and the cases about it.
    Order(OrderId),
    /// A case, its messages, evidence and refunds.
    Case(CaseId),
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
/// Refused: an unknown scope, a review day in the past or more than six months ahead, a note over 2,000 characters.
pub async fn place(app: &App, actor: &Actor, new: NewHold, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let now = app.clock.now();
    let customer = customer_of(app, new.scope).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "holdPlace", key, &new).await? {
        Outcome::Replay(ids) => return by_id(&tx, HoldId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "customers", customer.0).await?;
    // Under the person's lock, so that the key cannot be destroyed between here and the commit.
    let unit = UnitOf { owner: customer.0, data_type: DataType::R32, year: 0, subject: Some(customer.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let today = calendar::day_of(now);
    let latest = next_review(now);
    if new.review_on < today || new.review_on > latest {
        let refusal = Refusal::at(Code::Invalid, &["input", "reviewOn"]);
        return Err(refusal.with("earliest", today).with("latest", latest).into());
    }
    let id = HoldId::new(now);
    let (customer_id, order_id, case_id) = match new.scope {
        Scope::Customer(id) => (Some(id), None, None),
        Scope::Order(id) => (None, Some(id), None),
        Scope::Case(id) => (None, None, Some(id)),
    };
    let place = Place { table: "holds", column: "note", row: id.0 };
    let note = input::optional(new.note.as_deref(), &["input", "note"], 2000)?;
    let note = note.map(|text| unit.key.seal(place, &text)).transpose()?;
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(customer_id),
        order_id: Set(order_id),
        case_id: Set(case_id),
        unit_id: Set(note.is_some().then_some(unit.id)),
        reason: Set(new.reason),
        note: Set(note),
        placed_at: Set(now),
        placed_by: Set(actor.staff()),
        review_on: Set(new.review_on),
        released_at: Set(None),
        released_by: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    let details = json!({ "reason": row.reason.code(), "reviewOn": row.review_on });
    audit::record(&tx, now, actor, "hold.place", ("holds", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// Places a hold on a case for a legal claim, in the transaction of the dispute. The caller has locked the person, as
/// [`place`] does. It has no note, so that it needs no key.
///
/// # Errors
/// The database fails.
pub(crate) async fn place_for_claim(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: CaseId,
    now: DateTime<Utc>,
) -> Result<Model> {
    let id = HoldId::new(now);
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(None),
        order_id: Set(None),
        case_id: Set(Some(case)),
        unit_id: Set(None),
        reason: Set(Reason::LegalClaim),
        note: Set(None),
        placed_at: Set(now),
        placed_by: Set(actor.staff()),
        review_on: Set(next_review(now)),
        released_at: Set(None),
        released_by: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    let row = row.insert(tx).await?;
    let details = json!({ "reason": row.reason.code(), "reviewOn": row.review_on });
    audit::record(tx, now, actor, "hold.place", ("holds", Some(id.0)), details).await?;
    Ok(row)
}

/// Releases a hold in the transaction of what ended it; `false` where it was released before.
///
/// # Errors
/// The database fails.
pub(crate) async fn release_in(
    tx: &DatabaseTransaction,
    actor: &Actor,
    id: HoldId,
    now: DateTime<Utc>,
) -> Result<bool> {
    let sql =
        "UPDATE holds SET released_at = $1, start_at = $1, released_by = $2 WHERE id = $3 AND released_at IS NULL";
    let values = [now.into(), actor.staff().map(|s| s.0).into(), id.0.into()];
    let released = db::run(tx, sql, values).await? == 1;
    if released {
        audit::record(tx, now, actor, "hold.release", ("holds", Some(id.0)), json!({})).await?;
    }
    Ok(released)
}

/// A hold is looked at again within so many months.
pub const REVIEWED_WITHIN_MONTHS: u32 = 6;

/// The latest day on which a hold that is placed or reviewed now is looked at again: six months ahead.
#[must_use]
pub fn next_review(now: DateTime<Utc>) -> NaiveDate {
    calendar::plus_months(calendar::day_of(now), REVIEWED_WITHIN_MONTHS)
}

/// Releases a hold: what was due in the meantime goes with the next nightly run.
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
    let hold = by_id(&tx, id).await.map_err(|_| Refusal::at(Code::NotFound, &["input", "id"]))?;
    if hold.released_at.is_some() {
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("state", "RELEASED").into());
    }
    let mut row: ActiveModel = hold.into();
    row.released_at = Set(Some(now));
    row.released_by = Set(actor.staff());
    row.start_at = Set(Some(now));
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    audit::record(&tx, now, actor, "hold.release", ("holds", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

/// The holds that stand on a person, an order or a case itself.
///
/// # Errors
/// The database cannot be read.
pub async fn standing(app: &App, owner: Uuid) -> Result<Vec<Model>> {
    use sea_orm::{ColumnTrait as _, Condition, QueryFilter as _};
    let any = Condition::any()
        .add(table::Column::CustomerId.eq(owner))
        .add(table::Column::OrderId.eq(owner))
        .add(table::Column::CaseId.eq(owner));
    let holds = Entity::find().filter(table::Column::ReleasedAt.is_null()).filter(any);
    Ok(holds.all(app.db.read()).await?)
}

async fn by_id(tx: &DatabaseTransaction, id: HoldId) -> Result<Model> {
    Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound)
}

async fn customer_of(app: &App, scope: Scope) -> Result<CustomerId> {
    let db = app.db.read();
    let found = match scope {
        Scope::Customer(id) => customers::Entity::find_by_id(id).one(db).await?.map(|c| c.id),
        Scope::Order(id) => orders::Entity::find_by_id(id).one(db).await?.map(|o| o.customer_id),
        Scope::Case(id) => cases::Entity::find_by_id(id).one(db).await?.map(|c| c.customer_id),
    };
    let field = match scope {
        Scope::Customer(_) => "customerId",
        Scope::Order(_) => "orderId",
        Scope::Case(_) => "caseId",
    };
    found.ok_or_else(|| Refusal::at(Code::NotFound, &["input", field]).into())
}
