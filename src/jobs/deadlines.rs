//! What was to be done by now: each room looks at what is its own.

use serde::Serialize;

use crate::cases::{ask, timers};
use crate::disputes::release;
use crate::error::Result;
use crate::refunds::due;
use crate::state::App;

/// What a look at the deadlines did.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    #[serde(flatten)]
    timers: timers::Report,
    /// Cases that went back under review because nobody has answered.
    unanswered: u64,
    /// Refunds that the bank should have credited.
    refunds_overdue: u64,
    #[serde(flatten)]
    disputes: release::Report,
}

/// Looks at every deadline.
///
/// # Errors
/// The database fails; what was marked by then stays marked, the next run goes on.
pub(super) async fn run(app: &App, dry_run: bool) -> Result<Report> {
    Ok(Report {
        timers: timers::mark_breaches(app, dry_run).await?,
        unanswered: ask::resume_unanswered(app, dry_run).await?,
        refunds_overdue: due::overdue(app, dry_run).await?,
        disputes: release::release_due(app, dry_run).await?,
    })
}
