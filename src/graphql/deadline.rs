//! Deadlines that explain themselves, and the timers and tasks that hang on them.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::ids::{CaseId, TaskId};

use super::codes::{TaskKind, TimerState};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{Retention, retention};
use super::service_case::{ServiceCase, ServiceCasePayload, payload};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::cases::{self, Extension, timers};
use crate::error::{Error, Language};
use crate::policy::deadline;
use crate::policy::step;

/// When a period ends, and why.
#[derive(SimpleObject)]
pub struct Deadline {
    /// The rule, such as `withdrawal` or `review`.
    rule: String,
    /// What started it, UTC.
    start: DateTime<Utc>,
    /// The first day of a range of days, in Europe/Berlin; null where there is only a last one.
    earliest: Option<NaiveDate>,
    /// The last day, in Europe/Berlin.
    ends_on: NaiveDate,
    /// The first instant after the period, UTC.
    ends_at: DateTime<Utc>,
    /// How it was reckoned, step by step.
    steps: Vec<DeadlineStep>,
    /// The norm, or the promise of the shop.
    source: &'static str,
}

/// A step from the event to the end of a period.
#[derive(SimpleObject)]
pub struct DeadlineStep {
    /// What it does: `ANCHOR`, `FIRST_DAY`, `YEAR_END`, `PERIOD`, `WORKING_DAY`, `EARLIEST`, `SKIPPED_DAY`, `PAUSED_DAY`,
    /// `PAUSE`, `NOT_BEFORE`, `NOT_AFTER`, `NO_EFFECT`, `ANNOUNCED`, `ROLLED`, `HOURS`, `SERVICE_MINUTES`,
    /// `SERVICE_TIME`, `CLOSED_DAY` or `END`.
    code: &'static str,
    /// The day that it leads to or speaks of, in Europe/Berlin.
    date: NaiveDate,
    /// What it does, in the language of `Accept-Language`.
    what: String,
    /// The norm or setting.
    why: String,
}

impl Deadline {
    /// A deadline in a language.
    #[must_use]
    pub fn of(deadline: deadline::Deadline, language: Language) -> Self {
        let step = |s: &step::Step| DeadlineStep {
            code: s.code(),
            date: s.date,
            what: s.what(language),
            why: s.why.clone().into_owned(),
        };
        Self {
            rule: deadline.rule.to_string(),
            start: deadline.start,
            earliest: deadline.earliest,
            ends_on: deadline.ends_on,
            ends_at: deadline.ends_at,
            steps: deadline.steps.iter().map(step).collect(),
            source: deadline.source,
        }
    }
}

/// A promise with a time: whether it is kept.
pub struct Timer(pub entity::timers::Model);

#[Object]
impl Timer {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Timer", self.0.id.0)
    }

    /// The rule, such as `review`, `first-response` or `refund-credit`.
    async fn rule(&self) -> &str {
        &self.0.rule
    }

    /// Where it stands.
    async fn state(&self) -> TimerState {
        self.0.state.into()
    }

    /// When it ends, and why. While it is paused, as if the pause ended now.
    async fn deadline(&self, ctx: &Context<'_>) -> ApiResult<Deadline> {
        let app = ctx.app();
        Ok(Deadline::of(timers::deadline(app, &self.0, app.clock.now())?, ctx.session().language))
    }

    /// Whether the end was announced to the customer instead of following from the rule.
    async fn announced(&self) -> bool {
        self.0.announced
    }

    /// Interruptions, in order.
    async fn pauses(&self, ctx: &Context<'_>) -> Vec<TimerPause> {
        let language = ctx.session().language;
        let pause = |i: timers::Interruption| TimerPause {
            from: i.from,
            to: i.to,
            reason: i.reason.into(),
            reason_label: i.reason.words().said(language),
        };
        timers::interruptions(&self.0).into_iter().map(pause).collect()
    }

    /// When it was met or superseded, UTC.
    async fn settled_at(&self) -> Option<DateTime<Utc>> {
        self.0.settled_at
    }

    /// When its breach was marked, UTC.
    async fn breached_at(&self) -> Option<DateTime<Utc>> {
        self.0.breached_at
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("timers", self.0.id.0), DataType::R26, self.0.start_at)
    }
}

