//! The ledger as one table of a PostgreSQL database of its own: an entry per row, in the order of their commits.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use entity::ids::uuid_at;
use sea_orm::ConnectionTrait;

use super::{Append, chain};
use crate::db::{self, Db};
use crate::error::Result;
use crate::policy::retention::Rule;

/// Serialises the writers, so that entries stand in the order of their commits.
const WRITING: &str = "SELECT pg_advisory_xact_lock(7172)";
const PAGE: u32 = 1000;

/// Makes the table where there is none.
pub(super) async fn make(db: &Db) -> anyhow::Result<()> {
    let tx = db.begin().await?;
    db::rows(&tx, WRITING, []).await?;
    if !is_there(&tx).await? {
        let sql = "CREATE TABLE ledger_entries (seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE, \
                   id uuid PRIMARY KEY, at timestamptz NOT NULL, entry text NOT NULL)";
        db::run(&tx, sql, []).await?;
        // Opaque ids do not become smaller, and each entry reads the one before.
        db::run(&tx, "ALTER TABLE ledger_entries ALTER COLUMN entry SET STORAGE EXTERNAL", []).await?;
    }
    Ok(tx.commit().await?)
}

/// Whether there is one.
pub(super) async fn is_there(db: &impl ConnectionTrait) -> anyhow::Result<bool> {
    let rows = db::rows(db, "SELECT to_regclass('ledger_entries') IS NOT NULL", []).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get_by_index(0))?)
}

/// One entry after all others.
pub(super) async fn append(db: &Db, now: DateTime<Utc>, body: &str, how: Append) -> Result<()> {
    let tx = db.begin().await?;
    db::rows(&tx, WRITING, []).await?;
    let before = latest(&tx).await?;
    if how == Append::First && before.is_some() {
        return Ok(());
    }
    if how != Append::First && before.is_none() {
        return Err(anyhow::anyhow!("the erasure ledger is missing: its table is empty").into());
    }
    if how == Append::Soon {
        db::run(&tx, "SET LOCAL synchronous_commit = off", []).await?;
    }
    let line = chain::link(before.as_deref().unwrap_or_default(), body);
    let sql = "INSERT INTO ledger_entries (id, at, entry) VALUES ($1, $2, $3)";
    db::run(&tx, sql, [uuid_at(now).into(), now.into(), line.into()]).await?;
    Ok(tx.commit().await?)
}

/// Brings to the disk what has been written so far.
pub(super) async fn sync(db: &Db) -> Result<()> {
    // The log is one for all: a commit that waits for the disk takes the earlier ones with it.
    let tx = db.begin().await?;
    db::rows(&tx, "SELECT pg_current_xact_id()", []).await?;
    Ok(tx.commit().await?)
}

/// Hands on every line, oldest first.
pub(super) async fn lines(db: &Db, mut each: impl FnMut(&str) -> anyhow::Result<()>) -> Result<()> {
    let mut after = 0_i64;
    let sql = format!("SELECT seq, entry FROM ledger_entries WHERE seq > $1 ORDER BY seq LIMIT {PAGE}");
    loop {
        let rows = db::rows(db.read(), &sql, [after.into()]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.try_get_by_index(0)?;
        for row in &rows {
            each(&row.try_get_by_index::<String>(1)?)?;
        }
    }
}

/// The hash of the latest entry.
pub(super) async fn latest(db: &impl ConnectionTrait) -> Result<Option<String>> {
    let rows = db::rows(db, "SELECT entry FROM ledger_entries ORDER BY seq DESC LIMIT 1", []).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let line: String = row.try_get_by_index(0)?;
    let (_, chain) = chain::parts(&line).context("the latest line of the ledger is damaged")?;
    Ok(Some(chain.to_owned()))
}

/// Whether an entry has this hash, looked for from the end.
pub(super) async fn has(db: &Db, chain: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM ledger_entries WHERE right(entry, length($1)) = $1 ORDER BY seq DESC LIMIT 1";
    Ok(!db::rows(db.read(), sql, [chain::end(chain).into()]).await?.is_empty())
}

/// Whether everything is past the rule's period.
pub(super) async fn is_over(db: &Db, rule: &Rule, now: DateTime<Utc>) -> Result<bool> {
    let rows = db::rows(db.read(), "SELECT at FROM ledger_entries ORDER BY seq DESC LIMIT 1", []).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get_by_index(0).map(|at| rule.is_over(at, now)))?)
}

/// Removes entries past the rule's period from the front, as far as all are: a hole would break the chain.
pub(super) async fn expire(db: &Db, rule: &Rule, now: DateTime<Utc>) -> Result<u64> {
    let sql = format!("SELECT seq, at FROM ledger_entries WHERE seq > $1 ORDER BY seq LIMIT {PAGE}");
    let (mut over, mut goes_on) = (0_i64, true);
    while goes_on {
        let rows = db::rows(db.read(), &sql, [over.into()]).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            goes_on = rule.is_over(row.try_get_by_index(1)?, now);
            if !goes_on {
                break;
            }
            over = row.try_get_by_index(0)?;
        }
    }
    Ok(db::run(db.write(), "DELETE FROM ledger_entries WHERE seq <= $1", [over.into()]).await?)
}
