//! What can be wrong with a refund that is asked for.

use std::collections::BTreeSet;

use entity::cases::LegalBasis;
use uuid::Uuid;

use super::{Ceiling, Deduction, Request};
use crate::policy::rights;
use crate::policy::words::{Words, words};

/// Something that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A figure that cannot be: negative, beyond what can be stored, or at odds with another one.
    Figure {
        /// Which, such as `lines.unitPriceMinor`.
        field: &'static str,
        /// Of which line.
        line: Option<Uuid>,
    },
    /// A line is named twice.
    LineTwice {
        /// Which.
        line: Uuid,
    },
    /// More units than have not been refunded.
    QuantityAboveLeft {
        /// Of which line.
        line: Uuid,
        /// How many there are.
        largest: i32,
    },
    /// No claim is concerned: there is nothing to refund.
    NoClaim,
    /// The price is reduced for a defect only (BGB § 441).
    ReductionWithoutDefect,
    /// A reduction above what the goods cost.
    ReductionAboveGoods {
        /// The largest, in minor units.
        largest_minor: i64,
    },
    /// Nothing may be taken off.
    DeductionNotAllowed(Hindrance),
    /// A deduction above the value of the goods (F39).
    DeductionAboveGoods {
        /// The largest, in minor units.
        largest_minor: i64,
    },
    /// More than can be paid (F33, F34).
    AboveCeiling {
        /// The largest, in minor units.
        largest_minor: i64,
        /// What sets it.
        reason: Ceiling,
    },
    /// Nothing would be paid.
    ZeroTotal,
}

/// Why nothing may be taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hindrance {
    /// The goods are defective or wrong: the customer owes nothing for their use.
    Defect,
    /// No evidence is on file.
    NoEvidence,
    /// The customer was not instructed properly.
    NotInstructed,
}

impl Fault {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Figure { .. } => "FIGURE_IMPOSSIBLE",
            Self::LineTwice { .. } => "LINE_TWICE",
            Self::QuantityAboveLeft { .. } => "QUANTITY_ABOVE_LEFT",
            Self::NoClaim => "NO_CLAIM",
            Self::ReductionWithoutDefect => "REDUCTION_WITHOUT_DEFECT",
            Self::ReductionAboveGoods { .. } => "REDUCTION_ABOVE_GOODS",
            Self::DeductionNotAllowed(Hindrance::Defect) => "DEDUCTION_FOR_DEFECTIVE_GOODS",
            Self::DeductionNotAllowed(Hindrance::NoEvidence) => "DEDUCTION_WITHOUT_EVIDENCE",
            Self::DeductionNotAllowed(Hindrance::NotInstructed) => "DEDUCTION_WITHOUT_INSTRUCTION",
            Self::DeductionAboveGoods { .. } => "DEDUCTION_ABOVE_GOODS",
            Self::AboveCeiling { .. } => "AMOUNT_ABOVE_CEILING",
            Self::ZeroTotal => "ZERO_TOTAL",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::Figure { .. } => words("Diese Zahl kann nicht stimmen.", "This figure cannot be right."),
            Self::LineTwice { .. } => words("Die Position ist doppelt genannt.", "The line is named twice."),
            Self::QuantityAboveLeft { .. } => words(
                "So viele Stücke der Position sind nicht mehr zu erstatten.",
                "So many units of the line are not left to be refunded.",
            ),
            Self::NoClaim => {
                words("Ohne Anspruch gibt es nichts zu erstatten.", "Without a claim, nothing is refunded.")
            }
            Self::ReductionWithoutDefect => {
                words("Gemindert wird nur wegen eines Mangels.", "The price is reduced for a defect only.")
            }
            Self::ReductionAboveGoods { .. } => {
                words("Die Minderung übersteigt den Preis der Ware.", "The reduction is above the price of the goods.")
            }
            Self::DeductionNotAllowed(Hindrance::Defect) => words(
                "Bei mangelhafter oder falscher Ware wird nichts abgezogen.",
                "Nothing is taken off for goods that are defective or wrong.",
            ),
            Self::DeductionNotAllowed(Hindrance::NoEvidence) => {
                words("Für den Abzug fehlt der Nachweis.", "There is no evidence for the deduction.")
            }
            Self::DeductionNotAllowed(Hindrance::NotInstructed) => words(
                "Ohne ordnungsgemäße Belehrung gibt es keinen Abzug.",
                "Nothing is taken off unless the customer was instructed properly.",
            ),
            Self::DeductionAboveGoods { .. } => {
                words("Der Abzug übersteigt den Wert der Ware.", "The deduction is above the value of the goods.")
            }
            Self::AboveCeiling { .. } => {
                words("Der Betrag übersteigt die Obergrenze.", "The amount is above the ceiling.")
            }
            Self::ZeroTotal => words("Es bliebe nichts zu erstatten.", "Nothing would be left to refund."),
        }
    }

    /// The norm or promise that it rests on, if any.
    #[must_use]
    pub const fn norm(self) -> Option<&'static str> {
        match self {
            Self::ReductionWithoutDefect | Self::ReductionAboveGoods { .. } => Some("BGB § 441"),
            Self::DeductionNotAllowed(Hindrance::Defect) => Some("BGB § 475(3)"),
            Self::DeductionNotAllowed(Hindrance::NoEvidence) => Some("BGB §§ 357a(1), 361(2)"),
            Self::DeductionNotAllowed(Hindrance::NotInstructed) => Some("BGB § 357a(1) no. 2"),
            Self::DeductionAboveGoods { .. } => Some("BGB § 357a(1)"),
            Self::Figure { .. }
            | Self::LineTwice { .. }
            | Self::QuantityAboveLeft { .. }
            | Self::NoClaim
            | Self::AboveCeiling { .. }
            | Self::ZeroTotal => None,
        }
    }
}

