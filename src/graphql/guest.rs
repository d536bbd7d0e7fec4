//! Access without an account.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::error::{ApiResult, UserError, authorised, outcome};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::Result;
use crate::guests::{self, Request, Session};

/// A question for a link.
#[derive(InputObject)]
pub struct GuestAccessRequestInput {
    /// The full order number, or the number of a case.
    order_number: String,
    /// The e-mail address of the order.
    email: String,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A link that is opened.
#[derive(InputObject)]
pub struct GuestAccessRedeemInput {
    /// What stands behind the `#` of the link.
    token: String,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A step with one's own access.
#[derive(InputObject)]
pub struct GuestAccessStepInput {
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What everybody is told who asks.
#[derive(SimpleObject)]
pub struct GuestAccessRequestPayload {
    /// The same whether a link was sent or not, in the language of `Accept-Language`; null if the input was refused.
    message: Option<&'static str>,
    /// Why the input was refused.
    user_errors: Vec<UserError>,
}

/// Access to the cases of one order.
#[derive(SimpleObject)]
pub struct GuestAccess {
    /// The bearer token.
    bearer: String,
    /// Until when it works, UTC.
    expires_at: DateTime<Utc>,
    /// Until when it can be renewed, UTC.
    renewable_until: DateTime<Utc>,
}

/// The access after the mutation.
#[derive(SimpleObject)]
pub struct GuestAccessPayload {
    /// The access; null if it was refused, or has ended.
    guest_access: Option<GuestAccess>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn payload(ctx: &Context<'_>, done: Result<Session>) -> ApiResult<GuestAccessPayload> {
    let (session, user_errors) = outcome(ctx, done)?;
    let guest_access = session.map(|session| GuestAccess {
        renewable_until: session.renewable_until(),
        expires_at: session.token.expires_at,
        bearer: session.bearer,
    });
    Ok(GuestAccessPayload { guest_access, user_errors })
}

/// Letting in who has no account.
#[derive(Default)]
pub struct GuestMutation;

#[Object]
impl GuestMutation {
    /// Sends a link to the e-mail address of an order, if number and address belong together. The answer does not tell.
    /// For everybody.
    async fn guest_access_request(
        &self,
        ctx: &Context<'_>,
        input: GuestAccessRequestInput,
    ) -> ApiResult<GuestAccessRequestPayload> {
        let asked = Request { number: input.order_number, email: input.email };
        let (done, user_errors) = outcome(ctx, guests::request(ctx.app(), asked, &input.idempotency_key).await)?;
        let message = done.map(|()| guests::ANSWER.said(ctx.session().language));
        Ok(GuestAccessRequestPayload { message, user_errors })
    }

    /// Opens a link, once within 30 minutes, for a bearer token that lets one see and do what concerns that order. It
    /// lasts 24 hours. For everybody who has the link.
    async fn guest_access_redeem(
        &self,
        ctx: &Context<'_>,
        input: GuestAccessRedeemInput,
    ) -> ApiResult<GuestAccessPayload> {
        payload(ctx, guests::redeem(ctx.app(), &input.token, &input.idempotency_key).await)
    }

    /// Lets one's own access last for another 24 hours, at most 30 days after the link was asked for; the bearer token
    /// changes. For guests.
    async fn guest_access_renew(
        &self,
        ctx: &Context<'_>,
        input: GuestAccessStepInput,
    ) -> ApiResult<GuestAccessPayload> {
        let done = guests::renew(ctx.app(), ctx.actor(), &input.idempotency_key);
        payload(ctx, authorised(ctx, Permission::KeepAccess, done).await)
    }

    /// Ends one's own access at once. For guests.
    async fn guest_access_revoke(
        &self,
        ctx: &Context<'_>,
        input: GuestAccessStepInput,
    ) -> ApiResult<GuestAccessPayload> {
        let done = guests::revoke(ctx.app(), ctx.actor(), &input.idempotency_key);
        let (_, user_errors) = outcome(ctx, authorised(ctx, Permission::KeepAccess, done).await)?;
        Ok(GuestAccessPayload { guest_access: None, user_errors })
    }
}
