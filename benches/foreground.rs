//! What a sweep of a million rows costs those who read and write meanwhile, on both engines, with commits that are on disk.
//! `cargo bench --bench foreground`; `benches/README.md` says what the numbers mean.
//!
//! Without cargo's `--bench` it sweeps few rows, checks every answer and measures nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aftersales::auth::Actor;
use aftersales::clock::FixedClock;
use aftersales::db::{self, Db};
use aftersales::http;
use aftersales::retention::sweep;
use aftersales::staff;
use aftersales::state::AppState;
use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use entity::staff::Role;

#[path = "support/fill.rs"]
mod fill;
#[expect(dead_code, reason = "the nested list needs a closed loop, too")]
#[path = "support/load.rs"]
mod load;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/served.rs"]
mod served;
#[expect(dead_code, reason = "other benches copy and compare")]
#[path = "support/stores.rs"]
mod stores;

use load::Target;
use rows::Rows;
use served::Served;
use stores::{Engine, Stores, close, engines, now};

/// Cases on a page.
const SHOWN: usize = 20;
const LIST: &str = "{ serviceCases(first: 20) { nodes { id number state customer { displayName emailMasked } \
    messages(first: 5) { nodes { id form author sentAt } } refunds { id amount { amountMinor currency } state } } } }";
/// A hundred lists a second over so many connections.
const READERS: u32 = 4;
const EVERY: Duration = Duration::from_millis(10);
/// Between two writes.
const PAUSE: Duration = Duration::from_millis(50);
/// Nothing else happens for so long, before the sweep and after it.
const QUIET: Duration = Duration::from_secs(20);
/// So long others are served while the sweep goes on; then it has the machine for itself.
const BESIDE: Duration = Duration::from_secs(120);
const LONGEST: Duration = Duration::from_secs(900);

