//! Dispute files (R19): conciliation or court, with the notice, the hold and the outcome.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CaseId, ids::CustomerId, ids::DisputeId, ids::HoldId, ids::StaffId, ids::UnitId};

crate::codes! {
    /// Where it stands.
    State {
        /// No agreement; nothing is pending yet.
        Open = "OPEN",
        /// Settled between the parties.
        Settled = "SETTLED",
        /// Before a conciliation board (VSBG).
        Conciliation = "CONCILIATION",
        /// Before a court.
        Court = "COURT",
        /// Ended for good.
        Closed = "CLOSED",
    }
}

crate::codes! {
    /// How it ended.
    Outcome {
        /// The parties agreed.
        Settlement = "SETTLEMENT",
        /// In favour of the customer.
        ForCustomer = "FOR_CUSTOMER",
        /// In favour of the shop.
        ForShop = "FOR_SHOP",
        /// Withdrawn.
        Withdrawn = "WITHDRAWN",
        /// Conciliation ended without agreement.
        NoAgreement = "NO_AGREEMENT",
    }
}

/// A dispute about a case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disputes")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DisputeId,
    /// Case.
    pub case_id: CaseId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// State.
    pub state: State,
    /// Outcome.
    pub outcome: Option<Outcome>,
    /// The board or court, as named.
    pub body: Option<Sealed>,
    /// Its file number.
    pub reference: Option<Sealed>,
    /// What it is about and how it ended.
    pub summary: Option<Sealed>,
    /// Opened at.
    pub opened_at: DateTimeUtc,
    /// Who, by id.
    pub opened_by: Option<StaffId>,
    /// Proceeding since.
    pub proceeding_at: Option<DateTimeUtc>,
    /// Closed at.
    pub closed_at: Option<DateTimeUtc>,
    /// First instant after which nothing can be claimed any more, as reckoned at the end (BGB § 204(2)).
    pub limitation_until: Option<DateTimeUtc>,
    /// The hold that it set.
    pub hold_id: Option<HoldId>,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R19];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::State => Meaning::plain(Category::Contract, "State"),
            Column::Outcome => Meaning::plain(Category::Contract, "Outcome"),
            Column::Body => Meaning::sealed(Category::Contract, "Before whom"),
            Column::Reference => Meaning::sealed(Category::Contract, "Reference"),
            Column::Summary => Meaning::sealed(Category::Communication, "Summary"),
            Column::OpenedAt => Meaning::plain(Category::Contract, "Opened at"),
            Column::OpenedBy => Meaning::staff(),
            Column::ProceedingAt => Meaning::plain(Category::Contract, "Proceeding since"),
            Column::ClosedAt => Meaning::plain(Category::Contract, "Closed at"),
            Column::LimitationUntil => Meaning::plain(Category::Contract, "Limitation until"),
            Column::HoldId => Meaning::internal("a hold is shown by itself"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
