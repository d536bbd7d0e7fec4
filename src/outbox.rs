//! What has to happen outside the main database: written with the change, done after its commit, tried until it is.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{EntryId, UnitId};
use entity::outbox_entries::{ActiveModel, Kind, State};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction, DbBackend};
use serde::Serialize;
use uuid::Uuid;

use crate::db;
use crate::error::Result;
use crate::state::App;

/// Writes an intent in the transaction of the change.
///
/// # Errors
/// The row cannot be written, and then the change must not be either.
pub async fn enqueue(tx: &DatabaseTransaction, now: DateTime<Utc>, kind: Kind, target: String) -> Result<()> {
    ActiveModel {
        id: Set(EntryId::new(now)),
        kind: Set(kind),
        target: Set(target),
        state: Set(State::Pending),
        attempts: Set(0),
        created_at: Set(now),
        available_at: Set(now),
        claimed_until: Set(None),
        done_at: Set(None),
    }
    .insert(tx)
    .await?;
    Ok(())
}

/// What a run of the outbox did.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Done.
    pub done: u64,
    /// Failed; tried again later.
    pub failed: u64,
    /// Given up after many attempts: an operator has to look.
    pub dead: u64,
}

struct Claimed {
    id: Uuid,
    kind: Kind,
    target: String,
    attempts: i32,
}

const BATCH: u32 = 200;
const MOST_ATTEMPTS: i32 = 20;

/// Does everything that is due, keys before blobs of the same change. Any number of instances may run this at once.
///
/// # Errors
/// The main database fails; a failing key store or blob store is an entry tried again, not an error.
pub async fn drain(app: &App) -> Result<Report> {
    let mut report = Report::default();
    loop {
        let claimed = claim(app).await?;
        if claimed.is_empty() {
            if report.done > 0 {
                // Not only the main database has to forget: the keys lay in pages and logs of their own.
                app.keys.db().forget(&crate::keys::TABLES).await?;
            }
            return Ok(report);
        }
        for entry in claimed {
            let outcome = perform(app, &entry).await;
            if let Err(error) = &outcome {
                tracing::warn!(entry = %entry.id, kind = entry.kind.code(), %error, "outbox entry failed");
            }
            settle(app, &entry, outcome.is_ok(), &mut report).await?;
        }
    }
}

async fn claim(app: &App) -> Result<Vec<Claimed>> {
    let now = app.clock.now();
    let skip = if app.db.backend() == DbBackend::Postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "UPDATE outbox_entries SET claimed_until = $1, attempts = attempts + 1 WHERE id IN (\
         SELECT id FROM outbox_entries WHERE state = 'PENDING' AND available_at <= $2 \
         AND (claimed_until IS NULL OR claimed_until < $2) ORDER BY available_at, id LIMIT {BATCH} {skip}) \
         RETURNING id, kind, target, attempts"
    );
    let values = [(now + TimeDelta::minutes(2)).into(), now.into()];
    let rows = db::rows(app.db.write(), &sql, values).await?;
    let entry = |r: &sea_orm::QueryResult| {
        Ok(Claimed {
            id: r.try_get_by_index(0)?,
            kind: r.try_get_by_index(1)?,
            target: r.try_get_by_index(2)?,
            attempts: r.try_get_by_index(3)?,
        })
    };
    rows.iter().map(entry).collect()
}

/// Each kind may be performed twice: what is gone already counts as done.
async fn perform(app: &App, entry: &Claimed) -> anyhow::Result<()> {
    match entry.kind {
        Kind::DestroyKey => {
            let unit = UnitId(entry.target.parse()?);
            app.keys.destroy_unused(&app.db, &[unit]).await?;
            Ok(())
        }
        Kind::DeleteBlob => match app.blobs.delete(&Path::from(entry.target.as_str())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        },
    }
}

async fn settle(app: &App, entry: &Claimed, done: bool, report: &mut Report) -> Result<()> {
    let now = app.clock.now();
    let (state, counter) = match done {
        true => (State::Done, &mut report.done),
        false if entry.attempts >= MOST_ATTEMPTS => (State::Dead, &mut report.dead),
        false => (State::Pending, &mut report.failed),
    };
    *counter += 1;
    let finished = (state != State::Pending).then_some(now);
    // Doubling from two minutes to seventeen hours.
    let wait = TimeDelta::minutes(1_i64 << entry.attempts.clamp(1, 10));
    let sql =
        "UPDATE outbox_entries SET state = $1, done_at = $2, available_at = $3, claimed_until = NULL WHERE id = $4";
    let values = [state.code().into(), finished.into(), (now + wait).into(), entry.id.into()];
    db::run(app.db.write(), sql, values).await?;
    Ok(())
}

/// How many entries wait, by kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// To be done.
    pub pending: i64,
    /// Given up: an operator has to look.
    pub dead: i64,
}

/// What waits in the outbox.
///
/// # Errors
/// The database cannot be read.
pub async fn pending(app: &App) -> Result<Pending> {
    let sql = "SELECT CAST(COUNT(CASE WHEN state = 'PENDING' THEN 1 END) AS bigint), \
               CAST(COUNT(CASE WHEN state = 'DEAD' THEN 1 END) AS bigint) FROM outbox_entries";
    let rows = db::rows(app.db.read(), sql, []).await?;
    let row = rows.first().ok_or(crate::error::Error::NotFound)?;
    Ok(Pending { pending: row.try_get_by_index(0)?, dead: row.try_get_by_index(1)? })
}
