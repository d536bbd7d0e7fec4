//! Anonymised order lines (R00): quantities by product group and month.

use sea_orm::entity::prelude::*;

use crate::DataType;
use crate::map::{Classified, Meaning, Subject};

/// Quantity sold of a product group in a month.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_line_statistics")]
pub struct Model {
    /// Product group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_group: String,
    /// Month of the order, `YYYY-MM`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    /// How many pieces.
    pub quantity: i64,
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
            Column::ProductGroup | Column::Month | Column::Quantity => Meaning::internal("anonymous"),
        }
    }
}
