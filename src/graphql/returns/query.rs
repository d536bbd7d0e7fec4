//! Finding returns, and the reasons for which goods come back.

use async_graphql::{Context, ID, Object, SimpleObject};
use entity::ids::ReturnId;
use entity::returns::State;

use super::Return;
use crate::auth::Permission;
use crate::error::Error;
use crate::graphql::codes::{ReturnState, ServiceCaseReason};
use crate::graphql::error::{ApiResult, nullable};
use crate::graphql::node;
use crate::graphql::page::{Page, page, wanted};
use crate::graphql::session::ContextExt as _;
use crate::policy::reasons::CATALOGUE;
use crate::returns;

/// A reason for which goods come back, with its second level.
#[derive(SimpleObject)]
pub struct ReturnReason {
    /// The reason.
    code: ServiceCaseReason,
    /// In words, in the language of `Accept-Language`.
    label: &'static str,
    /// The second level.
    details: Vec<ReturnReasonDetail>,
}

/// A reason of the second level.
#[derive(SimpleObject)]
pub struct ReturnReasonDetail {
    /// Its code, unique within its reason.
    code: &'static str,
    /// In words, in the language of `Accept-Language`.
    label: &'static str,
}

/// Finding returns.
#[derive(Default)]
pub struct ReturnQuery;

#[Object]
impl ReturnQuery {
    /// The reasons for which goods come back, for everybody.
    async fn return_reasons(&self, ctx: &Context<'_>) -> Vec<ReturnReason> {
        let language = ctx.session().language;
        let reason = |entry: &crate::policy::reasons::Entry| ReturnReason {
            code: entry.reason.into(),
            label: entry.words.said(language),
            details: entry
                .details
                .iter()
                .map(|detail| ReturnReasonDetail { code: detail.code, label: detail.words.said(language) })
                .collect(),
        };
        CATALOGUE.iter().map(reason).collect()
    }

    /// A return; null with `NOT_FOUND` if it does not exist or is not visible to you.
    #[graphql(name = "return")]
    async fn one(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<Return>> {
        let found = async {
            ctx.actor().require(Permission::ReadCases)?;
            let id = node::parse("Return", &id).ok_or(Error::NotFound)?;
            Ok(Return(returns::get(ctx.app().db.read(), ctx.actor(), ReturnId(id)).await?))
        };
        nullable(ctx, found.await)
    }

    /// The return of a number, as it stands on a parcel; null with `NOT_FOUND` if there is none that is visible to you.
    async fn return_by_number(&self, ctx: &Context<'_>, number: String) -> ApiResult<Option<Return>> {
        let found = async {
            ctx.actor().require(Permission::ReadCases)?;
            Ok(Return(returns::by_number(ctx.app(), ctx.actor(), &number).await?))
        };
        nullable(ctx, found.await)
    }

    /// The returns that you may see, newest first.
    async fn returns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only in this state.")] state: Option<ReturnState>,
    ) -> ApiResult<Page<Return>> {
        ctx.actor().require(Permission::ReadCases)?;
        let wanted = wanted(first, after.as_deref())?;
        let before = wanted.after.map(ReturnId);
        let rows = returns::page(ctx.app(), ctx.actor(), state.map(State::from), before, wanted.first).await?;
        ctx.session().ring.load(ctx.app(), rows.iter().map(|r| r.unit_id)).await?;
        Ok(page(wanted, rows, |r| r.id.0, Return))
    }
}
