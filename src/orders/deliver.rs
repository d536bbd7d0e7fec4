//! A parcel has arrived. The last one of an order anchors withdrawal, warranty and retention (BGB § 356(2), § 438(2)).

use chrono::{DateTime, Utc};
use entity::ids::{OrderId, ParcelId};
use entity::orders::{self, Entity};
use entity::{DataType, parcels};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use super::register::{NewParcel, insert_parcel};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::lookup::Kind;
use crate::keys::{Place, Unit, UnitOf};
use crate::retention::starts;
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
    let subject = Some(order.ok_or_else(unknown)?.customer_id.0);
    let unit = app.keys.ensure(UnitOf { owner: id.0, data_type: DataType::R07, year: 0, subject }, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "parcelDeliver", key, &delivery).await? {
        Outcome::Replay(ids) => {
            let id = ParcelId(*ids.first().ok_or(Error::NotFound)?);
            return parcels::Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound);
        }
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "orders", id.0).await?;
    let order = Entity::find_by_id(id).one(&tx).await?.filter(|o| o.erased_at.is_none()).ok_or_else(unknown)?;
    let before = match find(&tx, id, &unit, &parcel.tracking_number).await? {
        Some(found) => found,
        None => insert_parcel(&tx, id, &unit, &parcel, now).await?,
    };
    let at = delivery.delivered_at;
    if before.delivered_at.is_some_and(|before| before != at) {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "deliveredAt"]);
        return Err(refusal.with("state", "DELIVERED").into());
    }
    let version = before.version;
    let mut row: parcels::ActiveModel = before.into();
    row.state = Set(parcels::State::Delivered);
    row.delivered_at = Set(Some(at));
    row.start_at = Set(Some(at));
    row.version = Set(version + 1);
    let row = row.update(&tx).await?;
    complete(&tx, order).await?;
    claim.done(&tx, now, &[row.id.0], None).await?;
    let details = json!({ "order": id, "deliveredAt": at });
    audit::record(&tx, now, actor, "parcel.deliver", ("parcels", Some(row.id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// Tracking numbers are sealed, so the few parcels of the order are opened and compared.
async fn find(tx: &DatabaseTransaction, order: OrderId, unit: &Unit, number: &str) -> Result<Option<parcels::Model>> {
    let of_order = parcels::Entity::find()
        .filter(parcels::Column::OrderId.eq(order))
        .filter(parcels::Column::Purpose.eq(parcels::Purpose::Order))
        .all(tx)
        .await?;
    Ok(of_order.into_iter().find(|p| {
        let place = Place { table: "parcels", column: "tracking_number", row: p.id.0 };
        let opened = p.tracking_number.as_ref().and_then(|sealed| unit.key.open(place, sealed));
        opened.is_some_and(|text| text.as_str() == number)
    }))
}

/// When every parcel is there, the order is delivered with the last of them.
async fn complete(tx: &DatabaseTransaction, order: orders::Model) -> Result<()> {
    let of_order = parcels::Entity::find()
        .filter(parcels::Column::OrderId.eq(order.id))
        .filter(parcels::Column::Purpose.eq(parcels::Purpose::Order))
        .all(tx)
        .await?;
    if of_order.iter().any(|p| p.delivered_at.is_none()) {
        return Ok(());
    }
    let Some(last) = of_order.iter().filter_map(|p| p.delivered_at).max() else { return Ok(()) };
    let (id, customer, version) = (order.id, order.customer_id, order.version);
    let mut row: orders::ActiveModel = order.into();
    row.delivered_at = Set(Some(last));
    row.version = Set(version + 1);
    row.update(tx).await?;
    starts::order_delivered(tx, id, customer, last).await
}
