//! Figures that outlive their cases: coarse properties, counts by at most two of them, and what of these may be shown.
//!
//! A count below [`SMALLEST`] is withheld, and so is enough beside it that it cannot be subtracted from a total (GDPR recital 26;
//! WP 216: singling out, linking, inference). The same functions count what is live and what is anonymised.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, Utc};
use entity::service_statistics::{Counted, Dimension};
use sea_orm::Iterable as _;

use super::calendar;

/// The smallest count that is shown: k.
pub const SMALLEST: u64 = 5;

/// In place of a value: several that are withheld together.
pub const WITHHELD: &str = "*";

/// The properties that what is counted has.
#[must_use]
pub const fn dimensions(counted: Counted) -> &'static [Dimension] {
    use Dimension as D;
    match counted {
        Counted::Cases => &[
            D::Kind,
            D::Month,
            D::ProductGroup,
            D::Reason,
            D::Outcome,
            D::Duration,
            D::Refund,
            D::FirstResponse,
            D::Review,
        ],
        Counted::OrderLines => &[D::Month, D::ProductGroup],
    }
}

/// A case that is over, as far as it is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClosedCase {
    /// Kind, product group, reason, outcome: codes; empty where there is none.
    pub codes: [String; 4],
    /// When it was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub closed_at: DateTime<Utc>,
    /// What was paid back, in minor units.
    pub refunded_minor: Option<i64>,
    /// How first responses and reviews were: codes.
    pub promises: [String; 2],
}

/// What is counted of one case or line: its year and the coarse values of its dimensions, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coarse {
    counted: Counted,
    year: i32,
    values: Vec<String>,
}

impl Coarse {
    /// Of a case, in the year and month in which it ended.
    #[must_use]
    pub fn case(case: ClosedCase) -> Self {
        let [kind, group, reason, outcome] = case.codes;
        let [first_response, review] = case.promises;
        let days = case.opened_at.map(|opened| (case.closed_at - opened).num_days());
        let buckets = [duration_bucket(days), amount_bucket(case.refunded_minor)].map(str::to_owned);
        let [duration, refund] = buckets;
        let month = calendar::month_of(case.closed_at);
        let values = vec![kind, month, group, reason, outcome, duration, refund, first_response, review];
        Self { counted: Counted::Cases, year: calendar::day_of(case.closed_at).year(), values }
    }

    /// The year that it counts in.
    #[must_use]
    pub const fn year(&self) -> i32 {
        self.year
    }

    /// Of an order line, in the year and month of the order.
    #[must_use]
    pub fn line(product_group: String, ordered_at: DateTime<Utc>) -> Self {
        let values = vec![calendar::month_of(ordered_at), product_group];
        Self { counted: Counted::OrderLines, year: calendar::day_of(ordered_at).year(), values }
    }
}

const fn duration_bucket(days: Option<i64>) -> &'static str {
    match days {
        None => "",
        Some(..=3) => "0-3",
        Some(4..=14) => "4-14",
        Some(15..=45) => "15-45",
        Some(_) => "46+",
    }
}

const fn amount_bucket(minor: Option<i64>) -> &'static str {
    match minor {
        None => "",
        Some(..=2_499) => "0-24",
        Some(2_500..=9_999) => "25-99",
        Some(10_000..=49_999) => "100-499",
        Some(_) => "500+",
    }
}

/// What a table of figures is about: one property (twice the same) or two, in the order of [`Dimension`].
pub type Pair = (Dimension, Dimension);

/// Values of the two properties of a table.
pub type Values = (String, String);

/// Counts of one table.
pub type Cells = BTreeMap<Values, u64>;

/// Counts by what, year, table and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    tables: BTreeMap<(Counted, i32, Pair), Cells>,
}

