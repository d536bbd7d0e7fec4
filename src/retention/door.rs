//! The one door of deletion. A row passes only with a `Proof`, and only the check below can make one.
//!
//! Order across the stores: ledger INTENT, then one transaction of the main database (lock the owner, read again,
//! check, delete, audit, intents for keys and blobs), then ledger SETTLED or VOID. Keys and blobs follow through the
//! outbox, never before the main database has committed.

mod again;

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{ErasureId, UnitId};
use entity::map::{AtEnd, RowEnd, Table};
use entity::outbox_entries::Kind;
use entity::retention_rules::Action;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait as _, DatabaseTransaction, DbBackend};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::rows::{self, Row};
use super::{anonymise, holds, paths};
use crate::auth::Actor;
use crate::error::Result;
use crate::policy::retention::Rule;
use crate::state::App;
use crate::{audit, db, keys, outbox};
pub use again::{Again, Gone, again};

/// The ground in the ledger of a staff account that ends.
pub const STAFF: &str = "STAFF";

/// Why rows are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Their period is over.
    Rule,
    /// The person has asked, and it was decided.
    Erasure(ErasureId),
}

impl Ground {
    pub(super) fn name(self) -> String {
        match self {
            Self::Rule => "RULE".to_owned(),
            Self::Erasure(id) => format!("ERASURE:{id}"),
        }
    }

    /// The ground that an entry of the ledger names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.strip_prefix("ERASURE:") {
            Some(id) => id.parse().ok().map(|id| Self::Erasure(ErasureId(id))),
            None => (name == "RULE").then_some(Self::Rule),
        }
    }
}

/// What the check says of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It goes: deleted.
    Erased,
    /// It goes: counted without ids, then deleted or left as a bare id.
    Anonymised,
    /// It stays because a norm demands it.
    Kept {
        /// The last day of keeping, where the period has begun.
        until: Option<NaiveDate>,
        /// The norm.
        norm: &'static str,
        /// The article of the GDPR that lets the norm prevail.
        article: &'static str,
    },
    /// It stays because work still runs on it; it follows by itself when that ends.
    Deferred,
    /// It stays because a hold covers it.
    Held,
    /// It stays because its processing is restricted (GDPR Art. 18): storing is all that may be done with it.
    Restricted,
    /// It stays because its period is not over.
    NotDue,
}

/// Proof that a row may go. Its field is private: nothing outside this file can make one.
struct Proof {
    row: Row,
    action: Action,
}

/// The check, without a side effect: a dry run says the same.
#[must_use]
pub fn check(row: &Row, rule: &Rule, ground: Ground, now: DateTime<Utc>) -> Verdict {
    if row.held {
        return Verdict::Held;
    }
    if row.restricted {
        return Verdict::Restricted;
    }
    if row.open && rule.waits_for_work {
        return Verdict::Deferred;
    }
    if row.not_before.is_some_and(|not_before| now < not_before) {
        // An order on its way: the contract still runs.
        return Verdict::Deferred;
    }
    let over = row.start.is_some_and(|start| rule.is_over(start, now));
    match (ground, rule.floor) {
        (Ground::Rule, _) if !over => Verdict::NotDue,
        (Ground::Erasure(_), Some(article)) if !over => {
            Verdict::Kept { until: row.start.map(|start| rule.last_day(start)), norm: rule.norm, article }
        }
        _ if rule.action == Action::Anonymise => Verdict::Anonymised,
        _ => Verdict::Erased,
    }
}

fn prove(row: Row, rule: &Rule, ground: Ground, now: DateTime<Utc>) -> (Uuid, Verdict, Option<Proof>) {
    let (id, verdict) = (row.id, check(&row, rule, ground, now));
    let goes = matches!(verdict, Verdict::Erased | Verdict::Anonymised);
    (id, verdict, goes.then_some(Proof { row, action: rule.action }))
}

/// Takes the given rows of one table through the door, as far as the check lets them, in one transaction.
///
/// # Errors
/// A store fails: then nothing of this batch has gone, and the ledger says so.
pub async fn remove(
    app: &App,
    actor: &Actor,
    t: &'static Table,
    ids: &[Uuid],
    ground: Ground,
) -> Result<Vec<(Uuid, Verdict)>> {
    let now = app.clock.now();
    let intent = app.ledger.intent(now, &ground.name(), t.name, ids).await?;
    // An error may hide a commit whose answer was lost: the intent then stays open, and a restore checks it again.
    let done = remove_in_transaction(app, actor, t, ids, ground, now).await?;
    if done.gone.is_empty() {
        app.ledger.void(now, intent).await?;
    } else {
        app.ledger.settled(now, intent, &done.gone, &done.units, &done.suppressed).await?;
    }
    Ok(done.verdicts)
}

struct Done {
    verdicts: Vec<(Uuid, Verdict)>,
    gone: Vec<Uuid>,
    units: Vec<UnitId>,
    suppressed: Vec<Vec<u8>>,
}

