//! The nightly sweep: every rule, every table, in index order and small batches, through the one door.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::map::{Table, tables};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use uuid::Uuid;

use super::anonymise;
use super::door::{self, Ground, Seen, Verdict};
use super::pace::Pace;
use super::rows::{self, Row};
use super::run::Steering;
use crate::auth::Actor;
use crate::error::Result;
use crate::policy::retention::Rule;
use crate::state::App;
use crate::{db, outbox};

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

impl Line {
    fn count(&mut self, verdict: &Verdict) {
        let counter = match verdict {
            Verdict::Erased => &mut self.deleted,
            Verdict::Anonymised => &mut self.anonymised,
            Verdict::Held => &mut self.held,
            Verdict::Restricted => &mut self.restricted,
            Verdict::Deferred => &mut self.open,
            Verdict::Kept { .. } | Verdict::NotDue => return,
        };
        *counter += 1;
        self.due += 1;
    }
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
    let (bare_removed, bare_touched) = door::remove_bare(app, None).await?;
    report.bare_removed = bare_removed;
    touched.extend(bare_touched);
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
    app.ledger.sync().await?;
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
    let mut pace = Pace::default();
    let mut page = due_page(app.db.read(), t, rule, now, None, pace.rows()).await?;
    while let Some(last) = page.last().and_then(place) {
        let most = match &mut steering {
            None => page.len(),
            Some(steering) => steering.may_take(app, page.len()).await?,
        };
        if most == 0 {
            break;
        }
        page.truncate(most);
        let taken = page.len();
        // The next page is looked at while this one goes.
        let next = due_page(app.db.read(), t, rule, now, Some(last), pace.rows());
        let (verdicts, gone, next) = if dry_run {
            let verdict = |row: &Row| (row.id, door::check(row, rule, Ground::Rule, now));
            (page.iter().map(verdict).collect(), 0, next.await?)
        } else {
            let going = door::remove_seen(app, actor, vec![Seen { table: t, rows: page }], Ground::Rule);
            let (removed, next) = tokio::join!(going, next);
            let removed = removed?;
            let gone = removed.gone();
            pace.took(gone, removed.kept);
            (removed.verdicts, gone, next?)
        };
        if let Some(steering) = &mut steering {
            steering.took(taken, gone);
        }
        for (_, verdict) in verdicts {
            line.count(&verdict);
        }
        page = next;
    }
    Ok(line)
}

/// Where a row stands in the index.
fn place(row: &Row) -> Option<(DateTime<Utc>, Uuid)> {
    Some((row.start?, row.id))
}

/// The next page of the index range (data type, start instant, id), in its order.
pub(super) async fn due_page(
    db: &impl ConnectionTrait,
    t: &'static Table,
    rule: &Rule,
    now: DateTime<Utc>,
    after: Option<(DateTime<Utc>, Uuid)>,
    most: usize,
) -> Result<Vec<Row>> {
    let Some(start) = t.start else { return Ok(Vec::new()) };
    let (since, id) = after.unwrap_or((DateTime::UNIX_EPOCH, Uuid::nil()));
    let mut values: Vec<Value> = vec![rule.due_before(now).into(), since.into(), id.into()];
    let mut of_type = "";
    if t.types.len() > 1 {
        values.push(rule.data_type.code().into());
        of_type = "t.data_type = $4 AND ";
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    values.push(most.into());
    let condition = format!(
        "{of_type}t.{start} < $1 AND (t.{start}, t.id) > ($2, $3) ORDER BY t.{start}, t.id LIMIT ${}",
        values.len()
    );
    let mut rows = rows::read(db, t, &condition, values).await?;
    rows.sort_unstable_by_key(place);
    Ok(rows)
}
