//! Whether the shop may keep the money of a withdrawal back (BGB § 357(4)): until the goods are there, or until their
//! dispatch is proved. An inspection is no reason, and neither is it where the shop has offered to collect the goods.

use chrono::{DateTime, Utc};

use super::words::{Words, words};

/// What is known of the goods that go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goods {
    /// When they came back.
    pub received_at: Option<DateTime<Utc>>,
    /// When the consumer proved to have sent them.
    pub dispatch_proved_at: Option<DateTime<Utc>>,
    /// Whether the shop has offered to collect them.
    pub collected: bool,
}

/// Where the right to withhold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withholding {
    /// The shop may wait for the goods or for proof of their dispatch.
    Waits,
    /// The goods are back since then.
    EndedByReceipt(DateTime<Utc>),
    /// Their dispatch is proved since then.
    EndedByDispatch(DateTime<Utc>),
    /// It never began: the shop collects.
    NeverBegan,
}

impl Withholding {
    /// Whether the money may be kept back.
    #[must_use]
    pub const fn may_withhold(self) -> bool {
        matches!(self, Self::Waits)
    }

    /// When the right ended.
    #[must_use]
    pub const fn ended_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::EndedByReceipt(at) | Self::EndedByDispatch(at) => Some(at),
            Self::Waits | Self::NeverBegan => None,
        }
    }

    /// Why, in words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::Waits => words(
                "bis die Ware zurück ist oder ihre Absendung nachgewiesen wird (§ 357 Abs. 4 Satz 1 BGB)",
                "until the goods are back or their dispatch is proved (BGB § 357(4) sentence 1)",
            ),
            Self::EndedByReceipt(_) => {
                words("beendet: die Ware ist zurück (§ 357 Abs. 4 BGB)", "ended: the goods are back (BGB § 357(4))")
            }
            Self::EndedByDispatch(_) => words(
                "beendet: die Absendung ist nachgewiesen (§ 357 Abs. 4 BGB)",
                "ended: the dispatch is proved (BGB § 357(4))",
            ),
            Self::NeverBegan => words(
                "kein Zurückbehaltungsrecht: der Shop holt die Ware ab (§ 357 Abs. 4 Satz 2 BGB)",
                "no right to withhold: the shop collects the goods (BGB § 357(4) sentence 2)",
            ),
        }
    }
}

/// Where the right to withhold stands, given what is known of the goods: the earlier of receipt and proof ends it.
#[must_use]
pub fn withholding(goods: Goods) -> Withholding {
    if goods.collected {
        return Withholding::NeverBegan;
    }
    match (goods.received_at, goods.dispatch_proved_at) {
        (None, None) => Withholding::Waits,
        (Some(received), Some(proved)) if proved < received => Withholding::EndedByDispatch(proved),
        (Some(received), _) => Withholding::EndedByReceipt(received),
        (None, Some(proved)) => Withholding::EndedByDispatch(proved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_of_receipt_and_proof_ends_it() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let of = |received, proved, collected| {
            withholding(Goods { received_at: received, dispatch_proved_at: proved, collected })
        };
        assert!(of(None, None, false).may_withhold());
        assert_eq!(of(at(9), None, false), Withholding::EndedByReceipt(at(9).unwrap()));
        assert_eq!(of(None, at(5), false), Withholding::EndedByDispatch(at(5).unwrap()));
        assert_eq!(of(at(9), at(5), false).ended_at(), at(5));
        assert_eq!(of(at(4), at(5), false), Withholding::EndedByReceipt(at(4).unwrap()));
        assert_eq!(of(None, None, true), Withholding::NeverBegan);
        assert!(!of(None, None, true).may_withhold());
    }
}