impl Tally {
    /// Counts as many that are alike.
    pub fn count(&mut self, one: &Coarse, times: u64) {
        for (pair, values) in entries(one) {
            *self.tables.entry((one.counted, one.year, pair)).or_default().entry(values).or_default() += times;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, counted: Counted, year: i32, pair: Pair, values: Values, count: u64) {
        *self.tables.entry((counted, year, pair)).or_default().entry(values).or_default() += count;
    }

    /// Every count, with its table.
    pub fn iter(&self) -> impl Iterator<Item = (Counted, i32, Pair, &Values, u64)> {
        self.tables.iter().flat_map(|((counted, year, pair), cells)| {
            cells.iter().map(move |(values, count)| (*counted, *year, *pair, values, *count))
        })
    }

    /// The table of one property or two of a year.
    #[must_use]
    pub fn table(&self, counted: Counted, year: i32, pair: Pair) -> Table {
        let empty = Cells::new();
        let cells = |pair: Pair| self.tables.get(&(counted, year, pair)).unwrap_or(&empty);
        let alone = |d: Dimension| withheld(cells((d, d)), BTreeSet::new());
        let cells_of = cells(pair);
        // A value that is withheld by itself is withheld beside every other property: else its parts would add up to it.
        let (first, second) = (alone(pair.0), alone(pair.1));
        let inherited =
            |(a, b): &&Values| first.contains(&(a.clone(), a.clone())) || second.contains(&(b.clone(), b.clone()));
        let hidden = withheld(cells_of, cells_of.keys().filter(inherited).cloned().collect());
        let total = cells_of.values().sum();
        let sum = cells_of.iter().filter(|(values, _)| hidden.contains(*values)).map(|(_, n)| n).sum();
        let shown = cells_of.iter().filter(|(values, _)| !hidden.contains(*values));
        let cells = shown.map(|(values, n)| (values.clone(), *n)).collect();
        if total < SMALLEST { Table::default() } else { Table { total: Some(total), withheld: sum, cells } }
    }
}

/// A table as it may be shown. Its cells and what is withheld add up to its total; no number in it is between 1 and 4.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// All; none if there are fewer than five, or none at all.
    pub total: Option<u64>,
    /// How many of them are in no cell.
    pub withheld: u64,
    /// Counts by values; what is not there is nothing, or too little.
    pub cells: Cells,
}

/// Every table that something counts in.
pub fn pairs(counted: Counted) -> impl Iterator<Item = Pair> {
    let all = dimensions(counted);
    all.iter().enumerate().flat_map(move |(i, first)| all.iter().skip(i).map(move |second| (*first, *second)))
}

/// Two properties in the order in which their table has them.
#[must_use]
pub fn pair(one: Dimension, other: Dimension) -> Pair {
    let place = |d: Dimension| Dimension::iter().position(|each| each == d);
    if place(one) <= place(other) { (one, other) } else { (other, one) }
}

fn entries(one: &Coarse) -> impl Iterator<Item = (Pair, Values)> {
    let all = dimensions(one.counted);
    let value = |d: Dimension| all.iter().position(|each| *each == d).and_then(|i| one.values.get(i)).cloned();
    pairs(one.counted).map(move |pair| (pair, (value(pair.0).unwrap_or_default(), value(pair.1).unwrap_or_default())))
}

