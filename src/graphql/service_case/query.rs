//! Finding cases.

use async_graphql::{Context, ID, InputObject, Object};
use entity::ids::{CaseId, CustomerId};

use super::ServiceCase;
use crate::auth::Permission;
use crate::cases::{self, Filter, access};
use crate::error::{Error, Result};
use crate::graphql::codes::{ServiceCaseKind, ServiceCaseState};
use crate::graphql::error::{ApiResult, nullable};
use crate::graphql::loaders::{Ahead, prefetch};
use crate::graphql::node;
use crate::graphql::page::{Page, page, wanted};
use crate::graphql::session::ContextExt as _;

/// What a list of cases is narrowed to; all conditions hold.
#[derive(InputObject, Default)]
pub struct ServiceCaseFilter {
    /// In this state.
    state: Option<ServiceCaseState>,
    /// Of this kind.
    kind: Option<ServiceCaseKind>,
    /// Of this customer.
    customer_id: Option<ID>,
}

/// Finding cases.
#[derive(Default)]
pub struct ServiceCaseQuery;

#[Object]
impl ServiceCaseQuery {
    /// Opens a case. Opening one as staff is logged. Null with `NOT_FOUND` if it does not exist or is not visible to you.
    async fn service_case(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<ServiceCase>> {
        let found = async {
            ctx.actor().require(Permission::ReadCases)?;
            let id = node::parse("ServiceCase", &id).ok_or(Error::NotFound)?;
            Ok(ServiceCase::opened(access::open(ctx.app(), ctx.actor(), CaseId(id)).await?))
        };
        nullable(ctx, found.await)
    }

    /// The cases that you may see, newest first. In a list, staff sees masked contact data and no message texts.
    async fn service_cases(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ServiceCaseFilter>,
    ) -> ApiResult<Page<ServiceCase>> {
        ctx.actor().require(Permission::ReadCases)?;
        let wanted = wanted(first, after.as_deref())?;
        let filter = filter.unwrap_or_default();
        let customer = filter.customer_id.as_ref();
        let customer =
            customer.map(|id| node::parse("Customer", id).map(CustomerId).ok_or(Error::NotFound)).transpose()?;
        let filter = Filter { state: filter.state.map(Into::into), kind: filter.kind.map(Into::into), customer };
        let rows = cases::page(ctx.app(), ctx.actor(), filter, wanted.after.map(CaseId), wanted.first).await?;
        let shown = rows.len().min(usize::try_from(wanted.first).unwrap_or(100));
        prefetch(ctx.session(), &rows[..shown], ahead(ctx)?).await?;
        Ok(page(wanted, rows, |c| c.id.0, ServiceCase::listed))
    }

    /// Opens the case of this number, as `serviceCase` does.
    async fn service_case_by_number(&self, ctx: &Context<'_>, number: String) -> ApiResult<Option<ServiceCase>> {
        let found = async {
            ctx.actor().require(Permission::ReadCases)?;
            let case = cases::open::by_number(ctx.app(), ctx.actor(), &number).await?;
            Ok(ServiceCase::opened(access::open(ctx.app(), ctx.actor(), case.id).await?))
        };
        nullable(ctx, found.await)
    }
}

/// What the selection below a connection of cases asks for.
fn ahead(ctx: &Context<'_>) -> Result<Ahead> {
    let list = ctx.look_ahead();
    let mut ahead = Ahead::default();
    for nodes in [list.field("nodes"), list.field("edges").field("node")] {
        ahead.customers |= nodes.field("customer").exists();
        ahead.refunds |= nodes.field("refunds").exists() || nodes.field("availableActions").exists();
        for messages in nodes.field("messages").selection_fields() {
            let arguments = messages.arguments().map_err(|e| anyhow::anyhow!("arguments: {}", e.message))?;
            let first = arguments.iter().find(|(name, _)| name == "first").map(|(_, value)| value.clone());
            let first = first.and_then(|v| v.into_json().ok()).and_then(|v| v.as_u64()).unwrap_or(20);
            if (1..=100).contains(&first) && !arguments.iter().any(|(name, _)| name == "after") {
                ahead.messages = Some(first + 1);
            }
        }
    }
    Ok(ahead)
}
