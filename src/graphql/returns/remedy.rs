//! Remedies in kind: repair, replacement, exchange. Money is a refund.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CaseId, RemedyId};
use entity::remedies::{Model, State};

use super::ParcelsOfCase;
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::graphql::codes::{RemedyKind, RemedyState};
use crate::graphql::error::{ApiResult, UserError, authorised, outcome};
use crate::graphql::loaders::LinesOf;
use crate::graphql::node;
use crate::graphql::order::OrderLine;
use crate::graphql::parcel::Parcel;
use crate::graphql::retention::{AvailableAction, Retention, retention};
use crate::graphql::scalars::{Money, MoneyInput};
use crate::graphql::session::ContextExt as _;
use crate::returns::remedy::place;
use crate::returns::{self, NewRemedy, Shipment};

/// A remedy in kind, and its way to the customer.
pub struct RemedyInKind(pub Model);

#[Object]
impl RemedyInKind {
    /// The opaque id.
    pub(in crate::graphql) async fn id(&self) -> ID {
        node::id("RemedyInKind", self.0.id.0)
    }

    /// What the customer gets.
    async fn kind(&self) -> RemedyKind {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> RemedyState {
        self.0.state.into()
    }

    /// Pieces.
    async fn quantity(&self) -> i32 {
        self.0.quantity
    }

    /// The line of the order; null once the order has been erased.
    async fn order_line(&self, ctx: &Context<'_>) -> ApiResult<Option<OrderLine>> {
        let loaders = &ctx.session().loaders;
        let Some(order) = loaders.load_one(self.0.order_id).await.map_err(Error::from)? else { return Ok(None) };
        let lines = loaders.load_one(LinesOf(order.id)).await.map_err(Error::from)?.unwrap_or_default();
        let row = lines.into_iter().find(|line| line.id == self.0.order_line_id);
        Ok(row.map(|row| OrderLine { row, order: Arc::new(order) }))
    }

    /// Article number of the other variant, in an exchange.
    async fn sku(&self) -> Option<&str> {
        self.0.sku.as_deref()
    }

    /// What the other variant is.
    async fn title(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        Ok(ctx.session().open(self.0.unit_id, place(self.0.id), self.0.title.as_ref()).await?)
    }

    /// What the other variant costs more (above zero) or less. It is noted and never charged by itself.
    async fn price_difference(&self) -> Option<Money> {
        Some(Money::new(self.0.price_difference_minor?, self.0.currency.clone()?))
    }

    /// When somebody noted that the difference was settled, UTC.
    async fn difference_settled_at(&self) -> Option<DateTime<Utc>> {
        self.0.difference_settled_at
    }

    /// The parcel that brings it; null before it was sent.
    async fn parcel(&self, ctx: &Context<'_>) -> ApiResult<Option<Parcel>> {
        let found = ctx.session().loaders.load_one(ParcelsOfCase(self.0.case_id)).await.map_err(Error::from)?;
        let own = found.unwrap_or_default().into_iter().find(|p| Some(p.id) == self.0.parcel_id);
        Ok(own.map(Parcel))
    }

    /// When it was arranged, UTC.
    async fn ordered_at(&self) -> DateTime<Utc> {
        self.0.ordered_at
    }

    /// When it was sent, UTC.
    async fn shipped_at(&self) -> Option<DateTime<Utc>> {
        self.0.shipped_at
    }

    /// When the customer had it, UTC.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivered_at
    }

    /// Counts the changes; send it back as `expectedVersion`.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The mutations that could be called on it, and why one could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<AvailableAction> {
        let lacks = |permission| (!ctx.actor().may(permission), "ROLE");
        let sent = (self.0.state != State::Ordered, "STATE");
        let settled = self.0.price_difference_minor.is_none()
            || self.0.difference_settled_at.is_some()
            || self.0.state == State::Cancelled;
        let action = AvailableAction::unless;
        vec![
            action("remedyShip", &[lacks(Permission::HandleGoods), sent]),
            action("remedyCancel", &[lacks(Permission::Decide), sent]),
            action("remedyDifferenceSettle", &[lacks(Permission::Decide), (settled, "STATE")]),
        ]
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("remedies", self.0.id.0), DataType::R02a, self.0.start_at)
    }
}

