//! Cases and what hangs on them: kinds, states, reasons, messages, timers, tasks.

use async_graphql::Enum;

use crate::cases::words as written;
use crate::error::Language;
use crate::policy::words::words;

/// What the customer wants (S6 to S11).
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
    /// Statutory withdrawal (BGB § 355).
    Withdrawal,
    /// To call an order off before it was sent (S14).
    OrderCancellation,
    /// Praise, criticism, ideas (S87).
    Feedback,
}

impl ServiceCaseKind {
    /// What people call it.
    #[must_use]
    pub fn label(self, language: Language) -> &'static str {
        written::kind(self.into()).said(language)
    }
}

/// How the request arrived (S15, S16).
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
    /// The web form, before any account exists.
    WebForm,
}

/// Where a case stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::State")]
pub enum ServiceCaseState {
    /// Received; nobody has looked at it.
    Received,
    /// Staff is reviewing.
    UnderReview,
    /// The customer was asked for something.
    NeedsInfo,
    /// It takes longer; the day was announced (S76, S77).
    Extended,
    /// Solved by an answer (S24).
    SolvedDirectly,
    /// The customer was told how to send the goods (S25 to S27).
    ReturnInstructed,
    /// Accepted without a return.
    ResolvedWithoutReturn,
    /// Not accepted, with reasons and basis (S34, S35).
    NotEligible,
    /// The goods are on their way back.
    InTransit,
    /// The goods never came.
    ReturnExpired,
    /// The carrier has lost the goods.
    LostInTransit,
    /// The goods are here.
    ReturnReceived,
    /// The goods are being inspected (S29).
    Inspecting,
    /// The inspection found the conditions met.
    Eligible,
    /// In part.
    PartiallyEligible,
    /// The goods are mended.
    Repair,
    /// A replacement or another variant is on its way (S32).
    Replacement,
    /// The money goes back (S33).
    Refund,
    /// Part of the price goes back (BGB § 441).
    PriceReduction,
    /// The goods went back to the customer (S36).
    SentBack,
    /// The customer has been told the result (S38 to S41).
    ResultNotified,
    /// Closed: every retention period that starts with closing runs.
    Closed,
    /// The customer objects (S42).
    Reopened,
    /// Another person examines it again (S43).
    ReExamination,
    /// No agreement (S79, S80).
    DisputeOpen,
    /// Settled between the parties.
    Settled,
    /// Before a conciliation board.
    Adr,
    /// Before a court.
    Court,
    /// The dispute has ended.
    DisputeClosed,
    /// Called off by the customer.
    Cancelled,
    /// The same as another case, which goes on.
    Merged,
    /// A bare row: the header has been erased or anonymised.
    Erased,
}

