//! Parcels in both directions: how they are written, found by the carrier's number, and what an arrival sets off.

use chrono::{DateTime, Utc};
use entity::ids::{CaseId, CustomerId, OrderId, ParcelId, ReturnId};
use entity::orders::{self, Entity};
use entity::parcels::{self, Model, Purpose, State};
use entity::{DataType, remedies};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _,
};

use super::register::NewParcel;
use crate::error::Result;
use crate::keys::lookup::{Entry, Kind};
use crate::keys::{Place, Unit, UnitOf};
use crate::retention::starts;
use crate::state::App;
use crate::{db, keys};

/// A parcel to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    /// Of which order the goods are.
    pub order: OrderId,
    /// Whose order.
    pub customer: CustomerId,
    /// The case and the return that it belongs to.
    pub part_of: (Option<CaseId>, Option<ReturnId>),
    /// What it is for.
    pub purpose: Purpose,
    /// Carrier code, upper case.
    pub carrier: &'a str,
    /// The carrier's number.
    pub number: &'a str,
    /// When it left, if it has.
    pub dispatched_at: Option<DateTime<Utc>>,
}

impl<'a> Sent<'a> {
    /// A parcel of the order itself.
    pub(crate) const fn of_order(order: OrderId, customer: CustomerId, parcel: &'a NewParcel) -> Self {
        Self {
            order,
            customer,
            part_of: (None, None),
            purpose: Purpose::Order,
            carrier: parcel.carrier.as_str(),
            number: parcel.tracking_number.as_str(),
            dispatched_at: parcel.dispatched_at,
        }
    }
}

/// The unit that seals the tracking numbers of an order; before the transaction, because keys come before rows.
///
/// # Errors
/// The key store fails.
pub(crate) async fn unit(app: &App, order: OrderId, customer: CustomerId, now: DateTime<Utc>) -> Result<Unit> {
    let of = UnitOf { owner: order.0, data_type: DataType::R07, year: 0, subject: Some(customer.0) };
    app.keys.ensure(of, now).await
}

/// Writes a parcel, and lets its number lead to it, so that the carrier's events find it.
///
/// # Errors
/// A store fails.
pub(crate) async fn insert(
    app: &App,
    tx: &DatabaseTransaction,
    unit: &Unit,
    sent: &Sent<'_>,
    now: DateTime<Utc>,
) -> Result<Model> {
    let id = ParcelId::new(now);
    let place = Place { table: "parcels", column: "tracking_number", row: id.0 };
    let (case_id, return_id) = sent.part_of;
    let start = match case_id {
        Some(case) => starts::parcel_sent(tx, case, now).await?,
        None => None,
    };
    let row = parcels::ActiveModel {
        id: Set(id),
        order_id: Set(sent.order),
        unit_id: Set(Some(unit.id)),
        case_id: Set(case_id),
        return_id: Set(return_id),
        purpose: Set(sent.purpose),
        state: Set(if sent.dispatched_at.is_some() { State::InTransit } else { State::Announced }),
        carrier: Set(sent.carrier.to_owned()),
        tracking_number: Set(Some(unit.key.seal(place, sent.number)?)),
        dispatched_at: Set(sent.dispatched_at),
        delivered_at: Set(None),
        version: Set(1),
        start_at: Set(start),
        not_before: Set(None),
    };
    let row = row.insert(tx).await?;
    // A number that leads to a parcel on its way goes on leading there; carriers give the others again.
    let taken = match look_up(app, sent.carrier, sent.number).await? {
        Some(other) => parcels::Entity::find_by_id(other).one(tx).await?.is_some_and(|p| !is_settled(p.state)),
        None => false,
    };
    if !taken {
        let text = text(sent.carrier, sent.number);
        let entry = Entry { kind: Kind::TrackingNumber, text: &text, target: id.0, subject: sent.customer.0 };
        app.keys.point(entry).await?;
    }
    Ok(row)
}

const fn is_settled(state: State) -> bool {
    matches!(state, State::Delivered | State::Lost)
}

/// The parcel that a carrier's number leads to, if it is known.
///
/// # Errors
/// The key store cannot be read.
pub(crate) async fn look_up(app: &App, carrier: &str, number: &str) -> Result<Option<ParcelId>> {
    Ok(app.keys.look_up(Kind::TrackingNumber, &text(carrier, number)).await?.map(ParcelId))
}

