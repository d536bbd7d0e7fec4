//! Runs of the sweep (R13): how far they have come, and why they stopped.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::PlanId, ids::RunId, ids::StaffId};

crate::codes! {
    /// How a run stands or ended.
    State {
        /// It is running, or its process died.
        Running = "RUNNING",
        /// Everything due has gone.
        Done = "DONE",
        /// It took as many rows as a run may; the next one goes on.
        Capped = "CAPPED",
        /// It took nothing: more is due than was foreseen, and nothing explains it. It waits for a confirmation.
        Surplus = "SURPLUS",
        /// The kill switch is on.
        Paused = "PAUSED",
        /// Somebody cancelled it; the next one goes on.
        Cancelled = "CANCELLED",
        /// A store failed, or the process died; the next one goes on.
        Failed = "FAILED",
    }
}

/// A run. Counts, ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_runs")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunId,
    /// The plan that it carries out; none: the nightly run.
    pub plan_id: Option<PlanId>,
    /// How it stands or ended.
    pub state: State,
    /// Started at.
    pub started_at: DateTimeUtc,
    /// Who, by id; none: the job.
    pub started_by: Option<StaffId>,
    /// Ended at.
    pub finished_at: Option<DateTimeUtc>,
    /// Rows whose period was over when it began.
    pub due: i64,
    /// Rows that it has looked at so far.
    pub done: i64,
    /// Rows that the run before had foreseen; none: nothing foresaw this run.
    pub forecast: Option<i64>,
    /// Rows beyond that which nothing explains.
    pub surplus: i64,
    /// When somebody confirmed that the surplus is right.
    pub confirmed_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub confirmed_by: Option<StaffId>,
    /// When somebody asked it to stop.
    pub cancelled_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub cancelled_by: Option<StaffId>,
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
            Column::StartedBy | Column::ConfirmedBy | Column::CancelledBy => Meaning::staff(),
            Column::Id
            | Column::PlanId
            | Column::State
            | Column::StartedAt
            | Column::FinishedAt
            | Column::Due
            | Column::Done
            | Column::Forecast
            | Column::Surplus
            | Column::ConfirmedAt
            | Column::CancelledAt => Meaning::internal("counts, ids and codes only"),
        }
    }
}
