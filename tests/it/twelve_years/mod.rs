//! Twelve years, day by day: thousands of people live, the nightly job runs every night, and a second opinion, written
//! apart from the engine, says for each record until when it must be there and from when on it must be gone.

mod bulk;
mod deeds;
mod figures;
mod history;
mod observe;
mod oracle;
mod plan;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant as Stopwatch};

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};

use crate::on_both_engines;
use deeds::Life;
use plan::{Chance, Deed, story};
use world::World;

/// From 10 March 2014 to 10 March 2026.
const DAYS: u64 = 4383;
/// Lives that are lived through the API, begun in the first two years, and those that are written in batches.
const LIVES: u64 = 96;
const BATCHES: u64 = 44;
const PEOPLE: usize = 50;
const SEED: u64 = 20_140_310;

/// Who does what on which day: lives by their number, none for a batch.
fn plan(chance: &mut Chance) -> BTreeMap<u64, Vec<Option<(usize, Deed)>>> {
    let mut days: BTreeMap<u64, Vec<Option<(usize, Deed)>>> = BTreeMap::new();
    for number in 0..LIVES {
        let mut on = chance.below(700);
        for (after, deed) in story(number, chance) {
            on += after;
            days.entry(on).or_default().push(Some((usize::try_from(number).unwrap(), deed)));
        }
    }
    for batch in 0..BATCHES {
        days.entry(66 + batch * 22).or_default().push(None);
    }
    days
}

fn morning(day: NaiveDate) -> history::Instant {
    day.and_time(NaiveTime::from_hms_opt(8, 0, 0).unwrap()).and_utc()
}

on_both_engines! {
    /// F83 to F86, S71, S72: no record outlives its rule and none is gone before, for twelve years; afterwards nothing
    /// personal is left.
    async fn no_record_outlives_or_underlives_its_rule(app) {
        let mut chance = Chance::seeded(crate::support::seed(SEED));
        let plan = plan(&mut chance);
        let mut lives: Vec<Life> = (0..LIVES).map(|n| Life::new(&format!("life{n}"))).collect();
        let mut world = World::default();
        let first = oracle::day(app.now());
        let (mut daily, mut nightly, mut checks) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for n in 0..=DAYS {
            let today = first + Days::new(n);
            let begun = Stopwatch::now();
            if n > 0 {
                app.clock.set(oracle::night(today));
                app.run_job("retention").await;
                nightly += begun.elapsed();
            }
            let begun = Stopwatch::now();
            world.after_the_night(app, today).await;
            checks += begun.elapsed();
            let begun = Stopwatch::now();
            app.clock.set(morning(today));
            let since = app.now();
            let new_year = today.to_string().ends_with("-01-01");
            if new_year || n == DAYS {
                for job in ["outbox", "reaper"] {
                    app.run_job(job).await;
                }
                // Before anybody does anything: an erasure does not wait for the night.
                world.after_the_day(app, since, today).await;
                world.take_stock(app, today).await;
                eprintln!("{today} {}; deeds {daily:.1?}, nights {nightly:.1?}, checks {checks:.1?}", world.tally());
            }
            for what in plan.get(&n).into_iter().flatten() {
                app.advance(TimeDelta::minutes(1));
                match what {
                    Some((who, deed)) => lives[*who].act(app, &mut world.history, *deed).await,
                    None => {
                        let until = since - TimeDelta::days(1);
                        let made = bulk::live(app, &mut world.history, &mut chance, PEOPLE, until).await;
                        world.keep(made, today);
                    }
                }
            }
            if n.is_multiple_of(10) {
                world.timers(app).await;
            }
            if plan.contains_key(&n) || n.is_multiple_of(10) {
                world.after_the_day(app, since, today).await;
            }
            daily += begun.elapsed();
        }
        world.nothing_personal_is_left(app).await;
    }
}
