//! Versions of the shop's policy with the time in which each is valid (R22).

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::EntryId};

/// One version. Its document is the effective policy as canonical TOML.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_versions")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Counted from 1.
    pub version: i32,
    /// The policy.
    pub document: String,
    /// First instant of validity.
    pub valid_from: DateTimeUtc,
    /// First instant after its validity; none: it is the latest.
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
            Column::Id | Column::Version | Column::Document | Column::ValidFrom | Column::SupersededAt => {
                Meaning::internal("not personal")
            }
        }
    }
}
