//! The ledger as a folder: a file of JSON lines per calendar year (Berlin), on disk when a write returns.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Datelike as _, Utc};

use super::{Append, chain};
use crate::policy::calendar;
use crate::policy::retention::Rule;

/// The files with their years, oldest first.
pub(super) fn files(folder: &Path) -> anyhow::Result<Vec<(i32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if let Some(year) = name.strip_prefix("ledger-").and_then(|n| n.strip_suffix(".jsonl")?.parse().ok()) {
            found.push((year, path));
        }
    }
    found.sort();
    Ok(found)
}

fn name(year: i32) -> String {
    format!("ledger-{year}.jsonl")
}

/// Hands on every line, oldest first. A last line without its end was never written to the end: nothing followed from it.
pub(super) fn lines(folder: &Path, mut each: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for (_, path) in files(folder)? {
        let cannot = || format!("cannot read {}", path.display());
        let mut file = BufReader::new(File::open(&path).with_context(cannot)?);
        let mut line = String::new();
        while file.read_line(&mut line).with_context(cannot)? > 0 {
            let Some(whole) = line.strip_suffix('\n') else { break };
            each(whole).with_context(|| path.display().to_string())?;
            line.clear();
        }
    }
    Ok(())
}

/// The lock that other processes respect, until it is dropped.
fn locked(folder: &Path) -> anyhow::Result<File> {
    let cannot = || format!("cannot write the erasure ledger in {}", folder.display());
    let lock = folder.join("lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock).with_context(cannot)?;
    lock.lock().with_context(cannot)?;
    Ok(lock)
}

/// The hash of the latest line.
pub(super) fn latest(folder: &Path) -> anyhow::Result<Option<String>> {
    let _lock = locked(folder)?;
    let end = files(folder)?.pop().map(|(_, path)| whole_end(&path)).transpose()?;
    Ok(end.filter(|chain| !chain.is_empty()))
}

/// Whether a line ends with this hash, looked for in the newest file first.
pub(super) fn has(folder: &Path, chain: &str) -> anyhow::Result<bool> {
    let end = format!("{}\n", chain::end(chain));
    let is_in = |bytes: &[u8]| bytes.windows(end.len()).rev().any(|window| window == end.as_bytes());
    for (_, path) in files(folder)?.into_iter().rev() {
        let cannot = || format!("cannot read {}", path.display());
        let mut file = File::open(&path).with_context(cannot)?;
        let size = file.metadata().with_context(cannot)?.len();
        // Mostly it is one of the last, and a year is long.
        for start in [size.saturating_sub(NEAR), 0] {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(start)).with_context(cannot)?;
            file.read_to_end(&mut bytes).with_context(cannot)?;
            if is_in(&bytes) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How far from the end the latest known line mostly lies, in bytes.
const NEAR: u64 = 1 << 16;

/// One line after all others.
pub(super) fn append(folder: &Path, now: DateTime<Utc>, body: &str, how: Append) -> anyhow::Result<()> {
    let cannot = || format!("cannot write the erasure ledger in {}", folder.display());
    let _lock = locked(folder)?;
    let newest = files(folder)?.pop();
    if how == Append::First && newest.is_some() {
        return Ok(());
    }
    if how != Append::First && newest.is_none() {
        bail!("the erasure ledger is missing: there is none in {}", folder.display());
    }
    // A clock that was set back must not put a line before older ones.
    let year = calendar::day_of(now).year().max(newest.as_ref().map_or(i32::MIN, |(year, _)| *year));
    let path = folder.join(name(year));
    let before = match &newest {
        Some((_, path)) => whole_end(path)?,
        None => String::new(),
    };
    let is_new = newest.as_ref().is_none_or(|(newest, _)| *newest != year);
    let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(cannot)?;
    let line = format!("{}\n", chain::link(&before, body));
    file.write_all(line.as_bytes()).with_context(cannot)?;
    if how != Append::Soon || is_new {
        file.sync_data().with_context(cannot)?;
    }
    if is_new {
        // The last entry of the year before may have waited for this one.
        if let Some((_, older)) = &newest {
            File::open(older).and_then(|older| older.sync_data()).with_context(cannot)?;
        }
        sync(folder).with_context(cannot)?;
    }
    Ok(())
}

/// Brings the newest file to the disk.
pub(super) fn sync_newest(folder: &Path) -> anyhow::Result<()> {
    let Some((_, path)) = files(folder)?.pop() else { return Ok(()) };
    let cannot = || format!("cannot sync {}", path.display());
    File::open(&path).and_then(|file| file.sync_data()).with_context(cannot)
}

/// A new name is on disk only when its folder is.
fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder).and_then(|f| f.sync_all())
}

/// The hash of a file's last line. A line whose writer died half-way is cut off: its writer did nothing yet.
fn whole_end(path: &Path) -> anyhow::Result<String> {
    let cannot = || format!("cannot read the end of {}", path.display());
    let mut file = OpenOptions::new().read(true).write(true).open(path).with_context(cannot)?;
    let size = file.metadata().with_context(cannot)?.len();
    let tail = (chain::TAIL + 1) as u64;
    let mut end = vec![0; usize::try_from(tail.min(size)).unwrap_or_default()];
    file.seek(SeekFrom::Start(size.saturating_sub(tail))).with_context(cannot)?;
    file.read_exact(&mut end).with_context(cannot)?;
    if end.last() != Some(&b'\n') {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).with_context(cannot)?;
        file.read_to_end(&mut bytes).with_context(cannot)?;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        tracing::warn!(path = %path.display(), bytes = bytes.len() - whole, "cut a half-written line off the ledger");
        file.set_len(whole as u64).and_then(|()| file.sync_all()).with_context(cannot)?;
        if whole == 0 {
            // The first line of its year: the one before is in the file before.
            let folder = path.parent().unwrap_or(Path::new("."));
            let older = files(folder)?.into_iter().rev().find(|(_, other)| other.as_path() < path);
            return older.map_or_else(|| Ok(String::new()), |(_, other)| whole_end(&other));
        }
        return whole_end(path);
    }
    let line = String::from_utf8(end).ok().and_then(|text| {
        let line = format!("{{{}", text.trim_end_matches('\n'));
        chain::parts(&line).map(|(_, chain)| chain.to_owned())
    });
    line.with_context(|| format!("the last line of {} is damaged", path.display()))
}

