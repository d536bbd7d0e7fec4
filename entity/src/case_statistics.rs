//! Anonymised cases (R00): counts of coarse rows, without ids (domain: WP216, GDPR Rec. 26).

use sea_orm::entity::prelude::*;

use crate::DataType;
use crate::map::{Classified, Meaning, Subject};

/// How many cases share these coarse properties. An empty text means unknown.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_statistics")]
pub struct Model {
    /// Kind.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Product group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_group: String,
    /// Reason.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reason: String,
    /// Outcome.
    #[sea_orm(primary_key, auto_increment = false)]
    pub outcome: String,
    /// Month of opening, `YYYY-MM`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub opened_month: String,
    /// Month of closing, `YYYY-MM`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub closed_month: String,
    /// Days from opening to closing, as a bucket.
    #[sea_orm(primary_key, auto_increment = false)]
    pub duration_bucket: String,
    /// Refunded amount, as a bucket.
    #[sea_orm(primary_key, auto_increment = false)]
    pub refund_bucket: String,
    /// How many.
    pub cases: i64,
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
            Column::Kind
            | Column::ProductGroup
            | Column::Reason
            | Column::Outcome
            | Column::OpenedMonth
            | Column::ClosedMonth
            | Column::DurationBucket
            | Column::RefundBucket
            | Column::Cases => Meaning::internal("anonymous"),
        }
    }
}
