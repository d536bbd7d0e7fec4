//! Backup and restore through the real program: nothing that was erased comes back, nothing that was kept is lost.

mod bytes;
mod died;
mod ledger;
mod protections;
mod refused;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aftersales::clock::Clock;
use aftersales::config::Config;
use aftersales::db::{self, Db, Place};
use aftersales::keys::master::Source;
use sea_orm::{ColumnType, DbBackend};
use serde_json::{Value, json};

use crate::support::{App, life};

/// Declares tests on both engines that own their application: a restore wants it stopped.
macro_rules! owning {
    ($($(#[doc = $doc:literal])* async fn $name:ident($app:ident) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            use super::*;

            async fn body($app: $crate::support::App) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body($crate::support::App::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(app) = $crate::support::App::postgres().await {
                    body(app).await;
                }
            }
        }
    )+};
}
use owning;

/// What an erased person left everywhere.
const MARKER: &str = "Kanarienvogel";

/// The program on the stores of these settings. It lives by the system's clock.
fn program(config: &Config) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_aftersales"));
    for variable in ["DATABASE_URL", "KEYSTORE_URL", "LEDGER_URL", "AFTERSALES_SMTP_URL", "AFTERSALES_MASTER_KEY"] {
        program.env_remove(variable);
    }
    program.env("AFTERSALES_DATA", &config.data).env("AFTERSALES_LISTEN", "127.0.0.1:0").env("RUST_LOG", "error");
    if let Source::File(path) = &config.master_key {
        program.env("AFTERSALES_MASTER_KEY_FILE", path);
    }
    for (name, place) in
        [("DATABASE_URL", &config.database), ("KEYSTORE_URL", &config.keystore), ("LEDGER_URL", &config.ledger)]
    {
        if let Place::Postgres(url) = place {
            program.env(name, url);
        }
    }
    program
}

fn run(config: &Config, arguments: &[&str]) -> Output {
    program(config).args(arguments).output().unwrap()
}

/// What a command reports that has to succeed.
fn report(config: &Config, arguments: &[&str]) -> Value {
    let output = run(config, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command says that has to fail with status 1.
fn refused(config: &Config, arguments: &[&str]) -> String {
    let output = run(config, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The clock of the test goes by the system's, as the program does.
fn now(app: &App) {
    app.clock.set(Clock::System.now());
}

/// The backup of a test, beside its data.
fn backup_folder(app: &App) -> PathBuf {
    app.folder.path().join("backup")
}

/// Loses everything that a backup is for; the ledger and the master key are elsewhere. On PostgreSQL the databases stay.
fn lose(config: &Config) {
    for folder in ["main", "keys", "blobs"] {
        let _ = std::fs::remove_dir_all(config.data.join(folder));
    }
}

/// The options of a restore after [`lose`].
fn onto(config: &Config, folder: &Path) -> Vec<String> {
    let mut arguments = vec!["restore".to_owned(), text(folder).to_owned()];
    if matches!(config.database, Place::Postgres(_)) {
        arguments.push("--replace".to_owned());
    }
    arguments
}

/// Every value of every row, as the database stores it. Rows that only say who did what when are left out.
async fn rows(db: &Db) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for t in entity::map::tables().iter().filter(|t| t.is_personal()) {
        if ["access_entries", "tokens", "idempotency_keys"].contains(&t.name) {
            continue;
        }
        let value = |c: &entity::map::Column| match (db.backend(), &c.ty) {
            (DbBackend::Postgres, ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_)) => {
                format!("COALESCE(encode({}, 'hex'), '-')", c.name)
            }
            (DbBackend::Postgres, _) => format!("COALESCE({}::text, '-')", c.name),
            _ => format!("quote({})", c.name),
        };
        let values: Vec<String> = t.columns.iter().map(value).collect();
        let sql = format!("SELECT {} FROM {}", values.join(" || '|' || "), t.name);
        let found = db::rows(db.read(), &sql, []).await.unwrap();
        all.insert(t.name.to_owned(), found.iter().map(|r| r.try_get_by_index(0).unwrap()).collect());
    }
    all
}

/// The triggers that are on.
async fn triggers(db: &Db) -> i64 {
    let sql = if db.backend() == DbBackend::Postgres {
        "SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
    } else {
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger'"
    };
    db::rows(db.read(), sql, []).await.unwrap()[0].try_get_by_index(0).unwrap()
}

/// The ids of the units that have a key.
async fn units(app: &App) -> BTreeSet<uuid::Uuid> {
    let rows = db::rows(app.state.keys.db().read(), "SELECT id FROM units", []).await.unwrap();
    rows.iter().map(|r| r.try_get_by_index(0).unwrap()).collect()
}

/// A person with an order, a closed case with a photo, and a text that nobody else has.
async fn person(app: &App, name: &str, number: &str) -> life::Known {
    let known = life::order(app, &format!("{name}@example.com"), number).await;
    life::delivered(app, &known).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), &format!("{MARKER} {name}")).await;
    life::upload(&customer, &case, &format!("{MARKER}-{name}.jpg"), "image/jpeg", &crate::support::media::jpeg()).await;
    life::decide(app, &case, "NOT_ELIGIBLE").await;
    life::close(app, &case).await;
    known
}

async fn erase(app: &App, known: &life::Known) -> Value {
    let input = json!({ "customerId": known.customer });
    let selection = "erasure { state records { table rowId outcome } }";
    app.dpo().await.done("subjectErase", "SubjectEraseInput", input, selection).await["erasure"].clone()
}
