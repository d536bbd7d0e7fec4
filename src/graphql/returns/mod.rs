//! Returns: the type and its lines; finding and changing them stand beside it.

mod loaders;
mod mutation;
mod query;
mod remedy;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::returns::{Model, State};
use entity::{return_lines, returns};

use super::attachment::Attachment;
use super::codes::{CarriageBearer, GoodsDisposition, GoodsGrade, ReturnState, ServiceCaseReason};
use super::error::ApiResult;
use super::loaders::{AttachmentsOf, LinesOf};
use super::node;
use super::order::{Order, OrderLine};
use super::parcel::Parcel;
use super::retention::{AvailableAction, Retention, retention};
use super::service_case::ServiceCase;
use super::session::ContextExt as _;
use crate::auth::{Actor, Permission};
use crate::cases::machine::Deed;
use crate::error::Error;
use crate::keys::Place;
use crate::policy::{calendar, reasons};

pub use loaders::{EventsOf, ParcelsOfCase, RemediesOfOrder, ReturnLinesOf, ReturnsOf};
pub use mutation::ReturnMutation;
pub use query::ReturnQuery;
pub use remedy::{RemedyInKind, RemedyMutation};

/// Goods on their way back: instruction, receipt, inspection.
pub struct Return(pub Model);

fn reads(actor: &Actor) -> bool {
    actor.may(Permission::ReadTexts) || actor.may(Permission::HandleGoods)
}

impl Return {
    async fn open(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        sealed: Option<&entity::Sealed>,
    ) -> ApiResult<Option<String>> {
        if !reads(ctx.actor()) {
            return Ok(None);
        }
        let place = Place { table: "returns", column, row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, sealed).await?)
    }
}

#[Object]
impl Return {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("Return", self.0.id.0)
    }

    /// What stands on the parcel, such as `RA-2026-4F7K2M9`.
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Where the goods are.
    async fn state(&self) -> ReturnState {
        self.0.state.into()
    }

    /// The state in words, in the language of `Accept-Language`.
    async fn state_label(&self, ctx: &Context<'_>) -> &'static str {
        ReturnState::from(self.0.state).label(ctx.session().language)
    }

    /// Who pays for sending the goods back.
    async fn carriage(&self) -> CarriageBearer {
        self.0.bearer.into()
    }

    /// Where to send them, a line per line.
    async fn address(&self) -> &str {
        &self.0.address
    }

    /// What to take care of.
    async fn notes(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.open(ctx, "notes", self.0.notes.as_ref()).await
    }

    /// Reference or drop-off code of a label, if the shop gives one.
    async fn label(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.open(ctx, "label", self.0.label.as_ref()).await
    }

    /// When the customer was instructed, UTC.
    async fn instructed_at(&self) -> DateTime<Utc> {
        self.0.instructed_at
    }

    /// The last day for sending the goods off, in Europe/Berlin.
    async fn send_by(&self) -> NaiveDate {
        calendar::day_of(self.0.return_by - TimeDelta::microseconds(1))
    }

    /// When they were sent off, UTC.
    async fn dispatched_at(&self) -> Option<DateTime<Utc>> {
        self.0.dispatched_at
    }

    /// What proves that they were.
    async fn dispatch_proof(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.open(ctx, "dispatch_proof", self.0.dispatch_proof.as_ref()).await
    }

    /// When they arrived, UTC.
    async fn received_at(&self) -> Option<DateTime<Utc>> {
        self.0.received_at
    }

    /// When the inspection ended, UTC.
    async fn inspected_at(&self) -> Option<DateTime<Utc>> {
        self.0.inspected_at
    }

    /// Who inspects or has inspected them; for staff.
    async fn inspected_by(&self, ctx: &Context<'_>) -> Option<ID> {
        ctx.actor().staff()?;
        self.0.inspected_by.map(|s| node::id("StaffMember", s.0))
    }

    /// What the inspection found as a whole.
    async fn finding(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.open(ctx, "finding", self.0.finding.as_ref()).await
    }

    /// Counts the changes; send it back as `expectedVersion`.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The lines, in order of position in the order.
    async fn lines(&self, ctx: &Context<'_>) -> ApiResult<Vec<ReturnLine>> {
        let found = ctx.session().loaders.load_one(ReturnLinesOf(self.0.id)).await.map_err(Error::from)?;
        let ordered = ctx.session().loaders.load_one(LinesOf(self.0.order_id)).await.map_err(Error::from)?;
        let ordered = ordered.unwrap_or_default();
        let mut rows = found.unwrap_or_default();
        rows.sort_by_key(|row| ordered.iter().find(|l| l.id == row.order_line_id).map(|l| l.position));
        let of = Arc::new(self.0.clone());
        let line = |row| ReturnLine { row, of: Arc::clone(&of) };
        Ok(rows.into_iter().map(line).collect())
    }

    /// The parcels of it: to the shop, and back to the customer what was not accepted.
    async fn parcels(&self, ctx: &Context<'_>) -> ApiResult<Vec<Parcel>> {
        let found = ctx.session().loaders.load_one(ParcelsOfCase(self.0.case_id)).await.map_err(Error::from)?;
        let of = |row: &entity::parcels::Model| row.return_id == Some(self.0.id);
        Ok(found.unwrap_or_default().into_iter().filter(of).map(Parcel).collect())
    }

    /// Photos of the inspection, oldest first.
    async fn attachments(&self, ctx: &Context<'_>) -> ApiResult<Vec<Attachment>> {
        let found = ctx.session().loaders.load_one(AttachmentsOf(self.0.case_id)).await.map_err(Error::from)?;
        let shown = ctx.actor().may(Permission::ReadTexts);
        let of = found.unwrap_or_default().into_iter().filter(|row| row.return_id == Some(self.0.id));
        Ok(of.map(|row| Attachment { row, shown }).collect())
    }

    /// The case; null once its header has been erased: a booked return outlives it.
    async fn service_case(&self, ctx: &Context<'_>) -> ApiResult<Option<ServiceCase>> {
        let found = ctx.session().loaders.load_one(self.0.case_id).await.map_err(Error::from)?;
        Ok(found.map(ServiceCase::listed))
    }

    /// The mutations that could be called on it, and why one could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> ApiResult<Vec<AvailableAction>> {
        let case = ctx.session().loaders.load_one(self.0.case_id).await.map_err(Error::from)?;
        let lacks = |permission| (!ctx.actor().may(permission), "ROLE");
        let not_in = |legal: &[State]| (!legal.contains(&self.0.state), "STATE");
        let not = |deed: Deed| (!case.as_ref().is_some_and(|c| deed.is_legal(c.state)), "STATE");
        let called_off = case.as_ref().is_some_and(crate::returns::is_called_off);
        let unless_over = |deed: Deed| if called_off { (false, "") } else { not(deed) };
        let here = [State::Received, State::Inspecting, State::Inspected];
        let goods = lacks(Permission::HandleGoods);
        let action = AvailableAction::unless;
        let awaited = [State::Instructed, State::InTransit, State::Expired, State::Lost];
        Ok(vec![
            action("returnDispatch", &[lacks(Permission::Correspond), not_in(&awaited[..2])]),
            action("returnReceive", &[goods, not_in(&awaited), unless_over(Deed::Receive)]),
            action("returnLose", &[lacks(Permission::Decide), not_in(&[State::InTransit]), not(Deed::Lose)]),
            action("returnInspectionBegin", &[goods, not_in(&[State::Received]), not(Deed::Inspect)]),
            action("returnInspectionRecord", &[goods, not_in(&[State::Inspecting]), not(Deed::FindEligible)]),
            action(
                "returnSendBack",
                &[goods, not_in(if called_off { &here } else { &here[2..] }), unless_over(Deed::SendBack)],
            ),
        ])
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("returns", self.0.id.0), self.0.data_type, self.0.start_at)
    }
}

