//! Runs of the sweep and plans of removal: watching, pausing, cancelling, confirming, approving.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::ids::{EntryId, PlanId, RunId};
use entity::{retention_plan_rows, retention_plans, retention_runs};

use super::codes::{PlanRowOutcome, RetentionPlanState, RetentionRunState};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::page::{Page, page, wanted};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::Error;
use crate::retention::plan::{self, Line};
use crate::retention::run::{self, Switch};

/// A run of the nightly removal, or of a plan.
pub struct RetentionRun(retention_runs::Model);

#[Object]
impl RetentionRun {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("RetentionRun", self.0.id.0)
    }

    /// The plan that it carries out; null: the nightly run.
    async fn plan_id(&self) -> Option<ID> {
        self.0.plan_id.map(|id| node::id("RetentionPlan", id.0))
    }

    /// How it stands or ended.
    async fn state(&self) -> RetentionRunState {
        self.0.state.into()
    }

    /// When it began, UTC.
    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// When it ended, UTC; null while it goes on.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// Rows whose period was over when it began.
    async fn due(&self) -> i64 {
        self.0.due
    }

    /// Rows that it has looked at so far.
    async fn done(&self) -> i64 {
        self.0.done
    }

    /// Rows that the run before had foreseen; null: nothing foresaw this run.
    async fn forecast(&self) -> Option<i64> {
        self.0.forecast
    }

    /// Rows beyond that which nothing explains.
    async fn surplus(&self) -> i64 {
        self.0.surplus
    }

    /// When somebody confirmed that the surplus is right, UTC.
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.0.confirmed_at
    }

    /// When somebody asked it to stop, UTC.
    async fn cancelled_at(&self) -> Option<DateTime<Utc>> {
        self.0.cancelled_at
    }
}

/// Counts of a plan.
#[derive(SimpleObject)]
pub struct RetentionPlanLine {
    /// Data type of the deletion concept.
    data_type: &'static str,
    /// Table.
    table: String,
    /// The version of the rule by which the rows are due.
    rule_version: i32,
    /// How many rows.
    rows: i64,
}

/// A row of a plan, as it was when the plan was made. Ids and codes only.
#[derive(SimpleObject)]
pub struct RetentionPlanRow {
    /// Its table.
    table: String,
    /// Its row id.
    row_id: String,
    /// Data type.
    data_type: &'static str,
    /// The version of the rule.
    rule_version: i32,
    /// When its period began, UTC.
    started_at: DateTime<Utc>,
    /// Its version, where the table counts changes.
    version: Option<i64>,
    /// What became of it; null before the plan is carried out.
    outcome: Option<PlanRowOutcome>,
}

/// What a run would take at an instant, row by row.
pub struct RetentionPlan(retention_plans::Model);

#[Object]
impl RetentionPlan {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("RetentionPlan", self.0.id.0)
    }

    /// Where it stands.
    async fn state(&self) -> RetentionPlanState {
        self.0.state.into()
    }

    /// When it was made, UTC; periods are measured against it.
    async fn made_at(&self) -> DateTime<Utc> {
        self.0.made_at
    }

    /// Until when it can be approved, UTC.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.made_at + plan::LASTS
    }

    /// When it was carried out or expired, UTC.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// How many rows it names.
    async fn planned(&self) -> i64 {
        self.0.planned
    }

    /// Counts per data type and table.
    async fn lines(&self) -> ApiResult<Vec<RetentionPlanLine>> {
        let lines: Vec<Line> = serde_json::from_str(&self.0.lines)
            .map_err(|e| Error::Internal(anyhow::anyhow!("a stored plan does not read: {e}")))?;
        let line = |l: Line| RetentionPlanLine {
            data_type: l.data_type.code(),
            table: l.table,
            rule_version: l.rule_version,
            rows: l.rows,
        };
        Ok(lines.into_iter().map(line).collect())
    }

    /// The rows, children before parents; gone a week after the plan was made.
    async fn rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<RetentionPlanRow>> {
        let wanted = wanted(first, after.as_deref())?;
        let after = wanted.after.map(EntryId);
        let rows = plan::rows_of(ctx.app(), ctx.actor(), self.0.id, after, wanted.first).await?;
        Ok(page(wanted, rows, |r| r.id.0, row))
    }
}

fn row(row: retention_plan_rows::Model) -> RetentionPlanRow {
    RetentionPlanRow {
        table: row.table_name,
        row_id: row.row_id.to_string(),
        data_type: row.data_type.code(),
        rule_version: row.rule_version,
        started_at: row.row_start,
        version: row.row_version,
        outcome: row.outcome.map(Into::into),
    }
}

/// Watching removals.
#[derive(Default)]
pub struct RemovalQuery;

#[Object]
impl RemovalQuery {
    /// Runs of the nightly removal and of plans, newest first. For the data-protection officer and administrators.
    async fn retention_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<RetentionRun>> {
        ctx.actor().require(Permission::ReadOperations)?;
        let wanted = wanted(first, after.as_deref())?;
        let rows = run::page(ctx.app(), ctx.actor(), wanted.after.map(RunId), wanted.first).await?;
        Ok(page(wanted, rows, |r| r.id.0, RetentionRun))
    }

