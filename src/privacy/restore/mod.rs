//! A restore: puts a backup in place, replays the erasure ledger, destroys keys again, reaps blobs, and only then lets the
//! service open. From the first change to the last a mark keeps everybody out; a restore that died is run again.

mod check;
pub(crate) mod drill;
mod place;
mod protections;
mod replay;

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sea_orm::sqlx::sqlite::SqliteSynchronous;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::keys::master::MasterKey;
use crate::presence::Presence;
use crate::state::{self, Adopting, App};
use check::Checked;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the backup.
    pub folder: PathBuf,
    /// The folder of an archive of keys; none: the one that was made with the backup, where it was put.
    pub keys: Option<PathBuf>,
    /// Replaces what is there. The ledger never is.
    pub replace: bool,
    /// Does all of it in a scratch place, and throws that away.
    pub drill: bool,
}

/// What a restore did. Counts and ids only.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing but a scratch place was touched.
    pub drill: bool,
    /// Which backup.
    pub backup: Uuid,
    /// The instant of the backup, UTC: what was written later is lost, but for what the ledger knows.
    pub taken_at: Option<DateTime<Utc>>,
    /// Rows of the backup that had gone since, and are gone again.
    pub rows_gone_again: u64,
    /// Of them, rows under a hold or a restriction that stands: it was placed after they had gone.
    pub were_held: u64,
    /// Holds that the backup does not know, on record again, without their notes.
    pub holds_placed_again: u64,
    /// Holds that were released after the backup, or that had been when they were placed again.
    pub holds_released_again: u64,
    /// Restrictions that the backup does not know, on record again, without their notes.
    pub restrictions_placed_again: u64,
    /// Restrictions that were lifted after the backup, or that had been when they were placed again.
    pub restrictions_lifted_again: u64,
    /// What stands or waits by the ledger, but is about something that the backup does not know.
    pub not_placed: Vec<NotPlaced>,
    /// Keys of erased units that the archive still had.
    pub keys_destroyed_again: u64,
    /// References that are suppressed again.
    pub suppressed_again: u64,
    /// Blobs that no row names.
    pub blobs_reaped: u64,
    /// Removals whose end the ledger does not know, checked again.
    pub intents_rechecked: u64,
    /// Rows that went by that check.
    pub intents_gone: u64,
    /// Erasures that the backup does not know, or knows as they stood then, and that went on.
    pub erasures_resumed: u64,
    /// Rows that name a blob which is not there.
    pub blobs_missing: u64,
    /// Rows that are sealed under a key which is not there.
    pub rows_without_key: u64,
}

/// A hold, a restriction or an erasure that could not be put back: what it is about was made after the backup and is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotPlaced {
    /// Its table.
    pub table: &'static str,
    /// Its id.
    pub id: Uuid,
    /// The table of what it is about.
    pub on_table: &'static str,
    /// The id of that.
    pub on_id: Uuid,
}

impl Report {
    /// Whether everything that is there can be opened.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.blobs_missing == 0 && self.rows_without_key == 0
    }
}

/// Restores, or tries to in a scratch place. `say` hears of each step that is done.
///
/// # Errors
/// Nothing has been changed: the backup is not finished, damaged, another program's or another installation's; its keys
/// are past their end; the ledger is missing, damaged, or older than the backup says; a server is running; the target is
/// not empty. In the middle: a store fails. Then nothing opens until a restore is run again.
pub async fn run(config: Config, clock: Clock, options: &Options, say: impl Fn(&str)) -> anyhow::Result<Report> {
    let master = MasterKey::load(&config.master_key, false).context("a restore needs the master key of the backup")?;
    let mut checked = check::manifests(&config, clock.now(), options, &master)?;
    if options.drill {
        check::files(&config, options, &checked).await?;
        check::ledger(&config, &mut checked).await?;
        say("checksums and ledger are right");
        return drill::run(&config, clock, options, &checked, say).await;
    }
    state::make_private(&config.data)?;
    let presence = Presence::alone(&config).await?;
    let half_done = presence.is_marked(&config).await?;
    if !half_done && !options.replace {
        place::refuse_unless_empty(&config, &checked.manifest).await?;
    }
    check::files(&config, options, &checked).await?;
    check::ledger(&config, &mut checked).await?;
    say("checksums and ledger are right");
    restore(config, clock, options, &checked, presence, half_done, &say).await
}

/// Everything after the checks, for a restore and, with the settings of its scratch place, for a drill.
async fn restore(
    config: Config,
    clock: Clock,
    options: &Options,
    checked: &Checked,
    presence: Presence,
    half_done: bool,
    say: &impl Fn(&str),
) -> anyhow::Result<Report> {
    presence.mark(&config).await?;
    say("the stores are closed until this is done");
    if let Err(error) = place::stage(&config, options, checked).await {
        if !half_done {
            presence.unmark(&config).await?;
        }
        return Err(error.context("nothing has been replaced yet"));
    }
    place::replace(&config, options, checked).await?;
    say("main database, keys and blobs are in place; the ledger is replayed");
    let app = App::open_in(config, clock, SqliteSynchronous::Full, presence, Adopting::Policy).await?;
    let done = replay::replay(&app, checked, say).await;
    app.db.clone().close().await;
    app.keys.db().clone().close().await;
    let mut report = done?;
    report.drill = options.drill;
    app.presence.unmark(&app.config).await?;
    say("the stores are open again");
    Ok(report)
}
