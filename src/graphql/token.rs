//! Short customer tokens, for the shop's backend.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::ids::TokenId;

use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::customers::access::{self, Minted, NewToken};
use crate::error::Result;

/// A customer token to be minted.
#[derive(InputObject)]
pub struct CustomerAccessTokenCreateInput {
    /// The customer's e-mail address, as registered with an order.
    email: String,
    /// For how many minutes, 1 to 1,440; 60 where left out.
    minutes: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A customer token to be renewed.
#[derive(InputObject)]
pub struct CustomerAccessTokenRenewInput {
    /// The token.
    id: ID,
    /// For how many minutes from now, 1 to 1,440; 60 where left out.
    minutes: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A customer token to be revoked.
#[derive(InputObject)]
pub struct CustomerAccessTokenRevokeInput {
    /// The token.
    id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A customer token.
#[derive(SimpleObject)]
pub struct CustomerAccessToken {
    /// Its opaque id, by which it is renewed and revoked.
    id: ID,
    /// Until when it works, UTC.
    expires_at: DateTime<Utc>,
    /// When it was revoked, UTC.
    revoked_at: Option<DateTime<Utc>>,
    /// The bearer token itself, for the customer's browser; null in the answer to a revocation.
    bearer: Option<String>,
}

/// The token after the mutation.
#[derive(SimpleObject)]
pub struct CustomerAccessTokenPayload {
    /// The token; null if it was refused.
    customer_access_token: Option<CustomerAccessToken>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn shown(token: &entity::tokens::Model, bearer: Option<String>) -> CustomerAccessToken {
    CustomerAccessToken {
        id: node::id("CustomerAccessToken", token.id.0),
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
        bearer,
    }
}

fn payload(ctx: &Context<'_>, done: Result<Minted>) -> ApiResult<CustomerAccessTokenPayload> {
    let (minted, user_errors) = outcome(ctx, done)?;
    let customer_access_token = minted.map(|m| shown(&m.token, Some(m.bearer)));
    Ok(CustomerAccessTokenPayload { customer_access_token, user_errors })
}

/// Minting, renewing and revoking customer tokens.
#[derive(Default)]
pub struct TokenMutation;

#[Object]
impl TokenMutation {
    /// Mints a token that lets a customer see and do what is their own. For the shop's backend.
    async fn customer_access_token_create(
        &self,
        ctx: &Context<'_>,
        input: CustomerAccessTokenCreateInput,
    ) -> ApiResult<CustomerAccessTokenPayload> {
        let new = NewToken { email: input.email, minutes: input.minutes };
        let done = access::create(ctx.app(), ctx.actor(), new, &input.idempotency_key);
        payload(ctx, authorised(ctx, Permission::RunShop, done).await)
    }

    /// Lets a token work longer; the bearer token changes. For the shop's backend.
    async fn customer_access_token_renew(
        &self,
        ctx: &Context<'_>,
        input: CustomerAccessTokenRenewInput,
    ) -> ApiResult<CustomerAccessTokenPayload> {
        let done = async {
            let id = TokenId(node::input("CustomerAccessToken", &input.id, &["input", "id"])?);
            access::renew(ctx.app(), ctx.actor(), id, input.minutes, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::RunShop, done).await)
    }

    /// Revokes a token at once. For the shop's backend.
    async fn customer_access_token_revoke(
        &self,
        ctx: &Context<'_>,
        input: CustomerAccessTokenRevokeInput,
    ) -> ApiResult<CustomerAccessTokenPayload> {
        let done = async {
            let id = TokenId(node::input("CustomerAccessToken", &input.id, &["input", "id"])?);
            access::revoke(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (token, user_errors) = outcome(ctx, authorised(ctx, Permission::RunShop, done).await)?;
        Ok(CustomerAccessTokenPayload { customer_access_token: token.map(|t| shown(&t, None)), user_errors })
    }
}
