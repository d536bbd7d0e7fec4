//! The closed sets of the API, mapped from the stored ones one by one, and their labels in German and English.

use async_graphql::Enum;

use crate::error::Language;

/// What the customer wants.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::Kind")]
pub enum ServiceCaseKind {
    /// A question about an order.
    OrderAdvice,
    /// A question about how to use a product.
    UsageGuidance,
    /// To give goods back.
    Return,
    /// To have goods replaced.
    Exchange,
    /// A defect (BGB § 437).
    WarrantyClaim,
    /// Where is my refund?
    RefundTracking,
    /// Where is my parcel?
    LogisticsQuery,
    /// A complaint about after-sales.
    Complaint,
}

impl ServiceCaseKind {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::OrderAdvice, Language::De) => "Frage zur Bestellung",
            (Self::OrderAdvice, Language::En) => "Question about an order",
            (Self::UsageGuidance, Language::De) => "Frage zur Nutzung",
            (Self::UsageGuidance, Language::En) => "Question about use",
            (Self::Return, Language::De) => "Rückgabe",
            (Self::Return, Language::En) => "Return",
            (Self::Exchange, Language::De) => "Umtausch",
            (Self::Exchange, Language::En) => "Exchange",
            (Self::WarrantyClaim, Language::De) => "Gewährleistung",
            (Self::WarrantyClaim, Language::En) => "Warranty claim",
            (Self::RefundTracking, Language::De) => "Frage zur Erstattung",
            (Self::RefundTracking, Language::En) => "Where is my refund",
            (Self::LogisticsQuery, Language::De) => "Frage zur Lieferung",
            (Self::LogisticsQuery, Language::En) => "Where is my parcel",
            (Self::Complaint, Language::De) => "Beschwerde",
            (Self::Complaint, Language::En) => "Complaint",
        }
    }
}

/// How a request arrived.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::Channel")]
pub enum ServiceCaseChannel {
    /// The customer portal.
    Portal,
    /// A telephone call that staff wrote down.
    Phone,
    /// An e-mail that staff wrote down.
    Email,
    /// A letter that staff wrote down.
    Letter,
}

/// Where a case stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::State")]
pub enum ServiceCaseState {
    /// Received; nobody has looked at it.
    Received,
    /// Staff is reviewing.
    UnderReview,
    /// Decided; the result has been told, refunds may be running.
    Decided,
    /// Closed: every retention period that starts with closing runs.
    Closed,
    /// A bare row: the header has been erased or anonymised.
    Erased,
}

impl ServiceCaseState {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Received, Language::De) => "Eingegangen",
            (Self::Received, Language::En) => "Received",
            (Self::UnderReview, Language::De) => "In Prüfung",
            (Self::UnderReview, Language::En) => "Under review",
            (Self::Decided, Language::De) => "Entschieden",
            (Self::Decided, Language::En) => "Decided",
            (Self::Closed, Language::De) => "Abgeschlossen",
            (Self::Closed, Language::En) => "Closed",
            (Self::Erased, Language::De) => "Gelöscht",
            (Self::Erased, Language::En) => "Erased",
        }
    }
}

/// The outcome of the review.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::Outcome")]
pub enum ServiceCaseOutcome {
    /// Solved by an answer (S24).
    SolvedDirectly,
    /// The claim is accepted in full (S33).
    Eligible,
    /// The claim is accepted in part.
    PartiallyEligible,
    /// The claim is not accepted; reasons and basis are told (S34, S35).
    NotEligible,
}

impl ServiceCaseOutcome {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::SolvedDirectly, Language::De) => "Direkt gelöst",
            (Self::SolvedDirectly, Language::En) => "Solved directly",
            (Self::Eligible, Language::De) => "Anerkannt",
            (Self::Eligible, Language::En) => "Accepted",
            (Self::PartiallyEligible, Language::De) => "Teilweise anerkannt",
            (Self::PartiallyEligible, Language::En) => "Accepted in part",
            (Self::NotEligible, Language::De) => "Abgelehnt",
            (Self::NotEligible, Language::En) => "Not accepted",
        }
    }
}

/// Why the customer asks, or why it was decided so.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::Reason")]
pub enum ServiceCaseReason {
    /// Quality defect (S46).
    QualityDefect,
    /// Deviation from specification or model (S47).
    NotAsDescribed,
    /// Missing accessories (S48).
    MissingAccessory,
    /// Damage (S49).
    Damaged,
    /// Wrong article delivered (S54).
    WrongDelivery,
    /// Wrongly labelled article.
    WrongLabelling,
    /// No reason given or needed (S51).
    NoReason,
    /// Question answered.
    Answered,
    /// The period has ended.
    PeriodEnded,
    /// The defect could not be confirmed.
    DefectNotConfirmed,
    /// The product is not from this shop (S13).
    NotOurProduct,
}

/// The basis that a decision rests on.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::LegalBasis")]
pub enum LegalBasis {
    /// Statutory withdrawal, BGB §§ 312g, 355.
    Withdrawal,
    /// The shop's own 45 days (S45).
    ShopReturn,
    /// Warranty for defects, BGB §§ 437 ff.
    Warranty,
    /// No claim is concerned: advice.
    None,
}

