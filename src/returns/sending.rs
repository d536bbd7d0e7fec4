//! Goods that leave for the customer or come back from one: carrier, number, and who learned of it.

use chrono::{DateTime, Utc};
use entity::ids::{DisclosureId, ReturnId};
use entity::parcels::{self, Purpose};
use entity::{cases, disclosures, orders};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction};
use serde::Serialize;

use crate::auth::Actor;
use crate::error::Result;
use crate::input;
use crate::keys::Unit;
use crate::orders::track::{self, Sent};
use crate::state::App;

/// How a parcel travels.
#[derive(Clone, Debug, Serialize)]
pub struct Shipment {
    /// Carrier code.
    pub carrier: String,
    /// The carrier's number.
    pub tracking_number: String,
}

impl Shipment {
    /// Checks its form.
    pub(super) fn checked(&self) -> Result<Self> {
        Ok(Self {
            carrier: input::code(&self.carrier, &["input", "carrier"])?,
            tracking_number: input::identifier(&self.tracking_number, &["input", "trackingNumber"], 80)?,
        })
    }

    /// Writes the parcel, on its way since `at`.
    pub(super) async fn send(
        &self,
        app: &App,
        tx: &DatabaseTransaction,
        unit: &Unit,
        case: &cases::Model,
        (order, of, purpose): (&orders::Model, Option<ReturnId>, Purpose),
        at: DateTime<Utc>,
    ) -> Result<parcels::Model> {
        let sent = Sent {
            order: order.id,
            customer: case.customer_id,
            part_of: (Some(case.id), of),
            purpose,
            carrier: &self.carrier,
            number: &self.tracking_number,
            dispatched_at: Some(at),
        };
        track::insert(app, tx, unit, &sent, app.clock.now()).await
    }
}

/// A carrier gets name and address (GDPR Art. 15(1)(c), R30).
pub(super) async fn disclose(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: &cases::Model,
    carrier: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = disclosures::ActiveModel {
        id: Set(DisclosureId::new(now)),
        case_id: Set(Some(case.id)),
        customer_id: Set(case.customer_id),
        recipient_kind: Set(disclosures::RecipientKind::Carrier),
        recipient: Set(carrier.to_owned()),
        purpose: Set(disclosures::Purpose::Delivery),
        what: Set("NAME, ADDRESS".to_owned()),
        at: Set(now),
        by_staff: Set(actor.staff()),
        notice_id: Set(None),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}
