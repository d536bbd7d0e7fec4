//! `aftersales privacy`: the map, export, erasure, scan. Export and erasure from here open no request file and mail nobody.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Subcommand, ValueEnum};
use entity::codes::Locale;
use serde_json::json;

use super::{print_json, said};
use crate::auth::Actor;
use crate::error::{Code, Error};
use crate::policy::calendar;
use crate::policy::shop::Policy;
use crate::privacy::erasure::{self, Outcome, Report, letter};
use crate::privacy::scan::{self, residual};
use crate::privacy::{archive, concept as deletion_concept, export, find, map as data_map};
use crate::retention::due;
use crate::state::AppState;

/// A language of letters.
#[derive(Clone, Copy, ValueEnum)]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

/// What is written besides the report.
pub struct Papers {
    letter: Option<PathBuf>,
    language: Language,
    certificate: Option<PathBuf>,
}

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
        /// The last day of keeping, such as 2026-12-31; today where left out, which goes tomorrow.
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
    /// Erases a person as far as the law lets it (GDPR Art. 17); exit status 1 where the scan finds what had to be gone.
    Erase {
        /// The person's e-mail address; `-` reads it from stdin.
        #[arg(long)]
        email: String,
        /// Says what would happen and changes nothing.
        #[arg(long)]
        dry_run: bool,
        /// Writes the answer to the person into this file, which must not exist: as HTML where its name ends so, else
        /// as text. Nothing is mailed.
        #[arg(long, value_name = "FILE")]
        letter: Option<PathBuf>,
        /// The language of the letter.
        #[arg(long, value_enum, default_value = "de")]
        language: Language,
        /// Writes the certificate into this file, which must not exist. Its SHA-256 is stored with the erasure.
        #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
        certificate: Option<PathBuf>,
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
    /// Whether it takes no decision, and states nothing to anybody else.
    pub(super) const fn only_looks(&self) -> bool {
        matches!(self, Self::Due { .. } | Self::Scan { .. } | Self::Erase { dry_run: true, .. })
    }

    pub(super) async fn run(self, app: &AppState) -> anyhow::Result<ExitCode> {
        match self {
            Self::Map { json } => map(json)?,
            Self::Due { until, json } => due(app, until, json).await?,
            Self::Concept { json } => concept(app.policies.at(app.clock.now()), json)?,
            Self::Export { email, out, json } => export(app, &read(email)?, &out, json).await?,
            Self::Erase { email, dry_run, letter, language, certificate, json } => {
                return erase(app, &read(email)?, dry_run, Papers { letter, language, certificate }, json).await;
            }
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
    super::write_out(format_args!("{}", data_map::markdown()));
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
        say!("{} {code:<5} {:<18} {}  {then:<10} {}; {}", d.kept_until, d.table, d.id, d.purpose, d.because);
    }
    say!("{} due until {until}", found.len());
    Ok(())
}

pub(super) fn concept(policy: &Policy, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(&deletion_concept::catalogue(policy));
    }
    super::write_out(format_args!("{}", deletion_concept::markdown(policy)));
    Ok(())
}

async fn export(app: &AppState, email: &str, out: &Path, as_json: bool) -> anyhow::Result<()> {
    let actor = Actor::System;
    let customer = person(app, &actor, email).await?;
    let collected = export::collect(app, &actor, customer).await.map_err(said)?;
    let (sections, files) = (collected.sections.len(), collected.files.len());
    let records: usize = collected.sections.iter().map(|s| s.records.len()).sum();
    let cannot = || format!("cannot write {}", out.display());
    let (_, file) = create(out)?;
    if let Err(error) = archive::write(app.clone(), collected, std::io::BufWriter::new(file)).await {
        // Half an archive must not look like a whole one.
        let _ = std::fs::remove_file(out);
        return Err(error).with_context(cannot);
    }
    if as_json {
        return print_json(&json!({ "out": out, "sections": sections, "records": records, "files": files }));
    }
    say!("{records} records in {sections} sections and {files} files written to {}", out.display());
    Ok(())
}

