//! Goods on their way: articles, parcels, returns, remedies.

use async_graphql::Enum;

use crate::error::Language;
use crate::policy::words::words;

/// Why the law may exclude an article from withdrawal (BGB § 312g(2) sentence 1).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::order_lines::Exclusion")]
pub enum WithdrawalExclusion {
    /// Made to the consumer's specification (no. 1).
    CustomMade,
    /// Spoils quickly (no. 2).
    Perishable,
    /// Sealed for reasons of health or hygiene (no. 3); only once the seal is broken.
    HygieneSealed,
    /// Mixes inseparably with other goods (no. 4); only once it has been, after delivery.
    Mixed,
    /// Alcoholic drinks whose price depends on the market (no. 5).
    AlcoholAtMarketPrice,
    /// Sealed recordings or software (no. 6); only once the seal is broken.
    MediaSealed,
    /// Newspapers and magazines, except subscriptions (no. 7).
    Press,
    /// Goods whose price depends on the financial market (no. 8).
    FinancialMarketPrice,
}

/// What a parcel is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::parcels::Purpose")]
pub enum ParcelPurpose {
    /// The order, to the customer. The last one of an order anchors its periods (BGB § 356(2)).
    Order,
    /// Goods on their way back.
    Return,
    /// A replacement, or repaired goods, to the customer.
    Replacement,
    /// Goods that were not accepted, back to the customer (S36).
    SentBack,
}

/// Where a parcel is. It only goes forward: a late "in transit" never undoes "delivered".
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::parcels::State")]
pub enum ParcelState {
    /// Known, not yet moving.
    Announced,
    /// On its way.
    InTransit,
    /// Lost by the carrier; if it turns up after all, it is delivered.
    Lost,
    /// Handed over.
    Delivered,
}

/// What happened.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::carrier_events::Status")]
pub enum CarrierStatus {
    /// The carrier knows of it.
    Announced,
    /// On its way.
    InTransit,
    /// In the delivery vehicle.
    OutForDelivery,
    /// Delivered.
    Delivered,
    /// Delayed, damaged, refused; a person has to look.
    Exception,
    /// Lost.
    Lost,
}

/// Where the goods are.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::returns::State")]
pub enum ReturnState {
    /// The customer has been told how to send them.
    Instructed,
    /// Sent off, or scanned by a carrier.
    InTransit,
    /// They never came, and the day to send them back by has passed.
    Expired,
    /// The carrier has lost them.
    Lost,
    /// Here, counted.
    Received,
    /// On the bench.
    Inspecting,
    /// Inspected, with a result.
    Inspected,
}

impl ReturnState {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        match self {
            Self::Instructed => words("Rücksendung erbeten", "Return requested"),
            Self::InTransit => words("Unterwegs", "On its way"),
            Self::Expired => words("Nicht eingetroffen", "Never came"),
            Self::Lost => words("Verloren", "Lost"),
            Self::Received => words("Eingetroffen", "Received"),
            Self::Inspecting => words("In Prüfung", "Being inspected"),
            Self::Inspected => words("Geprüft", "Inspected"),
        }
        .said(language)
    }
}

/// Who pays for sending goods.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::returns::Bearer")]
pub enum CarriageBearer {
    /// The customer.
    Customer,
    /// The shop.
    Shop,
}

/// What the goods are like.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::return_lines::Grade")]
pub enum GoodsGrade {
    /// As new.
    New,
    /// Opened, no trace of use.
    Opened,
    /// Used beyond what testing needs (BGB § 357a(1)).
    Used,
    /// Defective.
    Defective,
    /// Beyond use.
    Unusable,
}

/// Where the goods go (F24).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::return_lines::Disposition")]
pub enum GoodsDisposition {
    /// Back to the shelf.
    Restock,
    /// To be repaired and sold as such.
    Refurbish,
    /// To be destroyed.
    Destroy,
    /// Back to the customer.
    SendBack,
    /// To the supplier.
    ToSupplier,
}

/// What the customer gets (BGB §§ 437, 439(1)).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::remedies::Kind")]
pub enum RemedyKind {
    /// The same goods, mended.
    Repair,
    /// The same article anew.
    Replacement,
    /// Another variant.
    Exchange,
}

/// Where it stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::remedies::State")]
pub enum RemedyState {
    /// Arranged.
    Ordered,
    /// Sent to the customer.
    Shipped,
    /// Handed over: what runs from a new delivery runs (BGB § 475e(4)).
    Delivered,
    /// Called off before it was sent.
    Cancelled,
}

/// What happened to people.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::safety_entries::Harm")]
pub enum SafetyHarm {
    /// Nobody was hurt.
    None,
    /// No treatment by a doctor was needed.
    Minor,
    /// Treatment was needed, or more.
    Serious,
    /// Somebody died.
    Fatal,
}

impl SafetyHarm {
    /// What people call it.
    #[must_use]
    pub const fn label(self, language: Language) -> &'static str {
        let words = match self {
            Self::None => words("Niemand verletzt", "Nobody hurt"),
            Self::Minor => words("Leicht verletzt", "Slight injury"),
            Self::Serious => words("Schwer verletzt", "Serious injury"),
            Self::Fatal => words("Tödlich", "Fatal"),
        };
        words.said(language)
    }
}
