//! Reckoning what is asked for: a calculation, or every fault at its place in the input. Nothing is written (F29).

use entity::ids::{CaseId, OrderLineId};
use entity::orders;
use sea_orm::{ConnectionTrait, EntityTrait as _};
use serde::Serialize;

use super::ground::{Ground, ground};
use super::stored::Calculation;
use crate::auth::{Actor, Permission};
use crate::cases as case_room;
use crate::error::{Code, Error, Refusal, Result};
use crate::policy::refund::{Ceiling, Deduction, DeductionReason, Fault, calculate};
use crate::state::App;

/// Units of a line that go back.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AskedLine {
    /// Which line of the order.
    pub line: OrderLineId,
    /// How many units.
    pub quantity: i32,
}

/// What is taken off for loss of value (F39).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AskedDeduction {
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Why.
    pub reason: DeductionReason,
    /// On which line; none: on all that goes back.
    pub line: Option<OrderLineId>,
    /// Whether evidence of it is on file.
    pub evidence: bool,
}

/// What a refund is asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Asked {
    /// Goods that go back, or that a reduction is about.
    pub lines: Vec<AskedLine>,
    /// Part of the price for goods that stay, in minor units (BGB § 441).
    pub price_reduction: Option<i64>,
    /// What is taken off.
    pub deduction: Option<AskedDeduction>,
    /// What standard delivery of the goods that stay would have cost, in minor units.
    pub standard_for_rest_minor: Option<i64>,
}

/// What a preview says.
#[derive(Clone, Debug)]
pub struct Preview {
    /// ISO 4217 code of the order's currency.
    pub currency: String,
    /// The calculation, or every fault.
    pub reckoned: Result<Calculation, Vec<Refusal>>,
}

/// Reckons a refund on a case without writing anything.
///
/// # Errors
/// Refused: an unknown case, or one without an order. What is wrong with the refund itself is in the preview.
pub async fn preview(app: &App, actor: &Actor, case: CaseId, asked: &Asked) -> Result<Preview> {
    actor.require(Permission::GrantRefund)?;
    let case = match case_room::get(app.db.read(), actor, case).await {
        Err(Error::NotFound) => return Err(Refusal::at(Code::NotFound, &["caseId"]).into()),
        found => found?,
    };
    let order = order_of(app.db.read(), &case, &["caseId"]).await?;
    let ground = ground(app.db.read(), &case, &order).await?;
    let without_input = |mut refusal: Refusal| {
        refusal.field.remove(0);
        refusal
    };
    let faults = |faults: Vec<Refusal>| faults.into_iter().map(without_input).collect();
    Ok(Preview { currency: order.currency.unwrap_or_default(), reckoned: reckon(ground, asked).map_err(faults) })
}

