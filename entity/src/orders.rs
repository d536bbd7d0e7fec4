//! Orders as the shop registers them for after-sales (R25).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, RowEnd, Subject};
use crate::{DataType, Sealed, ids::CustomerId, ids::OrderId, ids::UnitId};

crate::codes! {
    /// How the order was paid. Refunds go back the same way (BGB § 357(3)).
    PaymentMethod {
        /// Visa card.
        Visa = "VISA",
        /// Mastercard card.
        Mastercard = "MASTERCARD",
    }
}

/// An order. Money is in minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    /// Customer.
    pub customer_id: CustomerId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// The shop's order number.
    pub number: Option<Sealed>,
    /// Ordered at.
    pub ordered_at: Option<DateTimeUtc>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// What was captured, in minor units: the ceiling of all refunds.
    pub captured_minor: Option<i64>,
    /// What a card issuer has charged back, in minor units: it is not refunded again.
    pub charged_back_minor: Option<i64>,
    /// What the customer paid for delivery, in minor units; part of what was captured.
    pub shipping_minor: Option<i64>,
    /// What the shop's least expensive standard delivery would have cost, in minor units (BGB § 357(2)).
    pub standard_shipping_minor: Option<i64>,
    /// Value added tax on delivery, in hundredths of a percent.
    pub shipping_tax_basis_points: Option<i32>,
    /// Payment method.
    pub payment_method: Option<PaymentMethod>,
    /// The payment provider's reference; never a card number (PCI DSS 3.3.1).
    pub payment_reference: Option<Sealed>,
    /// Last parcel delivered at.
    pub delivered_at: Option<DateTimeUtc>,
    /// The Land that it went to, by its two letters: consumers' periods roll over its holidays.
    pub land: Option<String>,
    /// Whether the consumer was instructed about withdrawal (BGB § 356(3)); none: nobody said so.
    pub withdrawal_instructed: Option<bool>,
    /// Whether the consumer was told to pay for sending back (BGB § 357(5)); none: nobody said so.
    pub return_cost_told: Option<bool>,
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
    const SUBJECT: Subject = Subject::Through(&[("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R25];
    const START: Option<Column> = Some(Column::StartAt);
    const END: RowEnd = RowEnd::Bare;

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Number => Meaning::sealed(Category::Contract, "Order number").identifying(),
            Column::OrderedAt => Meaning::plain(Category::Contract, "Ordered at"),
            Column::Currency => Meaning::plain(Category::Payment, "Currency"),
            Column::CapturedMinor => Meaning::plain(Category::Payment, "Captured amount"),
            Column::ChargedBackMinor => Meaning::plain(Category::Payment, "Charged back"),
            Column::ShippingMinor => Meaning::plain(Category::Payment, "Delivery charge"),
            Column::StandardShippingMinor => Meaning::plain(Category::Payment, "Standard delivery charge"),
            Column::ShippingTaxBasisPoints => Meaning::plain(Category::Payment, "Tax on delivery"),
            Column::PaymentMethod => Meaning::plain(Category::Payment, "Payment method"),
            Column::PaymentReference => Meaning::sealed(Category::Payment, "Payment reference").identifying(),
            Column::DeliveredAt => Meaning::plain(Category::Contract, "Last parcel delivered at"),
            Column::Land => Meaning::plain(Category::Contract, "Land of the delivery"),
            Column::WithdrawalInstructed => Meaning::plain(Category::Contract, "Instructed about withdrawal"),
            Column::ReturnCostTold => Meaning::plain(Category::Contract, "Told the cost of sending back"),
            Column::Version => Meaning::internal("counts changes"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
            Column::ArchivedAt => Meaning::plain(Category::Operation, "In the archive since"),
            Column::ErasedAt => Meaning::internal("marks a bare row"),
        }
    }
}
