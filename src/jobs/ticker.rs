//! The ticker: tokio-cron-scheduler knocks once a minute; what is due, and who runs it, stands in the database.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_cron_scheduler::{Job, JobScheduler};

use super::lease;
use crate::state::AppState;

/// Starts the ticker. Ticks overlap, so that a job which takes hours keeps no other waiting; its lease keeps it from being run
/// twice.
///
/// # Errors
/// The scheduler does not start.
pub async fn start(app: &AppState) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await.context("the scheduler does not start")?;
    let app = Arc::clone(app);
    let tick = Job::new_async("0 * * * * *", move |_, _| {
        let app = Arc::clone(&app);
        Box::pin(async move {
            if let Err(error) = lease::run_due(&app).await {
                tracing::error!(%error, "the jobs could not be looked at");
            }
        })
    })?;
    scheduler.add(tick).await?;
    scheduler.start().await?;
    Ok(scheduler)
}
