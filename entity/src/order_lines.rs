//! Lines of an order (R25).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::OrderId, ids::OrderLineId, ids::UnitId};

crate::codes! {
    /// Why the law may exclude an article from withdrawal (BGB § 312g(2) sentence 1).
    Exclusion {
        /// Made to the consumer's specification (no. 1).
        CustomMade = "CUSTOM_MADE",
        /// Spoils quickly (no. 2).
        Perishable = "PERISHABLE",
        /// Sealed for reasons of health or hygiene (no. 3); only once the seal is broken.
        HygieneSealed = "HYGIENE_SEALED",
        /// Mixes inseparably with other goods (no. 4); only once it has been, after delivery.
        Mixed = "MIXED",
        /// Alcoholic drinks whose price depends on the market (no. 5).
        AlcoholAtMarketPrice = "ALCOHOL_AT_MARKET_PRICE",
        /// Sealed recordings or software (no. 6); only once the seal is broken.
        MediaSealed = "MEDIA_SEALED",
        /// Newspapers and magazines, except subscriptions (no. 7).
        Press = "PRESS",
        /// Goods whose price depends on the financial market (no. 8).
        FinancialMarketPrice = "FINANCIAL_MARKET_PRICE",
    }
}

impl Exclusion {
    /// Whether it holds only for goods whose seal was broken, or that were mixed, after delivery.
    #[must_use]
    pub const fn arises_after_delivery(self) -> bool {
        matches!(self, Self::HygieneSealed | Self::MediaSealed | Self::Mixed)
    }

    /// Its norm.
    #[must_use]
    pub const fn norm(self) -> &'static str {
        match self {
            Self::CustomMade => "BGB § 312g(2) no. 1",
            Self::Perishable => "BGB § 312g(2) no. 2",
            Self::HygieneSealed => "BGB § 312g(2) no. 3",
            Self::Mixed => "BGB § 312g(2) no. 4",
            Self::AlcoholAtMarketPrice => "BGB § 312g(2) no. 5",
            Self::MediaSealed => "BGB § 312g(2) no. 6",
            Self::Press => "BGB § 312g(2) no. 7",
            Self::FinancialMarketPrice => "BGB § 312g(2) no. 8",
        }
    }
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderLineId,
    /// Order.
    pub order_id: OrderId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Position in the order, from 1.
    pub position: i32,
    /// Article number.
    pub sku: String,
    /// Product group code, upper case.
    pub product_group: String,
    /// Article.
    pub title: Option<Sealed>,
    /// Serial number of the goods.
    pub serial_number: Option<Sealed>,
    /// Quantity.
    pub quantity: i32,
    /// Gross, in minor units of the order's currency.
    pub unit_price_minor: i64,
    /// Value added tax in hundredths of a percent.
    pub tax_basis_points: i32,
    /// Why the law may exclude it from withdrawal.
    pub withdrawal_exclusion: Option<Exclusion>,
    /// Months of a guarantee from the delivery.
    pub guarantee_months: Option<i32>,
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
    const SUBJECT: Subject = Subject::Through(&[("order_id", "orders")]);
    const TYPES: &'static [DataType] = &[DataType::R25];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::OrderId => Meaning::id("Order"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Position => Meaning::plain(Category::Contract, "Position"),
            Column::Sku => Meaning::plain(Category::Contract, "Article number"),
            Column::ProductGroup => Meaning::plain(Category::Contract, "Product group"),
            Column::Title => Meaning::sealed(Category::Contract, "Article"),
            Column::SerialNumber => Meaning::sealed(Category::Contract, "Serial number").identifying(),
            Column::Quantity => Meaning::plain(Category::Contract, "Quantity"),
            Column::UnitPriceMinor => Meaning::plain(Category::Contract, "Unit price"),
            Column::TaxBasisPoints => Meaning::plain(Category::Contract, "Tax rate"),
            Column::WithdrawalExclusion => Meaning::plain(Category::Contract, "Excluded from withdrawal"),
            Column::GuaranteeMonths => Meaning::plain(Category::Contract, "Months of guarantee"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