/// Writes lines with their instants into a new folder.
pub(super) fn write(folder: &Path, lines: &[(DateTime<Utc>, String)]) -> anyhow::Result<()> {
    let mut year = i32::MIN;
    for (at, line) in lines {
        year = year.max(calendar::day_of(*at).year());
        let path = folder.join(name(year));
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
    }
    Ok(())
}

/// Whether everything is past the rule's period.
pub(super) fn is_over(folder: &Path, rule: &Rule, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let newest = files(folder)?.pop();
    Ok(newest.is_some_and(|(year, _)| is_year_over(year, rule, now)))
}

fn is_year_over(year: i32, rule: &Rule, now: DateTime<Utc>) -> bool {
    let last = chrono::NaiveDate::from_ymd_opt(year, 12, 31).map(calendar::start_of);
    last.is_some_and(|last| rule.is_over(last, now))
}

/// Removes the files whose year is past the rule's period.
pub(super) fn expire(folder: &Path, rule: &Rule, now: DateTime<Utc>) -> anyhow::Result<u64> {
    let mut removed = 0;
    for (year, path) in files(folder)? {
        if is_year_over(year, rule, now) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that died half-way leaves a piece of a line: it is ignored, and the next writer cuts it off.
    #[test]
    fn half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let read = || {
            let (mut walk, mut bodies) = (chain::Walk::default(), Vec::new());
            let each = &mut |body: &str, _: &str| {
                bodies.push(body.to_owned());
                Ok(())
            };
            lines(folder.path(), |line| walk.step(line, each)).unwrap();
            bodies
        };
        append(folder.path(), at("2014-03-10T09:00:00Z"), "{\"a\":1}", Append::First).unwrap();
        append(folder.path(), at("2014-03-10T09:00:00Z"), "{\"a\":0}", Append::First).unwrap();
        for name in ["ledger-2014.jsonl", "ledger-2015.jsonl"] {
            let path = folder.path().join(name);
            OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(b"{\"a\":").unwrap();
            assert_eq!(read(), ["{\"a\":1}"]);
        }
        std::fs::remove_file(folder.path().join("ledger-2015.jsonl")).unwrap();
        append(folder.path(), at("2014-12-31T09:00:00Z"), "{\"a\":2}", Append::Durably).unwrap();
        std::fs::write(folder.path().join("ledger-2015.jsonl"), "{\"a\":").unwrap();
        append(folder.path(), at("2015-03-10T09:00:00Z"), "{\"a\":3}", Append::Durably).unwrap();
        append(folder.path(), at("2014-03-10T09:00:00Z"), "{\"a\":4}", Append::Durably).unwrap();
        assert_eq!(read(), ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}", "{\"a\":4}"]);
    }
}