    /// Plans of removal, newest first. For the data-protection officer.
    async fn retention_plans(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<RetentionPlan>> {
        ctx.actor().require(Permission::ProtectData)?;
        let wanted = wanted(first, after.as_deref())?;
        let rows = plan::page(ctx.app(), ctx.actor(), wanted.after.map(PlanId), wanted.first).await?;
        Ok(page(wanted, rows, |r| r.id.0, RetentionPlan))
    }

    /// Whether the kill switch is on: no run removes anything. For the data-protection officer and administrators.
    async fn retention_paused(&self, ctx: &Context<'_>) -> ApiResult<bool> {
        ctx.actor().require(Permission::ReadOperations)?;
        Ok(run::is_paused(ctx.app()).await?)
    }
}

/// A request that names nothing.
#[derive(InputObject)]
pub struct RetentionSwitchInput {
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A run or a plan.
#[derive(InputObject)]
pub struct RetentionStepInput {
    /// Which.
    id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The kill switch after the mutation.
#[derive(SimpleObject)]
pub struct RetentionSwitchPayload {
    /// Whether runs are paused; null if it was refused.
    paused: Option<bool>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// The run after the mutation.
#[derive(SimpleObject)]
pub struct RetentionRunPayload {
    /// The run; null if it was refused.
    run: Option<RetentionRun>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// The plan after the mutation.
#[derive(SimpleObject)]
pub struct RetentionPlanPayload {
    /// The plan; null if it was refused.
    plan: Option<RetentionPlan>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

async fn switched(ctx: &Context<'_>, to: Switch, key: &str) -> ApiResult<RetentionSwitchPayload> {
    let done = run::switch(ctx.app(), ctx.actor(), to, key);
    let (done, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
    let paused = match done {
        Some(()) => Some(run::is_paused(ctx.app()).await?),
        None => None,
    };
    Ok(RetentionSwitchPayload { paused, user_errors })
}

/// Steering removals.
#[derive(Default)]
pub struct RemovalMutation;

#[Object]
impl RemovalMutation {
    /// Throws the kill switch: from its next batch on no run removes anything. Erasures that a person asked for go on. For the
    /// data-protection officer.
    async fn retention_pause(
        &self,
        ctx: &Context<'_>,
        input: RetentionSwitchInput,
    ) -> ApiResult<RetentionSwitchPayload> {
        switched(ctx, Switch::Off, &input.idempotency_key).await
    }

    /// Turns the kill switch back: the next run goes on. For the data-protection officer.
    async fn retention_resume(
        &self,
        ctx: &Context<'_>,
        input: RetentionSwitchInput,
    ) -> ApiResult<RetentionSwitchPayload> {
        switched(ctx, Switch::On, &input.idempotency_key).await
    }

    /// Stops a run after the batch that it is at. The next nightly run goes on; of a plan, what is left stays. For the data-protection
    /// officer.
    async fn retention_run_cancel(
        &self,
        ctx: &Context<'_>,
        input: RetentionStepInput,
    ) -> ApiResult<RetentionRunPayload> {
        let done = async {
            let id = RunId(node::input("RetentionRun", &input.id, &["input", "id"])?);
            run::cancel(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RetentionRunPayload { run: row.map(RetentionRun), user_errors })
    }

    /// Confirms that a surplus is right: what is due by now is what the next run is compared with, and more stops it again. Of runs that
    /// a surplus has stopped, the latest is confirmed. For the data-protection officer.
    async fn retention_run_confirm(
        &self,
        ctx: &Context<'_>,
        input: RetentionStepInput,
    ) -> ApiResult<RetentionRunPayload> {
        let done = async {
            let id = RunId(node::input("RetentionRun", &input.id, &["input", "id"])?);
            run::confirm(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RetentionRunPayload { run: row.map(RetentionRun), user_errors })
    }

    /// Plans a removal of everything that may go now, row by row, at most 100,000. Nothing is removed. For the
    /// data-protection officer.
    async fn retention_plan_create(
        &self,
        ctx: &Context<'_>,
        input: RetentionSwitchInput,
    ) -> ApiResult<RetentionPlanPayload> {
        let done = plan::make(ctx.app(), ctx.actor(), &input.idempotency_key);
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RetentionPlanPayload { plan: row.map(RetentionPlan), user_errors })
    }

    /// Approves a plan: within a minute exactly its rows are removed, each checked again; what has changed drops out. For the
    /// data-protection officer.
    async fn retention_plan_approve(
        &self,
        ctx: &Context<'_>,
        input: RetentionStepInput,
    ) -> ApiResult<RetentionPlanPayload> {
        let done = async {
            let id = PlanId(node::input("RetentionPlan", &input.id, &["input", "id"])?);
            plan::approve(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RetentionPlanPayload { plan: row.map(RetentionPlan), user_errors })
    }

    /// Calls a plan off, also one that is approved: what has not been removed yet stays. For the data-protection officer.
    async fn retention_plan_cancel(
        &self,
        ctx: &Context<'_>,
        input: RetentionStepInput,
    ) -> ApiResult<RetentionPlanPayload> {
        let done = async {
            let id = PlanId(node::input("RetentionPlan", &input.id, &["input", "id"])?);
            plan::cancel(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RetentionPlanPayload { plan: row.map(RetentionPlan), user_errors })
    }
}
