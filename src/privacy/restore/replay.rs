//! The ledger, replayed: what was held since the backup is held again; what had gone goes again, with its keys and blobs; what
//! was about to go is checked again; what waited goes on.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::attachments::State;
use entity::ids::{CustomerId, ErasureId, UnitId};
use entity::map::{table, tables};
use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use uuid::Uuid;

use super::check::{Checked, UNDER_WAY};
use super::{NotPlaced, Report, protections};
use crate::auth::Actor;
use crate::db;
use crate::error::{Error, Result};
use crate::privacy::erasure::{self, Recalled};
use crate::retention::door::{self, Asked, Gone, Ground};
use crate::retention::ledger::{Entry, Rows};
use crate::retention::sweep;
use crate::state::App;

/// An intent of the ledger.
struct Intent<'a> {
    ground: &'a str,
    /// In the order in which they went.
    rows: Vec<Asked>,
    suppressed: &'a [String],
    recent: bool,
    ended: bool,
}

impl Intent<'_> {
    fn suppressed(&self) -> Vec<Vec<u8>> {
        self.suppressed.iter().filter_map(|hash| bytes(hash)).collect()
    }
}

/// What the ledger knows of an erasure.
#[derive(Default)]
struct Wanted {
    /// The person; none of one that was asked for before the backup.
    customer: Option<CustomerId>,
    gone: Vec<(&'static str, Uuid, DataType)>,
}

/// Replays the ledger over a restored main database and key store.
pub(super) async fn replay(app: &App, checked: &Checked, say: &impl Fn(&str)) -> anyhow::Result<Report> {
    let manifest = &checked.manifest;
    app.ledger.restoring(app.clock.now(), manifest.id).await.map_err(Error::cause)?;
    let mut report = Report { backup: manifest.id, taken_at: Some(manifest.started_at), ..Report::default() };
    follow(app, checked, &mut report).await.map_err(Error::cause)?;
    say("what had gone is gone again");
    report.blobs_reaped = reap(app, &mut report.blobs_missing).await?;
    report.rows_without_key = without_key(app).await.map_err(Error::cause)?;
    let (_, forgotten) = sweep::finish_all(app).await.map_err(Error::cause)?;
    if !forgotten {
        tracing::warn!("freed pages are not overwritten yet; the next run of the retention job does it");
    }
    Ok(report)
}

async fn follow(app: &App, checked: &Checked, report: &mut Report) -> Result<()> {
    let actor = Actor::System;
    let since = checked.manifest.started_at - UNDER_WAY;
    protections::put_back(app, &checked.entries, since, report).await?;
    let (intents, settled) = sort(checked, since);
    let mut erasures = asked(checked, since);
    let before = suppressions(app).await?;
    let mut units: HashSet<UnitId> = HashSet::new();
    let mut waiting: Vec<(&str, Gone)> = Vec::new();
    for Settled { intent: id, at, units: with_keys } in settled {
        units.extend(with_keys);
        let Some(intent) = intents.get(&id) else { continue };
        door::suppress_again(app, &intent.suppressed(), at).await?;
        // Whatever was in a row before the backup was finished may have been filled anew since.
        let may_be_new = at <= checked.manifest.finished_at;
        let gone = |rows: &Asked| Gone { intent: id, at, rows: rows.clone(), may_be_new };
        waiting.extend(intent.rows.iter().map(|rows| (intent.ground, gone(rows))));
    }
    // A parent may have been left by a child that moved elsewhere after the backup, and that goes with a later entry.
    while !waiting.is_empty() {
        let (mut left, mut failed) = (Vec::new(), None);
        let all = waiting.len();
        for (ground, gone) in waiting {
            match door::again(app, &actor, &gone).await {
                Ok(done) => {
                    report.rows_gone_again += done.rows.len() as u64;
                    report.were_held += done.were_held;
                    units.extend(&done.units);
                    if let Some(Ground::Erasure(id)) = Ground::named(ground) {
                        let rows = done.rows.iter().map(|(row, of)| (gone.rows.table.name, *row, *of));
                        erasures.entry(id).or_default().gone.extend(rows);
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    left.push((ground, gone));
                }
            }
        }
        match failed {
            Some(error) if left.len() == all => return Err(error),
            _ => waiting = left,
        }
    }
    for intent in intents.values().filter(|i| i.recent && !i.ended) {
        report.intents_rechecked += 1;
        report.intents_gone += recheck(app, &actor, intent).await?;
    }
    let of_customer = |(table, id, _): &(&str, Uuid, DataType)| (*table == "customers").then_some(*id);
    let erased: HashSet<Uuid> =
        erasures.values().flat_map(|wanted| wanted.gone.iter().filter_map(of_customer)).collect();
    // The oldest first: of two that suppress the same address the later moment counts.
    for (id, wanted) in &erasures {
        match erasure::recall(app, *id, wanted.customer, &wanted.gone).await? {
            Recalled::Again => report.erasures_resumed += 1,
            Recalled::Known => {}
            Recalled::Nobody => {
                report.not_placed.extend(wanted.customer.filter(|c| !erased.contains(&c.0)).map(|customer| NotPlaced {
                    table: "erasures",
                    id: id.0,
                    on_table: "customers",
                    on_id: customer.0,
                }))
            }
        }
    }
    report.suppressed_again = suppressions(app).await?.saturating_sub(before);
    let resumed = erasure::resume(app, &actor).await?;
    if resumed.failed > 0 {
        return Err(anyhow::anyhow!("{} deferred erasures failed; the log has the cause", resumed.failed).into());
    }
    door::remove_bare(app, None).await?;
    let units: Vec<UnitId> = units.into_iter().collect();
    for some in units.chunks(500) {
        let there = app.keys.existing(some).await?;
        report.keys_destroyed_again += app.keys.destroy_unused(&app.db, &there).await?.len() as u64;
    }
    Ok(())
}

/// The erasures that were asked for since.
fn asked(checked: &Checked, since: DateTime<Utc>) -> BTreeMap<ErasureId, Wanted> {
    let asked = checked.entries.iter().filter_map(|entry| match entry {
        Entry::Asked { at, erasure, customer } if *at >= since => {
            Some((*erasure, Wanted { customer: Some(*customer), gone: Vec::new() }))
        }
        _ => None,
    });
    asked.collect()
}

/// That an intent has gone, with the units whose keys went.
struct Settled<'a> {
    intent: Uuid,
    at: DateTime<Utc>,
    units: &'a [UnitId],
}

/// The intents by name, and which of them have gone since, oldest first.
fn sort(checked: &Checked, since: DateTime<Utc>) -> (HashMap<Uuid, Intent<'_>>, Vec<Settled<'_>>) {
    let mut intents: HashMap<Uuid, Intent<'_>> = HashMap::new();
    let mut settled = Vec::new();
    for entry in &checked.entries {
        match entry {
            Entry::Intent { intent, at, ground, rows, suppressed } => {
                let known = |rows: &Rows| Some(Asked { table: table(&rows.table)?, ids: rows.ids.clone() });
                let rows = rows.iter().filter_map(known).collect();
                intents.insert(*intent, Intent { ground, rows, suppressed, recent: *at >= since, ended: false });
            }
            Entry::Settled { intent, at, units } => {
                if let Some(known) = intents.get_mut(intent) {
                    known.ended = true;
                }
                if *at >= since {
                    settled.push(Settled { intent: *intent, at: *at, units });
                }
            }
            Entry::Void { intent, .. } => {
                if let Some(known) = intents.get_mut(intent) {
                    known.ended = true;
                }
            }
            Entry::Opened { .. } | Entry::Protection { .. } | Entry::Asked { .. } | Entry::Restoring { .. } => {}
        }
    }
    (intents, settled)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

async fn suppressions(app: &App) -> Result<u64> {
    let rows = db::rows(app.db.read(), "SELECT CAST(COUNT(*) AS bigint) FROM suppressions", []).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Nobody knows whether it went: whether it may go is asked anew. An account that was to be closed is closed.
async fn recheck(app: &App, actor: &Actor, intent: &Intent<'_>) -> Result<u64> {
    let now = app.clock.now();
    let Some(ground) = Ground::named(intent.ground) else {
        let mut closed = 0;
        for rows in intent.rows.iter().filter(|_| intent.ground == door::STAFF) {
            let gone = Gone { intent: Uuid::nil(), at: now, rows: rows.clone(), may_be_new: false };
            closed += door::again(app, actor, &gone).await?.rows.len() as u64;
        }
        return Ok(closed);
    };
    let went = door::remove(app, actor, &intent.rows, ground).await?.gone() as u64;
    if went > 0 {
        door::suppress_again(app, &intent.suppressed(), now).await?;
    }
    Ok(went)
}

/// Deletes the blobs that no row names, and counts the rows whose blob is not there.
async fn reap(app: &App, missing: &mut u64) -> anyhow::Result<u64> {
    let mut named: HashMap<String, bool> = HashMap::new();
    for t in tables().iter().filter(|t| t.has("blob")) {
        let state = if t.name == "attachments" { "state" } else { "NULL" };
        let sql = format!("SELECT blob, {state} FROM {} WHERE blob IS NOT NULL", t.name);
        for row in db::rows(app.db.read(), &sql, []).await? {
            // An upload that was under way has a name already, but no blob.
            let state: Option<String> = row.try_get_by_index(1)?;
            let has = state.is_none_or(|state| state == State::Available.code());
            named.insert(row.try_get_by_index(0)?, has);
        }
    }
    let stored: Vec<_> = app.blobs.list(None).map_ok(|object| object.location).try_collect().await?;
    let mut reaped = 0;
    for path in &stored {
        if named.remove(path.as_ref()).is_none() {
            app.blobs.delete(path).await?;
            reaped += 1;
        }
    }
    *missing = named.values().filter(|has| **has).count() as u64;
    Ok(reaped)
}

/// How many rows are sealed under a key that is not there. Every key that is there is unwrapped.
async fn without_key(app: &App) -> Result<u64> {
    let mut lost = 0;
    for t in tables().iter().filter(|t| t.has("unit_id")) {
        let mut after = Uuid::nil();
        loop {
            let sql = format!(
                "SELECT unit_id, CAST(COUNT(*) AS bigint) FROM {} WHERE unit_id > $1 GROUP BY unit_id ORDER BY unit_id \
                 LIMIT 500",
                t.name
            );
            let rows = db::rows(app.db.read(), &sql, [after.into()]).await?;
            let units: Vec<(UnitId, i64)> = rows
                .iter()
                .map(|row| Ok::<_, Error>((UnitId(row.try_get_by_index(0)?), row.try_get_by_index(1)?)))
                .collect::<Result<_>>()?;
            let Some((last, _)) = units.last() else { break };
            after = last.0;
            let ids: Vec<UnitId> = units.iter().map(|(unit, _)| *unit).collect();
            let keys = app.keys.load(&ids, entity::Purpose::DataProtection, app.clock.now()).await?;
            let absent = units.iter().filter(|(unit, _)| !keys.contains_key(unit));
            lost += absent.map(|(_, rows)| u64::try_from(*rows).unwrap_or_default()).sum::<u64>();
        }
    }
    Ok(lost)
}