/// The order of a case, if it has one that is more than a bare id.
pub(super) async fn order_of(
    db: &impl ConnectionTrait,
    case: &entity::cases::Model,
    field: &[&'static str],
) -> Result<orders::Model> {
    let missing = || Error::from(Refusal::at(Code::Required, field).with("missing", "order"));
    let id = case.order_id.ok_or_else(missing)?;
    orders::Entity::find_by_id(id).one(db).await?.filter(|o| o.erased_at.is_none()).ok_or_else(missing)
}

const LINES: &[&str] = &["input", "lines"];

/// Reckons what is asked for; each fault stands at its place below `input`.
///
/// # Errors
/// Every fault.
pub(super) fn reckon(ground: Ground, asked: &Asked) -> Result<Calculation, Vec<Refusal>> {
    let (left_for_goods, instructed) = (ground.left_for_goods(), ground.instructed);
    let mut request = ground.request;
    let mut faults = Vec::new();
    for (index, wanted) in asked.lines.iter().enumerate() {
        let at = |code, name| Refusal::at(code, &["input", "lines", name]).element("lines", index);
        if wanted.quantity <= 0 {
            faults.push(at(Code::NotPositive, "quantity"));
        }
        match request.lines.iter_mut().find(|line| line.id == wanted.line.0) {
            None => faults.push(at(Code::NotFound, "orderLineId")),
            Some(line) if line.now > 0 => faults.push(at(Code::AlreadyExists, "orderLineId")),
            Some(line) => line.now = wanted.quantity.max(0),
        }
    }
    if let Some(line) = asked.deduction.and_then(|d| d.line)
        && request.lines.iter().all(|l| l.id != line.0)
    {
        faults.push(Refusal::at(Code::NotFound, &["input", "deduction", "orderLineId"]));
    }
    if asked.lines.is_empty() && asked.price_reduction.is_none() {
        faults.push(Refusal::at(Code::Required, LINES));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    request.price_reduction = asked.price_reduction;
    request.outbound.standard_for_rest_minor = asked.standard_for_rest_minor;
    request.deduction = asked.deduction.map(|d| Deduction {
        amount_minor: d.amount_minor,
        reason: d.reason,
        line: d.line.map(|line| line.0),
        evidence: d.evidence,
        instructed,
    });
    let reckoned = calculate(&request).map_err(|faults| faults.into_iter().map(|f| refusal(f, asked)).collect());
    let calculation: crate::policy::refund::Calculation = reckoned.map_err(|faults: Vec<Refusal>| faults)?;
    // A plain amount that was granted on the case counts against the goods, too.
    if let Some(most) = left_for_goods.filter(|most| asked.price_reduction.is_none() && calculation.total_minor > *most)
    {
        let fault = Fault::AboveCeiling { largest_minor: most, reason: Ceiling::GoodsReturned };
        return Err(vec![refusal(fault, asked)]);
    }
    Ok(Calculation::from(&calculation))
}

/// A fault of the calculator as a refusal of the input.
fn refusal(fault: Fault, asked: &Asked) -> Refusal {
    let (code, field): (Code, &[&'static str]) = match fault {
        Fault::Figure { field: "deduction.amountMinor", .. } => {
            (Code::NotPositive, &["input", "deduction", "amountMinor"])
        }
        Fault::Figure { field: "priceReduction", .. } => (Code::NotPositive, &["input", "priceReduction"]),
        Fault::Figure { field: "outbound.standardForRestMinor", .. } => {
            (Code::Invalid, &["input", "standardForRestMinor"])
        }
        Fault::Figure { .. } => (Code::Invalid, LINES),
        Fault::LineTwice { .. } => (Code::AlreadyExists, LINES),
        Fault::QuantityAboveLeft { .. } => (Code::TooLarge, &["input", "lines", "quantity"]),
        Fault::NoClaim => (Code::RefundNotDue, &["input", "caseId"]),
        Fault::ReductionWithoutDefect | Fault::ReductionAboveGoods { .. } => {
            (Code::RefundNotDue, &["input", "priceReduction"])
        }
        Fault::DeductionNotAllowed(_) => (Code::RefundNotDue, &["input", "deduction"]),
        Fault::DeductionAboveGoods { .. } => (Code::RefundNotDue, &["input", "deduction", "amountMinor"]),
        Fault::AboveCeiling { reason, .. } => (ceiling(reason), LINES),
        Fault::ZeroTotal => (Code::RefundNotDue, LINES),
    };
    let at = Refusal::at(code, field).saying(fault.words()).with("fault", fault.code());
    let at = match fault {
        Fault::QuantityAboveLeft { line, largest } => {
            let index = asked.lines.iter().position(|l| l.line.0 == line).unwrap_or(0);
            at.element("lines", index).with("maximum", largest)
        }
        Fault::ReductionAboveGoods { largest_minor } | Fault::DeductionAboveGoods { largest_minor } => {
            at.with("largestAmountMinor", largest_minor)
        }
        Fault::AboveCeiling { largest_minor, reason } => {
            at.with("largestAmountMinor", largest_minor).with("ceiling", reason.code())
        }
        _ => at,
    };
    match fault.norm() {
        Some(norm) => at.with("norm", norm),
        None => at,
    }
}

/// The code for an amount above a ceiling.
pub(super) const fn ceiling(reason: Ceiling) -> Code {
    match reason {
        Ceiling::Captured => Code::AmountExceedsCaptured,
        Ceiling::GoodsReturned => Code::AmountExceedsReturned,
    }
}
