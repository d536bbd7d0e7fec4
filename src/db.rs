//! Connections and the few lines of SQL in which SQLite and PostgreSQL differ.
//!
//! SQLite: one writer that begins with `BEGIN IMMEDIATE`, and a pool of readers. PostgreSQL: one pool for both.

pub mod raw;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::ArrayType;
use sea_orm::sqlx::sqlite::{SqliteAutoVacuum, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    Value,
};
use uuid::Uuid;

/// Statements that a connection keeps prepared. An erasure alone has more than a driver's usual hundred, and one that was
/// thrown away is parsed and planned anew.
const STATEMENTS: usize = 500;
/// Connections of SQLite that read at once.
const READERS: u32 = 4;

/// Free pages that SQLite returns at once, which keeps the one writer for some milliseconds: after a large removal there are
/// a hundred thousand.
const RETURNED_AT_ONCE: u32 = 250;

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// A SQLite file; its folder is made if missing.
    File(PathBuf),
    /// A PostgreSQL URL.
    Postgres(String),
}

/// A database: a connection to read with and one to write with.
#[derive(Clone, Debug)]
pub struct Db {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// SQLite's file.
    file: Option<PathBuf>,
}

impl Db {
    /// Connects; makes the file or leaves the PostgreSQL database as it is. Migrates nothing.
    ///
    /// # Errors
    /// The database cannot be reached, or the folder cannot be written.
    pub async fn open(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::File(path) => Self::open_file(path, SqliteSynchronous::Full).await,
            Place::Postgres(url) => {
                let mut options = ConnectOptions::new(url.clone());
                options
                    .max_connections(16)
                    .acquire_timeout(Duration::from_secs(10))
                    .set_application_name("aftersales")
                    .test_before_acquire_if_idle_for(Duration::from_secs(30))
                    // Conditions from the data map are long and touch few rows. The planner thinks them dear and compiles them,
                    // which takes a hundred times as long as answering: an erasure took 2.3 s instead of 0.2 s.
                    .map_sqlx_postgres_opts(|o| o.options([("jit", "off")]).statement_cache_capacity(STATEMENTS));
                let both = connect(options).await.context("cannot reach the PostgreSQL database")?;
                Ok(Self { read: both.clone(), write: both, file: None })
            }
        }
    }

    /// A SQLite file with its own durability: `Off` is for throwaway data only.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_file(path: &Path, synchronous: SqliteSynchronous) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let pool = |readers: bool| {
            let mut options = ConnectOptions::new(url.clone());
            options
                .max_connections(if readers { READERS } else { 1 })
                .acquire_timeout(Duration::from_secs(30))
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .map_sqlx_sqlite_opts(move |o| {
                    let o = o
                        .synchronous(synchronous)
                        .busy_timeout(Duration::from_secs(10))
                        .statement_cache_capacity(STATEMENTS)
                        .foreign_keys(true)
                        .pragma("secure_delete", "ON")
                        // What a statement sorts or would take back stays in memory: a file of its own would not be overwritten.
                        .pragma("temp_store", "MEMORY")
                        .pragma("trusted_schema", "OFF");
                    if readers {
                        return o.pragma("cache_size", "-8192").pragma("query_only", "ON");
                    }
                    // Both are the file's. A reader that set the first would wait for the writer, which may be waiting for it.
                    o.auto_vacuum(SqliteAutoVacuum::Incremental)
                        .journal_mode(SqliteJournalMode::Wal)
                        .pragma("cache_size", "-16384")
                });
            options
        };
        let context = || format!("cannot open the database {}", path.display());
        let write = connect(pool(false)).await.with_context(context)?;
        let read = connect(pool(true)).await.with_context(context)?;
        Ok(Self { read, write, file: Some(path.to_owned()) })
    }

    /// For reads outside a transaction.
    #[must_use]
    pub const fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For migrations and housekeeping, which must not run inside a transaction of ours.
    #[must_use]
    pub const fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// The engine.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    /// Begins a write. A dropped transaction rolls back.
    ///
    /// # Errors
    /// The database is busy or cannot be reached.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
        self.write.begin_with_options(TransactionOptions { sqlite_transaction_mode, ..Default::default() }).await
    }

    /// Begins a read that sees one state of everything, however many statements it takes.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn begin_read(&self) -> Result<DatabaseTransaction, DbErr> {
        if self.backend() != DbBackend::Postgres {
            return self.read.begin().await;
        }
        let (isolation, access) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
        self.read.begin_with_config(Some(isolation), Some(access)).await
    }

    /// Makes deletion physical: empties SQLite's write-ahead log and returns freed pages, which `secure_delete` has
    /// overwritten. PostgreSQL vacuums the tables that were `touched` and those of which it knows itself that they have
    /// dead rows: all of them take longer than everything else in a night in which nothing is due. Returns whether it could be
    /// done now: somebody who still reads what was there before means "again later".
    ///
    /// # Errors
    /// The database refuses, or overwrites nothing.
    pub async fn forget(&self, touched: &[&str]) -> Result<bool, DbErr> {
        if self.backend() == DbBackend::Postgres {
            let begun: DateTime<Utc> = single(&self.write, "SELECT clock_timestamp()").await?;
            let dead = "SELECT relname::text FROM pg_stat_user_tables \
                        WHERE n_dead_tup > 0 AND schemaname = current_schema()";
            let mut tables: BTreeSet<String> = touched.iter().map(|&table| table.to_owned()).collect();
            for row in rows(&self.write, dead, []).await? {
                tables.insert(row.try_get_by_index(0)?);
            }
            if !tables.is_empty() {
                let tables: Vec<String> = tables.iter().map(|t| format!("\"{}\"", t.replace('"', "\"\""))).collect();
                let sql = format!("VACUUM (INDEX_CLEANUP ON) {}", tables.join(", "));
                self.write.execute_unprepared(&sql).await?;
            }
            // Rows that an older snapshot may still see stay where they are. A vacuum beside this one sees none of them.
            let older = "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                         AND backend_type = 'client backend' AND pid <> pg_backend_pid() \
                         AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum) \
                         AND backend_xmin IS NOT NULL AND xact_start < $1)";
            let rows = rows(&self.write, older, [begun.into()]).await?;
            return rows.first().map_or(Ok(false), |r| r.try_get_by_index(0));
        }
        if single::<i32>(&self.write, "PRAGMA secure_delete").await? != 1 {
            return Err(DbErr::Custom("SQLite does not overwrite what is deleted (PRAGMA secure_delete)".to_owned()));
        }
        let free = async || single::<i32>(&self.write, "PRAGMA freelist_count").await;
        let mut left = free().await?;
        while left > 0 {
            self.write.execute_unprepared(&format!("PRAGMA incremental_vacuum({RETURNED_AT_ONCE})")).await?;
            let before = std::mem::replace(&mut left, free().await?);
            if left >= before {
                break;
            }
        }
        let busy: i32 = single(&self.write, "PRAGMA wal_checkpoint(TRUNCATE)").await?;
        Ok(busy == 0 && self.log_is_empty())
    }

    /// What SQLite's own check of every page finds wrong with the file; none: nothing. PostgreSQL checks its pages itself as it
    /// reads them, where the cluster was made with checksums.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub async fn damage(&self) -> Result<Option<String>, DbErr> {
        if self.backend() == DbBackend::Postgres {
            return Ok(None);
        }
        let found: String = single(&self.read, "PRAGMA quick_check(1)").await?;
        Ok((found != "ok").then_some(found))
    }

    /// What the checkpoint says is also what the file says. Another process may have written since: then it is the next
    /// run's, too.
    fn log_is_empty(&self) -> bool {
        let Some(file) = &self.file else { return true };
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        std::fs::metadata(log).map_or(true, |log| log.len() == 0)
    }

    /// Closes every connection.
    pub async fn close(self) {
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }
}

