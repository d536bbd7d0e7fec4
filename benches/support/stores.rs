//! Stores that are filled once and copied for every measurement, with commits that reach the disk.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use aftersales::clock::{Clock, FixedClock};
use aftersales::config::Config;
use aftersales::db::{self, Db};
use aftersales::state::{App, AppState};
use anyhow::ensure;
use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::SqliteSynchronous;
use sea_orm::{ConnectionTrait as _, DbBackend};

use super::postgres::{self, Server};

/// Every measurement takes place at this instant.
pub const NOW: &str = "2026-11-02T02:30:00Z";

/// Now, as the clock of every measurement says.
pub fn now() -> DateTime<Utc> {
    NOW.parse().unwrap_or_default()
}

/// The engines to measure: SQLite, and PostgreSQL where the tests would find it.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    match postgres::server() {
        Some(server) => engines.push(Engine::Postgres(server)),
        None => println!("No PostgreSQL was found: measured on SQLite only."),
    }
    engines
}

/// A database engine.
#[derive(Clone, Copy)]
pub enum Engine {
    /// Files in a folder.
    Sqlite,
    /// Databases on a server.
    Postgres(&'static Server),
}

impl Engine {
    /// What tables of results call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// A folder, on PostgreSQL with three databases.
pub struct Stores {
    engine: Engine,
    folder: tempfile::TempDir,
    databases: Vec<String>,
}

impl Stores {
    /// New, empty ones.
    pub fn new(engine: Engine) -> anyhow::Result<Self> {
        let stores = Self { engine, folder: tempfile::tempdir()?, databases: names(engine) };
        if let Engine::Postgres(server) = engine {
            for name in &stores.databases {
                server.create_database(name);
            }
        }
        Ok(stores)
    }

    /// The same once more. Nothing may be connected to these.
    pub fn copy(&self) -> anyhow::Result<Self> {
        let copy = Self { engine: self.engine, folder: tempfile::tempdir()?, databases: names(self.engine) };
        copy_folder(self.folder.path(), copy.folder.path())?;
        if let Engine::Postgres(server) = self.engine {
            let pairs: Vec<_> = copy.databases.iter().cloned().zip(self.databases.iter().cloned()).collect();
            server.copy_databases(&pairs);
        }
        Ok(copy)
    }

    fn config(&self) -> anyhow::Result<Config> {
        let data = self.folder.path().join("data").display().to_string();
        let url = |i: usize| match self.engine {
            Engine::Postgres(server) => self.databases.get(i).map(|name| server.url(name)),
            Engine::Sqlite => None,
        };
        Config::load(None, |name| match name {
            "AFTERSALES_DATA" => Some(data.clone()),
            "DATABASE_URL" => url(0),
            "KEYSTORE_URL" => url(1),
            "LEDGER_URL" => url(2),
            _ => None,
        })
    }

    /// An instance for filling: nothing waits for the disk.
    pub async fn open_to_fill(&self) -> anyhow::Result<AppState> {
        self.open_to_fill_at(FixedClock::at(now())).await
    }

    /// The same by another clock.
    pub async fn open_to_fill_at(&self, clock: FixedClock) -> anyhow::Result<AppState> {
        App::open_with(self.config()?, Clock::Fixed(clock), SqliteSynchronous::Off).await
    }

    /// An instance whose commits are on disk when they return.
    pub async fn open(&self) -> anyhow::Result<AppState> {
        let app = App::open(self.config()?, clock()).await?;
        if let Engine::Postgres(_) = self.engine {
            for sql in [
                "ALTER SYSTEM SET fsync = on",
                "ALTER SYSTEM SET synchronous_commit = on",
                "ALTER SYSTEM SET full_page_writes = on",
                "SELECT pg_reload_conf()",
            ] {
                db::rows(app.db.write(), sql, []).await?;
            }
            // A reload is noticed between two statements.
            for _ in 0..200 {
                let row = db::rows(app.db.write(), "SELECT current_setting('fsync')", []).await?;
                if row.first().map(|r| r.try_get_by_index::<String>(0)).transpose()?.as_deref() == Some("on") {
                    return Ok(app);
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            ensure!(false, "the server does not sync");
        }
        Ok(app)
    }

    /// Where the databases of main data and keys are: what a statement by hand is run on.
    pub async fn plain(&self) -> anyhow::Result<(Db, Db)> {
        let config = self.config()?;
        Ok((Db::open(&config.database).await?, Db::open(&config.keystore).await?))
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        if let Engine::Postgres(server) = self.engine {
            server.drop_databases(&self.databases);
        }
    }
}

/// Closes an instance's databases, so that they can be copied or dropped.
pub async fn close(app: AppState) {
    app.db.clone().close().await;
    app.keys.db().clone().close().await;
    if let aftersales::retention::ledger::Ledger::Database(db) = &app.ledger {
        db.clone().close().await;
    }
}

/// Whoever deletes by hand has no guards either.
pub async fn unguard(db: &Db) -> anyhow::Result<()> {
    let sql = if db.backend() == DbBackend::Postgres {
        "SELECT 'DROP TRIGGER ' || tgname || ' ON ' || tgrelid::regclass FROM pg_trigger WHERE tgname LIKE '%\\_guard\\_%'"
    } else {
        "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'"
    };
    for row in db::rows(db.write(), sql, []).await? {
        db.write().execute_unprepared(&row.try_get_by_index::<String>(0)?).await?;
    }
    Ok(())
}

fn clock() -> Clock {
    Clock::Fixed(FixedClock::at(now()))
}

fn names(engine: Engine) -> Vec<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if let Engine::Sqlite = engine {
        return Vec::new();
    }
    let name = format!("bench_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    ["main", "keys", "ledger"].iter().map(|store| format!("{name}_{store}")).collect()
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
