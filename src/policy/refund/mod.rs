//! What a refund comes to, and why: goods, delivery, deduction, ceiling, tax. Integer arithmetic in minor units of one currency.
//!
//! [`calculate`] either explains itself step by step, so that the steps add up to the total, or tells every fault. It pays
//! nothing and writes nothing (F29). Who may pay, by which means and by when is decided elsewhere.

mod check;
mod money;
mod outbound;
mod request;
mod result;

pub use check::{Fault, Hindrance};
pub use money::tax_of;
pub use request::{Deduction, DeductionReason, Line, OutboundShipping, Request};
pub use result::{Calculation, Ceiling, LineAmount, Note, ShippingAmount, Step, StepCode, TaxSum};

use std::collections::BTreeMap;

use entity::cases::LegalBasis;

use super::words::{Words, words};
use money::{share, spread};
use outbound::Due;

/// Reckons a refund without writing anything (F29).
///
/// # Errors
/// Every fault. Figures that cannot be, such as a negative price, are told by themselves: nothing can be reckoned with them.
pub fn calculate(request: &Request) -> Result<Calculation, Vec<Fault>> {
    let impossible = check::figures(request);
    if !impossible.is_empty() {
        return Err(impossible);
    }
    let mut faults = check::claims(request);
    let asked: Vec<i32> = request.lines.iter().map(|line| line.now.min(line.left())).collect();
    let sums = Sums::of(request, &asked);
    if let Some(amount) = request.price_reduction
        && amount > sums.reducible
    {
        faults.push(Fault::ReductionAboveGoods { largest_minor: sums.reducible });
    }
    if let Some(deduction) = &request.deduction
        && deduction.amount_minor > sums.deductible
    {
        faults.push(Fault::DeductionAboveGoods { largest_minor: sums.deductible });
    }
    let ceiling = ceiling(request, &asked);
    if sums.before_deduction() > ceiling.of_goods || sums.total() > ceiling.of_money {
        faults.push(Fault::AboveCeiling { largest_minor: ceiling.largest(), reason: ceiling.reason() });
    }
    if faults.is_empty() && sums.total() == 0 {
        faults.push(Fault::ZeroTotal);
    }
    if faults.is_empty() { Ok(explained(request, sums, &ceiling)) } else { Err(faults) }
}

/// What goes back for a line, before any deduction.
struct Goods<'a> {
    line: &'a Line,
    units: i32,
    gross: i64,
    deducted: i64,
}

/// A refund of so many units of each line, in figures.
struct Sums<'a> {
    goods: Vec<Goods<'a>>,
    due: Due,
    deduction: i64,
    /// The most that can be deducted: the value of the goods that it is about.
    deductible: i64,
    /// The most by which the price can be reduced.
    reducible: i64,
}

impl<'a> Sums<'a> {
    fn of(request: &'a Request, units: &[i32]) -> Self {
        let counted = || request.lines.iter().zip(units.iter().copied());
        let mut reducible = 0;
        let mut goods: Vec<Goods<'_>> = if let Some(amount) = request.price_reduction {
            // Without a line named, what is left of the order is the defective thing.
            let named = units.iter().any(|units| *units > 0);
            let concerned: Vec<_> = counted().map(|(l, n)| (l, l.value_of(if named { n } else { l.left() }))).collect();
            reducible = concerned.iter().map(|(_, value)| value).sum();
            let values: Vec<i64> = concerned.iter().map(|(_, value)| *value).collect();
            let shares = spread(amount.min(reducible), &values);
            let reduced = concerned.into_iter().zip(shares).filter(|(_, gross)| *gross > 0);
            reduced.map(|((line, _), gross)| Goods { line, units: 0, gross, deducted: 0 }).collect()
        } else {
            let back = counted().filter(|(_, units)| *units > 0);
            back.map(|(line, units)| Goods { line, units, gross: line.value_of(units), deducted: 0 }).collect()
        };
        let (mut deduction, mut deductible) = (0, 0);
        if let Some(wanted) = &request.deduction {
            let about = |g: &Goods<'_>| if wanted.line.is_none_or(|id| id == g.line.id) { g.gross } else { 0 };
            let values: Vec<i64> = goods.iter().map(about).collect();
            deductible = values.iter().sum();
            deduction = wanted.amount_minor.min(deductible);
            for (goods, deducted) in goods.iter_mut().zip(spread(deduction, &values)) {
                goods.deducted = deducted;
            }
        }
        Self { goods, due: outbound::due(request, units), deduction, deductible, reducible }
    }

    fn before_deduction(&self) -> i64 {
        self.goods.iter().map(|g| g.gross).sum::<i64>() + self.due.gross
    }

    fn total(&self) -> i64 {
        self.before_deduction() - self.deduction
    }
}

/// How much can be paid at most.
struct Limits {
    /// What was captured and has neither been charged back nor promised (F33).
    of_money: i64,
    /// What came back is worth, with the delivery that is due for it, before any deduction (F34).
    of_goods: i64,
    /// The total for what came back.
    for_what_came_back: i64,
}

impl Limits {
    fn largest(&self) -> i64 {
        self.of_money.min(self.for_what_came_back).max(0)
    }

