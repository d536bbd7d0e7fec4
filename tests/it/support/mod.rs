//! The harness: an application of its own per test, actors that carry credentials, a clock that moves when told to, and
//! invariants that are checked at the end of every test.

pub mod command;
pub mod deeds;
pub mod dispute;
pub mod goods;
pub mod intake;
pub mod life;
pub mod media;
pub mod money;
pub mod postgres;
pub mod smtp;
pub mod stores;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aftersales::auth::Actor;
use aftersales::clock::{Clock, FixedClock};
use aftersales::config::Config;
use aftersales::db::{self, Place};
use aftersales::jobs::{lease, named};
use aftersales::keys::master::Source;
use aftersales::retention::ledger::{Entry, Protection};
use aftersales::retention::{paths, protections};
use aftersales::state::{App as State, AppState};
use aftersales::{customers, http, staff};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use entity::staff::Role;
use entity::{holds, restrictions};
use futures::TryStreamExt as _;
use http_body_util::BodyExt as _;
use object_store::ObjectStore as _;
use sea_orm::sqlx::sqlite::SqliteSynchronous;
use sea_orm::{DbBackend, EntityTrait as _};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Declares tests that run on SQLite and, where it is there, on PostgreSQL.
#[macro_export]
macro_rules! on_both_engines {
    ($($(#[doc = $doc:literal])* async fn $name:ident($app:ident) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            use super::*;

            async fn body($app: &$crate::support::App) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let app = $crate::support::App::sqlite().await;
                body(&app).await;
                app.finish().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(app) = $crate::support::App::postgres().await {
                    body(&app).await;
                    app.finish().await;
                }
            }
        }
    )+};
}

/// The instant at which every test begins: a Monday in winter, far from a year's end.
pub const BEGIN: &str = "2014-03-10T09:00:00Z";

/// An application of one test.
pub struct App {
    pub state: AppState,
    pub clock: FixedClock,
    pub router: Router,
    pub folder: tempfile::TempDir,
    databases: Vec<String>,
    keys: AtomicU32,
}

