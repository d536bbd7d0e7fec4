//! A deliberately naive oracle beside the engine: it walks day by day and minute by minute on plain numbers, with a
//! calendar of its own. It shares nothing with the engine but the rule that is asked.

use std::collections::HashMap;
use std::sync::LazyLock;

use aftersales::policy::deadline::{Facts, Pause};
use aftersales::policy::holidays::Land;
use aftersales::policy::hours::Window;
use aftersales::policy::rules::{Event, Length, RuleId, days, months};
use aftersales::policy::shop::Policy;
use aftersales::policy::words::words;
use aftersales::policy::workdays::{ExtraDay, ExtraKind, Werktag};
use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Timelike as _, Utc};
use entity::retention_rules::PeriodUnit;
use proptest::prelude::*;

type Day = (i32, u32, u32);

const EASTER: [(u32, u32); 22] = [
    (4, 21),
    (4, 12),
    (4, 4),
    (4, 17),
    (4, 9),
    (3, 31),
    (4, 20),
    (4, 5),
    (3, 28),
    (4, 16),
    (4, 1),
    (4, 21),
    (4, 13),
    (3, 28),
    (4, 17),
    (4, 9),
    (3, 25),
    (4, 13),
    (4, 5),
    (4, 25),
    (4, 10),
    (4, 1),
];

