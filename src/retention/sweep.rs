//! The nightly sweep: every rule, every table, in index order and small batches, through the one door.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::map::{Table, tables};
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, Value};
use serde::Serialize;
use uuid::Uuid;

use super::anonymise;
use super::door::{self, Announced, Ground, Seen, Verdict};
use super::ledger;
use super::pace::{self, Pace};
use super::rows::{self, Row};
use super::run::Steering;
use super::starts;
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
/// A store fails, or one table: the others are swept first. What has gone by then has gone completely; the next run goes on.
pub async fn run(app: &App, actor: &Actor, dry_run: bool, mut steering: Option<&mut Steering>) -> Result<Report> {
    let now = app.clock.now();
    let mut report = Report { dry_run, at: Some(now), ..Report::default() };
    if !dry_run {
        starts::leave_supply(app).await?;
    }
    // Children stand after their parents in the map, so that in reverse nothing is left pointing to a deleted row.
    let (mut touched, mut failure) = (Vec::<&str>::new(), None);
    for (t, rule) in in_range(app, now).await? {
        let line = if dry_run {
            look_at_table(app, t, rule, now).await
        } else {
            sweep_table(app, actor, t, rule, now, steering.as_deref_mut()).await
        };
        match line {
            Ok(line) if line.due > 0 => report.lines.push(line),
            Ok(_) => {}
            // Whatever is wrong with the rows of one table keeps nobody else's.
            Err(error) => {
                tracing::error!(table = t.name, data_type = rule.data_type.code(), cause = ?error, "a table is not swept");
                touched.push(t.name);
                failure = Some(error);
            }
        }
    }
    if dry_run {
        return failure.map_or(Ok(report), Err);
    }
    touched.extend(report.lines.iter().filter(|l| l.deleted + l.anonymised > 0).map(|l| l.table));
    if steering.is_none_or(|steering| steering.stopped.is_none()) {
        let (bare_removed, bare_touched) = door::remove_bare(app, None).await?;
        report.bare_removed = bare_removed;
        touched.extend(bare_touched);
    }
    report.years_settled = anonymise::settle(app).await?;
    if let Some(rule) = app.rules().get(&DataType::R34) {
        // What is known of the ledger must not be what expires.
        app.ledger.renew(rule, now).await?;
        ledger::known::remember(&app.db, &app.ledger).await?;
        report.ledger_expired = app.ledger.expire(rule, now).await?;
    }
    (report.outbox, report.forgotten) = finish(app, &touched).await?;
    failure.map_or(Ok(report), Err)
}

/// The rules and tables with anything in their index range, in the order of the sweep: one statement, so that a night in
/// which nothing is due costs next to nothing. The range is exact: a wider one would read, every night of a year, what goes
/// at its end.
async fn in_range(app: &App, now: DateTime<Utc>) -> Result<Vec<(&'static Table, &Rule)>> {
    let rules = tables().iter().rev().filter(|t| t.start.is_some());
    let rules = rules.flat_map(|t| t.types.iter().filter_map(move |ty| app.rules().get(ty).map(|rule| (t, rule))));
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
    ledger::known::remember(&app.db, &app.ledger).await?;
    let outbox = outbox::drain(app).await?;
    let keys = outbox.touched().unwrap_or_default();
    let (main, keys) = tokio::join!(app.db.forget(touched), app.keys.db().forget(keys));
    Ok((outbox, main? & keys?))
}

/// As [`finish`], after a removal that may have touched any personal table.
///
/// # Errors
/// A database fails.
pub async fn finish_all(app: &App) -> Result<(outbox::Report, bool)> {
    let personal: Vec<&str> = tables().iter().filter(|t| t.is_personal()).map(|t| t.name).collect();
    finish(app, &personal).await
}

impl Line {
    const fn of(t: &'static Table, rule: &Rule) -> Self {
        Self {
            data_type: rule.data_type,
            table: t.name,
            due: 0,
            deleted: 0,
            anonymised: 0,
            held: 0,
            restricted: 0,
            open: 0,
        }
    }
}

/// What a sweep of the table would do.
async fn look_at_table(app: &App, t: &'static Table, rule: &Rule, now: DateTime<Utc>) -> Result<Line> {
    let (mut line, mut after) = (Line::of(t, rule), None);
    loop {
        let page = due_page(app.db.read(), t, rule, now, after, pace::MOST).await?;
        let Some(last) = page.last().and_then(place) else { return Ok(line) };
        after = Some(last);
        for row in &page {
            line.count(&door::check(row, rule, Ground::Rule, now));
        }
    }
}

/// Batches of a table that go at once. PostgreSQL has a processor for each, where nobody else wants it; persons whom both concern
/// are locked, so that they take turns there. SQLite has one writer, and whoever else waits for it waits for one batch.
fn lanes(app: &App) -> usize {
    if app.db.backend() == DbBackend::Postgres && !app.traffic.is_there() { 2 } else { 1 }
}

