//! Refunds.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CaseId, RefundId};
use entity::refunds::{Model, State};

use super::codes::RefundState;
use super::deadline::Deadline;
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::loaders::TimersOf;
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{AvailableAction, Retention, retention};
use super::scalars::{Money, MoneyInput};
use super::service_case::ServiceCase;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::cases::timers;
use crate::error::{Error, Result};
use crate::keys::Place;
use crate::refunds::{self, Grant, Step, progress::Progress};

/// A refund. Granting is not paying: the state says how far the money has come.
pub struct Refund(pub Model);

#[Object]
impl Refund {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("Refund", self.0.id.0)
    }

    /// Where it stands.
    async fn state(&self) -> RefundState {
        self.0.state.into()
    }

    /// The state in words, in the language of `Accept-Language`.
    async fn state_label(&self, ctx: &Context<'_>) -> &'static str {
        RefundState::from(self.0.state).label(ctx.session().language)
    }

    /// The amount.
    async fn amount(&self) -> Money {
        Money::new(self.0.amount_minor, self.0.currency.clone())
    }

    /// The provider's reference or ARN, by which a bank finds the payment.
    async fn reference(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "refunds", column: "reference", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.reference.as_ref()).await?)
    }

    /// When it was granted, UTC.
    async fn granted_at(&self) -> DateTime<Utc> {
        self.0.granted_at
    }

    /// When it was handed to the payment provider, UTC.
    async fn submitted_at(&self) -> Option<DateTime<Utc>> {
        self.0.submitted_at
    }

    /// When it was credited, UTC.
    async fn credited_at(&self) -> Option<DateTime<Utc>> {
        self.0.credited_at
    }

    /// When the bank is expected to credit it, first and last day: the bank's estimate, not the shop's duty. Null before
    /// it was handed over.
    async fn credit_expected(&self, ctx: &Context<'_>) -> ApiResult<Option<Deadline>> {
        let found = ctx.session().loaders.load_one(TimersOf(self.0.case_id)).await.map_err(Error::from)?;
        let timers = found.unwrap_or_default();
        let Some(timer) = timers.iter().find(|t| t.refund_id == Some(self.0.id)) else { return Ok(None) };
        let app = ctx.app();
        let deadline = timers::deadline(app, timer, app.clock.now())?;
        Ok(Some(Deadline::of(deadline, ctx.session().language)))
    }

    /// Counts the steps; send it back as `expectedVersion`.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The case; null once its header has been erased: the voucher outlives it.
    async fn service_case(&self, ctx: &Context<'_>) -> ApiResult<Option<ServiceCase>> {
        let found = ctx.session().loaders.load_one(self.0.case_id).await.map_err(Error::from)?;
        Ok(found.map(ServiceCase::listed))
    }

    /// The mutations that could be called on it, and why one could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<AvailableAction> {
        let lacks = !ctx.actor().may(Permission::MoveRefund);
        let action = |mutation, step: Step| {
            let blocked = !step.transition().0.contains(&self.0.state);
            AvailableAction::unless(mutation, &[(lacks, "ROLE"), (blocked, "STATE")])
        };
        vec![
            action("refundSubmit", Step::Submit),
            action("refundCredit", Step::Credit),
            action("refundFail", Step::Fail),
        ]
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), DataType::R01, self.0.start_at)
    }
}

/// Finding refunds.
#[derive(Default)]
pub struct RefundQuery;

#[Object]
impl RefundQuery {
    /// A refund; null with `NOT_FOUND` if it does not exist or is not visible to you.
    async fn refund(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<Refund>> {
        let found = async {
            ctx.actor().require(Permission::ReadCases)?;
            let id = node::parse("Refund", &id).ok_or(Error::NotFound)?;
            Ok(Refund(refunds::get(ctx.app().db.read(), ctx.actor(), RefundId(id)).await?))
        };
        nullable(ctx, found.await)
    }

    /// The refunds that you may see, newest first.
    async fn refunds(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only in this state.")] state: Option<RefundState>,
    ) -> ApiResult<Page<Refund>> {
        ctx.actor().require(Permission::ReadCases)?;
        let wanted = wanted(first, after.as_deref())?;
        let after = wanted.after.map(RefundId);
        let rows = refunds::page(ctx.app(), ctx.actor(), state.map(State::from), after, wanted.first).await?;
        ctx.session().ring.load(ctx.app(), rows.iter().map(|r| r.unit_id)).await?;
        Ok(page(wanted, rows, |r| r.id.0, Refund))
    }
}

/// A refund to be granted.
#[derive(InputObject)]
pub struct RefundGrantInput {
    /// The case, decided in the customer's favour.
    case_id: ID,
    /// How much, in the currency of the order; all refunds of an order together never pass what was captured.
    amount: MoneyInput,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A step of a refund.
#[derive(InputObject)]
pub struct RefundStepInput {
    /// The refund.
    refund_id: ID,
    /// The provider's reference or ARN, if known.
    reference: Option<String>,
    /// The version that the step was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The refund after the mutation.
#[derive(SimpleObject)]
pub struct RefundPayload {
    /// The refund; null if it was refused.
    refund: Option<Refund>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn payload(ctx: &Context<'_>, done: Result<Model>) -> ApiResult<RefundPayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    Ok(RefundPayload { refund: row.map(Refund), user_errors })
}

async fn step(ctx: &Context<'_>, step: Step, input: RefundStepInput) -> ApiResult<RefundPayload> {
    let done = async {
        let id = RefundId(node::input("Refund", &input.refund_id, &["input", "refundId"])?);
        let progress = Progress { reference: input.reference, expected_version: input.expected_version };
        refunds::advance(ctx.app(), ctx.actor(), id, step, progress, &input.idempotency_key).await
    };
    payload(ctx, authorised(ctx, Permission::MoveRefund, done).await)
}

/// Changing refunds.
#[derive(Default)]
pub struct RefundMutation;

#[Object]
impl RefundMutation {
    /// Grants a refund: a promise, and the voucher of it.
    async fn refund_grant(&self, ctx: &Context<'_>, input: RefundGrantInput) -> ApiResult<RefundPayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let grant = Grant { amount_minor: input.amount.amount_minor.0, currency: input.amount.currency };
            refunds::grant(ctx.app(), ctx.actor(), id, grant, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::GrantRefund, done).await)
    }

    /// Marks a granted refund as handed to the payment provider.
    async fn refund_submit(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Submit, input).await
    }

    /// Marks a submitted refund as credited to the customer.
    async fn refund_credit(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Credit, input).await
    }

    /// Marks a refund as withdrawn, or as refused by the provider; it no longer counts towards the captured amount.
    async fn refund_fail(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Fail, input).await
    }
}
