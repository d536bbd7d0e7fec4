//! A hundred thousand deadlines with their explanations beside bare date arithmetic, in one run:
//! `cargo bench --bench deadlines`. `benches/README.md` says what the numbers mean.
#![expect(clippy::unwrap_used, reason = "a bench stops where it is wrong")]

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Instant;

use aftersales::policy::calendar;
use aftersales::policy::deadline::Facts;
use aftersales::policy::holidays::{Land, holiday};
use aftersales::policy::rules::{Event, Length, Roll, Rule, RuleId};
use aftersales::policy::shop::Policy;
use aftersales::policy::step::replay;
use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc, Weekday};

const ROUNDS: usize = 5;

/// A deterministic walk over starts and Länder (the constants of Knuth's MMIX).
struct Mix(u64);

impl Mix {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn facts(mix: &mut Mix) -> Facts {
    let start = DateTime::from_timestamp(1_577_836_800 + i64::try_from(mix.next(473_385_600)).unwrap(), 0).unwrap();
    let land = Land::ALL.get(usize::try_from(mix.next(20)).unwrap()).copied();
    let later = |days: u64| start + TimeDelta::days(i64::try_from(days).unwrap());
    let events = [(Event::DefectShown, later(mix.next(900))), (Event::HandedOver, later(mix.next(900)))].into();
    Facts { land, events, ..Facts::from(start) }
}

/// The same last day by bare arithmetic, for the rules that are a span and a roll, or Werktage.
fn bare(rule: &Rule, facts: &Facts, holidays: &HashSet<(NaiveDate, Option<Land>)>) -> Option<NaiveDate> {
    let start = calendar::day_of(facts.start);
    let rests = |day: NaiveDate, land: Option<Land>| {
        holidays.contains(&(day, None)) || land.is_some_and(|l| holidays.contains(&(day, Some(l))))
    };
    match &rule.length {
        Length::Spans(spans) if rule.bounds.is_empty() && rule.extension.is_none() => {
            let mut day = spans.iter().fold(start, |day, span| span.after(day));
            let land = facts.land.filter(|_| rule.roll == Roll::Lands);
            while rule.roll != Roll::Never && (matches!(day.weekday(), Weekday::Sat | Weekday::Sun) || rests(day, land))
            {
                day = day.succ_opt()?;
            }
            Some(day)
        }
        Length::Werktage { last, .. } => {
            let (mut day, mut left) = (start, *last);
            while left > 0 {
                day = day.succ_opt()?;
                left -= u32::from(day.weekday() != Weekday::Sun && !rests(day, None));
            }
            Some(day)
        }
        _ => None,
    }
}

/// The median of a few rounds, in nanoseconds per call.
fn measure(calls: usize, mut work: impl FnMut()) -> u128 {
    let mut rounds: Vec<u128> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_nanos() / u128::try_from(calls).unwrap()
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}

fn main() {
    let measured = std::env::args().any(|argument| argument == "--bench");
    let each = if measured { 100_000 / RuleId::DEADLINES.len() } else { 200 };
    let mut holidays = HashSet::new();
    for day in "2020-01-01".parse::<NaiveDate>().unwrap().iter_days().take_while(|d| d.year() < 2040) {
        holidays.extend(holiday(day, &[]).map(|_| (day, None)));
        holidays.extend(Land::ALL.into_iter().filter(|l| holiday(day, &[*l]).is_some()).map(|l| (day, Some(l))));
    }
    let policy = Policy::shipped();
    let (mut total, mut count): (u128, usize) = (0, 0);
    println!("{:<26} {:>10} {:>10} {:>10} {:>7}", "rule", "ours ns", "bare ns", "replay ns", "ratio");
    for id in RuleId::DEADLINES {
        let rule = policy.rule(*id).unwrap();
        let mut mix = Mix(7);
        let all: Vec<Facts> = (0..each).map(|_| facts(&mut mix)).collect();
        let reckoned: Vec<_> = all.iter().map(|f| policy.deadline(&rule, f).unwrap()).collect();
        for (facts, deadline) in all.iter().zip(&reckoned) {
            assert_eq!(replay(&deadline.steps), Some(deadline.ends_at), "{id} {facts:?}");
            assert!(bare(&rule, facts, &holidays).is_none_or(|day| day == deadline.ends_on), "{id} {facts:?}");
        }
        let ours = measure(each, || all.iter().for_each(|f| drop(black_box(policy.deadline(&rule, f)))));
        let back = measure(each, || {
            reckoned.iter().for_each(|d| {
                let _: Option<DateTime<Utc>> = black_box(replay(&d.steps));
            });
        });
        let compared = all.first().is_some_and(|f| bare(&rule, f, &holidays).is_some());
        let peer = measure(each, || {
            all.iter().for_each(|f| {
                let _: Option<NaiveDate> = black_box(bare(&rule, f, &holidays));
            });
        });
        (total, count) = (total + ours * u128::try_from(each).unwrap(), count + each);
        let (peer, ratio) = match compared {
            true => (peer.to_string(), format!("{:.1}", ours as f64 / peer.max(1) as f64)),
            false => ("-".to_owned(), "-".to_owned()),
        };
        println!("{:<26} {ours:>10} {peer:>10} {back:>10} {ratio:>7}", id.to_string());
    }
    let one = total / u128::try_from(count).unwrap();
    println!("{count} deadlines with explanations: {one} ns each on average");
}
