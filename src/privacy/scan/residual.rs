//! The scan after an erasure: off its path, by a job, several erasures in one walk. What it looks for is destroyed with
//! its result; killed, it begins again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use entity::erasures::{Column, Entity, Model, ScanState, State};
use entity::ids::ErasureId;
use entity::map::{Table, table};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::identifiers::{self, Identifier, Kind};
use super::search::Search;
use super::walk::{At, Hit, Seen, Walk};
use crate::auth::Actor;
use crate::error::Result;
use crate::privacy::erasure::{self, certify, is_own_file, make_missing};
use crate::retention::person::Person;
use crate::state::App;
use crate::{audit, db, outbox};

/// Erasures that are looked for in one walk.
const AT_ONCE: u64 = 20;
/// Findings that are kept by place; the counts are whole.
const MOST_FINDINGS: usize = 100;

/// What a scan has found: places, ids and counts, never the identifiers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Whether everything could be read, and what had to be gone is gone.
    pub passed: bool,
    /// When it ended, UTC.
    pub scanned_at: DateTime<Utc>,
    /// How many identifiers of each kind were looked for.
    pub looked_for: BTreeMap<Kind, u64>,
    /// Of them, so many are too short or common to be looked for in plain values and bytes.
    pub not_in_plain: u64,
    /// Rows read.
    pub rows: u64,
    /// Blobs opened.
    pub blobs: u64,
    /// Blobs that did not open, and files that could not be read: what nobody could look into is not known to be clean.
    pub unreadable: u64,
    /// Files read.
    pub files: u64,
    /// Found in records that are kept, deferred or held, or that came with new business.
    pub lawful: u64,
    /// Found in records of others: a person has to look.
    pub mentions: u64,
    /// Found where it had to be gone, or in plain.
    pub failures: u64,
    /// The failures and mentions, at most 100.
    pub findings: Vec<Place>,
}

/// A place where an identifier was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// `FAILURE` or `MENTION`.
    pub what: String,
    /// `table.column`, `blob`, `blob name`, `file` or `ledger`.
    pub place: String,
    /// The row. Names of files and blobs are left out: they may hold what was found.
    pub row: Option<Uuid>,
    /// Whether it had to be opened.
    pub sealed: bool,
    /// What was found.
    pub kind: Kind,
}

/// How the scans of a run ended.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
}

/// Scans after every erasure that is not scanned yet.
///
/// # Errors
/// A store cannot be read: nothing is lost, the next run begins again.
pub async fn run(app: &App) -> Result<Report> {
    let (mut report, mut after) = (Report::default(), ErasureId(Uuid::nil()));
    loop {
        let rows = Entity::find()
            .filter(Column::ScanState.eq(ScanState::Pending))
            .filter(Column::State.ne(State::Running))
            .filter(Column::Id.gt(after))
            .order_by_asc(Column::Id)
            .limit(AT_ONCE)
            .all(app.db.read())
            .await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for passed in scan(app, rows).await? {
            *(if passed { &mut report.passed } else { &mut report.failed }) += 1;
        }
    }
    if report.passed + report.failed > 0 {
        outbox::run(app).await?;
    }
    make_missing(app).await?;
    Ok(report)
}

/// Scans after one erasure now, where that is due.
///
/// # Errors
/// A store cannot be read.
pub async fn after(app: &App, id: ErasureId) -> Result<()> {
    let due = Entity::find_by_id(id).filter(Column::ScanState.eq(ScanState::Pending));
    if let Some(row) = due.one(app.db.write()).await? {
        scan(app, vec![row]).await?;
        outbox::run(app).await?;
    }
    Ok(())
}

