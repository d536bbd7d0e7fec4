//! Amicable proposals (R03; S44, S78): offered, accepted or declined.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, codes::ActorKind, ids::CaseId, ids::ProposalId, ids::UnitId};

crate::codes! {
    /// Where it stands.
    State {
        /// Made.
        Offered = "OFFERED",
        /// Agreed.
        Accepted = "ACCEPTED",
        /// Not agreed.
        Declined = "DECLINED",
    }
}

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proposals")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProposalId,
    /// Case.
    pub case_id: CaseId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// State.
    pub state: State,
    /// Text.
    pub text: Option<Sealed>,
    /// Minor units, where money is offered.
    pub amount_minor: Option<i64>,
    /// Currency.
    pub currency: Option<String>,
    /// Offered by.
    pub offered_by: ActorKind,
    /// Who, by id.
    pub offered_by_id: Option<uuid::Uuid>,
    /// Offered at.
    pub offered_at: DateTimeUtc,
    /// Answered at.
    pub answered_at: Option<DateTimeUtc>,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases")]);
    const TYPES: &'static [DataType] = &[DataType::R03];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::State => Meaning::plain(Category::Communication, "State"),
            Column::Text => Meaning::sealed(Category::Communication, "Text"),
            Column::AmountMinor => Meaning::plain(Category::Payment, "Amount"),
            Column::Currency => Meaning::plain(Category::Payment, "Currency"),
            Column::OfferedBy => Meaning::plain(Category::Communication, "Offered by"),
            Column::OfferedById => Meaning::staff(),
            Column::OfferedAt => Meaning::plain(Category::Communication, "Offered at"),
            Column::AnsweredAt => Meaning::plain(Category::Communication, "Answered at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
