//! What remains of anonymised cases and order lines (R00): counts by at most two coarse properties, without ids (GDPR
//! recital 26). Nowhere does a row, or several rows together, say everything about one case.

use sea_orm::entity::prelude::*;

use crate::DataType;
use crate::map::{Classified, Meaning, Subject};

crate::codes! {
    /// What is counted.
    Counted {
        /// Cases that are over, in the year in which they ended.
        Cases = "CASES",
        /// Lines of orders, in the year of the order.
        OrderLines = "ORDER_LINES",
    }
}

crate::codes! {
    /// A coarse property. Order lines have a month and a product group only.
    Dimension {
        /// Kind of the case.
        Kind = "KIND",
        /// Month in which the case ended, or of the order: `YYYY-MM`.
        Month = "MONTH",
        /// Product group.
        ProductGroup = "PRODUCT_GROUP",
        /// Reason.
        Reason = "REASON",
        /// Outcome.
        Outcome = "OUTCOME",
        /// Days from opening to the end, as a bucket.
        Duration = "DURATION",
        /// What was paid back, as a bucket of the currency's main unit.
        Refund = "REFUND",
        /// Whether every first response came in time.
        FirstResponse = "FIRST_RESPONSE",
        /// Whether every review was done in time.
        Review = "REVIEW",
    }
}

/// How many share one property (then the other one is the same) or two.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service_statistics")]
pub struct Model {
    /// What is counted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub counted: Counted,
    /// The year (Berlin).
    #[sea_orm(primary_key, auto_increment = false)]
    pub year: i32,
    /// A property.
    #[sea_orm(primary_key, auto_increment = false)]
    pub property: Dimension,
    /// Its value; empty: none. `*`: withheld, together with others.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    /// Another property, or the same.
    #[sea_orm(primary_key, auto_increment = false)]
    pub other_property: Dimension,
    /// Its value.
    #[sea_orm(primary_key, auto_increment = false)]
    pub other_value: String,
    /// Nothing more comes in this year: what is too small to be shown has been thrown away for good.
    pub settled: bool,
    /// How many.
    pub count: i64,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R00];
    const START: Option<Column> = None;

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Counted
            | Column::Year
            | Column::Property
            | Column::Value
            | Column::OtherProperty
            | Column::OtherValue
            | Column::Settled
            | Column::Count => Meaning::internal("anonymous"),
        }
    }
}
