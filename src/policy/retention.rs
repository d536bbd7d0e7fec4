//! Retention rules: data type x start event x period x year-end x action x legal basis, and when a period is over.
//!
//! Periods are reckoned in civil days of Europe/Berlin: the day of the start event does not count (BGB § 187(1)), the last
//! day counts whole (§ 188), and the end never rolls.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use entity::DataType;
use entity::retention_rules::{Action, PeriodUnit};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::rules::{self, Bound, Event, Kind, Length, Protects, Reckoning, RuleId};
use super::shop::Period;
use super::step::Span;
use super::words::{Words, words};

/// Which duties bind the merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Profile {
    /// A merchant under German commercial and tax law (HGB § 257, AO § 147).
    #[default]
    DeKaufmann,
    /// Under the one-stop shop: vouchers and returns ten years from the end of the year of the supply (UStG § 22(1)).
    EuOss,
    /// Periods of the merchant's own; no duty to keep is assumed.
    Custom,
}

impl Profile {
    /// As a setting.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DeKaufmann => "DE_KAUFMANN",
            Self::EuOss => "EU_OSS",
            Self::Custom => "CUSTOM",
        }
    }
}

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::DeKaufmann, Self::EuOss, Self::Custom];
        let found = all.into_iter().find(|p| p.code().eq_ignore_ascii_case(&text.replace('-', "_")));
        found.ok_or("a profile is DE_KAUFMANN, EU_OSS or CUSTOM")
    }
}

/// One rule, as the law or the deletion concept states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The data type that it rules.
    pub data_type: DataType,
    /// What starts the period.
    pub start_event: Words,
    /// Length of the period, in `unit`.
    pub count: u32,
    /// Unit of `count`.
    pub unit: PeriodUnit,
    /// Whether it runs from the end of the calendar year of the start event (AO § 147(4), BGB § 199).
    pub year_end: bool,
    /// Whether the supply starts it, not the voucher (UStG § 22(1) sentence 4).
    pub from_supply: bool,
    /// What happens when it is over.
    pub action: Action,
    /// The norm that sets the period.
    pub norm: &'static str,
    /// What the data is kept for.
    pub purpose: &'static str,
    /// Legal basis, GDPR Art. 6(1).
    pub basis: &'static str,
    /// Why an erasure request does not end the period early, as an article of the GDPR; none: it does.
    pub floor: Option<&'static str>,
    /// Whether open work on the case or order puts the end off, however long it takes.
    pub waits_for_work: bool,
}

impl Rule {
    /// The period.
    #[must_use]
    pub const fn span(&self) -> Span {
        Span { count: self.count, unit: self.unit }
    }

    /// Whether a statute sets the period, so that a merchant whom it binds cannot shorten it.
    #[must_use]
    pub fn is_duty(&self) -> bool {
        [BOOKS, LETTERS, ONE_STOP_SHOP].contains(&self.norm)
    }

    /// The last civil day (Berlin) on which a row that started at `start` is kept.
    #[must_use]
    pub fn last_day(&self, start: DateTime<Utc>) -> NaiveDate {
        let day = calendar::day_of(start);
        self.span().after(if self.year_end { calendar::year_end(day) } else { day })
    }

    /// The first instant at which the row may, and has to, go.
    #[must_use]
    pub fn due_at(&self, start: DateTime<Utc>) -> DateTime<Utc> {
        calendar::start_of(calendar::plus_days(self.last_day(start), 1))
    }

    /// Whether the period that began at `start` is over.
    #[must_use]
    pub fn is_over(&self, start: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now >= self.due_at(start)
    }