/// A person who is looked for.
struct Sought {
    erasure: Model,
    /// Records that the report lists as kept, deferred or held.
    listed: HashSet<(Cow<'static, str>, Uuid)>,
    looked_for: BTreeMap<Kind, u64>,
    not_in_plain: u64,
    counts: [u64; 3],
    findings: Vec<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lawful,
    Mention,
    Failure,
}

async fn scan(app: &App, rows: Vec<Model>) -> Result<Vec<bool>> {
    let (mut sought, mut needles, mut of) = (Vec::new(), Vec::new(), Vec::new());
    for erasure in rows {
        let identifiers = match identifiers::pending(app, &erasure).await {
            Ok(Some(identifiers)) => identifiers,
            Ok(None) => {
                give_up(app, &erasure).await?;
                continue;
            }
            // It keeps no other from being looked for.
            Err(error) => {
                tracing::error!(erasure = %erasure.id, cause = ?error, "a scan cannot begin");
                continue;
            }
        };
        needles.extend(identifiers.iter().map(Identifier::needle));
        of.extend(identifiers.iter().map(|i| (sought.len(), i.kind)));
        sought.push(Sought::new(erasure, &identifiers)?);
    }
    if sought.is_empty() {
        return Ok(Vec::new());
    }
    let mut walk = Walk::new(app, Search::new(needles)?);
    while let Some(hits) = walk.next().await? {
        judge(app, &mut sought, &of, hits).await?;
    }
    let mut passed = Vec::with_capacity(sought.len());
    for one in sought {
        passed.extend(one.store(app, walk.seen).await?);
    }
    Ok(passed)
}

/// What would be looked for is lost, and nothing can be: the erasure has no scan, as one that a restore puts on record.
async fn give_up(app: &App, erasure: &Model) -> Result<()> {
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let sql = "UPDATE erasures SET scan_state = NULL, identifiers = NULL, unit_id = NULL, certificate = NULL, certificate_hash = NULL \
         WHERE id = $1 AND identifiers = $2";
    let sealed = erasure.identifiers.clone().map(|sealed| sealed.0);
    if db::run(&tx, sql, [erasure.id.0.into(), sealed.into()]).await? > 0 {
        let details = json!({ "state": "LOST" });
        audit::record(&tx, now, &Actor::System, "erasure.scan", ("erasures", Some(erasure.id.0)), details).await?;
        tracing::error!(erasure = %erasure.id, "what the scan after an erasure would look for does not open any more: there is no scan");
    }
    tx.commit().await?;
    Ok(())
}

/// Sorts the findings of a page: whose record it is, and whether it may be there.
async fn judge(app: &App, sought: &mut [Sought], of: &[(usize, Kind)], hits: Vec<Hit>) -> Result<()> {
    // Several identifiers in one place are one finding.
    let mut places: BTreeMap<(usize, String, String), (Kind, At)> = BTreeMap::new();
    for hit in hits {
        let (who, kind) = of[hit.needle];
        let (place, at) = super::named(&hit.at);
        places.entry((who, place, at)).or_insert((kind, hit.at));
    }
    let mut rows: BTreeMap<usize, BTreeMap<&str, BTreeSet<Uuid>>> = BTreeMap::new();
    for ((who, ..), (_, at)) in &places {
        if let At::Cell(t, _, row) | At::Blob(t, row) = at
            && let Some(id) = row.id.filter(|_| t.is_personal())
        {
            rows.entry(*who).or_default().entry(t.name).or_default().insert(id);
        }
    }
    let (mut own, mut asked) = (HashSet::new(), HashSet::new());
    for (who, rows) in rows {
        let erasure = &sought[who].erasure;
        let person = Person::find(app.db.read(), erasure.customer_id).await?;
        let then = Person::as_of(app.db.read(), erasure.customer_id, erasure.requested_at).await?;
        for (name, ids) in rows {
            let Some(t) = table(name) else { continue };
            let ids: Vec<Uuid> = ids.into_iter().collect();
            own.extend(person.among(app.db.read(), t, &ids).await?.into_iter().map(|id| (who, name, id)));
            asked.extend(then.among(app.db.read(), t, &ids).await?.into_iter().map(|id| (who, name, id)));
        }
    }
    for ((who, ..), (kind, at)) in places {
        let is_in = |these: &HashSet<(usize, &str, Uuid)>, t: &Table, id: Option<Uuid>| {
            id.is_some_and(|id| these.contains(&(who, t.name, id)))
        };
        let class = match &at {
            At::Cell(_, column, _) if !column.meaning.sealed => Some(Class::Failure),
            At::Cell(t, _, row) | At::Blob(t, row) if is_in(&own, t, row.id) => {
                let lawful = !is_in(&asked, t, row.id) || sought[who].may_stay(t, row.id, row.data_type);
                Some(if lawful { Class::Lawful } else { Class::Failure })
            }
            // The same name or street in somebody else's own contact record is theirs.
            At::Cell(_, column, _) if column.meaning.identifies => None,
            At::Cell(..) | At::Blob(..) => Some(Class::Mention),
            At::BlobName(_) | At::File(_) | At::Ledger => Some(Class::Failure),
        };
        if let Some(class) = class {
            sought[who].note(class, kind, &at);
        }
    }
    Ok(())
}

impl Sought {
    fn new(erasure: Model, identifiers: &[Identifier]) -> Result<Self> {
        let report = erasure::stored(&erasure)?;
        let listed = report.records.into_iter().filter(|r| !r.is_gone()).map(|r| (r.table, r.id)).collect();
        let mut looked_for = BTreeMap::new();
        for identifier in identifiers {
            *looked_for.entry(identifier.kind).or_default() += 1;
        }
        let not_in_plain = identifiers.iter().filter(|i| !i.needle().in_plain).count() as u64;
        Ok(Self { erasure, listed, looked_for, not_in_plain, counts: [0; 3], findings: Vec::new() })
    }

