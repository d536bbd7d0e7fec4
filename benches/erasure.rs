//! The erasure of a person (GDPR Art. 17) beside a cascade written by hand, on both engines, in one run, with commits that are
//! on disk. `cargo bench --bench erasure`; `benches/README.md` says what the numbers mean.
//!
//! Without cargo's `--bench` it erases one small person on each side, compares what is left and measures nothing.

use std::time::{Duration, Instant};

use aftersales::auth::Actor;
use aftersales::db::{self, Db};
use aftersales::privacy::erasure;
use aftersales::state::App;
use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use entity::erasures::State;
use entity::ids::{CustomerId, StaffId};
use entity::staff::Role;

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/stores.rs"]
mod stores;

use rows::Rows;
use stores::{Engine, Stores, close, engines, unguard};

const LONGEST: Duration = Duration::from_secs(600);
/// Cases of a person, and how many such persons are erased on each side. A case is 14 rows, its order and customer 3 more.
const PEOPLE: [(usize, usize); 3] = [(5, 9), (21, 9), (3_571, 7)];
/// Others, whose rows the right ones have to be found among.
const OTHERS: usize = 3_000;

/// Commits that an erasure of any size waits for: the request; the ledger's word of it; the key for what the scan will look for;
/// the plan; the answer; the ledger's end; how far that has got. Forgetting is done alike on both sides.
const COMMITS: usize = 7;
/// Entries of the outbox that are claimed at once.
const CLAIMED: usize = 200;

/// Children first: what somebody would type.
const CASCADE: [&str; 8] = [
    "DELETE FROM access_entries WHERE customer_id = $1",
    "DELETE FROM timers WHERE case_id IN (SELECT id FROM cases WHERE customer_id = $1)",
    "DELETE FROM messages WHERE case_id IN (SELECT id FROM cases WHERE customer_id = $1)",
    "DELETE FROM case_transitions WHERE case_id IN (SELECT id FROM cases WHERE customer_id = $1)",
    "DELETE FROM cases WHERE customer_id = $1",
    "DELETE FROM order_lines WHERE order_id IN (SELECT id FROM orders WHERE customer_id = $1)",
    "DELETE FROM orders WHERE customer_id = $1",
    "DELETE FROM customers WHERE id = $1",
];
const TOUCHED: [&str; 8] =
    ["access_entries", "timers", "messages", "case_transitions", "cases", "order_lines", "orders", "customers"];

fn main() -> anyhow::Result<()> {
    let measure = std::env::args().any(|argument| argument == "--bench");
    let people: &[(usize, usize)] = if measure { &PEOPLE } else { &[(2, 1)] };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for engine in engines() {
        let work = async { tokio::time::timeout(LONGEST, on(engine, people, measure)).await };
        runtime.block_on(work).context("not done in time")?.context(engine.name())?;
    }
    Ok(())
}

async fn on(engine: Engine, people: &[(usize, usize)], measure: bool) -> anyhow::Result<()> {
    let filled = Stores::new(engine)?;
    let subjects = fill(&filled, people).await.context("filling")?;
    let ours = Stores::copy(&filled)?;
    let app = ours.open().await?;
    let by_hand = Stores::copy(&filled)?;
    let (main, keys) = by_hand.plain().await?;
    unguard(&main).await?;
    for ((cases, _), customers) in people.iter().zip(subjects) {
        let rows = cases * rows::CASE + 3;
        let (mut a, mut b, mut commits) = (Vec::new(), Vec::new(), 0);
        for (n, customer) in customers.iter().enumerate() {
            let dpo = Actor::Staff(StaffId(entity::ids::uuid_at(stores::now())), Role::Dpo);
            let before = steps(&app).await?;
            let begun = Instant::now();
            let done = erasure::erase(&app, &dpo, *customer, false, &format!("{cases} {n}")).await;
            a.push(begun.elapsed());
            let done = done.map_err(|e| anyhow::anyhow!("{e:?}"))?;
            ensure!(done.state == State::Settled, "{:?}", done.state);
            let report = erasure::stored(&done).map_err(|e| anyhow::anyhow!("{e:?}"))?;
            let gone = report.records.iter().filter(|r| r.is_gone()).count();
            ensure!(gone == rows, "{gone} records have gone instead of {rows}");
            commits = steps(&app).await?.commits_since(&before);
            b.push(cascade(&main, &keys, *customer, commits).await?);
            let (left, left_by_hand) = (left(&app.db, app.keys.db()).await?, left(&main, &keys).await?);
            ensure!(left == left_by_hand, "what is left differs: {left:?}, {left_by_hand:?}");
        }
        if measure {
            let (ours, by_hand) = (median(&mut a), median(&mut b));
            let ratio = ours.as_secs_f64() / by_hand.as_secs_f64();
            println!("| {} | {rows} | {commits} | {ours:.1?} | {by_hand:.1?} | {ratio:.2} |", engine.name());
        }
    }
    close(app).await;
    main.close().await;
    keys.close().await;
    Ok(())
}

