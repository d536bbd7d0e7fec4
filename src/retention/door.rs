//! The one door of deletion. A row passes only with a `Proof`, and only the check below can make one.
//!
//! Order across the stores: one transaction of the main database locks the owners, reads and checks; the ledger's INTENT, with
//! what has passed the check, is on disk; the same transaction deletes, audits and orders the ends of keys and blobs, and
//! commits; then the ledger's SETTLED, or VOID. Keys and blobs follow through the outbox, never before that commit.

mod again;

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::ids::{CustomerId, ErasureId, UnitId};
use entity::map::{AtEnd, RowEnd, Table, tables};
use entity::outbox_entries::Kind;
use entity::retention_rules::Action;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, Value};
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

impl Verdict {
    /// The row goes.
    #[must_use]
    pub const fn goes(&self) -> bool {
        matches!(self, Self::Erased | Self::Anonymised)
    }
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
    let proof = verdict.goes().then_some(Proof { row, action: rule.action });
    (id, verdict, proof)
}

/// Rows of one table that are to go, by their ids.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The table.
    pub table: &'static Table,
    /// Their ids.
    pub ids: Vec<Uuid>,
}

/// Rows of one table that are to go, as somebody saw them without a lock.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The table.
    pub table: &'static Table,
    /// The rows.
    pub rows: Vec<Row>,
}

/// What became of rows at the door.
#[derive(Debug, Default)]
pub struct Removed {
    /// What the check said of each that was there.
    pub verdicts: Vec<(Uuid, Verdict)>,
    /// How long the writer, or the locks of the persons concerned, were kept.
    pub kept: Duration,
}

impl Removed {
    /// How many rows have gone.
    #[must_use]
    pub fn gone(&self) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| verdict.goes()).count()
    }
}

/// [`remove_seen`] of rows that nobody has looked at yet.
///
/// # Errors
/// As [`remove_seen`].
pub async fn remove(app: &App, actor: &Actor, asked: &[Asked], ground: Ground) -> Result<Removed> {
    let seen = read(app.db.read(), asked).await?;
    remove_seen(app, actor, seen, ground).await
}

/// Takes the given rows through the door, as far as the check lets them, in one transaction. Rows of several tables are given
/// children first.
///
/// What was seen is checked without a lock; the deleting statements check it once more, under the lock. Where a row has become
/// another meanwhile, nothing goes, and all of it is read and checked again under the lock.
///
/// # Errors
/// A store fails: then nothing of this has gone, and the ledger says so.
pub async fn remove_seen(app: &App, actor: &Actor, seen: Vec<Seen>, ground: Ground) -> Result<Removed> {
    announce(app, seen, ground).await?.carry_out(app, actor).await
}

/// Rows that were checked without a lock, with the ledger's word that those that passed are about to go.
#[must_use = "what was announced is carried out or withdrawn"]
pub struct Announced<'a> {
    verdicts: Vec<(Uuid, Verdict)>,
    passing: Vec<Passing<'a>>,
    ground: Ground,
    now: DateTime<Utc>,
    /// None where nothing passed.
    word: Option<Word>,
}

/// What the ledger has been told.
struct Word {
    intent: Uuid,
    suppressed: Vec<Vec<u8>>,
}

/// The first half of [`remove_seen`], for which nothing waits: the disk can take the ledger's intent while other rows go.
///
/// # Errors
/// The ledger or the key store fails: nothing was announced.
pub async fn announce(app: &App, seen: Vec<Seen>, ground: Ground) -> Result<Announced<'_>> {
    let now = app.clock.now();
    let (verdicts, passing) = judge(app, seen, ground, now);
    let word = if passing.is_empty() { None } else { Some(Word::given(app, &passing, ground, now).await?) };
    Ok(Announced { verdicts, passing, ground, now, word })
}

