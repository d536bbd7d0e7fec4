//! Changing refunds.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::ids::{CaseId, RefundId};
use entity::refunds::Model;

use super::inquiry::{RefundInquireInput, RefundInquiryEntry, RefundInquiryNoteInput, RefundInquiryPayload};
use super::{Refund, RefundDeductionInput, RefundLineInput, asked};
use crate::auth::Permission;
use crate::error::{Code, Refusal, Result};
use crate::graphql::codes::RefundMeans;
use crate::graphql::error::{ApiResult, UserError, UserErrorDetail, authorised, outcome};
use crate::graphql::node;
use crate::graphql::scalars::{MinorUnits, MoneyInput};
use crate::graphql::session::ContextExt as _;
use crate::refunds::{self, Agreement, Grant, Inquiry, Note, Progress, Step, inquiry};

/// A refund to be granted: either a plain amount, or what is to be reckoned as `refundPreview` shows it.
#[derive(InputObject)]
pub struct RefundGrantInput {
    /// The case, decided in the customer's favour, or a withdrawal.
    case_id: ID,
    /// A plain amount in the currency of the order: goodwill, or what was agreed on. All refunds of an order together never
    /// pass what was captured.
    amount: Option<MoneyInput>,
    /// Units that go back, or that a reduction is about; at most 200.
    #[graphql(default)]
    lines: Vec<RefundLineInput>,
    /// Part of the price for goods that stay, BGB § 441.
    price_reduction: Option<MinorUnits>,
    /// Taken off for loss of value.
    deduction: Option<RefundDeductionInput>,
    /// What the customer is told about the deduction; it is a decision of its own. At most 10,000 characters.
    deduction_text: Option<String>,
    /// What standard delivery of the goods that stay would have cost, if known.
    standard_for_rest_minor: Option<MinorUnits>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

impl RefundGrantInput {
    fn grant(&self) -> Result<Grant> {
        let reckoned = !self.lines.is_empty() || self.price_reduction.is_some() || self.deduction.is_some();
        match &self.amount {
            Some(_) if reckoned => {
                let refusal = Refusal::at(Code::Invalid, &["input", "amount"]);
                Err(refusal.with("expected", "either an amount or what is to be reckoned").into())
            }
            Some(amount) => {
                Ok(Grant::Amount { amount_minor: amount.amount_minor.0, currency: amount.currency.clone() })
            }
            None if !reckoned => Err(Refusal::at(Code::Required, &["input", "amount"]).into()),
            None => {
                let (deduction, rest) = (self.deduction.as_ref(), self.standard_for_rest_minor);
                let asked = asked(&self.lines, self.price_reduction, deduction, rest, &["input"])?;
                Ok(Grant::Reckoned { asked, deduction_text: self.deduction_text.clone() })
            }
        }
    }
}

/// A step of a refund.
#[derive(InputObject)]
pub struct RefundStepInput {
    /// The refund.
    refund_id: ID,
    /// The provider's reference or ARN, if known; of a bank transfer its reference, never an account number.
    reference: Option<String>,
    /// For `refundSubmit` alone: by which means. Left out: those of the payment or, after a failure, those that the customer
    /// has agreed to.
    means: Option<RefundMeans>,
    /// The version that the step was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The customer's consent to other means.
#[derive(InputObject)]
pub struct RefundAgreeAlternativeInput {
    /// The refund, which has failed.
    refund_id: ID,
    /// What the customer expressly agreed to, in words, and how; no account number. At most 10,000 characters.
    consent: String,
    /// The version that it was given on.
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

fn refund_id(id: &ID) -> Result<RefundId> {
    node::input("Refund", id, &["input", "refundId"]).map(RefundId)
}

async fn step(ctx: &Context<'_>, step: Step, input: RefundStepInput) -> ApiResult<RefundPayload> {
    let done = async {
        let id = refund_id(&input.refund_id)?;
        let progress = Progress {
            reference: input.reference,
            means: input.means.map(Into::into),
            expected_version: input.expected_version,
        };
        refunds::advance(ctx.app(), ctx.actor(), id, step, progress, &input.idempotency_key).await
    };
    payload(ctx, authorised(ctx, step.permission(), done).await)
}

/// Changing refunds.
#[derive(Default)]
pub struct RefundMutation;

#[Object]
impl RefundMutation {
    /// Grants a refund: a promise, and the voucher of it. For agents and finance.
    async fn refund_grant(&self, ctx: &Context<'_>, input: RefundGrantInput) -> ApiResult<RefundPayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            refunds::grant(ctx.app(), ctx.actor(), id, input.grant()?, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::GrantRefund, done).await)
    }