async fn remove_in_transaction(
    app: &App,
    actor: &Actor,
    t: &'static Table,
    ids: &[Uuid],
    ground: Ground,
    now: DateTime<Utc>,
) -> Result<Done> {
    let tx = app.db.begin().await?;
    holds::lock_records(&tx, holds::Lock::Shared).await?;
    lock_owners(&tx, t, ids).await?;
    let (mut verdicts, mut proofs) = (Vec::with_capacity(ids.len()), Vec::new());
    for row in rows::read_ids(&tx, t, ids).await? {
        let Some(rule) = app.rules.get(&row.data_type) else { continue };
        let (id, verdict, proof) = prove(row, rule, ground, now);
        verdicts.push((id, verdict));
        proofs.extend(proof);
    }
    let gone: Vec<Uuid> = proofs.iter().map(|p| p.row.id).collect();
    let units: Vec<UnitId> = proofs.iter().filter_map(|p| p.row.unit).collect();
    // By these the shop's next synchronisation is recognised; the ledger keeps them, too, for a restore.
    let person = t.name == "customers" && matches!(ground, Ground::Erasure(_));
    let suppressed = if t.name == "orders" || person { app.keys.hashes_of(&gone).await? } else { Vec::new() };
    pass(&tx, t, &proofs, now).await?;
    let units = keys::without_rows(&tx, &units).await?;
    for unit in &units {
        outbox::enqueue(&tx, now, Kind::DestroyKey, unit.to_string()).await?;
    }
    for blob in proofs.iter().filter_map(|p| p.row.blob.clone()) {
        outbox::enqueue(&tx, now, Kind::DeleteBlob, blob).await?;
    }
    if !gone.is_empty() {
        suppress(&tx, &suppressed, now).await?;
        let details = json!({ "ground": ground.name(), "rows": gone.len() });
        audit::record(&tx, now, actor, "retention.remove", (t.name, None), details).await?;
    }
    tx.commit().await?;
    Ok(Done { verdicts, gone, units, suppressed })
}

/// Locks the customers whom the rows belong to, in order of id: placing a hold locks the same row.
async fn lock_owners(tx: &DatabaseTransaction, t: &Table, ids: &[Uuid]) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres || !t.is_personal() {
        return Ok(());
    }
    if let Some(customer) = paths::customer_of(t) {
        let rows = db::is_any(DbBackend::Postgres, "t.id", 1);
        let sql = format!(
            "SELECT c.id FROM customers c WHERE c.id IN (SELECT {customer} FROM {} t WHERE {rows}) \
             ORDER BY c.id FOR NO KEY UPDATE",
            t.name
        );
        db::rows(tx, &sql, [db::id_list(ids.iter().copied())]).await?;
    }
    Ok(())
}

/// The door itself: the only statements in the program that delete or clear personal rows.
async fn pass(tx: &DatabaseTransaction, t: &Table, proofs: &[Proof], now: DateTime<Utc>) -> Result<()> {
    let anonymise: Vec<Uuid> = proofs.iter().filter(|p| p.action == Action::Anonymise).map(|p| p.row.id).collect();
    anonymise::count(tx, t, &anonymise).await?;
    let list = || db::id_list(proofs.iter().map(|p| p.row.id));
    let these = |n| db::is_any(tx.get_database_backend(), "t.id", n);
    if t.end == RowEnd::Bare {
        let clear: Vec<String> = t
            .columns
            .iter()
            .filter(|c| c.meaning.at_end == AtEnd::Cleared)
            .map(|c| c.name)
            .chain(["unit_id", "start_at", "not_before"].into_iter().filter(|c| t.has(c)))
            .map(|c| format!("{c} = NULL"))
            .collect();
        let state = if t.has("state") { ", state = 'ERASED'" } else { "" };
        let sql = format!(
            "UPDATE {} SET {}, erased_at = $2{state} WHERE id IN (SELECT t.id FROM {} t WHERE {} AND {})",
            t.name,
            clear.join(", "),
            t.name,
            these(1),
            paths::is_pointed_to(t)
        );
        db::run(tx, &sql, [list(), now.into()]).await?;
        let sql = format!(
            "DELETE FROM {} WHERE id IN (SELECT t.id FROM {} t WHERE {} AND t.erased_at IS NULL)",
            t.name,
            t.name,
            these(1)
        );
        db::run(tx, &sql, [list()]).await?;
    } else {
        let any = db::is_any(tx.get_database_backend(), "id", 1);
        db::run(tx, &format!("DELETE FROM {} WHERE {any}", t.name), [list()]).await?;
    }
    Ok(())
}

/// Deletes bare ids that nothing points to any more: the last trace of a case, an order, a person.
///
/// # Errors
/// The database fails.
pub async fn remove_bare(app: &App, t: &Table) -> Result<u64> {
    let sql = format!(
        "DELETE FROM {} WHERE id IN (SELECT t.id FROM {} t WHERE t.erased_at IS NOT NULL AND NOT {} AND NOT {} AND NOT {})",
        t.name,
        t.name,
        paths::is_pointed_to(t),
        paths::is_held(t),
        paths::is_restricted(t)
    );
    let tx = app.db.begin().await?;
    let removed = db::run(&tx, &sql, []).await?;
    tx.commit().await?;
    Ok(removed)
}

async fn suppress(tx: &DatabaseTransaction, hashes: &[Vec<u8>], now: DateTime<Utc>) -> Result<()> {
    for hash in hashes {
        let sql = "INSERT INTO suppressions (id, hash, created_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
        db::run(tx, sql, [entity::ids::uuid_at(now).into(), hash.clone().into(), now.into()]).await?;
    }
    Ok(())
}

/// Ends a member of staff's account: name and e-mail go at once (R31), the id stays for the audit.
///
/// # Errors
/// The database fails.
pub async fn clear_staff(tx: &DatabaseTransaction, member: entity::staff::Model, now: DateTime<Utc>) -> Result<()> {
    let unit = member.unit_id;
    let mut row: entity::staff::ActiveModel = member.into();
    row.name = Set(None);
    row.email = Set(None);
    row.unit_id = Set(None);
    row.left_at = Set(Some(now));
    row.start_at = Set(Some(now));
    row.update(tx).await?;
    if let Some(unit) = unit {
        outbox::enqueue(tx, now, Kind::DestroyKey, unit.to_string()).await?;
    }
    Ok(())
}