/// Whose turn it is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::WaitingFor")]
pub enum WaitingFor {
    /// The shop.
    Shop,
    /// The customer.
    Customer,
    /// The bank or payment provider.
    Bank,
    /// Nobody.
    Nobody,
}

/// What a message is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::messages::Form")]
pub enum MessageForm {
    /// The request itself.
    Request,
    /// A reply, by either side.
    Reply,
    /// The text of the decision (S34, S35).
    Decision,
    /// A note between members of staff. The customer sees it in an export only (GDPR Art. 15).
    InternalNote,
}

/// Where a refund stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::refunds::State")]
pub enum RefundState {
    /// Granted; nothing has been sent.
    Granted,
    /// Handed to the payment provider.
    Submitted,
    /// Credited to the customer.
    Credited,
    /// Withdrawn, or refused by the provider; does not count towards the ceiling.
    Failed,
}

impl RefundState {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Granted, Language::De) => "Zugesagt",
            (Self::Granted, Language::En) => "Granted",
            (Self::Submitted, Language::De) => "An die Bank übergeben",
            (Self::Submitted, Language::En) => "Handed to the bank",
            (Self::Credited, Language::De) => "Gutgeschrieben",
            (Self::Credited, Language::En) => "Credited",
            (Self::Failed, Language::De) => "Fehlgeschlagen",
            (Self::Failed, Language::En) => "Failed",
        }
    }
}

/// Where an attachment stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::attachments::State")]
pub enum AttachmentState {
    /// A ticket has been issued; no bytes yet.
    AwaitingUpload,
    /// Bytes are being received.
    Receiving,
    /// Stripped, sealed and stored.
    Available,
}

/// How an order was paid.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::orders::PaymentMethod")]
pub enum PaymentMethod {
    /// Visa card.
    Visa,
    /// Mastercard card.
    Mastercard,
}

/// Why deletion is suspended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::holds::Reason")]
pub enum HoldReason {
    /// Establishment, exercise or defence of legal claims, Art. 17(3)(e).
    LegalClaim,
    /// A tax whose assessment is still open, AO § 147(3) sentence 5.
    TaxAudit,
    /// An authority has asked.
    AuthorityRequest,
}

/// What somebody opens personal data for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::access_entries::Purpose")]
pub enum AccessPurpose {
    /// Working on the case.
    CaseHandling,
    /// Paying a refund.
    Refund,
    /// Reaching the customer.
    Contact,
    /// Answering the data subject or checking privacy.
    DataProtection,
    /// Looking at evidence.
    Evidence,
}

/// Who did a thing.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::codes::ActorKind")]
pub enum ActorKind {
    /// Nobody signed in.
    Anonymous,
    /// A customer, in person.
    Customer,
    /// A member of staff.
    Staff,
    /// The shop's own backend.
    Shop,
    /// A job or the command line.
    System,
}

/// The language that a customer is written to in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::codes::Locale")]
pub enum Locale {
    /// German.
    De,
    /// English.
    En,
}

/// A role.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::staff::Role")]
pub enum StaffRole {
    /// Service agent.
    Agent,
    /// Warehouse.
    Warehouse,
    /// Finance.
    Finance,
    /// Data-protection officer.
    Dpo,
    /// Administrator: settings and jobs, no personal data.
    Admin,
}

/// What happens when a period has ended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::retention_rules::Action")]
pub enum RetentionAction {
    /// The row is deleted.
    Delete,
    /// The row is counted into coarse statistics that cannot be linked back, then deleted.
    Anonymise,
}

/// How a run of a job ended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::job_runs::State")]
pub enum JobRunState {
    /// It is running, or its process died.
    Running,
    /// Done.
    Done,
    /// It failed; the next run goes on.
    Failed,
}

/// Where an erasure stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::erasures::State")]
pub enum ErasureState {
    /// Part of it waits until something open closes; the nightly run goes on with it.
    Deferred,
    /// All is erased, anonymised or lawfully kept.
    Settled,
}

/// Why the law may exclude an article from withdrawal, BGB § 312g(2).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::order_lines::Exclusion")]
pub enum WithdrawalExclusion {
    /// Made to the customer's specification (no. 1).
    CustomMade,
    /// Spoils quickly (no. 2).
    Perishable,
    /// Sealed for reasons of health or hygiene (no. 3); only once the seal is broken.
    HygieneSealed,
    /// Mixes inseparably with other goods (no. 4); only once it has been.
    Mixed,
    /// Alcoholic drinks whose price depends on the market (no. 5).
    AlcoholAtMarketPrice,
    /// Sealed recordings or software (no. 6); only once the seal is broken.
    MediaSealed,
    /// Newspapers and magazines (no. 7).
    Press,
    /// Goods whose price depends on the financial market (no. 8).
    FinancialMarketPrice,
}

/// Where a timer stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::timers::State")]
pub enum TimerState {
    /// It runs.
    Running,
    /// It waits, with a reason.
    Paused,
    /// What was promised was done in time.
    Met,
    /// It was not.
    Breached,
    /// Another day was announced, or it has no object any more.
    Superseded,
}

/// What staff has to look at.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::tasks::Kind")]
pub enum TaskKind {
    /// A promise was not kept: answer, decide, or tell the customer.
    DeadlineMissed,
    /// A refund was not credited in the expected time: ask the bank.
    RefundNotCredited,
}
