//! Files that are copied with their checksum, and are on disk when that returns.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use super::manifest::Stored;

pub(in crate::privacy) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads a file to its end: its size and checksum. Each piece goes to `to` as well.
fn pass(path: &Path, mut to: Option<&mut File>) -> anyhow::Result<(u64, String)> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer).with_context(cannot)?;
        let some = &buffer[..read];
        if some.is_empty() {
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(some);
        bytes += read as u64;
        if let Some(to) = to.as_deref_mut() {
            to.write_all(some).context("cannot write the copy")?;
        }
    }
}

/// Size and checksum of a file that is there, once it is on disk.
pub(in crate::privacy) fn stored(path: &Path, name: &str) -> anyhow::Result<Stored> {
    File::open(path).and_then(|f| f.sync_all()).with_context(|| format!("cannot write {}", path.display()))?;
    let (bytes, sha256) = pass(path, None)?;
    Ok(Stored { name: name.to_owned(), bytes, sha256 })
}

/// Copies a file for its owner's eyes alone.
pub(in crate::privacy) fn copy(from: &Path, to: &Path, name: &str) -> anyhow::Result<Stored> {
    let cannot = || format!("cannot write {}", to.display());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to).with_context(cannot)?;
    let (bytes, sha256) = pass(from, Some(&mut file)).with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    Ok(Stored { name: name.to_owned(), bytes, sha256 })
}

/// Copies a file of a backup to where it is needed; what does not match its checksum is refused.
pub(in crate::privacy) fn copy_checked(from: &Path, to: &Path, meant: &Stored) -> anyhow::Result<()> {
    let copied = copy(from, to, &meant.name)?;
    refuse_if_changed(from, &copied, meant)
}

/// Compares a file of a backup with what the manifest says of it.
pub(in crate::privacy) fn check(path: &Path, meant: &Stored) -> anyhow::Result<()> {
    let (bytes, sha256) = pass(path, None)?;
    refuse_if_changed(path, &Stored { name: meant.name.clone(), bytes, sha256 }, meant)
}

fn refuse_if_changed(path: &Path, found: &Stored, meant: &Stored) -> anyhow::Result<()> {
    if found.bytes != meant.bytes || found.sha256 != meant.sha256 {
        bail!("{} is damaged: it is not what the manifest says of it", path.display());
    }
    Ok(())
}

/// A new name is on disk only when its folder is.
pub(in crate::privacy) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder).and_then(|f| f.sync_all())
}

/// Makes a folder for its owner alone; one that is there has to be empty.
pub(in crate::privacy) fn make_empty(folder: &Path) -> anyhow::Result<()> {
    if folder.join(super::manifest::MANIFEST).exists() {
        bail!("{} holds a backup already; give an empty or missing folder", folder.display());
    }
    if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty (a backup that was not finished?); give an empty or missing folder", folder.display());
    }
    crate::state::make_private(folder)
}
