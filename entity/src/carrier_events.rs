//! Raw events of carriers (R08): kept as they came, deduplicated.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::EntryId, ids::ParcelId, ids::UnitId};

crate::codes! {
    /// What happened.
    Status {
        /// The carrier knows of it.
        Announced = "ANNOUNCED",
        /// On its way.
        InTransit = "IN_TRANSIT",
        /// In the delivery vehicle.
        OutForDelivery = "OUT_FOR_DELIVERY",
        /// Delivered.
        Delivered = "DELIVERED",
        /// Delayed, damaged, refused; a person has to look.
        Exception = "EXCEPTION",
        /// Lost.
        Lost = "LOST",
    }
}

/// An event of a parcel, as its carrier reported it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "carrier_events")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Parcel.
    pub parcel_id: ParcelId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Keyed hash of carrier and event id: the same event comes once.
    pub dedup_key: Vec<u8>,
    /// Status.
    pub status: Status,
    /// Occurred at.
    pub occurred_at: DateTimeUtc,
    /// Received at.
    pub received_at: DateTimeUtc,
    /// Place, neighbour or signature, as the carrier words it.
    pub detail: Option<Sealed>,
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
    const SUBJECT: Subject = Subject::Through(&[("parcel_id", "parcels")]);
    const TYPES: &'static [DataType] = &[DataType::R08];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::ParcelId => Meaning::id("Parcel"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::DedupKey => Meaning::internal("recognises an event that comes twice"),
            Column::Status => Meaning::plain(Category::Contract, "Status"),
            Column::OccurredAt => Meaning::plain(Category::Contract, "Occurred at"),
            Column::ReceivedAt => Meaning::plain(Category::Contract, "Received at"),
            Column::Detail => Meaning::sealed(Category::Contract, "Detail"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
