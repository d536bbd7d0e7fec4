//! Remedies in kind: arranged by an agent with the customer's choice, sent, called off (S31, S32, F26, F28).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::cases::{self, State as CaseState};
use entity::ids::{CaseId, OrderLineId, RemedyId};
use entity::parcels::Purpose;
use entity::remedies::{ActiveModel, Column, Entity, Kind, Model, State};
use entity::{DataType, order_lines, parcels, refunds, return_lines, returns, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Shipment;
use super::instruct::{order_of, order_seen};
use super::sending::disclose;
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, tasks as filing};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::orders::track;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, input};

const CASE: &[&str] = &["input", "caseId"];
const REMEDY: &[&str] = &["input", "remedyId"];

/// A remedy to be arranged.
#[derive(Clone, Debug, Serialize)]
pub struct NewRemedy {
    /// What the customer gets.
    pub kind: Kind,
    /// Position in the order.
    pub position: i32,
    /// Pieces.
    pub quantity: i32,
    /// Article number of the other variant; for an exchange, and only there.
    pub sku: Option<String>,
    /// What the other variant is.
    pub title: Option<String>,
    /// What it costs more (above zero) or less, in minor units, with its currency. It is noted, never charged.
    pub price_difference: Option<(i64, String)>,
    /// The version of the case that it was decided on.
    pub expected_version: Option<i64>,
}

/// Where the title of another variant lies.
#[must_use]
pub const fn place(id: RemedyId) -> Place {
    Place { table: "remedies", column: "title", row: id.0 }
}

/// One remedy of a case that the actor may see.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: RemedyId) -> Result<Model> {
    let found = Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound)?;
    case_room::get(db, actor, found.case_id).await?;
    Ok(found)
}

