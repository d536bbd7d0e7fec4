//! Deadline rules as data: what starts a period, how long it is, by which reckoning, whom it protects, and its source.
//!
//! [`statute`] is what the law sets. A policy may give the shop's own lengths; `floor` keeps them at least as good for
//! whom the rule protects.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use entity::DataType;
use entity::retention_rules::PeriodUnit;
use sea_orm::Iterable as _;
use serde::{Deserialize, Serialize};

use super::step::Span;
use super::words::{Words, words};

macro_rules! rule_ids {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)+) => {
        /// Which rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RuleId {
            $($(#[$doc])* $variant,)+
            /// How long a data type is kept.
            Retention(DataType),
            /// What a guarantor promised for one article.
            Guarantee,
        }

        impl RuleId {
            /// Every rule that holds for all articles and data types.
            pub const DEADLINES: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, without the data type of a retention rule.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ Self::Retention(_) => "retention", Self::Guarantee => "guarantee" }
            }
        }
    };
}

rule_ids! {
    /// The consumer may withdraw.
    Withdrawal = "withdrawal",
    /// The consumer may withdraw, without having been instructed properly.
    WithdrawalUninstructed = "withdrawal-uninstructed",
    /// The shop pays back after a withdrawal.
    WithdrawalRefund = "withdrawal-refund",
    /// The shop's own return and exchange window.
    ShopReturn = "shop-return",
    /// The shop reviews a request.
    Review = "review",
    /// The shop decides after inspecting the goods.
    Decision = "decision",
    /// The bank is expected to credit a refund.
    RefundCredit = "refund-credit",
    /// Claims for defects become time-barred.
    Warranty = "warranty",
    /// The same, where a defect showed late.
    WarrantyLateDefect = "warranty-late-defect",
    /// The same, where goods were handed over for cure.
    WarrantyAfterCure = "warranty-after-cure",
    /// The same, where the consumer chose repair.
    WarrantyAfterRepair = "warranty-after-repair",
    /// A defect is presumed to have been there from the start.
    BurdenOfProof = "burden-of-proof",
    /// The answer to a data subject.
    AccessRequest = "access-request",
    /// The same, extended.
    AccessRequestExtended = "access-request-extended",
    /// The notice of a breach to the authority.
    BreachNotice = "breach-notice",
    /// The first answer to a customer.
    FirstResponse = "first-response",
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retention(data_type) => write!(f, "retention:{}", data_type.code()),
            other => f.write_str(other.name()),
        }
    }
}

impl FromStr for RuleId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(code) = text.strip_prefix("retention:") {
            let found = DataType::iter().find(|d| d.code().eq_ignore_ascii_case(code));
            return found.map(Self::Retention).ok_or_else(|| format!("there is no data type {code:?}"));
        }
        let found = Self::DEADLINES.iter().copied().find(|id| id.name() == text);
        let names = || Self::DEADLINES.iter().map(|id| id.name()).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| format!("there is no rule {text:?}; there are {}, retention:CODE", names()))
    }
}

impl Serialize for RuleId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// The law.
    Statutory,
    /// The shop's promise.
    Shop,
}

/// Whom a rule protects, and so in which direction the shop may leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protects {
    /// The consumer, by a window that may be longer, never shorter.
    ConsumerWindow,
    /// The consumer, by a duty of the shop that may be shorter, never longer.
    ConsumerDuty,
    /// The data subject, by a duty of the controller that may be shorter, never longer.
    DataSubject,
    /// Taxation and commerce, by a period that may be longer where the purpose lasts, never shorter.
    Records,
}

/// How long a period is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Length {
    /// Calendar units, one after the other; only the end rolls.
    Spans(Vec<Span>),
    /// Werktage.
    Werktage {
        /// The first day of a range, where there is one.
        earliest: Option<u32>,
        /// The last day.
        last: u32,
    },
    /// Plain hours.
    Hours(u32),
    /// Minutes within service hours.
    ServiceMinutes(u32),
}

/// By which law days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reckoning {
    /// BGB §§ 187 to 193: contracts and consumers.
    Bgb,
    /// Regulation (EEC, Euratom) No 1182/71: periods of EU regulations.
    Regulation1182,
    /// BGB §§ 187, 188 from the end of the calendar year: tax and commerce (AO § 147(4), HGB § 257(5)), limitation
    /// (BGB § 199).
    YearEnd,
}

/// Over which days an end rolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Roll {
    /// It does not.
    Never,
    /// Saturdays, Sundays and nationwide holidays: a duty of the shop, where the earliest day is the safe one.
    Nationwide,
    /// Also the holidays of the consumer's and the shop's Land: a right of the consumer, where the latest day is.
    Lands,
}

