//! What has to remain of cases and order lines: counts by year, kept by hand from what has gone, with a calendar of their
//! own, and never a row that is anybody's.

use std::collections::{BTreeMap, BTreeSet};

use aftersales::db;
use chrono::{Datelike as _, NaiveDate};

use super::history::{History, Instant};
use super::oracle::{Record, day};
use crate::support::App;

/// No smaller count outlives its year.
const SMALLEST: i64 = 5;
const WITHHELD: &str = "*";
/// Nine properties of a case and two of a line, each by itself and with each other one.
const PAIRS: [(&str, usize); 2] = [("CASES", 45), ("ORDER_LINES", 3)];

/// What is counted, and the year in which it counts.
type Of = (&'static str, i32);

/// What has gone in a year, and how often with which value: only properties that the test knows by itself.
#[derive(Default)]
struct Gone {
    count: i64,
    by: BTreeMap<&'static str, BTreeMap<String, i64>>,
}

#[derive(Default)]
pub struct Figures(BTreeMap<Of, Gone>);

/// A case counts in the year in which it ended, a line in that of its order; both as a day in Berlin sees it.
fn counts(history: &History, r: &Record) -> Option<(&'static str, Instant)> {
    match r.table {
        "cases" => Some(("CASES", history.cases[&r.id].over?)),
        "order_lines" => Some(("ORDER_LINES", history.orders[&r.order?].registered)),
        _ => None,
    }
}

impl Figures {
    /// A record has gone.
    pub fn gone(&mut self, history: &History, r: &Record) {
        let Some((counted, at)) = counts(history, r) else { return };
        let day = day(at);
        let gone = self.0.entry((counted, day.year())).or_default();
        gone.count += 1;
        let kind = history.cases.get(&r.id).map(|case| ("KIND", case.kind.to_owned()));
        for (property, value) in kind.into_iter().chain([("MONTH", format!("{}-{:02}", day.year(), day.month()))]) {
            *gone.by.entry(property).or_default().entry(value).or_default() += 1;
        }
    }

    /// Every year against the stored counts. While a year goes on, or anything of it is still there, nothing is withheld.
    /// Afterwards no small number is left, and what is too small to be shown stands together under `*`: the sums stay the
    /// same. Of a year with fewer than five in all, nothing is left.
    pub async fn check(&self, app: &App, history: &History, left: impl Iterator<Item = &Record>, today: NaiveDate) {
        let year_of = |(counted, at)| (counted, day(at).year());
        let left: BTreeSet<Of> = left.filter_map(|r| counts(history, r)).map(year_of).collect();
        let mut stored: BTreeMap<(String, i32), Vec<Stored>> = BTreeMap::new();
        let sql = "SELECT counted, year, property, other_property, value, count, settled FROM service_statistics";
        for row in db::rows(app.state.db.read(), sql, []).await.unwrap() {
            let text = |i| row.try_get_by_index::<String>(i).unwrap();
            let of = (text(0), row.try_get_by_index(1).unwrap());
            stored.entry(of).or_default().push(Stored {
                pair: (text(2), text(3)),
                value: text(4),
                count: row.try_get_by_index(5).unwrap(),
                settled: row.try_get_by_index(6).unwrap(),
            });
        }
        for (of, gone) in &self.0 {
            let rows = stored.remove(&(of.0.to_owned(), of.1)).unwrap_or_default();
            let is_over = of.1 < today.year() && !left.contains(of);
            if is_over && gone.count < SMALLEST {
                assert!(rows.is_empty(), "{of:?}: {} in all is too little to be kept: {rows:?}", gone.count);
                continue;
            }
            gone.check(&rows, is_over, &format!("{of:?}"));
            let pairs = PAIRS.iter().find(|(counted, _)| *counted == of.0).map(|(_, pairs)| *pairs);
            assert_eq!(Some(sums(&rows).len()), pairs, "{of:?}: tables");
        }
        assert!(stored.is_empty(), "nothing of these has gone: {:?}", stored.keys());
    }

    /// How many years are counted.
    pub fn years(&self) -> usize {
        self.0.len()
    }
}

#[derive(Debug)]
struct Stored {
    pair: (String, String),
    value: String,
    count: i64,
    settled: bool,
}

fn sums(rows: &[Stored]) -> BTreeMap<&(String, String), i64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(&row.pair).or_default() += row.count;
    }
    sums
}

impl Gone {
    fn check(&self, rows: &[Stored], is_over: bool, of: &str) {
        for row in rows {
            assert_eq!(row.settled, is_over, "{of}: {row:?}");
            assert!(!is_over || row.count >= SMALLEST, "{of}: small for good: {row:?}");
            assert!(is_over || row.value != WITHHELD, "{of}: withheld too soon: {row:?}");
        }
        for (pair, sum) in sums(rows) {
            assert_eq!(sum, self.count, "{of}: {pair:?} adds up to what has gone");
        }
        // With the sums, that each shown count is right says that the withheld ones are the rest.
        for (property, by) in &self.by {
            let alone = rows.iter().filter(|row| row.pair.0 == *property && row.pair.1 == *property);
            for row in alone.filter(|row| row.value != WITHHELD) {
                assert_eq!(Some(&row.count), by.get(&row.value), "{of}: {row:?}");
            }
        }
    }
}
