//! Idempotency records (R28): a repeated mutation answers from the ids, and does nothing twice.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::CustomerId, ids::EntryId};

/// One executed mutation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Who used the key, such as `STAFF:<id>`: keys of two actors never meet.
    pub actor: String,
    /// Name of the mutation.
    pub operation: String,
    /// Keyed hash of the key.
    pub key_hash: Vec<u8>,
    /// Keyed hash of the input.
    pub request_hash: Vec<u8>,
    /// Ids of what it made, as a JSON array.
    pub results: String,
    /// Customer.
    pub customer_id: Option<CustomerId>,
    /// When.
    pub created_at: DateTimeUtc,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R28];
    const START: Option<Column> = Some(Column::CreatedAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::Actor
            | Column::Operation
            | Column::KeyHash
            | Column::RequestHash
            | Column::Results
            | Column::CreatedAt => Meaning::internal("a technical record of seven days"),
            Column::CustomerId => Meaning::id("Customer"),
        }
    }
}
