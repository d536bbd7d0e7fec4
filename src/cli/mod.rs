//! The command line, a contract that scripts rely on: exit status 0 done, 1 failed, 2 wrong usage.

/// A line on stdout.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::write_out(format_args!("{}\n", format_args!($($text)*)))
    };
}

mod backup;
mod deadline;
mod doctor;
mod jobs;
mod policy;
mod privacy;
mod serve;
mod token;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::state::{App, AppState};

/// The after-sales backend of an online shop, whose personal data looks after itself.
#[derive(Parser)]
#[command(name = "aftersales", version, arg_required_else_help = true)]
pub struct Cli {
    /// Settings file; aftersales.example.toml documents every key. Environment variables win over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the API and runs the jobs.
    Serve,
    /// The same on a throwaway folder, filled with twelve years of fictional cases.
    Demo {
        /// Keeps the folder at exit.
        #[arg(long)]
        keep: bool,
    },
    /// Brings the databases up to date.
    Migrate,
    /// Prints schema.graphql.
    Schema,
    /// Checks that everything needed is there and fits.
    Doctor {
        /// One JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Prints a bearer token of the built-in issuer.
    Token(token::Options),
    /// When a period ends, and why, step by step.
    Deadline(deadline::Options),
    /// The policy of the shop: what is in effect, and what is wrong with a file.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Jobs: what there is, and running one now.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Personal data: the map, export, erasure, scan.
    #[command(subcommand)]
    Privacy(privacy::Command),
    /// Copies everything consistently, beside a running server.
    Backup(backup::Backup),
    /// Puts a backup back and replays the erasure ledger; wants no running server.
    Restore(backup::Restore),
}

impl Cli {
    /// Runs the command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
            tracing_subscriber::EnvFilter::new("info,sea_orm_migration=warn,sqlx=warn,tokio_cron_scheduler=warn")
        });
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .try_init();
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("error: no runtime: {error}");
                return ExitCode::FAILURE;
            }
        };
        match runtime.block_on(self.dispatch()) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    async fn dispatch(self) -> anyhow::Result<ExitCode> {
        let config = || Config::load(self.config.as_deref(), |name| std::env::var(name).ok());
        match self.command {
            Command::Schema => write_out(format_args!("{}", crate::graphql::sdl())),
            Command::Privacy(privacy::Command::Map { json }) => privacy::map(json)?,
            Command::Privacy(privacy::Command::Concept { json }) => privacy::concept(&config()?.policy()?, json)?,
            Command::Deadline(options) => return options.run(&config()?.policy()?),
            Command::Policy(command) => return command.run(|| config()?.policy()),
            Command::Serve => serve::serve(config()?).await?,
            Command::Demo { keep } => serve::demo(config()?, keep).await?,
            Command::Migrate => {
                open(config()?).await?;
                say!("the databases are up to date");
            }
            Command::Doctor { json } => return doctor::run(config()?, json).await,
            Command::Token(options) => {
                if let Some(wrong) = options.misused() {
                    eprintln!("error: {wrong}");
                    return Ok(ExitCode::from(2));
                }
                say!("{}", options.bearer(&look(config()?).await?).await?);
            }
            Command::Jobs(command) if command.only_looks() => return command.run(&look(config()?).await?).await,
            Command::Jobs(command) => return command.run(&open(config()?).await?).await,
            Command::Privacy(command) if command.only_looks() => return command.run(&look(config()?).await?).await,
            Command::Privacy(command) => return command.run(&open(config()?).await?).await,
            Command::Backup(options) => return options.run(&*look(config()?).await?).await,
            Command::Restore(options) => return options.run(config()?).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn open(config: Config) -> anyhow::Result<AppState> {
    App::open(config, Clock::System).await
}

/// For what takes no decision: the policy of the settings is not put in force.
async fn look(config: Config) -> anyhow::Result<AppState> {
    App::look(config, Clock::System).await
}

/// An error of the domain in words, for a person at a terminal.
fn said(error: Error) -> anyhow::Error {
    error.cause()
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes on stdout. Whoever reads may stop early; work goes on.
fn write_out(text: std::fmt::Arguments<'_>) {
    if let Err(error) = std::io::stdout().write_fmt(text)
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("error: cannot write the output: {error}");
        std::process::exit(1);
    }
}