/// What all erasures so far have had to do in batches.
struct Steps {
    batches: usize,
    orders: usize,
    ends: usize,
}

impl Steps {
    /// How many commits of one erasure are on disk when they return: two for each batch, the ledger's intent (some of which
    /// wait while another batch goes) and the removal; one for keys that end together; two for as many orders of such ends as
    /// are claimed at once, the claim and that it is done.
    const fn commits_since(&self, before: &Self) -> usize {
        let claims = (self.orders - before.orders).div_ceil(CLAIMED);
        COMMITS + 2 * (self.batches - before.batches) + self.ends - before.ends + 2 * claims
    }
}

async fn steps(app: &App) -> anyhow::Result<Steps> {
    let entries = app.ledger.entries().await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let batches = entries.iter().filter(|entry| entry["event"] == "INTENT").count();
    let orders = "SELECT CAST(COUNT(*) AS bigint) FROM outbox_entries WHERE kind = 'DESTROY_KEY'";
    // Every end of keys lets the caches know by the next generation.
    let ends = "SELECT CAST(generation AS bigint) FROM store";
    let count = async |db: &Db, sql| -> anyhow::Result<usize> {
        let rows = db::rows(db.read(), sql, []).await?;
        Ok(usize::try_from(rows.first().context("no count")?.try_get_by_index::<i64>(0)?)?)
    };
    Ok(Steps { batches, orders: count(&app.db, orders).await?, ends: count(app.keys.db(), ends).await? })
}

async fn fill(stores: &Stores, people: &[(usize, usize)]) -> anyhow::Result<Vec<Vec<CustomerId>>> {
    let app = stores.open_to_fill().await?;
    let mut at = "2014-03-10T09:00:00Z".parse::<chrono::DateTime<chrono::Utc>>()?;
    let mut rows = Rows::default();
    for _ in 0..OTHERS {
        at += TimeDelta::minutes(1);
        let (customer, order) = rows.customer(&app, at).await?;
        rows.case(customer, order, at);
    }
    rows.write(&app).await?;
    let mut subjects = Vec::new();
    for (cases, count) in people {
        let mut these = Vec::new();
        for _ in 0..*count {
            at += TimeDelta::minutes(1);
            let (customer, order) = rows.customer(&app, at).await?;
            for _ in 0..*cases {
                at += TimeDelta::seconds(1);
                rows.case(customer, order, at);
            }
            rows.write(&app).await?;
            these.push(customer);
        }
        subjects.push(these);
    }
    sea_orm::ConnectionTrait::execute_unprepared(app.db.write(), "ANALYZE").await?;
    close(app).await;
    Ok(subjects)
}

/// A statement per table and the keys, with as many commits as ours; the others note what was done. Then both stores forget.
async fn cascade(main: &Db, keys: &Db, customer: CustomerId, commits: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let tx = main.begin().await?;
    for sql in CASCADE {
        db::run(&tx, sql, [customer.0.into()]).await?;
    }
    tx.commit().await?;
    let tx = keys.begin().await?;
    db::run(&tx, "DELETE FROM units WHERE subject_id = $1", [customer.0.into()]).await?;
    tx.commit().await?;
    for _ in 2..commits {
        let tx = main.begin().await?;
        let sql = "INSERT INTO audit_entries (id, at, actor_kind, action, table_name, details) VALUES ($1, $2, 'SYSTEM', 'step', 'x', '{}')";
        db::run(&tx, sql, [entity::ids::uuid_at(stores::now()).into(), stores::now().into()]).await?;
        tx.commit().await?;
    }
    main.forget(&TOUCHED).await?;
    keys.forget(&["units", "lookups"]).await?;
    Ok(begun.elapsed())
}

/// How many rows are left in each table, and how many keys of persons.
async fn left(main: &Db, keys: &Db) -> anyhow::Result<Vec<i64>> {
    let mut left = Vec::new();
    for (db, table) in TOUCHED.iter().map(|table| (main, *table)).chain([(keys, "units WHERE subject_id IS NOT NULL")])
    {
        let rows = db::rows(db.read(), &format!("SELECT CAST(COUNT(*) AS bigint) FROM {table}"), []).await?;
        left.push(rows.first().context("no count")?.try_get_by_index(0)?);
    }
    Ok(left)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