impl App {
    pub async fn sqlite() -> Self {
        // Says once per run whether PostgreSQL is there.
        postgres::server();
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder, None);
        Self::open(folder, config, Vec::new()).await
    }

    pub async fn postgres() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = postgres::server()?;
        let name = format!("aftersales_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let databases = vec![format!("{name}_main"), format!("{name}_keys")];
        for database in &databases {
            server.create_database(database);
        }
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder, Some((server.url(&databases[0]), server.url(&databases[1]))));
        Some(Self::open(folder, config, databases).await)
    }

    async fn open(folder: tempfile::TempDir, config: Config, databases: Vec<String>) -> Self {
        Self::open_at(folder, config, databases, BEGIN.parse().unwrap(), SqliteSynchronous::Full).await
    }

    /// Opens stores at an instant, as a process does that starts then.
    pub async fn open_at(
        folder: tempfile::TempDir,
        config: Config,
        databases: Vec<String>,
        at: DateTime<Utc>,
        durability: SqliteSynchronous,
    ) -> Self {
        // What a failing test needs to know; libtest shows it for failing tests only.
        let warnings = tracing_subscriber::EnvFilter::new("warn,sqlx=error");
        let _ = tracing_subscriber::fmt().with_env_filter(warnings).with_test_writer().try_init();
        let clock = FixedClock::at(at);
        let state = State::open_with(config, Clock::Fixed(clock.clone()), durability).await.unwrap();
        let _ = state.base_url.set("http://test".to_owned());
        let router = http::router(Arc::clone(&state));
        Self { state, clock, router, folder, databases, keys: AtomicU32::new(0) }
    }

    /// Closes every connection and leaves the stores: the folder, and the names of the databases on PostgreSQL.
    pub async fn leave(self) -> (tempfile::TempDir, Vec<String>) {
        self.state.db.clone().close().await;
        self.state.keys.db().clone().close().await;
        (self.folder, self.databases)
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock on.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Moves the clock to an instant.
    pub fn at(&self, instant: &str) {
        self.clock.set(instant.parse().unwrap());
    }

    /// An idempotency key that no other request has.
    pub fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    pub fn anonymous(&self) -> Caller<'_> {
        Caller { app: self, token: None }
    }

    pub async fn staff(&self, role: Role) -> Caller<'_> {
        Caller { app: self, token: Some(staff::token(&self.state, role).await.unwrap()) }
    }

    pub async fn agent(&self) -> Caller<'_> {
        self.staff(Role::Agent).await
    }

    /// An agent who is not the first one.
    pub async fn second_agent(&self) -> Caller<'_> {
        Caller { app: self, token: Some(staff::another_token(&self.state, Role::Agent).await.unwrap()) }
    }

    pub async fn finance(&self) -> Caller<'_> {
        self.staff(Role::Finance).await
    }

    pub async fn dpo(&self) -> Caller<'_> {
        self.staff(Role::Dpo).await
    }

    pub fn shop(&self) -> Caller<'_> {
        let (now, id) = (self.now(), entity::ids::TokenId::new(self.now()));
        let token = self.state.signing.bearer(&Actor::Shop, id, now, now + TimeDelta::hours(1)).unwrap();
        Caller { app: self, token: Some(token) }
    }

    /// A customer who is known by an order.
    pub async fn customer(&self, email: &str) -> Caller<'_> {
        let new = customers::access::NewToken { email: email.to_owned(), minutes: Some(1440) };
        let minted = customers::access::create(&self.state, &Actor::Shop, new, &self.key()).await.unwrap();
        Caller { app: self, token: Some(minted.bearer) }
    }

    /// Runs a job to its end and returns its report.
    pub async fn run_job(&self, name: &str) -> Value {
        match lease::run_now(&self.state, named(name).unwrap()).await.unwrap() {
            lease::Ran::Here(run) => {
                assert_eq!(run.state, entity::job_runs::State::Done, "{}", run.report);
                serde_json::from_str(&run.report).unwrap()
            }
            lease::Ran::Elsewhere => panic!("{name} is leased by somebody else"),
        }
    }

    /// How many rows a table has that meet a condition.
    pub async fn count(&self, table: &str, condition: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
        let rows = db::rows(self.state.db.write(), &sql, []).await.unwrap();
        rows[0].try_get_by_index(0).unwrap()
    }

    /// How many rows there are of everything that a refused request must not touch.
    pub async fn counts(&self) -> Vec<(&'static str, i64)> {
        let mut counts = Vec::new();
        for t in entity::map::tables().iter().filter(|t| t.name != "access_entries") {
            counts.push((t.name, self.count(t.name, "1 = 1").await));
        }
        counts
    }

    /// A request as it is, through the real router.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, bytes: bytes.to_vec() }
    }

    /// Whichever way leads from a row to a person, it is the same: what is an erasure's, an export's, a hold's is found by any.
    async fn every_row_is_of_one_person(&self) {
        for t in entity::map::tables().iter().filter(|t| t.is_personal()) {
            let whose = |(column, to): &(&str, &str)| {
                let customer = paths::customer_of(entity::map::table(to)?)?;
                Some(format!("(SELECT {customer} FROM {to} t WHERE t.id = {}.{column})", t.name))
            };
            let ways: Vec<String> = t.links().iter().filter_map(whose).collect();
            let differ = |(i, one): (usize, &String)| {
                let others = ways.iter().skip(i + 1);
                others.map(|other| format!("{one} <> {other}")).collect::<Vec<_>>()
            };
            let differ: Vec<String> = ways.iter().enumerate().flat_map(differ).collect();
            if !differ.is_empty() {
                assert_eq!(self.count(t.name, &differ.join(" OR ")).await, 0, "rows of {} lead to two persons", t.name);
            }
        }
    }

    /// What has to hold after every test, whatever it did.
    pub async fn finish(self) {
        let blobs: Vec<_> = self.state.blobs.list(None).try_collect().await.unwrap();
        let stored = i64::try_from(blobs.len()).unwrap();
        let waiting = self.count("outbox_entries", "kind = 'DELETE_BLOB' AND state = 'PENDING'").await;
        let rows =
            self.count("attachments", "blob IS NOT NULL").await + self.count("inbound_mails", "blob IS NOT NULL").await;
        assert_eq!(stored, rows + waiting, "blobs and rows match");
        for t in entity::map::tables().iter().filter(|t| t.has("unit_id")) {
            let sql = format!("SELECT unit_id FROM {} WHERE unit_id IS NOT NULL", t.name);
            let rows = db::rows(self.state.db.write(), &sql, []).await.unwrap();
            let mut units: Vec<_> = rows.iter().map(|r| entity::ids::UnitId(r.try_get_by_index(0).unwrap())).collect();
            units.sort_unstable();
            units.dedup();
            let keys = self.state.keys.load(&units, entity::Purpose::DataProtection, self.now()).await.unwrap();
            assert_eq!(keys.len(), units.len(), "every row of {} has its key", t.name);
            let any = db::is_any(self.state.keys.db().backend(), "id", 1);
            let sql = format!("SELECT DISTINCT data_type FROM units WHERE {any}");
            let of = db::rows(
                self.state.keys.db().write(),
                &sql,
                [db::id_list(self.state.keys.db().backend(), units.iter().map(|u| u.0))],
            )
            .await
            .unwrap();
            for of in of.iter().map(|row| row.try_get_by_index(0).unwrap()) {
                assert!(t.types.contains(&of), "{} has rows sealed by a unit of {of:?}", t.name);
            }
        }
        self.every_row_is_of_one_person().await;
        assert_eq!(self.count("jobs", "lease_owner IS NOT NULL").await, 0, "no lease is held");
        if self.state.db.backend() == DbBackend::Postgres {
            let shown = db::rows(self.state.db.write(), "SHOW jit", []).await.unwrap();
            assert_eq!(shown[0].try_get_by_index::<String>(0).unwrap(), "off", "no statement is compiled");
        }
        let over = "captured_minor < (SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r \
                    WHERE r.order_id = orders.id AND r.state <> 'FAILED')";
        assert_eq!(self.count("orders", over).await, 0, "no order is refunded beyond what was captured");
        for (table, action) in [("cases", "case.open"), ("orders", "order.register"), ("refunds", "refund.grant")] {
            let silent = format!(
                "NOT EXISTS (SELECT 1 FROM audit_entries a WHERE a.row_id = {table}.id AND a.action = '{action}')"
            );
            assert_eq!(self.count(table, &silent).await, 0, "every row of {table} has its {action}");
        }
        self.is_in_the_ledger().await;
        self.close().await;
    }

    /// The ledger's last word on a hold or a restriction is its row: a restore loses none.
    async fn is_in_the_ledger(&self) {
        let holds = holds::Entity::find().all(self.state.db.write()).await.unwrap();
        let restrictions = restrictions::Entity::find().all(self.state.db.write()).await.unwrap();
        let stored = holds.iter().map(protections::of_hold).chain(restrictions.iter().map(protections::of_restriction));
        let stored: Vec<Protection> = stored.map(Result::unwrap).collect();
        if stored.is_empty() {
            return;
        }
        let mut told = HashMap::new();
        for entry in self.state.ledger.entries().await.unwrap() {
            if let Entry::Protection { protection, .. } = serde_json::from_value(entry).unwrap() {
                told.insert(protection.id, protection);
            }
        }
        for protection in stored {
            assert_eq!(told.get(&protection.id), Some(&protection), "what the ledger says of it");
        }
    }

    /// Stops the application; its stores stay.
    pub async fn stop(self) -> Stopped {
        self.state.db.clone().close().await;
        self.state.keys.db().clone().close().await;
        let config = self.state.config.clone();
        Stopped { config, folder: self.folder, databases: self.databases }
    }

    async fn close(self) {
        let (_folder, databases) = self.leave().await;
        if let Some(server) = postgres::server() {
            for database in &databases {
                server.drop_database(database);
            }
        }
    }
}

