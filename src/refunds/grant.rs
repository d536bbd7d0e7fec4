//! Granting a refund: finance or an agent promises an amount. Nothing is paid yet.

use chrono::Datelike as _;
use entity::cases::{self, Outcome as CaseOutcome, State as CaseState};
use entity::ids::{CaseId, RefundId, UnitId};
use entity::messages::Form;
use entity::refunds::{ActiveModel, Kind, Means, Model, State};
use entity::{DataType, Purpose};
use entity::{customers, orders, proposals, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use super::ground::{Ground, ground};
use super::reckon::{self, Asked};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, letters, tasks as filing};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::policy::calendar;
use crate::policy::refund::Ceiling;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, db, input, returns};

/// A refund to be granted.
#[derive(Clone, Debug, Serialize)]
pub enum Grant {
    /// A plain amount: goodwill, or what was agreed on.
    Amount {
        /// How much, in minor units of the order's currency.
        amount_minor: i64,
        /// ISO 4217 code; has to be the order's.
        currency: String,
    },
    /// Goods or a reduction of the price, reckoned.
    Reckoned {
        /// What goes back.
        asked: Asked,
        /// What the customer is told about a deduction: it is a decision of its own (F39).
        deduction_text: Option<String>,
    },
}

const CASE: &[&str] = &["input", "caseId"];
const AMOUNT: &[&str] = &["input", "amount", "amountMinor"];

