//! Tasks for staff (R26): what somebody has to look at.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, ids::CaseId, ids::StaffId, ids::TaskId, ids::TimerId};

crate::codes! {
    /// What is to be done.
    Kind {
        /// A promise was not kept: answer, decide, or tell the customer.
        DeadlineMissed = "DEADLINE_MISSED",
        /// A refund was not credited in the expected time: ask the bank (S61, S62).
        RefundNotCredited = "REFUND_NOT_CREDITED",
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    /// Case.
    pub case_id: CaseId,
    /// The timer that filed it.
    pub timer_id: Option<TimerId>,
    /// What is to be done.
    pub kind: Kind,
    /// Filed at.
    pub created_at: DateTimeUtc,
    /// Done at.
    pub done_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub done_by: Option<StaffId>,
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
            Column::TimerId => Meaning::id("Timer"),
            Column::Kind => Meaning::plain(Category::Operation, "Task"),
            Column::CreatedAt => Meaning::plain(Category::Operation, "Filed at"),
            Column::DoneAt => Meaning::plain(Category::Operation, "Done at"),
            Column::DoneBy => Meaning::staff(),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
