//! E-mails to customers (R03 to R06, R14), and to recipients of their data (R30): the text as it was sent, when, to whom, and what became of it.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, codes::Locale, ids::CaseId, ids::CustomerId, ids::MailId, ids::UnitId};

crate::codes! {
    /// Where a mail stands.
    State {
        /// Written; waits for its next attempt.
        Queued = "QUEUED",
        /// A mail server has taken it.
        Sent = "SENT",
        /// It came back after a server had taken it.
        Bounced = "BOUNCED",
        /// Refused for good, or given up.
        Dead = "DEAD",
    }
}

crate::codes! {
    /// What a mail says.
    Template {
        /// The request has arrived, and how it goes on (S21, S22).
        Acknowledgement = "ACKNOWLEDGEMENT",
        /// Receipt for a withdrawal: its content with date and time (BGB § 356a(4)).
        WithdrawalReceipt = "WITHDRAWAL_RECEIPT",
        /// A reply by staff.
        Message = "MESSAGE",
        /// What is still needed from the customer (S22).
        InfoRequest = "INFO_REQUEST",
        /// It takes longer, and until when (S76, S77).
        DelayNotice = "DELAY_NOTICE",
        /// How goods are sent back.
        ReturnInstruction = "RETURN_INSTRUCTION",
        /// The decision with its reasons and basis (S34, S35).
        Decision = "DECISION",
        /// The result after completion (S38 to S42).
        ResultNotice = "RESULT_NOTICE",
        /// Where a refund stands (S41).
        RefundUpdate = "REFUND_UPDATE",
        /// Which board is competent, and whether the shop takes part (VSBG § 37).
        DisputeNotice = "DISPUTE_NOTICE",
        /// A link for one who has no account.
        GuestLink = "GUEST_LINK",
        /// What became of a request for erasure (GDPR Art. 12(3), 17).
        ErasureAnswer = "ERASURE_ANSWER",
        /// What became of what had still waited when a request for erasure was answered (GDPR Art. 12(3), 17).
        ErasureClosing = "ERASURE_CLOSING",
        /// To one who was given data: it was erased (GDPR Art. 19).
        RecipientNotice = "RECIPIENT_NOTICE",
        /// A restriction of processing is about to be lifted (GDPR Art. 18(3)).
        RestrictionNotice = "RESTRICTION_NOTICE",
    }
}

impl Template {
    /// Counts the changes of the shipped wording; the hash of what was sent proves the wording itself.
    #[must_use]
    pub const fn version(self) -> i32 {
        match self {
            Self::Acknowledgement
            | Self::WithdrawalReceipt
            | Self::Message
            | Self::InfoRequest
            | Self::DelayNotice
            | Self::ReturnInstruction
            | Self::Decision
            | Self::ResultNotice
            | Self::RefundUpdate
            | Self::DisputeNotice
            | Self::GuestLink
            | Self::ErasureAnswer
            | Self::ErasureClosing
            | Self::RecipientNotice
            | Self::RestrictionNotice => 1,
        }
    }
}

/// A mail. It is written with what causes it, and sent later.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mails")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MailId,
    /// The case that it is about; a guest's link may have none.
    pub case_id: Option<CaseId>,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Which of the data types this mail is.
    pub data_type: DataType,
    /// Template.
    pub template: Template,
    /// Version of the shipped template.
    pub template_version: i32,
    /// Language.
    pub locale: Locale,
    /// The address that it goes to.
    pub recipient: Option<Sealed>,
    /// Subject.
    pub subject: Option<Sealed>,
    /// The plain part.
    pub body_text: Option<Sealed>,
    /// The HTML part.
    pub body_html: Option<Sealed>,
    /// HMAC-SHA-256 over recipient, subject, plain and HTML part, under the unit's key: it proves what was sent, and a copy
    /// of the table is no oracle for guesses.
    pub content_hash: Option<Vec<u8>>,
    /// `<mail-id@domain>`, the same at every attempt, so that duplicates collapse.
    pub message_id: Option<String>,
    /// State.
    pub state: State,
    /// Attempts so far.
    pub attempts: i32,
    /// Written at.
    pub queued_at: DateTimeUtc,
    /// Not tried before; of one that was given up, when that was.
    pub available_at: DateTimeUtc,
    /// A run that sends it holds it until then.
    pub claimed_until: Option<DateTimeUtc>,
    /// When a server took it.
    pub sent_at: Option<DateTimeUtc>,
    /// When it came back.
    pub bounced_at: Option<DateTimeUtc>,
    /// The last reply's codes such as `250` or `550 5.1.1`, or a word of ours; never the server's text.
    pub response: Option<String>,
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
    const TYPES: &'static [DataType] =
        &[DataType::R03, DataType::R04, DataType::R05, DataType::R06, DataType::R14, DataType::R30];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::DataType => Meaning::internal("the kept-until date and its norm are exported"),
            Column::Template => Meaning::plain(Category::Communication, "Template"),
            Column::TemplateVersion => Meaning::plain(Category::Communication, "Version of the template"),
            Column::Locale => Meaning::plain(Category::Communication, "Language"),
            Column::Recipient => Meaning::sealed(Category::Contact, "Recipient"),
            Column::Subject => Meaning::sealed(Category::Communication, "Subject"),
            Column::BodyText => Meaning::sealed(Category::Communication, "Text"),
            Column::BodyHtml => Meaning::sealed(Category::Communication, "HTML text"),
            Column::ContentHash => Meaning::plain(Category::Communication, "Fingerprint of what was sent"),
            Column::MessageId => Meaning::plain(Category::Communication, "Message-ID"),
            Column::State => Meaning::plain(Category::Communication, "State"),
            Column::Attempts => Meaning::internal("counts attempts"),
            Column::QueuedAt => Meaning::plain(Category::Communication, "Written at"),
            Column::AvailableAt => Meaning::internal("when it is tried next"),
            Column::ClaimedUntil => Meaning::internal("lets one run at a time send it"),
            Column::SentAt => Meaning::plain(Category::Communication, "Sent at"),
            Column::BouncedAt => Meaning::plain(Category::Communication, "Came back at"),
            Column::Response => Meaning::plain(Category::Communication, "Reply of the mail server"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
