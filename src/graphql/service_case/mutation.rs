//! Changing cases.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entity::cases::Model;
use entity::ids::{CaseId, CustomerId, OrderId};

use super::ServiceCase;
use crate::auth::Permission;
use crate::cases::{self, Close, Decision, NewCase, access};
use crate::error::Result;
use crate::graphql::codes::{LegalBasis, ServiceCaseChannel, ServiceCaseKind, ServiceCaseOutcome, ServiceCaseReason};
use crate::graphql::error::{ApiResult, UserError, authorised, outcome};
use crate::graphql::node;
use crate::graphql::session::ContextExt as _;

/// A case to be opened. A request with nothing but kind and description is accepted.
#[derive(InputObject)]
pub struct ServiceCaseOpenInput {
    /// What the customer wants.
    kind: ServiceCaseKind,
    /// The problem, in the customer's words; at most 10,000 characters.
    description: String,
    /// The order it is about.
    order_id: Option<ID>,
    /// Why.
    reason: Option<ServiceCaseReason>,
    /// For whom; needed for staff, left out by a customer.
    customer_id: Option<ID>,
    /// How it arrived; needed for staff.
    channel: Option<ServiceCaseChannel>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A decision. It may be taken again until the case is closed.
#[derive(InputObject)]
pub struct ServiceCaseDecideInput {
    /// The case.
    case_id: ID,
    /// The outcome.
    outcome: ServiceCaseOutcome,
    /// Why.
    reason: ServiceCaseReason,
    /// On what basis; `NONE` only for what is solved directly.
    legal_basis: LegalBasis,
    /// The text to the customer; at most 10,000 characters.
    text: String,
    /// The version that the decision was made on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// How a case is closed.
#[derive(InputObject)]
pub struct ServiceCaseCloseInput {
    /// The case.
    case_id: ID,
    /// The correspondence was mere advice: it is kept for one year instead of six.
    #[graphql(default)]
    advice_only: bool,
    /// The version that closing was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The case after the mutation.
#[derive(SimpleObject)]
pub struct ServiceCasePayload {
    /// The case; null if it was refused.
    service_case: Option<ServiceCase>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// A case in an answer is an opened one, and logged as such.
///
/// # Errors
/// Whatever is not a refusal.
pub async fn payload(ctx: &Context<'_>, done: Result<Model>) -> ApiResult<ServiceCasePayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    if let Some(case) = &row {
        access::log(ctx.app(), ctx.actor(), case, ctx.actor().purpose(), None).await?;
    }
    Ok(ServiceCasePayload { service_case: row.map(ServiceCase::opened), user_errors })
}

/// Changing cases.
#[derive(Default)]
pub struct ServiceCaseMutation;

#[Object]
impl ServiceCaseMutation {
    /// Opens a case, as the customer or, for one who called or wrote, as staff.
    async fn service_case_open(&self, ctx: &Context<'_>, input: ServiceCaseOpenInput) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let order = input.order_id.as_ref().map(|id| node::input("Order", id, &["input", "orderId"]));
            let customer = input.customer_id.as_ref().map(|id| node::input("Customer", id, &["input", "customerId"]));
            let new = NewCase {
                kind: input.kind.into(),
                description: input.description,
                order: order.transpose()?.map(OrderId),
                reason: input.reason.map(Into::into),
                customer: customer.transpose()?.map(CustomerId),
                channel: input.channel.map(Into::into),
            };
            cases::open(ctx.app(), ctx.actor(), new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::OpenCase, done).await).await
    }

    /// Decides a case.
    async fn service_case_decide(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseDecideInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let decision = Decision {
                outcome: input.outcome.into(),
                reason: input.reason.into(),
                legal_basis: input.legal_basis.into(),
                text: input.text,
                expected_version: input.expected_version,
            };
            cases::decide(ctx.app(), ctx.actor(), id, decision, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Closes a decided case: the retention periods of all that hangs on it begin.
    async fn service_case_close(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseCloseInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let close = Close { advice_only: input.advice_only, expected_version: input.expected_version };
            cases::close(ctx.app(), ctx.actor(), id, close, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }
}
