//! The list of jobs. Each is an idempotent function of what is stored, with a report that is stored as well.

pub mod deadlines;
pub mod lease;
pub mod reaper;
pub mod ticker;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Berlin;
use croner::Cron;
use serde::Serialize;

use crate::auth::Actor;
use crate::cases::tasks;
use crate::error::{Code, Refusal, Result};
use crate::privacy::erasure;
use crate::privacy::scan::residual;
use crate::retention::{archive, plan, run, sweep};
use crate::state::App;
use crate::{mail, outbox, policies};

/// A job.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its name.
    pub name: &'static str,
    /// When it runs: a cron expression in Europe/Berlin.
    pub cron: &'static str,
    /// What it does.
    pub about: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Retention,
    Plans,
    Outbox,
    Reaper,
    Timers,
    Mail,
    Erasures,
}

/// Every job.
pub const JOBS: &[Job] = &[
    Job {
        name: "retention",
        cron: "15 3 * * *",
        about: "deletes or anonymises what is due, and goes on with deferred erasures",
        kind: Kind::Retention,
    },
    Job {
        name: "plans",
        cron: "* * * * *",
        about: "carries out plans of removal that somebody approved",
        kind: Kind::Plans,
    },
    Job { name: "outbox", cron: "* * * * *", about: "destroys keys and deletes blobs", kind: Kind::Outbox },
    Job {
        name: "timers",
        cron: "* * * * *",
        about: "marks what was missed and files a task for each: deadlines, answers, refunds, returns, disputes that are over",
        kind: Kind::Timers,
    },
    Job {
        name: "erasures",
        cron: "* * * * *",
        about: "goes on with erasures whose waiting has ended, and scans for what is left after each",
        kind: Kind::Erasures,
    },
    Job { name: "reaper", cron: "45 3 * * *", about: "removes keys and blobs without rows", kind: Kind::Reaper },
    Job { name: "mail", cron: "* * * * *", about: "sends what was written to customers", kind: Kind::Mail },
];

/// The job of this name.
///
/// # Errors
/// Refused: no such job; the text lists them.
pub fn named(name: &str) -> Result<&'static Job> {
    let names = || JOBS.iter().map(|j| j.name).collect::<Vec<_>>().join(", ");
    JOBS.iter()
        .find(|j| j.name == name)
        .ok_or_else(|| Refusal::at(Code::NotFound, &["name"]).with("jobs", names()).into())
}

impl Job {
    /// The next instant after `after` at which it is due; missed runs coalesce into one.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let cron: Cron = self.cron.parse().ok()?;
        cron.find_next_occurrence(&after.with_timezone(&Berlin), false).ok().map(|t| t.to_utc())
    }

    /// Whether it removes by the rules of the policy in force, and an instance that does not know that leaves it to others.
    pub(crate) const fn follows_policy(&self) -> bool {
        matches!(self.kind, Kind::Retention | Kind::Plans)
    }

    /// Does the work. A dry run says what it would do.
    pub(crate) async fn work(&self, app: &App, dry_run: bool) -> Result<serde_json::Value> {
        let actor = Actor::System;
        match self.kind {
            Kind::Retention => {
                if !dry_run {
                    policies::require_current(&app.db, &app.policies).await?;
                }
                let erasures = if dry_run { Default::default() } else { erasure::resume(app, &actor).await? };
                // Nobody else's data stays because of a scan that fails: that is told at the end.
                let scans = if dry_run { Ok(Default::default()) } else { residual::run(app).await };
                let (run, sweep) = if dry_run {
                    (None, sweep::run(app, &actor, true, None).await?)
                } else {
                    let ran = run::nightly(app, &actor).await?;
                    (Some(ran.run.state), ran.report)
                };
                let is_swept = run == Some(entity::retention_runs::State::Done);
                let archived = if dry_run { Default::default() } else { archive::run(app, is_swept).await? };
                json(&Retention { run, erasures: Erasures::of(erasures, scans?), archived, sweep })
            }
            Kind::Erasures if dry_run => json(&residual::pending(app).await?),
            Kind::Erasures => {
                let erasures = erasure::wake(app, &actor).await?;
                json(&Erasures::of(erasures, residual::run(app).await?))
            }
            Kind::Plans => json(&plan::run_approved(app, dry_run).await?),
            Kind::Outbox if dry_run => json(&outbox::pending(app).await?),
            Kind::Outbox => json(&outbox::run(app).await?),
            Kind::Timers => json(&deadlines::run(app, dry_run).await?),
            Kind::Mail if dry_run => json(&mail::pending(app).await?),
            Kind::Mail => {
                let report = mail::send::drain(app).await;
                // Whatever ended the run, and also for one that died: the customer has to be told another way.
                for case in mail::send::given_up(app).await? {
                    tasks::file_alone(app, case, entity::tasks::Kind::MailBounced).await?;
                }
                json(&report?)
            }
            Kind::Reaper => json(&reaper::run(app, dry_run).await?),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Erasures {
    erasures_settled: u64,
    erasures_failed: u64,
    scans_passed: u64,
    scans_failed: u64,
}

impl Erasures {
    const fn of(erasures: erasure::Resumed, scans: residual::Report) -> Self {
        Self {
            erasures_settled: erasures.settled,
            erasures_failed: erasures.failed,
            scans_passed: scans.passed,
            scans_failed: scans.failed,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Retention {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<entity::retention_runs::State>,
    #[serde(flatten)]
    erasures: Erasures,
    archived: archive::Archived,
    #[serde(flatten)]
    sweep: sweep::Report,
}

fn json(report: &impl Serialize) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(report).map_err(|e| anyhow::anyhow!("report: {e}"))?)
}