/// What a pause does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Pausing {
    /// The law knows none.
    Never,
    /// Whole civil days, from the day on which it begins to the day before the one on which it ends.
    Days,
    /// Suspension of limitation: every civil day that it touches (BGB § 209), and at least three months are left after
    /// its end (§ 203 sentence 2).
    Suspension,
    /// Minute by minute.
    Minutes,
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $de:literal $en:literal,)+) => {
        /// An event beside the one that starts a period.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Event { $($(#[$doc])* $variant,)+ }

        impl Event {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name on the command line.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// In words.
            #[must_use]
            pub const fn words(self) -> Words {
                match self { $(Self::$variant => words($de, $en),)+ }
            }
        }
    };
}

events! {
    /// The defect first showed.
    DefectShown = "defect-shown" "der Mangel hat sich gezeigt" "the defect first showed",
    /// Repaired or replaced goods were handed over.
    HandedOver = "handed-over" "die nachgebesserte oder ersetzte Ware wurde übergeben" "the repaired or replaced goods were handed over",
    /// The supply that a record of the one-stop shop is about.
    Supply = "supply" "der Umsatz wurde ausgeführt" "the supply took place",
    /// An archive was first downloaded.
    Downloaded = "downloaded" "das Archiv wurde erstmals abgerufen" "the archive was first downloaded",
    /// The contract was concluded.
    Contract = "contract" "der Vertrag wurde geschlossen" "the contract was concluded",
}

impl FromStr for Event {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(|e| e.code()).collect::<Vec<_>>().join(", ");
        let found = Self::ALL.iter().copied().find(|e| e.code() == text);
        found.ok_or_else(|| format!("there is no event {text:?}; there are {}", names()))
    }
}

/// A second event that bounds the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The event.
    pub event: Event,
    /// How long after it.
    pub span: Span,
    /// Not before (`true`) or not after.
    pub not_before: bool,
    /// Whether the rule says nothing without it.
    pub required: bool,
    /// Whether it only counts within the period itself.
    pub within: bool,
    /// Its norm.
    pub norm: &'static str,
}

/// A defect that showed within the period: claims are not barred before four months after it first showed.
pub const LATE_DEFECT: Bound = Bound {
    event: Event::DefectShown,
    span: months(4),
    not_before: true,
    required: true,
    within: true,
    norm: "BGB § 475e(3)",
};

/// Goods handed over for cure: not before two months after the consumer has them back.
pub const AFTER_CURE: Bound = Bound {
    event: Event::HandedOver,
    span: months(2),
    not_before: true,
    required: true,
    within: false,
    norm: "BGB § 475e(4)",
};

/// A longer period for some contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// How much longer.
    pub span: Span,
    /// Its norm.
    pub norm: &'static str,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which.
    pub id: RuleId,
    /// Law or promise.
    pub kind: Kind,
    /// Whom it protects.
    pub protects: Protects,
    /// What starts it.
    pub anchor: Words,
    /// Where that is said.
    pub anchor_norm: &'static str,
    /// How long.
    pub length: Length,
    /// By which law.
    pub reckoning: Reckoning,
    /// Over which days its end rolls.
    pub roll: Roll,
    /// What a pause does.
    pub pausing: Pausing,
    /// An event that takes the place of the start.
    pub instead: Option<Event>,
    /// Second events, in order.
    pub bounds: Vec<Bound>,
    /// More, for contracts from `contracts_from`.
    pub extension: Option<Extension>,
    /// Contracts concluded from this day (Berlin); none: all.
    pub contracts_from: Option<NaiveDate>,
    /// Contracts concluded until this day (Berlin); none: all.
    pub contracts_until: Option<NaiveDate>,
    /// Its norm.
    pub source: &'static str,
}

/// So many days.
#[must_use]
pub const fn days(count: u32) -> Span {
    Span { count, unit: PeriodUnit::Day }
}

/// So many months.
#[must_use]
pub const fn months(count: u32) -> Span {
    Span { count, unit: PeriodUnit::Month }
}

impl Rule {
    /// A rule with nothing special.
    #[must_use]
    pub const fn plain(id: RuleId, kind: Kind, protects: Protects, anchor: Words, source: &'static str) -> Self {
        Self {
            id,
            kind,
            protects,
            anchor,
            anchor_norm: source,
            length: Length::Spans(Vec::new()),
            reckoning: Reckoning::Bgb,
            roll: Roll::Never,
            pausing: Pausing::Never,
            instead: None,
            bounds: Vec::new(),
            extension: None,
            contracts_from: None,
            contracts_until: None,
            source,
        }
    }
}

