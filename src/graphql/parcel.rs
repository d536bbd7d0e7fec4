//! Parcels in both directions, and what their carriers report.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::{carrier_events, parcels};

use super::codes::{CarrierStatus, ParcelPurpose, ParcelState};
use super::error::ApiResult;
use super::node;
use super::retention::{Retention, retention};
use super::returns::EventsOf;
use super::session::ContextExt as _;
use crate::error::Error;
use crate::keys::Place;

/// A parcel: of an order, or of a case about it.
pub struct Parcel(pub parcels::Model);

#[Object]
impl Parcel {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("Parcel", self.0.id.0)
    }

    /// What it is for.
    async fn purpose(&self) -> ParcelPurpose {
        self.0.purpose.into()
    }

    /// Where it is.
    async fn state(&self) -> ParcelState {
        self.0.state.into()
    }

    /// Carrier code.
    async fn carrier(&self) -> &str {
        &self.0.carrier
    }

    /// The carrier's number.
    async fn tracking_number(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "parcels", column: "tracking_number", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.tracking_number.as_ref()).await?)
    }

    /// When it left, UTC.
    async fn dispatched_at(&self) -> Option<DateTime<Utc>> {
        self.0.dispatched_at
    }

    /// When it was received, UTC.
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivered_at
    }

    /// What its carrier has reported, in order of receipt; for staff.
    async fn carrier_events(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<CarrierEvent>>> {
        if ctx.actor().staff().is_none() {
            return Ok(None);
        }
        let found = ctx.session().loaders.load_one(EventsOf(self.0.id)).await.map_err(Error::from)?;
        Ok(Some(found.unwrap_or_default().into_iter().map(CarrierEvent).collect()))
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("parcels", self.0.id.0), DataType::R07, self.0.start_at)
    }
}

/// An event of a parcel, as its carrier reported it.
pub struct CarrierEvent(carrier_events::Model);

#[Object]
impl CarrierEvent {
    /// What happened.
    async fn status(&self) -> CarrierStatus {
        self.0.status.into()
    }

    /// When it happened, UTC.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.0.occurred_at
    }

    /// When it was reported, UTC.
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// In the carrier's words.
    async fn detail(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "carrier_events", column: "detail", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.detail.as_ref()).await?)
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("carrier_events", self.0.id.0), DataType::R08, self.0.start_at)
    }
}
