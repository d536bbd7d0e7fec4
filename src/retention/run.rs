//! A run of the sweep: stored while it goes on, so that it can be watched, cancelled and gone on with.
//!
//! It needs nobody: it stops before it takes anything only where more is due than was foreseen and nothing explains it,
//! where somebody has thrown the kill switch, and after as many rows as a night may take.

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use entity::ids::{PlanId, RunId};
use entity::retention_control::Entity as Control;
use entity::retention_runs::{ActiveModel, Column, Entity, Model, State};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde_json::json;

use super::forecast::{self, Forecast};
use super::{ledger, sweep};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, db};

/// How often a run looks whether it should stop and says how far it is: every batch would be a commit more per batch.
const LOOKS_UP: TimeDelta = TimeDelta::milliseconds(250);

/// Why a sweep should not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As many rows as a run may take.
    Capped,
    /// The kill switch.
    Paused,
    /// Somebody cancelled this run.
    Cancelled,
}

/// What a sweep asks before each batch. What is taken counts against the cap at once, and what stayed is given back.
#[derive(Debug)]
pub struct Steering {
    run: RunId,
    done: u64,
    left: u64,
    /// Taken, and not told yet what became of them.
    under_way: u64,
    looked: Option<DateTime<Utc>>,
    /// Why it was stopped.
    pub stopped: Option<Stop>,
}

impl Steering {
    /// For a run that takes at most so many rows.
    #[must_use]
    pub const fn new(run: RunId, most: u64) -> Self {
        Self { run, done: 0, left: most, under_way: 0, looked: None, stopped: None }
    }

    /// How many of the next `rows` are taken; none: stop here, or wait for what is under way where nothing was stopped.
    ///
    /// # Errors
    /// The database fails.
    pub async fn may_take(&mut self, app: &App, rows: usize) -> Result<usize> {
        if self.stopped.is_none() && self.left == 0 && self.under_way == 0 {
            self.stopped = Some(Stop::Capped);
        }
        if !self.goes_on(app).await? {
            return Ok(0);
        }
        let taken = rows.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= taken as u64;
        self.under_way += taken as u64;
        Ok(taken)
    }

    /// Whether nothing stops the run.
    ///
    /// # Errors
    /// The database fails.
    pub async fn goes_on(&mut self, app: &App) -> Result<bool> {
        let now = app.clock.now();
        if self.looked.is_none_or(|at| (now - at).abs() >= LOOKS_UP) {
            self.look_up(app).await?;
            self.looked = Some(now);
        }
        Ok(self.stopped.is_none())
    }

    /// So many of those that were taken went.
    pub fn took(&mut self, taken: usize, gone: usize) {
        self.done += taken as u64;
        self.under_way = self.under_way.saturating_sub(taken as u64);
        self.left = self.left.saturating_add(taken.saturating_sub(gone) as u64);
    }

    /// The run has come to its end, or to where it was stopped.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn end(self, app: &App, run: Model, report: sweep::Report) -> Result<Ran> {
        let state = match self.stopped {
            None => State::Done,
            Some(Stop::Capped) => State::Capped,
            Some(Stop::Paused) => State::Paused,
            Some(Stop::Cancelled) => State::Cancelled,
        };
        self.note_done(app).await?;
        ended(app, run, state, report).await
    }

    /// A store has failed.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn fail(self, app: &App, run: Model) -> Result<Ran> {
        self.note_done(app).await?;
        ended(app, run, State::Failed, sweep::Report::default()).await
    }

    async fn note_done(&self, app: &App) -> Result<()> {
        let done = i64::try_from(self.done).unwrap_or(i64::MAX);
        let sql = "UPDATE retention_runs SET done = $1 WHERE id = $2";
        db::run(app.db.write(), sql, [done.into(), self.run.0.into()]).await?;
        Ok(())
    }

    async fn look_up(&mut self, app: &App) -> Result<()> {
        let sql = "UPDATE retention_runs SET done = $1 WHERE id = $2 RETURNING cancelled_at IS NOT NULL";
        let done = i64::try_from(self.done).unwrap_or(i64::MAX);
        let rows = db::rows(app.db.write(), sql, [done.into(), self.run.0.into()]).await?;
        if rows.first().map(|r| r.try_get_by_index::<bool>(0)).transpose()?.unwrap_or(true) {
            self.stopped = Some(Stop::Cancelled);
        } else if is_paused(app).await? {
            self.stopped = Some(Stop::Paused);
        }
        Ok(())
    }
}

/// Whether the kill switch is on.
///
/// # Errors
/// The database cannot be read.
pub async fn is_paused(app: &App) -> Result<bool> {
    Ok(Control::find_by_id(1).one(app.db.read()).await?.is_some_and(|c| c.paused_at.is_some()))
}

