//! A backup: a consistent copy beside a running server, in the order main database, blobs, keys, head of the ledger.
//!
//! What is erased meanwhile may be in the copy with or without its key; the ledger, which is no part of it, says that it
//! has to go, and a restore sees to it. The keys lie in an archive of their own, with an end of their own.

pub mod files;
pub mod manifest;
pub mod postgres;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use entity::ids::uuid_at;
use futures::TryStreamExt as _;
use migration::{KeyStore, Main, MigratorTrait};
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use crate::db::{self, Db, Place};
use crate::error::Error;
use crate::keys::BACKUPS_LIVE;
use crate::keys::master::MasterKey;
use crate::state::App;
use manifest::{Blobs, Database, Engine, FORMAT, Keys, MANIFEST, Manifest, Stored};

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the backup: empty or missing.
    pub folder: PathBuf,
    /// The folder of the archive of keys, empty or missing; none: `keys/` in the backup.
    pub keys: Option<PathBuf>,
    /// How long that archive lives: 1 to 35 days.
    pub key_days: u32,
    /// How the blobs are part of it.
    pub blobs: Blobs,
}

/// Backs everything up. What is written is on disk when this returns.
///
/// # Errors
/// The target is not empty or lies in the data folder, a period is out of range, a store cannot be read, `pg_dump` is
/// missing or fails, or the target cannot be written. Then there is no manifest, and no restore takes it.
pub async fn write(app: &App, options: &Options) -> anyhow::Result<Manifest> {
    let days = TimeDelta::days(i64::from(options.key_days));
    if days < TimeDelta::days(1) || days > BACKUPS_LIVE {
        bail!("an archive of keys lives 1 to 35 days: afterwards no backup may open what was erased");
    }
    let keys_folder = options.keys.clone().unwrap_or_else(|| options.folder.join("keys"));
    for folder in [&options.folder, &keys_folder] {
        files::make_empty(folder)?;
        refuse_inside(folder, &app.config.data)?;
    }
    let master = MasterKey::load(&app.config.master_key, false)?;
    let started_at = app.clock.now();
    let main = database::<Main>(&app.db, &app.config.database, &options.folder, "main").await?;
    let blob_files = blobs(app, options).await?;
    let taken_at = app.clock.now();
    let store = database::<KeyStore>(app.keys.db(), &app.config.keystore, &keys_folder, "keys").await?;
    let keys = Keys { format: FORMAT, taken_at, expires_at: taken_at + days, store };
    manifest::write(&keys_folder.join(manifest::KEYS_MANIFEST), &keys, &master)?;
    let ledger = app.ledger.head().await.map_err(Error::cause)?;
    let finished_at = app.clock.now();
    let manifest = Manifest {
        format: FORMAT,
        program: format!("aftersales {}", env!("CARGO_PKG_VERSION")),
        id: uuid_at(started_at),
        started_at,
        finished_at,
        main,
        blobs: options.blobs,
        blob_files,
        keys_folder: options.keys.as_ref().map(|_| std::fs::canonicalize(&keys_folder)).transpose()?,
        keys,
        ledger: ledger.context("the erasure ledger is empty; it was when it was opened")?,
    };
    manifest::write(&options.folder.join(MANIFEST), &manifest, &master)?;
    Ok(manifest)
}

/// A backup inside what it backs up goes with it.
fn refuse_inside(folder: &Path, data: &Path) -> anyhow::Result<()> {
    let (folder, data) = (std::fs::canonicalize(folder)?, std::fs::canonicalize(data)?);
    if folder.starts_with(&data) {
        let _ = std::fs::remove_dir(&folder);
        bail!("{} lies in the data folder: a backup there would be lost with it", folder.display());
    }
    Ok(())
}

/// The names of the migrations that this program knows.
#[must_use]
pub fn migrations<M: MigratorTrait>() -> Vec<String> {
    M::migrations().iter().map(|m| m.name().to_owned()).collect()
}

async fn database<M: MigratorTrait>(db: &Db, place: &Place, folder: &Path, name: &str) -> anyhow::Result<Database> {
    let (engine, file) = match place {
        Place::File(_) => (Engine::Sqlite, format!("{name}.sqlite")),
        Place::Postgres(_) => (Engine::Postgres, format!("{name}.dump")),
    };
    let path = folder.join(&file);
    let to = path.clone();
    match place {
        Place::File(_) => {
            // One read transaction, beside every writer. The copy has live rows only, no freed pages.
            let text = path.to_str().context("the path of a backup has to be UTF-8")?;
            db::run(db.write(), "VACUUM INTO $1", [text.into()]).await.context("cannot copy the database")?;
        }
        Place::Postgres(url) => {
            let url = url.clone();
            tokio::task::spawn_blocking(move || postgres::dump(&url, &path)).await??;
        }
    }
    let stored = tokio::task::spawn_blocking(move || {
        restrict(&to)?;
        files::stored(&to, &file)
    });
    Ok(Database { engine, file: stored.await??, migrations: migrations::<M>() })
}

/// The copy of a database is for its owner alone, as the database is.
fn restrict(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let _ = path;
    Ok(())
}

/// Blobs never change, and one that goes while it is copied was erased.
async fn blobs(app: &App, options: &Options) -> anyhow::Result<Vec<Stored>> {
    let from = app.config.data.join("blobs");
    let to = options.folder.join("blobs");
    if options.blobs == Blobs::Copy {
        crate::state::make_private(&to)?;
    }
    let names: Vec<_> = app.blobs.list(None).map_ok(|object| object.location).try_collect().await?;
    let mut stored = Vec::with_capacity(names.len());
    for name in names {
        let name = name.to_string();
        let (source, target) = (from.join(&name), to.join(&name));
        let copies = options.blobs == Blobs::Copy;
        let named = name.clone();
        let one = tokio::task::spawn_blocking(move || {
            if copies { files::copy(&source, &target, &named) } else { files::stored(&source, &named) }
        });
        match one.await? {
            Ok(one) => stored.push(one),
            Err(_) if app.blobs.head(&name.as_str().into()).await.is_err() => {
                let _ = std::fs::remove_file(to.join(&name));
            }
            Err(error) => return Err(error),
        }
    }
    if options.blobs == Blobs::Copy {
        files::sync_folder(&to)?;
    }
    stored.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(stored)
}
