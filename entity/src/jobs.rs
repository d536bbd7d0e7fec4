//! Jobs: when each is next due, and the lease that lets one instance run it.

use sea_orm::entity::prelude::*;

use crate::DataType;
use crate::map::{Classified, Meaning, Subject};

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    /// Its name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// When it is next due.
    pub next_run_at: DateTimeUtc,
    /// The instance that runs it.
    pub lease_owner: Option<uuid::Uuid>,
    /// Until when.
    pub lease_until: Option<DateTimeUtc>,
    /// Rises with every lease: a holder with an older number has lost it.
    pub fence: i64,
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
            Column::Name | Column::NextRunAt | Column::LeaseOwner | Column::LeaseUntil | Column::Fence => {
                Meaning::internal("not personal")
            }
        }
    }
}