/// What is not shown: every count that is too small, and then, in each row, in each column and in the whole, the next smallest
/// until what is withheld there is two cells and no small number itself.
fn withheld(cells: &Cells, inherited: BTreeSet<Values>) -> BTreeSet<Values> {
    let mut hidden = inherited;
    hidden.extend(cells.iter().filter(|(_, n)| **n < SMALLEST).map(|(values, _)| values.clone()));
    let rows: BTreeSet<&str> = cells.keys().map(|(a, _)| a.as_str()).collect();
    let columns: BTreeSet<&str> = cells.keys().map(|(_, b)| b.as_str()).collect();
    let mut lines: Vec<(Option<&str>, Option<&str>)> = vec![(None, None)];
    lines.extend(rows.into_iter().map(|a| (Some(a), None)));
    lines.extend(columns.into_iter().map(|b| (None, Some(b))));
    loop {
        let before = hidden.len();
        for (row, column) in &lines {
            let within = |(a, b): &Values| row.is_none_or(|r| r == a) && column.is_none_or(|c| c == b);
            let line: Vec<(&Values, u64)> = cells.iter().filter(|(v, _)| within(v)).map(|(v, n)| (v, *n)).collect();
            loop {
                let of_line: Vec<u64> = line.iter().filter(|(v, _)| hidden.contains(*v)).map(|(_, n)| *n).collect();
                let safe = of_line.is_empty() || (of_line.len() > 1 && of_line.iter().sum::<u64>() >= SMALLEST);
                let next = line.iter().filter(|(v, _)| !hidden.contains(*v)).min_by_key(|(v, n)| (*n, *v));
                let Some((values, _)) = next.filter(|_| !safe) else { break };
                hidden.insert((*values).clone());
            }
        }
        if hidden.len() == before {
            return hidden;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const YEAR: i32 = 2020;

    fn tally(cases: &[(usize, usize, usize)]) -> Tally {
        let mut tally = Tally::default();
        for (kind, reason, month) in cases {
            let closed_at: DateTime<Utc> = format!("{YEAR}-{:02}-15T12:00:00Z", month + 1).parse().unwrap();
            let code = |letter: char, n: &usize| format!("{letter}{n}");
            let codes = [code('K', kind), String::new(), code('R', reason), "ELIGIBLE".to_owned()];
            let opened_at = Some(closed_at - chrono::TimeDelta::days(i64::try_from(reason * 10).unwrap()));
            let refunded_minor = (*kind == 0).then_some(5_000);
            let promises = ["WITHIN".to_owned(), String::new()];
            tally.count(&Coarse::case(ClosedCase { codes, opened_at, closed_at, refunded_minor, promises }), 1);
        }
        tally
    }

    fn sum(cells: &Cells, keep: impl Fn(&Values) -> bool) -> u64 {
        cells.iter().filter(|(v, _)| keep(v)).map(|(_, n)| n).sum()
    }

    /// Every number that a client can make from tables with one subtraction, from a total, a row or a column: none is small.
    fn nothing_small(tally: &Tally) -> Result<(), TestCaseError> {
        let mut totals = BTreeSet::new();
        for pair in pairs(Counted::Cases) {
            let table = tally.table(Counted::Cases, YEAR, pair);
            totals.insert(table.total);
            let safe = |n: u64| n == 0 || n >= SMALLEST;
            prop_assert!(table.cells.values().all(|n| *n >= SMALLEST), "{pair:?}: {table:?}");
            prop_assert!(safe(table.withheld));
            prop_assert_eq!(table.total.unwrap_or(0), table.withheld + sum(&table.cells, |_| true));
            for (alone, of) in [(pair.0, 0), (pair.1, 1)] {
                let whole = tally.table(Counted::Cases, YEAR, (alone, alone));
                let side = |v: &Values| if of == 0 { v.0.clone() } else { v.1.clone() };
                for (value, known) in &whole.cells {
                    let parts = sum(&table.cells, |v| side(v) == value.0);
                    prop_assert!(parts <= *known && safe(known - parts), "{pair:?} {value:?}: {known} - {parts}");
                }
                // What is withheld alone is shown in no part, so that the parts cannot be added up to it.
                prop_assert!(table.cells.keys().all(|v| whole.cells.contains_key(&(side(v), side(v)))));
            }
        }
        prop_assert_eq!(totals.len(), 1, "every table has the same total");
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn no_number_is_small_and_none_can_be_subtracted(
            cases in prop::collection::vec((0_usize..5, 0_usize..6, 0_usize..12), 0..160)
        ) {
            nothing_small(&tally(&cases))?;
        }

        /// Few values make few cells, where a single small one is easily alone.
        #[test]
        fn not_even_where_there_are_few_cells(
            cases in prop::collection::vec((0_usize..2, 0_usize..3, 0_usize..2), 0..60)
        ) {
            nothing_small(&tally(&cases))?;
        }
    }

    fn by_kind(counts: &[(usize, usize)]) -> Table {
        let cases: Vec<_> = counts.iter().flat_map(|(kind, n)| vec![(*kind, 0, 0); *n]).collect();
        tally(&cases).table(Counted::Cases, YEAR, (Dimension::Kind, Dimension::Kind))
    }

    #[test]
    fn one_small_cell_takes_the_next_smallest_with_it() {
        let table = by_kind(&[(0, 3), (1, 9), (2, 7), (3, 20)]);
        assert_eq!((table.total, table.withheld), (Some(39), 10));
        assert_eq!(table.cells.into_keys().map(|(kind, _)| kind).collect::<Vec<_>>(), ["K1", "K3"]);
        let table = by_kind(&[(0, 1), (1, 1), (2, 8)]);
        assert_eq!(
            (table.total, table.withheld, table.cells.len()),
            (Some(10), 10, 0),
            "two that are 2 together tell as much"
        );
        assert_eq!(by_kind(&[(0, 4)]), Table::default());
        assert_eq!(by_kind(&[(0, 5)]).total, Some(5));
    }

    #[test]
    fn a_year_and_its_month_are_those_of_berlin() {
        let closed_at = "2020-12-31T23:30:00Z".parse().unwrap();
        let case = Coarse::case(ClosedCase { closed_at, ..ClosedCase::default() });
        assert_eq!((case.year, case.values.get(1).map(String::as_str)), (2021, Some("2021-01")));
    }
}
