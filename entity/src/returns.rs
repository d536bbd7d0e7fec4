//! Returns (R02a, R02b): what is to come back, what came, and what the inspection found.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CaseId, ids::CustomerId, ids::OrderId, ids::ReturnId, ids::StaffId, ids::UnitId};

crate::codes! {
    /// Where the goods are.
    State {
        /// The customer has been told how to send them.
        Instructed = "INSTRUCTED",
        /// Sent off, or scanned by a carrier.
        InTransit = "IN_TRANSIT",
        /// They never came, and the day to send them back by has passed.
        Expired = "EXPIRED",
        /// The carrier has lost them.
        Lost = "LOST",
        /// Here, counted.
        Received = "RECEIVED",
        /// On the bench.
        Inspecting = "INSPECTING",
        /// Inspected, with a result.
        Inspected = "INSPECTED",
    }
}

crate::codes! {
    /// Who pays for sending goods.
    Bearer {
        /// The customer.
        Customer = "CUSTOMER",
        /// The shop.
        Shop = "SHOP",
    }
}

/// A return authorisation with its receipt and inspection.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "returns")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReturnId,
    /// Case.
    pub case_id: CaseId,
    /// Order.
    pub order_id: OrderId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Which of its data types this row is.
    pub data_type: DataType,
    /// What stands on the parcel, such as `RA-2026-4F7K2M9`.
    pub number: String,
    /// State.
    pub state: State,
    /// Who pays for sending the goods back.
    pub bearer: Bearer,
    /// The address to send the goods to, a line per line.
    pub address: String,
    /// What to take care of (S27).
    pub notes: Option<Sealed>,
    /// Reference or drop-off code of the label, if the shop gives one.
    pub label: Option<Sealed>,
    /// Instructed at.
    pub instructed_at: DateTimeUtc,
    /// The first instant after the period for sending the goods back.
    pub return_by: DateTimeUtc,
    /// When the customer sent them; proved, it ends the right to withhold (BGB § 357(4)).
    pub dispatched_at: Option<DateTimeUtc>,
    /// What proves the dispatch: a receipt or tracking number.
    pub dispatch_proof: Option<Sealed>,
    /// Received at.
    pub received_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub received_by: Option<StaffId>,
    /// Inspected at.
    pub inspected_at: Option<DateTimeUtc>,
    /// The inspector, by id.
    pub inspected_by: Option<StaffId>,
    /// What the inspection found, as a whole (S30).
    pub finding: Option<Sealed>,
    /// When it led to a booking: from then on it is R02a.
    pub booked_at: Option<DateTimeUtc>,
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
    const TYPES: &'static [DataType] = &[DataType::R02a, DataType::R02b];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::OrderId => Meaning::id("Order"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::DataType => Meaning::internal("the kept-until date and its norm are exported"),
            Column::Number => Meaning::plain(Category::Contract, "Return number"),
            Column::State => Meaning::plain(Category::Contract, "State"),
            Column::Bearer => Meaning::plain(Category::Contract, "Carriage paid by"),
            Column::Address => Meaning::plain(Category::Contract, "Return address"),
            Column::Notes => Meaning::sealed(Category::Communication, "Notes"),
            Column::Label => Meaning::sealed(Category::Contract, "Label"),
            Column::InstructedAt => Meaning::plain(Category::Contract, "Instructed at"),
            Column::ReturnBy => Meaning::plain(Category::Contract, "Send back by"),
            Column::DispatchedAt => Meaning::plain(Category::Contract, "Dispatched at"),
            Column::DispatchProof => Meaning::sealed(Category::Contract, "Proof of dispatch"),
            Column::ReceivedAt => Meaning::plain(Category::Contract, "Received at"),
            Column::ReceivedBy => Meaning::staff(),
            Column::InspectedAt => Meaning::plain(Category::Contract, "Inspected at"),
            Column::InspectedBy => Meaning::staff(),
            Column::Finding => Meaning::sealed(Category::Contract, "Finding"),
            Column::BookedAt => Meaning::plain(Category::Contract, "Booked at"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
