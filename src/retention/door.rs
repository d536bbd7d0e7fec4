//! The one door of deletion. A row passes only with a `Proof`, and only the check below can make one.
//!
//! Order across the stores: one transaction of the main database locks the owners, reads and checks; the ledger's INTENT, with
//! what has passed the check, is on disk; the same transaction deletes, audits and orders the ends of keys and blobs, and
//! commits; then the ledger's SETTLED, or VOID. Keys and blobs follow through the outbox, never before that commit.

mod again;

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::ids::{CustomerId, ErasureId, UnitId};
use entity::map::{AtEnd, RowEnd, Table, tables};
use entity::outbox_entries::Kind;
use entity::retention_rules::Action;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait as _, DatabaseTransaction, DbBackend};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::ledger::Rows;
use super::pace::Pace;
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

/// Rows of one table that are to go.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The table.
    pub table: &'static Table,
    /// Their ids.
    pub ids: Vec<Uuid>,
}

/// What became of rows at the door.
#[derive(Debug, Default)]
pub struct Removed {
    /// What the check said of each that was there.
    pub verdicts: Vec<(Uuid, Verdict)>,
    /// How long the writer, or the locks of the persons concerned, were kept.
    pub kept: Duration,
}

/// Takes the given rows through the door, as far as the check lets them, in one transaction. Rows of several tables are given
/// children first.
///
/// # Errors
/// A store fails: then nothing of this has gone, and the ledger says so.
pub async fn remove(app: &App, actor: &Actor, asked: &[Asked], ground: Ground) -> Result<Removed> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let begun = Instant::now();
    holds::lock_records(&tx, holds::Lock::Shared).await?;
    lock_owners(&tx, asked).await?;
    let mut removed = Removed::default();
    let mut passing: Vec<Passing> = Vec::new();
    for asked in asked {
        let mut proofs = Vec::with_capacity(asked.ids.len());
        for row in rows::read_ids(&tx, asked.table, &asked.ids).await? {
            let Some(rule) = app.rules.get(&row.data_type) else { continue };
            let (id, verdict, proof) = prove(row, rule, ground, now);
            removed.verdicts.push((id, verdict));
            proofs.extend(proof);
        }
        if !proofs.is_empty() {
            passing.push(Passing { table: asked.table, proofs });
        }
    }
    if passing.is_empty() {
        tx.rollback().await?;
        removed.kept = begun.elapsed();
        return Ok(removed);
    }
    let suppressed = suppressed_by(app, &passing, ground).await?;
    let names = |p: &Passing| Rows { table: p.table.name.to_owned(), ids: p.ids().collect() };
    let intent = app.ledger.intent(now, &ground.name(), passing.iter().map(names).collect(), &suppressed).await?;
    let units = match carry_out(&tx, actor, &passing, &suppressed, ground, now).await {
        Ok(units) => units,
        Err(error) => {
            // Why it failed is what is told. Where even this cannot be written, the intent stays open, which is no harm.
            let _ = tx.rollback().await;
            let _ = app.ledger.void(now, intent).await;
            return Err(error);
        }
    };
    // An error here may hide a commit whose answer was lost: the intent then stays open, and a restore checks it again.
    tx.commit().await?;
    removed.kept = begun.elapsed();
    app.ledger.settled(now, intent, &units).await?;
    Ok(removed)
}

/// Rows of one table that have passed the check.
struct Passing {
    table: &'static Table,
    proofs: Vec<Proof>,
}

impl Passing {
    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.proofs.iter().map(|p| p.row.id)
    }
}

/// By these the shop's next synchronisation is recognised.
async fn suppressed_by(app: &App, passing: &[Passing], ground: Ground) -> Result<Vec<Vec<u8>>> {
    let is_erasure = matches!(ground, Ground::Erasure(_));
    let remembered = |p: &&Passing| p.table.name == "orders" || (is_erasure && p.table.name == "customers");
    let ids: Vec<Uuid> = passing.iter().filter(remembered).flat_map(Passing::ids).collect();
    if ids.is_empty() { Ok(Vec::new()) } else { app.keys.hashes_of(&ids).await }
}

/// Everything of one passage that the main database has to do. Returns the units whose last rows have gone.
async fn carry_out(
    tx: &DatabaseTransaction,
    actor: &Actor,
    passing: &[Passing],
    suppressed: &[Vec<u8>],
    ground: Ground,
    now: DateTime<Utc>,
) -> Result<Vec<UnitId>> {
    for p in passing {
        pass(tx, p.table, &p.proofs, now).await?;
    }
    let rows = || passing.iter().flat_map(|p| &p.proofs).map(|p| &p.row);
    let units: Vec<UnitId> = rows().filter_map(|row| row.unit).collect();
    let types: Vec<DataType> = passing.iter().flat_map(|p| p.table.types).copied().collect();
    let units = keys::without_rows(tx, &units, &types).await?;
    outbox::destroy_keys(tx, now, &units).await?;
    let blobs = rows().filter_map(|row| row.blob.clone()).map(|blob| (Kind::DeleteBlob, blob));
    outbox::enqueue_all(tx, now, blobs).await?;
    suppress(tx, suppressed, now).await?;
    for p in passing {
        let details = json!({ "ground": ground.name(), "rows": p.proofs.len() });
        audit::record(tx, now, actor, "retention.remove", (p.table.name, None), details).await?;
    }
    Ok(units)
}

