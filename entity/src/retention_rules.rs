//! Retention rules (R22): versioned, each with norm and purpose.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::EntryId};

crate::codes! {
    /// Unit of a retention period.
    PeriodUnit {
        /// Days.
        Day = "DAY",
        /// Months.
        Month = "MONTH",
        /// Years.
        Year = "YEAR",
    }
}

crate::codes! {
    /// What happens when a period has ended.
    Action {
        /// The row is deleted.
        Delete = "DELETE",
        /// The row is counted into coarse statistics that cannot be linked back, then deleted.
        Anonymise = "ANONYMISE",
    }
}

/// One version of the rule of a data type.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "retention_rules")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// The data type.
    pub data_type: DataType,
    /// From 1.
    pub version: i32,
    /// What starts the period.
    pub start_event: String,
    /// Length of the period.
    pub period_count: i32,
    /// Its unit.
    pub period_unit: PeriodUnit,
    /// Whether it runs from the end of the calendar year of the start event.
    pub year_end: bool,
    /// What happens at the end.
    pub action: Action,
    /// The norm that sets the period.
    pub norm: String,
    /// What the data is for.
    pub purpose: String,
    /// Legal basis, GDPR Art. 6(1).
    pub basis: String,
    /// When this version took effect.
    pub valid_from: DateTimeUtc,
    /// When the next one did.
    pub superseded_at: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R22];
    const START: Option<Column> = Some(Column::SupersededAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id
            | Column::DataType
            | Column::Version
            | Column::StartEvent
            | Column::PeriodCount
            | Column::PeriodUnit
            | Column::YearEnd
            | Column::Action
            | Column::Norm
            | Column::Purpose
            | Column::Basis
            | Column::ValidFrom
            | Column::SupersededAt => Meaning::internal("not personal"),
        }
    }
}