    /// Every row that is due at `now` started before this instant. Month lengths make the inverse ambiguous, so it is up
    /// to three days late, and a year where the period runs from the end of one: `due_before` goes back from here.
    fn started_before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = calendar::day_of(now);
        let months = match self.unit {
            PeriodUnit::Day => return now - chrono::TimeDelta::days(i64::from(self.count)),
            PeriodUnit::Month => self.count,
            PeriodUnit::Year => self.count * 12,
        };
        let back = today.checked_sub_months(chrono::Months::new(months)).unwrap_or(today);
        calendar::start_of(calendar::plus_days(back, 3))
    }

    /// The first start instant that is not over at `now`: every row that started before it is due, and no other.
    #[must_use]
    pub fn due_before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        // Whole days decide, so that the days around the inverse hold the one where it turns.
        let mut day = calendar::plus_days(calendar::day_of(self.started_before(now)), 1);
        loop {
            if self.year_end {
                day = NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day);
            }
            if self.is_over(calendar::start_of(day), now) {
                let last = if self.year_end { calendar::year_end(day) } else { day };
                return calendar::start_of(calendar::plus_days(last, 1));
            }
            let Some(before) = day.pred_opt() else { return DateTime::UNIX_EPOCH };
            day = before;
        }
    }

    /// The same as a deadline, which explains itself.
    #[must_use]
    pub fn deadline_rule(&self) -> rules::Rule {
        let downloaded = Bound {
            event: Event::Downloaded,
            span: rules::days(7),
            not_before: false,
            required: false,
            within: false,
            norm: "GDPR Art. 5(1)(e)",
        };
        rules::Rule {
            length: Length::Spans(vec![self.span()]),
            reckoning: if self.year_end { Reckoning::YearEnd } else { Reckoning::Bgb },
            instead: self.from_supply.then_some(Event::Supply),
            bounds: (self.data_type == DataType::R16).then_some(downloaded).into_iter().collect(),
            ..rules::Rule::plain(
                RuleId::Retention(self.data_type),
                if self.is_duty() { Kind::Statutory } else { Kind::Shop },
                if self.is_duty() { Protects::Records } else { Protects::DataSubject },
                self.start_event,
                self.norm,
            )
        }
    }
}

const BOOKS: &str = "AO § 147(3), HGB § 257(4)";
const LETTERS: &str = "HGB § 257(1) no. 2 and 3, (4), AO § 147(3)";
const ONE_STOP_SHOP: &str = "UStG § 22(1) sentence 4";
const CLAIMS: &str = "BGB §§ 195, 199";
const MINIMAL: &str = "GDPR Art. 5(1)(e)";
const ACCOUNTABLE: &str = "GDPR Art. 5(2)";
const LEGAL_DUTY: Option<&str> = Some("GDPR Art. 17(3)(b)");
const LEGAL_CLAIMS: Option<&str> = Some("GDPR Art. 17(3)(e)");

/// The rules of a profile, with periods of the merchant's own. Every data type but R00, R15 and R23 has exactly one: nothing
/// personal is in the first, and the others go at once.
#[must_use]
pub fn rules(profile: Profile, own: &BTreeMap<DataType, Period>) -> Vec<Rule> {
    let mut rules = table();
    for rule in &mut rules {
        if profile == Profile::EuOss && matches!(rule.data_type, DataType::R01 | DataType::R02a) {
            rule.start_event = Event::Supply.words();
            (rule.count, rule.from_supply, rule.norm) = (10, true, ONE_STOP_SHOP);
        }
        let own = own.get(&rule.data_type).map(|period| Length::from(*period));
        if let Some(Length::Spans(spans)) = own
            && let [span] = spans.as_slice()
        {
            (rule.count, rule.unit) = (span.count, span.unit);
        }
    }
    rules
}

/// The shipped rules: the profile `DE_KAUFMANN` with the periods of the deletion concept.
#[must_use]
pub fn shipped() -> Vec<Rule> {
    rules(Profile::DeKaufmann, &BTreeMap::new())
}

/// Whether running work puts off the end of a data type. What only lets somebody in, or shows who was in, lives by its own
/// short period; the ceiling of the register of product safety is the law's, whatever its case does.
#[must_use]
pub const fn waits_for_work(data_type: DataType) -> bool {
    use DataType as D;
    !matches!(data_type, D::R12 | D::R20 | D::R27 | D::R28 | D::R29 | D::R30 | D::R32)
}

