//! Puts the files of a backup into place. First beside the old ones, checked while they are copied; then in their stead.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::check::{Checked, blobs as blobs_of};
use super::{Options, state};
use crate::config::Config;
use crate::db::{Db, Place};
use crate::presence;
use crate::privacy::backup::manifest::{Blobs, Manifest, Stored};
use crate::privacy::backup::{files, postgres};

/// A target that holds nothing but the ledger.
pub(super) async fn refuse_unless_empty(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&config.data).context("cannot read the data folder")? {
        let entry = entry.context("cannot read the data folder")?;
        let (name, path) = (entry.file_name(), entry.path());
        let is_ledger = matches!(&config.ledger, Place::File(ledger) if *ledger == path) || name == "ledger";
        let stays = name == "blobs" && manifest.blobs == Blobs::Reference;
        let is_empty = std::fs::read_dir(&path).is_ok_and(|mut inside| inside.next().is_none());
        if !(is_ledger || stays || is_empty || name == presence::LOCK || name == "lost+found") {
            found.push(path.display().to_string());
        }
    }
    for (place, url) in [(&config.database, "DATABASE_URL"), (&config.keystore, "KEYSTORE_URL")] {
        match place {
            Place::File(path) if path.exists() && !path.starts_with(&config.data) => {
                found.push(path.display().to_string());
            }
            Place::File(_) => {}
            Place::Postgres(_) => {
                let db = Db::open(place).await?;
                let tables = postgres::tables(&db).await;
                db.close().await;
                if tables? > 0 {
                    found.push(format!("the database of {url}"));
                }
            }
        }
    }
    if !found.is_empty() {
        found.sort();
        bail!(
            "the target is not empty: {}. With --replace a restore replaces it, but for the ledger",
            found.join(", ")
        );
    }
    Ok(())
}

/// Copies databases that are files beside the old ones.
pub(super) async fn stage(config: &Config, options: &Options, checked: &Checked) -> anyhow::Result<()> {
    for (place, from, meant) in databases(config, options, checked) {
        if let Place::File(path) = place {
            let (to, meant) = (beside(path, ".restoring"), meant.clone());
            state::make_private(path.parent().unwrap_or(Path::new(".")))?;
            let copying = tokio::task::spawn_blocking(move || {
                let copied = files::copy_checked(&from, &to, &meant);
                if copied.is_err() {
                    let _ = std::fs::remove_file(&to);
                }
                copied
            });
            copying.await??;
        }
    }
    Ok(())
}

fn databases<'a>(config: &'a Config, options: &Options, checked: &'a Checked) -> [(&'a Place, PathBuf, &'a Stored); 2] {
    let (main, keys) = (&checked.manifest.main.file, &checked.keys.store.file);
    [
        (&config.keystore, checked.keys_folder.join(&keys.name), keys),
        (&config.database, options.folder.join(&main.name), main),
    ]
}

/// Puts databases and blobs in the stead of the old ones.
pub(super) async fn replace(config: &Config, options: &Options, checked: &Checked) -> anyhow::Result<()> {
    for (place, from, _) in databases(config, options, checked) {
        match place {
            Place::File(path) => {
                let cannot = || format!("cannot replace {}", path.display());
                // The log of the old file must not be taken for one of the new.
                for end in ["-wal", "-shm", "-journal"] {
                    match std::fs::remove_file(beside(path, end)) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                            return Err(error).with_context(cannot);
                        }
                        _ => {}
                    }
                }
                std::fs::rename(beside(path, ".restoring"), path).with_context(cannot)?;
                files::sync_folder(path.parent().unwrap_or(Path::new("."))).with_context(cannot)?;
            }
            Place::Postgres(url) => {
                let db = Db::open(place).await?;
                let emptied = postgres::empty(&db).await;
                db.close().await;
                emptied?;
                let url = url.clone();
                tokio::task::spawn_blocking(move || postgres::restore(&url, &from)).await??;
            }
        }
    }
    let (from, to) = (blobs_of(config, options, &checked.manifest), config.data.join("blobs"));
    if from == to {
        return Ok(());
    }
    state::make_private(&to)?;
    let meant: HashMap<String, Stored> =
        checked.manifest.blob_files.iter().map(|blob| (blob.name.clone(), blob.clone())).collect();
    tokio::task::spawn_blocking(move || blobs(&from, &to, meant)).await?
}

/// Blobs never change: one that is there and right stays, every other one goes.
fn blobs(from: &Path, to: &Path, mut meant: HashMap<String, Stored>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(to).with_context(|| format!("cannot read {}", to.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_right = meant.get(name).is_some_and(|blob| files::check(&path, blob).is_ok());
        if is_right {
            meant.remove(name);
        } else if path.is_file() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    for (name, blob) in &meant {
        if name.contains(['/', '\\']) {
            bail!("{name} is no name of a blob");
        }
        if from.join(name).exists() {
            files::copy_checked(&from.join(name), &to.join(name), blob)?;
        }
    }
    files::sync_folder(to).with_context(|| format!("cannot write {}", to.display()))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
