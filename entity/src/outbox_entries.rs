//! Outbox (R33): what has to be done outside this database once a transaction has committed.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::EntryId};

crate::codes! {
    /// What is to be done.
    Kind {
        /// Destroy the data keys of erasure units.
        DestroyKey = "DESTROY_KEY",
        /// Delete a blob.
        DeleteBlob = "DELETE_BLOB",
    }
}

crate::codes! {
    /// Where an entry stands.
    State {
        /// To be done.
        Pending = "PENDING",
        /// Done.
        Done = "DONE",
        /// Given up after many attempts; an operator has to look.
        Dead = "DEAD",
    }
}

/// One intent. Its payload holds ids only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_entries")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// What to do.
    pub kind: Kind,
    /// On what: ids of units, separated by commas, or the name of a blob.
    pub target: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was written.
    pub created_at: DateTimeUtc,
    /// Not tried before.
    pub available_at: DateTimeUtc,
    /// A worker has it until then.
    pub claimed_until: Option<DateTimeUtc>,
    /// When it was done or given up.
    pub done_at: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R33];
    const START: Option<Column> = Some(Column::DoneAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id
            | Column::Kind
            | Column::Target
            | Column::State
            | Column::Attempts
            | Column::CreatedAt
            | Column::AvailableAt
            | Column::ClaimedUntil
            | Column::DoneAt => Meaning::internal("ids only"),
        }
    }
}
