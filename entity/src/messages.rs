//! Messages of a case, each with its own data type and period (R03, R04, R06).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, codes::ActorKind, ids::CaseId, ids::MessageId, ids::UnitId};

crate::codes! {
    /// What a message is.
    Form {
        /// The request itself.
        Request = "REQUEST",
        /// A reply, by either side.
        Reply = "REPLY",
        /// The text of the decision (S34, S35).
        Decision = "DECISION",
        /// What the customer was asked for (S22).
        InfoRequest = "INFO_REQUEST",
        /// How to send goods back (S25 to S27).
        ReturnInstruction = "RETURN_INSTRUCTION",
        /// That it takes longer (S76, S77).
        DelayNotice = "DELAY_NOTICE",
        /// The result (S38 to S41).
        ResultNotice = "RESULT_NOTICE",
        /// A recorded telephone call.
        Call = "CALL",
        /// The customer's objection (S42).
        Objection = "OBJECTION",
        /// The notice after a dispute that could not be settled (VSBG § 37).
        DisputeNotice = "DISPUTE_NOTICE",
        /// A note between members of staff. The customer sees it in an export only (GDPR Art. 15).
        InternalNote = "INTERNAL_NOTE",
    }
}

/// A message of a case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    /// Case.
    pub case_id: CaseId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Which of the three data types this message is.
    pub data_type: DataType,
    /// Form.
    pub form: Form,
    /// Author.
    pub author_kind: ActorKind,
    /// Who wrote it, by id.
    pub author_id: Option<uuid::Uuid>,
    /// Text.
    pub body: Option<Sealed>,
    /// Sent at.
    pub sent_at: DateTimeUtc,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases")]);
    const TYPES: &'static [DataType] = &[DataType::R03, DataType::R04, DataType::R06];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::DataType => Meaning::internal("the kept-until date and its norm are exported"),
            Column::Form => Meaning::plain(Category::Communication, "Form"),
            Column::AuthorKind => Meaning::plain(Category::Communication, "Author"),
            Column::AuthorId => Meaning::staff(),
            Column::Body => Meaning::sealed(Category::Communication, "Text"),
            Column::SentAt => Meaning::plain(Category::Communication, "Sent at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
