//! Consents (R10), such as to another way of payment (BGB § 357(3)).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{
    DataType, Sealed, codes::ActorKind, ids::CaseId, ids::ConsentId, ids::CustomerId, ids::RefundId, ids::StaffId,
    ids::UnitId,
};

crate::codes! {
    /// To what.
    Kind {
        /// A refund by other means than the payment, at no cost (BGB § 357(3)).
        OtherPaymentMeans = "OTHER_PAYMENT_MEANS",
        /// To be called.
        ContactByPhone = "CONTACT_BY_PHONE",
    }
}

/// A consent that a person has given.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConsentId,
    /// Customer.
    pub customer_id: CustomerId,
    /// Case.
    pub case_id: Option<CaseId>,
    /// Refund.
    pub refund_id: Option<RefundId>,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Kind.
    pub kind: Kind,
    /// What was agreed to, in words.
    pub text: Option<Sealed>,
    /// Given at.
    pub given_at: DateTimeUtc,
    /// Withdrawn at.
    pub withdrawn_at: Option<DateTimeUtc>,
    /// Recorded by.
    pub recorded_by: ActorKind,
    /// Who, by id.
    pub recorded_by_id: Option<StaffId>,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R10];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::CaseId => Meaning::id("Case"),
            Column::RefundId => Meaning::id("Refund"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Kind => Meaning::plain(Category::Contract, "Kind"),
            Column::Text => Meaning::sealed(Category::Communication, "Text"),
            Column::GivenAt => Meaning::plain(Category::Contract, "Given at"),
            Column::WithdrawnAt => Meaning::plain(Category::Contract, "Withdrawn at"),
            Column::RecordedBy => Meaning::plain(Category::Contract, "Recorded by"),
            Column::RecordedById => Meaning::staff(),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
