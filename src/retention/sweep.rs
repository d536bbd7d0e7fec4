//! The nightly sweep: every rule, every table, in index order and small batches, through the one door.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::map::{RowEnd, Table, tables};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use uuid::Uuid;

use super::door::{self, Ground, Verdict};
use super::run::Steering;
use super::{anonymise, rows};
use crate::auth::Actor;
use crate::error::Result;
use crate::policy::retention::Rule;
use crate::state::App;
use crate::{db, outbox};

const BATCH: usize = 500;

/// What a sweep did, or would do: counts and codes only.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The instant that periods were measured against, UTC.
    pub at: Option<DateTime<Utc>>,
    /// One line per rule and table with anything due.
    pub lines: Vec<Line>,
    /// Bare ids that went because nothing pointed to them any more.
    pub bare_removed: u64,
    /// Years whose figures have become final.
    pub years_settled: u64,
    /// Files or entries of the ledger past their own period.
    pub ledger_expired: u64,
    /// Keys and blobs destroyed at once.
    pub outbox: outbox::Report,
    /// Whether freed pages and logs have been overwritten; `false`: a reader was in the way, the next run does it.
    pub forgotten: bool,
}

/// What became of the due rows of one data type in one table.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Data type.
    pub data_type: DataType,
    /// Table.
    pub table: &'static str,
    /// Rows whose period is over.
    pub due: u64,
    /// Deleted.
    pub deleted: u64,
    /// Counted without ids, then deleted or left as a bare id.
    pub anonymised: u64,
    /// Kept by a hold.
    pub held: u64,
    /// Kept by a restriction of processing.
    pub restricted: u64,
    /// Kept because work still runs on them.
    pub open: u64,
}

impl Report {
    /// Rows that went, or would go.
    #[must_use]
    pub fn gone(&self) -> u64 {
        self.lines.iter().map(|l| l.deleted + l.anonymised).sum()
    }
}

/// Sweeps everything that is due. A dry run says the same and changes nothing.
///
/// # Errors
/// A store fails. What has gone by then has gone completely; the next run goes on.
pub async fn run(app: &App, actor: &Actor, dry_run: bool, mut steering: Option<&mut Steering>) -> Result<Report> {
    let now = app.clock.now();
    let mut report = Report { dry_run, at: Some(now), ..Report::default() };
    // Children stand after their parents in the map, so that in reverse nothing is left pointing to a deleted row.
    for (t, rule) in in_range(app, now).await? {
        let line = sweep_table(app, actor, t, rule, now, dry_run, steering.as_deref_mut()).await?;
        if line.due > 0 {
            report.lines.push(line);
        }
    }
    if dry_run {
        return Ok(report);
    }
    let mut touched: Vec<&str> =
        report.lines.iter().filter(|l| l.deleted + l.anonymised > 0).map(|l| l.table).collect();
    for t in tables().iter().rev().filter(|t| t.end == RowEnd::Bare) {
        let removed = door::remove_bare(app, t).await?;
        report.bare_removed += removed;
        touched.extend((removed > 0).then_some(t.name));
    }
    report.years_settled = anonymise::settle(app).await?;
    if let Some(rule) = app.rules.get(&DataType::R34) {
        report.ledger_expired = app.ledger.expire(rule, now).await?;
    }
    (report.outbox, report.forgotten) = finish(app, &touched).await?;
    Ok(report)
}

