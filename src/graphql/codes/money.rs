//! Money: payment, refunds, consents, inquiries.

use async_graphql::Enum;

use crate::cases::words as written;
use crate::error::Language;

/// How the order was paid. Refunds go back the same way (BGB § 357(3)).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::orders::PaymentMethod")]
pub enum PaymentMethod {
    /// Visa card.
    Visa,
    /// Mastercard card.
    Mastercard,
}

/// Where a refund stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::refunds::State")]
pub enum RefundState {
    /// Granted; nothing has been sent.
    Granted,
    /// Handed to the payment provider.
    Submitted,
    /// The provider has it; the bank has not credited it yet.
    PendingAtProvider,
    /// The bank's usual time is over and nothing was credited (S61).
    Overdue,
    /// The whereabouts are being traced (S62).
    Clarification,
    /// Credited to the customer.
    Credited,
    /// Withdrawn, or refused by the provider; does not count towards the ceiling.
    Failed,
    /// After a failure, the customer has agreed to other means (BGB § 357(3)).
    AlternativeAgreed,
}

impl RefundState {
    /// What people call it.
    #[must_use]
    pub fn label(self, language: Language) -> &'static str {
        written::refund(self.into()).said(language)
    }
}

/// What is paid back.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::refunds::Kind")]
pub enum RefundKind {
    /// The price of goods, in full or for some of them.
    Goods,
    /// A reduction of the price (BGB § 441).
    PriceReduction,
    /// An amount agreed on.
    Goodwill,
}

/// By which means it is paid.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::refunds::Means")]
pub enum RefundMeans {
    /// The means that were paid with (S58, S59; BGB § 357(3)).
    Original,
    /// A bank transfer, to which the customer has expressly agreed, at no cost.
    BankTransfer,
}

/// To what.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::consents::Kind")]
pub enum ConsentKind {
    /// A refund by other means than the payment, at no cost (BGB § 357(3)).
    OtherPaymentMeans,
    /// To be called.
    ContactByPhone,
}

/// With whom.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::inquiry_entries::Party")]
pub enum InquiryParty {
    /// The customer.
    Customer,
    /// The customer's bank.
    Bank,
    /// The payment provider.
    Provider,
    /// Within the shop.
    Shop,
}
