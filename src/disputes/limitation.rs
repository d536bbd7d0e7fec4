//! Until when something can still be claimed after a dispute has ended: what was suspended runs on (BGB §§ 203, 204, 209).

use chrono::{DateTime, Utc};
use entity::disputes::State;

use crate::policy::calendar;
use crate::policy::deadline::{Facts, Pause};
use crate::policy::rules::RuleId;
use crate::policy::shop::Policy;
use crate::policy::words::words;

/// What is known when a dispute ends.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// Where it stood: settled between the parties, or before a board or court.
    pub from: State,
    /// Since when the parties have negotiated: the case was opened.
    pub talks_since: DateTime<Utc>,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// When the goods were delivered, if they were.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// The first instant after which nothing can be claimed any more. Proceedings suspend limitation until six months after
/// they have ended (BGB § 204(2)); after negotiations at least three months are left (§ 203 sentence 2). The rest of the
/// warranty runs on after the suspension (§ 209). A title of thirty years (§ 197) needs a hold by hand.
#[must_use]
pub fn until(policy: &Policy, ended: Ended) -> DateTime<Utc> {
    let months_after = |months| {
        let day = calendar::plus_months(calendar::day_of(ended.at), months);
        calendar::start_of(calendar::plus_days(day, 1))
    };
    let (suspended_until, least) = match ended.from {
        State::Conciliation | State::Court => (months_after(6), months_after(6)),
        State::Open | State::Settled | State::Closed => (ended.at, months_after(3)),
    };
    let warranty = ended.delivered_at.zip(policy.rule(RuleId::Warranty)).and_then(|(delivered, rule)| {
        let from = ended.talks_since.max(delivered);
        let reason = words("Verhandlungen oder Verfahren", "negotiations or proceedings");
        let pauses = vec![Pause { from, to: suspended_until, reason }];
        policy.deadline(&rule, &Facts { pauses, ..Facts::from(delivered) }).ok()
    });
    warranty.map_or(least, |deadline| deadline.ends_at.max(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(from: State, delivered: Option<&str>) -> String {
        let ended = Ended {
            from,
            talks_since: instant("2014-03-10T09:00:00Z"),
            at: instant("2014-04-30T10:00:00Z"),
            delivered_at: delivered.map(instant),
        };
        until(Policy::shipped(), ended).to_rfc3339()
    }

    /// F61: six months after proceedings, three after negotiations; the first instant of the next day in Berlin.
    #[test]
    fn the_end_counts_from_the_end_of_the_dispute() {
        assert_eq!(day(State::Settled, None), "2014-07-30T22:00:00+00:00");
        assert_eq!(day(State::Conciliation, None), "2014-10-30T23:00:00+00:00");
        assert_eq!(day(State::Court, None), "2014-10-30T23:00:00+00:00");
    }

    /// § 209: two years from the delivery, and every day of the suspension on top. 10 March to 30 April are 52 days,
    /// 10 March to 30 October 2014 are 235.
    #[test]
    fn what_is_left_of_the_warranty_runs_on() {
        assert_eq!(day(State::Settled, Some("2014-03-01T12:00:00Z")), "2016-04-22T22:00:00+00:00");
        assert_eq!(day(State::Conciliation, Some("2014-03-01T12:00:00Z")), "2016-10-22T22:00:00+00:00");
    }

    /// What had become time-barred before stays so; the least period holds all the same.
    #[test]
    fn an_old_claim_does_not_come_back() {
        assert_eq!(day(State::Settled, Some("2010-03-01T12:00:00Z")), "2014-07-30T22:00:00+00:00");
    }
}
