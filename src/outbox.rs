//! What has to happen outside the main database: written with the change, done after its commit, tried until it is.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{EntryId, UnitId};
use entity::outbox_entries::{Kind, State};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::db;
use crate::error::{Error, Result};
use crate::keys::BACKUPS_LIVE;
use crate::state::App;

/// Writes an intent in the transaction of the change.
///
/// # Errors
/// The row cannot be written, and then the change must not be either.
pub async fn enqueue(tx: &DatabaseTransaction, now: DateTime<Utc>, kind: Kind, target: String) -> Result<()> {
    enqueue_all(tx, now, [(kind, target)]).await
}

/// Writes any number of intents in one statement.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_all(
    tx: &DatabaseTransaction,
    now: DateTime<Utc>,
    intents: impl IntoIterator<Item = (Kind, String)>,
) -> Result<()> {
    write(tx, (now, now), intents).await
}

async fn write(
    tx: &DatabaseTransaction,
    (now, available): (DateTime<Utc>, DateTime<Utc>),
    intents: impl IntoIterator<Item = (Kind, String)>,
) -> Result<()> {
    let row =
        |(kind, target): (Kind, String)| json!([EntryId::new(now).0.as_simple().to_string(), kind.code(), target]);
    let rows: Vec<serde_json::Value> = intents.into_iter().map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (columns, source) = if tx.get_database_backend() == DbBackend::Postgres {
        ("(v->>0)::uuid, v->>1, v->>2", "json_array_elements($1::json) v")
    } else {
        ("unhex(v.value->>0), v.value->>1, v.value->>2", "json_each($1) v")
    };
    let sql = format!(
        "INSERT INTO outbox_entries (id, kind, target, state, attempts, created_at, available_at) \
         SELECT {columns}, $2, 0, $3, $4 FROM {source}"
    );
    let list = serde_json::Value::from(rows).to_string();
    db::run(tx, &sql, [list.into(), State::Pending.code().into(), now.into(), available.into()]).await?;
    Ok(())
}

/// Orders that keys be destroyed: many in one entry, because they are destroyed together.
///
/// # Errors
/// As [`enqueue`].
pub async fn destroy_keys(tx: &DatabaseTransaction, now: DateTime<Utc>, units: &[UnitId]) -> Result<()> {
    write(tx, (now, now), ends(units)).await
}

/// Orders that keys be destroyed from which living rows were sealed anew: once no archive of keys is older than that. Until then a
/// backup in which the rows lie under them can be opened with any later archive.
///
/// # Errors
/// As [`enqueue`].
pub async fn destroy_left_keys(tx: &DatabaseTransaction, now: DateTime<Utc>, units: &[UnitId]) -> Result<()> {
    write(tx, (now, now + BACKUPS_LIVE), ends(units)).await
}

fn ends(units: &[UnitId]) -> impl Iterator<Item = (Kind, String)> {
    let names = |some: &[UnitId]| some.iter().map(ToString::to_string).collect::<Vec<_>>().join(SEPARATOR);
    units.chunks(KEYS).map(move |some| (Kind::DestroyKey, names(some)))
}

