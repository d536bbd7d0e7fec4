//! One instance runs a job at a time: a lease with a fence number, renewed while the work lasts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::EntryId;
use entity::job_runs::{ActiveModel, Entity, Model, State};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde_json::{Value as Json, json};

use super::{JOBS, Job};
use crate::error::{Error, Result};
use crate::state::App;
use crate::{db, policies};

const LEASE: TimeDelta = TimeDelta::seconds(90);
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How a wish to run a job ended.
#[derive(Debug)]
pub enum Ran {
    /// Another instance is running it.
    Elsewhere,
    /// It ran; its stored run.
    Here(Model),
}

/// Makes the rows of jobs that are new.
///
/// # Errors
/// The database cannot be written.
pub async fn sync(app: &App) -> Result<()> {
    let now = app.clock.now();
    for job in JOBS {
        let sql = "INSERT INTO jobs (name, next_run_at, fence) VALUES ($1, $2, 0) ON CONFLICT (name) DO NOTHING";
        let next = job.next_after(now).unwrap_or(now);
        db::run(app.db.write(), sql, [job.name.into(), next.into()]).await?;
    }
    Ok(())
}

/// Runs every job that is due.
///
/// # Errors
/// The database fails; a failing job is a stored run, not an error.
pub async fn run_due(app: &App) -> Result<()> {
    sync(app).await?;
    for job in JOBS {
        let now = app.clock.now();
        let due = "AND next_run_at <= $2";
        let Some(fence) = acquire(app, job, now, due).await? else { continue };
        if job.follows_policy() && policies::require_current(&app.db, &app.policies).await.is_err() {
            tracing::warn!(job = job.name, "left to an instance that knows the policy in force: start this one again");
            let sql = "UPDATE jobs SET lease_owner = NULL, lease_until = NULL WHERE name = $1 AND fence = $2";
            db::run(app.db.write(), sql, [job.name.into(), fence.into()]).await?;
            continue;
        }
        run_leased(app, job, fence).await?;
    }
    Ok(())
}

/// Runs a job now, due or not. A dry run needs no lease and stores no run.
///
/// # Errors
/// The database fails, or a dry run does.
pub async fn run_now(app: &App, job: &Job) -> Result<Ran> {
    sync(app).await?;
    match acquire(app, job, app.clock.now(), "").await? {
        None => Ok(Ran::Elsewhere),
        Some(fence) => Ok(Ran::Here(run_leased(app, job, fence).await?)),
    }
}

async fn acquire(app: &App, job: &Job, now: DateTime<Utc>, due: &str) -> Result<Option<i64>> {
    let sql = format!(
        "UPDATE jobs SET lease_owner = $1, lease_until = $3, fence = fence + 1 WHERE name = $4 {due} \
         AND (lease_until IS NULL OR lease_until < $2) RETURNING fence"
    );
    let values = [app.instance.into(), now.into(), (now + LEASE).into(), job.name.into()];
    let rows = db::rows(app.db.write(), &sql, values).await?;
    rows.first().map(|r| Ok(r.try_get_by_index(0)?)).transpose()
}

async fn run_leased(app: &App, job: &Job, fence: i64) -> Result<Model> {
    let started = app.clock.now();
    let id = EntryId::new(started);
    // Whoever had the lease before died without a word: its run ends here, so that it can expire (R13).
    let sql =
        "UPDATE job_runs SET state = 'FAILED', finished_at = $1 WHERE job = $2 AND state = 'RUNNING' AND fence < $3";
    db::run(app.db.write(), sql, [started.into(), job.name.into(), fence.into()]).await?;
    let row = ActiveModel {
        id: Set(id),
        job: Set(job.name.to_owned()),
        state: Set(State::Running),
        started_at: Set(started),
        finished_at: Set(None),
        fence: Set(fence),
        report: Set("{}".to_owned()),
    };
    row.insert(app.db.write()).await?;
    let (state, report) = match with_heartbeat(app, job, fence).await {
        Ok(report) => (State::Done, report),
        Err(error) => {
            let cause = match &error {
                Error::Internal(cause) => format!("{cause:#}"),
                other => other.to_string(),
            };
            tracing::error!(job = job.name, cause, "job failed; it is tried again at its next run");
            let code = match &error {
                Error::Refused(refusal) => refusal.code.as_str(),
                other => other.code(),
            };
            (State::Failed, json!({ "error": code }))
        }
    };
    let finished = app.clock.now();
    let done = ActiveModel {
        id: Set(id),
        state: Set(state),
        finished_at: Set(Some(finished)),
        report: Set(report.to_string()),
        ..Default::default()
    };
    done.update(app.db.write()).await?;
    let next = job.next_after(finished).unwrap_or(finished + TimeDelta::days(1));
    let sql = "UPDATE jobs SET lease_owner = NULL, lease_until = NULL, next_run_at = $1 WHERE name = $2 AND fence = $3";
    db::run(app.db.write(), sql, [next.into(), job.name.into(), fence.into()]).await?;
    Entity::find_by_id(id).one(app.db.write()).await?.ok_or(Error::NotFound)
}

/// Works while renewing the lease; a lost lease stops the work at its next await, between two batches' commits.
async fn with_heartbeat(app: &App, job: &Job, fence: i64) -> Result<Json> {
    let beat = async {
        let mut tick = tokio::time::interval(HEARTBEAT);
        tick.tick().await;
        loop {
            tick.tick().await;
            let sql = "UPDATE jobs SET lease_until = $1 WHERE name = $2 AND fence = $3";
            let values = [(app.clock.now() + LEASE).into(), job.name.into(), fence.into()];
            match db::run(app.db.write(), sql, values).await {
                Ok(0) => return Err(anyhow::anyhow!("another instance has taken the lease over").into()),
                Ok(_) => {}
                // A busy database is not a lost lease; the next beat tries again, well before it ends.
                Err(error) => tracing::warn!(job = job.name, %error, "heartbeat failed"),
            }
        }
    };
    tokio::select! {
        done = job.work(app, false) => done,
        lost = beat => lost,
    }
}

/// The latest runs of a job, newest first.
///
/// # Errors
/// The database cannot be read.
pub async fn latest(app: &App, job: Option<&str>, most: u64) -> Result<Vec<Model>> {
    use entity::job_runs::Column;
    use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
    let mut runs = Entity::find().order_by_desc(Column::Id).limit(most);
    if let Some(job) = job {
        runs = runs.filter(Column::Job.eq(job));
    }
    Ok(runs.all(app.db.read()).await?)
}

/// When a job is next due; none before its row was made.
///
/// # Errors
/// The database cannot be read.
pub async fn next_run_at(app: &App, job: &Job) -> Result<Option<DateTime<Utc>>> {
    let row = entity::jobs::Entity::find_by_id(job.name).one(app.db.read()).await?;
    Ok(row.map(|r| r.next_run_at))
}
