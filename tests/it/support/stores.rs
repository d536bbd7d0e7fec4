//! Stores that outlive the process that wrote them: made once through the API, copied for every death.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use aftersales::config::Config;
use aftersales::db::Place;
use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::SqliteSynchronous;

use super::{App, BEGIN, postgres};

/// A folder with blobs, master key and, on SQLite, databases and ledger; on PostgreSQL the databases that go with it.
pub struct Stores {
    pub folder: tempfile::TempDir,
    /// Main database, and the key store with the ledger.
    databases: Vec<String>,
}

/// The settings of an instance on such stores.
pub fn config(folder: &Path, urls: &[String]) -> Config {
    let [main, keys] = urls else { return super::config(&folder, None) };
    let mut config = super::config(&folder, Some((main.clone(), keys.clone())));
    config.ledger = Place::Postgres(keys.clone());
    config
}

impl Stores {
    /// New, empty ones; none where PostgreSQL is wanted and not there.
    pub fn new(on_postgres: bool) -> Option<Self> {
        let mut stores = Self { folder: tempfile::tempdir().unwrap(), databases: Vec::new() };
        if on_postgres {
            let server = postgres::server()?;
            stores.databases = names();
            for database in &stores.databases {
                server.create_database(database);
            }
        }
        Some(stores)
    }

    /// The same stores once more. Nothing may be connected to these.
    pub fn copy(&self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap(), databases: Vec::new() };
        copy_folder(self.folder.path(), copy.folder.path());
        if self.databases.is_empty() {
            return copy;
        }
        let databases = names();
        let copies: Vec<_> = databases.iter().cloned().zip(self.databases.iter().cloned()).collect();
        postgres::server().unwrap().copy_databases(&copies);
        Self { folder: copy.folder, databases }
    }

    /// The addresses of the databases; empty on SQLite.
    pub fn urls(&self) -> Vec<String> {
        self.databases.iter().map(|name| postgres::server().unwrap().url(name)).collect()
    }

    /// An instance on these stores, from an instant on.
    pub async fn open(self, at: DateTime<Utc>) -> App {
        let config = config(self.folder.path(), &self.urls());
        App::open_at(self.folder, config, self.databases, at, SqliteSynchronous::Off).await
    }

    /// As [`Stores::open`], at the instant at which every test begins.
    pub async fn begin(self) -> App {
        self.open(BEGIN.parse().unwrap()).await
    }

    /// What an instance leaves when it ends.
    pub async fn left(app: App) -> Self {
        let (folder, databases) = app.leave().await;
        Self { folder, databases }
    }

    /// Removes them.
    pub fn remove(self) {
        if !self.databases.is_empty() {
            postgres::server().unwrap().drop_databases(&self.databases);
        }
    }
}

fn names() -> Vec<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("crash_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    ["main", "keys"].iter().map(|store| format!("{name}_{store}")).collect()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
