//! A parcel has arrived. The last one of an order anchors withdrawal, warranty and retention (BGB § 356(2), § 438(2)).

use chrono::{DateTime, Utc};
use entity::ids::{OrderId, ParcelId};
use entity::orders::Entity;
use entity::parcels;
use sea_orm::EntityTrait as _;
use serde::Serialize;
use serde_json::json;

use super::register::NewParcel;
use super::track::{self, Sent};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::lookup::Kind;
use crate::state::App;
use crate::{audit, db, input};

/// A delivery as the shop's backend reports it.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// The shop's order number.
    pub order_number: String,
    /// Carrier code.
    pub carrier: String,
    /// The carrier's number; an unknown one is a further parcel of the order.
    pub tracking_number: String,
    /// When the consumer received it.
    pub delivered_at: DateTime<Utc>,
}

/// Records a delivery.
///
/// # Errors
/// Refused: an unknown order, an instant in the future, a parcel that was delivered at another instant.
pub async fn deliver(app: &App, actor: &Actor, delivery: Delivery, key: &str) -> Result<parcels::Model> {
    actor.require(Permission::RunShop)?;
    let number = input::identifier(&delivery.order_number, &["input", "orderNumber"], 80)?;
    let parcel = NewParcel {
        carrier: input::code(&delivery.carrier, &["input", "carrier"])?,
        tracking_number: input::identifier(&delivery.tracking_number, &["input", "trackingNumber"], 80)?,
        dispatched_at: None,
    };
    let unknown = || Error::from(Refusal::at(Code::NotFound, &["input", "orderNumber"]));
    let now = app.clock.now();
    input::instant(delivery.delivered_at, &["input", "deliveredAt"], now)?;
    if super::register::is_erased(app, app.db.read(), &number).await? {
        return Err(Refusal::at(Code::Erased, &["input", "orderNumber"]).into());
    }
    let id = app.keys.look_up(Kind::OrderNumber, &number).await?.map(OrderId).ok_or_else(unknown)?;
    let order = Entity::find_by_id(id).one(app.db.read()).await?.filter(|o| o.erased_at.is_none());
    let customer = order.ok_or_else(unknown)?.customer_id;
    let unit = track::unit(app, id, customer, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "parcelDeliver", key, &delivery).await? {
        Outcome::Replay(ids) => {
            let id = ParcelId(*ids.first().ok_or(Error::NotFound)?);
            return parcels::Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound);
        }
        Outcome::First(claim) => claim,
    };
    // The person first, as the door does: with the last parcel a period of theirs may begin.
    db::lock(&tx, "customers", customer.0).await?;
    db::lock(&tx, "orders", id.0).await?;
    let order = Entity::find_by_id(id).one(&tx).await?.filter(|o| o.erased_at.is_none()).ok_or_else(unknown)?;
    let before = match track::of_order(&tx, id, &unit, &parcel.tracking_number).await? {
        Some(found) => found,
        None => track::insert(app, &tx, &unit, &Sent::of_order(id, order.customer_id, &parcel), now).await?,
    };
    let at = delivery.delivered_at;
    if before.delivered_at.is_some_and(|before| before != at) {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "deliveredAt"]);
        return Err(refusal.with("state", "DELIVERED").into());
    }
    let row = track::arrive(&tx, before, at).await?;
    claim.done(&tx, now, &[row.id.0], None).await?;
    let details = json!({ "order": id, "deliveredAt": at });
    audit::record(&tx, now, actor, "parcel.deliver", ("parcels", Some(row.id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