/// Grants a refund on a case that was decided in the customer's favour, or on a withdrawal, which no inspection gates.
///
/// The voucher takes its own snapshot of name, address and order number (AO § 147), so that it outlives the contact. Above the
/// policy's amount a task asks for a second person (F31).
///
/// # Errors
/// Refused: an unknown case, one without an order or not decided so, an amount not above zero or above what is left of
/// the captured amount or of the goods' value (`largestAmountMinor`), another currency, a deduction without a text, the first
/// fault of the calculation.
pub async fn grant(app: &App, actor: &Actor, case: CaseId, grant: Grant, key: &str) -> Result<Model> {
    actor.require(Permission::GrantRefund)?;
    let staff = actor.staff().ok_or(Error::Forbidden)?;
    let told = checked(&grant)?;
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, case).await?;
    let year = calendar::day_of(now).year();
    let unit = UnitOf { owner: case.0, data_type: DataType::R01, year, subject: Some(seen.customer_id.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let letter = if told.is_some() { Some(letters::unit(app, &seen, now).await?) } else { None };

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "refundGrant", key, &(case, &grant)).await? {
        Outcome::Replay(ids) => return super::get(&tx, actor, RefundId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, case, CASE).await?;
    let deed = arranged_by(&tx, &case, &grant).await?;
    let order = reckon::order_of(&tx, &case, CASE).await?;
    // Two grants on one order never run at the same time; what the lock has waited for is read again.
    db::lock(&tx, "orders", order.id.0).await?;
    let order = reckon::order_of(&tx, &case, CASE).await?;
    let ground = ground(&tx, &case, &order).await?;
    let promised = ground.request.promised_minor;
    let promise = promise(&order, ground, &grant)?;
    let four_eyes_above = app.policies.at(now).refunds.four_eyes_above_minor;
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
        kind: Set(promise.kind),
        means: Set(Means::Original),
        calculation: Set(promise.calculation),
        approval_needed: Set(promised + promise.amount_minor > four_eyes_above),
        approved_at: Set(None),
        approved_by: Set(None),
        amount_minor: Set(promise.amount_minor),
        currency: Set(order.currency.clone().unwrap_or_default()),
        payee: Set(Some(unit.key.seal(place, &payee)?)),
        reference: Set(None),
        granted_at: Set(now),
        granted_by: Set(staff),
        submitted_at: Set(None),
        submitted_by: Set(None),
        credited_at: Set(None),
        version: Set(1),
        start_at: Set(Some(starts::booked(app, DataType::R01, order.ordered_at, now))),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    returns::book(app, &tx, case.id, now).await?;
    let customer = case.customer_id;
    if let (Some(text), Some(unit)) = (told, letter) {
        letters::tell(app, &tx, actor, (&case, &unit), (Form::Decision, &text, None), now).await?;
    }
    if super::lacks_approval(&row) {
        filing::file(&tx, case.id, None, tasks::Kind::ApproveRefund, now).await?;
    }
    if let Some(deed) = deed {
        machine::advance(&tx, actor, case, deed, CASE, now).await?.update(&tx).await?;
    }
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "amountMinor": row.amount_minor, "currency": row.currency, "kind": row.kind.code() });
    audit::record(&tx, now, actor, "refund.grant", ("refunds", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// Checks the form; returns what the customer is told about a deduction.
fn checked(grant: &Grant) -> Result<Option<String>> {
    match grant {
        Grant::Amount { amount_minor, .. } => {
            input::positive(*amount_minor, AMOUNT, i64::MAX)?;
            Ok(None)
        }
        Grant::Reckoned { asked, deduction_text } => {
            if asked.lines.len() > 200 {
                return Err(Refusal::at(Code::TooLarge, &["input", "lines"]).with("maximum", 200).into());
            }
            let text = deduction_text.as_deref().unwrap_or_default();
            match asked.deduction {
                Some(_) => input::text(text, &["input", "deductionText"], input::LONG_TEXT).map(Some),
                None => Ok(None),
            }
        }
    }
}

/// What is promised.
struct Promise {
    amount_minor: i64,
    kind: Kind,
    calculation: Option<String>,
}

fn promise(order: &orders::Model, ground: Ground, grant: &Grant) -> Result<Promise> {
    match grant {
        Grant::Amount { amount_minor, currency } => {
            if Some(currency) != order.currency.as_ref() {
                let refusal = Refusal::at(Code::CurrencyMismatch, &["input", "amount", "currency"]);
                return Err(refusal.with("currency", order.currency.clone().unwrap_or_default()).into());
            }
            let money = ground.left();
            let goods = ground.left_for_goods().filter(|goods| *goods < money);
            let (most, reason) = match goods {
                Some(goods) => (goods, Ceiling::GoodsReturned),
                None => (money, Ceiling::Captured),
            };
            if *amount_minor > most {
                let refusal = Refusal::at(reckon::ceiling(reason), AMOUNT);
                return Err(refusal.with("largestAmountMinor", most.max(0)).into());
            }
            Ok(Promise { amount_minor: *amount_minor, kind: Kind::Goodwill, calculation: None })
        }
        Grant::Reckoned { asked, .. } => {
            let calculation = reckon::reckon(ground, asked)
                .map_err(|faults| faults.into_iter().next().map_or(Error::NotFound, Error::Refused))?;
            let text = serde_json::to_string(&calculation).map_err(|e| anyhow::anyhow!("calculation: {e}"))?;
            let kind = if asked.price_reduction.is_some() { Kind::PriceReduction } else { Kind::Goods };
            Ok(Promise { amount_minor: calculation.total_minor, kind, calculation: Some(text) })
        }
    }
}

/// The step of the case that the grant goes with, if it is one.
async fn arranged_by(tx: &DatabaseTransaction, case: &cases::Model, grant: &Grant) -> Result<Option<Deed>> {
    let reduction = matches!(grant, Grant::Reckoned { asked, .. } if asked.price_reduction.is_some());
    let deed = if reduction { Deed::ArrangeReduction } else { Deed::ArrangeRefund };
    let talked = matches!(case.state, CaseState::ReExamination | CaseState::Settled);
    if may_be_granted(case, talked && agreed(tx, case.id).await?) {
        return Ok(Some(deed).filter(|deed| deed.is_legal(case.state)));
    }
    let refusal = Refusal::at(Code::TransitionNotAllowed, CASE).with("state", case.state.code());
    let possible = GRANTABLE.map(|state| state.code()).join(", ");
    Err(refusal.with("possibleIn", possible).with("outcome", case.outcome.map_or("NONE", CaseOutcome::code)).into())
}

/// Whether a refund may be granted on a case; `agreed` is whether the customer has accepted a proposal (S44, S78).
#[must_use]
pub fn may_be_granted(case: &cases::Model, agreed: bool) -> bool {
    let accepted = matches!(case.outcome, Some(CaseOutcome::Eligible | CaseOutcome::PartiallyEligible));
    let may = match case.state {
        CaseState::Eligible | CaseState::PartiallyEligible | CaseState::ResolvedWithoutReturn => true,
        CaseState::Refund | CaseState::PriceReduction => true,
        CaseState::SentBack | CaseState::Repair | CaseState::Replacement => accepted,
        CaseState::ReExamination | CaseState::Settled => agreed,
        _ => false,
    };
    // A withdrawal is owed whatever an inspection finds (BGB § 355(3)).
    may || (case.kind == Some(cases::Kind::Withdrawal) && !case.state.is_over())
}

/// States in which a refund may be granted; after a return or remedy with an outcome in the customer's favour, after an
/// objection or dispute with a proposal that was accepted.
const GRANTABLE: [CaseState; 10] = [
    CaseState::Eligible,
    CaseState::PartiallyEligible,
    CaseState::ResolvedWithoutReturn,
    CaseState::Refund,
    CaseState::PriceReduction,
    CaseState::SentBack,
    CaseState::Repair,
    CaseState::Replacement,
    CaseState::ReExamination,
    CaseState::Settled,
];

/// Whether a proposal was accepted (S44, S78).
async fn agreed(tx: &DatabaseTransaction, case: CaseId) -> Result<bool> {
    let accepted = proposals::Entity::find()
        .filter(proposals::Column::CaseId.eq(case))
        .filter(proposals::Column::State.eq(proposals::State::Accepted));
    Ok(accepted.one(tx).await?.is_some())
}

async fn payee(app: &App, tx: &DatabaseTransaction, order: &orders::Model) -> Result<String> {
    let customer = customers::Entity::find_by_id(order.customer_id).one(tx).await?.ok_or(Error::NotFound)?;
    let units: Vec<UnitId> = [customer.unit_id, order.unit_id].into_iter().flatten().collect();
    let keys = app.keys.load(&units, Purpose::Refund, app.clock.now()).await?;
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
