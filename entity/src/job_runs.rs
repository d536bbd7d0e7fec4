//! Runs of jobs with their stored reports (R13): the deletion log.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::EntryId};

crate::codes! {
    /// How a run ended.
    State {
        /// It is running, or its process died.
        Running = "RUNNING",
        /// Done.
        Done = "DONE",
        /// It failed; the next run goes on.
        Failed = "FAILED",
    }
}

/// One run. The report holds counts, ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job_runs")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Name of the job.
    pub job: String,
    /// How it ended.
    pub state: State,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub finished_at: Option<DateTimeUtc>,
    /// The fence number of its lease.
    pub fence: i64,
    /// Report as JSON.
    pub report: String,
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
            Column::Id
            | Column::Job
            | Column::State
            | Column::StartedAt
            | Column::FinishedAt
            | Column::Fence
            | Column::Report => Meaning::internal("counts, ids and codes only"),
        }
    }
}
