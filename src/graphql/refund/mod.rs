//! Refunds: what they come to, how far they have come, and what is asked about them.

mod calculation;
mod inquiry;
mod mutation;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::ids::{CaseId, OrderLineId, RefundId};
use entity::refunds::{Model, State};

use super::codes::{RefundKind, RefundMeans, RefundState};
use super::deadline::Deadline;
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::loaders::TimersOf;
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{AvailableAction, Retention, retention};
use super::scalars::{MinorUnits, Money};
use super::service_case::ServiceCase;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::cases::{self, timers};
use crate::error::{Error, Refusal, Result};
use crate::keys::Place;
use crate::refunds::{self, Asked, AskedDeduction, AskedLine, Step, due, stored};
use calculation::RefundCalculation;
use inquiry::RefundInquiryEntry;

pub use calculation::{RefundDeductionInput, RefundLineInput, RefundPreview};
pub use mutation::RefundMutation;

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

    /// What is paid back.
    async fn kind(&self) -> RefundKind {
        self.0.kind.into()
    }

    /// By which means it is paid: those of the payment, or others that the customer has agreed to.
    async fn means(&self) -> RefundMeans {
        self.0.means.into()
    }

    /// How the amount was reckoned, as it was on the day of the grant; null where an amount was agreed on.
    async fn calculation(&self, ctx: &Context<'_>) -> Option<RefundCalculation> {
        let calculation = stored::calculation(&self.0)?;
        Some(RefundCalculation::of(&calculation, &self.0.currency, ctx.session().language))
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

    /// When a second person approved it, UTC; null where nobody had to, or has yet.
    async fn approved_at(&self) -> Option<DateTime<Utc>> {
        self.0.approved_at
    }

    /// Whether a second person has to approve it before it can be submitted.
    async fn approval_needed(&self) -> bool {
        Step::Approve.is_legal(self.0.state) && refunds::lacks_approval(&self.0)
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
        let timers = timers_of(ctx, self.0.case_id).await?;
        let Some(timer) = due::credit_timer(&timers, self.0.id) else { return Ok(None) };
        let app = ctx.app();
        let deadline = timers::deadline(app, timer, app.clock.now())?;
        Ok(Some(Deadline::of(deadline, ctx.session().language)))
    }

    /// By when the shop has to pay it: fourteen days from the withdrawal, BGB § 357(1). Null for what is no withdrawal.
    async fn due_by(&self, ctx: &Context<'_>) -> ApiResult<Option<Deadline>> {
        let Some(withdrawn) = withdrawn_at(ctx, self.0.case_id).await? else { return Ok(None) };
        let deadline = due::statutory(ctx.app(), &timers_of(ctx, self.0.case_id).await?, withdrawn)?;
        Ok(Some(Deadline::of(deadline, ctx.session().language)))
    }

    /// The shop's own target for handing it to the payment provider, in Europe/Berlin. Null for what is no withdrawal.
    async fn submit_by(&self, ctx: &Context<'_>) -> ApiResult<Option<NaiveDate>> {
        let withdrawn = withdrawn_at(ctx, self.0.case_id).await?;
        Ok(withdrawn.map(|at| due::target(ctx.app(), at)))
    }

    /// What was asked about it and answered, oldest first. A customer does not see what was noted within the shop.
    async fn inquiry(&self, ctx: &Context<'_>) -> ApiResult<Vec<RefundInquiryEntry>> {
        let entries = refunds::inquiry::log(ctx.app().db.read(), ctx.actor(), self.0.id).await?;
        Ok(entries.into_iter().map(RefundInquiryEntry).collect())
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
    async fn available_actions(&self, ctx: &Context<'_>) -> ApiResult<Vec<AvailableAction>> {
        let (app, actor) = (ctx.app(), ctx.actor());
        let timers = timers_of(ctx, self.0.case_id).await?;
        let early = due::credit_timer(&timers, self.0.id).is_some_and(|t| app.clock.now() < t.ends_at);
        let lacks_approval = refunds::lacks_approval(&self.0);
        let never_sent = self.0.submitted_at.is_none();
        let action = |step: &Step| {
            let state = (!step.is_legal(self.0.state), "STATE");
            let own = match step {
                Step::Approve if self.0.approved_at.is_some() => (true, "APPROVED"),
                Step::Approve => (actor.staff() == Some(self.0.granted_by), "SAME_PERSON"),
                Step::Submit => (lacks_approval, "APPROVAL"),
                Step::Inquire => (early, "TOO_EARLY"),
                Step::AgreeAlternative => (never_sent, "NEVER_SUBMITTED"),
                Step::Acknowledge | Step::Expire | Step::Credit | Step::Fail => (false, ""),
            };
            AvailableAction::unless(step.mutation(), &[(!actor.may(step.permission()), "ROLE"), state, own])
        };
        let mut actions: Vec<_> = Step::ALL.iter().filter(|s| **s != Step::Expire).map(action).collect();
        let lacks = !actor.may(Permission::GrantRefund);
        let note = [(lacks, "ROLE"), (never_sent, "NEVER_SUBMITTED")];
        actions.push(AvailableAction::unless("refundInquiryNote", &note));
        Ok(actions)
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("refunds", self.0.id.0), DataType::R01, self.0.start_at)
    }
}