#[rustfmt::skip]
fn table() -> Vec<Rule> {
    use Action::{Anonymise, Delete};
    use DataType as D;
    use PeriodUnit::{Day, Month, Year};
    const SENT: Words = words("Nachricht empfangen oder abgesandt", "message received or sent");
    const CLOSED: Words = words("Vorgang geschlossen", "case closed");
    const ENTRY: Words = words("Eintrag", "entry");
    let rule = |data_type, start_event, (count, unit, year_end), action, norm, purpose, basis, floor| Rule {
        data_type,
        start_event,
        count,
        unit,
        year_end,
        from_supply: false,
        action,
        norm,
        purpose,
        basis,
        floor,
        waits_for_work: waits_for_work(data_type),
    };
    let year_end = |n| (n, Year, true);
    vec![
        rule(D::R01, words("Beleg erstellt", "voucher created"), year_end(8), Delete, BOOKS, "bookkeeping", "(c)", LEGAL_DUTY),
        rule(D::R02a, words("gebucht", "booked"), year_end(8), Delete, BOOKS, "bookkeeping", "(c)", LEGAL_DUTY),
        rule(D::R02b, words("Rücksendung abgeschlossen", "return closed"), year_end(6), Delete, LETTERS, "commercial correspondence", "(c)", LEGAL_DUTY),
        rule(D::R03, SENT, year_end(6), Delete, LETTERS, "commercial correspondence", "(c)", LEGAL_DUTY),
        rule(D::R04, SENT, year_end(6), Delete, LETTERS, "commercial correspondence", "(c)", LEGAL_DUTY),
        rule(D::R05, words("Erklärung empfangen oder bestätigt", "statement received or acknowledged"), year_end(6), Delete, LETTERS, "proof of withdrawal", "(c)", LEGAL_DUTY),
        rule(D::R06, CLOSED, (1, Year, false), Delete, MINIMAL, "advice", "(b), then (f)", None),
        rule(D::R07, words("Paket zugestellt oder verloren", "parcel delivered or lost"), year_end(3), Delete, CLAIMS, "proof of delivery", "(f)", None),
        rule(D::R08, words("zugestellt", "delivered"), (1, Year, false), Delete, "HGB § 439", "claims against the carrier", "(f)", None),
        rule(D::R09a, CLOSED, (6, Month, false), Delete, MINIMAL, "evidence of a settled case", "(b)", None),
        rule(D::R09b, CLOSED, year_end(3), Delete, CLAIMS, "evidence for legal claims", "(f)", LEGAL_CLAIMS),
        rule(D::R10, words("widerrufen oder zuletzt genutzt", "withdrawn or last used"), year_end(3), Delete, "GDPR Art. 7(1)", "proof of consent", "(c)", LEGAL_DUTY),
        rule(D::R11, ENTRY, year_end(10), Delete, ACCOUNTABLE, "accountability", "(c)", LEGAL_DUTY),
        rule(D::R12, ENTRY, (1, Year, false), Delete, "GDPR Art. 32", "security", "(c)", None),
        rule(D::R13, words("Löschung oder Lauf abgeschlossen", "erasure or run settled"), year_end(3), Delete, ACCOUNTABLE, "proof of deletion", "(c)", LEGAL_DUTY),
        rule(D::R14, words("letzte Antwort gesendet", "last answer sent"), year_end(3), Delete, "OWiG § 31", "proof of the answer", "(c)", LEGAL_DUTY),
        rule(D::R16, words("Archiv bereitgestellt", "archive made available"), (14, Day, false), Delete, MINIMAL, "handing over an export", "(c)", None),
        rule(D::R17, words("Verletzung abgeschlossen", "breach closed"), year_end(3), Delete, "GDPR Art. 33(5)", "breach register", "(c)", LEGAL_DUTY),
        rule(D::R18, words("geschrieben", "written"), (14, Day, false), Delete, "GDPR Art. 32", "security", "(f)", None),
        rule(D::R19, words("Streit endgültig beendet", "dispute ended for good"), year_end(3), Delete, CLAIMS, "defence of claims", "(f)", LEGAL_CLAIMS),
        rule(D::R20, ENTRY, (5, Year, false), Delete, "Regulation (EU) 2023/988 Art. 9(12), 11", "product safety", "(c)", LEGAL_DUTY),
        rule(D::R21, words("letzter Vorgang geschlossen oder letzte Bestellung zugestellt", "last case closed or last order delivered"), year_end(3), Delete, CLAIMS, "reaching the customer", "(b), (f)", None),
        rule(D::R22, words("abgelöst", "superseded"), year_end(10), Delete, "AO § 147(3)", "organisational documents", "(c)", None),
        rule(D::R24, CLOSED, year_end(3), Anonymise, CLAIMS, "handling the case", "(f)", None),
        rule(D::R25, words("letzter Vorgang geschlossen oder Bestellung zugestellt", "last case closed or order delivered"), year_end(3), Anonymise, "BGB §§ 438, 199", "after-sales rights", "(b), (f)", None),
        rule(D::R26, CLOSED, year_end(3), Delete, CLAIMS, "handling the case", "(f)", None),
        rule(D::R27, words("abgelaufen", "expired"), (7, Day, false), Delete, MINIMAL, "access", "(b)", None),
        rule(D::R28, words("erstellt", "created"), (7, Day, false), Delete, MINIMAL, "doing nothing twice", "(f)", None),
        rule(D::R29, words("gelesen und in den Vorgang gelegt", "parsed into the case"), (30, Day, false), Delete, MINIMAL, "receiving mail", "(b)", None),
        rule(D::R30, words("Offenlegung", "disclosure"), year_end(3), Delete, "GDPR Art. 15(1)(c), 19", "telling recipients", "(c)", LEGAL_DUTY),
        rule(D::R31, words("ausgeschieden", "left"), year_end(3), Delete, "BDSG § 26", "staff account", "(b)", None),
        rule(D::R32, words("aufgehoben", "released"), year_end(3), Delete, ACCOUNTABLE, "legal hold", "(c)", LEGAL_DUTY),
        rule(D::R33, words("gesendet oder aufgegeben", "sent or given up"), (30, Day, false), Delete, MINIMAL, "delivery", "(b)", None),
        rule(D::R34, words("Löschung", "erasure"), year_end(10), Delete, "GDPR Art. 5(2), 17", "keeping erased data erased", "(c)", LEGAL_DUTY),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(data_type: DataType) -> Rule {
        shipped().into_iter().find(|r| r.data_type == data_type).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn every_data_type_with_a_period_has_exactly_one_rule() {
        use sea_orm::Iterable;
        for data_type in DataType::iter() {
            let rules = shipped().iter().filter(|r| r.data_type == data_type).count();
            let none = matches!(data_type, DataType::R00 | DataType::R15 | DataType::R23);
            assert_eq!(rules, usize::from(!none), "{data_type:?}");
        }
    }

    /// domain: year-end vectors, start 2026-11-22.
    #[test]
    fn year_end_periods_end_on_the_last_of_december() {
        let start = at("2026-11-22T10:00:00Z");
        assert_eq!(rule(DataType::R01).last_day(start).to_string(), "2034-12-31");
        assert_eq!(rule(DataType::R03).last_day(start).to_string(), "2032-12-31");
        assert_eq!(rule(DataType::R09b).last_day(start).to_string(), "2029-12-31");
        assert_eq!(rule(DataType::R01).due_at(start), at("2034-12-31T23:00:00Z"));
    }

    #[test]
    fn the_year_is_that_of_berlin() {
        assert_eq!(rule(DataType::R03).last_day(at("2026-12-31T23:30:00Z")).to_string(), "2033-12-31");
    }

    #[test]
    fn plain_periods_count_the_last_day_whole() {
        let r = rule(DataType::R09a);
        let start = at("2026-08-31T08:00:00Z");
        assert_eq!(r.last_day(start).to_string(), "2027-02-28");
        assert!(!r.is_over(start, at("2027-02-28T22:59:59Z")));
        assert!(r.is_over(start, at("2027-02-28T23:00:00Z")));
    }

    proptest! {
        /// A sweep that reads only the index range never misses a due row, and reads no other.
        #[test]
        fn the_index_range_holds_every_due_row(start in 1_262_300_400_i64..1_893_452_400, wait in 0_i64..400_000_000) {
            let start = DateTime::from_timestamp(start, 0).unwrap();
            let now = start + chrono::TimeDelta::seconds(wait);
            for rule in shipped() {
                prop_assert!(!rule.is_over(start, now) || start < rule.started_before(now), "{rule:?}");
                prop_assert_eq!(rule.is_over(start, now), calendar::day_of(now) > rule.last_day(start));
                prop_assert_eq!(rule.is_over(start, now), start < rule.due_before(now), "{:?} at {}", rule, now);
            }
        }
    }
}
