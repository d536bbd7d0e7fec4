//! Legal holds (R32): nothing of what they cover is deleted while they stand.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CaseId, ids::CustomerId, ids::HoldId, ids::OrderId, ids::StaffId, ids::UnitId};

crate::codes! {
    /// Why deletion is suspended (GDPR Art. 15, 17(3)).
    Reason {
        /// Establishment, exercise or defence of legal claims, Art. 17(3)(e).
        LegalClaim = "LEGAL_CLAIM",
        /// A tax whose assessment is still open, AO § 147(3) sentence 5.
        TaxAudit = "TAX_AUDIT",
        /// An authority has asked.
        AuthorityRequest = "AUTHORITY_REQUEST",
        /// The person's own request for access is open: nothing goes before it is answered (EDPB Guidelines 01/2022).
        AccessRequest = "ACCESS_REQUEST",
    }
}

/// A hold on exactly one of: a customer, an order or a case with all that hangs on it, or the records of one data type
/// whose period began in one calendar year (a tax whose assessment is open, AO § 147(3) sentence 5).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "holds")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HoldId,
    /// Customer held.
    pub customer_id: Option<CustomerId>,
    /// Order held.
    pub order_id: Option<OrderId>,
    /// Case held.
    pub case_id: Option<CaseId>,
    /// Data type held.
    pub data_type: Option<DataType>,
    /// Calendar year held (Europe/Berlin), in which the period of the data began.
    pub year: Option<i32>,
    /// First instant of that year, UTC.
    pub from_at: Option<DateTimeUtc>,
    /// First instant after it, UTC.
    pub to_at: Option<DateTimeUtc>,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Reason.
    pub reason: Reason,
    /// Note.
    pub note: Option<Sealed>,
    /// Placed at.
    pub placed_at: DateTimeUtc,
    /// Who, by id.
    pub placed_by: Option<StaffId>,
    /// The day by which it is reviewed; at most six months ahead.
    pub review_on: Date,
    /// Released at.
    pub released_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub released_by: Option<StaffId>,
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
    const TYPES: &'static [DataType] = &[DataType::R32];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer held"),
            Column::OrderId => Meaning::id("Order held"),
            Column::CaseId => Meaning::id("Case held"),
            Column::DataType | Column::Year | Column::FromAt | Column::ToAt => {
                Meaning::internal("holds everybody's data of a kind, not one person's")
            }
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Reason => Meaning::plain(Category::Operation, "Reason"),
            Column::Note => Meaning::sealed(Category::Operation, "Note"),
            Column::PlacedAt => Meaning::plain(Category::Operation, "Placed at"),
            Column::PlacedBy | Column::ReleasedBy => Meaning::staff(),
            Column::ReviewOn => Meaning::plain(Category::Operation, "Reviewed by"),
            Column::ReleasedAt => Meaning::plain(Category::Operation, "Released at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
