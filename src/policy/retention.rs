//! Retention rules: data type x start event x period x year-end x action x legal basis, and when a period is over.
//!
//! The shipped rules are the profile `DE_KAUFMANN`. Periods are reckoned in civil days of Europe/Berlin: the day of the
//! start event does not count (BGB § 187(1)), the last day counts whole (§ 188), and the end never rolls.

use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::retention_rules::{Action, PeriodUnit};

use super::calendar;

/// One rule, as the law or the deletion concept states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The data type that it rules.
    pub data_type: DataType,
    /// What starts the period.
    pub start_event: &'static str,
    /// Length of the period, in `unit`.
    pub count: u32,
    /// Unit of `count`.
    pub unit: PeriodUnit,
    /// Whether it runs from the end of the calendar year of the start event (AO § 147(4), BGB § 199).
    pub year_end: bool,
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
    /// The last civil day (Berlin) on which a row that started at `start` is kept.
    #[must_use]
    pub fn last_day(&self, start: DateTime<Utc>) -> NaiveDate {
        let day = calendar::day_of(start);
        let from = if self.year_end { calendar::year_end(day) } else { day };
        match self.unit {
            PeriodUnit::Day => calendar::plus_days(from, self.count),
            PeriodUnit::Month => calendar::plus_months(from, self.count),
            PeriodUnit::Year => calendar::plus_months(from, self.count * 12),
        }
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

    /// The index range of a sweep: every row that is due at `now` started before this instant, and few others did.
    /// Month lengths make the exact inverse ambiguous, so this is up to three days late; each row is rechecked.
    #[must_use]
    pub fn started_before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = calendar::day_of(now);
        let months = match self.unit {
            PeriodUnit::Day => return now - chrono::TimeDelta::days(i64::from(self.count)),
            PeriodUnit::Month => self.count,
            PeriodUnit::Year => self.count * 12,
        };
        let back = today.checked_sub_months(chrono::Months::new(months)).unwrap_or(today);
        calendar::start_of(calendar::plus_days(back, 3))
    }
}

const BOOKS: &str = "AO § 147(3), HGB § 257(4)";
const LETTERS: &str = "HGB § 257(1) no. 2 and 3, (4), AO § 147(3)";
const CLAIMS: &str = "BGB §§ 195, 199";
const LEGAL_DUTY: Option<&str> = Some("GDPR Art. 17(3)(b)");
const LEGAL_CLAIMS: Option<&str> = Some("GDPR Art. 17(3)(e)");

/// The shipped rules. Every data type but R00 has exactly one.
#[must_use]
pub fn shipped() -> Vec<Rule> {
    use Action::{Anonymise, Delete};
    use DataType as D;
    use PeriodUnit::{Day, Month, Year};
    let rule = |data_type, start_event, (count, unit, year_end), action, norm, purpose, basis, floor| Rule {
        data_type,
        start_event,
        count,
        unit,
        year_end,
        action,
        norm,
        purpose,
        basis,
        floor,
        // What only lets somebody in, or shows who was in, lives by its own short period.
        waits_for_work: !matches!(data_type, D::R12 | D::R27 | D::R28 | D::R32),
    };
    let ye = |n| (n, Year, true);
    vec![
        rule(D::R01, "voucher created", ye(8), Delete, BOOKS, "bookkeeping", "(c)", LEGAL_DUTY),
        rule(
            D::R03,
            "message received or sent",
            ye(6),
            Delete,
            LETTERS,
            "commercial correspondence",
            "(c)",
            LEGAL_DUTY,
        ),
        rule(
            D::R04,
            "message received or sent",
            ye(6),
            Delete,
            LETTERS,
            "commercial correspondence",
            "(c)",
            LEGAL_DUTY,
        ),
        rule(D::R06, "case closed", (1, Year, false), Delete, "GDPR Art. 5(1)(e)", "advice", "(b), then (f)", None),
        rule(D::R07, "parcel delivered or lost", ye(3), Delete, CLAIMS, "proof of delivery", "(f)", None),
        rule(
            D::R09a,
            "case closed",
            (6, Month, false),
            Delete,
            "GDPR Art. 5(1)(e)",
            "evidence of a settled case",
            "(b)",
            None,
        ),
        rule(D::R09b, "case closed", ye(3), Delete, CLAIMS, "evidence for legal claims", "(f)", LEGAL_CLAIMS),
        rule(D::R11, "entry", ye(10), Delete, "GDPR Art. 5(2)", "accountability", "(c)", LEGAL_DUTY),
        rule(D::R12, "entry", (1, Year, false), Delete, "GDPR Art. 32", "security", "(c)", None),
        rule(D::R13, "erasure or run settled", ye(3), Delete, "GDPR Art. 5(2)", "proof of deletion", "(c)", LEGAL_DUTY),
        rule(
            D::R21,
            "last case closed or last order delivered",
            ye(3),
            Delete,
            CLAIMS,
            "reaching the customer",
            "(b), (f)",
            None,
        ),
        rule(D::R22, "superseded", ye(10), Delete, "AO § 147(3)", "organisational documents", "(c)", None),
        rule(D::R24, "case closed", ye(3), Anonymise, CLAIMS, "handling the case", "(f)", None),
        rule(
            D::R25,
            "last case closed or order delivered",
            ye(3),
            Anonymise,
            "BGB §§ 438, 199",
            "after-sales rights",
            "(b), (f)",
            None,
        ),
        rule(D::R27, "expired", (7, Day, false), Delete, "GDPR Art. 5(1)(e)", "access", "(b)", None),
        rule(D::R28, "created", (7, Day, false), Delete, "GDPR Art. 5(1)(e)", "doing nothing twice", "(f)", None),
        rule(D::R31, "left", ye(3), Delete, "BDSG § 26", "staff account", "(b)", None),
        rule(D::R32, "released", ye(3), Delete, "GDPR Art. 5(2)", "legal hold", "(c)", LEGAL_DUTY),
        rule(D::R33, "sent or given up", (30, Day, false), Delete, "GDPR Art. 5(1)(e)", "delivery", "(b)", None),
        rule(D::R34, "erasure", ye(10), Delete, "GDPR Art. 5(2), 17", "keeping erased data erased", "(c)", LEGAL_DUTY),
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
    fn every_data_type_but_r00_has_exactly_one_rule() {
        use sea_orm::Iterable;
        for data_type in DataType::iter() {
            let rules = shipped().iter().filter(|r| r.data_type == data_type).count();
            assert_eq!(rules, usize::from(data_type != DataType::R00), "{data_type:?}");
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
        /// A sweep that reads only the index range never misses a due row.
        #[test]
        fn the_index_range_holds_every_due_row(start in 1_262_300_400_i64..1_893_452_400, wait in 0_i64..400_000_000) {
            let start = DateTime::from_timestamp(start, 0).unwrap();
            let now = start + chrono::TimeDelta::seconds(wait);
            for rule in shipped() {
                prop_assert!(!rule.is_over(start, now) || start < rule.started_before(now), "{rule:?}");
                prop_assert_eq!(rule.is_over(start, now), calendar::day_of(now) > rule.last_day(start));
            }
        }
    }
}
