//! Quality of service, for those who run it; nothing about who did what.

use async_graphql::{Context, Object, SimpleObject};
use chrono::NaiveDate;

use super::codes::ServiceCaseKind;
use super::error::ApiResult;
use super::session::ContextExt as _;
use crate::cases::quality::{Kept, quality};

/// How a promise was kept.
#[derive(SimpleObject)]
pub struct PromiseQuality {
    /// Kept in time.
    met: u64,
    /// Not kept in time.
    breached: u64,
    /// Still running or waiting.
    open: u64,
    /// Half were done within so many minutes of service, pauses left out; null before anything was done.
    median_minutes: Option<i64>,
    /// Nine of ten were done within so many minutes of service, pauses left out.
    ninetieth_minutes: Option<i64>,
}

impl From<Kept> for PromiseQuality {
    fn from(kept: Kept) -> Self {
        Self {
            met: kept.met,
            breached: kept.breached,
            open: kept.open,
            median_minutes: kept.within(50),
            ninetieth_minutes: kept.within(90),
        }
    }
}

/// The cases of a kind that were opened in a month.
#[derive(SimpleObject)]
pub struct ServiceQuality {
    /// The month in Europe/Berlin, such as `2026-03`.
    month: String,
    /// The kind.
    kind: ServiceCaseKind,
    /// How many cases.
    cases: u64,
    /// First responses; one more for each objection.
    first_response: PromiseQuality,
    /// Reviews; one more for each objection.
    review: PromiseQuality,
    /// How often they were taken up again.
    reopenings: u64,
    /// Closed ones.
    closed: u64,
    /// Of these, those whose customer was told the result.
    closed_with_notice: u64,
}

/// Quality of service.
#[derive(Default)]
pub struct QualityQuery;

#[Object]
impl QualityQuery {
    /// How well the promises of the policy were kept for cases opened from one day to another, both included, in
    /// Europe/Berlin: at most 13 months, by month and kind.
    async fn service_quality(
        &self,
        ctx: &Context<'_>,
        from: NaiveDate,
        to: NaiveDate,
    ) -> ApiResult<Vec<ServiceQuality>> {
        let found = quality(ctx.app(), ctx.actor(), from, to).await?;
        let row = |((month, _), (kind, q))| {
            let q: crate::cases::quality::Quality = q;
            ServiceQuality {
                month,
                kind: ServiceCaseKind::from(kind),
                cases: q.cases,
                first_response: q.first_response.into(),
                review: q.review.into(),
                reopenings: q.reopenings,
                closed: q.closed,
                closed_with_notice: q.closed_with_notice,
            }
        };
        Ok(found.into_iter().map(row).collect())
    }
}