/// Figures with which nothing can be reckoned. Without any, every sum of the order fits.
pub(super) fn figures(request: &Request) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut worth = i128::from(request.outbound.charged_minor);
    for line in &request.lines {
        let cost = |units: i32| i128::from(units) * i128::from(line.unit_price_minor);
        let credited = i128::from(line.credited_minor);
        let checks = [
            ("lines.ordered", line.ordered >= 0),
            ("lines.refunded", line.refunded >= 0 && line.refunded <= line.ordered),
            ("lines.now", line.now >= 0),
            ("lines.received", line.received.is_none_or(|units| units >= 0)),
            ("lines.unitPriceMinor", line.unit_price_minor >= 0),
            // At least the price of the units that were refunded, at most that of the line.
            ("lines.creditedMinor", credited >= cost(line.refunded) && credited <= cost(line.ordered)),
            ("lines.taxBasisPoints", is_rate(line.tax_basis_points)),
        ];
        faults.extend(wrong(&checks).map(|field| Fault::Figure { field, line: Some(line.id) }));
        if !seen.insert(line.id) {
            faults.push(Fault::LineTwice { line: line.id });
        }
        worth += cost(line.ordered);
    }
    let outbound = &request.outbound;
    let checks = [
        ("outbound.chargedMinor", outbound.charged_minor >= 0),
        ("outbound.standardMinor", outbound.standard_minor >= 0),
        ("outbound.standardForRestMinor", outbound.standard_for_rest_minor.is_none_or(|amount| amount >= 0)),
        ("outbound.refundedMinor", outbound.refunded_minor >= 0),
        ("outbound.taxBasisPoints", is_rate(outbound.tax_basis_points)),
        ("deduction.amountMinor", request.deduction.is_none_or(|d| d.amount_minor > 0)),
        ("priceReduction", request.price_reduction.is_none_or(|amount| amount > 0)),
        ("capturedMinor", request.captured_minor >= 0),
        ("chargedBackMinor", request.charged_back_minor >= 0),
        ("promisedMinor", request.promised_minor >= 0),
        ("lines", worth <= i128::from(i64::MAX)),
    ];
    faults.extend(wrong(&checks).map(|field| Fault::Figure { field, line: None }));
    faults
}

fn wrong(checks: &[(&'static str, bool)]) -> impl Iterator<Item = &'static str> {
    checks.iter().filter(|(_, holds)| !holds).map(|(field, _)| *field)
}

/// A rate in hundredths of a percent.
const fn is_rate(basis_points: i32) -> bool {
    0 <= basis_points && basis_points <= 10_000
}

/// What the claim does not carry, apart from amounts.
pub(super) fn claims(request: &Request) -> Vec<Fault> {
    let above = request.lines.iter().filter(|line| line.now > line.left());
    let mut faults: Vec<Fault> =
        above.map(|line| Fault::QuantityAboveLeft { line: line.id, largest: line.left() }).collect();
    if request.basis == LegalBasis::None {
        faults.push(Fault::NoClaim);
    }
    if request.price_reduction.is_some() && request.basis != LegalBasis::Warranty {
        faults.push(Fault::ReductionWithoutDefect);
    }
    let hindrances = request.deduction.map(|deduction| hindrances(request, &deduction)).unwrap_or_default();
    faults.extend(hindrances.into_iter().map(Fault::DeductionNotAllowed));
    faults
}

/// A window of the shop's own is not worse for the customer than the right of withdrawal beside it (BGB § 361(2)), so the
/// instruction counts there, too.
fn hindrances(request: &Request, deduction: &Deduction) -> Vec<Hindrance> {
    let defect = match request.basis {
        LegalBasis::Warranty => true,
        LegalBasis::ShopReturn => rights::Fault::of(request.reason) != rights::Fault::None,
        LegalBasis::Withdrawal | LegalBasis::None => request.price_reduction.is_some(),
    };
    let all = [
        (Hindrance::Defect, defect),
        (Hindrance::NoEvidence, !deduction.evidence),
        (Hindrance::NotInstructed, !deduction.instructed),
    ];
    all.into_iter().filter(|(_, holds)| *holds).map(|(hindrance, _)| hindrance).collect()
}
