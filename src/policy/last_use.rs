//! When the last use of an order or a case in service has ended: afterwards it is kept for a duty or a claim alone
//! (GDPR Art. 5(1)(b), 25(2)), out of search and normal reads.

use chrono::{DateTime, TimeDelta, Utc};

use super::calendar;
use super::rules::{Length, Rule};

/// How long a defect that showed on the last day can still be claimed (BGB § 475e(3)).
const LATE_DEFECT_MONTHS: u32 = 4;

/// What an order has seen.
#[derive(Clone, Copy, Debug)]
pub struct OrderLife {
    /// When the contract was concluded.
    pub ordered_at: DateTime<Utc>,
    /// When its last parcel was delivered; none: nobody has reported it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When the last goods repaired or replaced were handed over.
    pub cured_at: Option<DateTime<Utc>>,
    /// Whether any of them was repaired.
    pub repaired: bool,
    /// How long complaints about it were examined, in sum: negotiating suspends limitation (BGB § 203).
    pub negotiated: TimeDelta,
    /// When its last case closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The longest guarantee for anything in it, in months from the delivery; 0: none.
    pub guarantee_months: u32,
    /// When limitation ends at the latest by its disputes; none: there was none, or none has ended.
    pub disputed_until: Option<DateTime<Utc>>,
}

/// The first instant at which nothing of an order can be asked for any more: two years from delivery (BGB § 438(1) no. 3),
/// one more after a repair, four months for a defect that showed on the last day (§ 475e(3)), two months from the last hand-over
/// after cure (§ 475e(4)), with the time of negotiations added, and three months after they ended (§ 203 sentence 2); a guarantee as long as it was given for
/// (§ 443), and what was disputed until limitation ends by the proceedings (§ 204(2)). `warranty` is the shop's rule
/// [`RuleId::WarrantyAfterRepair`](super::rules::RuleId): its period, and what a repair adds under which contracts.
#[must_use]
pub fn of_order(life: OrderLife, warranty: &Rule) -> DateTime<Utc> {
    let begin = calendar::day_of(life.delivered_at.or(life.closed_at).unwrap_or(life.ordered_at).max(life.ordered_at));
    let is_new = warranty.contracts_from.is_some_and(|from| calendar::day_of(life.ordered_at) >= from);
    let extension = warranty.extension.filter(|_| life.repaired && is_new).map(|more| more.span);
    let spans = if let Length::Spans(spans) = &warranty.length { spans.as_slice() } else { &[] };
    let warranted = spans.iter().copied().chain(extension).fold(begin, |day, span| span.after(day));
    let warranty = calendar::plus_months(warranted, LATE_DEFECT_MONTHS);
    let negotiated = u32::try_from(life.negotiated.num_days().max(0)).unwrap_or(u32::MAX);
    let mut last = calendar::plus_days(warranty, negotiated.saturating_add(u32::from(negotiated > 0)));
    last = last.max(calendar::plus_months(begin, life.guarantee_months));
    if let Some(cured) = life.cured_at {
        last = last.max(calendar::plus_months(calendar::day_of(cured), 2));
    }
    if let Some(closed) = life.closed_at {
        last = last.max(calendar::plus_months(calendar::day_of(closed), 3));
    }
    calendar::start_of(calendar::plus_days(last, 1)).max(life.disputed_until.unwrap_or_default())
}

/// The first instant at which a case without an order is of no use any more: a year after closing, when the advice in it
/// goes, too (R06).
#[must_use]
pub fn of_case_without_order(closed_at: DateTime<Utc>) -> DateTime<Utc> {
    let last = calendar::plus_months(calendar::day_of(closed_at), 12);
    calendar::start_of(calendar::plus_days(last, 1))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use entity::retention_rules::PeriodUnit;

    use super::*;
    use crate::policy::rules::{RuleId, statute};
    use crate::policy::step::Span;

    fn shipped() -> Rule {
        statute(RuleId::WarrantyAfterRepair).unwrap()
    }

    fn at(day: &str) -> DateTime<Utc> {
        format!("{day}T10:00:00Z").parse().unwrap()
    }

    fn life(ordered: &str, delivered: &str) -> OrderLife {
        OrderLife {
            ordered_at: at(ordered),
            delivered_at: Some(at(delivered)),
            cured_at: None,
            repaired: false,
            negotiated: TimeDelta::zero(),
            closed_at: None,
            guarantee_months: 0,
            disputed_until: None,
        }
    }

    fn last_day(life: OrderLife) -> String {
        calendar::day_of(of_order(life, &shipped()) - TimeDelta::seconds(1)).to_string()
    }

    /// domain 1.1, W2 with W2a: "so real maximum about 28 months".
    #[test]
    fn warranty_lasts_two_years_and_four_months_at_most() {
        assert_eq!(last_day(life("2026-11-01", "2026-11-06")), "2029-03-06");
    }

    /// BGB § 443: rights under a guarantee stand beside those of the law.
    #[test]
    fn a_guarantee_lasts_as_long_as_it_was_given_for() {
        let guaranteed = |months| last_day(OrderLife { guarantee_months: months, ..life("2026-11-01", "2026-11-06") });
        assert_eq!((guaranteed(24), guaranteed(60)), ("2029-03-06".to_owned(), "2031-11-06".to_owned()));
    }

    /// BGB § 204(2): six months after proceedings, which may last.
    #[test]
    fn proceedings_put_it_off() {
        let disputed = OrderLife { disputed_until: Some(at("2030-01-15")), ..life("2026-11-01", "2026-11-06") };
        assert_eq!(of_order(disputed, &shipped()), at("2030-01-15"));
    }

    /// domain 1.1, W2c: once, and for contracts from 31 July 2026 on.
    #[test]
    fn a_repair_adds_a_year_under_the_new_law_only() {
        let repaired = |ordered, delivered| OrderLife { repaired: true, ..life(ordered, delivered) };
        assert_eq!(last_day(repaired("2026-07-31", "2026-08-03")), "2029-12-03");
        assert_eq!(last_day(repaired("2026-07-30", "2026-08-03")), "2028-12-03");
        let by = |rule| {
            let end = of_order(repaired("2026-07-30", "2026-08-03"), &rule);
            calendar::day_of(end - TimeDelta::seconds(1)).to_string()
        };
        let from = NaiveDate::from_ymd_opt(2026, 1, 1);
        assert_eq!(by(Rule { contracts_from: from, ..shipped() }), "2029-12-03", "counsel reads it otherwise");
        assert_eq!(by(Rule { contracts_from: None, ..shipped() }), "2028-12-03", "and may switch it off");
        let generous = Length::Spans(vec![Span { count: 3, unit: PeriodUnit::Year }]);
        assert_eq!(by(Rule { length: generous, ..shipped() }), "2029-12-03", "three years by the shop's own promise");
    }

    /// domain 1.1, W2b and SUSP.
    #[test]
    fn a_late_cure_and_negotiations_put_it_off() {
        let late = OrderLife { cured_at: Some(at("2029-02-20")), ..life("2026-11-01", "2026-11-06") };
        assert_eq!(last_day(late), "2029-04-20");
        let long = OrderLife { negotiated: TimeDelta::days(30), ..life("2026-11-01", "2026-11-06") };
        assert_eq!(last_day(long), "2029-04-06");
        let closed_late = OrderLife { closed_at: Some(at("2029-03-01")), ..life("2026-11-01", "2026-11-06") };
        assert_eq!(last_day(closed_late), "2029-06-01");
    }
}