impl Announced<'_> {
    /// The second half of [`remove_seen`].
    ///
    /// # Errors
    /// As [`remove_seen`].
    pub async fn carry_out(self, app: &App, actor: &Actor) -> Result<Removed> {
        let Self { mut verdicts, passing, ground, now, word } = self;
        let Some(word) = word else { return Ok(Removed { verdicts, kept: Duration::ZERO }) };
        let passage = Passage { app, actor, ground, now };
        if let Some(kept) = passage.pass(&passing, word, None).await? {
            return Ok(Removed { verdicts, kept });
        }
        let tx = app.db.begin().await?;
        let begun = Instant::now();
        lock(&tx, &passing).await?;
        for p in &passing {
            p.lock_rows(&tx).await?;
        }
        let mut again: Vec<Asked> = Vec::new();
        for p in &passing {
            match again.last_mut().filter(|last| last.table.name == p.table.name) {
                Some(last) => last.ids.extend(p.ids()),
                None => again.push(Asked { table: p.table, ids: p.ids().collect() }),
            }
        }
        let asked_again: HashSet<Uuid> = again.iter().flat_map(|asked| &asked.ids).copied().collect();
        verdicts.retain(|(id, _)| !asked_again.contains(id));
        let (of_these, passing) = judge(app, read(&tx, &again).await?, ground, now);
        verdicts.extend(of_these);
        let mut kept = begun.elapsed();
        if passing.is_empty() {
            tx.rollback().await?;
        } else {
            let word = Word::given(app, &passing, ground, now).await?;
            kept += passage.pass(&passing, word, Some(tx)).await?.unwrap_or_default();
        }
        Ok(Removed { verdicts, kept })
    }

    /// Nothing of it goes.
    ///
    /// # Errors
    /// The ledger cannot be written: then the intent stays open, and a restore checks its rows again.
    pub async fn withdraw(self, app: &App) -> Result<()> {
        match self.word {
            Some(word) => app.ledger.void(self.now, word.intent).await,
            None => Ok(()),
        }
    }
}

impl Word {
    async fn given(app: &App, passing: &[Passing<'_>], ground: Ground, now: DateTime<Utc>) -> Result<Self> {
        let suppressed = suppressed_by(app, passing, ground).await?;
        let names = |p: &Passing<'_>| Rows { table: p.table.name.to_owned(), ids: p.ids().collect() };
        let rows = passing.iter().map(names).collect();
        let intent = app.ledger.intent(now, &ground.name(), rows, &suppressed).await?;
        Ok(Self { intent, suppressed })
    }
}

async fn read(db: &impl ConnectionTrait, asked: &[Asked]) -> Result<Vec<Seen>> {
    let mut seen = Vec::with_capacity(asked.len());
    for Asked { table, ids } in asked {
        seen.push(Seen { table, rows: rows::read_ids(db, table, ids).await? });
    }
    Ok(seen)
}

/// Rows of one table and rule that have passed the check.
struct Passing<'a> {
    table: &'static Table,
    rule: &'a Rule,
    proofs: Vec<Proof>,
}

impl Passing<'_> {
    /// Locks the rows themselves: not everybody who changes one locks its customer.
    async fn lock_rows(&self, tx: &DatabaseTransaction) -> Result<()> {
        if tx.get_database_backend() == DbBackend::Postgres {
            let these = db::is_any(DbBackend::Postgres, "id", 1);
            let sql = format!("SELECT id FROM {} WHERE {these} ORDER BY id FOR UPDATE", self.table.name);
            db::run(tx, &sql, [db::id_list(self.ids())]).await?;
        }
        Ok(())
    }

    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.proofs.iter().map(|p| p.row.id)
    }
}

/// What the check says of each row, and those that pass.
fn judge(app: &App, seen: Vec<Seen>, ground: Ground, now: DateTime<Utc>) -> (Vec<(Uuid, Verdict)>, Vec<Passing<'_>>) {
    let (mut verdicts, mut passing) = (Vec::new(), Vec::<Passing>::new());
    for Seen { table, rows } in seen {
        let first = passing.len();
        for row in rows {
            let Some(rule) = app.rules.get(&row.data_type) else { continue };
            let (id, verdict, proof) = prove(row, rule, ground, now);
            verdicts.push((id, verdict));
            let Some(proof) = proof else { continue };
            match passing.iter_mut().skip(first).find(|p| p.rule.data_type == rule.data_type) {
                Some(p) => p.proofs.push(proof),
                None => passing.push(Passing { table, rule, proofs: vec![proof] }),
            }
        }
    }
    (verdicts, passing)
}

