//! Service cases: the header (R24). What is written lives in messages.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, RowEnd, Subject};
use crate::{DataType, ids::CaseId, ids::CustomerId, ids::OrderId, ids::StaffId};

crate::codes! {
    /// What the customer wants (S6 to S11).
    Kind {
        /// A question about an order.
        OrderAdvice = "ORDER_ADVICE",
        /// A question about how to use a product.
        UsageGuidance = "USAGE_GUIDANCE",
        /// To give goods back.
        Return = "RETURN",
        /// To have goods replaced.
        Exchange = "EXCHANGE",
        /// A defect (BGB § 437).
        WarrantyClaim = "WARRANTY_CLAIM",
        /// Where is my refund?
        RefundTracking = "REFUND_TRACKING",
        /// Where is my parcel?
        LogisticsQuery = "LOGISTICS_QUERY",
        /// A complaint about after-sales.
        Complaint = "COMPLAINT",
        /// Statutory withdrawal (BGB § 355).
        Withdrawal = "WITHDRAWAL",
        /// To call an order off before it was sent (S14).
        OrderCancellation = "ORDER_CANCELLATION",
        /// Praise, criticism, ideas (S87).
        Feedback = "FEEDBACK",
    }
}

crate::codes! {
    /// How the request arrived (S15, S16).
    Channel {
        /// The customer portal.
        Portal = "PORTAL",
        /// A telephone call that staff wrote down.
        Phone = "PHONE",
        /// An e-mail that staff wrote down.
        Email = "EMAIL",
        /// A letter that staff wrote down.
        Letter = "LETTER",
        /// The web form, before any account exists.
        WebForm = "WEB_FORM",
    }
}

crate::codes! {
    /// Where a case stands.
    State {
        /// Received; nobody has looked at it.
        Received = "RECEIVED",
        /// Staff is reviewing.
        UnderReview = "UNDER_REVIEW",
        /// The customer was asked for something.
        NeedsInfo = "NEEDS_INFO",
        /// It takes longer; the day was announced (S76, S77).
        Extended = "EXTENDED",
        /// Solved by an answer (S24).
        SolvedDirectly = "SOLVED_DIRECTLY",
        /// The customer was told how to send the goods (S25 to S27).
        ReturnInstructed = "RETURN_INSTRUCTED",
        /// Accepted without a return.
        ResolvedWithoutReturn = "RESOLVED_WITHOUT_RETURN",
        /// Not accepted, with reasons and basis (S34, S35).
        NotEligible = "NOT_ELIGIBLE",
        /// The goods are on their way back.
        InTransit = "IN_TRANSIT",
        /// The goods never came.
        ReturnExpired = "RETURN_EXPIRED",
        /// The carrier has lost the goods.
        LostInTransit = "LOST_IN_TRANSIT",
        /// The goods are here.
        ReturnReceived = "RETURN_RECEIVED",
        /// The goods are being inspected (S29).
        Inspecting = "INSPECTING",
        /// The inspection found the conditions met.
        Eligible = "ELIGIBLE",
        /// In part.
        PartiallyEligible = "PARTIALLY_ELIGIBLE",
        /// The goods are mended.
        Repair = "REPAIR",
        /// A replacement or another variant is on its way (S32).
        Replacement = "REPLACEMENT",
        /// The money goes back (S33).
        Refund = "REFUND",
        /// Part of the price goes back (BGB § 441).
        PriceReduction = "PRICE_REDUCTION",
        /// The goods went back to the customer (S36).
        SentBack = "SENT_BACK",
        /// The customer has been told the result (S38 to S41).
        ResultNotified = "RESULT_NOTIFIED",
        /// Closed: every retention period that starts with closing runs.
        Closed = "CLOSED",
        /// The customer objects (S42).
        Reopened = "REOPENED",
        /// Another person examines it again (S43).
        ReExamination = "RE_EXAMINATION",
        /// No agreement (S79, S80).
        DisputeOpen = "DISPUTE_OPEN",
        /// Settled between the parties.
        Settled = "SETTLED",
        /// Before a conciliation board.
        Adr = "ADR",
        /// Before a court.
        Court = "COURT",
        /// The dispute has ended.
        DisputeClosed = "DISPUTE_CLOSED",
        /// Called off by the customer.
        Cancelled = "CANCELLED",
        /// The same as another case, which goes on.
        Merged = "MERGED",
        /// A bare row: the header has been erased or anonymised.
        Erased = "ERASED",
    }
}

