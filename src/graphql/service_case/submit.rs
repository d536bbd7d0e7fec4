//! The web form, for who has no account.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::cases::submit::{Submission, submit};
use crate::graphql::codes::ServiceCaseKind;
use crate::graphql::error::{ApiResult, UserError, outcome};
use crate::graphql::session::{ContextExt as _, locale_of};

/// A request as it is entered into a form.
#[derive(InputObject)]
pub struct ServiceCaseSubmitInput {
    /// What is wanted; a withdrawal is declared with `withdrawalPrepare`.
    kind: ServiceCaseKind,
    /// The problem; at most 10,000 characters.
    description: String,
    /// The sender's name.
    name: String,
    /// The sender's e-mail address, which the acknowledgement goes to.
    email: String,
    /// The order number, if the sender knows it.
    order_number: Option<String>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A request that was taken in.
#[derive(SimpleObject)]
pub struct ServiceCaseSubmitPayload {
    /// The number of the case; null if the input was refused. With it and the e-mail address one asks for access.
    number: Option<String>,
    /// Why the input was refused.
    user_errors: Vec<UserError>,
}

/// Taking requests in from anybody.
#[derive(Default)]
pub struct SubmitMutation;

#[Object]
impl SubmitMutation {
    /// Takes a request in from somebody without an account, and acknowledges it by e-mail in the language of
    /// `Accept-Language`. The answer does not tell who or what is known. For everybody.
    async fn service_case_submit(
        &self,
        ctx: &Context<'_>,
        input: ServiceCaseSubmitInput,
    ) -> ApiResult<ServiceCaseSubmitPayload> {
        let new = Submission {
            kind: input.kind.into(),
            description: input.description,
            name: input.name,
            email: input.email,
            order_number: input.order_number,
            locale: locale_of(ctx.session().language),
        };
        let done = submit(ctx.app(), ctx.actor(), new, &input.idempotency_key).await;
        let (case, user_errors) = outcome(ctx, done)?;
        Ok(ServiceCaseSubmitPayload { number: case.and_then(|case| case.number), user_errors })
    }
}