/// Locks the customers whom the rows belong to, in order of id: placing a hold locks the same row.
async fn lock_owners(tx: &DatabaseTransaction, asked: &[Asked]) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let (mut owned, mut values) = (Vec::new(), Vec::new());
    for asked in asked.iter().filter(|asked| asked.table.is_personal()) {
        let Some(customer) = paths::customer_of(asked.table) else { continue };
        values.push(db::id_list(asked.ids.iter().copied()));
        let these = db::is_any(DbBackend::Postgres, "t.id", values.len());
        owned.push(format!("SELECT {customer} FROM {} t WHERE {these}", asked.table.name));
    }
    if !owned.is_empty() {
        let sql = format!(
            "SELECT c.id FROM customers c WHERE c.id IN ({}) ORDER BY c.id FOR NO KEY UPDATE",
            owned.join(" UNION ALL ")
        );
        db::rows(tx, &sql, values).await?;
    }
    Ok(())
}

/// The door itself: the only statements in the program that delete or clear personal rows.
async fn pass(tx: &DatabaseTransaction, t: &Table, proofs: &[Proof], now: DateTime<Utc>) -> Result<()> {
    let anonymise: Vec<Uuid> = proofs.iter().filter(|p| p.action == Action::Anonymise).map(|p| p.row.id).collect();
    anonymise::count(tx, t, &anonymise).await?;
    let list = || db::id_list(proofs.iter().map(|p| p.row.id));
    let any = |column: &str| db::is_any(tx.get_database_backend(), column, 1);
    let these = any("t.id");
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
            these,
            paths::is_among_pointed_to(t, any)
        );
        db::run(tx, &sql, [list(), now.into()]).await?;
        let sql = format!(
            "DELETE FROM {} WHERE id IN (SELECT t.id FROM {} t WHERE {} AND t.erased_at IS NULL)",
            t.name, t.name, these
        );
        db::run(tx, &sql, [list()]).await?;
    } else {
        let any = db::is_any(tx.get_database_backend(), "id", 1);
        db::run(tx, &format!("DELETE FROM {} WHERE {any}", t.name), [list()]).await?;
    }
    Ok(())
}

/// Deletes bare ids that nothing points to any more, of everybody or of one person: the last trace of a case, an order, a
/// person. Returns how many went, and the tables that they went from.
///
/// # Errors
/// The database fails.
pub async fn remove_bare(app: &App, person: Option<CustomerId>) -> Result<(u64, Vec<&'static str>)> {
    let (mut removed, mut touched) = (0, Vec::new());
    for t in tables().iter().rev().filter(|t| t.end == RowEnd::Bare) {
        let of = person.map_or_else(String::new, |_| format!(" AND {}", paths::of_person(t, 2)));
        let sql = format!(
            "DELETE FROM {name} WHERE id IN (SELECT t.id FROM {name} t WHERE t.erased_at IS NOT NULL AND NOT {} AND NOT {} \
             AND NOT {}{of} LIMIT $1)",
            paths::is_pointed_to(t),
            paths::is_held(t),
            paths::is_restricted(t),
            name = t.name,
        );
        let mut pace = Pace::default();
        loop {
            let (most, begun) = (i64::try_from(pace.rows()).unwrap_or(i64::MAX), Instant::now());
            let values = [most.into()].into_iter().chain(person.map(|id| id.0.into()));
            let tx = app.db.begin().await?;
            let went = db::run(&tx, &sql, values).await?;
            tx.commit().await?;
            if went == 0 {
                break;
            }
            pace.took(usize::try_from(went).unwrap_or(usize::MAX), begun.elapsed());
            removed += went;
            touched.push(t.name);
        }
    }
    touched.dedup();
    Ok((removed, touched))
}

/// Remembers again what went with rows that are gone, after a restore.
///
/// # Errors
/// The database fails.
pub async fn suppress_again(app: &App, hashes: &[Vec<u8>], at: DateTime<Utc>) -> Result<()> {
    let tx = app.db.begin().await?;
    suppress(&tx, hashes, at).await?;
    tx.commit().await?;
    Ok(())
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
    outbox::destroy_keys(tx, now, unit.as_slice()).await
}
