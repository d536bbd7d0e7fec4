//! The legal tracks of an order line: which rights a customer has, until when, with which remedies, and who pays.
//!
//! Several tracks run at once. None excludes another: [`most_favourable`] says which serves a wish best, and
//! [`eligibility`] weighs a request on each of them.

pub mod eligibility;
mod tracks;

use chrono::{DateTime, Utc};
use entity::cases::Reason;
use entity::order_lines::Exclusion;

use super::deadline::{Deadline, Facts, Pause, Unreckonable};
use super::holidays::Land;
use super::rules::{Length, Rule, RuleId};
use super::shop::{Bearer, Policy};

/// A legal track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Track {
    /// Statutory withdrawal, BGB §§ 312g, 355.
    Withdrawal,
    /// The shop's own window (S45).
    ShopReturn,
    /// Claims for defects, BGB §§ 437 ff.; wrong and missing goods are defects (§ 434).
    Warranty,
    /// What a guarantor promised, BGB § 443.
    Guarantee,
}

/// Whether the consumer has the goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing has arrived.
    NotYet,
    /// Some parcels have, the last one then: windows that wait for the last parcel have not begun, but what has arrived may
    /// be defective (BGB § 438(2)).
    Partly(DateTime<Utc>),
    /// Nobody reported the delivery; it is assumed from the dispatch. Nothing is refused because of it.
    Estimated(DateTime<Utc>),
    /// The last parcel of the order was received (BGB § 356(2) no. 1 b, c).
    On(DateTime<Utc>),
}

impl Received {
    const fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::NotYet | Self::Partly(_) => None,
            Self::Estimated(at) | Self::On(at) => Some(at),
        }
    }

    /// From when claims for a defect may run. Which parcel held the article is not known: the latest is the safe one.
    const fn of_the_goods(self) -> Option<DateTime<Utc>> {
        match self {
            Self::NotYet => None,
            Self::Partly(at) | Self::Estimated(at) | Self::On(at) => Some(at),
        }
    }

    /// Whether an end that is reckoned from it is only assumed.
    const fn is_assumed(self) -> bool {
        matches!(self, Self::Estimated(_) | Self::Partly(_))
    }
}

/// When a parcel counts as received if nobody reports its delivery: so many Werktage after its dispatch.
#[must_use]
pub fn assumed_receipt(policy: &Policy, dispatched: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let length = Length::Werktage { earliest: None, last: policy.warranty.assumed_transit_werktage };
    let rule = Rule { length, ..policy.rule(RuleId::Decision)? };
    policy.deadline(&rule, &Facts::from(dispatched)).ok().map(|d| d.ends_at)
}

/// A cure that the shop has carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cure {
    /// Repaired (`true`) or replaced.
    pub repaired: bool,
    /// When the consumer had the goods back.
    pub handed_over: DateTime<Utc>,
}

/// A guarantee for an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// Months from delivery.
    pub months: u32,
    /// Who pays carriage under its terms.
    pub carriage: Bearer,
}

/// What is known of an order line and of what the customer says about it.
#[derive(Clone, Debug)]
pub struct Situation {
    /// When the contract was concluded: the policy of that day and the statutes for contracts of that day hold.
    pub contract_at: DateTime<Utc>,
    /// Whether the consumer has the goods.
    pub received: Received,
    /// The consumer's Land, where it is known.
    pub land: Option<Land>,
    /// Whether the consumer was instructed about withdrawal properly (BGB § 356(3)); the trader has to prove it (§ 361(3)).
    pub instructed: bool,
    /// Whether the consumer was told to bear the cost of sending back (BGB § 357(5)).
    pub told_return_cost: bool,
    /// Why the article may be excluded from withdrawal (BGB § 312g(2)).
    pub exclusion: Option<Exclusion>,
    /// Whether a seal was broken, or the goods were mixed with others, after delivery; none: not known.
    pub unsealed: Option<bool>,
    /// Whether everything that was ordered is concerned.
    pub whole_order: bool,
    /// A guarantee.
    pub guarantee: Option<Guarantee>,
    /// Why the customer asks; none: without a reason.
    pub reason: Option<Reason>,
    /// When a defect first showed, if the customer says so.
    pub defect_shown: Option<DateTime<Utc>>,
    /// Cures so far, in order.
    pub cures: Vec<Cure>,
    /// Whether the shop refused cure, let a reasonable time pass, or the defect is serious (BGB § 475d(1)).
    pub cure_failed: bool,
    /// Negotiations, which suspend limitation (BGB § 203): examining a complaint is one.
    pub negotiations: Vec<Pause>,
}

