//! Granting a refund: finance or an agent promises an amount. Nothing is paid yet.

use chrono::{DateTime, Datelike as _, Utc};
use entity::DataType;
use entity::cases::{self, Outcome as CaseOutcome, State as CaseState};
use entity::ids::{CaseId, RefundId, UnitId};
use entity::refunds::{ActiveModel, Column, Entity, Model, State};
use entity::{customers, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use crate::auth::{Actor, Permission};
use crate::cases as case_room;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, db, input};

/// A refund to be granted. The amount is in minor units of the order's currency.
#[derive(Clone, Debug, Serialize)]
pub struct Grant {
    /// How much.
    pub amount_minor: i64,
    /// ISO 4217 code; has to be the order's.
    pub currency: String,
}

/// Grants a refund on a case that was decided in the customer's favour.
///
/// The voucher takes its own snapshot of name, address and order number (AO § 147), so that it outlives the contact.
///
/// # Errors
/// Refused: an unknown case, one without an order or not decided so, an amount not above zero or above what is left of
/// the captured amount (`largestAmountMinor`), another currency.
pub async fn grant(app: &App, actor: &Actor, case: CaseId, grant: Grant, key: &str) -> Result<Model> {
    actor.require(Permission::GrantRefund)?;
    let staff = actor.staff().ok_or(Error::Forbidden)?;
    input::positive(grant.amount_minor, &["input", "amount", "amountMinor"], i64::MAX)?;
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, case).await?;
    let year = calendar::day_of(now).year();
    let unit = UnitOf { owner: case.0, data_type: DataType::R01, year, subject: Some(seen.customer_id.0) };
    let unit = app.keys.ensure(unit, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "refundGrant", key, &(case, &grant)).await? {
        Outcome::Replay(ids) => return super::get(&tx, actor, RefundId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, case, &["input", "caseId"]).await?;
    case_room::require_state(
        &case,
        &[
            CaseState::Refund,
            CaseState::PriceReduction,
            CaseState::ResolvedWithoutReturn,
            CaseState::Eligible,
            CaseState::PartiallyEligible,
        ],
        &["input", "caseId"],
    )?;
    let order = payable(&tx, &case).await?;
    let left = order.captured_minor.unwrap_or(0) - promised(&tx, order.id).await?;
    if Some(&grant.currency) != order.currency.as_ref() {
        let refusal = Refusal::at(Code::CurrencyMismatch, &["input", "amount", "currency"]);
        return Err(refusal.with("currency", order.currency.unwrap_or_default()).into());
    }
    if grant.amount_minor > left {
        let refusal = Refusal::at(Code::AmountExceedsCaptured, &["input", "amount", "amountMinor"]);
        return Err(refusal.with("largestAmountMinor", left.max(0)).into());
    }
    let id = RefundId::new(now);
    let payee = payee(app, &tx, &order).await?;
    let place = Place { table: "refunds", column: "payee", row: id.0 };
    let row = ActiveModel {
        id: Set(id),
        case_id: Set(case.id),
        order_id: Set(order.id),
        customer_id: Set(case.customer_id),
        unit_id: Set(Some(unit.id)),
        state: Set(State::Granted),
        kind: Set(entity::refunds::Kind::Goods),
        means: Set(entity::refunds::Means::Original),
        calculation: Set(None),
        approved_at: Set(None),
        approved_by: Set(None),
        amount_minor: Set(grant.amount_minor),
        currency: Set(grant.currency),
        payee: Set(Some(unit.key.seal(place, &payee)?)),
        reference: Set(None),
        granted_at: Set(now),
        granted_by: Set(staff),
        submitted_at: Set(None),
        submitted_by: Set(None),
        credited_at: Set(None),
        version: Set(1),
        start_at: Set(Some(period_starts(app, &order, now))),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    let customer = case.customer_id;
    if case.state != CaseState::Refund && case.state != CaseState::PriceReduction {
        let deed = case_room::machine::Deed::ArrangeRefund;
        case_room::machine::advance(&tx, actor, case, deed, &["input", "caseId"], now).await?.update(&tx).await?;
    }
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "amountMinor": row.amount_minor, "currency": row.currency });
    audit::record(&tx, now, actor, "refund.grant", ("refunds", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// A voucher's period begins with it; under the one-stop shop with the supply, which is when the payment was accepted
/// (UStG § 22(1) sentence 4, Directive 2006/112/EC Art. 66a).
fn period_starts(app: &App, order: &orders::Model, now: DateTime<Utc>) -> DateTime<Utc> {
    let from_supply = app.rules.get(&DataType::R01).is_some_and(|rule| rule.from_supply);
    order.ordered_at.filter(|_| from_supply).unwrap_or(now)
}

/// The order that can be refunded, locked: two grants on one order never run at the same time.
async fn payable(tx: &DatabaseTransaction, case: &cases::Model) -> Result<orders::Model> {
    if !matches!(case.outcome, Some(CaseOutcome::Eligible | CaseOutcome::PartiallyEligible)) {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "caseId"]);
        return Err(refusal.with("outcome", case.outcome.map_or("NONE", CaseOutcome::code)).into());
    }
    let no_order = || Error::from(Refusal::at(Code::Required, &["input", "caseId"]).with("missing", "order"));
    let order = case.order_id.ok_or_else(no_order)?;
    db::lock(tx, "orders", order.0).await?;
    orders::Entity::find_by_id(order).one(tx).await?.filter(|o| o.erased_at.is_none()).ok_or_else(no_order)
}

/// What has been promised on an order and has not failed.
async fn promised(tx: &DatabaseTransaction, order: entity::ids::OrderId) -> Result<i64> {
    let refunds =
        Entity::find().filter(Column::OrderId.eq(order)).filter(Column::State.ne(State::Failed)).all(tx).await?;
    Ok(refunds.iter().map(|r| r.amount_minor).sum())
}

async fn payee(app: &App, tx: &DatabaseTransaction, order: &orders::Model) -> Result<String> {
    let customer = customers::Entity::find_by_id(order.customer_id).one(tx).await?.ok_or(Error::NotFound)?;
    let units: Vec<UnitId> = [customer.unit_id, order.unit_id].into_iter().flatten().collect();
    let keys = app.keys.load(&units, app.clock.now()).await?;
    let open = |unit: Option<UnitId>, table, column, row, sealed: Option<&entity::Sealed>| {
        let key = unit.and_then(|u| keys.get(&u))?;
        sealed.and_then(|s| key.open(Place { table, column, row }, s)).map(crate::keys::Personal::reveal)
    };
    let of_customer = |column, sealed| open(customer.unit_id, "customers", column, customer.id.0, sealed);
    let snapshot = json!({
        "name": of_customer("name", customer.name.as_ref()),
        "address": of_customer("address", customer.address.as_ref()),
        "orderNumber": open(order.unit_id, "orders", "number", order.id.0, order.number.as_ref()),
    });
    Ok(snapshot.to_string())
}
