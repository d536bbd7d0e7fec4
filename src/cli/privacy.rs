//! `aftersales privacy`: the map, export, erasure, scan. Export and erasure from here open no request file and mail nobody.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::Subcommand;
use serde_json::json;

use super::{print_json, said};
use crate::auth::Actor;
use crate::error::{Code, Error};
use crate::policy::calendar;
use crate::policy::shop::Policy;
use crate::privacy::erasure::{self, Report};
use crate::privacy::{archive, concept as deletion_concept, export, find, map as data_map, scan};
use crate::retention::due;
use crate::state::AppState;

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Prints what every column is.
    Map {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Lists, record by record, what is due until a day, until when it was kept and why.
    Due {
        /// The day, such as 2026-12-31; today where left out.
        #[arg(long)]
        until: Option<NaiveDate>,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Prints the deletion concept of the policy in effect (DIN 66398).
    Concept {
        /// The catalogue of data types as one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Writes everything that is kept of a person into a ZIP (GDPR Art. 15, 20).
    Export {
        /// The person's e-mail address; `-` reads it from stdin.
        #[arg(long)]
        email: String,
        /// The file; it must not exist.
        #[arg(long)]
        out: PathBuf,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Erases a person as far as the law lets it (GDPR Art. 17).
    Erase {
        /// The person's e-mail address; `-` reads it from stdin.
        #[arg(long)]
        email: String,
        /// Says what would happen and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Looks for a text in everything that is stored; exit status 1 where it is found.
    Scan {
        /// The text; `-` reads it from stdin.
        text: String,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) async fn run(self, app: &AppState) -> anyhow::Result<ExitCode> {
        match self {
            Self::Map { json } => map(json)?,
            Self::Due { until, json } => due(app, until, json).await?,
            Self::Concept { json } => concept(app.policies.at(app.clock.now()), json)?,
            Self::Export { email, out, json } => export(app, &read(email)?, &out, json).await?,
            Self::Erase { email, dry_run, json } => erase(app, &read(email)?, dry_run, json).await?,
            Self::Scan { text, json } => return scan_for(app, &read(text)?, json).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn person(app: &AppState, actor: &Actor, email: &str) -> anyhow::Result<entity::ids::CustomerId> {
    match find(app, actor, email).await {
        Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => {
            anyhow::bail!("nobody with this e-mail address is stored, or nothing is left")
        }
        found => found.map_err(said),
    }
}

/// `-` stands for stdin, so that a name need not stand in the shell's history.
fn read(email: String) -> anyhow::Result<String> {
    if email != "-" {
        return Ok(email);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read from stdin")?;
    Ok(text.trim().to_owned())
}

pub(super) fn map(as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(&data_map::lines());
    }
    print!("{}", data_map::markdown());
    Ok(())
}

async fn due(app: &AppState, until: Option<NaiveDate>, as_json: bool) -> anyhow::Result<()> {
    let until = until.unwrap_or_else(|| calendar::day_of(app.clock.now()));
    let found = due::due(app, &Actor::System, until).await.map_err(said)?;
    if as_json {
        return print_json(&found);
    }
    for d in &found {
        let (code, then) = (d.data_type.code(), d.then);
        println!("{} {code:<5} {:<18} {}  {then:<10} {}; {}", d.kept_until, d.table, d.id, d.purpose, d.because);
    }
    println!("{} due until {until}", found.len());
    Ok(())
}

pub(super) fn concept(policy: &Policy, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(&deletion_concept::catalogue(policy));
    }
    print!("{}", deletion_concept::markdown(policy));
    Ok(())
}

async fn export(app: &AppState, email: &str, out: &Path, as_json: bool) -> anyhow::Result<()> {
    let actor = Actor::System;
    let customer = person(app, &actor, email).await?;
    let collected = export::collect(app, &actor, customer).await.map_err(said)?;
    let (sections, files) = (collected.sections.len(), collected.files.len());
    let records: usize = collected.sections.iter().map(|s| s.records.len()).sum();
    let cannot = || format!("cannot write {}", out.display());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(out).with_context(cannot)?;
    if let Err(error) = archive::write(app.clone(), collected, std::io::BufWriter::new(file)).await {
        // Half an archive must not look like a whole one.
        let _ = std::fs::remove_file(out);
        return Err(error).with_context(cannot);
    }
    if as_json {
        return print_json(&json!({ "out": out, "sections": sections, "records": records, "files": files }));
    }
    println!("{records} records in {sections} sections and {files} files written to {}", out.display());
    Ok(())
}

async fn erase(app: &AppState, email: &str, dry_run: bool, as_json: bool) -> anyhow::Result<()> {
    let actor = Actor::System;
    let customer = person(app, &actor, email).await?;
    let report = if dry_run {
        erasure::plan(app, &actor, customer).await
    } else {
        erasure::erase(app, &actor, customer, &format!("cli:{}", app.clock.request_id())).await
    };
    let report = report.map_err(said)?;
    if as_json {
        return print_json(&report);
    }
    print_erasure(&report);
    Ok(())
}

fn print_erasure(report: &Report) {
    for r in &report.records {
        let until = r.until.map(|d| format!("until {d}")).unwrap_or_default();
        let because = r.because.as_deref().map(|b| format!("because {b}")).unwrap_or_default();
        println!("{:<11} {:<5} {:<17} {}  {until} {because}", r.outcome, r.data_type.code(), r.table, r.id);
    }
    let count = |outcome| report.count(outcome);
    println!(
        "{}{} erased, {} anonymised, {} kept, {} deferred, {} held",
        if report.dry_run { "dry run: " } else { "" },
        count("ERASED"),
        count("ANONYMISED"),
        count("KEPT"),
        count("DEFERRED"),
        count("HELD")
    );
    println!("no backup can open what was erased from {} on", report.backups_unreadable_from);
}

async fn scan_for(app: &AppState, text: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    if text.trim().is_empty() {
        eprintln!("error: an empty text is found everywhere");
        return Ok(ExitCode::from(2));
    }
    let found = scan::scan(app, &Actor::System, text).await.map_err(said)?;
    if as_json {
        print_json(&found)?;
    } else {
        for f in &found {
            let kept = match (f.kept_until, f.because) {
                (Some(until), Some(because)) => format!("kept until {until} because {because}"),
                (None, Some(because)) => format!("in use; its period follows {because}"),
                _ => String::new(),
            };
            println!("{:<28} {}  {}  {kept}", f.place, f.at, if f.sealed { "sealed" } else { "PLAIN" });
        }
        println!("{} found", found.len());
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