impl Situation {
    /// An ordinary purchase, of which everything was received, without a reason to complain.
    #[must_use]
    pub const fn ordinary(contract_at: DateTime<Utc>, received: DateTime<Utc>) -> Self {
        Self {
            contract_at,
            received: Received::On(received),
            land: None,
            instructed: true,
            told_return_cost: true,
            exclusion: None,
            unsealed: None,
            whole_order: true,
            guarantee: None,
            reason: None,
            defect_shown: None,
            cures: Vec::new(),
            cure_failed: false,
            negotiations: Vec::new(),
        }
    }

    /// Whether the article is excluded from withdrawal, as far as it is known.
    pub(super) fn is_excluded(&self) -> bool {
        self.exclusion.is_some_and(|exclusion| !exclusion.arises_after_delivery() || self.unsealed == Some(true))
    }

    /// Whose fault the reason is, if it is one.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::of(self.reason)
    }

    /// Whether a cure has already failed, so that the consumer need not wait for another (BGB § 475d(1) no. 2).
    fn cure_is_over(&self) -> bool {
        let again = self.cures.last().zip(self.defect_shown).is_some_and(|(cure, shown)| shown > cure.handed_over);
        self.cure_failed || again
    }
}

/// Where a reason puts the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nowhere: no reason was given or is needed.
    None,
    /// The goods (S46 to S49).
    Defect,
    /// The shop sent or labelled the wrong goods (S54).
    ShopError,
}

impl Fault {
    /// Where a reason puts it.
    #[must_use]
    pub const fn of(reason: Option<Reason>) -> Self {
        match reason {
            Some(Reason::QualityDefect | Reason::NotAsDescribed | Reason::MissingAccessory | Reason::Damaged) => {
                Self::Defect
            }
            Some(Reason::WrongDelivery | Reason::WrongLabelling) => Self::ShopError,
            _ => Self::None,
        }
    }
}

/// What a right gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The price back against the goods.
    Refund,
    /// Other goods of the customer's choice.
    Exchange,
    /// The same goods, free of the defect.
    Replacement,
    /// The goods, mended.
    Repair,
    /// Part of the price back; the goods stay.
    PriceReduction,
}

/// How much of the cost of the first delivery goes back with a full refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outbound {
    /// Nothing.
    Nothing,
    /// What the delivery of the goods that stay would have cost less.
    Difference,
    /// The cost of standard delivery (BGB § 357(2)).
    Standard,
    /// Whatever was paid (BGB § 346(1)).
    Paid,
}

/// The delivery that was paid for, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// What the customer paid for it.
    pub paid: i64,
    /// What the cheapest standard delivery would have cost.
    pub standard: i64,
    /// What standard delivery of the goods that stay would have cost.
    pub of_the_rest: i64,
}

impl Outbound {
    /// How much of the delivery goes back.
    #[must_use]
    pub fn amount(self, delivery: Delivery) -> i64 {
        let standard = delivery.paid.min(delivery.standard);
        match self {
            Self::Nothing => 0,
            Self::Difference => (standard - delivery.of_the_rest).max(0),
            Self::Standard => standard,
            Self::Paid => delivery.paid,
        }
    }
}

/// Where a right stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It can be used.
    Open,
    /// It can be used if a seal was not broken, or the goods were not mixed with others, after delivery.
    DependsOnSeal,
    /// The ordinary period is over; it can be used if the defect showed before its end, and not long ago (BGB § 475e(3)).
    DependsOnDefect,
    /// It begins with the delivery.
    NotYet,
    /// Its time is over.
    Ended,
    /// The law excludes it for this article.
    Excluded,
}

