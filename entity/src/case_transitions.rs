//! The way of a case through its states (R26): one row per transition, appended, never changed.

use sea_orm::entity::prelude::*;

use crate::cases::State;
use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, codes::ActorKind, ids::CaseId, ids::TransitionId};

/// A transition.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_transitions")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TransitionId,
    /// Case.
    pub case_id: CaseId,
    /// Counts the steps of a case: its version once the step is done.
    pub position: i64,
    /// Where it stood; none before its receipt.
    pub from_state: Option<State>,
    /// Where it stands from then on.
    pub to_state: State,
    /// When, UTC.
    pub at: DateTimeUtc,
    /// What kind of actor did it.
    pub actor_kind: ActorKind,
    /// Who, by id.
    pub actor_id: Option<uuid::Uuid>,
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
    const TYPES: &'static [DataType] = &[DataType::R26];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::Position => Meaning::internal("the order of what is shown"),
            Column::FromState => Meaning::plain(Category::Operation, "From"),
            Column::ToState => Meaning::plain(Category::Operation, "To"),
            Column::At => Meaning::plain(Category::Operation, "At"),
            Column::ActorKind => Meaning::plain(Category::Operation, "By whom"),
            Column::ActorId => Meaning::staff(),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