/// One PostgreSQL connection that lives until it is dropped: what it locks, it holds that long.
///
/// # Errors
/// The server cannot be reached.
pub async fn session(url: &str, name: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url.to_owned());
    options
        .max_connections(1)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .set_application_name(name)
        .test_before_acquire(false);
    connect(options).await.context("cannot reach the PostgreSQL database")
}

async fn single<T: sea_orm::TryGetable>(db: &impl ConnectionTrait, sql: &str) -> Result<T, DbErr> {
    let rows = rows(db, sql, []).await?;
    let row = rows.first().ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?;
    row.try_get_by_index(0)
}

async fn connect(mut options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    options.sqlx_logging(false).record_stmt_in_spans(false);
    Database::connect(options).await
}

/// Runs a statement that returns rows. Placeholders are `$1`, `$2`, … on both engines.
///
/// # Errors
/// The statement fails.
pub async fn rows<V>(db: &impl ConnectionTrait, sql: &str, values: V) -> Result<Vec<QueryResult>, DbErr>
where
    V: IntoIterator<Item = Value>,
{
    db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await
}

/// Runs a statement and says how many rows it touched.
///
/// # Errors
/// The statement fails.
pub async fn run<V>(db: &impl ConnectionTrait, sql: &str, values: V) -> Result<u64, DbErr>
where
    V: IntoIterator<Item = Value>,
{
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.map(|r: ExecResult| r.rows_affected())
}

