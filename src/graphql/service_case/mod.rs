//! Service cases: the type; finding and changing them stand beside it.

mod actions;
mod history;
mod lifecycle;
mod mutation;
mod query;
mod submit;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::cases::{Kind, Model};
use entity::proposals::State as ProposalState;
use entity::remedies::State as RemedyState;
use entity::timers::State as TimerState;

use super::attachment::Attachment;
use super::codes::{
    LegalBasis, NoticeChannel, ServiceCaseChannel, ServiceCaseKind, ServiceCaseOutcome, ServiceCaseReason,
    ServiceCaseState, WaitingFor,
};
use super::customer::Customer;
use super::deadline::Timer;
use super::dispute::{Disclosure, Dispute, Proposal};
use super::error::ApiResult;
use super::loaders::{
    AttachmentsOf, DisclosuresOf, DisputesOf, MailsOf, MessagesOf, ProposalsOf, RefundsOf, RemediesOf, TimersOf,
};
use super::mail::Mail;
use super::message::Message;
use super::node;
use super::order::Order;
use super::page::{Page, page, wanted};
use super::parcel::Parcel;
use super::refund::Refund;
use super::retention::{AvailableAction, Retention, retention};
use super::returns::{ParcelsOfCase, RemedyInKind, Return, ReturnsOf};
use super::rights::{self, LineAssessment};
use super::session::ContextExt as _;
use super::withdrawal::Withdrawal;
use crate::auth::{Actor, Permission};
use crate::cases::{self, checklist};
use crate::error::Error;
use crate::withdrawals;