fn length(y: i32, m: u32) -> u32 {
    match m {
        2 if y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn next((y, m, d): Day) -> Day {
    if d < length(y, m) {
        (y, m, d + 1)
    } else if m < 12 {
        (y, m + 1, 1)
    } else {
        (y + 1, 1, 1)
    }
}

fn walk(day: Day, n: u32) -> Day {
    (0..n).fold(day, |day, _| next(day))
}

/// Days since 1 January 2019, a Tuesday, by walking once.
static NUMBERS: LazyLock<HashMap<Day, u32>> = LazyLock::new(|| {
    let (mut day, mut numbers) = ((2019, 1, 1), HashMap::new());
    while day.0 < 2043 {
        numbers.insert(day, u32::try_from(numbers.len()).unwrap());
        day = next(day);
    }
    numbers
});

fn number(day: Day) -> u32 {
    NUMBERS[&day]
}

/// 0 for Monday.
fn weekday(day: Day) -> u32 {
    (number(day) + 1) % 7
}

fn nationwide(day: Day) -> bool {
    let (y, m, d) = day;
    let (month, date) = EASTER[usize::try_from(y - 2019).unwrap()];
    let easter = number((y, month, date));
    let fixed = [(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)].contains(&(m, d));
    let n = number(day);
    fixed || n + 2 == easter || n == easter + 1 || n == easter + 39 || n == easter + 50
}

fn bavarian(day: Day) -> bool {
    let (y, m, d) = day;
    let (month, date) = EASTER[usize::try_from(y - 2019).unwrap()];
    nationwide(day) || [(1, 6), (11, 1)].contains(&(m, d)) || number(day) == number((y, month, date)) + 60
}

fn last_sunday(y: i32, m: u32) -> Day {
    let mut day = (y, m, length(y, m));
    while weekday(day) != 6 {
        day.2 -= 1;
    }
    day
}

/// Minutes of Berlin ahead of UTC, at a UTC day and minute.
fn ahead(day: Day, minute: u32) -> u32 {
    let at = (day, minute);
    let summer = at >= (last_sunday(day.0, 3), 60) && at < (last_sunday(day.0, 10), 60);
    if summer { 120 } else { 60 }
}

fn utc(instant: DateTime<Utc>) -> (Day, u32) {
    ((instant.year(), instant.month(), instant.day()), instant.hour() * 60 + instant.minute())
}

/// The Berlin day and minute of a UTC day and minute.
fn berlin((day, minute): (Day, u32)) -> (Day, u32) {
    let local = minute + ahead(day, minute);
    if local >= 1440 { (next(day), local - 1440) } else { (day, local) }
}

fn of(instant: DateTime<Utc>) -> Day {
    berlin(utc(instant)).0
}

/// The first instant after a Berlin day.
fn over(day: Day) -> DateTime<Utc> {
    let minutes = 1440 - ahead(day, 1380);
    let midnight = NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    midnight + TimeDelta::minutes(i64::from(minutes))
}

fn plus_months((y, m, d): Day, n: u32) -> Day {
    let (mut y, mut m) = (y, m);
    for _ in 0..n {
        (y, m) = if m == 12 { (y + 1, 1) } else { (y, m + 1) };
    }
    (y, m, d.min(length(y, m)))
}

fn is(day: NaiveDate, naive: Day) -> bool {
    Some(day) == NaiveDate::from_ymd_opt(naive.0, naive.1, naive.2)
}

/// Whole civil days from the day on which a pause begins to the day before the one on which it ends.
fn paused(day: Day, pauses: &[Pause]) -> bool {
    pauses.iter().any(|p| of(p.from) <= day && day < of(p.to))
}

/// Puts an end off by the paused days after the start, pause by pause, as long as a pause begins before the end.
fn put_off(start: Day, mut end: Day, pauses: &[Pause]) -> Day {
    let mut day = next(start);
    while day <= end {
        if paused(day, pauses) {
            while paused(day, pauses) {
                (day, end) = (next(day), next(end));
            }
        } else {
            day = next(day);
        }
    }
    end
}

fn roll(mut day: Day, land: bool) -> Day {
    while weekday(day) >= 5 || if land { bavarian(day) } else { nationwide(day) } {
        day = next(day);
    }
    day
}

/// Starts of 2020 to 2035 on whole minutes, half of them around a change of the clock.
fn start() -> impl Strategy<Value = DateTime<Utc>> {
    let any = 26_297_280_i64..34_700_000;
    let change = (0_i64..15, prop::bool::ANY, -2880_i64..2880).prop_map(|(year, spring, off)| {
        let y = 2020 + i32::try_from(year).unwrap();
        let (y, m, d) = last_sunday(y, if spring { 3 } else { 10 });
        let at = NaiveDate::from_ymd_opt(y, m, d).unwrap().and_hms_opt(1, 0, 0).unwrap().and_utc();
        at.timestamp() / 60 + off
    });
    prop_oneof![any, change].prop_map(|minute| DateTime::from_timestamp(minute * 60, 0).unwrap())
}

fn pauses(most_days: i64) -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((0..most_days * 1440, 1..8 * 1440_i64), 0..3)
}

fn at(start: DateTime<Utc>, pauses: &[(i64, i64)]) -> Vec<Pause> {
    let pause = |(from, long): &(i64, i64)| {
        let from = start + TimeDelta::minutes(*from);
        Pause { from, to: from + TimeDelta::minutes(*long), reason: words("Test", "test") }
    };
    pauses.iter().map(pause).collect()
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    (0_u32..300, 1_u32..200, 1_u32..400, 1_u32..300).prop_map(|(from, long, gap, longer)| {
        let second = from + long + gap;
        vec![Window { from, to: from + long }, Window { from: second, to: second + longer }]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// F50, F53, N2: business minutes, minute by minute, through breaks, holidays, pauses and both changes of the clock.
    #[test]
    fn business_minutes_are_those_of_a_walk_through_every_minute(
        start in start(), minutes in 1_u32..900, night in windows(), day in windows(), pauses in pauses(6), closed in 0_u32..4,
    ) {
        let mut policy = Policy::shipped().clone();
        let hours = &mut policy.service_hours;
        (hours.monday, hours.wednesday, hours.sunday) = (night.clone(), day.clone(), night.clone());
        (hours.tuesday, hours.thursday, hours.friday, hours.saturday) = (day.clone(), night.clone(), Vec::new(), day.clone());
        let off = walk(of(start), closed);
        let date = NaiveDate::from_ymd_opt(off.0, off.1, off.2).unwrap();
        policy.calendar.extra_days = vec![ExtraDay {
            date, kind: ExtraKind::Closed, de: "zu".into(), en: "closed".into(), lands: vec![], source: String::new(),
        }];
        let mut rule = policy.rule(RuleId::FirstResponse).unwrap();
        rule.length = Length::ServiceMinutes(minutes);
        let pauses = at(start, &pauses);
        let found = policy.deadline(&rule, &Facts { pauses: pauses.clone(), ..Facts::from(start) }).unwrap();

        let week = [&night, &day, &day, &night, &Vec::new(), &day, &night];
        // Monday night, Tuesday day, Wednesday day, Thursday night, Friday none, Saturday day, Sunday night.
        let (mut now, mut counted) = (start, 0);
        let mut rests = HashMap::new();
        while counted < minutes {
            let (day, minute) = berlin(utc(now));
            let (weekday, rest) = *rests.entry(day).or_insert_with(|| (weekday(day), nationwide(day) || day == off));
            let open = week[weekday as usize].iter().any(|w| w.from <= minute && minute < w.to);
            let waits = pauses.iter().any(|p| p.from <= now && now < p.to);
            counted += u32::from(open && !rest && !waits);
            now += TimeDelta::minutes(1);
        }
        prop_assert_eq!(found.ends_at, now);
    }

    /// F52, F53: Werktage, day by day, with both settings, days of the shop's own and pauses.
    #[test]
    fn werktage_are_those_of_a_walk_through_every_day(
        start in start(), last in 1_u32..20, mon_fri in prop::bool::ANY, closed in 1_u32..20, pauses in pauses(20),
    ) {
        let mut policy = Policy::shipped().clone();
        policy.calendar.werktag = if mon_fri { Werktag::MonFri } else { Werktag::MonSat };
        let off = walk(of(start), closed);
        let date = NaiveDate::from_ymd_opt(off.0, off.1, off.2).unwrap();
        let kind = if last % 2 == 0 { ExtraKind::Closed } else { ExtraKind::Holiday };
        policy.calendar.extra_days =
            vec![ExtraDay { date, kind, de: "zu".into(), en: "closed".into(), lands: vec![], source: String::new() }];
        let mut rule = policy.rule(RuleId::RefundCredit).unwrap();
        rule.length = Length::Werktage { earliest: Some(last.div_ceil(2)), last };
        let pauses = at(start, &pauses);
        let found = policy.deadline(&rule, &Facts { pauses: pauses.clone(), ..Facts::from(start) }).unwrap();
        let (mut day, mut n, mut earliest) = (of(start), 0, None);
        while n < last {
            day = next(day);
            let rests = weekday(day) == 6 || (mon_fri && weekday(day) == 5) || nationwide(day) || day == off;
            n += u32::from(!rests && !paused(day, &pauses));
            if n == last.div_ceil(2) && earliest.is_none() {
                earliest = Some(day);
            }
        }
        prop_assert!(is(found.ends_on, day), "{:?} instead of {day:?}", found.ends_on);
        prop_assert!(is(found.earliest.unwrap(), earliest.unwrap()));
        prop_assert_eq!(found.ends_at, over(day));
    }

    /// F54: months, then days, then pauses, then one roll (BGB §§ 187, 188, 193), nationwide and in Bavaria.
    #[test]
    fn windows_end_where_a_walk_ends(
        start in start(), long in 0_u32..14, more in 1_u32..60, bavaria in prop::bool::ANY, pauses in pauses(60),
    ) {
        let policy = Policy::shipped();
        let mut rule = policy.rule(RuleId::ShopReturn).unwrap();
        let spans = if long == 0 { vec![days(more)] } else { vec![months(long), days(more)] };
        rule.length = Length::Spans(spans);
        let pauses = at(start, &pauses);
        let land = bavaria.then_some(Land::BY);
        let found = policy.deadline(&rule, &Facts { pauses: pauses.clone(), land, ..Facts::from(start) }).unwrap();
        let raw = walk(plus_months(of(start), long), more);
        let end = roll(put_off(of(start), raw, &pauses), bavaria);
        prop_assert!(is(found.ends_on, end), "{:?} instead of {end:?}", found.ends_on);
        prop_assert_eq!(found.ends_at, over(end));
    }

    /// GDPR Art. 12(3) by Regulation 1182/71: months, rolling over nationwide holidays whatever the Land.
    #[test]
    fn a_request_ends_where_a_walk_ends(start in start(), long in 1_u32..4) {
        let policy = Policy::shipped();
        let mut rule = policy.rule(RuleId::AccessRequest).unwrap();
        rule.length = Length::Spans(vec![months(long)]);
        let found = policy.deadline(&rule, &Facts { land: Some(Land::BY), ..Facts::from(start) }).unwrap();
        let end = roll(plus_months(of(start), long), false);
        prop_assert!(is(found.ends_on, end), "{:?} instead of {end:?}", found.ends_on);
        prop_assert_eq!(found.ends_at, over(end));
    }

    /// BGB §§ 203, 209, 475e(3), (4): every touched day is not counted, three months are left, tails only lengthen.
    #[test]
    fn limitation_ends_where_a_walk_ends(
        start in start(), from in 1_i64..1_050_000, long in 1_i64..200_000, shown in 0_i64..1_300_000, cured in 0_i64..1_300_000,
    ) {
        let policy = Policy::shipped();
        let later = |minutes: i64| start + TimeDelta::minutes(minutes);
        let pauses = at(start, &[(from, long)]);
        let base = plus_months(of(start), 24);
        let (first, last) = (of(pauses[0].from), of(pauses[0].to - TimeDelta::minutes(1)));
        let mut end = base;
        let mut day = if first > of(start) { first } else { next(of(start)) };
        if first <= base {
            while day <= last {
                (day, end) = (next(day), next(end));
            }
            end = end.max(plus_months(last, 3));
        }
        // Talks that begin after the ordinary end, but before that of a tail, leave three months as well.
        let in_tail = |end: Day| if first > base && first <= end { end.max(plus_months(last, 3)) } else { end };
        let plain = Facts { pauses, ..Facts::from(start) };
        let found = policy.deadline(&policy.rule(RuleId::Warranty).unwrap(), &plain).unwrap();
        prop_assert!(is(found.ends_on, end), "{:?} instead of {end:?}", found.ends_on);

        let late = Facts { events: [(Event::DefectShown, later(shown))].into(), ..plain.clone() };
        let found = policy.deadline(&policy.rule(RuleId::WarrantyLateDefect).unwrap(), &late).unwrap();
        let tail = plus_months(of(later(shown)), 4);
        let expected = in_tail(if of(later(shown)) <= end { end.max(tail) } else { end });
        prop_assert!(is(found.ends_on, expected), "late defect: {:?} instead of {expected:?}", found.ends_on);

        let cure = Facts { events: [(Event::HandedOver, later(cured))].into(), ..plain };
        let found = policy.deadline(&policy.rule(RuleId::WarrantyAfterCure).unwrap(), &cure).unwrap();
        let expected = in_tail(end.max(plus_months(of(later(cured)), 2)));
        prop_assert!(is(found.ends_on, expected), "cure: {:?} instead of {expected:?}", found.ends_on);
        prop_assert_eq!(found.ends_at, over(expected));
    }

    /// AO § 147(4), BGB § 199: from the end of the year, or plainly; the rule and its deadline agree.
    #[test]
    fn data_is_kept_to_the_day_of_a_walk(start in start().prop_filter("before 2029", |s| of(*s).0 < 2029)) {
        let policy = Policy::shipped();
        for rule in policy.retention_rules() {
            let mut day = of(start);
            if rule.year_end {
                while (day.1, day.2) != (12, 31) {
                    day = next(day);
                }
            }
            let end = match rule.unit {
                PeriodUnit::Day => walk(day, rule.count),
                PeriodUnit::Month => plus_months(day, rule.count),
                PeriodUnit::Year => plus_months(day, rule.count * 12),
            };
            let found = policy.deadline(&rule.deadline_rule(), &Facts::from(start)).unwrap();
            prop_assert!(is(found.ends_on, end) && is(rule.last_day(start), end), "{:?}: {:?}", rule.data_type, found.ends_on);
            prop_assert_eq!((found.ends_at, rule.due_at(start)), (over(end), over(end)));
        }
    }

    /// GDPR Art. 33(1): 72 hours are 72 hours, whatever the clock on the wall does.
    #[test]
    fn seventy_two_hours_are_plain_hours(start in start()) {
        let policy = Policy::shipped();
        let found = policy.deadline(&policy.rule(RuleId::BreachNotice).unwrap(), &Facts::from(start)).unwrap();
        prop_assert_eq!(found.ends_at, start + TimeDelta::seconds(259_200));
    }
}
