//! Plans of removal (R13): what a run would take at an instant, row by row, for somebody to look at before it happens.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::PlanId, ids::StaffId};

crate::codes! {
    /// Where a plan stands.
    State {
        /// It can be looked at and approved.
        Planned = "PLANNED",
        /// It is carried out by the next tick of its job.
        Approved = "APPROVED",
        /// It has been carried out.
        Executed = "EXECUTED",
        /// Nobody approved it within seven days.
        Expired = "EXPIRED",
        /// Somebody called it off; rows without an outcome were not touched.
        Cancelled = "CANCELLED",
    }
}

/// A plan. Counts, ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_plans")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanId,
    /// Where it stands.
    pub state: State,
    /// The instant that periods are measured against.
    pub due_at: DateTimeUtc,
    /// Made at.
    pub made_at: DateTimeUtc,
    /// Who, by id.
    pub made_by: Option<StaffId>,
    /// Approved at.
    pub approved_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub approved_by: Option<StaffId>,
    /// Carried out or expired at.
    pub finished_at: Option<DateTimeUtc>,
    /// How many rows it names.
    pub planned: i64,
    /// Counts per data type and table, as JSON.
    pub lines: String,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R13];
    const START: Option<Column> = Some(Column::FinishedAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::MadeBy | Column::ApprovedBy => Meaning::staff(),
            Column::Id
            | Column::State
            | Column::DueAt
            | Column::MadeAt
            | Column::ApprovedAt
            | Column::FinishedAt
            | Column::Planned
            | Column::Lines => Meaning::internal("counts, ids and codes only"),
        }
    }
}
