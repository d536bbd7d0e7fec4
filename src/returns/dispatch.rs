//! The goods leave the customer, or never do: dispatch with its proof, loss, expiry.

use chrono::{DateTime, TimeDelta, Utc};
use entity::cases::{self, Kind};
use entity::ids::ReturnId;
use entity::parcels::{self, Purpose};
use entity::returns::{ActiveModel, Column, Entity, Model, State};
use entity::tasks;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::instruct::order_of;
use super::{RETURN, Shipment, require_state, seal};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, tasks as filing};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::orders::track;
use crate::state::App;
use crate::{audit, input};

/// How long after the last day for sending back goods may still turn up before the return counts as expired.
const GRACE: TimeDelta = TimeDelta::days(14);

/// What proves that goods were sent off; at least one of both.
#[derive(Clone, Debug, Serialize)]
pub struct Dispatch {
    /// A receipt, in words.
    pub proof: Option<String>,
    /// Carrier and number. A further parcel of a return that is on its way already is added to it.
    pub shipment: Option<Shipment>,
    /// When they were sent off; none: now.
    pub dispatched_at: Option<DateTime<Utc>>,
    /// The version of the return that it was said of.
    pub expected_version: Option<i64>,
}

/// Records that goods were sent off. Proved, it ends the right to withhold a refund (BGB § 357(4)).
///
/// # Errors
/// Refused: an unknown or foreign return, one that is here, lost or expired, neither proof nor parcel, an instant in the
/// future, another version.
pub async fn dispatch(app: &App, actor: &Actor, id: ReturnId, new: Dispatch, key: &str) -> Result<Model> {
    actor.require(Permission::Correspond)?;
    let proof = input::optional(new.proof.as_deref(), &["input", "proof"], input::LONG_TEXT)?;
    let shipment = new.shipment.as_ref().map(Shipment::checked).transpose()?;
    if proof.is_none() && shipment.is_none() {
        return Err(Refusal::at(Code::Required, &["input", "proof"]).into());
    }
    let now = app.clock.now();
    let at = new.dispatched_at.unwrap_or(now);
    input::instant(at, &["input", "dispatchedAt"], now)?;
    let seen = super::seen(app, actor, id).await?;
    let parcel_unit = track::unit(app, seen.order_id, seen.customer_id, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnDispatch", key, &(id, &new)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let (case, row) = super::for_change(&tx, actor, id).await?;
    input::version(new.expected_version, row.version)?;
    require_state(&row, &[State::Instructed, State::InTransit])?;
    let unit = seal::of(app, &row, now).await?;
    let customer = row.customer_id;
    let (case, mut change) = match row.state {
        State::Instructed => leave(&tx, actor, case, row, at, now).await?,
        _ => {
            let version = row.version;
            let mut change: ActiveModel = row.into();
            change.version = Set(version + 1);
            (case, change)
        }
    };
    if let Some(proof) = &proof {
        change.dispatch_proof = Set(Some(unit.key.seal(seal::place("dispatch_proof", id), proof)?));
    }
    let row = change.update(&tx).await?;
    if let Some(shipment) = &shipment {
        let order = order_of(&tx, &case).await?;
        shipment.send(app, &tx, &parcel_unit, &case, (&order, Some(id), Purpose::Return), at).await?;
    }
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "at": at, "proof": proof.is_some(), "parcel": shipment.is_some() });
    audit::record(&tx, now, actor, "return.dispatch", ("returns", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// The goods are on their way: case and return move on, and the refund of a withdrawal is no longer withheld. The return
/// is left to the caller to store.
///
/// # Errors
/// The state of the case does not allow it; the database fails.
pub(super) async fn leave(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: cases::Model,
    row: Model,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(cases::Model, ActiveModel)> {
    let case = machine::advance(tx, actor, case, Deed::Dispatch, RETURN, now).await?.update(tx).await?;
    release(tx, &case, now).await?;
    let version = row.version;
    let mut change: ActiveModel = row.into();
    change.state = Set(State::InTransit);
    change.dispatched_at = Set(Some(at));
    change.version = Set(version + 1);
    Ok((case, change))
}

/// A withdrawal is paid back as soon as the goods are here or proved to have been sent (BGB § 357(4)): never later, whatever
/// the inspection will find.
pub(super) async fn release(tx: &DatabaseTransaction, case: &cases::Model, now: DateTime<Utc>) -> Result<()> {
    if case.kind == Some(Kind::Withdrawal) && !filing::is_open(tx, case.id, tasks::Kind::RefundWithdrawal).await? {
        filing::file(tx, case.id, None, tasks::Kind::RefundWithdrawal, now).await?;
    }
    Ok(())
}

/// Marks goods on their way back as lost by the carrier, with a task to trace them.
///
/// # Errors
/// Refused: an unknown return, one that is not on its way, another version.
pub async fn lose(app: &App, actor: &Actor, id: ReturnId, expected: Option<i64>, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnLose", key, &(id, expected)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let (case, row) = super::for_change(&tx, actor, id).await?;
    input::version(expected, row.version)?;
    require_state(&row, &[State::InTransit])?;
    let case = machine::advance(&tx, actor, case, Deed::Lose, RETURN, now).await?.update(&tx).await?;
    for parcel in undelivered(&tx, id).await?.into_iter().filter(|p| p.state != parcels::State::Lost) {
        track::lose(&tx, parcel, now).await?;
    }
    let version = row.version;
    let mut change: ActiveModel = row.into();
    change.state = Set(State::Lost);
    change.version = Set(version + 1);
    let row = change.update(&tx).await?;
    if !filing::is_open(&tx, case.id, tasks::Kind::TraceParcel).await? {
        filing::file(&tx, case.id, None, tasks::Kind::TraceParcel, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    audit::record(&tx, now, actor, "return.lose", ("returns", Some(id.0)), json!({ "case": case.id })).await?;
    tx.commit().await?;
    Ok(row)
}

/// The parcels of a return that have not arrived, lost ones too.
pub(super) async fn undelivered(tx: &DatabaseTransaction, id: ReturnId) -> Result<Vec<parcels::Model>> {
    let of_return = parcels::Entity::find()
        .filter(parcels::Column::ReturnId.eq(id))
        .filter(parcels::Column::Purpose.eq(Purpose::Return))
        .filter(parcels::Column::State.ne(parcels::State::Delivered));
    Ok(of_return.all(tx).await?)
}

/// Marks returns as expired whose goods never came and whose day is past by two weeks, with a task each. Returns how many.
/// Goods that come after all are still received.
///
/// # Errors
/// The database fails; the next run goes on.
pub async fn expire(app: &App, dry_run: bool) -> Result<u64> {
    let now = app.clock.now();
    let due = Entity::find()
        .filter(Column::State.eq(State::Instructed))
        .filter(Column::ReturnBy.lte(now - GRACE))
        .order_by_asc(Column::Id);
    let mut expired = 0;
    for found in due.all(app.db.read()).await? {
        if dry_run {
            expired += 1;
            continue;
        }
        let tx = app.db.begin().await?;
        case_room::lock(&tx, found.case_id).await?;
        let row = Entity::find_by_id(found.id).one(&tx).await?.filter(|r| r.state == State::Instructed);
        let Some(row) = row else { continue };
        let case = cases::Entity::find_by_id(row.case_id).one(&tx).await?.ok_or(Error::NotFound)?;
        if Deed::Expire.is_legal(case.state) {
            let case = machine::advance(&tx, &Actor::System, case, Deed::Expire, RETURN, now).await?;
            let case = case.update(&tx).await?;
            filing::file(&tx, case.id, None, tasks::Kind::DeadlineMissed, now).await?;
        }
        let (id, case, version) = (row.id, row.case_id, row.version);
        let mut change: ActiveModel = row.into();
        change.state = Set(State::Expired);
        change.version = Set(version + 1);
        change.update(&tx).await?;
        let details = json!({ "case": case });
        audit::record(&tx, now, &Actor::System, "return.expire", ("returns", Some(id.0)), details).await?;
        tx.commit().await?;
        expired += 1;
    }
    Ok(expired)
}