impl State {
    /// Nothing happens any more: the periods that start with the end run.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled | Self::Merged | Self::Erased)
    }
}

/// The same, in SQL.
pub const OVER: &str = "('CLOSED', 'CANCELLED', 'MERGED', 'ERASED')";

crate::codes! {
    /// How the customer was told the result (S38).
    NoticeChannel {
        /// By e-mail.
        Email = "EMAIL",
        /// By telephone; the call is recorded as a note.
        Phone = "PHONE",
    }
}

crate::codes! {
    /// The outcome of the review.
    Outcome {
        /// Solved by an answer (S24).
        SolvedDirectly = "SOLVED_DIRECTLY",
        /// The claim is accepted in full (S33).
        Eligible = "ELIGIBLE",
        /// The claim is accepted in part.
        PartiallyEligible = "PARTIALLY_ELIGIBLE",
        /// The claim is not accepted; reasons and basis are told (S34, S35).
        NotEligible = "NOT_ELIGIBLE",
    }
}

crate::codes! {
    /// Why the customer asks, or why it was decided so.
    Reason {
        /// Quality defect (S46).
        QualityDefect = "QUALITY_DEFECT",
        /// Deviation from specification or model (S47).
        NotAsDescribed = "NOT_AS_DESCRIBED",
        /// Missing accessories (S48).
        MissingAccessory = "MISSING_ACCESSORY",
        /// Damage (S49).
        Damaged = "DAMAGED",
        /// Wrong article delivered (S54).
        WrongDelivery = "WRONG_DELIVERY",
        /// Wrongly labelled article (S54).
        WrongLabelling = "WRONG_LABELLING",
        /// No reason given or needed (S51).
        NoReason = "NO_REASON",
        /// Question answered.
        Answered = "ANSWERED",
        /// The period has ended.
        PeriodEnded = "PERIOD_ENDED",
        /// No right of withdrawal exists for these goods (BGB § 312g(2)).
        RightExcluded = "RIGHT_EXCLUDED",
        /// The defect could not be confirmed.
        DefectNotConfirmed = "DEFECT_NOT_CONFIRMED",
        /// The product is not from this shop (S13).
        NotOurProduct = "NOT_OUR_PRODUCT",
        /// The goods did not come back, or others did.
        GoodsNotReturned = "GOODS_NOT_RETURNED",
        /// The defect comes from use, of which the customer was at fault (BGB § 446, BGH VIII ZR 246/06).
        CausedByUse = "CAUSED_BY_USE",
    }
}

crate::codes! {
    /// The basis that a decision rests on.
    LegalBasis {
        /// Statutory withdrawal, BGB §§ 312g, 355.
        Withdrawal = "WITHDRAWAL",
        /// The shop's own 45 days (S45).
        ShopReturn = "SHOP_RETURN",
        /// Warranty for defects, BGB §§ 437 ff.
        Warranty = "WARRANTY",
        /// No claim is concerned: advice.
        None = "NONE",
    }
}

crate::codes! {
    /// Whose turn it is.
    WaitingFor {
        /// The shop.
        Shop = "SHOP",
        /// The customer.
        Customer = "CUSTOMER",
        /// The bank or payment provider.
        Bank = "BANK",
        /// Nobody.
        Nobody = "NOBODY",
    }
}

crate::codes! {
    /// How the promises of a case were kept, as far as there were any.
    Promise {
        /// Each in time.
        Within = "WITHIN",
        /// At least one was not.
        Over = "OVER",
    }
}