pub use history::{FactCode, MissingFact, Transition};
pub use lifecycle::LifecycleMutation;
pub use mutation::{ServiceCaseMutation, ServiceCasePayload, payload};
pub use query::ServiceCaseQuery;
pub use submit::SubmitMutation;

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

    /// The statement of withdrawal that it follows from.
    async fn withdrawal(&self, ctx: &Context<'_>) -> ApiResult<Option<Withdrawal>> {
        if self.row.kind != Some(Kind::Withdrawal) {
            return Ok(None);
        }
        let found = withdrawals::of_case(ctx.app().db.read(), self.row.id).await?;
        let shown = self.shows_texts(ctx.actor());
        Ok(found.map(|row| Withdrawal { row, shown }))
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

    /// The mails to the customer, oldest first, each with the proof of what became of it (F48).
    async fn mails(&self, ctx: &Context<'_>) -> ApiResult<Vec<Mail>> {
        let found = ctx.session().loaders.load_one(MailsOf(self.row.id)).await.map_err(Error::from)?;
        let shown = self.shows_texts(ctx.actor());
        Ok(found.unwrap_or_default().into_iter().map(|row| Mail { row, shown }).collect())
    }

    /// The refunds, oldest first.
    async fn refunds(&self, ctx: &Context<'_>) -> ApiResult<Vec<Refund>> {
        let found = ctx.session().loaders.load_one(RefundsOf(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Refund).collect())
    }

    /// The returns, oldest first.
    async fn returns(&self, ctx: &Context<'_>) -> ApiResult<Vec<Return>> {
        let found = ctx.session().loaders.load_one(ReturnsOf(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Return).collect())
    }

    /// The remedies in kind, oldest first.
    async fn remedies(&self, ctx: &Context<'_>) -> ApiResult<Vec<RemedyInKind>> {
        let found = ctx.session().loaders.load_one(RemediesOf(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(RemedyInKind).collect())
    }

    /// The parcels of it in both directions, oldest first; those of the order itself are with the order.
    async fn parcels(&self, ctx: &Context<'_>) -> ApiResult<Vec<Parcel>> {
        let found = ctx.session().loaders.load_one(ParcelsOfCase(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Parcel).collect())
    }

    /// Photos and videos, oldest first, at most 50.
    async fn attachments(&self, ctx: &Context<'_>) -> ApiResult<Vec<Attachment>> {
        let found = ctx.session().loaders.load_one(AttachmentsOf(self.row.id)).await.map_err(Error::from)?;
        let shown = self.shows_texts(ctx.actor());
        Ok(found.unwrap_or_default().into_iter().map(|row| Attachment { row, shown }).collect())
    }

    /// What the shop has promised by when, oldest first, with the reckoning of each.
    async fn timers(&self, ctx: &Context<'_>) -> ApiResult<Vec<Timer>> {
        let found = ctx.session().loaders.load_one(TimersOf(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Timer).collect())
    }

    /// Which rights the customer may have on each line of the order, given what the case says: advice, not a decision.
    /// Empty without an order.
    async fn assessments(&self, ctx: &Context<'_>) -> ApiResult<Vec<LineAssessment>> {
        rights::of_case(ctx, &self.row).await
    }

    /// The mutations that could be called on it, and why one could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> ApiResult<Vec<AvailableAction>> {
        let refunds = ctx.session().loaders.load_one(RefundsOf(self.row.id)).await.map_err(Error::from)?;
        let running = refunds.unwrap_or_default().iter().any(|r| r.state.is_running());
        let remedies = ctx.session().loaders.load_one(RemediesOf(self.row.id)).await.map_err(Error::from)?;
        let ordered = remedies.unwrap_or_default().iter().any(|r| r.state == RemedyState::Ordered);
        let timers = ctx.session().loaders.load_one(TimersOf(self.row.id)).await.map_err(Error::from)?;
        let timers = timers.unwrap_or_default();
        let proposals = ctx.session().loaders.load_one(ProposalsOf(self.row.id)).await.map_err(Error::from)?;
        let proposals = proposals.unwrap_or_default();
        let now = ctx.app().clock.now();
        let objected = self.row.state == entity::cases::State::Reopened;
        let took_part = objected && cases::took_part(ctx.app().db.read(), &self.row, ctx.actor()).await?;
        Ok(actions::of(
            ctx.actor(),
            &self.row,
            actions::Under {
                running,
                ordered,
                took_part,
                ticks: timers.iter().any(|t| cases::timers::can_pause(t, now)),
                waits: timers.iter().any(|t| t.state == TimerState::Paused),
                proposed: !proposals.is_empty(),
                agreed: proposals.iter().any(|p| p.state == ProposalState::Accepted),
            },
        ))
    }

    /// The way through the states so far, oldest first (F5).
    async fn history(&self, ctx: &Context<'_>) -> ApiResult<Vec<Transition>> {
        let found = cases::machine::history(ctx.app().db.read(), self.row.id).await?;
        Ok(found.into_iter().map(Transition).collect())
    }

    /// What would help with it and is not there yet: recommended, never mandatory (S17, S19, S22).
    async fn missing(&self, ctx: &Context<'_>) -> ApiResult<Vec<MissingFact>> {
        let found = ctx.session().loaders.load_one(AttachmentsOf(self.row.id)).await.map_err(Error::from)?;
        let known = checklist::Known { photos: !found.unwrap_or_default().is_empty() };
        let language = ctx.session().language;
        let fact = |f: checklist::Fact| MissingFact { fact: f.into(), label: f.words().said(language) };
        Ok(checklist::missing(&self.row, known).into_iter().map(fact).collect())
    }

    /// The proposals for an agreement, oldest first (S44, S78).
    async fn proposals(&self, ctx: &Context<'_>) -> ApiResult<Vec<Proposal>> {
        let found = ctx.session().loaders.load_one(ProposalsOf(self.row.id)).await.map_err(Error::from)?;
        let shown = self.shows_texts(ctx.actor());
        Ok(found.unwrap_or_default().into_iter().map(|row| Proposal { row, shown }).collect())
    }

    /// The dispute, the latest where there were several; null without one.
    async fn dispute(&self, ctx: &Context<'_>) -> ApiResult<Option<Dispute>> {
        let found = ctx.session().loaders.load_one(DisputesOf(self.row.id)).await.map_err(Error::from)?;
        let shown = self.shows_texts(ctx.actor());
        Ok(found.unwrap_or_default().pop().map(|row| Dispute { row, shown }))
    }

    /// To whom personal data of the case was given, oldest first; for who decides. Others get an empty list: customers
    /// learn it by an export, the data-protection officer as well.
    async fn disclosures(&self, ctx: &Context<'_>) -> ApiResult<Vec<Disclosure>> {
        if !ctx.actor().may(Permission::Decide) {
            return Ok(Vec::new());
        }
        let found = ctx.session().loaders.load_one(DisclosuresOf(self.row.id)).await.map_err(Error::from)?;
        Ok(found.unwrap_or_default().into_iter().map(Disclosure).collect())
    }

    /// When the customer was told the result, last, UTC.
    async fn notified_at(&self) -> Option<DateTime<Utc>> {
        self.row.notified_at
    }

    /// How the customer was told.
    async fn notified_by(&self) -> Option<NoticeChannel> {
        self.row.notified_by.map(Into::into)
    }

    /// How often it was taken up again.
    async fn reopenings(&self) -> i32 {
        self.row.reopenings
    }

    /// Who works on it; for staff.
    async fn assigned_to(&self, ctx: &Context<'_>) -> Option<ID> {
        ctx.actor().staff()?;
        self.row.assigned_to.map(|s| node::id("StaffMember", s.0))
    }

    /// The case that goes on in its place.
    async fn merged_into(&self) -> Option<ID> {
        self.row.merged_into.map(|c| node::id("ServiceCase", c.0))
    }

    /// Why the header is still here, and until when. Messages, refunds and attachments have periods of their own.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("cases", self.row.id.0), DataType::R24, self.row.start_at)
    }
}