async fn timers_of(ctx: &Context<'_>, case: CaseId) -> ApiResult<Vec<entity::timers::Model>> {
    let found = ctx.session().loaders.load_one(TimersOf(case)).await.map_err(Error::from)?;
    Ok(found.unwrap_or_default())
}

async fn withdrawn_at(ctx: &Context<'_>, case: CaseId) -> ApiResult<Option<DateTime<Utc>>> {
    let found = ctx.session().loaders.load_one(case).await.map_err(Error::from)?;
    let Some(case) = found else { return Ok(None) };
    Ok(cases::withdrawn_at(ctx.app().db.read(), &case).await?)
}

/// What a refund is asked for, from the API's own inputs; `root` is the path to them.
fn asked(
    lines: &[RefundLineInput],
    price_reduction: Option<MinorUnits>,
    deduction: Option<&RefundDeductionInput>,
    standard_for_rest_minor: Option<MinorUnits>,
    root: &[&'static str],
) -> Result<Asked> {
    let place = |path: &[&'static str]| [root, path].concat();
    let line = |(index, line): (usize, &RefundLineInput)| -> Result<AskedLine> {
        let found = node::input("OrderLine", &line.order_line_id, &place(&["lines", "orderLineId"]));
        let named = |error| match error {
            Error::Refused(refusal) => Error::Refused(Refusal::element(refusal, "lines", index)),
            other => other,
        };
        Ok(AskedLine { line: OrderLineId(found.map_err(named)?), quantity: line.quantity })
    };
    let taken_off = |d: &RefundDeductionInput| -> Result<AskedDeduction> {
        let id = |id: &ID| node::input("OrderLine", id, &place(&["deduction", "orderLineId"])).map(OrderLineId);
        Ok(AskedDeduction {
            amount_minor: d.amount_minor.0,
            reason: d.reason.into(),
            line: d.order_line_id.as_ref().map(id).transpose()?,
            evidence: d.evidence,
        })
    };
    Ok(Asked {
        lines: lines.iter().enumerate().map(line).collect::<Result<_>>()?,
        price_reduction: price_reduction.map(|amount| amount.0),
        deduction: deduction.map(taken_off).transpose()?,
        standard_for_rest_minor: standard_for_rest_minor.map(|amount| amount.0),
    })
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

    /// What a refund would come to, step by step, or everything that stands in its way. Nothing is written. For agents and
    /// finance.
    async fn refund_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The case.")] case_id: ID,
        #[graphql(desc = "Units that go back, or that a reduction is about; at most 200.", default)] lines: Vec<
            RefundLineInput,
        >,
        #[graphql(desc = "Part of the price for goods that stay, BGB § 441.")] price_reduction: Option<MinorUnits>,
        #[graphql(desc = "Taken off for loss of value.")] deduction: Option<RefundDeductionInput>,
        #[graphql(desc = "What standard delivery of the goods that stay would have cost, if known.")]
        standard_for_rest_minor: Option<MinorUnits>,
    ) -> ApiResult<RefundPreview> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &case_id, &["caseId"])?);
            let asked = asked(&lines, price_reduction, deduction.as_ref(), standard_for_rest_minor, &[])?;
            refunds::preview(ctx.app(), ctx.actor(), id, &asked).await
        };
        let (preview, user_errors) = outcome(ctx, authorised(ctx, Permission::GrantRefund, done).await)?;
        let language = ctx.session().language;
        Ok(match preview.map(|p| (p.reckoned, p.currency)) {
            None => RefundPreview { calculation: None, user_errors },
            Some((Ok(calculation), currency)) => RefundPreview {
                calculation: Some(RefundCalculation::of(&calculation, &currency, language)),
                user_errors,
            },
            Some((Err(faults), _)) => {
                let user_errors = faults.into_iter().map(|fault| UserError::new(fault, language)).collect();
                RefundPreview { calculation: None, user_errors }
            }
        })
    }
}
