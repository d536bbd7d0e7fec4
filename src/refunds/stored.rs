//! A calculation as it is kept on its refund: figures, ids, codes and fixed texts, never what somebody wrote. It does not
//! change when rules or prices do.

use entity::refunds::Model;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Language;
use crate::policy::refund;
use crate::policy::words::Words;

/// A fixed text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// German.
    pub de: String,
    /// English.
    pub en: String,
}

impl Said {
    /// The text in a language.
    #[must_use]
    pub fn in_words(&self, language: Language) -> &str {
        match language {
            Language::De => &self.de,
            Language::En => &self.en,
        }
    }
}

impl From<Words> for Said {
    fn from(words: Words) -> Self {
        Self { de: words.de.to_owned(), en: words.en.to_owned() }
    }
}

/// Gross, net and tax at a rate, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taxed {
    /// With tax.
    pub gross_minor: i64,
    /// Without tax.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// Its rate in hundredths of a percent.
    pub tax_basis_points: i32,
}

/// What goes back for a line, before the deduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Order line.
    pub id: Uuid,
    /// Units; none go back with a reduction of the price.
    pub quantity: i32,
    /// How much.
    #[serde(flatten)]
    pub amount: Taxed,
}

/// What goes back of the delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shipping {
    /// How much.
    #[serde(flatten)]
    pub amount: Taxed,
    /// Why so much.
    pub rule: Said,
    /// Its norm.
    pub norm: String,
}

/// Something that was added or taken off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What it does, as a code.
    pub code: String,
    /// In words.
    pub said: Said,
    /// The order line that it is about.
    pub line: Option<Uuid>,
    /// How much; negative if it was taken off.
    pub amount_minor: i64,
    /// Norm or promise.
    pub norm: String,
}

/// What else holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A code.
    pub code: String,
    /// In words.
    pub said: Said,
    /// Norm or promise.
    pub norm: String,
}

/// A calculation. All amounts are in minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calculation {
    /// Per line.
    pub lines: Vec<Line>,
    /// The delivery.
    pub shipping: Option<Shipping>,
    /// Taken off for loss of value.
    pub deduction_minor: i64,
    /// What is paid.
    pub total_minor: i64,
    /// By how much the tax is corrected, per rate.
    pub tax: Vec<Taxed>,
    /// The most that could be paid.
    pub ceiling_minor: i64,
    /// What sets it: `CAPTURED` or `GOODS_RETURNED`.
    pub ceiling_reason: String,
    /// The same in words.
    pub ceiling_said: Said,
    /// What was added and taken off; together the total.
    pub steps: Vec<Step>,
    /// What else holds.
    pub notes: Vec<Note>,
}

impl From<&refund::Calculation> for Calculation {
    fn from(c: &refund::Calculation) -> Self {
        let line = |l: &refund::LineAmount| Line {
            id: l.id,
            quantity: l.quantity,
            amount: Taxed {
                gross_minor: l.gross_minor,
                net_minor: l.net_minor,
                tax_minor: l.tax_minor,
                tax_basis_points: l.tax_basis_points,
            },
        };
        let shipping = |s: &refund::ShippingAmount| Shipping {
            amount: Taxed {
                gross_minor: s.gross_minor,
                net_minor: s.net_minor,
                tax_minor: s.tax_minor,
                tax_basis_points: s.tax_basis_points,
            },
            rule: s.rule.into(),
            norm: s.norm.to_owned(),
        };
        let tax = |t: &refund::TaxSum| Taxed {
            gross_minor: t.gross_minor,
            net_minor: t.net_minor,
            tax_minor: t.tax_minor,
            tax_basis_points: t.basis_points,
        };
        let step = |s: &refund::Step| Step {
            code: s.code.code().to_owned(),
            said: s.words.into(),
            line: s.line,
            amount_minor: s.amount_minor,
            norm: s.norm.to_owned(),
        };
        let note =
            |n: &refund::Note| Note { code: n.code().to_owned(), said: n.words().into(), norm: n.norm().to_owned() };
        Self {
            lines: c.lines.iter().map(line).collect(),
            shipping: c.shipping.as_ref().map(shipping),
            deduction_minor: c.deduction_minor,
            total_minor: c.total_minor,
            tax: c.tax.iter().map(tax).collect(),
            ceiling_minor: c.ceiling_minor,
            ceiling_reason: c.ceiling_reason.code().to_owned(),
            ceiling_said: c.ceiling_reason.words().into(),
            steps: c.steps.iter().map(step).collect(),
            notes: c.notes.iter().map(note).collect(),
        }
    }
}

/// How a refund was reckoned; none where an amount was agreed on, or in a bare row.
#[must_use]
pub fn calculation(refund: &Model) -> Option<Calculation> {
    serde_json::from_str(refund.calculation.as_deref()?).ok()
}