fn main() -> anyhow::Result<()> {
    let measure = std::env::args().any(|argument| argument == "--bench");
    let default = if measure { 1_000_000 } else { 2_000 };
    let wanted = match std::env::var("FOREGROUND_ROWS") {
        Ok(text) => text.parse().context("FOREGROUND_ROWS is not a number")?,
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
    let stores = Stores::new(engine)?;
    let due = fill(&stores, wanted).await.context("filling")?;
    println!("\n{}: {due} rows due", engine.name());
    let app = stores.open().await?;
    let served = Served::start(http::router(Arc::clone(&app))).await?;
    let agent = staff::token(&app, Role::Agent).await.map_err(fill::said)?;
    let list = Target::asked(served.address, load::graphql(LIST, &agent)).await?;
    let answer: serde_json::Value = serde_json::from_slice(&list.answer)?;
    let nodes = answer["data"]["serviceCases"]["nodes"].as_array().context("no list")?;
    ensure!(nodes.len() == SHOWN && answer.get("errors").is_none(), "{answer}");

    let quiet = if measure { QUIET } else { Duration::from_millis(200) };
    let rest = async || -> anyhow::Result<()> {
        tokio::time::sleep(quiet).await;
        Ok(())
    };
    let before = beside(&app, &list, rest()).await?.1;
    let during = while_swept(&app, &list, due, measure).await?;
    let after = beside(&app, &list, rest()).await?.1;
    served.stop().await?;
    close(app).await;
    if measure {
        before.print("before");
        during.print("during the sweep");
        after.print("after");
        let alone = before.reads.iter().chain(&after.reads).copied().collect();
        let (alone, beside) = (share(alone, 99), share(during.reads, 99));
        println!("p99 of reads during the sweep / without: {:.2}", beside.as_secs_f64() / alone.as_secs_f64());
    }
    Ok(())
}

/// Sweeps all that is due, the first while beside those who are served.
async fn while_swept(app: &AppState, list: &Arc<Target>, due: usize, measure: bool) -> anyhow::Result<Latencies> {
    let (begun, all) = (Instant::now(), count(&app.db).await?);
    let mut sweep = std::pin::pin!(sweep::run(app, &Actor::System, false, None));
    let first = async { Ok(tokio::time::timeout(BESIDE, &mut sweep).await.ok()) };
    let (ended, during) = beside(app, list, first).await?;
    let (swept, took) = (all - count(&app.db).await?, begun.elapsed().as_secs_f64());
    let report = match ended {
        Some(report) => report,
        None => sweep.await,
    };
    let report = report.map_err(fill::said)?;
    // Filling leaves some of its own that is due by now, such as what commands were answered.
    ensure!(report.gone() >= due as u64, "{} rows have gone instead of {due}", report.gone());
    if measure {
        let lists = during.reads.len();
        println!(
            "swept {swept} rows in {took:.1} s beside {lists} lists, {:.0} rows/s; then alone",
            swept as f64 / took
        );
    }
    Ok(during)
}

/// How many rows there are of what is swept.
async fn count(db: &Db) -> anyhow::Result<i64> {
    let mut all = 0;
    for table in ["access_entries", "timers", "messages", "case_transitions", "cases"] {
        let rows = db::rows(db.read(), &format!("SELECT CAST(COUNT(*) AS bigint) FROM {table}"), []).await?;
        all += rows.first().context("no count")?.try_get_by_index::<i64>(0)?;
    }
    Ok(all)
}

/// Latencies of those who read and of those who write.
struct Latencies {
    reads: Vec<Duration>,
    /// From asking for a transaction to having one: on SQLite, the wait for the one writer.
    waits: Vec<Duration>,
    /// From asking for a transaction to its commit on disk.
    writes: Vec<Duration>,
}

impl Latencies {
    fn print(&self, when: &str) {
        let shown = |of: &[Duration]| {
            let at = |percent| share(of.to_vec(), percent).as_secs_f64() * 1000.0;
            format!("{:.2} / {:.2} / {:.2}", at(50), at(99), at(100))
        };
        let (reads, waits, writes) = (shown(&self.reads), shown(&self.waits), shown(&self.writes));
        println!("{when}, p50 / p99 / longest in ms: reads {reads}; waits for the writer {waits}; writes {writes}");
    }
}

/// The latency that so many in a hundred do not pass.
fn share(mut latencies: Vec<Duration>, percent: usize) -> Duration {
    latencies.sort_unstable();
    let last = latencies.len().saturating_sub(1);
    latencies.get((latencies.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

/// Does something while lists are read at a steady rate and small writes follow each other.
async fn beside<T>(
    app: &AppState,
    list: &Arc<Target>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, Latencies)> {
    let stop = Arc::new(AtomicBool::new(false));
    let (db, stopped) = (app.db.clone(), Arc::clone(&stop));
    let writer = tokio::spawn(async move { write(&db, &stopped).await });
    let until_done = async {
        let done = work.await;
        stop.store(true, Ordering::Relaxed);
        done
    };
    let (done, reads) = tokio::join!(until_done, load::paced(list, READERS, EVERY, &stop, LONGEST));
    let (waits, writes) = writer.await??;
    Ok((done?, Latencies { reads: reads?, waits, writes }))
}

async fn write(db: &Db, stop: &AtomicBool) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut waits, mut writes) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(PAUSE).await;
        let begun = Instant::now();
        let tx = db.begin().await?;
        waits.push(begun.elapsed());
        db::run(&tx, "UPDATE staff SET left_at = left_at WHERE role = 'AGENT'", []).await?;
        tx.commit().await?;
        writes.push(begun.elapsed());
    }
    Ok((waits, writes))
}

/// Rows that are due, and a thousand cases that are alive, made as the shop makes them.
async fn fill(stores: &Stores, wanted: usize) -> anyhow::Result<usize> {
    /// Old cases of a person.
    const EACH: usize = 20;
    let clock = FixedClock::at(now() - TimeDelta::days(30));
    let app = stores.open_to_fill_at(clock.clone()).await?;
    let alive = fill::fill(&app, &clock, if wanted < 10_000 { 50 } else { 1_000 }).await?;
    println!("{} cases are alive, those of {} among them", alive.cases, alive.regular);
    let long_ago = "2014-03-10T09:00:00Z".parse::<chrono::DateTime<chrono::Utc>>()?;
    let cases = wanted.div_ceil(rows::CASE);
    let mut rows = Rows::default();
    let mut owner = None;
    for n in 0..cases {
        let at = long_ago + TimeDelta::minutes(i64::try_from(n)?);
        if n.is_multiple_of(EACH) {
            owner = Some(rows.customer(&app, at).await?);
        }
        let (customer, order) = owner.context("nobody")?;
        rows.case(customer, order, at);
        if n % 2_000 == 1_999 {
            rows.write(&app).await?;
        }
    }
    rows.write(&app).await?;
    sea_orm::ConnectionTrait::execute_unprepared(app.db.write(), "ANALYZE").await?;
    close(app).await;
    Ok(cases * rows::CASE)
}
