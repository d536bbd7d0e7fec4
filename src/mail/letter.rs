//! What a letter says: for each template the values that it needs. They are written out in the customer's language by the
//! filters `date`, `moment` and `money`; texts and labels come in that language already.
//!
//! Beside `letter`, every template knows `shop` (`name`, `address` by lines, `email`, `phone`, `hours`), `number` (of the
//! case), `link` (to the case), `name` (of the customer) and, but for the subject itself, `subject`; those from `number`
//! to `name` may be none.

use chrono::{DateTime, NaiveDate, Utc};
use entity::codes::Locale;
use entity::ids::{CaseId, CustomerId};
use entity::{DataType, mails::Template};
use serde::Serialize;

/// A letter to a customer.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What it says.
    pub content: Content,
    /// In which language.
    pub locale: Locale,
    /// The e-mail address that it goes to.
    pub recipient: String,
    /// The customer's name, for the salutation.
    pub name: Option<String>,
    /// The case that it is about.
    pub case: Option<CaseId>,
    /// Customer.
    pub customer: CustomerId,
    /// R03 to R06, R14 or R30: the one whose unit seals it.
    pub data_type: DataType,
    /// Number of the case.
    pub number: Option<String>,
    /// Where the customer finds the case.
    pub link: Option<String>,
}

/// The values of one template, which finds them as `letter`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// The request has arrived (S21, S22).
    Acknowledgement(Acknowledgement),
    /// A withdrawal has arrived (BGB § 356a(4)).
    WithdrawalReceipt(WithdrawalReceipt),
    /// A reply.
    Message(Message),
    /// Something is still needed (S22).
    InfoRequest(InfoRequest),
    /// It takes longer (S76, S77).
    DelayNotice(DelayNotice),
    /// How to send goods back.
    ReturnInstruction(ReturnInstruction),
    /// The decision (S34, S35).
    Decision(Decision),
    /// The result (S38 to S42).
    ResultNotice(ResultNotice),
    /// Where a refund stands (S41).
    RefundUpdate(RefundUpdate),
    /// The board that settles disputes (VSBG § 37).
    DisputeNotice(DisputeNotice),
    /// A link for one who has no account.
    GuestLink(GuestLink),
    /// What became of a request for erasure (GDPR Art. 12(3), 17).
    ErasureAnswer(ErasureAnswer),
    /// What became of what had still waited then.
    ErasureClosing(ErasureClosing),
    /// To one who was given data of a person: it was erased (GDPR Art. 19).
    RecipientNotice(RecipientNotice),
    /// A restriction of processing is about to be lifted (GDPR Art. 18(3)).
    RestrictionNotice(RestrictionNotice),
}

impl Content {
    /// The template that says it.
    #[must_use]
    pub const fn template(&self) -> Template {
        match self {
            Self::Acknowledgement(_) => Template::Acknowledgement,
            Self::WithdrawalReceipt(_) => Template::WithdrawalReceipt,
            Self::Message(_) => Template::Message,
            Self::InfoRequest(_) => Template::InfoRequest,
            Self::DelayNotice(_) => Template::DelayNotice,
            Self::ReturnInstruction(_) => Template::ReturnInstruction,
            Self::Decision(_) => Template::Decision,
            Self::ResultNotice(_) => Template::ResultNotice,
            Self::RefundUpdate(_) => Template::RefundUpdate,
            Self::DisputeNotice(_) => Template::DisputeNotice,
            Self::GuestLink(_) => Template::GuestLink,
            Self::ErasureAnswer(_) => Template::ErasureAnswer,
            Self::ErasureClosing(_) => Template::ErasureClosing,
            Self::RecipientNotice(_) => Template::RecipientNotice,
            Self::RestrictionNotice(_) => Template::RestrictionNotice,
        }
    }
}

/// The request has arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Acknowledgement {
    /// What the customer wants, as a label.
    pub kind_label: String,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// What happens next, a sentence each.
    pub next_steps: Vec<String>,
    /// What would help, a sentence each; may be empty.
    pub needed: Vec<String>,
}

/// A withdrawal has arrived: the durable medium with its content and the date and time of its receipt.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawalReceipt {
    /// The statement, word for word.
    pub statement: String,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
}

/// A reply by staff.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Its text.
    pub body: String,
}

/// Something is still needed.
#[derive(Clone, Debug, Serialize)]
pub struct InfoRequest {
    /// Why.
    pub body: String,
    /// What, a line each; may be empty.
    pub needed: Vec<String>,
}

/// It takes longer.
#[derive(Clone, Debug, Serialize)]
pub struct DelayNotice {
    /// What the case is waiting for.
    pub situation: String,
    /// The expected day.
    pub until: NaiveDate,
}

/// How to send goods back.
#[derive(Clone, Debug, Serialize)]
pub struct ReturnInstruction {
    /// The number of the return, to be put into the parcel.
    pub rma: String,
    /// Where to, a line per line.
    pub address: Vec<String>,
    /// The last day of sending.
    pub return_by: Option<NaiveDate>,
    /// Who pays, as a sentence.
    pub bearer_text: String,
    /// What to heed, a sentence each; may be empty.
    pub notes: Vec<String>,
    /// What goes back, such as `1 × Kettle`.
    pub lines: Vec<String>,
}