/// How a run ended, with what it did.
#[derive(Debug)]
pub struct Ran {
    /// The stored run.
    pub run: Model,
    /// What went.
    pub report: sweep::Report,
}

/// The nightly run.
///
/// # Errors
/// A store fails: the run is stored as failed, what has gone by then has gone completely, the next run goes on.
pub async fn nightly(app: &App, actor: &Actor) -> Result<Ran> {
    let judgement = forecast::judge(app).await?;
    let run = begin(app, app.db.write(), actor, None, judgement).await?;
    let tolerated = i64::from(app.config.retention.surplus_tolerance);
    if is_paused(app).await? {
        return ended(app, run, State::Paused, sweep::Report::default()).await;
    }
    if judgement.surplus > tolerated {
        tracing::error!(
            surplus = judgement.surplus,
            due = judgement.due,
            "more is due than was foreseen, and nothing explains it, or no run has looked for too long: nothing was removed. Look at `aftersales privacy \
             due`, then confirm the run (retentionRunConfirm, or `aftersales jobs run retention --confirm-surplus`)"
        );
        return ended(app, run, State::Surplus, sweep::Report::default()).await;
    }
    let cap = app.config.retention.daily_cap;
    let left = if cap == 0 { u64::MAX } else { u64::from(cap) };
    let mut steering = Steering::new(run.id, left);
    let swept = async {
        // What a broken ledger is told of, no restore could use. All of it is read once a month: it grows for ten years.
        ledger::known::require(&app.db, &app.ledger).await?;
        if calendar::day_of(app.clock.now()).day() == 1 {
            app.ledger.head().await?;
        }
        sweep::run(app, actor, false, Some(&mut steering)).await
    };
    match swept.await {
        Ok(report) => {
            forecast::foresee(app).await?.store(app.db.write()).await?;
            steering.end(app, run, report).await
        }
        Err(error) => {
            // What was due without a surplus was judged: the next run is compared as after any other.
            forecast::foresee(app).await?.store(app.db.write()).await?;
            steering.fail(app, run).await?;
            Err(error)
        }
    }
}

/// Stores that a run begins. One that was left running by a process that died has failed.
pub(super) async fn begin(
    app: &App,
    db: &impl ConnectionTrait,
    actor: &Actor,
    plan: Option<PlanId>,
    judgement: forecast::Judgement,
) -> Result<Model> {
    let now = app.clock.now();
    let sql = "UPDATE retention_runs SET state = 'FAILED', finished_at = $1 WHERE state = 'RUNNING' AND \
               (plan_id IS NULL) = $2";
    db::run(db, sql, [now.into(), plan.is_none().into()]).await?;
    let row = ActiveModel {
        id: Set(RunId::new(now)),
        plan_id: Set(plan),
        state: Set(State::Running),
        started_at: Set(now),
        started_by: Set(actor.staff()),
        finished_at: Set(None),
        due: Set(judgement.due),
        done: Set(0),
        forecast: Set(judgement.foreseen),
        surplus: Set(judgement.surplus),
        confirmed_at: Set(None),
        confirmed_by: Set(None),
        cancelled_at: Set(None),
        cancelled_by: Set(None),
    };
    Ok(row.insert(db).await?)
}

async fn ended(app: &App, run: Model, state: State, report: sweep::Report) -> Result<Ran> {
    let row = ActiveModel {
        id: Set(run.id),
        state: Set(state),
        finished_at: Set(Some(app.clock.now())),
        ..Default::default()
    };
    row.update(app.db.write()).await?;
    let run = Entity::find_by_id(run.id).one(app.db.write()).await?.ok_or(Error::NotFound)?;
    Ok(Ran { run, report })
}

/// What tells where the nightly runs stand: the kill switch says nothing about a surplus. One that has failed had begun.
const JUDGED: [State; 5] = [State::Surplus, State::Done, State::Capped, State::Cancelled, State::Failed];

/// The latest nightly run, where a surplus stopped it and nobody has confirmed that: nothing is removed until somebody does, or until
/// the surplus has gone.
///
/// # Errors
/// The database cannot be read.
pub async fn stopped(app: &App) -> Result<Option<Model>> {
    let latest = latest_judged(app.db.read(), app.clock.now()).await?;
    Ok(latest.filter(|run| run.state == State::Surplus && run.confirmed_at.is_none()))
}

