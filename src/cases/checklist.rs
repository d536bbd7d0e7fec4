//! What helps with a request of each kind: recommended, never mandatory (S17 to S19, S22).

use entity::cases::{Kind, Model};
use serde::{Deserialize, Serialize};

use crate::policy::words::{Words, words};

/// A fact that helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fact {
    /// The full order number.
    OrderNumber,
    /// Which product.
    Product,
    /// A description of the problem.
    Description,
    /// Why.
    Reason,
    /// Photos or videos.
    Photos,
    /// Serial number of the goods.
    SerialNumber,
    /// Since when the defect shows.
    DefectSince,
    /// The tracking number of the parcel.
    TrackingNumber,
    /// A statement of the account that the refund should have reached.
    BankStatement,
    /// Whether the customer wants repair, replacement, exchange or money.
    Wish,
    /// What proves that the goods were sent off.
    ProofOfDispatch,
}

impl Fact {
    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::OrderNumber => words("vollständige Bestellnummer", "full order number"),
            Self::Product => words("Angaben zum Produkt", "details of the product"),
            Self::Description => words("Beschreibung des Problems", "description of the problem"),
            Self::Reason => words("Grund", "reason"),
            Self::Photos => words("Fotos oder Videos", "photos or videos"),
            Self::SerialNumber => words("Seriennummer", "serial number"),
            Self::DefectSince => words("seit wann der Mangel auftritt", "since when the defect shows"),
            Self::TrackingNumber => words("Sendungsnummer", "tracking number"),
            Self::BankStatement => {
                words("Auskunft Ihrer Bank zum Zahlungseingang", "what your bank says about the credit")
            }
            Self::Wish => words("gewünschte Lösung", "the solution that you want"),
            Self::ProofOfDispatch => words("Einlieferungsbeleg der Rücksendung", "proof of dispatch of the return"),
        }
    }
}

/// What helps with a request of this kind.
#[must_use]
pub const fn recommended(kind: Kind) -> &'static [Fact] {
    use Fact as F;
    match kind {
        Kind::OrderAdvice => &[F::OrderNumber, F::Description],
        Kind::UsageGuidance => &[F::Product, F::Description],
        Kind::Return => &[F::OrderNumber, F::Product, F::Reason],
        Kind::Exchange => &[F::OrderNumber, F::Product, F::Reason, F::Wish],
        Kind::WarrantyClaim => {
            &[F::OrderNumber, F::Product, F::Description, F::DefectSince, F::Photos, F::SerialNumber, F::Wish]
        }
        Kind::RefundTracking => &[F::OrderNumber, F::BankStatement],
        Kind::LogisticsQuery => &[F::OrderNumber, F::TrackingNumber],
        Kind::Complaint => &[F::OrderNumber, F::Description],
        // Nothing but name, contract and channel, which the statement has (BGB § 356a(2)).
        Kind::Withdrawal => &[],
        Kind::OrderCancellation => &[F::OrderNumber],
        Kind::Feedback => &[],
    }
}

/// What is known of a case, for the facts that a program can see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Photos or videos of the customer are there.
    pub photos: bool,
}

/// What of the recommended facts is still missing: what the program can see to be missing, and what the customer was
/// asked for and has not answered.
#[must_use]
pub fn missing(case: &Model, known: Known) -> Vec<Fact> {
    let asked: Vec<Fact> = case.asked_for.as_deref().and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
    let seen = |fact: &Fact| match fact {
        Fact::OrderNumber => case.order_id.is_none(),
        Fact::Photos => !known.photos,
        Fact::Reason => case.reason.is_none(),
        _ => false,
    };
    let mut missing: Vec<Fact> = asked;
    for fact in case.kind.map_or(&[][..], recommended).iter().filter(|f| seen(f)) {
        if !missing.contains(fact) {
            missing.push(*fact);
        }
    }
    missing
}
