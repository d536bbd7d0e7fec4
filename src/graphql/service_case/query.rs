//! Finding cases.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::ids::{CaseId, CustomerId, StaffId};

use super::ServiceCase;
use crate::auth::Permission;
use crate::cases::search::{self, Wanted};
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
    /// Of this number, such as `AS-2026-4F7K2M9`.
    number: Option<String>,
    /// About the order of this number, as the shop registered it.
    order_number: Option<String>,
    /// Of the customer with this e-mail address.
    email: Option<String>,
    /// In this state.
    state: Option<ServiceCaseState>,
    /// Of this kind.
    kind: Option<ServiceCaseKind>,
    /// Of this customer.
    customer_id: Option<ID>,
    /// Opened at or after this instant, UTC, to the millisecond.
    opened_from: Option<DateTime<Utc>>,
    /// Opened before this instant, UTC, to the millisecond.
    opened_to: Option<DateTime<Utc>>,
    /// Assigned to this member of staff; for staff only.
    assignee_id: Option<ID>,
    /// Assigned to nobody; for staff only.
    #[graphql(default)]
    unassigned: bool,
}

impl ServiceCaseFilter {
    /// None where nothing can be found.
    async fn resolve(self, ctx: &Context<'_>) -> Result<Option<Filter>> {
        let id = |kind, id: Option<&ID>| id.map(|id| node::parse(kind, id).ok_or(Error::NotFound)).transpose();
        let wanted = Wanted {
            customer: id("Customer", self.customer_id.as_ref())?.map(CustomerId),
            assignee: id("StaffMember", self.assignee_id.as_ref())?.map(StaffId),
            number: self.number,
            order_number: self.order_number,
            email: self.email,
            state: self.state.map(Into::into),
            kind: self.kind.map(Into::into),
            opened_from: self.opened_from,
            opened_to: self.opened_to,
            unassigned: self.unassigned,
        };
        search::resolve(ctx.app(), ctx.actor(), wanted).await
    }
}

/// How many cases are in a state.
#[derive(SimpleObject)]
pub struct StateCount {
    /// The state.
    state: ServiceCaseState,
    /// How many.
    count: u64,
}

/// How many cases are of a kind.
#[derive(SimpleObject)]
pub struct KindCount {
    /// The kind.
    kind: ServiceCaseKind,
    /// How many.
    count: u64,
}

/// How many cases meet a filter.
#[derive(SimpleObject)]
pub struct ServiceCaseCounts {
    /// All of them.
    total: u64,
    /// There are more than 10,000: only the newest 10,000 were counted.
    more: bool,
    /// By state, only those with any.
    by_state: Vec<StateCount>,
    /// By kind, only those with any.
    by_kind: Vec<KindCount>,
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
        let rows = match filter.unwrap_or_default().resolve(ctx).await? {
            Some(filter) => {
                cases::page(ctx.app(), ctx.actor(), &filter, wanted.after.map(CaseId), wanted.first).await?
            }
            None => Vec::new(),
        };
        let shown = rows.len().min(usize::try_from(wanted.first).unwrap_or(100));
        prefetch(ctx.session(), &rows[..shown], ahead(ctx)?).await?;
        Ok(page(wanted, rows, |c| c.id.0, ServiceCase::listed))
    }

    /// How many cases meet a filter, by state and by kind; for staff.
    async fn service_case_counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is counted; left out: all of them.")] filter: Option<ServiceCaseFilter>,
    ) -> ApiResult<ServiceCaseCounts> {
        let actor = ctx.actor();
        actor.require(Permission::ReadCases)?;
        if actor.staff().is_none() {
            return Err(Error::Forbidden.into());
        }
        let counts = match filter.unwrap_or_default().resolve(ctx).await? {
            Some(filter) => search::counts(ctx.app(), actor, &filter).await?,
            None => search::Counts::default(),
        };
        let by_state = counts.by_state.into_iter();
        let by_kind = counts.by_kind.into_iter();
        Ok(ServiceCaseCounts {
            total: counts.total,
            more: counts.more,
            by_state: by_state.map(|(state, count)| StateCount { state: state.into(), count }).collect(),
            by_kind: by_kind.map(|(kind, count)| KindCount { kind: kind.into(), count }).collect(),
        })
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