/// One way through the door.
struct Passage<'a> {
    app: &'a App,
    actor: &'a Actor,
    ground: Ground,
    now: DateTime<Utc>,
}

impl Passage<'_> {
    /// The statements, the commit, the ledger's end. Without a transaction that has read the rows under its lock, the
    /// statements check each row once more, and nothing goes where one has become another or another transaction was in the
    /// way: then there is no answer. Otherwise returns how long the lock was kept.
    async fn pass(
        &self,
        passing: &[Passing<'_>],
        word: Word,
        locked: Option<DatabaseTransaction>,
    ) -> Result<Option<Duration>> {
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
                let kept = begun.elapsed();
                app.ledger.settled(now, intent, &units).await?;
                Ok(Some(kept))
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
            let still = if is_unsure { Still::going(p.table, p.rule, ground, now) } else { Still::default() };
            let went = pass(tx, p.table, &p.proofs, now, still).await?;
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
        for p in passing {
            let details = json!({ "ground": ground.name(), "rows": p.proofs.len() });
            audit::record(tx, now, self.actor, "retention.remove", (p.table.name, None), details).await?;
        }
        Ok(Some(units))
    }
}

/// By these the shop's next synchronisation is recognised.
async fn suppressed_by(app: &App, passing: &[Passing<'_>], ground: Ground) -> Result<Vec<Vec<u8>>> {
    let is_erasure = matches!(ground, Ground::Erasure(_));
    let remembered = |p: &&Passing<'_>| p.table.name == "orders" || (is_erasure && p.table.name == "customers");
    let ids: Vec<Uuid> = passing.iter().filter(remembered).flat_map(Passing::ids).collect();
    if ids.is_empty() { Ok(Vec::new()) } else { app.keys.hashes_of(&ids).await }
}

/// Locks the customers whom the rows belong to, in order of id, and the records as a whole against holds on a year of them:
/// placing a hold locks the same.
async fn lock(tx: &DatabaseTransaction, passing: &[Passing<'_>]) -> Result<()> {
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
        db::run(tx, &sql, [db::id_list(customers)]).await?;
    }
    Ok(())
}

/// The check once more, as a condition of the deleting statement over `t`, with the values that follow the ids.
#[derive(Default)]
struct Still {
    condition: String,
    values: Vec<Value>,
}

impl Still {
    /// The number of the first value: `$1` are the ids.
    const FIRST: usize = 2;

    /// What [`check`] demands of a row that goes.
    fn going(t: &Table, rule: &Rule, ground: Ground, now: DateTime<Utc>) -> Self {
        let mut still = Self::default();
        still.and(&format!("NOT {} AND NOT {}", paths::is_held(t), paths::is_restricted(t)));
        if t.types.len() > 1 {
            still.and(&format!("t.data_type = '{}'", rule.data_type.code()));
        }
        if rule.waits_for_work {
            still.and(&format!("NOT {}", paths::is_open(t)));
        }
        if t.has("not_before") {
            still.and_value("(t.not_before IS NULL OR t.not_before <=", now, ")");
        }
        if let Some(start) = t.start
            && (ground == Ground::Rule || rule.floor.is_some())
        {
            still.and_value(&format!("t.{start} <"), rule.due_before(now), "");
        }
        still
    }

    fn and(&mut self, condition: &str) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
    }

    fn and_value(&mut self, before: &str, value: DateTime<Utc>, after: &str) {
        let n = Self::FIRST + self.values.len();
        self.and(&format!("{before} ${n}{after}"));
        self.values.push(value.into());
    }
}

