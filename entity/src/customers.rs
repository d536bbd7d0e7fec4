//! Customers: the contact record (R21), and the id that everything of a person leads to.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, RowEnd, Subject};
use crate::{DataType, Sealed, codes::Locale, ids::CustomerId, ids::UnitId};

/// A customer. In a bare row only the id is left.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomerId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Name.
    pub name: Option<Sealed>,
    /// E-mail.
    pub email: Option<Sealed>,
    /// Telephone.
    pub phone: Option<Sealed>,
    /// Postal address, one line per line.
    pub address: Option<Sealed>,
    /// Language.
    pub locale: Option<Locale>,
    /// Registered at.
    pub created_at: Option<DateTimeUtc>,
    /// Counts the changes of the decision state; guards concurrent updates.
    pub version: i64,
    /// When the retention period began; none while it has not.
    pub start_at: Option<DateTimeUtc>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
    /// When its last use in service had ended and it became kept for a duty or a claim alone (GDPR Art. 5(1)(b)).
    pub archived_at: Option<DateTimeUtc>,
    /// When the row became a bare id.
    pub erased_at: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Itself;
    const TYPES: &'static [DataType] = &[DataType::R21];
    const START: Option<Column> = Some(Column::StartAt);
    const END: RowEnd = RowEnd::Bare;

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Name => Meaning::sealed(Category::Identity, "Name"),
            Column::Email => Meaning::sealed(Category::Contact, "E-mail"),
            Column::Phone => Meaning::sealed(Category::Contact, "Telephone"),
            Column::Address => Meaning::sealed(Category::Contact, "Postal address"),
            Column::Locale => Meaning::plain(Category::Contact, "Language"),
            Column::CreatedAt => Meaning::plain(Category::Operation, "Registered at"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
            Column::ArchivedAt => Meaning::plain(Category::Operation, "In the archive since"),
            Column::ErasedAt => Meaning::internal("marks a bare row"),
        }
    }
}
