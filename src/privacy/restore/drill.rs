//! A drill: the whole restore in a scratch place, so that it is known to work before it is needed.

use anyhow::Context as _;
use entity::ids::uuid_at;

use super::check::{Checked, blobs as blobs_of};
use super::{Options, Report, restore};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Place;
use crate::error::Error;
use crate::presence::Presence;
use crate::privacy::backup::manifest::Blobs;
use crate::privacy::backup::postgres;
use crate::retention::ledger::Ledger;
use crate::state;

const NAME: &str = "aftersales_drill_";

/// The folders of drills that are under way, or were killed: whoever finds one of the latter removes it by hand. Those of other
/// users, which cannot be opened, are not ours.
#[must_use]
pub fn left() -> Vec<std::path::PathBuf> {
    let there = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let of_drill = there.filter(|entry| entry.file_name().to_string_lossy().starts_with(NAME));
    of_drill.map(|entry| entry.path()).filter(|path| std::fs::read_dir(path).is_ok()).collect()
}

/// Restores into a folder of its own below the temporary folder, and on PostgreSQL into databases of its own on the same
/// servers. Folder and databases are removed at the end, whatever it is.
pub(super) async fn run(
    config: &Config,
    clock: Clock,
    options: &Options,
    checked: &Checked,
    say: impl Fn(&str),
) -> anyhow::Result<Report> {
    let name = format!("{NAME}{}", uuid_at(clock.now()).simple());
    let folder = std::env::temp_dir().join(&name);
    let mut made = Vec::new();
    let done = in_scratch(config, clock, options, checked, &folder, &name, &mut made, &say).await;
    for (url, database) in &made {
        if let Err(error) = postgres::drop(url, database).await {
            say(&format!("{error:#}"));
        }
    }
    if let Err(error) = std::fs::remove_dir_all(&folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        say(&format!("cannot remove {}: {error}; remove it by hand", folder.display()));
    }
    done
}

#[expect(clippy::too_many_arguments, reason = "what a drill is given, and what it has to clear up")]
async fn in_scratch(
    config: &Config,
    clock: Clock,
    options: &Options,
    checked: &Checked,
    folder: &std::path::Path,
    name: &str,
    made: &mut Vec<(String, String)>,
    say: &impl Fn(&str),
) -> anyhow::Result<Report> {
    let data = folder.join("data");
    state::make_private(folder)?;
    state::make_private(&data)?;
    let mut scratch = config.clone();
    scratch.mail.smtp = None;
    scratch.ledger = Place::File(data.join("ledger"));
    let places = [
        (&mut scratch.database, &config.database, "main", "main/aftersales.sqlite"),
        (&mut scratch.keystore, &config.keystore, "keys", "keys/keys.sqlite"),
    ];
    for (scratch, place, suffix, file) in places {
        *scratch = match place {
            Place::File(_) => Place::File(data.join(file)),
            Place::Postgres(url) => {
                let database = format!("{name}_{suffix}");
                let url_of_it = postgres::create(url, &database).await?;
                made.push((url.clone(), database));
                Place::Postgres(url_of_it)
            }
        };
    }
    let ledger = Ledger::find(&config.ledger).await?;
    let copied = ledger.copy_to(&data.join("ledger")).await;
    ledger.close().await;
    copied.map_err(Error::cause).context("cannot copy the ledger")?;
    if checked.manifest.blobs == Blobs::Reference {
        // What stays where it is has to be seen from the scratch place, too.
        let (from, to) = (blobs_of(config, options, &checked.manifest), data.join("blobs"));
        state::make_private(&to)?;
        for blob in checked.manifest.blob_files.iter().filter(|blob| from.join(&blob.name).exists()) {
            std::fs::copy(from.join(&blob.name), to.join(&blob.name)).context("cannot copy a blob")?;
        }
    }
    scratch.data = data;
    let presence = Presence::alone(&scratch).await?;
    restore(scratch, clock, options, checked, presence, false, say).await
}
