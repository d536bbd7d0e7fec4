//! Lines of a return (R02a, R02b): announced, received, inspected, disposed of.

use sea_orm::entity::prelude::*;

use crate::cases::Reason;
use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::OrderLineId, ids::ReturnId, ids::ReturnLineId, ids::UnitId};

crate::codes! {
    /// What the goods are like.
    Grade {
        /// As new.
        New = "NEW",
        /// Opened, no trace of use.
        Opened = "OPENED",
        /// Used beyond what testing needs (BGB § 357a(1)).
        Used = "USED",
        /// Defective.
        Defective = "DEFECTIVE",
        /// Beyond use.
        Unusable = "UNUSABLE",
    }
}

crate::codes! {
    /// Where the goods go (F24).
    Disposition {
        /// Back to the shelf.
        Restock = "RESTOCK",
        /// To be repaired and sold as such.
        Refurbish = "REFURBISH",
        /// To be destroyed.
        Destroy = "DESTROY",
        /// Back to the customer.
        SendBack = "SEND_BACK",
        /// To the supplier.
        ToSupplier = "TO_SUPPLIER",
    }
}

/// A line of a return.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "return_lines")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReturnLineId,
    /// Return.
    pub return_id: ReturnId,
    /// Order line.
    pub order_line_id: OrderLineId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Which of its data types this row is.
    pub data_type: DataType,
    /// Pieces announced.
    pub quantity: i32,
    /// Reason.
    pub reason: Option<Reason>,
    /// Code of the second level of the catalogue of reasons.
    pub detail: Option<String>,
    /// Pieces that came; fewer are missing.
    pub received: Option<i32>,
    /// Pieces that came and are another article.
    pub wrong: i32,
    /// Pieces that the inspection found to meet the conditions.
    pub accepted: Option<i32>,
    /// Grade.
    pub grade: Option<Grade>,
    /// Finding.
    pub finding: Option<Sealed>,
    /// Disposition.
    pub disposition: Option<Disposition>,
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
    const SUBJECT: Subject = Subject::Through(&[("return_id", "returns")]);
    const TYPES: &'static [DataType] = &[DataType::R02a, DataType::R02b];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::ReturnId => Meaning::id("Return"),
            Column::OrderLineId => Meaning::id("Order line"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::DataType => Meaning::internal("the kept-until date and its norm are exported"),
            Column::Quantity => Meaning::plain(Category::Contract, "Quantity"),
            Column::Reason => Meaning::plain(Category::Contract, "Reason"),
            Column::Detail => Meaning::plain(Category::Contract, "Reason in detail"),
            Column::Received => Meaning::plain(Category::Contract, "Received"),
            Column::Wrong => Meaning::plain(Category::Contract, "Wrong article"),
            Column::Accepted => Meaning::plain(Category::Contract, "Accepted"),
            Column::Grade => Meaning::plain(Category::Contract, "Grade"),
            Column::Finding => Meaning::sealed(Category::Contract, "Finding"),
            Column::Disposition => Meaning::plain(Category::Contract, "Disposition"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
