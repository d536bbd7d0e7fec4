//! The master key: 32 bytes outside the data folder and every backup, from which all purposes derive their own key.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Where the master key comes from.
#[derive(Clone)]
pub enum Source {
    /// `AFTERSALES_MASTER_KEY`: base64 of 32 bytes.
    Given(Zeroizing<String>),
    /// A file that holds base64 of 32 bytes, readable by its owner alone.
    File(PathBuf),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Given(_) => f.write_str("AFTERSALES_MASTER_KEY"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The master key. It only derives; it never seals anything itself.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Reads the key. `make` allows a new file to be made, and may be true only where no key store exists yet.
    ///
    /// # Errors
    /// It is missing, unreadable, readable by others, or not base64 of 32 bytes; the text says what to do.
    pub fn load(source: &Source, make: bool) -> anyhow::Result<Self> {
        match source {
            Source::Given(text) => parse(text).context("AFTERSALES_MASTER_KEY is not base64 of 32 bytes"),
            Source::File(path) if path.exists() => {
                refuse_if_shared(path)?;
                let text = Zeroizing::new(
                    std::fs::read_to_string(path)
                        .with_context(|| format!("cannot read the master key {}", path.display()))?,
                );
                parse(text.trim()).with_context(|| format!("{} does not hold base64 of 32 bytes", path.display()))
            }
            Source::File(path) if make => write_new(path),
            Source::File(path) => bail!(
                "a key store exists, but its master key {} is missing. Put the key back there, name its place in \
                 AFTERSALES_MASTER_KEY_FILE, or give it in AFTERSALES_MASTER_KEY. Nothing has been changed.",
                path.display()
            ),
        }
    }

    /// 32 bytes for one purpose (HKDF-SHA256, RFC 5869).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        let derived = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(purpose.as_bytes(), out.as_mut_slice());
        debug_assert!(derived.is_ok(), "32 bytes are within HKDF's limit");
        out
    }
}

fn parse(text: &str) -> anyhow::Result<MasterKey> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim())?);
    let key: [u8; 32] = bytes.as_slice().try_into().context("not 32 bytes")?;
    Ok(MasterKey(Zeroizing::new(key)))
}

fn write_new(path: &Path) -> anyhow::Result<MasterKey> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).context("the operating system gives no randomness")?;
    let cannot = || format!("cannot write a new master key to {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(cannot)?;
    writeln!(file, "{}", *Zeroizing::new(STANDARD.encode(key.as_slice()))).with_context(cannot)?;
    file.sync_all().with_context(cannot)?;
    tracing::info!(path = %path.display(), "made a new master key; keep a copy of it apart from every backup");
    Ok(MasterKey(key))
}

#[cfg(unix)]
fn refuse_if_shared(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("the master key {0} can be read by others: run `chmod 600 {0}`", path.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_private_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::File(folder.path().join("secrets/master.key"));
        assert!(MasterKey::load(&source, false).is_err(), "missing, and not allowed to make one");
        let made = MasterKey::load(&source, true).unwrap();
        let read = MasterKey::load(&source, false).unwrap();
        assert_eq!(made.derive("a"), read.derive("a"));
        assert_ne!(made.derive("a"), made.derive("b"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::load(&Source::File(path.clone()), true).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = MasterKey::load(&Source::File(path), false).err().unwrap();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}
