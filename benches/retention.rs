//! The nightly sweep beside `DELETE`: the same rows, keys and forgetting, on both engines, in one run, with commits that
//! are on disk. `cargo bench --bench retention`; `benches/README.md` says what the numbers mean.
//!
//! Without cargo's `--bench` it sweeps few rows, compares what is left on both sides and measures nothing.

use std::time::{Duration, Instant};

use aftersales::auth::Actor;
use aftersales::db::{self, Db};
use aftersales::retention::sweep;
use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use sea_orm::ConnectionTrait as _;

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/stores.rs"]
mod stores;

use rows::Rows;
use stores::{Engine, Stores, close, engines, now, unguard};

const ROUNDS: usize = 3;
const LONGEST: Duration = Duration::from_secs(900);

/// Children before parents: the tables that are due, with the column that says since when.
const DUE: [(&str, &str); 5] = [
    ("access_entries", "at"),
    ("timers", "start_at"),
    ("messages", "start_at"),
    ("case_transitions", "start_at"),
    ("cases", "start_at"),
];

const NOTE: &str = "INSERT INTO audit_entries (id, at, actor_kind, action, table_name, details) \
                    VALUES ($1, $2, 'SYSTEM', 'delete', $3, '{}')";

fn main() -> anyhow::Result<()> {
    let measure = std::env::args().any(|argument| argument == "--bench");
    let default = if measure { 200_000 } else { 2_000 };
    let wanted = match std::env::var("RETENTION_ROWS") {
        Ok(text) => text.parse().context("RETENTION_ROWS is not a number")?,
        Err(_) => default,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for engine in engines() {
        let work = async { tokio::time::timeout(LONGEST, on(engine, wanted, measure)).await };
        runtime.block_on(work).context("not done in time")?.context(engine.name())?;
    }
    Ok(())
}

async fn on(engine: Engine, wanted: usize, measure: bool) -> anyhow::Result<()> {
    let filled = Stores::new(engine)?;
    let due = fill(&filled, wanted).await.context("filling")?;
    println!("\n{}: {due} rows due, as many again that are not", engine.name());
    let rounds = if measure { ROUNDS } else { 1 };
    for round in 1..=rounds {
        let (ours, batches, left) = sweep(&filled.copy()?, due).await.context("the sweep")?;
        let (bulk, left_by_bulk) = by_hand(&filled.copy()?, None).await.context("in bulk")?;
        let (as_often, left_by_hand) =
            by_hand(&filled.copy()?, Some(due.div_ceil(batches))).await.context("by hand")?;
        ensure!(left == left_by_bulk && left == left_by_hand, "what is left differs: {left:?}, {left_by_hand:?}");
        let said =
            |took: Duration| format!("{:.2} s, {:.0} rows/s", took.as_secs_f64(), due as f64 / took.as_secs_f64());
        let ratio = |other: Duration| other.as_secs_f64() / ours.as_secs_f64();
        println!(
            "{round}: sweep {} in {batches} batches; DELETE with as many commits {}, ratio {:.2}; one DELETE per table {}, \
             ratio {:.2}",
            said(ours),
            said(as_often),
            ratio(as_often),
            said(bulk),
            ratio(bulk)
        );
    }
    Ok(())
}

async fn fill(stores: &Stores, wanted: usize) -> anyhow::Result<usize> {
    let app = stores.open_to_fill().await?;
    let long_ago = "2014-03-10T09:00:00Z".parse::<chrono::DateTime<chrono::Utc>>()?;
    let cases = wanted.div_ceil(rows::CASE);
    let mut rows = Rows::default();
    for n in 0..cases {
        let later = TimeDelta::minutes(i64::try_from(n)?);
        let (customer, order) = rows.customer(&app, long_ago + later).await?;
        rows.case(customer, order, long_ago + later);
        rows.case(customer, order, now() - TimeDelta::days(300) + later / 2);
        if n % 2_000 == 1_999 {
            rows.write(&app).await?;
        }
    }
    rows.write(&app).await?;
    app.db.write().execute_unprepared("ANALYZE").await?;
    close(app).await;
    Ok(cases * rows::CASE)
}

/// How long it took, in how many batches, and what is left. A batch is two commits that wait for the disk: what the ledger is
/// told before, and the removal.
async fn sweep(stores: &Stores, due: usize) -> anyhow::Result<(Duration, usize, Vec<i64>)> {
    let app = stores.open().await?;
    let begun = Instant::now();
    let report = sweep::run(&app, &Actor::System, false, None).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let took = begun.elapsed();
    ensure!(report.gone() == due as u64, "{} rows have gone instead of {due}", report.gone());
    let left = left(&app.db, app.keys.db()).await?;
    let sql = "SELECT CAST(COUNT(*) AS bigint) FROM audit_entries WHERE action = 'retention.remove'";
    let rows = db::rows(app.db.read(), sql, []).await?;
    let batches: i64 = rows.first().context("no count")?.try_get_by_index(0)?;
    close(app).await;
    Ok((took, usize::try_from(batches)?.max(1), left))
}

/// What somebody would type: a statement per table, in one transaction or in batches that commit as often as ours (before each,
/// what is about to go is noted), then the keys, then both stores forget as ours do.
async fn by_hand(stores: &Stores, batch: Option<usize>) -> anyhow::Result<(Duration, Vec<i64>)> {
    let (main, keys) = stores.plain().await?;
    unguard(&main).await?;
    let before = now() - TimeDelta::days(3_000);
    let begun = Instant::now();
    for (table, start) in DUE {
        match batch {
            None => {
                let tx = main.begin().await?;
                db::run(&tx, &format!("DELETE FROM {table} WHERE {start} < $1"), [before.into()]).await?;
                tx.commit().await?;
            }
            Some(most) => loop {
                let tx = main.begin().await?;
                let values = [entity::ids::uuid_at(now()).into(), now().into(), table.into()];
                db::run(&tx, NOTE, values).await?;
                tx.commit().await?;
                let tx = main.begin().await?;
                let sql = format!(
                    "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {start} < $1 ORDER BY {start} LIMIT \
                     {most})"
                );
                let gone = db::run(&tx, &sql, [before.into()]).await?;
                tx.commit().await?;
                if gone == 0 {
                    break;
                }
            },
        }
    }
    let tx = keys.begin().await?;
    db::run(&tx, "DELETE FROM units WHERE used_at < $1 AND data_type = 'R03'", [before.into()]).await?;
    tx.commit().await?;
    main.forget(&DUE.map(|(table, _)| table)).await?;
    keys.forget(&["units"]).await?;
    let took = begun.elapsed();
    let left = left(&main, &keys).await?;
    main.close().await;
    keys.close().await;
    Ok((took, left))
}

/// How many rows are left in each table, and how many keys.
async fn left(main: &Db, keys: &Db) -> anyhow::Result<Vec<i64>> {
    let mut left = Vec::new();
    for (db, table) in DUE.iter().map(|(table, _)| (main, *table)).chain([(keys, "units")]) {
        let rows = db::rows(db.read(), &format!("SELECT CAST(COUNT(*) AS bigint) FROM {table}"), []).await?;
        left.push(rows.first().context("no count")?.try_get_by_index(0)?);
    }
    Ok(left)
}
