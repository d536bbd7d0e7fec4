//! The process that dies. It is this test binary once more, told by the environment what to do and at which point to stand
//! still until it is killed.
//!
//! SeaORM opens a span around every statement, `BEGIN` and `COMMIT` included, so a subscriber of the victim's own sees
//! each before it is sent, without a hook in the program. A point lies before every statement, and after every one that may
//! have made something durable: every commit, and every statement outside a transaction. Whatever else the program does to
//! a store (a line of the ledger's file, a blob that is deleted) lies between two of these points.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::SqliteSynchronous;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::App;
use crate::support::stores::{self, Stores};

const VARIABLE: &str = "AFTERSALES_VICTIM";
const HERE: &str = "at the point";
const THROUGH: &str = "through ";

/// What a victim does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Deed {
    /// The officer erases a person, through the API.
    Erase(String),
    /// The job that goes on with an erasure when what it waited for has ended, scans, and answers once more.
    GoOn,
    /// The nightly job.
    Sweep,
    /// The officer does something else: a mutation, the type of its input, and the input.
    Protect(String, String, Value),
}

/// What is in the environment of a victim.
#[derive(Serialize, Deserialize)]
struct Orders {
    folder: PathBuf,
    urls: Vec<String>,
    at: DateTime<Utc>,
    deed: Deed,
    point: u64,
}

/// How a victim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It reached its point and was killed there.
    Killed,
    /// It came to its end.
    Through(Passed),
}

/// The points that a victim passed on its way to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// How many.
    pub points: u64,
    /// Those that lie after something that may be durable.
    pub lasting: Vec<u64>,
}

impl Passed {
    /// Where it is killed to see every state that a death can leave: everywhere. A server throws away what a dead connection
    /// had begun, so that on PostgreSQL every death between two points after something durable leaves the same: there, these
    /// points, and the first.
    pub fn tried(self, stores: &Stores) -> Vec<u64> {
        if stores.urls().is_empty() {
            return (1..=self.points).collect();
        }
        std::iter::once(1).chain(self.lasting).collect()
    }
}

/// Runs a victim on these stores until a point, and kills it there with SIGKILL.
pub fn run(stores: &Stores, deed: &Deed, at: DateTime<Utc>, point: u64) -> End {
    let orders = Orders { folder: stores.folder.path().to_owned(), urls: stores.urls(), at, deed: deed.clone(), point };
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim::victim", "--ignored", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, serde_json::to_string(&orders).unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut end = None;
    for line in lines {
        if line == HERE {
            process.kill().unwrap();
            end = Some(End::Killed);
        } else if let Some(passed) = line.strip_prefix(THROUGH) {
            end = Some(End::Through(serde_json::from_str(passed).unwrap()));
        }
    }
    let status = process.wait().unwrap();
    end.unwrap_or_else(|| panic!("the victim of point {point} ended by itself: {status}"))
}

/// Not a test: what [`run`] starts.
#[test]
#[ignore = "the process that dies; the tests beside it start it"]
fn victim() {
    let Ok(orders) = std::env::var(VARIABLE) else { return };
    let orders: Orders = serde_json::from_str(&orders).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // What the harness wants as its folder lies in that of the stores, so that nothing is left behind.
        let folder = tempfile::tempdir_in(&orders.folder).unwrap();
        let config = stores::config(&orders.folder, &orders.urls);
        let app = App::open_at(folder, config, Vec::new(), orders.at, SqliteSynchronous::Off).await;
        let officer = app.dpo().await;
        let seen = Seen { passed: Passed { points: 0, lasting: Vec::new() }, spans: 0, durable: BTreeSet::new() };
        let points = std::sync::Arc::new(Points { die_at: orders.point, seen: Mutex::new(seen) });
        let guard = tracing::subscriber::set_default(std::sync::Arc::clone(&points));
        match &orders.deed {
            Deed::Erase(customer) => {
                let input = json!({ "customerId": customer, "idempotencyKey": "the erasure" });
                officer.done("subjectErase", "SubjectEraseInput", input, "erasure { state }").await;
            }
            Deed::GoOn => {
                app.run_job("erasures").await;
            }
            Deed::Sweep => {
                app.run_job("retention").await;
            }
            Deed::Protect(mutation, input_type, input) => {
                officer.done(mutation, input_type, input.clone(), "").await;
            }
        }
        drop(guard);
        let passed = points.seen.lock().unwrap().passed.clone();
        say(&format!("{THROUGH}{}", serde_json::to_string(&passed).unwrap()));
        app.leave().await;
    });
}

/// Past the harness, which captures the print macros only. The line before may lack its end.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

struct Points {
    die_at: u64,
    seen: Mutex<Seen>,
}

struct Seen {
    passed: Passed,
    spans: u64,
    durable: BTreeSet<u64>,
}

impl Points {
    fn pass(&self, seen: &mut Seen) {
        seen.passed.points += 1;
        if seen.passed.points == self.die_at {
            say(HERE);
            // The one thread of the runtime: nothing goes on while this waits for SIGKILL.
            loop {
                std::thread::park();
            }
        }
    }
}

impl Subscriber for Points {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let of_pool = metadata.target() == "sea_orm::database::db_connection";
        let of_transaction = metadata.target() == "sea_orm::database::transaction";
        let statement = matches!(
            metadata.name(),
            "execute_raw" | "execute_unprepared" | "query_one_raw" | "query_all_raw" | "stream_raw"
        );
        let boundary = matches!(metadata.name(), "begin" | "commit" | "rollback");
        let failed = metadata.is_event() && *metadata.level() == Level::ERROR;
        failed || metadata.is_span() && ((of_pool && statement) || (of_transaction && (statement || boundary)))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut seen = self.seen.lock().unwrap();
        self.pass(&mut seen);
        seen.spans += 1;
        let (id, metadata) = (seen.spans, attributes.metadata());
        if metadata.name() == "commit" || metadata.target() == "sea_orm::database::db_connection" {
            seen.durable.insert(id);
        }
        Id::from_u64(id)
    }

    // No span is ever the current one, so that no worker thread gets a copy: this is the end of the statement's future.
    fn try_close(&self, id: Id) -> bool {
        let mut seen = self.seen.lock().unwrap();
        if seen.durable.remove(&id.into_u64()) {
            let point = seen.passed.points + 1;
            seen.passed.lasting.push(point);
            self.pass(&mut seen);
        }
        true
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        // What made a victim end by itself.
        eprintln!("{event:?}");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
