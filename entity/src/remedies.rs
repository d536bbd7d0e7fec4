//! Remedies in kind (R02a): repair, replacement, exchange for another variant. Money is a refund.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{
    DataType, Sealed, ids::CaseId, ids::CustomerId, ids::OrderId, ids::OrderLineId, ids::ParcelId, ids::RemedyId,
    ids::StaffId, ids::UnitId,
};

crate::codes! {
    /// What the customer gets (BGB §§ 437, 439(1)).
    Kind {
        /// The same goods, mended.
        Repair = "REPAIR",
        /// The same article anew.
        Replacement = "REPLACEMENT",
        /// Another variant.
        Exchange = "EXCHANGE",
    }
}

crate::codes! {
    /// Where it stands.
    State {
        /// Arranged.
        Ordered = "ORDERED",
        /// Sent to the customer.
        Shipped = "SHIPPED",
        /// Handed over: what runs from a new delivery runs (BGB § 475e(4)).
        Delivered = "DELIVERED",
        /// Called off before it was sent.
        Cancelled = "CANCELLED",
    }
}

/// A remedy in kind and its way to the customer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "remedies")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RemedyId,
    /// Case.
    pub case_id: CaseId,
    /// Order.
    pub order_id: OrderId,
    /// Customer.
    pub customer_id: CustomerId,
    /// Order line.
    pub order_line_id: OrderLineId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Kind.
    pub kind: Kind,
    /// State.
    pub state: State,
    /// Quantity.
    pub quantity: i32,
    /// Article number of the other variant, in an exchange.
    pub sku: Option<String>,
    /// What the other variant is.
    pub title: Option<Sealed>,
    /// Minor units; above zero the customer would owe it. Never charged by itself (F26).
    pub price_difference_minor: Option<i64>,
    /// ISO 4217 code of the difference.
    pub currency: Option<String>,
    /// When a person noted that the difference was agreed and settled outside.
    pub difference_settled_at: Option<DateTimeUtc>,
    /// Parcel.
    pub parcel_id: Option<ParcelId>,
    /// Ordered at.
    pub ordered_at: DateTimeUtc,
    /// Who, by id.
    pub ordered_by: Option<StaffId>,
    /// Shipped at.
    pub shipped_at: Option<DateTimeUtc>,
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
    const SUBJECT: Subject =
        Subject::Through(&[("case_id", "cases"), ("order_id", "orders"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R02a];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::OrderId => Meaning::id("Order"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::OrderLineId => Meaning::id("Order line"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Kind => Meaning::plain(Category::Contract, "Kind"),
            Column::State => Meaning::plain(Category::Contract, "State"),
            Column::Quantity => Meaning::plain(Category::Contract, "Quantity"),
            Column::Sku => Meaning::plain(Category::Contract, "Article"),
            Column::Title => Meaning::sealed(Category::Contract, "Article name"),
            Column::PriceDifferenceMinor => Meaning::plain(Category::Contract, "Price difference"),
            Column::Currency => Meaning::plain(Category::Contract, "Currency"),
            Column::DifferenceSettledAt => Meaning::plain(Category::Contract, "Difference settled at"),
            Column::ParcelId => Meaning::id("Parcel"),
            Column::OrderedAt => Meaning::plain(Category::Contract, "Ordered at"),
            Column::OrderedBy => Meaning::staff(),
            Column::ShippedAt => Meaning::plain(Category::Contract, "Shipped at"),
            Column::DeliveredAt => Meaning::plain(Category::Contract, "Delivered at"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
