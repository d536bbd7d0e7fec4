//! `aftersales policy`: what is in effect, and what is wrong with a file. Needs neither data folder nor key.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use super::print_json;
use crate::policy::shop::{Policy, Severity, inspect};

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Prints the effective policy: the file of the settings over the shipped default.
    Show {
        /// One JSON document instead of TOML.
        #[arg(long)]
        json: bool,
    },
    /// Says what is wrong with a file, and what is worth a second look. Status 1 where the program would refuse it.
    Check {
        /// The file.
        file: PathBuf,
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) fn run(self, effective: impl FnOnce() -> anyhow::Result<Policy>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Show { json: true } => print_json(&effective()?)?,
            Self::Show { json: false } => super::write_out(format_args!("{}", effective()?.text())),
            Self::Check { file, json } => return check(&file, json),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check(file: &std::path::Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (_, faults) = inspect(Some(&text));
    let refused = faults.iter().any(|fault| fault.severity == Severity::Error);
    if as_json {
        print_json(&json!({ "valid": !refused, "faults": faults }))?;
    } else {
        for fault in &faults {
            let severity = if fault.severity == Severity::Error { "error" } else { "warning" };
            say!("{severity}: {fault}");
        }
        say!("{}", if refused { "the program refuses this file" } else { "the program accepts this file" });
    }
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
