//! What a refund is reckoned from. All amounts are gross, in minor units of the order's currency.

use entity::cases::{LegalBasis, Reason};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policy::words::{Words, words};

/// A refund that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// On which right it rests.
    pub basis: LegalBasis,
    /// Why the customer asks: within the shop's own window, the delivery goes back only for a defect or a mistake of the shop.
    pub reason: Option<Reason>,
    /// Every line of the order, also those of which nothing goes back now: whether the whole order is refunded follows
    /// from them.
    pub lines: Vec<Line>,
    /// The delivery to the customer.
    pub outbound: OutboundShipping,
    /// Taken off for loss of value.
    pub deduction: Option<Deduction>,
    /// Part of the price for goods that stay (BGB § 441), spread over the lines with units named, or over all that is left.
    pub price_reduction: Option<i64>,
    /// What was captured on the order.
    pub captured_minor: i64,
    /// What the bank took back from it.
    pub charged_back_minor: i64,
    /// Other refunds of the order that have not failed.
    pub promised_minor: i64,
    /// Whether the goods have to be back first: no more is refunded than came back is worth (F34). Not where the customer
    /// has proved the dispatch (BGB §§ 357(4), 475(6)) or the shop does without the goods.
    pub goods_received_bound: bool,
}

impl Request {
    /// Whether nothing of the order stays with the customer, earlier refunds included.
    #[must_use]
    pub fn whole_order(&self) -> bool {
        self.whole(&self.lines.iter().map(|line| line.now).collect::<Vec<_>>())
    }

    /// The same with other quantities now.
    pub(super) fn whole(&self, units: &[i32]) -> bool {
        !self.lines.is_empty() && self.lines.iter().zip(units).all(|(line, units)| line.left() == *units)
    }
}

/// A line of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub id: Uuid,
    /// Units ordered.
    pub ordered: i32,
    /// Units that were refunded before.
    pub refunded: i32,
    /// Units to be refunded now.
    pub now: i32,
    /// Price of a unit.
    pub unit_price_minor: i64,
    /// What was refunded on the line before, reductions of the price included and deductions left out: the sum of
    /// [`LineAmount::gross_minor`](super::LineAmount::gross_minor). Without reductions, refunded units times their price.
    pub credited_minor: i64,
    /// Value added tax in hundredths of a percent.
    pub tax_basis_points: i32,
    /// Units that came back, were accepted and are not refunded yet; none: nothing came back as far as is known.
    pub received: Option<i32>,
}

impl Line {
    /// Units that have not been refunded.
    #[must_use]
    pub const fn left(&self) -> i32 {
        self.ordered.saturating_sub(self.refunded)
    }
}

/// The delivery to the customer.
///
/// After a withdrawal from everything, its cost goes back up to that of the shop's least expensive standard delivery; who
/// chose express bears the surcharge (BGB § 357(2)). After a withdrawal from a part, only what the rest would have cost less
/// goes back: nothing, unless that is known. A flat charge that the rest would have cost as well stays with the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboundShipping {
    /// What the customer paid for it.
    pub charged_minor: i64,
    /// What the least expensive standard delivery of the order would have cost.
    pub standard_minor: i64,
    /// What standard delivery of the goods that stay would have cost.
    pub standard_for_rest_minor: Option<i64>,
    /// What was refunded of it before.
    pub refunded_minor: i64,
    /// Value added tax in hundredths of a percent.
    pub tax_basis_points: i32,
}

/// Taken off for loss of value (F39). Its own text to the customer is part of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deduction {
    /// How much.
    pub amount_minor: i64,
    /// Why.
    pub reason: DeductionReason,
    /// On which line; none: on all that is refunded now. It is never above the value of these goods.
    pub line: Option<Uuid>,
    /// Whether evidence of it is on file: the trader has to prove it.
    pub evidence: bool,
    /// Whether the customer was instructed about withdrawal properly (BGB § 357a(1) no. 2).
    pub instructed: bool,
}

/// Why something is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeductionReason {
    /// Handled beyond what it takes to see what the goods are and how they work.
    UseBeyondTesting,
    /// Something that was delivered did not come back.
    MissingAccessory,
    /// Damaged by the customer. What happens on the way back is the shop's risk (BGB § 355(3) sentence 4).
    Damage,
}

impl DeductionReason {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UseBeyondTesting => "USE_BEYOND_TESTING",
            Self::MissingAccessory => "MISSING_ACCESSORY",
            Self::Damage => "DAMAGE",
        }
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::UseBeyondTesting => words(
                "Wertverlust durch Nutzung über die Prüfung hinaus",
                "loss of value by use beyond what testing takes",
            ),
            Self::MissingAccessory => {
                words("Wertverlust durch fehlendes Zubehör", "loss of value by missing accessories")
            }
            Self::Damage => words("Wertverlust durch Beschädigung", "loss of value by damage"),
        }
    }

    /// Its norm.
    #[must_use]
    pub const fn norm(self) -> &'static str {
        match self {
            Self::UseBeyondTesting | Self::Damage => "BGB § 357a(1)",
            Self::MissingAccessory => "BGB §§ 355(3), 357a(1)",
        }
    }
}
