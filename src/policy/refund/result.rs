//! What a refund comes to, with every step that leads to it.

use uuid::Uuid;

use super::money::tax_of;
use crate::policy::words::{Words, words};

/// A refund, reckoned. All amounts are in minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculation {
    /// What goes back for each line, before the deduction.
    pub lines: Vec<LineAmount>,
    /// What goes back of the delivery.
    pub shipping: Option<ShippingAmount>,
    /// Taken off for loss of value; not negative.
    pub deduction_minor: i64,
    /// What is paid: above zero, never above the ceiling.
    pub total_minor: i64,
    /// By how much the tax is corrected, per rate, after the deduction (UStG § 17(1)). Rounded once per rate, so it may differ
    /// by a minor unit from the sum over the lines. The gross amounts add up to the total.
    pub tax: Vec<TaxSum>,
    /// The most that could be paid.
    pub ceiling_minor: i64,
    /// What sets it.
    pub ceiling_reason: Ceiling,
    /// What was added and taken off; together the total.
    pub steps: Vec<Step>,
    /// What else holds.
    pub notes: Vec<Note>,
}

impl Calculation {
    /// The steps, added up; none if that is no amount.
    #[must_use]
    pub fn replay(&self) -> Option<i64> {
        self.steps.iter().try_fold(0_i64, |sum, step| sum.checked_add(step.amount_minor))
    }
}

/// What goes back for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAmount {
    /// Which.
    pub id: Uuid,
    /// Units; none go back with a reduction of the price.
    pub quantity: i32,
    /// With tax, before the deduction.
    pub gross_minor: i64,
    /// Without tax.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// Its rate in hundredths of a percent.
    pub tax_basis_points: i32,
}

/// What goes back of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShippingAmount {
    /// With tax.
    pub gross_minor: i64,
    /// Without tax.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// Its rate in hundredths of a percent.
    pub tax_basis_points: i32,
    /// Why so much.
    pub rule: Words,
    /// Its norm.
    pub norm: &'static str,
}

/// The tax at one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxSum {
    /// The rate in hundredths of a percent.
    pub basis_points: i32,
    /// Without tax.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// With tax.
    pub gross_minor: i64,
}

impl TaxSum {
    pub(super) fn of(basis_points: i32, gross_minor: i64) -> Self {
        let tax_minor = tax_of(gross_minor, basis_points);
        Self { basis_points, net_minor: gross_minor - tax_minor, tax_minor, gross_minor }
    }
}

/// What sets the ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ceiling {
    /// What was captured, less what was charged back or promised otherwise (F33).
    Captured,
    /// What the goods are worth that came back (F34).
    GoodsReturned,
}

impl Ceiling {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Captured => "CAPTURED",
            Self::GoodsReturned => "GOODS_RETURNED",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::Captured => words(
                "Zahlbetrag abzüglich Rückbuchungen und anderer Erstattungen",
                "what was paid, less chargebacks and other refunds",
            ),
            Self::GoodsReturned => words("Wert der zurückerhaltenen Ware", "value of the goods that came back"),
        }
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepCode {
    /// The price of units that go back.
    Goods,
    /// Part of that price went back before, as a reduction.
    AlreadyReduced,
    /// Part of the price of goods that stay.
    PriceReduction,
    /// What the customer paid for the delivery.
    Shipping,
    /// What a dearer delivery than the standard one cost more.
    ExpressSurcharge,
    /// What delivery of the goods that stay would have cost.
    ShippingOfRest,
    /// What was refunded of the delivery before.
    ShippingRefunded,
    /// Loss of value.
    Deduction,
}

impl StepCode {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Goods => "GOODS",
            Self::AlreadyReduced => "ALREADY_REDUCED",
            Self::PriceReduction => "PRICE_REDUCTION",
            Self::Shipping => "SHIPPING",
            Self::ExpressSurcharge => "EXPRESS_SURCHARGE",
            Self::ShippingOfRest => "SHIPPING_OF_REST",
            Self::ShippingRefunded => "SHIPPING_REFUNDED",
            Self::Deduction => "DEDUCTION",
        }
    }
}

/// Something that was added or taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub code: StepCode,
    /// In words.
    pub words: Words,
    /// The line that it is about, if it is about one.
    pub line: Option<Uuid>,
    /// How much; negative if it was taken off.
    pub amount_minor: i64,
    /// Norm or promise.
    pub norm: &'static str,
}

/// What else holds of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// It goes the way that was paid (S58).
    OriginalMeans,
    /// It starts as soon as it is approved (S57).
    StartsAtOnce,
    /// Part of the order stays, and what its delivery would have cost is not known.
    ShippingOfRestUnknown,
    /// Within the shop's own window, the delivery goes back only for a defect or a mistake of the shop.
    NoShippingWithoutReason,
}

impl Note {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OriginalMeans => "ORIGINAL_MEANS",
            Self::StartsAtOnce => "STARTS_AT_ONCE",
            Self::ShippingOfRestUnknown => "SHIPPING_OF_REST_UNKNOWN",
            Self::NoShippingWithoutReason => "NO_SHIPPING_WITHOUT_REASON",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::OriginalMeans => words(
                "Erstattet wird auf dem ursprünglichen Zahlungsweg, ein anderer nur mit ausdrücklicher Zustimmung.",
                "The refund goes the way that was paid, another one only with express consent.",
            ),
            Self::StartsAtOnce => words(
                "Die Erstattung wird nach der Bewilligung sofort veranlasst.",
                "The refund is started as soon as it is approved.",
            ),
            Self::ShippingOfRestUnknown => words(
                "Ein Teil der Bestellung bleibt beim Kunden. Lieferkosten werden nur erstattet, soweit sie dafür nicht \
                 angefallen wären.",
                "Part of the order stays with the customer. The delivery is refunded only as far as that part would not \
                 have caused its cost.",
            ),
            Self::NoShippingWithoutReason => words(
                "Bei freiwilliger Rückgabe ohne Grund werden die Kosten der Lieferung nicht erstattet.",
                "With a voluntary return without a reason, the cost of the delivery is not refunded.",
            ),
        }
    }

    /// Norm or promise.
    #[must_use]
    pub const fn norm(self) -> &'static str {
        match self {
            Self::OriginalMeans => "BGB § 357(3)",
            Self::StartsAtOnce => "policy of the shop: refunds",
            Self::ShippingOfRestUnknown => "BGB §§ 357(2), 346(1)",
            Self::NoShippingWithoutReason => "policy of the shop: returns",
        }
    }
}
