//! A nested list over `/graphql` beside one hand-written JSON statement over plain copies of the same data, on both
//! engines, in one run: `cargo bench --bench nested_list`. `benches/README.md` says what the numbers mean.
//!
//! Without cargo's `--bench` it fills few cases, compares the answers of both sides and measures nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aftersales::clock::{Clock, FixedClock};
use aftersales::config::Config;
use aftersales::customers::access::{self, NewToken};
use aftersales::state::{App, AppState};
use aftersales::{auth::Actor, db, http, staff};
use anyhow::{Context as _, ensure};
use chrono::DateTime;
use entity::ids::CustomerId;
use entity::staff::Role;
use sea_orm::DbBackend;
use sea_orm::sqlx::sqlite::SqliteSynchronous;

#[path = "support/check.rs"]
mod check;
#[path = "support/fill.rs"]
mod fill;
#[expect(dead_code, reason = "another bench asks at a steady rate")]
#[path = "support/load.rs"]
mod load;
#[path = "support/plain.rs"]
mod plain;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;
#[path = "support/served.rs"]
mod served;

use check::Reader;
use fill::said;
use load::{Sample, Target};
use served::Served;

/// Cases on a page; the plain statements say it too.
const SHOWN: usize = 20;
const ROUNDS: usize = 3;
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(3);
/// Filling bounds itself; an engine that is not done after this has hung.
const LONGEST: Duration = Duration::from_secs(180);

const VIEWER: &str = "{ viewer { kind } }";
const AGENT: &str = "{ serviceCases(first: 20) { nodes { id number state customer { displayName emailMasked } \
    messages(first: 5) { nodes { id form author sentAt } } refunds { id amount { amountMinor currency } state } } } }";
const PORTAL: &str = "{ serviceCases(first: 20) { nodes { id number state customer { displayName emailMasked } \
    messages(first: 5) { nodes { id form author sentAt body } } \
    refunds { id amount { amountMinor currency } state } } } }";

fn main() -> anyhow::Result<()> {
    let measure = std::env::args().any(|argument| argument == "--bench");
    let default = if measure { 1000 } else { 60 };
    let cases = match std::env::var("NESTED_LIST_CASES") {
        Ok(text) => text.parse().context("NESTED_LIST_CASES is not a number")?,
        Err(_) => default,
    };
    let mut report = Report::default();
    on(None, cases, measure, &mut report).context("SQLite")?;
    match postgres::server() {
        None => println!("No PostgreSQL was found: measured on SQLite only."),
        Some(server) => {
            let [main, keys] = ["main", "keys"].map(|part| format!("nested_list_{}_{part}", std::process::id()));
            server.create_database(&main);
            server.create_database(&keys);
            let done = on(Some([server.url(&main), server.url(&keys)]), cases, measure, &mut report);
            server.drop_database(&main);
            server.drop_database(&keys);
            done.context("PostgreSQL")?;
        }
    }
    if measure {
        report.print();
    }
    Ok(())
}

/// One engine from an empty database to its last window.
fn on(postgres: Option<[String; 2]>, cases: usize, measure: bool, report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let work = async {
        let config = config(folder.path(), postgres)?;
        let regular = filled(&config, cases).await?;
        engine(config, regular, measure, report).await
    };
    let done = runtime.block_on(async { tokio::time::timeout(LONGEST, work).await });
    runtime.shutdown_timeout(Duration::from_secs(5));
    done.with_context(|| format!("not done after {} s", LONGEST.as_secs()))?
}

fn config(folder: &Path, postgres: Option<[String; 2]>) -> anyhow::Result<Config> {
    let data = folder.join("data").display().to_string();
    let [main, keys] = postgres.map_or([None, None], |urls| urls.map(Some));
    Config::load(None, |name| match name {
        "AFTERSALES_DATA" => Some(data.clone()),
        "DATABASE_URL" => main.clone(),
        "KEYSTORE_URL" => keys.clone(),
        _ => None,
    })
}

/// Fills the databases, with a clock set by hand and without waiting for the disk.
async fn filled(config: &Config, cases: usize) -> anyhow::Result<CustomerId> {
    let begun = Instant::now();
    let clock = FixedClock::at(DateTime::from_timestamp(1_767_603_600, 0).context("no instant")?);
    let app = App::open_with(config.clone(), Clock::Fixed(clock.clone()), SqliteSynchronous::Off).await?;
    let made = fill::fill(&app, &clock, cases).await.context("filling")?;
    plain::copy(&app).await.context("the plain copies")?;
    println!("\nfilled {} cases in {:.1} s", made.cases, begun.elapsed().as_secs_f64());
    close(&app).await;
    Ok(made.regular)
}

async fn close(app: &AppState) {
    app.db.clone().close().await;
    app.keys.db().clone().close().await;
}