/// The rule as the law, or where it sets nothing the shipped policy, has it.
///
/// `None` for a data type without a period.
#[must_use]
pub fn statute(id: RuleId) -> Option<Rule> {
    use Kind::{Shop, Statutory};
    use Protects::{ConsumerDuty, ConsumerWindow, DataSubject};
    const RECEIVED: Words = words("letztes Paket der Bestellung erhalten", "last parcel of the order received");
    const DELIVERED: Words = words("Sache abgeliefert", "goods delivered");
    const ASKED: Words = words("Anfrage eingegangen", "request received");
    const SUBJECT_ASKED: Words =
        words("Antrag der betroffenen Person eingegangen", "request of the data subject received");
    const PROMISE: &str = "policy of the shop";
    let warranty = |source| Rule {
        anchor_norm: "BGB § 438(2)",
        length: Length::Spans(vec![months(24)]),
        pausing: Pausing::Suspension,
        ..Rule::plain(id, Statutory, ConsumerWindow, DELIVERED, source)
    };
    let subject = |count, source| Rule {
        anchor_norm: "GDPR Art. 12(3)",
        length: Length::Spans(vec![months(count)]),
        reckoning: Reckoning::Regulation1182,
        roll: Roll::Nationwide,
        pausing: Pausing::Days,
        ..Rule::plain(id, Statutory, DataSubject, SUBJECT_ASKED, source)
    };
    let window = |kind, spans, source| Rule {
        anchor_norm: "BGB § 356(2) no. 1",
        length: Length::Spans(spans),
        roll: Roll::Lands,
        pausing: Pausing::Days,
        ..Rule::plain(id, kind, ConsumerWindow, RECEIVED, source)
    };
    let werktage = |anchor, earliest, last, source| Rule {
        length: Length::Werktage { earliest, last },
        pausing: Pausing::Days,
        ..Rule::plain(id, Shop, ConsumerDuty, anchor, source)
    };
    Some(match id {
        RuleId::Withdrawal => window(Statutory, vec![days(14)], "BGB §§ 355(2), 356(2)"),
        RuleId::WithdrawalUninstructed => window(Statutory, vec![months(12), days(14)], "BGB § 356(3) sentence 2"),
        RuleId::WithdrawalRefund => Rule {
            anchor_norm: "BGB § 355(3) sentence 2",
            length: Length::Spans(vec![days(14)]),
            roll: Roll::Nationwide,
            pausing: Pausing::Days,
            ..Rule::plain(
                id,
                Statutory,
                ConsumerDuty,
                words("Widerruf zugegangen", "withdrawal received by the trader"),
                "BGB §§ 355(3), 357(1)",
            )
        },
        RuleId::ShopReturn => {
            Rule { anchor_norm: PROMISE, ..window(Shop, vec![days(45)], "policy of the shop: returns") }
        }
        RuleId::Review => werktage(ASKED, None, 3, "policy of the shop: review within 1 to 3 Werktage"),
        RuleId::Decision => werktage(
            words("Rücksendung eingegangen", "returned goods received"),
            None,
            3,
            "policy of the shop: processing within 1 to 3 Werktage",
        ),
        RuleId::RefundCredit => werktage(
            words("Erstattung übergeben", "refund submitted"),
            Some(10),
            15,
            "policy of the shop: credit within 10 to 15 Werktage",
        ),
        RuleId::Warranty => warranty("BGB § 438(1) no. 3, (2)"),
        RuleId::WarrantyLateDefect => Rule { bounds: vec![LATE_DEFECT], ..warranty("BGB §§ 438(1) no. 3, 475e(3)") },
        RuleId::WarrantyAfterCure => Rule { bounds: vec![AFTER_CURE], ..warranty("BGB §§ 438(1) no. 3, 475e(4)") },
        RuleId::WarrantyAfterRepair => Rule {
            extension: Some(Extension { span: months(12), norm: "Directive (EU) 2019/771 Art. 10(2a)" }),
            contracts_from: NaiveDate::from_ymd_opt(2026, 7, 31),
            ..warranty("BGB § 438(1) no. 3; Directive (EU) 2024/1799 Art. 16")
        },
        RuleId::BurdenOfProof => Rule {
            length: Length::Spans(vec![months(12)]),
            ..Rule::plain(
                id,
                Statutory,
                ConsumerWindow,
                words("Gefahr übergegangen", "risk passed to the consumer"),
                "BGB § 477(1)",
            )
        },
        RuleId::AccessRequest => subject(1, "GDPR Art. 12(3) sentence 1"),
        RuleId::AccessRequestExtended => subject(3, "GDPR Art. 12(3) sentence 2"),
        RuleId::BreachNotice => Rule {
            length: Length::Hours(72),
            reckoning: Reckoning::Regulation1182,
            ..Rule::plain(
                id,
                Statutory,
                DataSubject,
                words("Verletzung bekannt geworden", "breach became known"),
                "GDPR Art. 33(1)",
            )
        },
        RuleId::FirstResponse => Rule {
            length: Length::ServiceMinutes(240),
            pausing: Pausing::Minutes,
            ..Rule::plain(id, Shop, ConsumerDuty, ASKED, "policy of the shop: prompt answers within service hours")
        },
        RuleId::Retention(_) | RuleId::Guarantee => return None,
    })
}
