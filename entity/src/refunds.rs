//! Refunds: vouchers with their own snapshot of the payee (R01).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CaseId, ids::CustomerId, ids::OrderId, ids::RefundId, ids::StaffId, ids::UnitId};

crate::codes! {
    /// Where a refund stands.
    State {
        /// Granted; nothing has been sent.
        Granted = "GRANTED",
        /// Handed to the payment provider.
        Submitted = "SUBMITTED",
        /// The provider has it; the bank has not credited it yet.
        PendingAtProvider = "PENDING_AT_PROVIDER",
        /// The bank's usual time is over and nothing was credited (S61).
        Overdue = "OVERDUE",
        /// The whereabouts are being traced (S62).
        Clarification = "CLARIFICATION",
        /// Credited to the customer.
        Credited = "CREDITED",
        /// Withdrawn, or refused by the provider; does not count towards the ceiling.
        Failed = "FAILED",
        /// After a failure, the customer has agreed to other means (BGB § 357(3)).
        AlternativeAgreed = "ALTERNATIVE_AGREED",
    }
}

impl State {
    /// Whether it is on its way: neither at the customer's nor refused.
    #[must_use]
    pub const fn is_running(self) -> bool {
        match self {
            Self::Granted
            | Self::Submitted
            | Self::PendingAtProvider
            | Self::Overdue
            | Self::Clarification
            | Self::AlternativeAgreed => true,
            Self::Credited | Self::Failed => false,
        }
    }
}

/// The states in which a refund is on its way, in SQL.
pub const RUNNING: &str =
    "('GRANTED', 'SUBMITTED', 'PENDING_AT_PROVIDER', 'OVERDUE', 'CLARIFICATION', 'ALTERNATIVE_AGREED')";

crate::codes! {
    /// What is paid back.
    Kind {
        /// The price of goods, in full or for some of them.
        Goods = "GOODS",
        /// A reduction of the price (BGB § 441).
        PriceReduction = "PRICE_REDUCTION",
        /// An amount agreed on.
        Goodwill = "GOODWILL",
    }
}

crate::codes! {
    /// By which means it is paid.
    Means {
        /// The means that were paid with (S58, S59; BGB § 357(3)).
        Original = "ORIGINAL",
        /// A bank transfer, to which the customer has expressly agreed, at no cost.
        BankTransfer = "BANK_TRANSFER",
    }
}

/// A refund. Money is in minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefundId,
    /// Case.
    pub case_id: CaseId,
    /// Order.
    pub order_id: OrderId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// State.
    pub state: State,
    /// What is paid back.
    pub kind: Kind,
    /// By which means.
    pub means: Means,
    /// Amount in minor units, above zero.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// How the amount was reckoned, as JSON: lines, tax, shipping, deduction, each step with its norm.
    pub calculation: Option<String>,
    /// Name, address and order number as the voucher needs them, as JSON.
    pub payee: Option<Sealed>,
    /// The provider's reference or ARN.
    pub reference: Option<Sealed>,
    /// Granted at.
    pub granted_at: DateTimeUtc,
    /// Who granted it, by id.
    pub granted_by: StaffId,
    /// Whether a second person has to approve it, by the policy of the day and all that was promised on the order (F31).
    pub approval_needed: bool,
    /// When a second person approved it, where the amount needs that.
    pub approved_at: Option<DateTimeUtc>,
    /// Who approved it, by id: never who granted it.
    pub approved_by: Option<StaffId>,
    /// Submitted at.
    pub submitted_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub submitted_by: Option<StaffId>,
    /// Credited at.
    pub credited_at: Option<DateTimeUtc>,
    /// Counts the changes of the decision state; guards concurrent updates.
    pub version: i64,
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
    const SUBJECT: Subject =
        Subject::Through(&[("case_id", "cases"), ("order_id", "orders"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R01];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::OrderId => Meaning::id("Order"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::State => Meaning::plain(Category::Payment, "State"),
            Column::Kind => Meaning::plain(Category::Payment, "Kind"),
            Column::Means => Meaning::plain(Category::Payment, "Means"),
            Column::Calculation => Meaning::plain(Category::Payment, "Calculation"),
            Column::ApprovalNeeded => Meaning::plain(Category::Payment, "Approval needed"),
            Column::ApprovedAt => Meaning::plain(Category::Payment, "Approved at"),
            Column::AmountMinor => Meaning::plain(Category::Payment, "Amount"),
            Column::Currency => Meaning::plain(Category::Payment, "Currency"),
            Column::Payee => Meaning::sealed(Category::Payment, "Payee"),
            Column::Reference => Meaning::sealed(Category::Payment, "Provider reference"),
            Column::GrantedAt => Meaning::plain(Category::Payment, "Granted at"),
            Column::GrantedBy | Column::ApprovedBy | Column::SubmittedBy => Meaning::staff(),
            Column::SubmittedAt => Meaning::plain(Category::Payment, "Submitted at"),
            Column::CreditedAt => Meaning::plain(Category::Payment, "Credited at"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
