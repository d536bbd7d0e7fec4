//! One transaction through the door: locks, the statements, what follows from them, and the commit.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CustomerId, UnitId};
use entity::outbox_entries::Kind;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend};
use serde_json::json;
use uuid::Uuid;

use super::statements::{Still, pass};
use super::{Ground, Passing, Unsettled, Word, suppress};
use crate::auth::Actor;
use crate::error::Result;
use crate::retention::holds;
use crate::state::App;
use crate::{audit, db, keys, outbox};

/// One way through the door.
pub(super) struct Passage<'a> {
    pub(super) app: &'a App,
    pub(super) actor: &'a Actor,
    pub(super) ground: Ground,
    pub(super) now: DateTime<Utc>,
    /// The person of whom everything goes: nothing is expected to point to that.
    pub(super) whole: Option<CustomerId>,
}

impl Passage<'_> {
    /// The statements and the commit. Without a transaction that has read the rows under its lock, the
    /// statements check each row once more, and nothing goes where one has become another or another transaction was in the
    /// way: then there is no answer. Otherwise returns how long the lock was kept.
    pub(super) async fn pass(
        &self,
        passing: &[Passing<'_>],
        word: Word,
        locked: Option<DatabaseTransaction>,
    ) -> Result<Option<(Duration, Unsettled)>> {
        let (app, now, Word { intent, suppressed }) = (self.app, self.now, word);
        let is_unsure = locked.is_none();
        let tx = match locked {
            Some(tx) => tx,
            None => match app.db.begin().await {
                Ok(tx) => tx,
                Err(error) => {
                    let _ = app.ledger.void(now, intent).await;
                    return Err(error.into());
                }
            },
        };
        let begun = Instant::now();
        let work = async {
            if is_unsure {
                lock(&tx, passing).await?;
            }
            self.carry_out(&tx, passing, &suppressed, is_unsure).await
        };
        match work.await {
            Ok(Some(units)) => {
                // An error here may hide a commit whose answer was lost: the intent then stays open, and a restore checks it.
                tx.commit().await?;
                Ok(Some((begun.elapsed(), Unsettled::gone(now, intent, units))))
            }
            Ok(None) => {
                tx.rollback().await?;
                app.ledger.void(now, intent).await?;
                Ok(None)
            }
            Err(error) if is_unsure && error.gave_way() => {
                tx.rollback().await?;
                app.ledger.void(now, intent).await?;
                Ok(None)
            }
            Err(error) => {
                // Why it failed is what is told. Where even this cannot be written, the intent stays open, which is no harm.
                let _ = tx.rollback().await;
                let _ = app.ledger.void(now, intent).await;
                Err(error)
            }
        }
    }

    /// Everything of one passage that the main database has to do. Returns the units whose last rows have gone; nothing where
    /// a row is not any more what was seen, which only those who are unsure ask.
    async fn carry_out(
        &self,
        tx: &DatabaseTransaction,
        passing: &[Passing<'_>],
        suppressed: &[Vec<u8>],
        is_unsure: bool,
    ) -> Result<Option<Vec<UnitId>>> {
        let (ground, now) = (self.ground, self.now);
        for p in passing {
            let still =
                if is_unsure { Still::going(p.table, p.rule, ground, now, self.whole) } else { Still::default() };
            let went = pass(tx, p.table, &p.proofs, now, still, self.whole.is_some()).await?;
            if is_unsure && went != p.proofs.len() as u64 {
                return Ok(None);
            }
        }
        let rows = || passing.iter().flat_map(|p| &p.proofs).map(|p| &p.row);
        let units: Vec<UnitId> = rows().filter_map(|row| row.unit).collect();
        let types: Vec<DataType> = passing.iter().flat_map(|p| p.table.types).copied().collect();
        let units = keys::without_rows(tx, &units, &types).await?;
        outbox::destroy_keys(tx, now, &units).await?;
        let blobs = rows().filter_map(|row| row.blob.clone()).map(|blob| (Kind::DeleteBlob, blob));
        outbox::enqueue_all(tx, now, blobs).await?;
        suppress(tx, suppressed, now).await?;
        let said = passing.iter().map(|p| {
            let details = json!({ "ground": ground.name(), "rows": p.proofs.len() });
            ((p.table.name, None), details)
        });
        audit::record_each(tx, now, self.actor, "retention.remove", said).await?;
        Ok(Some(units))
    }
}

/// Locks the customers whom the rows belong to, in order of id, and the records as a whole against holds on a year of them:
/// placing a hold locks the same.
pub(super) async fn lock(tx: &DatabaseTransaction, passing: &[Passing<'_>]) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // The statements are the same for every batch, and take longer to plan for their values than they gain by it.
    db::run(tx, "SET LOCAL plan_cache_mode = force_generic_plan", []).await?;
    holds::lock_records(tx, holds::Lock::Shared).await?;
    let customers: BTreeSet<Uuid> =
        passing.iter().flat_map(|p| &p.proofs).filter_map(|p| p.row.customer).map(|id| id.0).collect();
    if !customers.is_empty() {
        let these = db::is_any(DbBackend::Postgres, "c.id", 1);
        let sql = format!("SELECT c.id FROM customers c WHERE {these} ORDER BY c.id FOR NO KEY UPDATE");
        db::run(tx, &sql, [db::id_list(DbBackend::Postgres, customers)]).await?;
    }
    Ok(())
}
