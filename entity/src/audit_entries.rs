//! Audit (R11): every change, written in its transaction; ids and codes, never content.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, codes::ActorKind, ids::EntryId};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// When.
    pub at: DateTimeUtc,
    /// What kind of actor.
    pub actor_kind: ActorKind,
    /// Who, by id.
    pub actor_id: Option<uuid::Uuid>,
    /// What was done, such as `case.close`.
    pub action: String,
    /// Table of the row changed.
    pub table_name: String,
    /// The row changed.
    pub row_id: Option<uuid::Uuid>,
    /// Codes and ids as a JSON object.
    pub details: String,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R11];
    const START: Option<Column> = Some(Column::At);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id
            | Column::At
            | Column::ActorKind
            | Column::Action
            | Column::TableName
            | Column::RowId
            | Column::Details => Meaning::internal("ids and codes only"),
            Column::ActorId => Meaning::staff(),
        }
    }
}
