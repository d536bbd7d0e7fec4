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
    let rows = db::rows(db.read(), "SELECT ledger_chain FROM retention_control WHERE id = 1", []).await?;
    let known: Option<String> = rows.first().map_or(Ok(None), |row| row.try_get_by_index(0))?;
    let Some(known) = known else {
        let ledger = Ledger::open(place, now).await?;
        remember(db, &ledger).await.map_err(Error::cause)?;
        return Ok(ledger);
    };
    let ledger =
        Ledger::find(place).await.context("put the newest copy of the ledger in place, and make no empty one")?;
    if !ledger.has(&known).await.map_err(Error::cause)? {
        ledger.close().await;
        bail!(
            "the erasure ledger is older than the main database, or not its own: what was erased since would come back with a \
             restore. Put the newest copy of the ledger in place. Nothing has been changed."
        );
    }
    Ok(ledger)
}

/// Brings to the disk what the ledger has been told, and remembers in the main database that it was there.
///
/// # Errors
/// The ledger or the database fails.
pub async fn remember(db: &Db, ledger: &Ledger) -> Result<()> {
    // In this order: what is remembered is on the disk.
    let latest = ledger.latest().await?;
    ledger.sync().await?;
    let sql = "UPDATE retention_control SET ledger_chain = $1 WHERE id = 1";
    db::run(db.write(), sql, [latest.into()]).await?;
    Ok(())
}
