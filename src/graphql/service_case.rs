//! Service cases.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::cases::{Model, Outcome, State};
use entity::ids::{CaseId, CustomerId, OrderId};

use super::attachment::Attachment;
use super::codes::{
    LegalBasis, ServiceCaseChannel, ServiceCaseKind, ServiceCaseOutcome, ServiceCaseReason, ServiceCaseState,
    WaitingFor,
};
use super::customer::Customer;
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::loaders::{Ahead, AttachmentsOf, MessagesOf, RefundsOf, prefetch};
use super::message::Message;
use super::node;
use super::order::Order;
use super::page::{Page, page, wanted};
use super::refund::Refund;
use super::retention::{AvailableAction, Retention, retention};
use super::session::ContextExt as _;
use crate::auth::{Actor, Permission};
use crate::cases::{self, Close, Decision, Filter, NewCase, access};
use crate::error::{Error, Result};

/// A service case: one request of a customer, from intake to closing.
pub struct ServiceCase {
    row: Model,
    /// Opened by itself (logged for staff), not listed: message texts and contact data are shown.
    opened: bool,
}

impl ServiceCase {
    /// A case that was opened by itself.
    #[must_use]
    pub const fn opened(row: Model) -> Self {
        Self { row, opened: true }
    }

    /// A case in a list: staff sees masked contact data and no message texts.
    #[must_use]
    pub const fn listed(row: Model) -> Self {
        Self { row, opened: false }
    }

    fn shows_texts(&self, actor: &Actor) -> bool {
        actor.may(Permission::ReadTexts) && (self.opened || actor.customer().is_some())
    }
}