async fn engine(config: Config, regular: CustomerId, measure: bool, report: &mut Report) -> anyhow::Result<()> {
    let app = App::open(config, Clock::System).await?;
    let name = name(&app).await?;
    let ours = Served::start(http::router(Arc::clone(&app))).await?;
    let plain = Served::start(plain::router(&app.db)).await?;
    let agent = staff::token(&app, Role::Agent).await.map_err(said)?;
    let new = NewToken { email: fill::REGULAR.to_owned(), minutes: Some(60) };
    let customer = access::create(&app, &Actor::System, new, "nested list").await.map_err(said)?.bearer;

    let viewer = Target::asked(ours.address, load::graphql(VIEWER, &agent)).await.context("viewer")?;
    let expected = br#"{"data":{"viewer":{"kind":"STAFF"}}}"#;
    ensure!(viewer.answer == expected, "viewer: {}", String::from_utf8_lossy(&viewer.answer));
    let mut lists = Vec::new();
    let portal = format!("/plain/portal/{}", regular.0);
    for (variant, query, bearer, path, reader) in [
        ("agent's list", AGENT, &agent, "/plain/agent", Reader::Agent),
        ("customer's list with texts", PORTAL, &customer, &portal, Reader::Customer),
    ] {
        let a =
            Target::asked(ours.address, load::graphql(query, bearer)).await.with_context(|| format!("A, {variant}"))?;
        let b = Target::asked(plain.address, load::get(path)).await.with_context(|| format!("B, {variant}"))?;
        check::same(&a.answer, &b.answer, reader).context(variant)?;
        println!("{name}, {variant}: both sides agree; A {} bytes, B {} bytes", a.answer.len(), b.answer.len());
        lists.push((variant, a, b));
    }
    if measure {
        for (variant, a, b) in &lists {
            report.measure(&name, variant, a, Some(b)).await?;
        }
        report.measure(&name, "`{ viewer { kind } }`", &viewer, None).await?;
    }
    ours.stop().await?;
    plain.stop().await?;
    close(&app).await;
    Ok(())
}

/// The engine with its version.
async fn name(app: &App) -> anyhow::Result<String> {
    let (engine, sql) = match app.db.backend() {
        DbBackend::Postgres => ("PostgreSQL", "SHOW server_version"),
        _ => ("SQLite", "SELECT sqlite_version()"),
    };
    let rows = db::rows(app.db.read(), sql, []).await?;
    let version: String = rows.first().context("no version")?.try_get_by_index(0)?;
    Ok(format!("{engine} {}", version.split(' ').next().unwrap_or_default()))
}

#[derive(Default)]
struct Report {
    lines: Vec<Line>,
}

struct Line {
    engine: String,
    variant: String,
    rounds: Vec<(Sample, Option<Sample>)>,
}

impl Report {
    /// A, B, A, B, … so that a machine that slows down slows both.
    async fn measure(
        &mut self,
        engine: &str,
        variant: &str,
        a: &Arc<Target>,
        b: Option<&Arc<Target>>,
    ) -> anyhow::Result<()> {
        let mut rounds = Vec::new();
        for round in 1..=ROUNDS {
            let ours = load::run(a, WARM_UP, MEASURED).await.with_context(|| format!("A, {variant}"))?;
            let plain = match b {
                None => None,
                Some(b) => Some(load::run(b, WARM_UP, MEASURED).await.with_context(|| format!("B, {variant}"))?),
            };
            let beside =
                plain.map_or_else(String::new, |p| format!(" | B {} | A/B {:.3}", shown(p), ours.rate / p.rate));
            println!("{engine}, {variant}, round {round}: A {}{beside}", shown(ours));
            rounds.push((ours, plain));
        }
        self.lines.push(Line { engine: engine.to_owned(), variant: variant.to_owned(), rounds });
        Ok(())
    }

    fn print(&self) {
        if cfg!(debug_assertions) {
            println!("\nThis build is not optimised: its numbers mean nothing. Run `cargo bench --bench nested_list`.");
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!(
            "\n{cores} cores for server, database and client; {} connections; {ROUNDS} rounds of {} s after {} s of \
             warm-up; medians of the rounds:\n",
            load::CONNECTIONS,
            MEASURED.as_secs(),
            WARM_UP.as_secs()
        );
        println!("| engine | variant | A rps | A p50 / p99 ms | B rps | B p50 / p99 ms | A/B by round | ratio |");
        println!("|---|---|---:|---:|---:|---:|---|---:|");
        for Line { engine, variant, rounds } in &self.lines {
            let a: Vec<Sample> = rounds.iter().map(|(a, _)| *a).collect();
            let b: Vec<Sample> = rounds.iter().filter_map(|(_, b)| *b).collect();
            let ratios: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a.rate / b.rate).collect();
            let by_round: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
            let ratio = median(ratios).map_or_else(|| "-".to_owned(), |ratio| format!("**{ratio:.3}**"));
            let by_round = if by_round.is_empty() { "-".to_owned() } else { by_round.join(", ") };
            println!("| {engine} | {variant} | {} | {} | {by_round} | {ratio} |", columns(&a), columns(&b));
        }
    }
}

fn shown(sample: Sample) -> String {
    let (median, p99) = (milliseconds(sample.median), milliseconds(sample.p99));
    format!("{:.0} requests/s, median {median:.2} ms, p99 {p99:.2} ms", sample.rate)
}

/// Rate and latencies, each the median of the rounds.
fn columns(samples: &[Sample]) -> String {
    let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
    let rate = of(|s| s.rate);
    let latencies = of(|s| milliseconds(s.median)).zip(of(|s| milliseconds(s.p99)));
    match rate.zip(latencies) {
        None => "- | -".to_owned(),
        Some((rate, (median, p99))) => format!("{rate:.0} | {median:.2} / {p99:.2}"),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