/// Why a timer waits.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "timers::PauseReason")]
pub enum TimerPauseReason {
    /// The customer was asked for something; the answer lets it go on.
    WaitingForCustomer,
    /// A carrier, a bank or a manufacturer was.
    WaitingForThirdParty,
}

/// An interruption of a timer.
#[derive(SimpleObject)]
pub struct TimerPause {
    /// From, UTC.
    from: DateTime<Utc>,
    /// To, UTC; null: it lasts.
    to: Option<DateTime<Utc>>,
    /// Why.
    reason: TimerPauseReason,
    /// Why, in words, in the language of `Accept-Language`.
    reason_label: &'static str,
}

/// Something that staff has to look at.
pub struct Task(entity::tasks::Model);

#[Object]
impl Task {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Task", self.0.id.0)
    }

    /// What is to be done.
    async fn kind(&self) -> TaskKind {
        self.0.kind.into()
    }

    /// The case.
    async fn service_case(&self, ctx: &Context<'_>) -> ApiResult<Option<ServiceCase>> {
        let found = ctx.session().loaders.load_one(self.0.case_id).await.map_err(Error::from)?;
        Ok(found.map(ServiceCase::listed))
    }

    /// When it was filed, UTC.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was done, UTC.
    async fn done_at(&self) -> Option<DateTime<Utc>> {
        self.0.done_at
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("tasks", self.0.id.0), DataType::R26, self.0.start_at)
    }
}

/// Finding tasks.
#[derive(Default)]
pub struct TaskQuery;

#[Object]
impl TaskQuery {
    /// The open tasks, oldest first. For agents and finance.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<Task>> {
        ctx.actor().require(Permission::ReadTasks)?;
        let wanted = wanted(first, after.as_deref())?;
        let rows = cases::tasks::page(ctx.app(), ctx.actor(), wanted.after.map(TaskId), wanted.first).await?;
        Ok(page(wanted, rows, |t| t.id.0, Task))
    }
}

/// A later end, announced to the customer.
#[derive(InputObject)]
pub struct ServiceCaseExtendInput {
    /// The case.
    case_id: ID,
    /// The expected last day, in Europe/Berlin: later than what was promised, at most 60 days ahead.
    until: NaiveDate,
    /// The situation, in words for the customer; at most 10,000 characters.
    situation: String,
    /// The version that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A pause of what runs on a case.
#[derive(InputObject)]
pub struct ServiceCasePauseInput {
    /// The case.
    case_id: ID,
    /// Why.
    reason: TimerPauseReason,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The end of a pause.
#[derive(InputObject)]
pub struct ServiceCaseResumeInput {
    /// The case.
    case_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A task that was done.
#[derive(InputObject)]
pub struct TaskCompleteInput {
    /// The task.
    task_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The task after the mutation.
#[derive(SimpleObject)]
pub struct TaskPayload {
    /// The task; null if it was refused.
    task: Option<Task>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Changing timers and tasks.
#[derive(Default)]
pub struct TimerMutation;

#[Object]
impl TimerMutation {
    /// Announces a later end of the review: the customer is written to in advance, with the situation and the day.
    async fn service_case_extend(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseExtendInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let extension =
                Extension { until: input.until, situation: input.situation, expected_version: input.expected_version };
            cases::extend(ctx.app(), ctx.actor(), id, extension, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Pauses what runs on a case, because the shop waits for somebody else. An answer of the customer lets it go on.
    async fn service_case_pause(
        &self,
        ctx: &Context<'_>,
        input: ServiceCasePauseInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            cases::wait::pause(ctx.app(), ctx.actor(), id, input.reason.into(), &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Lets what was paused on a case go on.
    async fn service_case_resume(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseResumeInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            cases::wait::resume(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Marks a task as done. For agents and finance.
    async fn task_complete(&self, ctx: &Context<'_>, input: TaskCompleteInput) -> ApiResult<TaskPayload> {
        let done = async {
            let id = TaskId(node::input("Task", &input.task_id, &["input", "taskId"])?);
            cases::tasks::complete(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ReadTasks, done).await)?;
        Ok(TaskPayload { task: row.map(Task), user_errors })
    }
}