/// A remedy to be arranged.
#[derive(InputObject)]
pub struct RemedyArrangeInput {
    /// The case, decided in the customer's favour.
    case_id: ID,
    /// What the customer gets.
    kind: RemedyKind,
    /// Position in the order, from 1.
    position: i32,
    /// Pieces, above zero, no more than were accepted.
    quantity: i32,
    /// Article number of the other variant; for an exchange.
    sku: Option<String>,
    /// What the other variant is; for an exchange.
    title: Option<String>,
    /// What the other variant costs more (above zero) or less, in the currency of the order. It is noted, never charged.
    price_difference: Option<MoneyInput>,
    /// The version of the case that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The parcel that brings a remedy.
#[derive(InputObject)]
pub struct RemedyShipInput {
    /// The remedy.
    remedy_id: ID,
    /// Carrier code.
    carrier: String,
    /// The carrier's number.
    tracking_number: String,
    /// The version of the remedy.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A step of a remedy without further facts.
#[derive(InputObject)]
pub struct RemedyStepInput {
    /// The remedy.
    remedy_id: ID,
    /// The version of the remedy.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The remedy after the mutation.
#[derive(SimpleObject)]
pub struct RemedyPayload {
    /// The remedy; null if it was refused.
    remedy: Option<RemedyInKind>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn payload(ctx: &Context<'_>, done: Result<Model>) -> ApiResult<RemedyPayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    Ok(RemedyPayload { remedy: row.map(RemedyInKind), user_errors })
}

fn id_of(id: &ID) -> Result<RemedyId> {
    Ok(RemedyId(node::input("RemedyInKind", id, &["input", "remedyId"])?))
}

/// Changing remedies.
#[derive(Default)]
pub struct RemedyMutation;

#[Object]
impl RemedyMutation {
    /// Arranges a repair, a replacement or an exchange.
    async fn remedy_arrange(&self, ctx: &Context<'_>, input: RemedyArrangeInput) -> ApiResult<RemedyPayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let new = NewRemedy {
                kind: input.kind.into(),
                position: input.position,
                quantity: input.quantity,
                sku: input.sku,
                title: input.title,
                price_difference: input.price_difference.map(|d| (d.amount_minor.0, d.currency)),
                expected_version: input.expected_version,
            };
            returns::arrange(ctx.app(), ctx.actor(), id, new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await)
    }

    /// Sends an arranged remedy to the customer.
    async fn remedy_ship(&self, ctx: &Context<'_>, input: RemedyShipInput) -> ApiResult<RemedyPayload> {
        let done = async {
            let id = id_of(&input.remedy_id)?;
            let shipment = Shipment { carrier: input.carrier, tracking_number: input.tracking_number };
            let key = &input.idempotency_key;
            returns::ship(ctx.app(), ctx.actor(), id, shipment, input.expected_version, key).await
        };
        payload(ctx, authorised(ctx, Permission::HandleGoods, done).await)
    }

    /// Calls off a remedy that was not sent.
    async fn remedy_cancel(&self, ctx: &Context<'_>, input: RemedyStepInput) -> ApiResult<RemedyPayload> {
        let done = async {
            let id = id_of(&input.remedy_id)?;
            returns::cancel(ctx.app(), ctx.actor(), id, input.expected_version, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await)
    }

    /// Notes that the price difference of an exchange was agreed and settled outside.
    async fn remedy_difference_settle(&self, ctx: &Context<'_>, input: RemedyStepInput) -> ApiResult<RemedyPayload> {
        let done = async {
            let id = id_of(&input.remedy_id)?;
            let key = &input.idempotency_key;
            returns::settle_difference(ctx.app(), ctx.actor(), id, input.expected_version, key).await
        };
        payload(ctx, authorised(ctx, Permission::Decide, done).await)
    }
}