/// The rules and tables with anything in their index range, in the order of the sweep: one statement, so that a night in
/// which nothing is due costs next to nothing. The range is exact: a wider one would read, every night of a year, what goes
/// at its end.
async fn in_range(app: &App, now: DateTime<Utc>) -> Result<Vec<(&'static Table, &Rule)>> {
    let rules = tables().iter().rev().filter(|t| t.start.is_some());
    let rules = rules.flat_map(|t| t.types.iter().filter_map(move |ty| app.rules.get(ty).map(|rule| (t, rule))));
    let rules: Vec<(&'static Table, &Rule)> = rules.collect();
    let (mut looks, mut values) = (Vec::with_capacity(rules.len()), Vec::<Value>::new());
    for (i, (t, rule)) in rules.iter().enumerate() {
        values.push(rule.due_before(now).into());
        let start = t.start.unwrap_or_default();
        let mut of_type = String::new();
        if t.types.len() > 1 {
            of_type = format!("t.data_type = '{}' AND ", rule.data_type.code());
        }
        let n = values.len();
        let look = format!("SELECT {i} WHERE EXISTS (SELECT 1 FROM {} t WHERE {of_type}t.{start} < ${n})", t.name);
        looks.push(look);
    }
    let found = db::rows(app.db.read(), &looks.join(" UNION ALL "), values).await?;
    let mut found: Vec<i32> = found.iter().map(|r| r.try_get_by_index(0)).collect::<Result<_, _>>()?;
    found.sort_unstable();
    Ok(found.into_iter().filter_map(|i| rules.get(usize::try_from(i).ok()?).copied()).collect())
}

/// After a removal from the tables that were `touched`: destroys the keys and blobs that went with it and makes the
/// deletion physical.
///
/// # Errors
/// A database fails.
pub async fn finish(app: &App, touched: &[&str]) -> Result<(outbox::Report, bool)> {
    let outbox = outbox::drain(app).await?;
    let forgotten = app.db.forget(touched).await? & app.keys.db().forget(&[]).await?;
    Ok((outbox, forgotten))
}

/// As [`finish`], after a removal that may have touched any personal table.
///
/// # Errors
/// A database fails.
pub async fn finish_all(app: &App) -> Result<(outbox::Report, bool)> {
    let personal: Vec<&str> = tables().iter().filter(|t| t.is_personal()).map(|t| t.name).collect();
    finish(app, &personal).await
}

async fn sweep_table(
    app: &App,
    actor: &Actor,
    t: &'static Table,
    rule: &Rule,
    now: DateTime<Utc>,
    dry_run: bool,
    mut steering: Option<&mut Steering>,
) -> Result<Line> {
    let mut line = Line {
        data_type: rule.data_type,
        table: t.name,
        due: 0,
        deleted: 0,
        anonymised: 0,
        held: 0,
        restricted: 0,
        open: 0,
    };
    let mut after: Option<(DateTime<Utc>, Uuid)> = None;
    loop {
        let most = match &mut steering {
            None => BATCH,
            Some(steering) => steering.may_take(app, BATCH).await?,
        };
        if most == 0 {
            return Ok(line);
        }
        let page = candidates(app.db.read(), t, rule, now, after, most).await?;
        let Some(last) = page.last().copied() else { return Ok(line) };
        after = Some(last);
        let ids: Vec<Uuid> = page.into_iter().map(|(_, id)| id).collect();
        // A look without a lock first: what a hold or open work keeps, or what is not due yet, is no intent of the ledger
        // night after night. What may go is checked again behind the door.
        let rows = rows::read_ids(app.db.read(), t, &ids).await?;
        let looked: Vec<(Uuid, Verdict)> =
            rows.iter().map(|row| (row.id, door::check(row, rule, Ground::Rule, now))).collect();
        let may_go = |verdict: &Verdict| matches!(verdict, Verdict::Erased | Verdict::Anonymised);
        let (goes, stays): (Vec<_>, Vec<_>) = looked.into_iter().partition(|(_, v)| !dry_run && may_go(v));
        let mut verdicts: Vec<Verdict> = stays.into_iter().map(|(_, verdict)| verdict).collect();
        if !goes.is_empty() {
            let ids: Vec<Uuid> = goes.into_iter().map(|(id, _)| id).collect();
            let done = door::remove(app, actor, t, &ids, Ground::Rule).await?;
            verdicts.extend(done.into_iter().map(|(_, verdict)| verdict));
        }
        if let Some(steering) = &mut steering {
            let gone = verdicts.iter().filter(|v| may_go(v)).count();
            steering.took(verdicts.len(), gone);
        }
        for verdict in verdicts {
            let counter = match verdict {
                Verdict::Erased => &mut line.deleted,
                Verdict::Anonymised => &mut line.anonymised,
                Verdict::Held => &mut line.held,
                Verdict::Restricted => &mut line.restricted,
                Verdict::Deferred => &mut line.open,
                Verdict::Kept { .. } | Verdict::NotDue => continue,
            };
            *counter += 1;
            line.due += 1;
        }
    }
}

/// The next page of the index range (data type, start instant, id).
pub(super) async fn candidates(
    db: &impl ConnectionTrait,
    t: &Table,
    rule: &Rule,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, Uuid)>,
    most: usize,
) -> Result<Vec<(DateTime<Utc>, Uuid)>> {
    let Some(start) = t.start else { return Ok(Vec::new()) };
    let (since, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    let mut values: Vec<Value> = vec![rule.due_before(now).into(), since.into(), id.into()];
    let mut of_type = "";
    if t.types.len() > 1 {
        values.push(rule.data_type.code().into());
        of_type = "t.data_type = $4 AND ";
    }
    let sql = format!(
        "SELECT t.{start}, t.id FROM {} t WHERE {of_type}t.{start} < $1 \
         AND (t.{start} > $2 OR (t.{start} = $2 AND t.id > $3)) ORDER BY t.{start}, t.id LIMIT {most}",
        t.name
    );
    let rows = db::rows(db, &sql, values).await?;
    rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
}
