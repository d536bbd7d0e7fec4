//! `aftersales jobs`: what there is, and running one now.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use entity::job_runs::State;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{print_json, said};
use crate::auth::Actor;
use crate::jobs::lease::{self, Ran};
use crate::jobs::{JOBS, named};
use crate::retention::run as removal;
use crate::state::{App, AppState};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Lists the jobs with their next and latest runs.
    List {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Runs a job now, due or not.
    Run {
        /// Its name: `retention`, `plans`, `outbox`, `timers`, `erasures`, `reaper` or `mail`.
        name: String,
        /// Says what it would do and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// For `retention`: what a run was stopped by, because more was due than foreseen, is right.
        #[arg(long, conflicts_with = "dry_run")]
        confirm_surplus: bool,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Whether it takes no decision.
    pub(super) const fn only_looks(&self) -> bool {
        matches!(self, Self::List { .. } | Self::Run { dry_run: true, .. })
    }

    pub(super) async fn run(self, app: &AppState) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { json } => list(app, json).await,
            Self::Run { name, dry_run, confirm_surplus, json } => {
                if confirm_surplus && !confirm(app, &name).await? {
                    eprintln!("error: no run of retention was stopped by a surplus");
                    return Ok(ExitCode::from(2));
                }
                run(app, &name, dry_run, json).await
            }
        }
    }
}

async fn list(app: &App, as_json: bool) -> anyhow::Result<ExitCode> {
    lease::sync(app).await.map_err(said)?;
    let mut jobs = Vec::new();
    for job in JOBS {
        let next = lease::next_run_at(app, job).await.map_err(said)?;
        let last = lease::latest(app, Some(job.name), 1).await.map_err(said)?.into_iter().next();
        let last = last.map(|r| json!({ "state": r.state, "startedAt": r.started_at, "finishedAt": r.finished_at }));
        jobs.push(
            json!({ "name": job.name, "cron": job.cron, "about": job.about, "nextRunAt": next, "lastRun": last }),
        );
    }
    if as_json {
        print_json(&jobs)?;
    } else {
        for job in &jobs {
            let text = |name: &str| job[name].as_str().unwrap_or("-").to_owned();
            say!("{:<10} {:<12} next {}  {}", text("name"), text("cron"), text("nextRunAt"), text("about"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(app: &App, name: &str, dry_run: bool, as_json: bool) -> anyhow::Result<ExitCode> {
    let job = match named(name) {
        Ok(job) => job,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let (report, failed) = if dry_run {
        (job.work(app, true).await.map_err(said)?, false)
    } else {
        match shown(app, lease::run_now(app, job)).await.map_err(said)? {
            Ran::Elsewhere => anyhow::bail!(
                "another instance is running {name}, or died while it did: its lease ends within 90 seconds"
            ),
            Ran::Here(run) => {
                let report: serde_json::Value = serde_json::from_str(&run.report)?;
                let stopped = matches!(report["run"].as_str(), Some("SURPLUS" | "PAUSED"));
                (report, run.state == State::Failed || stopped)
            }
        }
    };
    if as_json {
        print_json(&report)?;
    } else {
        print_report(&report);
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn confirm(app: &App, name: &str) -> anyhow::Result<bool> {
    if name != "retention" {
        return Ok(false);
    }
    let key = format!("cli:{}", app.clock.request_id());
    removal::confirm_latest(app, &Actor::System, &key).await.map_err(said)
}

/// On a terminal, how far a removal has come, while the job runs.
async fn shown<T>(app: &App, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {elapsed}") {
        bar.set_style(style);
    }
    let mut work = std::pin::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            _ = tick.tick() => {
                if let Ok(Some(run)) = removal::current(app).await {
                    bar.set_length(u64::try_from(run.due).unwrap_or(0));
                    bar.set_position(u64::try_from(run.done).unwrap_or(0));
                }
            }
        }
    }
}

/// A report in words: the lines of a sweep as a table, everything else as name and value.
pub(super) fn print_report(report: &serde_json::Value) {
    if let Some(lines) = report["lines"].as_array() {
        say!(
            "{:<6} {:<18} {:>7} {:>8} {:>11} {:>6} {:>10} {:>6}",
            "type",
            "table",
            "due",
            "deleted",
            "anonymised",
            "held",
            "restricted",
            "open"
        );
        for l in lines {
            let text = |name: &str| l[name].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| l[name].as_u64().unwrap_or(0);
            say!(
                "{:<6} {:<18} {:>7} {:>8} {:>11} {:>6} {:>10} {:>6}",
                text("dataType"),
                text("table"),
                number("due"),
                number("deleted"),
                number("anonymised"),
                number("held"),
                number("restricted"),
                number("open")
            );
        }
    }
    if let Some(fields) = report.as_object() {
        for (name, value) in fields.iter().filter(|(name, _)| *name != "lines") {
            say!("{name}: {value}");
        }
    }
}