/// The stores of an application that does not run.
pub struct Stopped {
    pub config: Config,
    pub folder: tempfile::TempDir,
    databases: Vec<String>,
}

impl Stopped {
    /// Starts the application again, at an instant.
    pub async fn start(self, now: DateTime<Utc>) -> App {
        let app = App::open(self.folder, self.config, self.databases).await;
        app.clock.set(now);
        app
    }
}

/// Settings of a test: everything in `folder`, or the two databases on PostgreSQL.
pub fn config(folder: &impl AsRef<Path>, databases: Option<(String, String)>) -> Config {
    let folder = folder.as_ref();
    let data = folder.join("data");
    let mut config = Config::load(None, |_| None).unwrap();
    config.database = Place::File(data.join("main/aftersales.sqlite"));
    config.keystore = Place::File(data.join("keys/keys.sqlite"));
    if let Some((main, keys)) = databases {
        config.database = Place::Postgres(main);
        config.keystore = Place::Postgres(keys);
    }
    config.ledger = Place::File(data.join("ledger"));
    config.master_key = Source::File(folder.join("secrets/master.key"));
    config.data = data;
    config.introspection = true;
    config.carrier_secret = Some(aftersales::config::Secret::new(goods::SECRET.to_owned()));
    config
}

/// An actor with credentials.
#[derive(Clone)]
pub struct Caller<'a> {
    pub app: &'a App,
    pub token: Option<String>,
}