/// Sweeps one table. While batches go, the next ones are read, checked and announced to the ledger.
async fn sweep_table(
    app: &App,
    actor: &Actor,
    t: &'static Table,
    rule: &Rule,
    now: DateTime<Utc>,
    mut steering: Option<&mut Steering>,
) -> Result<Line> {
    let (mut line, mut pace) = (Line::of(t, rule), Pace::default());
    let due = Due { app, t, rule, now };
    let mut taken = due.take(None, pace, steering.as_deref_mut()).await?;
    while let Some(last) = taken.batches.last().map(|batch| batch.last) {
        let Taken { batches, then } = taken;
        let going = batches.into_iter().map(|batch| async move {
            let removed = batch.announced.carry_out(app, actor).await;
            (batch.rows, removed)
        });
        let following = async {
            match then {
                Then::More => due.take(Some(last), pace, steering.as_deref_mut()).await,
                Then::Later | Then::End => Ok(Taken { batches: Vec::new(), then }),
            }
        };
        let (gone, following) = tokio::join!(join_all(going), following);
        let (mut failure, mut kept) = (None, Duration::ZERO);
        for (rows, removed) in gone {
            match removed {
                Ok(removed) => {
                    kept += removed.kept;
                    pace.took(removed.gone(), removed.kept);
                    if let Some(steering) = &mut steering {
                        steering.took(rows, removed.gone());
                    }
                    removed.verdicts.iter().for_each(|(_, verdict)| line.count(verdict));
                }
                Err(error) => {
                    if let Some(steering) = &mut steering {
                        steering.took(rows, 0);
                    }
                    failure = Some(error);
                }
            }
        }
        taken = match (failure, following) {
            (None, following) => following?,
            (Some(error), following) => {
                if let Ok(following) = following {
                    if let Some(steering) = &mut steering {
                        following.batches.iter().for_each(|batch| steering.took(batch.rows, 0));
                    }
                    following.withdraw(app).await;
                }
                return Err(error);
            }
        };
        if let (true, Then::Later) = (taken.batches.is_empty(), taken.then) {
            // What stayed may be taken from what follows.
            taken = due.take(Some(last), pace, steering.as_deref_mut()).await?;
        }
        if taken.batches.is_empty() {
            break;
        }
        Pace::rest(&app.traffic, kept).await;
        // What was announced before somebody stopped the run does not go.
        let goes_on = match &mut steering {
            Some(steering) => steering.goes_on(app).await,
            None => Ok(true),
        };
        if !matches!(goes_on, Ok(true)) {
            taken.withdraw(app).await;
            goes_on?;
            break;
        }
    }
    Ok(line)
}

/// What is due of a table by a rule.
struct Due<'a> {
    app: &'a App,
    t: &'static Table,
    rule: &'a Rule,
    now: DateTime<Utc>,
}

/// Batches that are about to go, in the order of the index, and whether others follow.
struct Taken<'a> {
    batches: Vec<Batch<'a>>,
    then: Then,
}

struct Batch<'a> {
    rows: usize,
    last: Place,
    announced: Announced<'a>,
}

#[derive(Clone, Copy)]
enum Then {
    /// Perhaps.
    More,
    /// As many are under way as this run may take: when it is known what became of them.
    Later,
    /// Nothing more, or the run is to stop.
    End,
}

impl<'a> Due<'a> {
    async fn take(
        &self,
        mut after: Option<Place>,
        pace: Pace,
        mut steering: Option<&mut Steering>,
    ) -> Result<Taken<'a>> {
        let lanes = lanes(self.app);
        let mut taken = Taken { batches: Vec::with_capacity(lanes), then: Then::More };
        while let (Then::More, true) = (taken.then, taken.batches.len() < lanes) {
            match self.batch(after, pace, steering.as_deref_mut()).await {
                Ok(Ok(batch)) => {
                    after = Some(batch.last);
                    taken.batches.push(batch);
                }
                Ok(Err(then)) => taken.then = then,
                Err(error) => {
                    taken.withdraw(self.app).await;
                    return Err(error);
                }
            }
        }
        Ok(taken)
    }

    async fn batch(
        &self,
        after: Option<Place>,
        pace: Pace,
        steering: Option<&mut Steering>,
    ) -> Result<Result<Batch<'a>, Then>> {
        let Self { app, t, rule, now } = *self;
        let mut rows = due_page(app.db.read(), t, rule, now, after, pace.rows(&app.traffic)).await?;
        if let Some(steering) = steering.filter(|_| !rows.is_empty()) {
            rows.truncate(steering.may_take(app, rows.len()).await?);
            if rows.is_empty() && steering.stopped.is_none() {
                return Ok(Err(Then::Later));
            }
        }
        let (Some(last), count) = (rows.last().and_then(place), rows.len()) else { return Ok(Err(Then::End)) };
        let announced = door::announce(app, vec![Seen { table: t, rows }], Ground::Rule).await?;
        Ok(Ok(Batch { rows: count, last, announced }))
    }
}

impl Taken<'_> {
    /// Where it fails, why the sweep failed is what is told, and the intents stay open.
    async fn withdraw(self, app: &App) {
        for batch in self.batches {
            let _ = batch.announced.withdraw(app).await;
        }
    }
}

/// Where a row stands in the index.
type Place = (DateTime<Utc>, Uuid);

fn place(row: &Row) -> Option<Place> {
    Some((row.start?, row.id))
}

/// The next page of the index range (data type, start instant, id), in its order.
pub(super) async fn due_page(
    db: &impl ConnectionTrait,
    t: &'static Table,
    rule: &Rule,
    now: DateTime<Utc>,
    after: Option<Place>,
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
    let mut rows = rows::read(db, t, rows::Marks::ALL, &condition, values).await?;
    rows.sort_unstable_by_key(place);
    Ok(rows)
}
