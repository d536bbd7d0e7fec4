//! The bytes of SQLite's files, read beside SQLite.
//!
//! SQLite locks with POSIX locks, which belong to the process: whoever closes any handle to a file loses all locks that the process has
//! on it, also SQLite's own (<https://www.sqlite.org/howtocorrupt.html>, 2.2). The next process would then find the database unused,
//! and throw away the log that this one goes on writing. So a handle to such a file is opened once and never closed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Place;

/// Files that this process has open through SQLite.
#[derive(Clone, Debug, Default)]
pub struct Live(Vec<PathBuf>);

impl Live {
    /// Those of the databases that are files, each with its log and the index of that.
    #[must_use]
    pub fn of(places: &[&Place]) -> Self {
        let mut files = Vec::new();
        for place in places {
            if let Place::File(path) = place {
                files.extend(["", "-wal", "-shm"].map(|end| {
                    let mut name = path.clone().into_os_string();
                    name.push(end);
                    PathBuf::from(name)
                }));
            }
        }
        Self(files)
    }

    /// Opens a file for reading from its beginning, whether it is one of these or another.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        // By identity: another name may lead to the same file.
        let identity = identity(path)?;
        if self.0.iter().any(|live| self::identity(live).is_ok_and(|live| live == identity)) {
            return Ok(Box::new(FromStart { file: never_closed(path, identity)?, at: 0 }));
        }
        Ok(Box::new(File::open(path)?))
    }
}

/// What tells a file from every other, whatever it is called.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

fn identity(path: &Path) -> io::Result<Identity> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(path)?;
        Ok((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    fs::canonicalize(path)
}

fn never_closed(path: &Path, identity: Identity) -> io::Result<&'static File> {
    static OPEN: Mutex<Vec<(Identity, &'static File)>> = Mutex::new(Vec::new());
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, file)) = open.iter().find(|(of, _)| *of == identity) {
        return Ok(file);
    }
    let file: &'static File = Box::leak(Box::new(File::open(path)?));
    open.push((identity, file));
    Ok(file)
}

/// Reads a shared handle from the beginning, without moving it.
struct FromStart {
    file: &'static File,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.at)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
