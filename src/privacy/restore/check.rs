//! What is checked before anything is touched.

use std::path::{Path, PathBuf};

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use migration::{KeyStore, Main};

use super::Options;
use crate::config::Config;
use crate::db::Place;
use crate::error::Error;
use crate::keys::master::MasterKey;
use crate::privacy::backup::manifest::{self, Blobs, Database, Engine, Keys, MANIFEST, Manifest};
use crate::privacy::backup::{self, files as copies, postgres};
use crate::retention::ledger::{Entry, Ledger, Reached};

/// How long a removal may take from its intent to its end: what is older was over before the backup began.
pub(super) const UNDER_WAY: TimeDelta = TimeDelta::days(1);

/// A backup that may be put back.
pub(super) struct Checked {
    pub manifest: Manifest,
    pub keys: Keys,
    pub keys_folder: PathBuf,
    /// The ledger since two such spans before the backup: whatever ended within the latter one has its intent here.
    pub entries: Vec<Entry>,
}

/// The manifests: of this installation, for these engines, of no newer program, with keys that may still be restored.
pub(super) fn manifests(
    config: &Config,
    now: DateTime<Utc>,
    options: &Options,
    master: &MasterKey,
) -> anyhow::Result<Checked> {
    let manifest: Manifest = manifest::read(&options.folder.join(MANIFEST), master)?;
    let beside = || options.folder.join("keys");
    let keys_folder = options.keys.clone().or_else(|| manifest.keys_folder.clone()).unwrap_or_else(beside);
    let keys: Keys = manifest::read(&keys_folder.join(manifest::KEYS_MANIFEST), master)?;
    if now >= keys.expires_at {
        bail!(
            "the archive of keys in {} has been past its end since {}: it could open what was erased. Delete it. A newer \
             one opens this backup, too: name its folder with --keys (docs/operations.md)",
            keys_folder.display(),
            keys.expires_at
        );
    }
    if keys.taken_at < manifest.keys.taken_at {
        bail!(
            "the archive of keys in {} is older than the backup: rows of the backup would lack their keys",
            keys_folder.display()
        );
    }
    fits(&manifest.main, &config.database, "DATABASE_URL", &backup::migrations::<Main>())?;
    fits(&keys.store, &config.keystore, "KEYSTORE_URL", &backup::migrations::<KeyStore>())?;
    if [&config.database, &config.keystore].iter().any(|place| matches!(place, Place::Postgres(_))) {
        postgres::ready()?;
    }
    Ok(Checked { manifest, keys, keys_folder, entries: Vec::new() })
}

fn fits(stored: &Database, place: &Place, url: &str, known: &[String]) -> anyhow::Result<()> {
    match (stored.engine, place) {
        (Engine::Sqlite, Place::File(_)) | (Engine::Postgres, Place::Postgres(_)) => {}
        (Engine::Sqlite, Place::Postgres(_)) => bail!("the backup is of SQLite, but {url} names a PostgreSQL database"),
        (Engine::Postgres, Place::File(_)) => bail!("the backup is of PostgreSQL: {url} has to name a database"),
    }
    match stored.migrations.iter().find(|name| !known.contains(name)) {
        Some(newer) => bail!("the backup was made by a newer program: this one does not know the migration {newer}"),
        None => Ok(()),
    }
}

/// Every file against its checksum.
pub(super) async fn files(config: &Config, options: &Options, checked: &Checked) -> anyhow::Result<()> {
    let blobs = blobs(config, options, &checked.manifest);
    let mut all = vec![
        (options.folder.join(&checked.manifest.main.file.name), checked.manifest.main.file.clone()),
        (checked.keys_folder.join(&checked.keys.store.file.name), checked.keys.store.file.clone()),
    ];
    for blob in &checked.manifest.blob_files {
        all.push((blobs.join(&blob.name), blob.clone()));
    }
    // A blob that stayed where it was may have been erased since: whether a row misses it is seen at the end.
    let may_be_gone = checked.manifest.blobs == Blobs::Reference;
    let checking = move || -> anyhow::Result<()> {
        for (index, (path, meant)) in all.iter().enumerate() {
            if !(may_be_gone && index > 1 && !path.exists()) {
                copies::check(path, meant)?;
            }
        }
        Ok(())
    };
    tokio::task::spawn_blocking(checking).await?
}

/// Where the blobs of a backup are.
pub(super) fn blobs(config: &Config, options: &Options, manifest: &Manifest) -> PathBuf {
    let kept: &Path = if manifest.blobs == Blobs::Copy { &options.folder } else { &config.data };
    kept.join("blobs")
}

/// The ledger: there, whole, of this installation, and at least where the backup saw it.
pub(super) async fn ledger(config: &Config, checked: &mut Checked) -> anyhow::Result<()> {
    let ledger = Ledger::find(&config.ledger).await?;
    let since = checked.manifest.started_at - UNDER_WAY - UNDER_WAY;
    let read = ledger.since(since, &checked.manifest.ledger).await;
    ledger.close().await;
    let (entries, reached) = read.map_err(Error::cause)?;
    match reached {
        Reached::Yes => {}
        Reached::Older => bail!(
            "the erasure ledger is older than the backup, or its end is lost: what was erased would come back. Put the \
             newest copy of the ledger in place. Nothing has been changed."
        ),
        Reached::Foreign => bail!(
            "the erasure ledger is not the one of this backup: it was begun by another installation. Nothing has been \
             changed."
        ),
    }
    checked.entries = entries;
    Ok(())
}
