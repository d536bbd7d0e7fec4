//! What recipients of personal data are told of its erasure (R30, GDPR Art. 19): by mail, or by a member of staff.

use sea_orm::entity::prelude::*;

use crate::disclosures::RecipientKind;
use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CustomerId, ids::ErasureId, ids::MailId, ids::NoticeId, ids::StaffId, ids::UnitId};

/// A notice to one recipient. It names references that the recipient was given, and nothing else of the person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recipient_notices")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NoticeId,
    /// The erasure.
    pub erasure_id: ErasureId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row.
    pub unit_id: Option<UnitId>,
    /// Recipient.
    pub recipient_kind: RecipientKind,
    /// Recipient's name, who is no consumer.
    pub recipient: String,
    /// The numbers that the recipient knows, a line each.
    pub reference: Option<Sealed>,
    /// The mail that tells it; none: no address is known, staff has to tell.
    pub mail_id: Option<MailId>,
    /// When it was due to be told.
    pub created_at: DateTimeUtc,
    /// When staff told it.
    pub told_at: Option<DateTimeUtc>,
    /// Who told it, by id.
    pub told_by: Option<StaffId>,
    /// When the recipient acknowledged it.
    pub acknowledged_at: Option<DateTimeUtc>,
    /// Who noted that, by id.
    pub acknowledged_by: Option<StaffId>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R30];
    const START: Option<Column> = Some(Column::CreatedAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::ErasureId => Meaning::id("Erasure"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::RecipientKind => Meaning::plain(Category::Operation, "Recipient"),
            Column::Recipient => Meaning::plain(Category::Operation, "Recipient's name"),
            Column::Reference => Meaning::sealed(Category::Contract, "References"),
            Column::MailId => Meaning::id("Mail"),
            Column::CreatedAt => Meaning::plain(Category::Operation, "Created at"),
            Column::ToldAt => Meaning::plain(Category::Operation, "Told at"),
            Column::AcknowledgedAt => Meaning::plain(Category::Operation, "Acknowledged at"),
            Column::ToldBy | Column::AcknowledgedBy => Meaning::staff(),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
