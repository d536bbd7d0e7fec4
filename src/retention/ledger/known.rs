//! What the main database knows of its ledger: a line that was the latest. A ledger without it is older, or another's, and a restore
//! would bring back what went since.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};

use super::Ledger;
use crate::db::{self, Db, Place};
use crate::error::{Error, Result};

/// Opens the ledger of a main database; makes one only for a database that has not had any.
///
/// # Errors
/// It is missing, or older than the main database: nothing is made. It cannot be read.
pub async fn open(db: &Db, place: &Place, now: DateTime<Utc>) -> anyhow::Result<Ledger> {
    let Some(known) = known(db).await.map_err(Error::cause)? else {
        let ledger = Ledger::open(place, now).await?;
        remember(db, &ledger).await.map_err(Error::cause)?;
        return Ok(ledger);
    };
    let ledger =
        Ledger::find(place).await.context("put the newest copy of the ledger in place, and make no empty one")?;
    if !ledger.has(&known).await.map_err(Error::cause)? {
        ledger.close().await;
        bail!("{OLDER}. Nothing has been changed.");
    }
    Ok(ledger)
}

const OLDER: &str = "the erasure ledger is older than the main database, or not its own: what was erased since would come back \
                     with a restore. Put the newest copy of the ledger in place";

async fn known(db: &Db) -> Result<Option<String>> {
    let rows = db::rows(db.read(), "SELECT ledger_chain FROM retention_control WHERE id = 1", []).await?;
    Ok(rows.first().map_or(Ok(None), |row| row.try_get_by_index(0))?)
}

/// Refuses a ledger that was replaced by an older one, or lost, while the service runs.
///
/// # Errors
/// It was; it or the database cannot be read.
pub async fn require(db: &Db, ledger: &Ledger) -> Result<()> {
    required(db, ledger).await.map(|_| ())
}

async fn required(db: &Db, ledger: &Ledger) -> Result<Option<String>> {
    let known = known(db).await?;
    let is_there = match &known {
        Some(known) => ledger.has(known).await?,
        None => ledger.latest().await?.is_some(),
    };
    if is_there { Ok(known) } else { Err(anyhow::anyhow!(OLDER).into()) }
}

/// Brings to the disk what the ledger has been told, and remembers in the main database that it was there.
///
/// # Errors
/// The ledger is not the one that is known; it or the database fails.
pub async fn remember(db: &Db, ledger: &Ledger) -> Result<()> {
    let known = required(db, ledger).await?;
    // In this order: what is remembered is on the disk.
    let latest = ledger.latest().await?;
    ledger.sync().await?;
    // Where another instance has remembered something meanwhile, that is as good.
    let sql = "UPDATE retention_control SET ledger_chain = $1 WHERE id = 1 AND COALESCE(ledger_chain, '') = $2";
    db::run(db.write(), sql, [latest.into(), known.unwrap_or_default().into()]).await?;
    Ok(())
}
