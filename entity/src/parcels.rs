//! Parcels: the proof of delivery (R07), which anchors withdrawal and warranty.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::OrderId, ids::ParcelId, ids::UnitId};

/// A parcel of an order.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "parcels")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ParcelId,
    /// Order.
    pub order_id: OrderId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Carrier code, upper case.
    pub carrier: String,
    /// Tracking number.
    pub tracking_number: Option<Sealed>,
    /// Dispatched at.
    pub dispatched_at: Option<DateTimeUtc>,
    /// Delivered at.
    pub delivered_at: Option<DateTimeUtc>,
    /// Counts the changes of the decision state; guards concurrent updates.
    pub version: i64,
    /// When the retention period began; none while it has not.
    pub start_at: Option<DateTimeUtc>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("order_id", "orders")]);
    const TYPES: &'static [DataType] = &[DataType::R07];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::OrderId => Meaning::id("Order"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Carrier => Meaning::plain(Category::Contract, "Carrier"),
            Column::TrackingNumber => Meaning::sealed(Category::Contract, "Tracking number"),
            Column::DispatchedAt => Meaning::plain(Category::Contract, "Dispatched at"),
            Column::DeliveredAt => Meaning::plain(Category::Contract, "Delivered at"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
