//! Erasures (R13): what was decided for a person, record by record, without content.

use sea_orm::entity::prelude::*;

use crate::map::{Classified, Meaning, Subject};
use crate::{DataType, ids::CustomerId, ids::ErasureId, ids::StaffId};

crate::codes! {
    /// Where an erasure stands.
    State {
        /// Part of it waits until something open closes; the nightly run goes on with it.
        Deferred = "DEFERRED",
        /// All is erased, anonymised or lawfully kept.
        Settled = "SETTLED",
    }
}

/// An erasure and its certificate: ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasures")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ErasureId,
    /// Opaque id of the person, kept as proof.
    pub customer_id: CustomerId,
    /// Settled, or waiting for something open to close.
    pub state: State,
    /// When it was decided.
    pub requested_at: DateTimeUtc,
    /// Who decided it, by id.
    pub requested_by: Option<StaffId>,
    /// Outcome per record as JSON: ids and codes only.
    pub report: String,
    /// When nothing was left to do.
    pub settled_at: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R13];
    const START: Option<Column> = Some(Column::SettledAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId | Column::State | Column::RequestedAt | Column::Report | Column::SettledAt => {
                Meaning::internal("proof of erasure: ids and codes only")
            }
            Column::RequestedBy => Meaning::staff(),
        }
    }
}
