//! The ticker: tokio-cron-scheduler knocks once a minute; what is due, and who runs it, stands in the database.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_cron_scheduler::{Job, JobScheduler};

use super::lease;
use crate::state::AppState;

/// Starts the ticker. A tick that comes while the last one still works is dropped.
///
/// # Errors
/// The scheduler does not start.
pub async fn start(app: &AppState) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await.context("the scheduler does not start")?;
    let (app, busy) = (Arc::clone(app), Arc::new(tokio::sync::Mutex::new(())));
    let tick = Job::new_async("0 * * * * *", move |_, _| {
        let (app, busy) = (Arc::clone(&app), Arc::clone(&busy));
        Box::pin(async move {
            let Ok(_only) = busy.try_lock() else { return };
            if let Err(error) = lease::run_due(&app).await {
                tracing::error!(%error, "the jobs could not be looked at");
            }
        })
    })?;
    scheduler.add(tick).await?;
    scheduler.start().await?;
    Ok(scheduler)
}
