//! Who you are, jobs and their runs, retention rules, staff accounts.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::StaffId;

use super::codes::{ActorKind, JobRunState, RetentionAction, StaffRole};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::{Actor, Permission};
use crate::error::Error;
use crate::jobs::{JOBS, lease};
use crate::retention::rules;
use crate::staff;
use crate::state::App;

/// Who is calling.
#[derive(SimpleObject)]
pub struct Viewer {
    /// What kind of actor you are.
    kind: ActorKind,
    /// Your role, if you are staff.
    role: Option<StaffRole>,
    /// Your customer id, if you are a customer.
    customer_id: Option<ID>,
}

/// A job.
#[derive(SimpleObject)]
pub struct Job {
    /// Its name.
    name: &'static str,
    /// What it does.
    about: &'static str,
    /// When it runs: a cron expression in Europe/Berlin.
    cron: &'static str,
    /// When it is next due, UTC; null before the first start of the server.
    next_run_at: Option<DateTime<Utc>>,
    /// Its latest runs, newest first, at most ten.
    runs: Vec<JobRun>,
}

/// A run of a job.
#[derive(SimpleObject)]
pub struct JobRun {
    /// How it ended.
    state: JobRunState,
    /// When it began, UTC.
    started_at: DateTime<Utc>,
    /// When it ended, UTC.
    finished_at: Option<DateTime<Utc>>,
    /// Its report as JSON: counts, ids and codes only.
    report: String,
}

/// A retention rule in force.
#[derive(SimpleObject)]
pub struct RetentionRule {
    /// Data type of the deletion concept, such as `R03`.
    data_type: &'static str,
    /// Version, from 1.
    version: i32,
    /// What starts the period.
    start_event: String,
    /// Length of the period.
    period_count: i32,
    /// Its unit: `DAY`, `MONTH` or `YEAR`.
    period_unit: &'static str,
    /// Whether it runs from the end of the calendar year of the start event.
    year_end: bool,
    /// What happens at the end.
    action: RetentionAction,
    /// The norm that sets the period.
    norm: String,
    /// What the data is for.
    purpose: String,
    /// Legal basis, GDPR Art. 6(1).
    legal_basis: String,
    /// When this version took effect, UTC.
    valid_from: DateTime<Utc>,
}

/// A staff account.
#[derive(SimpleObject)]
pub struct StaffMember {
    /// The opaque id.
    id: ID,
    /// The role.
    role: StaffRole,
    /// When the account was made, UTC.
    created_at: DateTime<Utc>,
    /// When it was closed, UTC.
    left_at: Option<DateTime<Utc>>,
    /// Why it is still here, and until when.
    retention: Option<Retention>,
}

fn member(app: &App, row: &entity::staff::Model) -> StaffMember {
    StaffMember {
        retention: retention(app, ("staff", row.id.0), DataType::R31, row.start_at),
        id: node::id("StaffMember", row.id.0),
        role: row.role.into(),
        created_at: row.created_at,
        left_at: row.left_at,
    }
}

/// Looking at the service itself.
#[derive(Default)]
pub struct OperationsQuery;

#[Object]
impl OperationsQuery {
    /// Who you are, as your token says.
    async fn viewer(&self, ctx: &Context<'_>) -> Viewer {
        let actor = ctx.actor();
        let role = if let Actor::Staff(_, role) = actor { Some((*role).into()) } else { None };
        let customer_id = actor.customer().map(|id| node::id("Customer", id.0));
        Viewer { kind: actor.kind().into(), role, customer_id }
    }

    /// The jobs and their latest runs. For administrators and the data-protection officer.
    async fn jobs(&self, ctx: &Context<'_>) -> ApiResult<Vec<Job>> {
        ctx.actor().require(Permission::ReadOperations)?;
        let mut jobs = Vec::with_capacity(JOBS.len());
        for job in JOBS {
            let run = |r: entity::job_runs::Model| JobRun {
                state: r.state.into(),
                started_at: r.started_at,
                finished_at: r.finished_at,
                report: r.report,
            };
            let runs = lease::latest(ctx.app(), Some(job.name), 10).await?;
            let next_run_at = lease::next_run_at(ctx.app(), job).await?;
            jobs.push(Job {
                name: job.name,
                about: job.about,
                cron: job.cron,
                next_run_at,
                runs: runs.into_iter().map(run).collect(),
            });
        }
        Ok(jobs)
    }

    /// The retention rules in force. For administrators and the data-protection officer.
    async fn retention_rules(&self, ctx: &Context<'_>) -> ApiResult<Vec<RetentionRule>> {
        ctx.actor().require(Permission::ReadOperations)?;
        let mut rows = rules::at(ctx.app().db.read(), ctx.app().clock.now()).await.map_err(Error::from)?;
        rows.sort_by_key(|r| r.data_type);
        let rule = |r: entity::retention_rules::Model| RetentionRule {
            data_type: r.data_type.code(),
            version: r.version,
            start_event: r.start_event,
            period_count: r.period_count,
            period_unit: r.period_unit.code(),
            year_end: r.year_end,
            action: r.action.into(),
            norm: r.norm,
            purpose: r.purpose,
            legal_basis: r.basis,
            valid_from: r.valid_from,
        };
        Ok(rows.into_iter().map(rule).collect())
    }

    /// The open staff accounts, by id only. For administrators.
    async fn staff_members(&self, ctx: &Context<'_>) -> ApiResult<Vec<StaffMember>> {
        Ok(staff::list(ctx.app(), ctx.actor()).await?.iter().map(|row| member(ctx.app(), row)).collect())
    }
}

/// Somebody who leaves.
#[derive(InputObject)]
pub struct StaffMemberLeaveInput {
    /// The account.
    id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The account after the mutation.
#[derive(SimpleObject)]
pub struct StaffMemberPayload {
    /// The account; null if it was refused.
    staff_member: Option<StaffMember>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Changing the service itself.
#[derive(Default)]
pub struct OperationsMutation;

#[Object]
impl OperationsMutation {
    /// Closes a staff account: its tokens are refused at once, name and e-mail are gone. For administrators.
    async fn staff_member_leave(
        &self,
        ctx: &Context<'_>,
        input: StaffMemberLeaveInput,
    ) -> ApiResult<StaffMemberPayload> {
        let done = async {
            let id = StaffId(node::input("StaffMember", &input.id, &["input", "id"])?);
            staff::leave(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ManageStaff, done).await)?;
        Ok(StaffMemberPayload { staff_member: row.map(|row| member(ctx.app(), &row)), user_errors })
    }
}
