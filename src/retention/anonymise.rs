//! What remains of an anonymised row: counts by coarse properties, never more than two of them together (GDPR recital 26).
//!
//! Until the last case of a year has gone, its counts are exact, so that the year's figures do not change meanwhile; then
//! [`settle`] throws away every count that is too small ever to be shown.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use entity::map::Table;
use entity::service_statistics::{Column, Counted, Entity};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _, Iterable as _,
    QueryFilter as _, Value,
};
use serde_json::json;
use uuid::Uuid;

use crate::db;
use crate::error::Result;
use crate::policy::calendar;
use crate::policy::statistics::{self, ClosedCase, Coarse, Tally, WITHHELD};
use crate::state::App;

/// What the rows count for in the statistics; tables without statistics leave nothing.
pub(super) async fn tally(tx: &DatabaseTransaction, t: &Table, ids: &[Uuid]) -> Result<Tally> {
    let mut tally = Tally::default();
    let Some(counted) = Counted::iter().find(|counted| source(*counted).table == t.name) else { return Ok(tally) };
    if ids.is_empty() {
        return Ok(tally);
    }
    let backend = tx.get_database_backend();
    let these = db::is_any(backend, "t.id", 1);
    let mut alike: HashMap<Coarse, u64> = HashMap::new();
    for (_, at, columns) in source(counted).read(tx, &these, vec![db::id_list(backend, ids.iter().copied())]).await? {
        if let Some(one) = coarse(counted, at, columns)? {
            *alike.entry(one).or_default() += 1;
        }
    }
    let mut settled = HashMap::new();
    for (one, times) in alike {
        let is_settled = match settled.get(&one.year()) {
            Some(is_settled) => *is_settled,
            None => is_settled(tx, counted, one.year()).await?,
        };
        settled.insert(one.year(), is_settled);
        // A settled year has shown its last figures. Nothing should come later, and what does may not be told from them.
        if !is_settled {
            tally.count(&one, times);
        }
    }
    Ok(tally)
}

/// Adds what rows that have gone counted for. The counters stay locked until the transaction ends.
pub(super) async fn add(tx: &DatabaseTransaction, tally: &Tally) -> Result<()> {
    store(tx, tally, false).await
}

async fn is_settled(tx: &DatabaseTransaction, counted: Counted, year: i32) -> Result<bool> {
    let sql = "SELECT 1 FROM service_statistics WHERE counted = $1 AND year = $2 AND settled LIMIT 1";
    Ok(!db::rows(tx, sql, [counted.code().into(), year.into()]).await?.is_empty())
}

/// Where something is counted from.
struct Source {
    table: &'static str,
    columns: &'static str,
    from: &'static str,
    /// The instant that decides on the year.
    at: &'static str,
    /// Rows that count.
    counts: &'static str,
}

/// A row that counts: its id, its instant, its columns.
type Told = (Uuid, Option<DateTime<Utc>>, serde_json::Value);

impl Source {
    /// Rows that meet a condition, which may end with an order and a limit; they come in no order. They are one JSON text, because
    /// a driver pays per row and per value.
    async fn read(&self, db: &impl ConnectionTrait, condition: &str, values: Vec<Value>) -> Result<Vec<Told>> {
        let Self { at, columns, from, counts, .. } = self;
        let (row, list) = if db.get_database_backend() == DbBackend::Postgres {
            (
                format!("json_build_array(t.id, {at}, json_build_array({columns}))"),
                "COALESCE(json_agg(x.told)::text, '[]')",
            )
        } else {
            (format!("json_array(hex(t.id), {at}, json_array({columns}))"), "json_group_array(json(x.told))")
        };
        let sql = format!("SELECT {list} FROM (SELECT {row} AS told FROM {from} WHERE {counts} AND {condition}) x");
        let rows = db::rows(db, &sql, values).await?;
        let text: String = rows.first().map_or_else(|| Ok("[]".to_owned()), |row| row.try_get_by_index(0))?;
        Ok(serde_json::from_str(&text).map_err(|e| anyhow::anyhow!("rows of {from}: {e}"))?)
    }
}

