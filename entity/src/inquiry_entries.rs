//! What was asked about a refund that did not arrive, and answered (R03; S61, S62).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, codes::ActorKind, ids::CaseId, ids::InquiryEntryId, ids::RefundId, ids::UnitId};

crate::codes! {
    /// With whom.
    Party {
        /// The customer.
        Customer = "CUSTOMER",
        /// The customer's bank.
        Bank = "BANK",
        /// The payment provider.
        Provider = "PROVIDER",
        /// Within the shop.
        Shop = "SHOP",
    }
}

/// An entry of the log of an inquiry.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inquiry_entries")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InquiryEntryId,
    /// Case.
    pub case_id: CaseId,
    /// Refund.
    pub refund_id: RefundId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// With whom.
    pub party: Party,
    /// Text.
    pub text: Option<Sealed>,
    /// Acquirer reference number, 23 digits, by which a bank finds the credit.
    pub arn: Option<Sealed>,
    /// When, UTC.
    pub at: DateTimeUtc,
    /// Author.
    pub author_kind: ActorKind,
    /// Who wrote it, by id.
    pub author_id: Option<uuid::Uuid>,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("refund_id", "refunds")]);
    const TYPES: &'static [DataType] = &[DataType::R03];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::RefundId => Meaning::id("Refund"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Party => Meaning::plain(Category::Communication, "With whom"),
            Column::Text => Meaning::sealed(Category::Communication, "Text"),
            Column::Arn => Meaning::sealed(Category::Payment, "ARN"),
            Column::At => Meaning::plain(Category::Communication, "At"),
            Column::AuthorKind => Meaning::plain(Category::Communication, "Author"),
            Column::AuthorId => Meaning::staff(),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
