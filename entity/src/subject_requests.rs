//! Requests of data subjects (R14): what was asked, what was answered, and the proof of it.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{
    DataType, Sealed, codes::Locale, ids::CustomerId, ids::ErasureId, ids::MailId, ids::RequestId, ids::UnitId,
};

crate::codes! {
    /// What was asked for.
    Kind {
        /// Erasure (GDPR Art. 17).
        Erasure = "ERASURE",
    }
}

/// The file of one request. Its answers are the texts that were mailed; the mails are the proof. There is a second one where
/// the first had to say that something waits.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subject_requests")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RequestId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row.
    pub unit_id: Option<UnitId>,
    /// What was asked for.
    pub kind: Kind,
    /// The erasure that was decided.
    pub erasure_id: Option<ErasureId>,
    /// When it was received.
    pub received_at: DateTimeUtc,
    /// The language of the answer.
    pub locale: Locale,
    /// The address that the answer goes to: the contact record may be gone by then.
    pub recipient: Option<Sealed>,
    /// The name in its salutation.
    pub name: Option<Sealed>,
    /// The answer.
    pub answer: Option<Sealed>,
    /// The mail that carries it.
    pub mail_id: Option<MailId>,
    /// When it was answered.
    pub answered_at: Option<DateTimeUtc>,
    /// The answer that closes it: what became of what had waited.
    pub closing: Option<Sealed>,
    /// The mail that carries that.
    pub closing_mail_id: Option<MailId>,
    /// When the last answer was given, the first where nothing waited: the period starts with it.
    pub closed_at: Option<DateTimeUtc>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R14];
    const START: Option<Column> = Some(Column::ClosedAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Kind => Meaning::plain(Category::Communication, "Kind"),
            Column::ErasureId => Meaning::id("Erasure"),
            Column::ReceivedAt => Meaning::plain(Category::Communication, "Received at"),
            Column::Locale => Meaning::plain(Category::Communication, "Language"),
            Column::Recipient => Meaning::sealed(Category::Contact, "Recipient"),
            Column::Name => Meaning::sealed(Category::Identity, "Name"),
            Column::Answer => Meaning::sealed(Category::Communication, "Answer"),
            Column::MailId => Meaning::id("Mail"),
            Column::AnsweredAt => Meaning::plain(Category::Communication, "Answered at"),
            Column::Closing => Meaning::sealed(Category::Communication, "Closing answer"),
            Column::ClosingMailId => Meaning::id("Mail with the closing answer"),
            Column::ClosedAt => Meaning::plain(Category::Communication, "Last answered at"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