async fn erase(app: &AppState, email: &str, dry_run: bool, papers: Papers, as_json: bool) -> anyhow::Result<ExitCode> {
    let actor = Actor::System;
    let customer = person(app, &actor, email).await?;
    // A file that cannot be written has to be known before anything is gone.
    let letter = papers.letter.as_deref().map(create).transpose()?;
    let certificate = papers.certificate.as_deref().map(create).transpose()?;
    let mut decided_at = app.clock.now();
    let mut erased = None;
    let report = if dry_run {
        erasure::plan(app, &actor, customer).await.map_err(said)?
    } else {
        let key = format!("cli:{}", app.clock.request_id());
        let row = erasure::erase(app, &actor, customer, false, &key).await.map_err(said)?;
        residual::after(app, row.id).await.map_err(said)?;
        let row = erasure::get(app, &actor, row.id).await.map_err(said)?;
        decided_at = row.requested_at;
        let report = erasure::stored(&row).map_err(said)?;
        erased = Some(row);
        report
    };
    if let Some(file) = letter {
        let locale = match papers.language {
            Language::De => Locale::De,
            Language::En => Locale::En,
        };
        let letter = letter::compose(app, &report, decided_at, locale, None, false);
        let written = app.templates.render(&letter, app.policies.at(app.clock.now()))?;
        let is_html = papers.letter.as_ref().and_then(|p| p.extension()).is_some_and(|e| e == "html");
        write(file, if is_html { &written.html } else { &written.text })?;
    }
    if let Some(file) = certificate {
        match erased.as_ref().and_then(|row| row.certificate.as_deref()) {
            Some(text) => write(file, text)?,
            None => {
                std::fs::remove_file(&file.0).with_context(|| format!("cannot remove {}", file.0.display()))?;
                anyhow::bail!("erased; another pass has begun meanwhile, and the certificate comes with its scan");
            }
        }
    }
    let scan = erased.as_ref().map(residual::stored).transpose().map_err(said)?.flatten();
    if as_json {
        let mut value = serde_json::to_value(&report)?;
        value["scan"] = serde_json::to_value(&scan)?;
        value["certificateSha256"] = json!(erased.and_then(|row| row.certificate_hash));
        print_json(&value)?;
        return Ok(status(scan.as_ref()));
    }
    print_erasure(&report);
    if let Some(scan) = &scan {
        say!(
            "scan {}: {} in what is kept, {} mentions in records of others, {} that had to be gone",
            if scan.passed { "passed" } else { "FAILED" },
            scan.lawful,
            scan.mentions,
            scan.failures
        );
        for finding in &scan.findings {
            let row = finding.row.map(|id| id.to_string()).unwrap_or_default();
            say!("{:<11} {:<7} {} {row}", finding.what, finding.kind.code(), finding.place);
        }
    }
    Ok(status(scan.as_ref()))
}

/// An erasure after which something is found that had to be gone is not done, whatever the report says.
fn status(scan: Option<&residual::Found>) -> ExitCode {
    match scan.filter(|scan| !scan.passed) {
        None => ExitCode::SUCCESS,
        Some(scan) => {
            eprintln!(
                "error: what could be erased is erased, but the scan found the person in {} places where nothing may be \
                 left; remove it there, and see docs/operations.md",
                scan.failures
            );
            ExitCode::FAILURE
        }
    }
}

/// A new file, for its owner alone.
fn create(path: &Path) -> anyhow::Result<(PathBuf, std::fs::File)> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok((path.to_owned(), file))
}

fn write((path, mut file): (PathBuf, std::fs::File), text: &str) -> anyhow::Result<()> {
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn print_erasure(report: &Report) {
    for r in &report.records {
        let until = r.until.map(|d| format!("until {d}")).or_else(|| r.on.map(|d| format!("on {d}")));
        let (until, article) = (until.unwrap_or_default(), r.article.as_deref().unwrap_or_default());
        let because = r.because.as_deref().map(|b| format!("because {b}")).unwrap_or_default();
        say!(
            "{:<11} {:<5} {:<17} {}  {until} {because} ({article})",
            r.outcome.code(),
            r.data_type.code(),
            r.table,
            r.id
        );
    }
    let count = |outcome| report.count(outcome);
    say!(
        "{}{} erased, {} anonymised, {} kept, {} deferred, {} held, {} restricted",
        if report.dry_run { "dry run: " } else { "" },
        count(Outcome::Erased),
        count(Outcome::Anonymised),
        count(Outcome::Kept),
        count(Outcome::Deferred),
        count(Outcome::Held),
        count(Outcome::Restricted)
    );
    for told in &report.recipients {
        say!("to be told  {} {} by {}", told.kind.code(), told.recipient, told.way.to_lowercase());
    }
    say!("no backup can open what was erased from {} on", report.backups_unreadable_from);
}

async fn scan_for(app: &AppState, text: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    if text.trim().is_empty() {
        eprintln!("error: an empty text is found everywhere");
        return Ok(ExitCode::from(2));
    }
    let scan::Scanned { findings: found, unreadable } = scan::scan(app, &Actor::System, text).await.map_err(said)?;
    let pending = residual::pending(app).await.map_err(said)?.pending;
    if pending > 0 {
        eprintln!(
            "{pending} scans after erasures are to come; what they look for lies sealed until then and is left out here"
        );
    }
    if unreadable > 0 {
        eprintln!("{unreadable} blobs or files could not be read: nobody knows what is in them. The log names them");
    }
    if as_json {
        print_json(&found)?;
    } else {
        for f in &found {
            let kept = match (f.kept_until, f.because) {
                (Some(until), Some(because)) => format!("kept until {until} because {because}"),
                (None, Some(because)) => format!("in use; its period follows {because}"),
                _ => String::new(),
            };
            say!("{:<28} {}  {}  {kept}", f.place, f.at, if f.sealed { "sealed" } else { "PLAIN" });
        }
        say!("{} found", found.len());
    }
    Ok(if found.is_empty() && unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