/// The decision.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    /// The outcome, as a label.
    pub outcome_label: String,
    /// The reasons, a sentence each; may be empty.
    pub reasons: Vec<String>,
    /// What it is based on, as a label.
    pub basis_label: Option<String>,
    /// The text of the decision.
    pub text: String,
}

/// The result. The way to object (S42) stands in the template.
#[derive(Clone, Debug, Serialize)]
pub struct ResultNotice {
    /// The decision after the inspection (S39).
    pub decision: String,
    /// How a replacement is shipped (S40).
    pub shipping: Option<String>,
    /// Where the refund stands (S41).
    pub refund: Option<String>,
    /// What else is to be said.
    pub text: Option<String>,
}

/// An amount in minor units of a currency (ISO 4217).
#[derive(Clone, Debug, Serialize)]
pub struct Amount {
    /// Minor units.
    pub minor: i64,
    /// Currency.
    pub currency: String,
}

/// Where a refund stands.
#[derive(Clone, Debug, Serialize)]
pub struct RefundUpdate {
    /// How much.
    pub amount: Amount,
    /// Where it stands, as a label.
    pub state_label: String,
    /// The provider's reference, by which the bank finds it.
    pub reference: Option<String>,
    /// First day on which the credit is to be expected.
    pub expected_from: Option<NaiveDate>,
    /// Last such day.
    pub expected_to: Option<NaiveDate>,
    /// The day by which the shop owes the refund.
    pub duty_until: Option<NaiveDate>,
}

/// The board that settles disputes: named in text form after a dispute could not be settled.
#[derive(Clone, Debug, Serialize)]
pub struct DisputeNotice {
    /// Its name.
    pub board: String,
    /// Its address, a line per line.
    pub address: Vec<String>,
    /// Its page.
    pub url: String,
    /// Whether the shop takes part in proceedings before it.
    pub takes_part: bool,
    /// What the dispute was about, or where it ended.
    pub text: Option<String>,
}

/// A link for one who has no account.
#[derive(Clone, Debug, Serialize)]
pub struct GuestLink {
    /// The link.
    pub link: String,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// What became of a request for erasure, in words, grouped by what the data is.
#[derive(Clone, Debug, Serialize)]
pub struct ErasureAnswer {
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// What was deleted.
    pub erased: Vec<String>,
    /// What was counted without reference to a person and deleted.
    pub anonymised: Vec<String>,
    /// What is kept.
    pub kept: Vec<Kept>,
    /// What is used on, for what the person has ordered or asked since.
    pub in_use: Vec<String>,
    /// What waits, and follows by itself.
    pub waiting: Vec<Waiting>,
    /// Who was given data and is told of its erasure, by name.
    pub recipients: Vec<String>,
    /// What is kept about the erasure itself.
    pub traces: Vec<Kept>,
    /// From this day on no backup can open what was erased.
    pub backups_unreadable_from: NaiveDate,
}

/// What became of what had waited when a request for erasure was first answered; for the rest that answer stands.
#[derive(Clone, Debug, Serialize)]
pub struct ErasureClosing {
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// When it was answered first.
    pub answered_at: DateTime<Utc>,
    /// What was deleted since.
    pub erased: Vec<String>,
    /// What was counted without reference to a person and deleted since.
    pub anonymised: Vec<String>,
    /// What had waited and is kept now.
    pub kept: Vec<Kept>,
    /// What had waited and is used on, for what the person has ordered or asked since.
    pub in_use: Vec<String>,
    /// Who was given data and is told of its erasure, by name, in the first answer or since.
    pub recipients: Vec<String>,
    /// What is kept about the erasure itself.
    pub traces: Vec<Kept>,
    /// From this day on no backup can open what was erased.
    pub backups_unreadable_from: NaiveDate,
}

/// What is kept, until when, because of what.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// What it is.
    pub what: String,
    /// The last day of keeping; none while the period has not begun.
    pub until: Option<NaiveDate>,
    /// What begins the period.
    pub begins_with: String,
    /// How long it is.
    pub period: String,
    /// The norm, and the article of the GDPR that lets it prevail.
    pub because: String,
}

/// What waits, and for what.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// What it is.
    pub what: String,
    /// For what, as a sentence.
    pub why: String,
    /// The day by which it ends at the latest, where that is known.
    pub until: Option<NaiveDate>,
}

/// To one who was given data of a person.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientNotice {
    /// The numbers that the recipient knows, or the days on which it was given something, where no number is left.
    pub references: Vec<String>,
    /// The day of the erasure.
    pub erased_on: NaiveDate,
}

/// A restriction of processing is about to be lifted. It covers the case of the letter's `number`, or all of the person.
#[derive(Clone, Debug, Serialize)]
pub struct RestrictionNotice {
    /// Since when it stands.
    pub since: NaiveDate,
    /// Why it was placed, as a clause.
    pub ground: String,
    /// The day before which it is not lifted; none: it is once this is sent.
    pub lift_on: Option<NaiveDate>,
}