impl Caller<'_> {
    /// A GraphQL request by POST.
    pub async fn gql(&self, query: &str, variables: Value) -> Reply {
        self.gql_in("en", query, variables).await
    }

    /// A GraphQL request in a language.
    pub async fn gql_in(&self, language: &str, query: &str, variables: Value) -> Reply {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .header("accept-language", language);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.app.send(request.body(Body::from(body)).unwrap()).await
    }

    /// The `data` of a request that has to succeed.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let reply = self.gql(query, variables).await.json();
        assert!(reply.get("errors").is_none(), "{query}\n{reply:#}");
        reply["data"].clone()
    }

    /// The payload of a mutation with one input; adds an idempotency key where there is none. `selection` is what is
    /// asked of the payload besides `userErrors`.
    pub async fn mutate(&self, mutation: &str, input_type: &str, mut input: Value, selection: &str) -> Value {
        if input.get("idempotencyKey").is_none() {
            input["idempotencyKey"] = json!(self.app.key());
        }
        let query = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {selection} \
             userErrors {{ code field message details {{ name value }} }} }} }}"
        );
        self.data(&query, json!({ "input": input })).await[mutation].clone()
    }

    /// As [`Caller::mutate`], where nothing may be refused.
    pub async fn done(&self, mutation: &str, input_type: &str, input: Value, selection: &str) -> Value {
        let payload = self.mutate(mutation, input_type, input, selection).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}: {payload:#}");
        payload
    }

    /// The code and field of the only user error of a mutation that has to be refused.
    pub async fn refused(&self, mutation: &str, input_type: &str, input: Value) -> (String, Value) {
        let payload = self.mutate(mutation, input_type, input, "").await;
        let errors = payload["userErrors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{mutation}: {payload:#}");
        (errors[0]["code"].as_str().unwrap().to_owned(), errors[0].clone())
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.bytes)))
    }

    /// The code of the first top-level error.
    pub fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// What chance begins with: `AFTERSALES_SEED`, or what is always taken.
pub fn seed(otherwise: u64) -> u64 {
    let seed = std::env::var("AFTERSALES_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(otherwise);
    println!("seed {seed} (AFTERSALES_SEED)");
    seed
}

/// Days.
pub fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}
