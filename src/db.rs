//! Connections and the few lines of SQL in which SQLite and PostgreSQL differ.
//!
//! SQLite: one writer that begins with `BEGIN IMMEDIATE`, and a pool of readers. PostgreSQL: one pool for both.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sea_orm::sqlx::sqlite::{SqliteAutoVacuum, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
};
use uuid::Uuid;

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
                    .test_before_acquire_if_idle_for(Duration::from_secs(30));
                let both = connect(options).await.context("cannot reach the PostgreSQL database")?;
                Ok(Self { read: both.clone(), write: both })
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
                .max_connections(if readers { 4 } else { 1 })
                .acquire_timeout(Duration::from_secs(30))
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .map_sqlx_sqlite_opts(move |o| {
                    o.auto_vacuum(SqliteAutoVacuum::Incremental)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(synchronous)
                        .busy_timeout(Duration::from_secs(10))
                        .foreign_keys(true)
                        .pragma("secure_delete", "ON")
                        .pragma("trusted_schema", "OFF")
                        .pragma("query_only", if readers { "ON" } else { "OFF" })
                });
            options
        };
        let context = || format!("cannot open the database {}", path.display());
        let write = connect(pool(false)).await.with_context(context)?;
        let read = connect(pool(true)).await.with_context(context)?;
        Ok(Self { read, write })
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

    /// Makes deletion physical: empties SQLite's write-ahead log and returns freed pages; on PostgreSQL vacuums the
    /// tables that were `touched`, and those of which it knows itself that they have dead rows. A night that removes
    /// nothing costs one look. Returns whether it could be done now: a reader in the way on SQLite means "again later".
    ///
    /// # Errors
    /// The database refuses.
    pub async fn forget(&self, touched: &[&str]) -> Result<bool, DbErr> {
        if self.backend() == DbBackend::Postgres {
            let sql = "SELECT relname::text FROM pg_stat_user_tables WHERE n_dead_tup > 0 AND schemaname = current_schema()";
            let mut tables: std::collections::BTreeSet<String> = touched.iter().map(|t| format!("\"{t}\"")).collect();
            for row in rows(&self.write, sql, []).await? {
                tables.insert(format!("\"{}\"", row.try_get_by_index::<String>(0)?.replace('"', "\"\"")));
            }
            if !tables.is_empty() {
                let list = tables.into_iter().collect::<Vec<_>>().join(", ");
                self.write.execute_unprepared(&format!("VACUUM (INDEX_CLEANUP ON) {list}")).await?;
            }
            return Ok(true);
        }
        self.write.execute_unprepared("PRAGMA incremental_vacuum").await?;
        let row = rows(&self.write, "PRAGMA wal_checkpoint(TRUNCATE)", []).await?;
        let busy = row.first().map_or(Ok(1), |r| r.try_get_by_index::<i32>(0))?;
        Ok(busy == 0)
    }

    /// Closes every connection.
    pub async fn close(self) {
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }
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
        format!("{column} = ANY(ARRAY(SELECT v::uuid FROM json_array_elements_text(${n}::json) v))")
    } else {
        format!("{column} IN (SELECT unhex(value) FROM json_each(${n}))")
    }
}

/// The value that [`is_any`] binds.
#[must_use]
pub fn id_list(ids: impl IntoIterator<Item = Uuid>) -> Value {
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
    sea_orm::sea_query::Expr::cust_with_values(condition, [id_list(ids)])
}
