//! Parcels in both directions: the proof of delivery (R07), which anchors withdrawal, warranty and returns.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CaseId, ids::OrderId, ids::ParcelId, ids::ReturnId, ids::UnitId};

crate::codes! {
    /// What a parcel is for.
    Purpose {
        /// The order, to the customer. The last one of an order anchors its periods (BGB § 356(2)).
        Order = "ORDER",
        /// Goods on their way back.
        Return = "RETURN",
        /// A replacement, or repaired goods, to the customer.
        Replacement = "REPLACEMENT",
        /// Goods that were not accepted, back to the customer (S36).
        SentBack = "SENT_BACK",
    }
}

crate::codes! {
    /// Where a parcel is. It only goes forward: a late "in transit" never undoes "delivered".
    State {
        /// Known, not yet moving.
        Announced = "ANNOUNCED",
        /// On its way.
        InTransit = "IN_TRANSIT",
        /// Lost by the carrier; if it turns up after all, it is delivered.
        Lost = "LOST",
        /// Handed over.
        Delivered = "DELIVERED",
    }
}

/// A parcel.
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
    /// The case that it belongs to; none for a parcel of the order itself.
    pub case_id: Option<CaseId>,
    /// The return that it carries.
    pub return_id: Option<ReturnId>,
    /// What it is for.
    pub purpose: Purpose,
    /// Where it is.
    pub state: State,
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
    const SUBJECT: Subject = Subject::Through(&[("order_id", "orders"), ("case_id", "cases")]);
    const TYPES: &'static [DataType] = &[DataType::R07];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::OrderId => Meaning::id("Order"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::CaseId => Meaning::id("Case"),
            Column::ReturnId => Meaning::id("Return"),
            Column::Purpose => Meaning::plain(Category::Contract, "Purpose"),
            Column::State => Meaning::plain(Category::Contract, "State"),
            Column::Carrier => Meaning::plain(Category::Contract, "Carrier"),
            Column::TrackingNumber => Meaning::sealed(Category::Contract, "Tracking number").identifying(),
            Column::DispatchedAt => Meaning::plain(Category::Contract, "Dispatched at"),
            Column::DeliveredAt => Meaning::plain(Category::Contract, "Delivered at"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