/// A line of a return: announced, counted, inspected.
pub struct ReturnLine {
    row: return_lines::Model,
    of: Arc<returns::Model>,
}

#[Object]
impl ReturnLine {
    /// The line of the order; null once the order has been erased.
    async fn order_line(&self, ctx: &Context<'_>) -> ApiResult<Option<OrderLine>> {
        let loaders = &ctx.session().loaders;
        let order = loaders.load_one(self.of.order_id).await.map_err(Error::from)?;
        let Some(Order(order)) = order.map(Order) else { return Ok(None) };
        let lines = loaders.load_one(LinesOf(order.id)).await.map_err(Error::from)?.unwrap_or_default();
        let row = lines.into_iter().find(|line| line.id == self.row.order_line_id);
        Ok(row.map(|row| OrderLine { row, order: Arc::new(order) }))
    }

    /// Pieces announced.
    async fn quantity(&self) -> i32 {
        self.row.quantity
    }

    /// Why.
    async fn reason(&self) -> Option<ServiceCaseReason> {
        self.row.reason.map(Into::into)
    }

    /// Why, as a code of the second level of `returnReasons`.
    async fn detail(&self) -> Option<&str> {
        self.row.detail.as_deref()
    }

    /// Why in words, in the language of `Accept-Language`.
    async fn reason_label(&self, ctx: &Context<'_>) -> Option<&'static str> {
        let reason = self.row.reason?;
        let detail = self.row.detail.as_deref().and_then(|code| reasons::find(reason, code)).map(|d| d.words);
        let words = detail.or_else(|| reasons::entry(reason).map(|entry| entry.words))?;
        Some(words.said(ctx.session().language))
    }

    /// Pieces that came; null before they were counted.
    async fn received(&self) -> Option<i32> {
        self.row.received
    }

    /// Pieces that were announced and did not come; null before they were counted.
    async fn missing(&self) -> Option<i32> {
        self.row.received.map(|received| self.row.quantity - received)
    }

    /// Pieces of another article that came.
    async fn wrong(&self) -> i32 {
        self.row.wrong
    }

    /// Pieces that meet the conditions; null before the inspection.
    async fn accepted(&self) -> Option<i32> {
        self.row.accepted
    }

    /// What they are like.
    async fn grade(&self) -> Option<GoodsGrade> {
        self.row.grade.map(Into::into)
    }

    /// What was found, in words.
    async fn finding(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        if !reads(ctx.actor()) {
            return Ok(None);
        }
        let place = Place { table: "return_lines", column: "finding", row: self.row.id.0 };
        Ok(ctx.session().open(self.row.unit_id, place, self.row.finding.as_ref()).await?)
    }

    /// Where they go.
    async fn disposition(&self) -> Option<GoodsDisposition> {
        self.row.disposition.map(Into::into)
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("return_lines", self.row.id.0), self.row.data_type, self.row.start_at)
    }
}
