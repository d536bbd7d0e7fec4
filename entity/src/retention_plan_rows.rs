//! The rows that a plan of removal names, as they were when it was made: opaque ids, gone after a week (R28).

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::EntryId, ids::PlanId};

crate::codes! {
    /// What became of a planned row.
    Outcome {
        /// Deleted.
        Deleted = "DELETED",
        /// Counted without ids, then deleted or left as a bare id.
        Anonymised = "ANONYMISED",
        /// Dropped out: a hold covers it.
        Held = "HELD",
        /// Dropped out: its processing is restricted.
        Restricted = "RESTRICTED",
        /// Dropped out: work runs on it.
        Open = "OPEN",
        /// Dropped out: its period is not over, by the rule that is now in force.
        NotDue = "NOT_DUE",
        /// Dropped out: it has changed since the plan was made.
        Changed = "CHANGED",
        /// Dropped out: it has gone otherwise.
        Gone = "GONE",
    }
}

/// A planned row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_plan_rows")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// The plan.
    pub plan_id: PlanId,
    /// Its place in the plan: children before parents.
    pub position: i64,
    /// Its table.
    pub table_name: String,
    /// Its id there.
    pub row_id: Uuid,
    /// Its data type.
    pub data_type: DataType,
    /// The version of the rule that it is due by.
    pub rule_version: i32,
    /// When its period began.
    pub row_start: DateTimeUtc,
    /// Its version, where the table counts changes.
    pub row_version: Option<i64>,
    /// What became of it; none before the plan is carried out.
    pub outcome: Option<Outcome>,
    /// Made at.
    pub made_at: DateTimeUtc,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R28];
    const START: Option<Column> = Some(Column::MadeAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id
            | Column::PlanId
            | Column::Position
            | Column::TableName
            | Column::RowId
            | Column::DataType
            | Column::RuleVersion
            | Column::RowStart
            | Column::RowVersion
            | Column::Outcome
            | Column::MadeAt => Meaning::internal("opaque ids and codes, for a week"),
        }
    }
}