/// Arranges a repair, a replacement or an exchange: what a voucher is made of, so the returns of the case are booked.
///
/// # Errors
/// Refused: an unknown case, one that is not decided in the customer's favour, a line that the order does not have, more
/// pieces than were accepted, an exchange without article, another variant or a difference elsewhere, another currency,
/// another version.
pub async fn arrange(app: &App, actor: &Actor, id: CaseId, new: NewRemedy, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let (sku, title) = variant(&new)?;
    if new.quantity <= 0 {
        return Err(Refusal::at(Code::NotPositive, &["input", "quantity"]).into());
    }
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, id).await?;
    order_seen(&seen)?;
    let remedy = RemedyId::new(now);
    let unit = match &title {
        None => None,
        Some(_) => {
            let subject = Some(seen.customer_id.0);
            let of = UnitOf { owner: remedy.0, data_type: DataType::R02a, year: 0, subject };
            Some(app.keys.ensure(of, now).await?)
        }
    };

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "remedyArrange", key, &(id, &new)).await? {
        Outcome::Replay(ids) => return get(&tx, actor, RemedyId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, id, CASE).await?;
    input::version(new.expected_version, case.version)?;
    let deed = if new.kind == Kind::Repair { Deed::ArrangeRepair } else { Deed::ArrangeReplacement };
    // A further remedy of a case that has one is no further step.
    let further = matches!(case.state, CaseState::Repair | CaseState::Replacement);
    if !further {
        machine::require(&case, deed, CASE)?;
    }
    let order = order_of(&tx, &case).await?;
    let currency = order.currency.clone().unwrap_or_default();
    if new.price_difference.as_ref().is_some_and(|(_, given)| *given != currency) {
        let refusal = Refusal::at(Code::CurrencyMismatch, &["input", "priceDifference", "currency"]);
        return Err(refusal.with("currency", currency).into());
    }
    let line = order_lines::Entity::find()
        .filter(order_lines::Column::OrderId.eq(order.id))
        .filter(order_lines::Column::Position.eq(new.position));
    let unknown = || Refusal::at(Code::NotFound, &["input", "position"]);
    let line = line.one(&tx).await?.ok_or_else(unknown)?;
    let left = left(&tx, &case, &line).await?;
    if new.quantity > left {
        return Err(Refusal::at(Code::TooLarge, &["input", "quantity"]).with("maximum", left).into());
    }
    let sealed = unit.as_ref().zip(title.as_deref()).map(|(unit, title)| unit.key.seal(place(remedy), title));
    let row = ActiveModel {
        id: Set(remedy),
        case_id: Set(id),
        order_id: Set(order.id),
        customer_id: Set(case.customer_id),
        order_line_id: Set(line.id),
        unit_id: Set(unit.map(|unit| unit.id)),
        kind: Set(new.kind),
        state: Set(State::Ordered),
        quantity: Set(new.quantity),
        sku: Set(sku),
        title: Set(sealed.transpose()?),
        price_difference_minor: Set(new.price_difference.as_ref().map(|(minor, _)| *minor)),
        currency: Set(new.price_difference.as_ref().map(|_| currency)),
        difference_settled_at: Set(None),
        parcel_id: Set(None),
        ordered_at: Set(now),
        ordered_by: Set(actor.staff()),
        shipped_at: Set(None),
        delivered_at: Set(None),
        version: Set(1),
        start_at: Set(Some(starts::booked(app, DataType::R02a, order.ordered_at, now))),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    let customer = case.customer_id;
    if !further {
        machine::advance(&tx, actor, case, deed, CASE, now).await?.update(&tx).await?;
    }
    filing::settle(&tx, actor, id, tasks::Kind::ArrangeRemedy, now).await?;
    super::book(app, &tx, id, now).await?;
    claim.done(&tx, now, &[remedy.0], Some(customer)).await?;
    let details = json!({ "case": id, "kind": new.kind.code(), "quantity": new.quantity });
    audit::record(&tx, now, actor, "remedy.arrange", ("remedies", Some(remedy.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// The other variant of an exchange; nothing of it elsewhere.
fn variant(new: &NewRemedy) -> Result<(Option<String>, Option<String>)> {
    let sku = input::optional_identifier(new.sku.as_deref(), &["input", "sku"], 80)?;
    let title = input::optional(new.title.as_deref(), &["input", "title"], input::SHORT_TEXT)?;
    let given = [(sku.is_some(), "sku"), (title.is_some(), "title")];
    if new.kind == Kind::Exchange {
        return match given.iter().find(|(given, _)| !given) {
            Some((_, field)) => Err(Refusal::at(Code::Required, &["input", field]).into()),
            None => Ok((sku, title)),
        };
    }
    let given = [given[0], given[1], (new.price_difference.is_some(), "priceDifference")];
    match given.iter().find(|(given, _)| *given) {
        Some((_, field)) => Err(Refusal::at(Code::Invalid, &["input", field]).with("expected", "EXCHANGE").into()),
        None => Ok((None, None)),
    }
}

/// How many pieces of a line may still have a remedy in this case: those accepted at the inspection, or those ordered where
/// nothing had to come back; less what has one or is paid back.
async fn left(tx: &DatabaseTransaction, case: &cases::Model, line: &order_lines::Model) -> Result<i32> {
    let of_case = returns::Entity::find().filter(returns::Column::CaseId.eq(case.id)).all(tx).await?;
    let mut most = line.quantity;
    if !of_case.is_empty() {
        most = 0;
        for of in of_case {
            let rows = return_lines::Entity::find()
                .filter(return_lines::Column::ReturnId.eq(of.id))
                .filter(return_lines::Column::OrderLineId.eq(line.id));
            most += rows.all(tx).await?.iter().filter_map(|row| row.accepted).sum::<i32>();
        }
    }
    let remedied = remedied(tx, case.id).await?.get(&line.id).copied().unwrap_or(0);
    Ok((most - remedied - paid_back(tx, case.id, line.id).await?).max(0))
}

/// How many pieces of each line have a remedy in a case that was not called off. One that the carrier has lost is none, unless it
/// turns up after all.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn remedied(db: &impl ConnectionTrait, case: CaseId) -> Result<BTreeMap<OrderLineId, i32>> {
    let live = Entity::find().filter(Column::CaseId.eq(case)).filter(Column::State.ne(State::Cancelled));
    let mut remedied = BTreeMap::new();
    for remedy in live.all(db).await? {
        let is_lost = match remedy.parcel_id.filter(|_| remedy.state == State::Shipped) {
            Some(parcel) => {
                let parcel = parcels::Entity::find_by_id(parcel).one(db).await?;
                parcel.is_some_and(|parcel| parcel.state == parcels::State::Lost)
            }
            None => false,
        };
        if !is_lost {
            *remedied.entry(remedy.order_line_id).or_default() += remedy.quantity;
        }
    }
    Ok(remedied)
}

/// How many pieces of a line refunds of a case pay back, by their stored calculations.
async fn paid_back(tx: &DatabaseTransaction, case: CaseId, line: OrderLineId) -> Result<i32> {
    #[derive(Deserialize)]
    struct Calculation {
        lines: Vec<Line>,
    }
    #[derive(Deserialize)]
    struct Line {
        id: Uuid,
        quantity: i32,
    }
    let of_case = refunds::Entity::find().filter(refunds::Column::CaseId.eq(case));
    let mut pieces = 0;
    for refund in of_case.filter(refunds::Column::State.ne(refunds::State::Failed)).all(tx).await? {
        let Some(text) = refund.calculation else { continue };
        let paid: Calculation = serde_json::from_str(&text).map_err(|e| anyhow::anyhow!("calculation: {e}"))?;
        pieces += paid.lines.iter().filter(|of| of.id == line.0).map(|of| of.quantity).sum::<i32>();
    }
    Ok(pieces)
}

/// What is done with an arranged remedy.
struct Step<'a> {
    operation: &'static str,
    action: &'static str,
    expected: Option<i64>,
    key: &'a str,
}

/// Locks a remedy, changes it, stores it with its trail.
async fn change<F>(
    app: &App,
    actor: &Actor,
    id: RemedyId,
    step: Step<'_>,
    request: &impl Serialize,
    deed: F,
) -> Result<Model>
where
    F: AsyncFnOnce(&DatabaseTransaction, &cases::Model, &Model, DateTime<Utc>) -> Result<ActiveModel>,
{
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, step.operation, step.key, &(id, request)).await? {
        Outcome::Replay(_) => return get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let found = seen(&tx, actor, id).await?;
    let case = case_room::for_change(&tx, actor, found.case_id, REMEDY).await?;
    let row = seen(&tx, actor, id).await?;
    input::version(step.expected, row.version)?;
    let mut change = deed(&tx, &case, &row, now).await?;
    change.version = Set(row.version + 1);
    let row = change.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    let details = json!({ "case": row.case_id, "state": row.state.code() });
    audit::record(&tx, now, actor, step.action, ("remedies", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

async fn seen(db: &impl ConnectionTrait, actor: &Actor, id: RemedyId) -> Result<Model> {
    match get(db, actor, id).await {
        Err(Error::NotFound) => Err(Refusal::at(Code::NotFound, REMEDY).into()),
        found => found,
    }
}

fn require_ordered(row: &Model) -> Result<()> {
    if row.state == State::Ordered {
        return Ok(());
    }
    let refusal = Refusal::at(Code::TransitionNotAllowed, REMEDY).with("remedyState", row.state.code());
    Err(refusal.with("possibleIn", State::Ordered.code()).into())
}

/// Sends a remedy to the customer; its carrier learns name and address.
///
/// # Errors
/// Refused: an unknown remedy, one that was sent or called off, a parcel of the wrong form, another version.
pub async fn ship(
    app: &App,
    actor: &Actor,
    id: RemedyId,
    shipment: Shipment,
    expected: Option<i64>,
    key: &str,
) -> Result<Model> {
    actor.require(Permission::HandleGoods)?;
    let shipment = shipment.checked()?;
    let found = seen(app.db.read(), actor, id).await?;
    let unit = track::unit(app, found.order_id, found.customer_id, app.clock.now()).await?;
    let step = Step { operation: "remedyShip", action: "remedy.ship", expected, key };
    change(app, actor, id, step, &(&shipment, expected), async |tx, case, row, now| {
        require_ordered(row)?;
        let order = order_of(tx, case).await?;
        let parcel = shipment.send(app, tx, &unit, case, (&order, None, Purpose::Replacement), now).await?;
        disclose(tx, actor, case, &shipment.carrier, now).await?;
        let mut change: ActiveModel = row.clone().into();
        change.state = Set(State::Shipped);
        change.parcel_id = Set(Some(parcel.id));
        change.shipped_at = Set(Some(now));
        Ok(change)
    })
    .await
}

/// Calls off a remedy that was not sent.
///
/// # Errors
/// Refused: an unknown remedy, one that was sent or called off, another version.
pub async fn cancel(app: &App, actor: &Actor, id: RemedyId, expected: Option<i64>, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let step = Step { operation: "remedyCancel", action: "remedy.cancel", expected, key };
    change(app, actor, id, step, &expected, async |_, _, row, _| {
        require_ordered(row)?;
        let mut change: ActiveModel = row.clone().into();
        change.state = Set(State::Cancelled);
        Ok(change)
    })
    .await
}

/// Notes that the price difference of an exchange was agreed and settled outside of this program, which charges nothing.
///
/// # Errors
/// Refused: an unknown remedy, one without a difference, settled already or called off, another version.
pub async fn settle_difference(
    app: &App,
    actor: &Actor,
    id: RemedyId,
    expected: Option<i64>,
    key: &str,
) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let step = Step { operation: "remedyDifferenceSettle", action: "remedy.difference", expected, key };
    change(app, actor, id, step, &expected, async |_, _, row, now| {
        if row.price_difference_minor.is_none() {
            return Err(Refusal::at(Code::Invalid, REMEDY).with("missing", "priceDifference").into());
        }
        if row.difference_settled_at.is_some() || row.state == State::Cancelled {
            let refusal = Refusal::at(Code::TransitionNotAllowed, REMEDY).with("remedyState", row.state.code());
            return Err(refusal.into());
        }
        let mut change: ActiveModel = row.clone().into();
        change.difference_settled_at = Set(Some(now));
        Ok(change)
    })
    .await
}