    /// Approves a granted refund: needed above the amount that the policy sets, and never by who granted it. For finance.
    async fn refund_approve(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Approve, input).await
    }

    /// Marks a granted refund as handed to the payment provider. Other means than those of the payment need the customer's
    /// consent after a failure (`refundAgreeAlternative`). For finance.
    async fn refund_submit(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Submit, input).await
    }

    /// Marks a submitted refund as taken by the payment provider. For finance.
    async fn refund_acknowledge(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Acknowledge, input).await
    }

    /// Marks a submitted refund as credited to the customer. For finance.
    async fn refund_credit(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Credit, input).await
    }

    /// Marks a refund as withdrawn, or as refused by the provider; it no longer counts towards the captured amount. For finance.
    async fn refund_fail(&self, ctx: &Context<'_>, input: RefundStepInput) -> ApiResult<RefundPayload> {
        step(ctx, Step::Fail, input).await
    }

    /// Records that the customer expressly agrees to other means after a failure, BGB § 357(3). For agents and finance.
    async fn refund_agree_alternative(
        &self,
        ctx: &Context<'_>,
        input: RefundAgreeAlternativeInput,
    ) -> ApiResult<RefundPayload> {
        let done = async {
            let agreement = Agreement { consent: input.consent, expected_version: input.expected_version };
            let id = refund_id(&input.refund_id)?;
            refunds::agree(ctx.app(), ctx.actor(), id, agreement, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Step::AgreeAlternative.permission(), done).await)
    }

    /// Asks where a refund is, once the bank's usual time is over. For customers, agents and finance.
    async fn refund_inquire(&self, ctx: &Context<'_>, input: RefundInquireInput) -> ApiResult<RefundPayload> {
        let done = async {
            let id = refund_id(&input.refund_id)?;
            let inquiry = Inquiry { text: input.text };
            refunds::inquire(ctx.app(), ctx.actor(), id, inquiry, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Step::Inquire.permission(), done).await)
    }

    /// Notes what was asked about a refund, or answered, with whom, and the ARN that came up. For agents and finance.
    async fn refund_inquiry_note(
        &self,
        ctx: &Context<'_>,
        input: RefundInquiryNoteInput,
    ) -> ApiResult<RefundInquiryPayload> {
        let odd = input.arn.as_deref().map(str::trim).is_some_and(|arn| !arn.is_empty() && !inquiry::is_arn(arn));
        let done = async {
            let note = Note { party: input.party.into(), text: input.text, arn: input.arn };
            let id = refund_id(&input.refund_id)?;
            refunds::note(ctx.app(), ctx.actor(), id, note, &input.idempotency_key).await
        };
        let (done, user_errors) = outcome(ctx, authorised(ctx, Permission::GrantRefund, done).await)?;
        let warning = || UserErrorDetail { name: "arn".to_owned(), value: "23 digits are usual".to_owned() };
        let warnings = (odd && done.is_some()).then(warning).into_iter().collect();
        let (refund, entry) = done.unzip();
        Ok(RefundInquiryPayload {
            refund: refund.map(Refund),
            entry: entry.map(RefundInquiryEntry),
            warnings,
            user_errors,
        })
    }
}
