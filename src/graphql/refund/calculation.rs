//! How a refund was reckoned.

use async_graphql::{Enum, ID, InputObject, SimpleObject};

use crate::error::Language;
use crate::graphql::error::UserError;
use crate::graphql::node;
use crate::graphql::scalars::{MinorUnits, Money};
use crate::refunds::stored::{self, Calculation};

/// Units of a line of the order.
#[derive(InputObject)]
pub struct RefundLineInput {
    /// Which line.
    pub order_line_id: ID,
    /// How many units, above zero.
    pub quantity: i32,
}

/// Why something is taken off for loss of value.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "crate::policy::refund::DeductionReason")]
pub enum RefundDeductionReason {
    /// Handled beyond what it takes to see what the goods are and how they work, BGB § 357a(1).
    UseBeyondTesting,
    /// Something that was delivered did not come back.
    MissingAccessory,
    /// Damaged by the customer, not on the way back.
    Damage,
}

/// Taken off for loss of value.
#[derive(InputObject)]
pub struct RefundDeductionInput {
    /// How much, in minor units of the order's currency: never above the value of the goods.
    pub amount_minor: MinorUnits,
    /// Why.
    pub reason: RefundDeductionReason,
    /// On which line; null: on all that goes back.
    pub order_line_id: Option<ID>,
    /// Whether evidence of it is on file: the trader has to prove it.
    pub evidence: bool,
}

/// What a refund would come to.
#[derive(SimpleObject)]
pub struct RefundPreview {
    /// The calculation; null if something stands in the way.
    pub calculation: Option<RefundCalculation>,
    /// Everything that stands in the way.
    pub user_errors: Vec<UserError>,
}

/// How a refund was reckoned.
#[derive(SimpleObject)]
pub struct RefundCalculation {
    /// What goes back for each line, before the deduction.
    lines: Vec<RefundLine>,
    /// What goes back of the delivery; null if nothing does.
    shipping: Option<RefundShipping>,
    /// What is taken off for loss of value.
    deduction: Money,
    /// What is paid.
    total: Money,
    /// By how much value added tax is corrected, per rate, after the deduction.
    tax: Vec<RefundTax>,
    /// The most that could be paid.
    ceiling: Money,
    /// What sets it: `CAPTURED` or `GOODS_RETURNED`.
    ceiling_reason: String,
    /// The same in words, in the language of `Accept-Language`.
    ceiling_label: String,
    /// What was added and taken off; the amounts add up to the total.
    steps: Vec<RefundStep>,
    /// What else holds.
    notes: Vec<RefundNote>,
}

/// What goes back for a line of the order.
#[derive(SimpleObject)]
pub struct RefundLine {
    /// The line.
    order_line_id: ID,
    /// Units; none go back with a reduction of the price.
    quantity: i32,
    /// With tax.
    gross: Money,
    /// Without tax.
    net: Money,
    /// The tax.
    tax: Money,
    /// Its rate in hundredths of a percent.
    tax_basis_points: i32,
}

/// What goes back of the delivery.
#[derive(SimpleObject)]
pub struct RefundShipping {
    /// With tax.
    gross: Money,
    /// Without tax.
    net: Money,
    /// The tax.
    tax: Money,
    /// Its rate in hundredths of a percent.
    tax_basis_points: i32,
    /// Why so much, in the language of `Accept-Language`.
    rule: String,
    /// Its norm.
    norm: String,
}

/// The tax at one rate.
#[derive(SimpleObject)]
pub struct RefundTax {
    /// The rate in hundredths of a percent.
    tax_basis_points: i32,
    /// Without tax.
    net: Money,
    /// The tax.
    tax: Money,
    /// With tax.
    gross: Money,
}

/// Something that was added or taken off.
#[derive(SimpleObject)]
pub struct RefundStep {
    /// What it does: `GOODS`, `ALREADY_REDUCED`, `PRICE_REDUCTION`, `SHIPPING`, `EXPRESS_SURCHARGE`, `SHIPPING_OF_REST`,
    /// `SHIPPING_REFUNDED` or `DEDUCTION`.
    code: String,
    /// In words, in the language of `Accept-Language`.
    what: String,
    /// The line that it is about.
    order_line_id: Option<ID>,
    /// How much; negative if it was taken off.
    amount: Money,
    /// The norm, or the promise of the shop.
    norm: String,
}

/// What else holds of a refund.
#[derive(SimpleObject)]
pub struct RefundNote {
    /// A code, such as `ORIGINAL_MEANS`.
    code: String,
    /// In words, in the language of `Accept-Language`.
    what: String,
    /// The norm, or the promise of the shop.
    norm: String,
}

impl RefundCalculation {
    /// A calculation in a language.
    #[must_use]
    pub fn of(c: &Calculation, currency: &str, language: Language) -> Self {
        let money = |minor| Money::new(minor, currency.to_owned());
        let said = |said: &stored::Said| said.in_words(language).to_owned();
        let line_id = |id| node::id("OrderLine", id);
        let line = |l: &stored::Line| RefundLine {
            order_line_id: line_id(l.id),
            quantity: l.quantity,
            gross: money(l.amount.gross_minor),
            net: money(l.amount.net_minor),
            tax: money(l.amount.tax_minor),
            tax_basis_points: l.amount.tax_basis_points,
        };
        let shipping = |s: &stored::Shipping| RefundShipping {
            gross: money(s.amount.gross_minor),
            net: money(s.amount.net_minor),
            tax: money(s.amount.tax_minor),
            tax_basis_points: s.amount.tax_basis_points,
            rule: said(&s.rule),
            norm: s.norm.clone(),
        };
        let tax = |t: &stored::Taxed| RefundTax {
            tax_basis_points: t.tax_basis_points,
            net: money(t.net_minor),
            tax: money(t.tax_minor),
            gross: money(t.gross_minor),
        };
        let step = |s: &stored::Step| RefundStep {
            code: s.code.clone(),
            what: said(&s.said),
            order_line_id: s.line.map(line_id),
            amount: money(s.amount_minor),
            norm: s.norm.clone(),
        };
        let note = |n: &stored::Note| RefundNote { code: n.code.clone(), what: said(&n.said), norm: n.norm.clone() };
        Self {
            lines: c.lines.iter().map(line).collect(),
            shipping: c.shipping.as_ref().map(shipping),
            deduction: money(c.deduction_minor),
            total: money(c.total_minor),
            tax: c.tax.iter().map(tax).collect(),
            ceiling: money(c.ceiling_minor),
            ceiling_reason: c.ceiling_reason.clone(),
            ceiling_label: said(&c.ceiling_said),
            steps: c.steps.iter().map(step).collect(),
            notes: c.notes.iter().map(note).collect(),
        }
    }
}
