//! Taking cases from state to state: review, questions, the result, objection, calling off.

use async_graphql::{Context, ID, InputObject, Object};
use entity::ids::{CaseId, StaffId};

use super::{FactCode, ServiceCasePayload, payload};
use crate::auth::Permission;
use crate::cases::{self, Ask, Assignment, Notice, Objection};
use crate::error::Result;
use crate::graphql::codes::NoticeChannel;
use crate::graphql::error::{ApiResult, authorised};
use crate::graphql::node;
use crate::graphql::session::ContextExt as _;

/// A step of a case that needs no further words.
#[derive(InputObject)]
pub struct ServiceCaseStepInput {
    /// The case.
    case_id: ID,
    /// The version that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// To whom a case goes.
#[derive(InputObject)]
pub struct ServiceCaseAssignInput {
    /// The case.
    case_id: ID,
    /// The member of staff; left out: to nobody.
    staff_member_id: Option<ID>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What the customer is asked for.
#[derive(InputObject)]
pub struct ServiceCaseAskInfoInput {
    /// The case.
    case_id: ID,
    /// Facts of the checklist, at least one.
    facts: Vec<FactCode>,
    /// The request in words; at most 10,000 characters.
    text: String,
    /// The version that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The result, told to the customer.
#[derive(InputObject)]
pub struct ServiceCaseNotifyInput {
    /// The case.
    case_id: ID,
    /// By e-mail, or in a call.
    channel: NoticeChannel,
    /// The result in words; of a call, what was said. Decision, shipping and refunds are added. At most 10,000 characters.
    text: String,
    /// The version that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// An objection to the result.
#[derive(InputObject)]
pub struct ServiceCaseObjectInput {
    /// The case.
    case_id: ID,
    /// What the customer says; at most 10,000 characters.
    text: String,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A case that is called off.
#[derive(InputObject)]
pub struct ServiceCaseCancelInput {
    /// The case.
    case_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A case that is the same as another one.
#[derive(InputObject)]
pub struct ServiceCaseMergeInput {
    /// The case.
    case_id: ID,
    /// The other case of the same customer, which goes on.
    into_case_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

fn case(id: &ID) -> Result<CaseId> {
    Ok(CaseId(node::input("ServiceCase", id, &["input", "caseId"])?))
}

/// Taking cases from state to state.
#[derive(Default)]
pub struct LifecycleMutation;

#[Object]
impl LifecycleMutation {
    /// Takes a new case under review.
    async fn service_case_review(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseStepInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            cases::review(ctx.app(), ctx.actor(), id, input.expected_version, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Examines a case again after an objection: never by the person who decided it.
    async fn service_case_reexamine(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseStepInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            cases::reexamine(ctx.app(), ctx.actor(), id, input.expected_version, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Assigns a case to a member of staff who decides, or to nobody.
    async fn service_case_assign(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseAssignInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            let to = input.staff_member_id.as_ref();
            let to = to.map(|id| node::input("StaffMember", id, &["input", "staffMemberId"])).transpose()?;
            let assignment = Assignment { to: to.map(StaffId) };
            cases::assign(ctx.app(), ctx.actor(), id, assignment, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Asks the customer for something; the review waits for the answer.
    async fn service_case_ask_info(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseAskInfoInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            let ask = Ask {
                facts: input.facts.into_iter().map(Into::into).collect(),
                text: input.text,
                expected_version: input.expected_version,
            };
            cases::ask(ctx.app(), ctx.actor(), id, ask, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Tells the customer the result, before the case is closed.
    async fn service_case_notify(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseNotifyInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            let notice =
                Notice { channel: input.channel.into(), text: input.text, expected_version: input.expected_version };
            cases::notify(ctx.app(), ctx.actor(), id, notice, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Objects to the result: the case is taken up again, and somebody else examines it.
    async fn service_case_object(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseObjectInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            cases::object(ctx.app(), ctx.actor(), id, Objection { text: input.text }, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Correspond, done).await).await
    }

    /// Calls a case off. A withdrawal cannot be called off.
    async fn service_case_cancel(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseCancelInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            cases::cancel(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Correspond, done).await).await
    }

    /// Merges a case into another one of the same customer.
    async fn service_case_merge(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseMergeInput,
    ) -> ApiResult<ServiceCasePayload> {
        let done = async {
            let id = case(&input.case_id)?;
            let into = CaseId(node::input("ServiceCase", &input.into_case_id, &["input", "intoCaseId"])?);
            cases::merge(ctx.app(), ctx.actor(), id, into, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await).await
    }
}