/// A right of the customer.
#[derive(Clone, Debug)]
pub struct Right {
    /// On which track.
    pub track: Track,
    /// Where it stands.
    pub status: Status,
    /// Until when; none while its period has not begun.
    pub deadline: Option<Deadline>,
    /// Whether the delivery, and so the end, is only assumed.
    pub estimated: bool,
    /// Whether the reason that was given, or none, is enough for it.
    pub supported: bool,
    /// What it gives now.
    pub remedies: &'static [Remedy],
    /// What it gives only once cure has failed or was refused (BGB §§ 437, 475d).
    pub later_remedies: &'static [Remedy],
    /// Who pays for sending the goods back.
    pub carriage_back: Bearer,
    /// Who pays for sending other or mended goods.
    pub carriage_forth: Bearer,
    /// Why it is they.
    pub carriage_norm: &'static str,
    /// How much of the first delivery goes back with a refund.
    pub outbound: Outbound,
    /// Why so much.
    pub outbound_norm: &'static str,
    /// Until when a defect is presumed to have been there from the start (BGB § 477); none: nothing has to be proved.
    pub presumption: Option<Deadline>,
    /// The norm or promise.
    pub basis: &'static str,
}

impl Right {
    /// Whether it can be used, perhaps after a look at the goods.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.status, Status::Open | Status::DependsOnSeal | Status::DependsOnDefect)
    }
}

/// The rights on an order line at an instant, on every track that the line knows; ended ones too.
///
/// # Errors
/// A calendar of the policy has no working days, or an event lies before the delivery.
pub fn rights(policy: &Policy, s: &Situation, now: DateTime<Utc>) -> Result<Vec<Right>, Unreckonable> {
    let mut rights = vec![
        tracks::withdrawal(policy, s, now)?,
        tracks::shop_return(policy, s, now)?,
        tracks::warranty(policy, s, now)?,
    ];
    if let Some(guarantee) = s.guarantee {
        rights.push(tracks::guarantee(policy, s, guarantee, now)?);
    }
    Ok(rights)
}

/// What a customer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The money back.
    MoneyBack,
    /// Other or faultless goods.
    Exchange,
    /// The goods, mended.
    Repair,
    /// Keep the goods, pay less.
    PriceReduction,
}

impl Wish {
    /// Whether one of these remedies grants it.
    #[must_use]
    pub fn is_granted_by(self, remedies: &[Remedy]) -> bool {
        let granted = |remedy: &Remedy| match self {
            Self::MoneyBack => *remedy == Remedy::Refund,
            Self::Exchange => matches!(remedy, Remedy::Exchange | Remedy::Replacement),
            Self::Repair => *remedy == Remedy::Repair,
            Self::PriceReduction => *remedy == Remedy::PriceReduction,
        };
        remedies.iter().any(granted)
    }
}

/// The open right that serves a wish best, or any wish, and for which the reason is enough: the one that costs the customer least, then that gives the money
/// back, then most of the first delivery, then that does not turn on a defect, then that lasts longest. The statute wins a tie.
#[must_use]
pub fn most_favourable(rights: &[Right], wish: Option<Wish>) -> Option<&Right> {
    let serves = |right: &&Right| wish.is_none_or(|wish| wish.is_granted_by(right.remedies));
    let rank = |right: &&Right| {
        (
            right.status == Status::Open,
            right.carriage_back == Bearer::Shop,
            right.remedies.contains(&Remedy::Refund),
            right.outbound,
            right.presumption.is_none(),
            right.deadline.as_ref().map_or(DateTime::<Utc>::MAX_UTC, |d| d.ends_at),
            matches!(right.track, Track::Withdrawal | Track::Warranty),
        )
    };
    rights.iter().filter(|right| right.is_open() && right.supported).filter(serves).max_by_key(rank)
}