const fn source(counted: Counted) -> Source {
    match counted {
        // The period of a header begins when the case ends, and stops while it is taken up again.
        Counted::Cases => Source {
            table: "cases",
            columns: "t.kind, t.product_group, t.reason, t.outcome, t.first_response, t.review, t.opened_at, t.refunded_minor",
            from: "cases t",
            at: "t.start_at",
            counts: "t.state IN ('CLOSED', 'CANCELLED', 'MERGED') AND t.start_at IS NOT NULL",
        },
        Counted::OrderLines => Source {
            table: "order_lines",
            columns: "t.product_group",
            from: "order_lines t JOIN orders o ON o.id = t.order_id",
            at: "o.ordered_at",
            counts: "o.ordered_at IS NOT NULL",
        },
    }
}

fn coarse(counted: Counted, at: Option<DateTime<Utc>>, columns: serde_json::Value) -> Result<Option<Coarse>> {
    type Code = Option<String>;
    let Some(at) = at else { return Ok(None) };
    let unreadable = |e| anyhow::anyhow!("a row of {}: {e}", counted.code());
    Ok(Some(match counted {
        Counted::Cases => {
            type Case = (Code, Code, Code, Code, Code, Code, Option<DateTime<Utc>>, Option<i64>);
            let (kind, group, reason, outcome, first_response, review, opened_at, refunded_minor): Case =
                serde_json::from_value(columns).map_err(unreadable)?;
            Coarse::case(ClosedCase {
                codes: [kind, group, reason, outcome].map(Option::unwrap_or_default),
                promises: [first_response, review].map(Option::unwrap_or_default),
                opened_at,
                closed_at: at,
                refunded_minor,
            })
        }
        Counted::OrderLines => {
            let (group,): (Code,) = serde_json::from_value(columns).map_err(unreadable)?;
            Coarse::line(group.unwrap_or_default(), at)
        }
    }))
}

/// Rows read at once.
const PAGE: usize = 2000;

/// Counts what is still there of a year: the same rows, columns and buckets as when it goes.
///
/// # Errors
/// The database cannot be read.
async fn live(db: &impl ConnectionTrait, counted: Counted, year: i32, tally: &mut Tally) -> Result<()> {
    let Some((from, to)) = bounds(year) else { return Ok(()) };
    let source = source(counted);
    let condition = format!(
        "{at} >= $1 AND {at} < $2 AND ({at} > $3 OR ({at} = $3 AND t.id > $4)) ORDER BY {at}, t.id LIMIT {PAGE}",
        at = source.at
    );
    let (mut since, mut after) = (DateTime::UNIX_EPOCH, Uuid::nil());
    loop {
        let rows = source.read(db, &condition, vec![from.into(), to.into(), since.into(), after.into()]).await?;
        let read = rows.len();
        for (id, at, columns) in rows {
            (since, after) = (since, after).max((at.unwrap_or(since), id));
            if let Some(one) = coarse(counted, at, columns)? {
                tally.count(&one, 1);
            }
        }
        if read < PAGE {
            return Ok(());
        }
    }
}

/// The first instant of a year and of the next one (Berlin).
fn bounds(year: i32) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let first = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(calendar::start_of);
    first(year).zip(first(year.checked_add(1)?))
}

/// The figures of a year: what is live and what is anonymised, counted by the same functions.
///
/// # Errors
/// The database cannot be read.
pub async fn figures(app: &App, counted: Counted, year: i32, pair: statistics::Pair) -> Result<statistics::Table> {
    // One snapshot: a sweep between two reads would count a case twice, or not at all.
    let tx = app.db.begin_read().await?;
    let stored = stored(&tx, counted, year).await?;
    if stored.iter().any(|row| row.settled) {
        let of_pair = stored.iter().filter(|row| (row.property, row.other_property) == pair);
        let mut table = statistics::Table::default();
        for row in of_pair {
            let n = u64::try_from(row.count).unwrap_or(0);
            table.total = Some(table.total.unwrap_or(0) + n);
            if row.value == WITHHELD {
                table.withheld += n;
            } else {
                table.cells.insert((row.value.clone(), row.other_value.clone()), n);
            }
        }
        return Ok(table);
    }
    let mut tally = tally_of(&stored);
    live(&tx, counted, year, &mut tally).await?;
    Ok(tally.table(counted, year, pair))
}