#[Object]
impl ServiceCase {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("ServiceCase", self.row.id.0)
    }

    /// What people read to each other, such as `AS-2026-4F7K2M9`.
    async fn number(&self) -> Option<&str> {
        self.row.number.as_deref()
    }

    /// What the customer wants.
    async fn kind(&self) -> Option<ServiceCaseKind> {
        self.row.kind.map(Into::into)
    }

    /// The kind in words, in the language of `Accept-Language`.
    async fn kind_label(&self, ctx: &Context<'_>) -> Option<&'static str> {
        self.row.kind.map(|k| ServiceCaseKind::from(k).label(ctx.session().language))
    }

    /// How the request arrived.
    async fn channel(&self) -> Option<ServiceCaseChannel> {
        self.row.channel.map(Into::into)
    }

    /// Where the case stands.
    async fn state(&self) -> ServiceCaseState {
        self.row.state.into()
    }

    /// The state in words, in the language of `Accept-Language`.
    async fn state_label(&self, ctx: &Context<'_>) -> &'static str {
        ServiceCaseState::from(self.row.state).label(ctx.session().language)
    }

    /// The outcome of the review; null before the decision.
    async fn outcome(&self) -> Option<ServiceCaseOutcome> {
        self.row.outcome.map(Into::into)
    }

    /// The outcome in words, in the language of `Accept-Language`.
    async fn outcome_label(&self, ctx: &Context<'_>) -> Option<&'static str> {
        self.row.outcome.map(|o| ServiceCaseOutcome::from(o).label(ctx.session().language))
    }

    /// Why the customer asks, or after the decision why it was decided so.
    async fn reason(&self) -> Option<ServiceCaseReason> {
        self.row.reason.map(Into::into)
    }

    /// The basis of the decision.
    async fn legal_basis(&self) -> Option<LegalBasis> {
        self.row.legal_basis.map(Into::into)
    }

    /// Product group of the order's first line.
    async fn product_group(&self) -> Option<&str> {
        self.row.product_group.as_deref()
    }

    /// Whose turn it is.
    async fn waiting_for(&self) -> Option<WaitingFor> {
        self.row.waiting_for.map(Into::into)
    }

    /// When it was opened, UTC.
    async fn opened_at(&self) -> Option<DateTime<Utc>> {
        self.row.opened_at
    }

    /// When it was decided, UTC.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.row.decided_at
    }

    /// When it was closed, UTC.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.row.closed_at
    }

    /// Counts decisions; send it back as `expectedVersion`. Messages do not change it.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// The customer; null once the contact record has been erased.
    async fn customer(&self, ctx: &Context<'_>) -> ApiResult<Option<Customer>> {
        let found = ctx.session().loaders.load_one(self.row.customer_id).await.map_err(Error::from)?;
        let opened = self.opened && ctx.actor().may(Permission::RevealContact);
        Ok(found.map(|row| if opened { Customer::opened(row) } else { Customer::listed(row) }))
    }

    /// The order; null without one, or once it has been erased.
    async fn order(&self, ctx: &Context<'_>) -> ApiResult<Option<Order>> {
        let Some(order) = self.row.order_id else { return Ok(None) };
        Ok(ctx.session().loaders.load_one(order).await.map_err(Error::from)?.map(Order))
    }

    /// The messages, oldest first.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<Message>> {
        let wanted = wanted(Some(first), after.as_deref())?;
        let (session, case) = (ctx.session(), self.row.id);
        let rows = match wanted.after {
            None => {
                let key = MessagesOf { case, first: wanted.first + 1 };
                session.loaders.load_one(key).await.map_err(Error::from)?.unwrap_or_default()
            }
            Some(after) => cases::messages::page(&session.app, &session.actor, case, after, wanted.first).await?,
        };
        let shown = self.shows_texts(&session.actor);
        Ok(page(wanted, rows, |m| m.id.0, |row| Message { row, shown }))
    }

    /// The refunds, oldest first.
    async fn refunds(&self, ctx: &Context<'_>) -> ApiResult<Vec<Refund>> {
        let found = ctx.session().loaders.load_one(RefundsOf(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Refund).collect())
    }

    /// Photos and videos, oldest first, at most 50.
    async fn attachments(&self, ctx: &Context<'_>) -> ApiResult<Vec<Attachment>> {
        let found = ctx.session().loaders.load_one(AttachmentsOf(self.row.id)).await.map_err(Error::from)?;
        let shown = self.shows_texts(ctx.actor());
        Ok(found.unwrap_or_default().into_iter().map(|row| Attachment { row, shown }).collect())
    }

    /// The mutations that could be called on it, and why one could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> ApiResult<Vec<AvailableAction>> {
        let refunds = ctx.session().loaders.load_one(RefundsOf(self.row.id)).await.map_err(Error::from)?;
        let running = refunds.unwrap_or_default().iter().any(|r| r.state.is_running());
        let lacks = |permission| !ctx.actor().may(permission);
        let (state, row) = (self.row.state, &self.row);
        let over = matches!(state, State::Closed | State::Erased);
        let granted = matches!(row.outcome, Some(Outcome::Eligible | Outcome::PartiallyEligible));
        Ok(vec![
            AvailableAction::unless("messageAdd", &[(lacks(Permission::Correspond), "ROLE"), (over, "STATE")]),
            AvailableAction::unless(
                "attachmentUploadCreate",
                &[(lacks(Permission::Correspond), "ROLE"), (over, "STATE")],
            ),
            AvailableAction::unless("serviceCaseDecide", &[(lacks(Permission::Decide), "ROLE"), (over, "STATE")]),
            AvailableAction::unless(
                "refundGrant",
                &[
                    (lacks(Permission::GrantRefund), "ROLE"),
                    (state != State::Decided, "STATE"),
                    (!granted, "OUTCOME"),
                    (row.order_id.is_none(), "NO_ORDER"),
                ],
            ),
            AvailableAction::unless(
                "serviceCaseClose",
                &[(lacks(Permission::Decide), "ROLE"), (state != State::Decided, "STATE"), (running, "REFUND_RUNNING")],
            ),
        ])
    }

    /// Why the header is still here, and until when. Messages, refunds and attachments have periods of their own.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), DataType::R24, self.row.start_at)
    }
}

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
async fn payload(ctx: &Context<'_>, done: Result<Model>) -> ApiResult<ServiceCasePayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    if let Some(case) = &row {
        access::log(ctx.app(), ctx.actor(), case, access::purpose_of(ctx.actor()), None).await?;
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
