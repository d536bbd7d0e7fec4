//! E-mails as they came in (R29): the raw bytes, sealed, for 30 days; what they say lives in messages.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, ids::CaseId, ids::CustomerId, ids::InboundMailId, ids::UnitId};

crate::codes! {
    /// What became of it.
    State {
        /// A message of a case.
        Filed = "FILED",
        /// Written by a robot: kept, not answered.
        Automatic = "AUTOMATIC",
        /// A report that a mail did not arrive.
        Bounce = "BOUNCE",
        /// Not in RFC 5322 form; a person has to look.
        Unreadable = "UNREADABLE",
    }
}

/// An inbound e-mail.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbound_mails")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InboundMailId,
    /// Case.
    pub case_id: Option<CaseId>,
    /// Customer.
    pub customer_id: Option<CustomerId>,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// State.
    pub state: State,
    /// Keyed hash of the Message-ID or of the bytes: the same mail comes once.
    pub dedup_key: Vec<u8>,
    /// Name in the blob store, random.
    pub blob: Option<String>,
    /// Size in bytes.
    pub byte_size: i64,
    /// Received at.
    pub received_at: DateTimeUtc,
    /// When the retention period began; none while it has not.
    pub start_at: Option<DateTimeUtc>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R29];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::State => Meaning::plain(Category::Communication, "State"),
            Column::DedupKey => Meaning::internal("recognises a mail that comes twice"),
            Column::Blob => Meaning::internal("names a blob; its content is exported as messages and attachments"),
            Column::ByteSize => Meaning::plain(Category::Communication, "Size in bytes"),
            Column::ReceivedAt => Meaning::plain(Category::Communication, "Received at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