async fn stored(
    db: &impl ConnectionTrait,
    counted: Counted,
    year: i32,
) -> Result<Vec<entity::service_statistics::Model>> {
    Ok(Entity::find().filter(Column::Counted.eq(counted)).filter(Column::Year.eq(year)).all(db).await?)
}

fn tally_of(rows: &[entity::service_statistics::Model]) -> Tally {
    let mut tally = Tally::default();
    for row in rows {
        let (pair, values) = ((row.property, row.other_property), (row.value.clone(), row.other_value.clone()));
        tally.add(row.counted, row.year, pair, values, u64::try_from(row.count).unwrap_or(0));
    }
    tally
}

/// Throws away, for good, what is too small in every year that is over and whose last case or line has gone. The figures of
/// such a year stay as they were shown.
///
/// # Errors
/// The database fails; a year is settled completely or not at all.
pub async fn settle(app: &App) -> Result<u64> {
    let this_year = chrono::Datelike::year(&calendar::day_of(app.clock.now()));
    let sql = "SELECT DISTINCT counted, year FROM service_statistics WHERE NOT settled AND year < $1";
    let mut settled = 0;
    for row in db::rows(app.db.read(), sql, [this_year.into()]).await? {
        let (counted, year): (Counted, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        settled += u64::from(settle_year(app, counted, year).await?);
    }
    Ok(settled)
}

async fn settle_year(app: &App, counted: Counted, year: i32) -> Result<bool> {
    let Some((from, to)) = bounds(year) else { return Ok(false) };
    let source = source(counted);
    let tx = app.db.begin().await?;
    let condition = format!("{at} >= $1 AND {at} < $2 LIMIT 1", at = source.at);
    if !source.read(&tx, &condition, vec![from.into(), to.into()]).await?.is_empty() {
        return Ok(false);
    }
    let exact = tally_of(&stored(&tx, counted, year).await?);
    let mut lasting = Tally::default();
    for pair in statistics::pairs(counted) {
        let table = exact.table(counted, year, pair);
        for (values, n) in table.cells {
            lasting.add(counted, year, pair, values, n);
        }
        if table.withheld > 0 {
            lasting.add(counted, year, pair, (WITHHELD.to_owned(), WITHHELD.to_owned()), table.withheld);
        }
    }
    let sql = "DELETE FROM service_statistics WHERE counted = $1 AND year = $2";
    db::run(&tx, sql, [counted.code().into(), year.into()]).await?;
    store(&tx, &lasting, true).await?;
    tx.commit().await?;
    Ok(true)
}

/// Adds counts to the stored ones, all in one statement.
async fn store(tx: &DatabaseTransaction, tally: &Tally, settled: bool) -> Result<()> {
    let rows: Vec<_> = tally
        .iter()
        .map(|(counted, year, (one, other), (value, other_value), n)| {
            json!([counted.code(), year, one.code(), value, other.code(), other_value, n])
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (columns, source) = if tx.get_database_backend() == DbBackend::Postgres {
        let columns = "v->>0, (v->>1)::integer, v->>2, v->>3, v->>4, v->>5, (v->>6)::bigint";
        (columns.to_owned(), "jsonb_array_elements($1::jsonb) v")
    } else {
        let column = |i| format!("json_extract(v.value, '$[{i}]')");
        ((0..7).map(column).collect::<Vec<_>>().join(", "), "json_each($1) v")
    };
    let sql = format!(
        "INSERT INTO service_statistics (counted, year, property, value, other_property, other_value, count, settled) \
         SELECT {columns}, $2 FROM {source} WHERE true \
         ON CONFLICT (counted, year, property, other_property, value, other_value) \
         DO UPDATE SET count = service_statistics.count + excluded.count"
    );
    db::run(tx, &sql, [serde_json::Value::from(rows).to_string().into(), settled.into()]).await?;
    Ok(())
}
