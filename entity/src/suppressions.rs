//! Suppressions (R34): keyed hashes of erased references, so that a synchronisation does not bring them back.

use sea_orm::entity::prelude::*;

use crate::DataType;
use crate::ids::EntryId;
use crate::map::{Classified, Meaning, Subject};

/// One erased reference.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "suppressions")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Keyed hash of the reference.
    pub hash: Vec<u8>,
    /// When it was erased.
    pub created_at: DateTimeUtc,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R34];
    const START: Option<Column> = Some(Column::CreatedAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::internal("an opaque id"),
            Column::Hash => Meaning::internal("a keyed hash that only recognises what the shop sends again"),
            Column::CreatedAt => Meaning::internal("not personal"),
        }
    }
}
