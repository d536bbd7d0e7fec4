//! Who works on the stores. Whoever opens them shares a lock; a restore has it alone. The system releases it however the
//! process ends. A restore that did not come to its end leaves a mark, and nothing opens until one does.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use sea_orm::DatabaseConnection;

use crate::config::Config;
use crate::db::{self, Place};

/// The lock in the data folder.
pub const LOCK: &str = ".lock";
/// The mark in the data folder; on PostgreSQL it is the table below.
pub const MARK: &str = "restore-unfinished";
/// The mark in a main database on PostgreSQL.
pub(crate) const MARK_TABLE: &str = "restore_unfinished";
/// The advisory lock in the main database.
const KEY: i32 = 7171;
/// How long to wait for those who have just left, in milliseconds.
const LEAVING: [u64; 5] = [50, 100, 200, 400, 800];
/// The name of the session that holds the lock, beside the name of all others.
const SESSION: &str = "aftersales-presence";

/// Held as long as somebody works on the stores.
#[derive(Debug)]
pub struct Presence {
    _file: File,
    session: Option<DatabaseConnection>,
}

impl Presence {
    /// Together with others.
    ///
    /// # Errors
    /// A restore is running, or one did not come to its end.
    pub async fn share(config: &Config) -> anyhow::Result<Self> {
        let running = "a restore is running on these stores; wait for its end";
        let file = lock_file(&config.data)?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(running),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the data folder"),
        }
        let mut session = None;
        if let Place::Postgres(url) = &config.database {
            let connection = db::session(url, SESSION).await?;
            let mut waits = LEAVING.iter();
            // The server sees a moment later than the system that a restore has ended.
            while !is_true(&connection, &format!("SELECT pg_try_advisory_lock_shared({KEY})")).await? {
                match waits.next() {
                    Some(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
                    None => bail!(running),
                }
            }
            session = Some(connection);
        }
        let presence = Self { _file: file, session };
        if presence.is_marked(config).await? {
            bail!(
                "a restore did not come to its end: what lies in the stores is neither the old state nor the new one. \
                 Run `aftersales restore` again; it needs no --replace."
            );
        }
        Ok(presence)
    }

    /// Alone.
    ///
    /// # Errors
    /// A server or another command works on the stores.
    pub async fn alone(config: &Config) -> anyhow::Result<Self> {
        let busy = "a server or another command works on these stores; stop every instance first";
        let file = lock_file(&config.data)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(busy),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the data folder"),
        }
        let mut session = None;
        if let Place::Postgres(url) = &config.database {
            let connection = db::session(url, SESSION).await?;
            // A session that lost its connection, and its lock with it, still shows by its pool.
            let sql = format!(
                "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'aftersales' AND pid <> pg_backend_pid()) AND pg_try_advisory_lock({KEY})"
            );
            let mut waits = LEAVING.iter();
            // The server sees a moment later than the system that a process has ended.
            while !is_true(&connection, &sql).await? {
                match waits.next() {
                    Some(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
                    None => bail!(busy),
                }
            }
            session = Some(connection);
        }
        Ok(Self { _file: file, session })
    }

    /// Whether a restore did not come to its end.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_marked(&self, config: &Config) -> anyhow::Result<bool> {
        match &self.session {
            Some(session) => is_true(session, &format!("SELECT to_regclass('{MARK_TABLE}') IS NOT NULL")).await,
            None => Ok(mark(config).exists()),
        }
    }

    /// From now on nothing opens the stores until [`Presence::unmark`].
    ///
    /// # Errors
    /// The mark cannot be written.
    pub async fn mark(&self, config: &Config) -> anyhow::Result<()> {
        match &self.session {
            Some(session) => {
                let sql = format!("CREATE TABLE IF NOT EXISTS {MARK_TABLE} (at timestamptz NOT NULL DEFAULT now())");
                db::run(session, &sql, []).await?;
            }
            None => {
                let path = mark(config);
                let cannot = || format!("cannot write {}", path.display());
                File::create(&path).and_then(|f| f.sync_all()).with_context(cannot)?;
                File::open(&config.data).and_then(|f| f.sync_all()).with_context(cannot)?;
            }
        }
        Ok(())
    }

    /// The restore has come to its end.
    ///
    /// # Errors
    /// The mark cannot be removed.
    pub async fn unmark(&self, config: &Config) -> anyhow::Result<()> {
        match &self.session {
            Some(session) => {
                db::run(session, &format!("DROP TABLE IF EXISTS {MARK_TABLE}"), []).await?;
            }
            None => {
                let path = mark(config);
                let cannot = || format!("cannot remove {}", path.display());
                std::fs::remove_file(&path).with_context(cannot)?;
                File::open(&config.data).and_then(|f| f.sync_all()).with_context(cannot)?;
            }
        }
        Ok(())
    }
}

fn mark(config: &Config) -> PathBuf {
    config.data.join(MARK)
}

fn lock_file(data: &Path) -> anyhow::Result<File> {
    let path = data.join(LOCK);
    let cannot = || format!("cannot open {}", path.display());
    OpenOptions::new().create(true).truncate(false).write(true).open(&path).with_context(cannot)
}

async fn is_true(session: &DatabaseConnection, sql: &str) -> anyhow::Result<bool> {
    let rows = db::rows(session, sql, []).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get_by_index(0))?)
}