/// A run that began in the future, by a clock that was wrong, says nothing of now.
async fn latest_judged(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<Option<Model>> {
    let judged = Entity::find().filter(Column::PlanId.is_null()).filter(Column::State.is_in(JUDGED));
    let judged = judged.filter(Column::StartedAt.lte(now));
    Ok(judged.order_by_desc(Column::Id).one(db).await?)
}

/// Confirms the surplus that stands in the way, if there is one: from the command line.
///
/// # Errors
/// As [`confirm`].
pub async fn confirm_latest(app: &App, actor: &Actor, key: &str) -> Result<bool> {
    match stopped(app).await? {
        Some(run) => confirm(app, actor, run.id, key).await.map(|_| true),
        None => Ok(false),
    }
}

/// The run that goes on at this moment, if one does.
///
/// # Errors
/// The database cannot be read.
pub async fn current(app: &App) -> Result<Option<Model>> {
    let running = Entity::find().filter(Column::State.eq(State::Running)).order_by_desc(Column::Id);
    Ok(running.one(app.db.read()).await?)
}

/// Runs, newest first, one more than asked for.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn page(app: &App, actor: &Actor, before: Option<RunId>, most: u64) -> Result<Vec<Model>> {
    actor.require(Permission::ReadOperations)?;
    let mut rows = Entity::find().order_by_desc(Column::Id).limit(most + 1);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    Ok(rows.all(app.db.read()).await?)
}

/// Whether the sweep may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Runs remove what is due.
    On,
    /// No run removes anything until it is on again; erasures that a person asked for are not runs.
    Off,
}

/// Throws the kill switch, or turns it back.
///
/// # Errors
/// `FORBIDDEN`; the database fails.
pub async fn switch(app: &App, actor: &Actor, to: Switch, key: &str) -> Result<()> {
    actor.require(Permission::ProtectData)?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let (name, action, at, by) = match to {
        Switch::Off => ("retentionPause", "retention.pause", Some(now), actor.staff()),
        Switch::On => ("retentionResume", "retention.resume", None, None),
    };
    let claim = match idempotency::claim(app, &tx, actor, name, key, &()).await? {
        Outcome::Replay(_) => return Ok(()),
        Outcome::First(claim) => claim,
    };
    let sql = "UPDATE retention_control SET paused_at = $1, paused_by = $2 WHERE id = 1";
    db::run(&tx, sql, [at.into(), by.map(|s| s.0).into()]).await?;
    claim.done(&tx, now, &[], None).await?;
    audit::record(&tx, now, actor, action, ("retention_control", None), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Asks a run to stop after the batch that it is at.
///
/// # Errors
/// Refused: unknown, or not running.
pub async fn cancel(app: &App, actor: &Actor, id: RunId, key: &str) -> Result<Model> {
    change(app, actor, id, key, Change::Cancel).await
}

/// Confirms that a surplus is right: what is due by now is what the next run is compared with. More than that stops it again.
///
/// # Errors
/// Refused: unknown, not stopped by a surplus, or not the latest.
pub async fn confirm(app: &App, actor: &Actor, id: RunId, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    change(app, actor, id, key, Change::Confirm(forecast::foresee(app).await?)).await
}

enum Change {
    Cancel,
    Confirm(Forecast),
}

async fn change(app: &App, actor: &Actor, id: RunId, key: &str, change: Change) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let (name, action, wanted) = match change {
        Change::Cancel => ("retentionRunCancel", "retention.cancel", State::Running),
        Change::Confirm(_) => ("retentionRunConfirm", "retention.confirm", State::Surplus),
    };
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let find = || Entity::find_by_id(id).one(&tx);
    let claim = match idempotency::claim(app, &tx, actor, name, key, &id).await? {
        Outcome::Replay(_) => return find().await?.ok_or(Error::NotFound),
        Outcome::First(claim) => claim,
    };
    // As whoever calls the plan off: the plan first.
    let plan = find().await?.and_then(|run| run.plan_id);
    if let Some(plan) = plan {
        db::lock(&tx, "retention_plans", plan.0).await?;
    }
    db::lock(&tx, "retention_runs", id.0).await?;
    let run = find().await?.ok_or_else(|| Refusal::at(Code::NotFound, &["input", "id"]))?;
    let refused = || Refusal::at(Code::TransitionNotAllowed, &["input", "id"]);
    if run.state != wanted {
        return Err(refused().with("state", run.state.code()).with("possibleIn", wanted.code()).into());
    }
    let mut row: ActiveModel = run.into();
    match change {
        Change::Cancel => {
            // Whatever becomes of this run, nobody takes up what is left of the plan.
            if let Some(plan) = plan {
                let sql = "UPDATE retention_plans SET state = 'CANCELLED', finished_at = $1 WHERE id = $2 AND state = 'APPROVED'";
                db::run(&tx, sql, [now.into(), plan.0.into()]).await?;
            }
            (row.cancelled_at, row.cancelled_by) = (Set(Some(now)), Set(actor.staff()));
        }
        Change::Confirm(forecast) => {
            if latest_judged(&tx, now).await?.is_some_and(|latest| latest.id != id) {
                return Err(refused().with("expected", "the latest run").into());
            }
            forecast.store(&tx).await?;
            (row.confirmed_at, row.confirmed_by) = (Set(Some(now)), Set(actor.staff()));
        }
    }
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    audit::record(&tx, now, actor, action, ("retention_runs", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}