fn text(carrier: &str, number: &str) -> String {
    let number: String = number.split_whitespace().collect();
    format!("{carrier} {number}")
}

/// The parcel of an order, whatever it is for, that has this number. Numbers are sealed, so the few parcels are opened
/// and compared.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn of_order(
    db: &impl ConnectionTrait,
    order: OrderId,
    unit: &Unit,
    number: &str,
) -> Result<Option<Model>> {
    let all = parcels::Entity::find().filter(parcels::Column::OrderId.eq(order)).all(db).await?;
    Ok(all.into_iter().find(|p| {
        let place = Place { table: "parcels", column: "tracking_number", row: p.id.0 };
        let opened = p.tracking_number.as_ref().and_then(|sealed| unit.key.open(place, sealed));
        opened.as_ref().map(keys::Personal::as_str) == Some(number)
    }))
}

/// A parcel has arrived. The last one of an order delivers it (BGB § 356(2)); one with a remedy in it hands that over.
/// The order is locked by the caller.
///
/// # Errors
/// The database fails.
pub(crate) async fn arrive(tx: &DatabaseTransaction, parcel: Model, at: DateTime<Utc>) -> Result<Model> {
    let row = settle(tx, parcel, State::Delivered, at).await?;
    match row.purpose {
        Purpose::Order => complete(tx, row.order_id).await?,
        Purpose::Replacement => hand_over(tx, row.id, at).await?,
        Purpose::Return | Purpose::SentBack => {}
    }
    Ok(row)
}

/// A parcel is lost; if it turns up after all, it arrives.
///
/// # Errors
/// The database fails.
pub(crate) async fn lose(tx: &DatabaseTransaction, parcel: Model, at: DateTime<Utc>) -> Result<Model> {
    settle(tx, parcel, State::Lost, at).await
}

/// The end of a parcel starts its period (R07), and that of what its carrier reported (R08).
async fn settle(tx: &DatabaseTransaction, parcel: Model, state: State, at: DateTime<Utc>) -> Result<Model> {
    let version = parcel.version;
    let mut row: parcels::ActiveModel = parcel.into();
    row.state = Set(state);
    if state == State::Delivered {
        row.delivered_at = Set(Some(at));
    }
    row.start_at = Set(Some(at));
    row.version = Set(version + 1);
    let row = row.update(tx).await?;
    starts::parcel_settled(tx, row.id, at).await?;
    Ok(row)
}

/// When every parcel of the order itself is there, the order is delivered with the last of them.
async fn complete(tx: &DatabaseTransaction, order: OrderId) -> Result<()> {
    let of_order = parcels::Entity::find()
        .filter(parcels::Column::OrderId.eq(order))
        .filter(parcels::Column::Purpose.eq(Purpose::Order))
        .all(tx)
        .await?;
    if of_order.iter().any(|p| p.delivered_at.is_none()) {
        return Ok(());
    }
    let Some(last) = of_order.iter().filter_map(|p| p.delivered_at).max() else { return Ok(()) };
    let Some(order) = Entity::find_by_id(order).one(tx).await?.filter(|o| o.erased_at.is_none()) else { return Ok(()) };
    let (id, customer, version) = (order.id, order.customer_id, order.version);
    let mut row: orders::ActiveModel = order.into();
    row.delivered_at = Set(Some(last));
    row.version = Set(version + 1);
    row.update(tx).await?;
    starts::order_delivered(tx, id, customer, last).await
}

/// The customer has the mended or other goods: what runs from a new delivery runs (BGB § 475e(4)).
async fn hand_over(tx: &DatabaseTransaction, parcel: ParcelId, at: DateTime<Utc>) -> Result<()> {
    let carried = remedies::Entity::find()
        .filter(remedies::Column::ParcelId.eq(parcel))
        .filter(remedies::Column::State.eq(remedies::State::Shipped));
    for remedy in carried.all(tx).await? {
        let version = remedy.version;
        let mut row: remedies::ActiveModel = remedy.into();
        row.state = Set(remedies::State::Delivered);
        row.delivered_at = Set(Some(at));
        row.version = Set(version + 1);
        row.update(tx).await?;
    }
    Ok(())
}

/// Locks what an arrival changes.
///
/// # Errors
/// The database fails.
pub(crate) async fn lock(tx: &DatabaseTransaction, order: OrderId) -> Result<()> {
    Ok(db::lock(tx, "orders", order.0).await?)
}
