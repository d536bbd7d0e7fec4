//! Measuring what was done: time in service hours less pauses, and percentiles.

use chrono::{DateTime, TimeDelta, Utc};

use super::calendar;
use super::deadline::Calendars;
use super::hours::{Interval, without};
use super::workdays::Workdays;

/// Whole minutes of service between two instants, without holidays, days on which the shop is closed, and pauses: what
/// a period in service minutes counts.
#[must_use]
pub fn service_minutes(calendars: &Calendars<'_>, (from, to): Interval, pauses: &[Interval]) -> i64 {
    let days = Workdays { saturday_rests: false, lands: Vec::new(), extra: calendars.extra, closed_rests: true };
    let mut total = TimeDelta::zero();
    let mut day = calendars.hours.day_of(from);
    let last = calendars.hours.day_of(to);
    while from < to && day <= last {
        let spans = calendars.hours.spans(day);
        if !spans.is_empty() && days.day_off(day).is_none() {
            let cut = |(a, b): Interval| (a.max(from), b.min(to));
            let open = spans.into_iter().map(cut).filter(|(a, b)| a < b);
            total += open.flat_map(|span| without(span, pauses)).map(|(a, b): Interval| b - a).sum::<TimeDelta>();
        }
        let next = calendar::plus_days(day, 1);
        if next == day {
            break;
        }
        day = next;
    }
    total.num_minutes()
}

/// The value that so many per cent of the values do not pass, by nearest rank; none of none. Sorts.
#[must_use]
pub fn percentile(values: &mut [i64], percent: usize) -> Option<i64> {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

/// An instant's place in a pause is known only once it ends: one that lasts counts up to `now`.
#[must_use]
pub fn ended(from: DateTime<Utc>, to: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Interval {
    (from, to.unwrap_or(now).max(from))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::shop::Policy;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Minute by minute, from the clock on the wall alone.
    fn oracle(policy: &Policy, from: DateTime<Utc>, to: DateTime<Utc>, pauses: &[Interval]) -> i64 {
        use chrono::{Datelike as _, Timelike as _};
        let hours = &policy.service_hours;
        let (mut at, mut count) = (from, 0);
        while at < to {
            let wall = at.with_timezone(&hours.tz().unwrap());
            let minute = wall.hour() * 60 + wall.minute();
            let windows = hours.week()[wall.weekday().num_days_from_monday() as usize];
            let open = windows.iter().any(|w| w.from <= minute && minute < w.to);
            let holiday = crate::policy::holidays::holiday(wall.date_naive(), &[]).is_some();
            let closed = policy.calendar.extra_days.iter().any(|day| day.date == wall.date_naive());
            let paused = pauses.iter().any(|(a, b)| *a <= at && at < *b);
            count += i64::from(open && !holiday && !closed && !paused);
            at += TimeDelta::minutes(1);
        }
        count
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// S20: across nights, weekends, Easter and both changes of the clock, with pauses that overlap.
        #[test]
        fn service_minutes_are_those_of_the_clock_on_the_wall(
            begin in prop::sample::select(vec!["2026-03-27T06:00:00Z", "2026-10-23T05:00:00Z", "2026-04-01T10:00:00Z", "2026-12-23T00:00:00Z"]),
            after in 0_i64..4000, lasts in 0_i64..9000,
            pauses in prop::collection::vec((0_i64..9000, 0_i64..3000), 0..4),
        ) {
            let policy = Policy::shipped();
            let from = instant(begin) + TimeDelta::minutes(after);
            let to = from + TimeDelta::minutes(lasts);
            let pauses: Vec<Interval> = pauses.into_iter().map(|(a, n)| {
                (from + TimeDelta::minutes(a), from + TimeDelta::minutes(a + n))
            }).collect();
            prop_assert_eq!(
                service_minutes(&policy.calendars(), (from, to), &pauses),
                oracle(policy, from, to, &pauses)
            );
        }
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(percentile(&mut [], 50), None);
        assert_eq!(percentile(&mut [7], 90), Some(7));
        assert_eq!(percentile(&mut [4, 1, 3, 2], 50), Some(2));
        let mut ten: Vec<i64> = (1..=10).rev().collect();
        assert_eq!((percentile(&mut ten, 50), percentile(&mut ten, 90)), (Some(5), Some(9)));
    }
}
