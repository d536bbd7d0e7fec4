//! The one door of deletion. A row passes only with a `Proof`, and only the check below can make one.
//!
//! Order across the stores: what was seen without a lock is checked; the ledger's INTENT, with what has passed, is on disk; one
//! transaction of the main database locks, deletes on the same conditions, audits and orders the ends of keys and blobs, and
//! commits (`passage`); then the ledger's SETTLED, or VOID. Keys and blobs follow through the outbox, never before that commit.

mod again;
mod passage;
mod statements;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{CustomerId, ErasureId, UnitId};
use entity::map::Table;
use entity::retention_rules::Action;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend};
use serde::Serialize;
use uuid::Uuid;

use super::ledger::Rows;
use super::rows::{self, Row};
use crate::auth::Actor;
use crate::error::Result;
use crate::policy::retention::Rule;
use crate::state::App;
use crate::{db, outbox};
pub use again::{Again, Gone, again};
use passage::{Passage, lock};
pub use statements::remove_bare;
use statements::{Still, pass};

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
    let is_over = || row.start.is_some_and(|start| rule.is_over(start, now));
    match (ground, rule.floor) {
        (Ground::Rule, _) if !is_over() => Verdict::NotDue,
        (Ground::Erasure(_), Some(article)) if !is_over() => {
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

/// Takes rows that nobody has looked at yet through the door, as far as the check lets them, in one transaction. Rows of
/// several tables are given children first.
///
/// # Errors
/// A store fails: then nothing of this has gone, and the ledger says so.
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
async fn remove_seen(app: &App, actor: &Actor, seen: Vec<Seen>, ground: Ground) -> Result<Removed> {
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
    whole: Option<CustomerId>,
}

/// What the ledger has been told.
struct Word {
    intent: Uuid,
    suppressed: Vec<Vec<u8>>,
}

/// The first half of the door, for which nothing waits: the disk can take the ledger's intent while other rows go.
///
/// # Errors
/// The ledger or the key store fails: nothing was announced.
pub async fn announce(app: &App, seen: Vec<Seen>, ground: Ground) -> Result<Announced<'_>> {
    let now = app.clock.now();
    let (verdicts, passing) = judge(app, seen, ground, now);
    let word = if passing.is_empty() { None } else { Some(Word::given(app, &passing, ground, now).await?) };
    Ok(Announced { verdicts, passing, ground, now, word, whole: None })
}

impl Announced<'_> {
    /// The person of whom everything goes, if it does: as far as is known, all that could point to these rows goes before them or with
    /// them, and nobody works for the person. Where it is otherwise after all, it is looked for once more under the lock.
    pub const fn expect_whole(mut self, person: Option<CustomerId>) -> Self {
        self.whole = person;
        self
    }

    /// The second half: the rows go, as far as they still are what was checked, and the ledger is told that they have.
    ///
    /// # Errors
    /// A store fails: then nothing of this has gone, and the ledger says so.
    pub async fn carry_out(self, app: &App, actor: &Actor) -> Result<Removed> {
        let (removed, unsettled) = self.remove(app, actor).await?;
        unsettled.settle(app).await?;
        Ok(removed)
    }

    /// As [`Announced::carry_out`], for whoever has more to remove and tells the ledger beside that.
    ///
    /// # Errors
    /// A store fails: then nothing of this has gone, and the ledger says so.
    pub async fn remove(self, app: &App, actor: &Actor) -> Result<(Removed, Unsettled)> {
        let Self { mut verdicts, passing, ground, now, word, whole } = self;
        let Some(word) = word else { return Ok((Removed { verdicts, kept: Duration::ZERO }, Unsettled::default())) };
        let passage = Passage { app, actor, ground, now, whole };
        if let Some((kept, unsettled)) = passage.pass(&passing, word, None).await? {
            return Ok((Removed { verdicts, kept }, unsettled));
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
        let kept = begun.elapsed();
        if passing.is_empty() {
            tx.rollback().await?;
            return Ok((Removed { verdicts, kept }, Unsettled::default()));
        }
        let word = Word::given(app, &passing, ground, now).await?;
        let passage = Passage { whole: None, ..passage };
        let (since, unsettled) = passage.pass(&passing, word, Some(tx)).await?.unwrap_or_default();
        Ok((Removed { verdicts, kept: kept + since }, unsettled))
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

/// What has gone, which the ledger does not know yet. Where that is never told, the intent stays open, and a restore checks its rows
/// again.
#[derive(Debug, Default)]
#[must_use = "the ledger is told of what has gone"]
pub struct Unsettled(Option<(DateTime<Utc>, Uuid, Vec<UnitId>)>);

impl Unsettled {
    const fn gone(now: DateTime<Utc>, intent: Uuid, units: Vec<UnitId>) -> Self {
        Self(Some((now, intent, units)))
    }

    /// Tells the ledger.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn settle(self, app: &App) -> Result<()> {
        match self.0 {
            Some((now, intent, units)) => app.ledger.settled(now, intent, &units).await,
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
            db::run(tx, &sql, [db::id_list(DbBackend::Postgres, self.ids())]).await?;
        }
        Ok(())
    }

    fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.proofs.iter().map(|p| p.row.id)
    }
}

/// What the check says of each row, and those that pass.
fn judge(app: &App, seen: Vec<Seen>, ground: Ground, now: DateTime<Utc>) -> (Vec<(Uuid, Verdict)>, Vec<Passing<'_>>) {
    let (mut verdicts, mut passing, rules) = (Vec::new(), Vec::<Passing>::new(), app.rules());
    for Seen { table, rows } in seen {
        let first = passing.len();
        for row in rows {
            let Some(rule) = rules.get(&row.data_type) else { continue };
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

/// By these the shop's next synchronisation is recognised, and a mail that a gateway delivers again.
async fn suppressed_by(app: &App, passing: &[Passing<'_>], ground: Ground) -> Result<Vec<Vec<u8>>> {
    let is_erasure = matches!(ground, Ground::Erasure(_));
    let of = |remembered: &dyn Fn(&str) -> bool| -> Vec<Uuid> {
        passing.iter().filter(|p| remembered(p.table.name)).flat_map(Passing::ids).collect()
    };
    let known = of(&|name| name == "orders" || (is_erasure && name == "customers"));
    let mut hashes = if known.is_empty() { Vec::new() } else { app.keys.hashes_of(&known).await? };
    let mails = of(&|name| is_erasure && name == "inbound_mails");
    if !mails.is_empty() {
        let backend = app.db.backend();
        let sql = format!("SELECT dedup_key FROM inbound_mails WHERE {}", db::is_any(backend, "id", 1));
        for row in db::rows(app.db.read(), &sql, [db::id_list(backend, mails)]).await? {
            hashes.push(row.try_get_by_index(0)?);
        }
    }
    Ok(hashes)
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