/// Locks a row until the transaction ends. On SQLite a write transaction already locks everything. The lock lets rows
/// that point to this one be inserted, or two changes that meet would wait for each other for ever.
///
/// # Errors
/// The statement fails.
pub async fn lock(tx: &DatabaseTransaction, table: &str, id: Uuid) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        rows(tx, &format!("SELECT id FROM {table} WHERE id = $1 FOR NO KEY UPDATE"), [id.into()]).await?;
    }
    Ok(())
}

/// `column IN (the ids bound as $n)`, whose text does not change with their number, so that the statement stays prepared.
#[must_use]
pub fn is_any(backend: DbBackend, column: &str, n: usize) -> String {
    if backend == DbBackend::Postgres {
        format!("{column} = ANY(${n})")
    } else {
        format!("{column} IN (SELECT unhex(value) FROM json_each(${n}))")
    }
}

/// The value that [`is_any`] binds.
#[must_use]
pub fn id_list(backend: DbBackend, ids: impl IntoIterator<Item = Uuid>) -> Value {
    if backend == DbBackend::Postgres {
        return Value::Array(ArrayType::Uuid, Some(Box::new(ids.into_iter().map(Value::from).collect())));
    }
    let mut text = String::from("[");
    for id in ids {
        if text.len() > 1 {
            text.push(',');
        }
        text.push('"');
        text.push_str(id.as_simple().encode_lower(&mut Uuid::encode_buffer()));
        text.push('"');
    }
    text.push(']');
    text.into()
}

/// A condition for the query builder: `column` is one of `ids`, with a text that does not change with their number.
#[must_use]
pub fn any(backend: DbBackend, column: &str, ids: impl IntoIterator<Item = Uuid>) -> sea_orm::sea_query::SimpleExpr {
    // The builder numbers placeholders itself, and knows SQLite's only as `?`.
    let placeholder = if backend == DbBackend::Postgres { "$1" } else { "?" };
    let condition = is_any(backend, column, 1).replace("$1", placeholder);
    sea_orm::sea_query::Expr::cust_with_values(condition, [id_list(backend, ids)])
}

#[cfg(test)]
mod tests {
    use futures::future::try_join_all;

    use super::*;

    #[tokio::test]
    async fn readers_begin_while_somebody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_file(&folder.path().join("file.sqlite"), SqliteSynchronous::Off).await.unwrap();
        run(db.write(), "CREATE TABLE counted (n integer)", []).await.unwrap();
        let tx = db.begin().await.unwrap();
        run(&tx, "INSERT INTO counted VALUES (1)", []).await.unwrap();
        // As many as there may be, most of which connect only now.
        let readers = try_join_all((0..READERS).map(|_| db.begin_read())).await.unwrap();
        for reader in &readers {
            assert_eq!(single::<i64>(reader, "SELECT COUNT(*) FROM counted").await.unwrap(), 0);
        }
        tx.commit().await.unwrap();
        drop(readers);
        assert_eq!(single::<i64>(db.read(), "SELECT COUNT(*) FROM counted").await.unwrap(), 1);
    }
}