/// The keys whose end is ordered for later, with the orders.
///
/// # Errors
/// The database cannot be read.
pub async fn left_keys(app: &App) -> Result<HashMap<UnitId, Uuid>> {
    let sql = "SELECT id, target FROM outbox_entries \
               WHERE done_at IS NULL AND kind = $1 AND attempts = 0 AND available_at > $2";
    let values = [Kind::DestroyKey.code().into(), app.clock.now().into()];
    let mut found = HashMap::new();
    for row in db::rows(app.db.read(), sql, values).await? {
        let (entry, target): (Uuid, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        for unit in parsed(&target)? {
            found.insert(unit, entry);
        }
    }
    Ok(found)
}

/// Rows of a person have gone: keys from which they had been sealed anew end now, as those that they lay under at last.
///
/// # Errors
/// A database fails.
pub(crate) async fn hasten(app: &App, person: Uuid, gone: &HashSet<Uuid>) -> Result<()> {
    let ordered = left_keys(app).await?;
    if ordered.is_empty() {
        return Ok(());
    }
    let theirs = app.keys.units_of(person).await?;
    let theirs = theirs.iter().filter(|unit| gone.contains(&unit.owner));
    let entries: Vec<Uuid> = theirs.filter_map(|unit| ordered.get(&unit.id).copied()).collect();
    if !entries.is_empty() {
        let any = db::is_any(app.db.backend(), "id", 2);
        let sql = format!("UPDATE outbox_entries SET available_at = $1 WHERE {any}");
        db::run(app.db.write(), &sql, [app.clock.now().into(), db::id_list(app.db.backend(), entries)]).await?;
    }
    Ok(())
}

fn parsed(target: &str) -> anyhow::Result<Vec<UnitId>> {
    target.split(SEPARATOR).map(|unit| Ok(UnitId(unit.parse()?))).collect()
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

impl Report {
    /// The tables of the key store from which something may have gone.
    #[must_use]
    pub(crate) fn touched(&self) -> Option<&'static [&'static str]> {
        (self.done > 0).then_some(&crate::keys::TABLES)
    }
}

struct Claimed {
    id: Uuid,
    kind: Kind,
    target: String,
    attempts: i32,
}

const BATCH: u32 = 200;
/// Keys of one entry: their end keeps the writer, and the locks of their persons, only for a moment.
const KEYS: usize = 500;
const SEPARATOR: &str = ",";
const MOST_ATTEMPTS: i32 = 20;

/// Does everything that is due, and makes the end of keys physical.
///
/// # Errors
/// The main database fails, or the key store cannot be made to forget; an entry that fails is tried again, and no error.
pub async fn run(app: &App) -> Result<Report> {
    let report = drain(app).await?;
    // Not only the main database has to forget: the keys lay in pages and logs of their own.
    if let Some(touched) = report.touched() {
        app.keys.db().forget(touched).await?;
    }
    Ok(report)
}

/// Does everything that is due, keys before blobs of the same change. Any number of instances may run this at once. Whoever
/// calls it sees to it that the key store forgets.
///
/// # Errors
/// The main database fails; a failing key store or blob store is an entry tried again, not an error.
pub(crate) async fn drain(app: &App) -> Result<Report> {
    let mut report = Report::default();
    loop {
        let claimed = claim(app).await?;
        if claimed.is_empty() {
            return Ok(report);
        }
        let mut done = Vec::with_capacity(claimed.len());
        for entries in together(claimed) {
            if let [_, _, ..] = entries.as_slice() {
                match perform(app, &entries).await {
                    Ok(()) => {
                        done.extend(entries);
                        continue;
                    }
                    // Which of them it was shows when each is tried by itself.
                    Err(error) => tracing::warn!(entries = entries.len(), %error, "outbox entries failed together"),
                }
            }
            for entry in entries {
                match perform(app, std::slice::from_ref(&entry)).await {
                    Ok(()) => done.push(entry),
                    Err(error) => put_off(app, &entry, &error, &mut report).await?,
                }
            }
        }
        report.done += done.len() as u64;
        settle(app, &done).await?;
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

/// What is done as one: the end of as many keys as one entry may order. Anything else is by itself, after the keys.
fn together(claimed: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let (keys, others): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|entry| entry.kind == Kind::DestroyKey);
    let (mut groups, mut room) = (Vec::<Vec<Claimed>>::new(), 0);
    for entry in keys {
        let count = entry.target.split(SEPARATOR).count();
        match groups.last_mut().filter(|_| count <= room) {
            Some(group) => {
                room -= count;
                group.push(entry);
            }
            None => {
                room = KEYS.saturating_sub(count);
                groups.push(vec![entry]);
            }
        }
    }
    groups.extend(others.into_iter().map(|entry| vec![entry]));
    groups
}

/// Each may be performed twice: what is gone already counts as done.
async fn perform(app: &App, entries: &[Claimed]) -> anyhow::Result<()> {
    let mut units = Vec::new();
    for entry in entries {
        match entry.kind {
            Kind::DestroyKey => units.extend(parsed(&entry.target)?),
            Kind::DeleteBlob => match app.blobs.delete(&Path::from(entry.target.as_str())).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            },
        }
    }
    app.keys.destroy_unused(&app.db, &units).await.map_err(Error::cause)?;
    Ok(())
}

async fn settle(app: &App, done: &[Claimed]) -> Result<()> {
    if done.is_empty() {
        return Ok(());
    }
    let any = db::is_any(app.db.backend(), "id", 3);
    let sql = format!("UPDATE outbox_entries SET state = $1, done_at = $2, claimed_until = NULL WHERE {any}");
    let ids = db::id_list(app.db.backend(), done.iter().map(|entry| entry.id));
    db::run(app.db.write(), &sql, [State::Done.code().into(), app.clock.now().into(), ids]).await?;
    Ok(())
}

/// An entry that failed is tried again later, or given up.
async fn put_off(app: &App, entry: &Claimed, error: &anyhow::Error, report: &mut Report) -> Result<()> {
    tracing::warn!(entry = %entry.id, kind = entry.kind.code(), %error, "outbox entry failed");
    let now = app.clock.now();
    let is_dead = entry.attempts >= MOST_ATTEMPTS;
    let (state, counter) = if is_dead { (State::Dead, &mut report.dead) } else { (State::Pending, &mut report.failed) };
    *counter += 1;
    // Doubling from two minutes to seventeen hours.
    let wait = TimeDelta::minutes(1_i64 << entry.attempts.clamp(1, 10));
    let sql =
        "UPDATE outbox_entries SET state = $1, done_at = $2, available_at = $3, claimed_until = NULL WHERE id = $4";
    let values = [state.code().into(), is_dead.then_some(now).into(), (now + wait).into(), entry.id.into()];
    db::run(app.db.write(), sql, values).await?;
    Ok(())
}

/// How many entries wait, by kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// To be done, but for keys whose time has not come.
    pub pending: i64,
    /// Given up: an operator has to look.
    pub dead: i64,
}

/// What waits in the outbox.
///
/// # Errors
/// The database cannot be read.
pub async fn pending(app: &App) -> Result<Pending> {
    let sql = "SELECT CAST(COUNT(CASE WHEN state = 'PENDING' AND (attempts > 0 OR available_at <= $1) THEN 1 END) AS bigint), \
               CAST(COUNT(CASE WHEN state = 'DEAD' THEN 1 END) AS bigint) FROM outbox_entries";
    let rows = db::rows(app.db.read(), sql, [app.clock.now().into()]).await?;
    let row = rows.first().ok_or(crate::error::Error::NotFound)?;
    Ok(Pending { pending: row.try_get_by_index(0)?, dead: row.try_get_by_index(1)? })
}