impl ServiceCaseState {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match self {
            Self::Received => words("Eingegangen", "Received"),
            Self::UnderReview => words("In Prüfung", "Under review"),
            Self::NeedsInfo => words("Angaben erbeten", "Waiting for your answer"),
            Self::Extended => words("Verlängert", "Takes longer"),
            Self::SolvedDirectly => words("Direkt gelöst", "Solved directly"),
            Self::ReturnInstructed => words("Rücksendung erbeten", "Return requested"),
            Self::ResolvedWithoutReturn => words("Anerkannt ohne Rücksendung", "Accepted without return"),
            Self::NotEligible => words("Abgelehnt", "Not accepted"),
            Self::InTransit => words("Rücksendung unterwegs", "Return on its way"),
            Self::ReturnExpired => words("Rücksendung ausgeblieben", "Return never came"),
            Self::LostInTransit => words("Rücksendung verloren", "Return lost"),
            Self::ReturnReceived => words("Rücksendung eingetroffen", "Return received"),
            Self::Inspecting => words("In der Warenprüfung", "Being inspected"),
            Self::Eligible => words("Anerkannt", "Accepted"),
            Self::PartiallyEligible => words("Teilweise anerkannt", "Accepted in part"),
            Self::Repair => words("In Reparatur", "Being repaired"),
            Self::Replacement => words("Ersatz veranlasst", "Replacement arranged"),
            Self::Refund => words("Erstattung veranlasst", "Refund arranged"),
            Self::PriceReduction => words("Preisminderung", "Price reduction"),
            Self::SentBack => words("An Sie zurückgesandt", "Sent back to you"),
            Self::ResultNotified => words("Ergebnis mitgeteilt", "Result told"),
            Self::Closed => words("Abgeschlossen", "Closed"),
            Self::Reopened => words("Wieder aufgenommen", "Taken up again"),
            Self::ReExamination => words("Erneute Prüfung", "Examined again"),
            Self::DisputeOpen => words("Keine Einigung", "No agreement"),
            Self::Settled => words("Geeinigt", "Settled"),
            Self::Adr => words("In der Schlichtung", "In conciliation"),
            Self::Court => words("Vor Gericht", "In court"),
            Self::DisputeClosed => words("Streit beendet", "Dispute ended"),
            Self::Cancelled => words("Zurückgezogen", "Called off"),
            Self::Merged => words("Zusammengeführt", "Merged"),
            Self::Erased => words("Gelöscht", "Erased"),
        }
        .said(language)
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
        match self {
            Self::SolvedDirectly => words("Direkt gelöst", "Solved directly"),
            Self::Eligible => words("Anerkannt", "Accepted"),
            Self::PartiallyEligible => words("Teilweise anerkannt", "Accepted in part"),
            Self::NotEligible => words("Abgelehnt", "Not accepted"),
        }
        .said(language)
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
    /// Wrongly labelled article (S54).
    WrongLabelling,
    /// No reason given or needed (S51).
    NoReason,
    /// Question answered.
    Answered,
    /// The period has ended.
    PeriodEnded,
    /// No right of withdrawal exists for these goods (BGB § 312g(2)).
    RightExcluded,
    /// The defect could not be confirmed.
    DefectNotConfirmed,
    /// The product is not from this shop (S13).
    NotOurProduct,
    /// The goods did not come back, or others did.
    GoodsNotReturned,
    /// The defect comes from use, of which the customer was at fault (BGB § 446, BGH VIII ZR 246/06).
    CausedByUse,
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

/// How the customer was told the result (S38).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::cases::NoticeChannel")]
pub enum NoticeChannel {
    /// By e-mail.
    Email,
    /// By telephone; the call is recorded as a note.
    Phone,
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
    /// What the customer was asked for (S22).
    InfoRequest,
    /// How to send goods back (S25 to S27).
    ReturnInstruction,
    /// That it takes longer (S76, S77).
    DelayNotice,
    /// The result (S38 to S41).
    ResultNotice,
    /// A recorded telephone call.
    Call,
    /// The customer's objection (S42).
    Objection,
    /// The notice after a dispute that could not be settled (VSBG § 37).
    DisputeNotice,
    /// A note between members of staff. The customer sees it in an export only (GDPR Art. 15).
    InternalNote,
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

/// What is to be done.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::tasks::Kind")]
pub enum TaskKind {
    /// A promise was not kept: answer, decide, or tell the customer.
    DeadlineMissed,
    /// A refund was not credited in the expected time: ask the bank (S61, S62).
    RefundNotCredited,
    /// Goods came back: inspect them without delay (S29).
    InspectGoods,
    /// The inspection found the conditions met: arrange the remedy that the customer chose (S31 to S33).
    ArrangeRemedy,
    /// The inspection did not: send the goods back, decide who pays (S36, S37).
    SendGoodsBack,
    /// A statement of withdrawal fits no order: match it by hand.
    MatchWithdrawal,
    /// A withdrawal has to be paid back: goods or proof of dispatch are there, or cannot be waited for.
    RefundWithdrawal,
    /// A parcel is lost, or does not move.
    TraceParcel,
    /// A refund needs a second person (F31).
    ApproveRefund,
    /// The customer objects: somebody else examines the case again (S43).
    ReexamineCase,
    /// A mail did not arrive: tell the customer another way.
    MailBounced,
    /// A mail came in that no program can file.
    ReadMail,
    /// A dispute: its date of review, or its limitation.
    ReviewDispute,
    /// A refund failed: agree with the customer on other means (BGB § 357(3)).
    RefundFailed,
}

/// Where it stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::disputes::State")]
pub enum DisputeState {
    /// No agreement; nothing is pending yet.
    Open,
    /// Settled between the parties.
    Settled,
    /// Before a conciliation board (VSBG).
    Conciliation,
    /// Before a court.
    Court,
    /// Ended for good.
    Closed,
}

/// How it ended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::disputes::Outcome")]
pub enum DisputeOutcome {
    /// The parties agreed.
    Settlement,
    /// In favour of the customer.
    ForCustomer,
    /// In favour of the shop.
    ForShop,
    /// Withdrawn.
    Withdrawn,
    /// Conciliation ended without agreement.
    NoAgreement,
}

/// Where it stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::proposals::State")]
pub enum ProposalState {
    /// Made.
    Offered,
    /// Agreed.
    Accepted,
    /// Not agreed.
    Declined,
}

/// What a mail says.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::mails::Template")]
pub enum MailTemplate {
    /// The request has arrived, and how it goes on (S21, S22).
    Acknowledgement,
    /// Receipt for a withdrawal: its content with date and time (BGB § 356a(4)).
    WithdrawalReceipt,
    /// A reply by staff.
    Message,
    /// What is still needed from the customer (S22).
    InfoRequest,
    /// It takes longer, and until when (S76, S77).
    DelayNotice,
    /// How goods are sent back.
    ReturnInstruction,
    /// The decision with its reasons and basis (S34, S35).
    Decision,
    /// The result after completion (S38 to S42).
    ResultNotice,
    /// Where a refund stands (S41).
    RefundUpdate,
    /// Which board is competent, and whether the shop takes part (VSBG § 37).
    DisputeNotice,
    /// A link for one who has no account.
    GuestLink,
    /// What became of a request for erasure (GDPR Art. 12(3), 17).
    ErasureAnswer,
    /// What became of what had still waited when a request for erasure was answered (GDPR Art. 12(3), 17).
    ErasureClosing,
    /// To one who was given data: it was erased (GDPR Art. 19).
    RecipientNotice,
    /// A restriction of processing is about to be lifted (GDPR Art. 18(3)).
    RestrictionNotice,
}

/// Where a mail stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::mails::State")]
pub enum MailState {
    /// Written; waits for its next attempt.
    Queued,
    /// A mail server has taken it.
    Sent,
    /// It came back after a server had taken it.
    Bounced,
    /// Refused for good, or given up.
    Dead,
}
