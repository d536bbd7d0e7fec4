//! What a backup is, in JSON: written last, so that a half-finished backup has none, and authenticated under the master
//! key, so that it is neither altered nor another installation's.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use super::files;
use crate::keys::master::MasterKey;
use crate::retention::ledger::Head;

/// The version of the format that this program writes and reads.
pub const FORMAT: u32 = 1;
/// The manifest of a backup.
pub const MANIFEST: &str = "manifest.json";
/// The manifest of its archive of keys.
pub const KEYS_MANIFEST: &str = "keys.json";

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Engine {
    /// A SQLite file.
    Sqlite,
    /// An archive of `pg_dump -Fc`.
    Postgres,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stored {
    /// Its name, relative to the folder of the manifest, or to `blobs/`.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// A database of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// The engine that it can be put back into.
    pub engine: Engine,
    /// The file.
    pub file: Stored,
    /// The migrations that it has seen.
    pub migrations: Vec<String>,
}

/// How the blobs are part of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Blobs {
    /// Copied into it. Never hard links: a copy on the same disk is none.
    Copy,
    /// By name, size and checksum only: they stay where they are, and a restore wants them there.
    Reference,
}

/// The archive of the key store, with an end of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keys {
    /// [`FORMAT`].
    pub format: u32,
    /// When the keys were copied, UTC: after the main database, so that no row lacks its key. One that a row has left meanwhile, because
    /// it was sealed anew, stays for as long as this archive may live.
    pub taken_at: DateTime<Utc>,
    /// From this instant on it is not restored any more, and has to be deleted, UTC.
    pub expires_at: DateTime<Utc>,
    /// The key store.
    pub store: Database,
}

/// A backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The program that wrote it.
    pub program: String,
    /// Which backup it is.
    pub id: Uuid,
    /// When it was begun, UTC: everything committed before is in it.
    pub started_at: DateTime<Utc>,
    /// When it was done, UTC: nothing committed later is in it.
    pub finished_at: DateTime<Utc>,
    /// The main database.
    pub main: Database,
    /// How the blobs are part of it.
    pub blobs: Blobs,
    /// The blobs.
    pub blob_files: Vec<Stored>,
    /// Where the archive of the keys was put; none: the folder `keys/` beside the manifest.
    pub keys_folder: Option<PathBuf>,
    /// The archive of the keys.
    pub keys: Keys,
    /// How far the erasure ledger had got. It is no part of the backup.
    pub ledger: Head,
}

/// A manifest as it is written: with the code that proves it.
#[derive(Serialize, Deserialize)]
struct Signed<T> {
    manifest: T,
    hmac: String,
}

/// Writes a manifest, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write<T: Serialize>(path: &Path, manifest: &T, master: &MasterKey) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let signed = Signed { manifest, hmac: files::hex(&code(manifest, master)?) };
    let half = path.with_extension("half");
    let mut file = std::fs::File::create(&half).with_context(cannot)?;
    file.write_all(&serde_json::to_vec_pretty(&signed)?).with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    std::fs::rename(&half, path).with_context(cannot)?;
    files::sync_folder(path.parent().unwrap_or(Path::new("."))).with_context(cannot)
}

/// Reads a manifest and proves it.
///
/// # Errors
/// There is none, its format is another program's, or it was altered or made under another master key.
pub fn read<T: Serialize + DeserializeOwned>(path: &Path, master: &MasterKey) -> anyhow::Result<T> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("{} is missing: this is no backup, or one that was not finished", path.display())
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let damaged = || format!("{} is damaged", path.display());
    let json: serde_json::Value = serde_json::from_slice(&text).with_context(damaged)?;
    match json["manifest"]["format"].as_u64() {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => bail!("{}: format {format}, but this program reads format {FORMAT}", path.display()),
        None => bail!(damaged()),
    }
    let signed: Signed<T> = serde_json::from_value(json).with_context(damaged)?;
    if signed.hmac != files::hex(&code(&signed.manifest, master)?) {
        bail!("{} was altered, or made under another master key than the one that is set", path.display());
    }
    Ok(signed.manifest)
}

fn code<T: Serialize>(manifest: &T, master: &MasterKey) -> anyhow::Result<Vec<u8>> {
    let key = master.derive("aftersales backup manifest v1");
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice())?;
    mac.update(&serde_json::to_vec(manifest)?);
    Ok(mac.finalize().into_bytes().to_vec())
}