    /// A record that is listed as staying, the erasure's own file, or what was added to what waits: the next pass lists it.
    fn may_stay(&self, t: &Table, id: Option<Uuid>, data_type: Option<entity::DataType>) -> bool {
        let Some(id) = id else { return false };
        self.listed.contains(&(Cow::Borrowed(t.name), id))
            || self.erasure.state == State::Deferred && erasure::came_later(id, self.erasure.requested_at)
            || data_type.is_some_and(|d| is_own_file(t, id, d, self.erasure.requested_at))
    }

    fn note(&mut self, class: Class, kind: Kind, at: &At) {
        self.counts[class as usize] += 1;
        if class == Class::Lawful || self.findings.len() == MOST_FINDINGS {
            return;
        }
        let (row, sealed) = match at {
            At::Cell(_, column, row) => (row.id, column.meaning.sealed),
            At::Blob(_, row) => (row.id, true),
            At::BlobName(_) | At::File(_) | At::Ledger => (None, false),
        };
        let what = if class == Class::Failure { "FAILURE" } else { "MENTION" }.to_owned();
        self.findings.push(Place { what, place: super::named(at).0, row, sealed, kind });
    }

    /// Stores the result with the certificate, and destroys what was looked for. `None` where a further pass of the
    /// erasure has come in between: then that is scanned for anew.
    async fn store(self, app: &App, seen: Seen) -> Result<Option<bool>> {
        let now = app.clock.now();
        let [lawful, mentions, failures] = self.counts;
        let found = Found {
            passed: failures == 0 && seen.unreadable == 0,
            scanned_at: now,
            looked_for: self.looked_for,
            not_in_plain: self.not_in_plain,
            rows: seen.rows,
            blobs: seen.blobs,
            unreadable: seen.unreadable,
            files: seen.files,
            lawful,
            mentions,
            failures,
            findings: self.findings,
        };
        let id = self.erasure.id;
        let text = serde_json::to_string(&found).map_err(|e| anyhow::anyhow!("scan: {e}"))?;
        let state = if found.passed { ScanState::Passed } else { ScanState::Failed };
        let Some(latest) = Entity::find_by_id(id).one(app.db.write()).await? else { return Ok(None) };
        let certificate = certify(app, &latest, Some(&found)).await?;
        let tx = app.db.begin().await?;
        let sql = "UPDATE erasures SET scan_state = $1, scan = $2, scanned_at = $3, certificate = $4, \
                   certificate_hash = $5, identifiers = NULL, unit_id = NULL \
                   WHERE id = $6 AND identifiers = $7 AND state = $8";
        let values = [
            state.code().into(),
            text.into(),
            now.into(),
            certificate.text.into(),
            certificate.sha256.into(),
            id.0.into(),
            self.erasure.identifiers.map(|sealed| sealed.0).into(),
            latest.state.code().into(),
        ];
        if db::run(&tx, sql, values).await? == 0 {
            return Ok(None);
        }
        outbox::destroy_keys(&tx, now, self.erasure.unit_id.as_slice()).await?;
        let details = json!({ "state": state.code(), "failures": failures, "mentions": mentions, "lawful": lawful });
        audit::record(&tx, now, &Actor::System, "erasure.scan", ("erasures", Some(id.0)), details).await?;
        tx.commit().await?;
        if !found.passed {
            let unreadable = found.unreadable;
            tracing::error!(erasure = %id, failures, unreadable, "the scan after an erasure found what had to be gone, or could not read all");
        }
        Ok(Some(found.passed))
    }
}

/// The result of an erasure's last scan.
///
/// # Errors
/// The stored text is damaged.
pub fn stored(row: &Model) -> Result<Option<Found>> {
    let parsed = row.scan.as_deref().map(serde_json::from_str).transpose();
    Ok(parsed.map_err(|e| anyhow::anyhow!("stored scan: {e}"))?)
}

/// How many scans are to come, and how many last ones have failed.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// To come.
    pub pending: i64,
    /// Failed: an operator has to look.
    pub failed: i64,
}

/// What is to be scanned, and what has failed.
///
/// # Errors
/// The database cannot be read.
pub async fn pending(app: &App) -> Result<Pending> {
    let count = |state| format!("CAST(COUNT(CASE WHEN scan_state = '{state}' THEN 1 END) AS bigint)");
    let sql = format!("SELECT {}, {} FROM erasures", count("PENDING"), count("FAILED"));
    let rows = db::rows(app.db.read(), &sql, []).await?;
    let row = rows.first().ok_or(crate::error::Error::NotFound)?;
    Ok(Pending { pending: row.try_get_by_index(0)?, failed: row.try_get_by_index(1)? })
}
