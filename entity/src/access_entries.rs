//! Access log (R12): who opened whose case or file, at most one row per actor, case and hour.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Purpose, codes::ActorKind, ids::AttachmentId, ids::CaseId, ids::CustomerId, ids::EntryId};

/// One opening.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_entries")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EntryId,
    /// Start of the hour.
    pub at: DateTimeUtc,
    /// Opened by.
    pub actor_kind: ActorKind,
    /// Who, by id.
    pub actor_id: Option<uuid::Uuid>,
    /// Case.
    pub case_id: Option<CaseId>,
    /// Customer.
    pub customer_id: Option<CustomerId>,
    /// The file, if one was downloaded.
    pub attachment_id: Option<AttachmentId>,
    /// Purpose.
    pub purpose: Purpose,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R12];
    const START: Option<Column> = Some(Column::At);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::At => Meaning::plain(Category::Operation, "Opened at"),
            Column::ActorKind => Meaning::plain(Category::Operation, "Opened by"),
            Column::ActorId => Meaning::staff(),
            Column::CaseId => Meaning::id("Case"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::AttachmentId => Meaning::internal("the case is shown"),
            Column::Purpose => Meaning::plain(Category::Operation, "Purpose"),
        }
    }
}
