//! Withdrawal (BGB §§ 355, 356a): prepared in a first step, confirmed in a second, by anybody, without an account. What
//! is confirmed is received: statement, case, period of the refund and receipt are one transaction; all else comes later.

pub mod confirm;
pub mod draft;
pub mod matching;
pub mod record;
pub mod words;

use chrono::{DateTime, Utc};
use entity::cases::{self, Channel, Kind};
use entity::ids::{CaseId, CustomerId, OrderId, WithdrawalId};
use entity::withdrawals::{ActiveModel, Column, Entity, Model};
use entity::{DataType, order_lines, orders, parcels, returns, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
};
use serde_json::json;

use crate::audit;
use crate::auth::Actor;
use crate::cases::open::Request;
use crate::cases::post::Addressee;
use crate::cases::{messages, open, post, tasks as filing, timers};
use crate::error::{Error, Result};
use crate::keys::Place;
use crate::orders::situation::{Around, Claim, declared, policy, situation};
use crate::policy::rights::{self, Status, Track};
use crate::policy::rules::RuleId;
use crate::policy::withholding::{Goods, Withholding, withholding};
use crate::state::App;

pub use confirm::confirm;
pub use draft::{Prepare, Prepared, prepare};
pub use matching::match_order;
pub use record::{Recorded, record};

/// A statement and the case that follows from it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The statement.
    pub statement: Model,
    /// The case.
    pub case: cases::Model,
}

/// Whether a statement kept the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeliness {
    /// It did, for a line at least; or the period had not begun, or its end is only assumed.
    InTime,
    /// It did not. It is recorded all the same; a person decides.
    Late,
    /// Nobody knows yet to which order it belongs.
    Unmatched,
}

/// A statement as it is to be stored.
struct Declared<'a> {
    id: WithdrawalId,
    customer: CustomerId,
    order: Option<OrderId>,
    name: &'a str,
    contract: &'a str,
    statement: &'a str,
    receipt_to: Option<&'a Addressee>,
    channel: Channel,
    received_at: DateTime<Utc>,
    dispatched_at: Option<DateTime<Utc>>,
}

/// The statement of a case.
///
/// # Errors
/// The database cannot be read.
pub async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::CaseId.eq(case)).order_by_asc(Column::Id).one(db).await?)
}

/// Where the text of a statement lies.
#[must_use]
pub const fn place(id: WithdrawalId, column: &'static str) -> Place {
    Place { table: "withdrawals", column, row: id.0 }
}

/// Stores everything that receiving a statement is: the statement, its case, the period of the refund, the receipt and,
/// where no order fits, a task. The customer is locked.
async fn receive(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    new: Declared<'_>,
    now: DateTime<Utc>,
) -> Result<Received> {
    let case = CaseId::new(now);
    let letters = messages::unit(app, case, new.customer, DataType::R03, now).await?;
    let unit = messages::unit(app, case, new.customer, DataType::R05, now).await?;
    let request = Request {
        id: case,
        customer: new.customer,
        order: new.order,
        kind: Kind::Withdrawal,
        reason: None,
        channel: new.channel,
        text: new.statement,
    };
    let case = open::insert(app, tx, actor, request, &letters, now).await?;
    let mut receipt = None;
    if let Some(to) = new.receipt_to {
        let content = (new.statement, new.received_at);
        receipt = Some(post::receipt(app, tx, &case, &unit, to, content, now).await?);
    }
    let seal = |column, text: &str| unit.key.seal(place(new.id, column), text).map(Some);
    let row = ActiveModel {
        id: Set(new.id),
        customer_id: Set(new.customer),
        order_id: Set(new.order),
        case_id: Set(Some(case.id)),
        unit_id: Set(Some(unit.id)),
        name: Set(seal("name", new.name)?),
        contract: Set(seal("contract", new.contract)?),
        receipt_to: Set(match new.receipt_to {
            Some(to) => seal("receipt_to", &to.email)?,
            None => None,
        }),
        statement: Set(seal("statement", new.statement)?),
        received_at: Set(new.received_at),
        dispatched_at: Set(new.dispatched_at),
        receipt_id: Set(receipt),
        start_at: Set(Some(new.received_at)),
        not_before: Set(None),
    };
    let statement = row.insert(tx).await?;
    timers::start(app, tx, case.id, None, RuleId::WithdrawalRefund, new.received_at).await?;
    if new.order.is_none() {
        filing::file(tx, case.id, None, tasks::Kind::MatchWithdrawal, now).await?;
    }
    let details = json!({ "case": case.id, "order": new.order, "channel": new.channel.code() });
    audit::record(tx, now, actor, "withdrawal.receive", ("withdrawals", Some(new.id.0)), details).await?;
    Ok(Received { statement, case })
}

/// Whether a statement kept the period, by the policy of the day of the contract: what counts is when it was sent, where
/// that is known, else when it was received (BGB § 355(1) sentence 5).
///
/// # Errors
/// A database cannot be read; the policy knows no end.
pub async fn timeliness(app: &App, db: &impl ConnectionTrait, statement: &Model) -> Result<Timeliness> {
    let Some(order) = statement.order_id else { return Ok(Timeliness::Unmatched) };
    let order = orders::Entity::find_by_id(order).one(db).await?.filter(|o| o.erased_at.is_none());
    let Some(order) = order else { return Ok(Timeliness::Unmatched) };
    let lines = order_lines::Entity::find().filter(order_lines::Column::OrderId.eq(order.id)).all(db).await?;
    let parcels = parcels::Entity::find().filter(parcels::Column::OrderId.eq(order.id)).all(db).await?;
    let mut late = !lines.is_empty();
    for line in &lines {
        let around = Around { lines: lines.len(), parcels: &parcels, cases: &[], remedies: &[] };
        let s = situation(app, &order, line, around, Claim::default());
        let found = rights::rights(policy(app, &order), &s, declared(statement));
        let found = found.map_err(|e| Error::Internal(anyhow::anyhow!("withdrawal {}: {e}", statement.id)))?;
        late &= found
            .iter()
            .any(|right| right.track == Track::Withdrawal && right.status == Status::Ended && !right.estimated);
    }
    Ok(if late { Timeliness::Late } else { Timeliness::InTime })
}

/// Whether the money of a withdrawal may be kept back, from the returns of its case. Of several returns the last one that
/// is still out decides.
///
/// # Errors
/// The database cannot be read.
pub async fn withheld(db: &impl ConnectionTrait, case: CaseId) -> Result<Withholding> {
    let all = returns::Entity::find().filter(returns::Column::CaseId.eq(case)).all(db).await?;
    let states = all.iter().map(|r| {
        // A day that nobody has proved does not end it.
        let proved = r.dispatched_at.filter(|_| r.dispatch_proof.is_some());
        withholding(Goods { received_at: r.received_at, dispatch_proved_at: proved, collected: false })
    });
    let latest = states.max_by_key(|s| (s.may_withhold(), s.ended_at()));
    Ok(latest.unwrap_or_else(|| withholding(Goods::default())))
}