/// The door itself: the only statements in the program that delete or clear personal rows. Returns how many went.
async fn pass(tx: &DatabaseTransaction, t: &Table, proofs: &[Proof], now: DateTime<Utc>, still: Still) -> Result<u64> {
    let anonymise: Vec<Uuid> = proofs.iter().filter(|p| p.action == Action::Anonymise).map(|p| p.row.id).collect();
    let tally = anonymise::tally(tx, t, &anonymise).await?;
    let any = |column: &str| db::is_any(tx.get_database_backend(), column, 1);
    let (name, these, condition) = (t.name, any("t.id"), &still.condition);
    let values = || [db::id_list(proofs.iter().map(|p| p.row.id))].into_iter().chain(still.values.iter().cloned());
    let mut went = 0;
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
        // SQLite looks into an index as quickly for one row as for many, and would parse the list once for each index.
        let pointed_to = match tx.get_database_backend() {
            DbBackend::Postgres => paths::is_among_pointed_to(t, any),
            _ => paths::is_pointed_to(t),
        };
        let sql = format!(
            "UPDATE {name} AS t SET {}, erased_at = ${}{state} WHERE {these} AND {}{condition}",
            clear.join(", "),
            Still::FIRST + still.values.len(),
            pointed_to
        );
        went += db::run(tx, &sql, values().chain([now.into()])).await?;
    }
    let not_bare = if t.end == RowEnd::Bare { " AND t.erased_at IS NULL" } else { "" };
    let sql = format!("DELETE FROM {name} AS t WHERE {these}{not_bare}{condition}");
    went += db::run(tx, &sql, values()).await?;
    // Last: another batch that adds to the same counters waits for this one's end.
    anonymise::add(tx, &tally).await?;
    Ok(went)
}

/// Deletes bare ids that nothing points to any more, of everybody or of one person: the last trace of a case, an order, a
/// person. Returns how many went, and the tables that they went from.
///
/// # Errors
/// The database fails.
pub async fn remove_bare(app: &App, person: Option<CustomerId>) -> Result<(u64, Vec<&'static str>)> {
    let (mut removed, mut touched) = (0, Vec::new());
    for t in tables().iter().rev().filter(|t| t.end == RowEnd::Bare) {
        let free = format!(
            "t.erased_at IS NOT NULL AND NOT {} AND NOT {} AND NOT {}",
            paths::is_pointed_to(t),
            paths::is_held(t),
            paths::is_restricted(t)
        );
        let of = person.map_or_else(String::new, |_| format!(" AND {}", paths::of_person(t, 3)));
        let look = format!("SELECT t.id FROM {} t WHERE {free} AND t.id > $1{of} ORDER BY t.id LIMIT $2", t.name);
        let these = db::is_any(app.db.backend(), "t.id", 1);
        let delete = format!("DELETE FROM {} AS t WHERE {these} AND {free}", t.name);
        let (mut pace, mut after) = (Pace::default(), Uuid::nil());
        loop {
            // Looked for without a lock, and looked at once more under it: the search reads every bare id, the end few.
            let most = i64::try_from(pace.rows(&app.traffic)).unwrap_or(i64::MAX);
            let values = [after.into(), most.into()].into_iter().chain(person.map(|id| id.0.into()));
            let found = db::rows(app.db.read(), &look, values).await?;
            let ids: Vec<Uuid> = found.iter().map(|r| r.try_get_by_index(0)).collect::<Result<_, _>>()?;
            let Some(last) = ids.last() else { break };
            after = *last;
            let tx = app.db.begin().await?;
            let begun = Instant::now();
            let went = db::run(&tx, &delete, [db::id_list(ids)]).await?;
            tx.commit().await?;
            let kept = begun.elapsed();
            pace.took(usize::try_from(went).unwrap_or(usize::MAX), kept);
            if went > 0 {
                removed += went;
                touched.push(t.name);
            }
            if let Some(rest) = Pace::rest(&app.traffic, kept) {
                tokio::time::sleep(rest).await;
            }
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
