//! `aftersales backup` and `aftersales restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print_json;
use crate::clock::Clock;
use crate::config::Config;
use crate::privacy::backup::{self, manifest::Blobs};
use crate::privacy::restore;
use crate::state::App;

/// What to back up, and where to.
#[derive(Args)]
pub struct Backup {
    /// The folder: empty or missing.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Puts the archive of the keys into this folder, empty or missing, instead of DIR/keys.
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// How many days the archive of the keys lives; no restore takes it afterwards.
    #[arg(long, value_name = "DAYS", default_value_t = 35, value_parser = clap::value_parser!(u32).range(1..=35))]
    key_days: u32,
    /// Lists the blobs with their checksums and leaves them where they are.
    #[arg(long)]
    reference_blobs: bool,
    /// One JSON document: the manifest.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<ExitCode> {
        let blobs = if self.reference_blobs { Blobs::Reference } else { Blobs::Copy };
        let options = backup::Options { folder: self.folder, keys: self.keys, key_days: self.key_days, blobs };
        let manifest = backup::write(app, &options).await?;
        if self.json {
            print_json(&manifest)?;
            return Ok(ExitCode::SUCCESS);
        }
        let keys = options.keys.unwrap_or_else(|| options.folder.join("keys"));
        say!("{:<10} {} ({} bytes)", "main", manifest.main.file.name, manifest.main.file.bytes);
        say!(
            "{:<10} {} {}",
            "blobs",
            manifest.blob_files.len(),
            if self.reference_blobs { "listed" } else { "copied" }
        );
        say!("{:<10} {}; delete it by {}", "keys", keys.display(), manifest.keys.expires_at);
        say!("{:<10} {} entries; it is no part of the backup", "ledger", manifest.ledger.entries);
        say!("backup {} of {} is in {}", manifest.id, manifest.started_at, options.folder.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// What to restore.
#[derive(Args)]
pub struct Restore {
    /// The folder of the backup.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The folder of an archive of keys: the one of the backup that was moved, or a newer one.
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Replaces what is there, but never the ledger.
    #[arg(long)]
    replace: bool,
    /// Does all of it in a scratch place and reports; may run beside a server.
    #[arg(long)]
    drill: bool,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        let options =
            restore::Options { folder: self.folder, keys: self.keys, replace: self.replace, drill: self.drill };
        let report = restore::run(config, Clock::System, &options, |step| eprintln!("restore: {step}")).await?;
        if self.json {
            print_json(&report)?;
        } else {
            for (count, what) in [
                (report.rows_gone_again, "rows gone again"),
                (report.were_held, "of them under a hold or a restriction that was placed after they had gone"),
                (report.holds_placed_again, "holds placed again"),
                (report.holds_released_again, "holds released again"),
                (report.restrictions_placed_again, "restrictions placed again"),
                (report.restrictions_lifted_again, "restrictions lifted again"),
                (report.keys_destroyed_again, "keys destroyed again"),
                (report.suppressed_again, "references suppressed again"),
                (report.blobs_reaped, "blobs without rows reaped"),
                (report.intents_rechecked, "removals of unknown end checked again"),
                (report.intents_gone, "rows gone by that"),
                (report.erasures_resumed, "erasures taken up again"),
                (report.blobs_missing, "rows whose blob is missing"),
                (report.rows_without_key, "rows whose key is missing"),
            ] {
                say!("{count:>10}  {what}");
            }
            let what = if report.drill { "the drill has restored" } else { "restored" };
            say!("{what} backup {}", report.backup);
        }
        for lost in &report.not_placed {
            let (table, id, on) = (lost.table, lost.id, lost.on_table);
            eprintln!("warning: {id} of {table} does not stand: the backup does not have {} of {on}", lost.on_id);
        }
        if !report.is_whole() {
            eprintln!("warning: part of what was restored cannot be opened");
        }
        // A drill is there to find that out.
        Ok(if report.drill && !report.is_whole() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