    fn reason(&self) -> Ceiling {
        if self.for_what_came_back < self.of_money { Ceiling::GoodsReturned } else { Ceiling::Captured }
    }
}

fn ceiling(request: &Request, asked: &[i32]) -> Limits {
    let taken = request.charged_back_minor.saturating_add(request.promised_minor);
    let of_money = request.captured_minor.saturating_sub(taken);
    if !request.goods_received_bound || request.price_reduction.is_some() {
        return Limits { of_money, of_goods: i64::MAX, for_what_came_back: i64::MAX };
    }
    let came_back = request.lines.iter().zip(asked).map(|(line, units)| (*units).min(line.received.unwrap_or(0)));
    let sums = Sums::of(request, &came_back.collect::<Vec<_>>());
    Limits { of_money, of_goods: sums.before_deduction(), for_what_came_back: sums.total() }
}

fn explained(request: &Request, sums: Sums<'_>, limits: &Limits) -> Calculation {
    let (total_minor, deduction_minor) = (sums.total(), sums.deduction);
    let mut steps = Vec::new();
    let mut by_rate: BTreeMap<i32, i64> = BTreeMap::new();
    let mut lines = Vec::new();
    for goods in &sums.goods {
        steps.extend(steps_of(request, goods));
        *by_rate.entry(goods.line.tax_basis_points).or_default() += goods.gross - goods.deducted;
        let (id, tax_basis_points) = (goods.line.id, goods.line.tax_basis_points);
        let tax_minor = tax_of(goods.gross, tax_basis_points);
        lines.push(LineAmount {
            id,
            quantity: goods.units,
            gross_minor: goods.gross,
            net_minor: goods.gross - tax_minor,
            tax_minor,
            tax_basis_points,
        });
    }
    let mut notes = sums.due.notes;
    steps.extend(sums.due.steps);
    let rate = request.outbound.tax_basis_points;
    let shipping = (sums.due.gross > 0).then(|| {
        *by_rate.entry(rate).or_default() += sums.due.gross;
        let (rule, norm) = (sums.due.rule, sums.due.norm);
        let tax_minor = tax_of(sums.due.gross, rate);
        let net_minor = sums.due.gross - tax_minor;
        ShippingAmount { gross_minor: sums.due.gross, net_minor, tax_minor, tax_basis_points: rate, rule, norm }
    });
    if let Some(deduction) = &request.deduction {
        let (words, norm) = (deduction.reason.words(), deduction.reason.norm());
        let line = deduction.line;
        steps.push(Step { code: StepCode::Deduction, words, line, amount_minor: -deduction_minor, norm });
    }
    let paid_for = by_rate.into_iter().filter(|(_, gross)| *gross > 0);
    let tax = paid_for.map(|(rate, gross)| TaxSum::of(rate, gross)).collect();
    notes.push(Note::OriginalMeans);
    notes.push(Note::StartsAtOnce);
    let ceiling_minor = limits.of_money.min(limits.of_goods);
    let ceiling_reason = if limits.of_goods < limits.of_money { Ceiling::GoodsReturned } else { Ceiling::Captured };
    Calculation { lines, shipping, deduction_minor, total_minor, tax, ceiling_minor, ceiling_reason, steps, notes }
}

fn steps_of(request: &Request, goods: &Goods<'_>) -> Vec<Step> {
    let step = |code, words, amount_minor, norm| Step { code, words, line: Some(goods.line.id), amount_minor, norm };
    if request.price_reduction.is_some() {
        let words = words("Minderung des Kaufpreises", "reduction of the price");
        return vec![step(StepCode::PriceReduction, words, goods.gross, "BGB § 441(3), (4)")];
    }
    let (said, norm): (Words, _) = match request.basis {
        LegalBasis::Withdrawal => (words("Kaufpreis nach Widerruf", "price after withdrawal"), "BGB §§ 355(3), 357(1)"),
        LegalBasis::Warranty => {
            (words("Kaufpreis nach Rücktritt", "price after rescission"), "BGB §§ 437 no. 2, 346(1)")
        }
        LegalBasis::ShopReturn | LegalBasis::None => {
            (words("Kaufpreis nach Rückgabe", "price after return"), "policy of the shop: returns")
        }
    };
    let full = i64::from(goods.units) * goods.line.unit_price_minor;
    let mut steps = vec![step(StepCode::Goods, said, full, norm)];
    if goods.gross != full {
        let words =
            words("davon schon als Minderung erstattet", "of which already refunded as a reduction of the price");
        steps.push(step(StepCode::AlreadyReduced, words, goods.gross - full, "BGB §§ 441(4), 346(1)"));
    }
    steps
}

impl Line {
    /// What goes back for so many of the units that are left, in minor units, gross. The last unit takes what remains, so that
    /// parts never lose a cent.
    fn value_of(&self, units: i32) -> i64 {
        let left = self.left();
        let remaining = i64::from(self.ordered) * self.unit_price_minor - self.credited_minor;
        if left <= 0 { 0 } else { share(remaining, i64::from(units.clamp(0, left)), i64::from(left)) }
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
