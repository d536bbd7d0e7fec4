//! Figures that stay when their cases have gone.

use async_graphql::{Context, Enum, Object, SimpleObject};
use entity::service_statistics::{Counted, Dimension};

use super::error::ApiResult;
use super::session::ContextExt as _;
use crate::cases::statistics::figures;
use crate::policy::statistics::{SMALLEST, pair};

/// What is counted.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::service_statistics::Counted")]
pub enum StatisticsSubject {
    /// Cases that are over, in the year in which they ended.
    Cases,
    /// Lines of orders, in the year of the order.
    OrderLines,
}

/// A property to count by. Order lines have `MONTH` and `PRODUCT_GROUP` only.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::service_statistics::Dimension")]
pub enum StatisticsDimension {
    /// Kind of the case.
    Kind,
    /// Month in which the case ended, or of the order: `2026-03`.
    Month,
    /// Product group.
    ProductGroup,
    /// Reason.
    Reason,
    /// Outcome.
    Outcome,
    /// Days from opening to the end: `0-3`, `4-14`, `15-45`, `46+`.
    Duration,
    /// What was paid back, in the main unit of the currency: `0-24`, `25-99`, `100-499`, `500+`.
    Refund,
    /// First responses: `WITHIN` if each came in time, else `OVER`.
    FirstResponse,
    /// Reviews: `WITHIN` if each was done in time, else `OVER`.
    Review,
}

/// How many share the same values.
#[derive(SimpleObject)]
pub struct StatisticsCell {
    /// A value for each property that was asked by, in that order; null: none.
    values: Vec<Option<String>>,
    /// How many; never fewer than five.
    count: u64,
}

/// Figures of a year. The cells and what is withheld add up to the total.
#[derive(SimpleObject)]
pub struct ServiceStatistics {
    /// The year.
    year: i32,
    /// All of them; null if they are fewer than `smallest`.
    total: Option<u64>,
    /// How many are in no cell: cells of fewer than `smallest`, and others beside them, so that none can be subtracted.
    withheld: u64,
    /// The smallest count that is shown.
    smallest: u64,
    /// The cells, in order of their values. One that is missing is empty or withheld.
    cells: Vec<StatisticsCell>,
}

/// Figures.
#[derive(Default)]
pub struct StatisticsQuery;

#[Object]
impl StatisticsQuery {
    /// Figures of a year (Europe/Berlin), by one property or two. They count what is over and what has been anonymised, so
    /// they stay the same when cases go. What fewer than five share is not shown.
    async fn service_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A year that has begun.")] year: i32,
        #[graphql(desc = "One property, or two different ones.")] by: Vec<StatisticsDimension>,
        #[graphql(desc = "What is counted.", default_with = "StatisticsSubject::Cases")] of: StatisticsSubject,
    ) -> ApiResult<ServiceStatistics> {
        let by: Vec<Dimension> = by.into_iter().map(Dimension::from).collect();
        let table = figures(ctx.app(), ctx.actor(), Counted::from(of), year, &by).await?;
        let swapped = matches!(by.as_slice(), [one, other] if pair(*one, *other).0 != *one);
        let cell = |((first, second), count): ((String, String), u64)| {
            let both = if swapped { [second, first] } else { [first, second] };
            let values = both.into_iter().take(by.len()).map(|value| (!value.is_empty()).then_some(value)).collect();
            StatisticsCell { values, count }
        };
        Ok(ServiceStatistics {
            year,
            total: table.total,
            withheld: table.withheld,
            smallest: SMALLEST,
            cells: table.cells.into_iter().map(cell).collect(),
        })
    }
}
