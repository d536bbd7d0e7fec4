//! Statements of withdrawal (R05): received is received; nothing later undoes one (BGB §§ 355, 356a).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{
    DataType, Sealed, ids::CaseId, ids::CustomerId, ids::MailId, ids::OrderId, ids::UnitId, ids::WithdrawalId,
};

/// A statement of withdrawal. Its content is never changed; what became of it stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "withdrawals")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WithdrawalId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The order that it was matched with; none while it has not been.
    pub order_id: Option<OrderId>,
    /// The case that follows from it.
    pub case_id: Option<CaseId>,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Who declares it.
    pub name: Option<Sealed>,
    /// What identifies the contract, as it was entered.
    pub contract: Option<Sealed>,
    /// The e-mail address for the acknowledgement.
    pub receipt_to: Option<Sealed>,
    /// The declaration in full, as it was confirmed.
    pub statement: Option<Sealed>,
    /// When it was received, UTC: the instant that counts (BGB § 355(3)).
    pub received_at: DateTimeUtc,
    /// When the consumer had sent it, where it came by letter or was noted later (BGB § 355(1) sentence 5).
    pub dispatched_at: Option<DateTimeUtc>,
    /// The acknowledgement.
    pub receipt_id: Option<MailId>,
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
    const TYPES: &'static [DataType] = &[DataType::R05];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::OrderId => Meaning::id("Order"),
            Column::CaseId => Meaning::id("Case"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Name => Meaning::sealed(Category::Identity, "Name"),
            Column::Contract => Meaning::sealed(Category::Contract, "Contract"),
            Column::ReceiptTo => Meaning::sealed(Category::Contact, "Receipt to"),
            Column::Statement => Meaning::sealed(Category::Contract, "Statement"),
            Column::ReceivedAt => Meaning::plain(Category::Contract, "Received at"),
            Column::DispatchedAt => Meaning::plain(Category::Contract, "Dispatched at"),
            Column::ReceiptId => Meaning::id("Receipt"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