/// A service case. In a bare row only ids are left.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cases")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CaseId,
    /// Customer.
    pub customer_id: CustomerId,
    /// Order.
    pub order_id: Option<OrderId>,
    /// What people read to each other on the telephone, such as `AS-2026-4F7K2M`.
    pub number: Option<String>,
    /// Kind.
    pub kind: Option<Kind>,
    /// Channel.
    pub channel: Option<Channel>,
    /// Where the case stands; `ERASED` in a bare row.
    pub state: State,
    /// Reason.
    pub reason: Option<Reason>,
    /// Outcome.
    pub outcome: Option<Outcome>,
    /// Legal basis.
    pub legal_basis: Option<LegalBasis>,
    /// Product group of the first order line, if any.
    pub product_group: Option<String>,
    /// Waiting for.
    pub waiting_for: Option<WaitingFor>,
    /// What the customer was asked for, as a JSON list of codes of the checklist.
    pub asked_for: Option<String>,
    /// Who works on it, by id.
    pub assigned_to: Option<StaffId>,
    /// Who examines it again, by id: never the one who decided first.
    pub reexamined_by: Option<StaffId>,
    /// The case that goes on in its place.
    pub merged_into: Option<CaseId>,
    /// When the customer was told the result, last.
    pub notified_at: Option<DateTimeUtc>,
    /// How.
    pub notified_by: Option<NoticeChannel>,
    /// How often it was taken up again.
    pub reopenings: i32,
    /// Opened at.
    pub opened_at: Option<DateTimeUtc>,
    /// Decided at.
    pub decided_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub decided_by: Option<StaffId>,
    /// Closed at.
    pub closed_at: Option<DateTimeUtc>,
    /// How first responses were, as counted at the end: its timers go before it does.
    pub first_response: Option<Promise>,
    /// How reviews were, as counted at the end.
    pub review: Option<Promise>,
    /// What had been credited at the end, in minor units of the order's currency.
    pub refunded_minor: Option<i64>,
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
    const SUBJECT: Subject = Subject::Through(&[("customer_id", "customers"), ("order_id", "orders")]);
    const TYPES: &'static [DataType] = &[DataType::R24];
    const START: Option<Column> = Some(Column::StartAt);
    const END: RowEnd = RowEnd::Bare;

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::OrderId => Meaning::id("Order"),
            Column::Number => Meaning::plain(Category::Operation, "Case number"),
            Column::Kind => Meaning::plain(Category::Contract, "Kind"),
            Column::Channel => Meaning::plain(Category::Contract, "Channel"),
            Column::State => {
                Meaning::internal("shown as the history of the case; a bare row keeps only that it is bare")
            }
            Column::Reason => Meaning::plain(Category::Contract, "Reason"),
            Column::Outcome => Meaning::plain(Category::Contract, "Outcome"),
            Column::LegalBasis => Meaning::plain(Category::Contract, "Legal basis"),
            Column::ProductGroup => Meaning::plain(Category::Contract, "Product group"),
            Column::WaitingFor => Meaning::plain(Category::Operation, "Waiting for"),
            Column::AskedFor => Meaning::plain(Category::Operation, "Asked for"),
            Column::AssignedTo | Column::ReexaminedBy => Meaning::staff(),
            Column::MergedInto => Meaning::id("Goes on as"),
            Column::NotifiedAt => Meaning::plain(Category::Operation, "Result told at"),
            Column::NotifiedBy => Meaning::plain(Category::Operation, "Result told by"),
            Column::Reopenings => Meaning::internal("counts what the history of the case shows"),
            Column::OpenedAt => Meaning::plain(Category::Operation, "Opened at"),
            Column::DecidedAt => Meaning::plain(Category::Operation, "Decided at"),
            Column::DecidedBy => Meaning::staff(),
            Column::ClosedAt => Meaning::plain(Category::Operation, "Closed at"),
            Column::FirstResponse => Meaning::plain(Category::Operation, "First response"),
            Column::Review => Meaning::plain(Category::Operation, "Review"),
            Column::RefundedMinor => Meaning::plain(Category::Payment, "Refunded"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
            Column::ArchivedAt => Meaning::plain(Category::Operation, "In the archive since"),
            Column::ErasedAt => Meaning::internal("marks a bare row"),
        }
    }
}
