//! One row that steers the sweep (R00): the kill switch, what the last run foresaw for the next, and how far the ledger had got.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::StaffId};

/// The control.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_control")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Since when nothing is removed by a run.
    pub paused_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub paused_by: Option<StaffId>,
    /// When the last run foresaw the next.
    pub forecast_at: Option<DateTimeUtc>,
    /// Rows due by then per table and data type, as JSON.
    pub forecast: Option<String>,
    /// The hash of a line that was the latest of the erasure ledger: one without it is older, or another's.
    pub ledger_chain: Option<String>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R00];
    const START: Option<Column> = None;

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::PausedBy => Meaning::staff(),
            Column::Id | Column::PausedAt | Column::ForecastAt | Column::Forecast | Column::LedgerChain => {
                Meaning::internal("steers the service")
            }
        }
    }
}
