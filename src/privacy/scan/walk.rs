//! A walk through everything that is stored, page by page: every column of every table (opened where sealed), every blob
//! (opened), the names of blobs, every file of the data folder with its name, the ledger. Memory does not grow with the data,
//! but for one mail at a time, which is read whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::UnitId;
use entity::map::{Column, Table, tables};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde_json::Value as Json;
use uuid::Uuid;

use super::search::{Search, Window};
use crate::config::Config;
use crate::db::Place;
use crate::db::raw::Live;
use crate::error::Result;
use crate::evidence::serve;
use crate::mail::inbound;
use crate::privacy::restore::drill;
use crate::retention::ledger::Ledger;
use crate::retention::read::{self, Mark, Record};
use crate::state::App;

const ROWS: usize = 500;
const BLOBS: usize = 50;
const FILES: usize = 100;
/// How many bytes of what a mail says are looked through at once.
const PIECE: usize = 256 * 1024;

/// Where a needle was found.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// In a column of a row.
    Cell(&'static Table, &'static Column, Row),
    /// In the opened bytes of a row's blob.
    Blob(&'static Table, Row),
    /// In the name of a blob.
    BlobName(String),
    /// In the bytes or the name of a file.
    File(String),
    /// In the ledger, where that is a database.
    Ledger,
}

/// The row of a finding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: Option<Uuid>,
    pub(super) data_type: Option<DataType>,
    pub(super) start: Option<DateTime<Utc>>,
}

/// A needle in a place.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) needle: usize,
    pub(super) at: At,
}

/// What a walk has read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) rows: u64,
    pub(super) blobs: u64,
    pub(super) files: u64,
    /// Blobs that do not open, and files and folders that cannot be read.
    pub(super) unreadable: u64,
}

enum Step {
    Table(usize, Option<Mark>),
    Blobs(usize, Uuid),
    Names,
    Files(Vec<PathBuf>),
    Ledger,
    Done,
}

/// A walk under way.
pub(super) struct Walk<'a> {
    app: &'a App,
    search: Arc<Search>,
    step: Step,
    pub(super) seen: Seen,
}

impl<'a> Walk<'a> {
    pub(super) fn new(app: &'a App, search: Search) -> Self {
        Self { app, search: Arc::new(search), step: Step::Table(0, None), seen: Seen::default() }
    }

    /// What the next page holds; none at the end.
    ///
    /// # Errors
    /// A store cannot be read.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Hit>>> {
        let step = std::mem::replace(&mut self.step, Step::Done);
        let (hits, next) = match step {
            Step::Table(at, mark) => match tables().get(at) {
                Some(t) => self.table(t, at, mark).await?,
                None => (Vec::new(), Step::Blobs(0, Uuid::nil())),
            },
            Step::Blobs(at, after) => match tables().iter().filter(|t| t.has("blob")).nth(at) {
                Some(t) => self.blobs(t, at, after).await?,
                None => (Vec::new(), Step::Names),
            },
            Step::Names => (self.names().await?, Step::Files(folders(&self.app.config))),
            Step::Files(open) => self.files(open).await?,
            Step::Ledger => (self.ledger().await?, Step::Done),
            Step::Done => return Ok(None),
        };
        self.step = next;
        Ok(Some(hits))
    }

    async fn table(&mut self, t: &'static Table, at: usize, mark: Option<Mark>) -> Result<(Vec<Hit>, Step)> {
        let (rows, next) = read::page(self.app, t, mark, ROWS).await?;
        self.seen.rows += rows.len() as u64;
        let mut hits = Vec::new();
        for record in &rows {
            for (column, value) in &record.values {
                // What a pending scan looks for is sealed under a key that ends with that scan.
                if let Some(text) = value.as_str().filter(|_| !(t.name == "erasures" && column.name == "identifiers")) {
                    let found = self.search.in_text(text, !column.meaning.sealed);
                    hits.extend(
                        found.into_iter().map(|needle| Hit { needle, at: At::Cell(t, column, row(t, record)) }),
                    );
                }
            }
        }
        Ok((hits, next.map_or(Step::Table(at + 1, None), |mark| Step::Table(at, Some(mark)))))
    }

    async fn blobs(&mut self, t: &'static Table, at: usize, after: Uuid) -> Result<(Vec<Hit>, Step)> {
        let names = ["id", "unit_id", "data_type", "blob"].into_iter().chain(t.start);
        let columns: Vec<&Column> = names.filter_map(|name| t.column(name)).collect();
        let condition = format!("t.blob IS NOT NULL AND t.id > $1 ORDER BY t.id LIMIT {BLOBS}");
        let rows = read::columns(self.app, t, &columns, &condition, vec![after.into()]).await?;
        let mut hits = Vec::new();
        for record in &rows {
            let text = |name| record.value(name).and_then(Json::as_str);
            let unit = text("unit_id").and_then(|u| u.parse().ok()).map(UnitId);
            let (Some(id), Some(unit), Some(blob)) = (record.id, unit, text("blob")) else { continue };
            let bound_to = [t.name.as_bytes(), b"\0", id.as_bytes()].concat();
            match self.blob(t, unit, blob, &bound_to).await {
                Ok(found) => {
                    self.seen.blobs += 1;
                    hits.extend(found.into_iter().map(|needle| Hit { needle, at: At::Blob(t, row(t, record)) }));
                }
                Err(error) if self.has_gone(t, id, blob).await? => {
                    tracing::debug!(table = t.name, row = %id, ?error, "a blob has gone meanwhile");
                }
                Err(error) => {
                    // A store that is away for a moment says nothing: the scan begins again.
                    match self.app.blobs.head(&blob.into()).await {
                        Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                        Err(away) => return Err(anyhow::anyhow!("blob {blob}: {away}").into()),
                    }
                    tracing::error!(table = t.name, row = %id, cause = ?error, "a blob does not open");
                    self.seen.unreadable += 1;
                }
            }
        }
        let last = rows.last().and_then(|r| r.id).filter(|_| rows.len() == BLOBS);
        Ok((hits, last.map_or(Step::Blobs(at + 1, Uuid::nil()), |last| Step::Blobs(at, last))))
    }

    /// Whether a row has let its blob go, or it is still being received.
    async fn has_gone(&self, t: &'static Table, id: Uuid, blob: &str) -> Result<bool> {
        let columns: Vec<&Column> = ["id", "blob", "state"].into_iter().filter_map(|name| t.column(name)).collect();
        let rows = read::columns(self.app, t, &columns, "t.id = $1", vec![id.into()]).await?;
        let is_there = rows.iter().any(|row| {
            let text = |name| row.value(name).and_then(Json::as_str);
            text("blob") == Some(blob) && (t.name != "attachments" || text("state") == Some("AVAILABLE"))
        });
        Ok(!is_there)
    }

    async fn blob(&self, t: &Table, unit: UnitId, blob: &str, bound_to: &[u8]) -> Result<Vec<usize>> {
        let mut bytes = Box::pin(serve::opened(self.app, unit, blob, bound_to).await?);
        let (mut window, mut mail) = (Window::default(), (t.name == "inbound_mails").then(Vec::new));
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(|e| anyhow::anyhow!("blob {blob}: {e}"))?;
            self.search.in_piece(&mut window, &piece);
            if let Some(mail) = &mut mail {
                mail.extend_from_slice(&piece);
            }
        }
        let Some(mail) = mail else { return Ok(window.found) };
        // Most mails are encoded, and then say nothing as they are.
        let search = Arc::clone(&self.search);
        let read = tokio::task::spawn_blocking(move || {
            inbound::said(&mail, |said| {
                window.begin_anew();
                said.chunks(PIECE).for_each(|piece| search.in_piece(&mut window, piece));
            });
            window.found
        });
        Ok(read.await.map_err(|e| anyhow::anyhow!("the scan died: {e}"))?)
    }

    async fn names(&self) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        let mut stored = self.app.blobs.list(None);
        while let Some(object) = stored.try_next().await.map_err(|e| anyhow::anyhow!("blobs: {e}"))? {
            let name = object.location.to_string();
            let found = self.search.in_text(&name, true);
            hits.extend(found.into_iter().map(|needle| Hit { needle, at: At::BlobName(name.clone()) }));
        }
        Ok(hits)
    }

    async fn files(&mut self, mut open: Vec<PathBuf>) -> Result<(Vec<Hit>, Step)> {
        let search = Arc::clone(&self.search);
        let live = Live::of(&[&self.app.config.database, &self.app.config.keystore]);
        let read = tokio::task::spawn_blocking(move || {
            let (mut hits, mut files, mut unreadable) = (Vec::new(), 0, 0);
            while files < FILES
                && let Some(path) = open.pop()
            {
                if path.is_dir() {
                    // The file system's own, on a volume of the data folder's.
                    if path.ends_with("lost+found") {
                        continue;
                    }
                    match inside(&path) {
                        Ok(entries) => open.extend(entries),
                        Err(error) => unreadable += cannot_be_read(&path, &error),
                    }
                    continue;
                }
                files += 1;
                let (found, read) = in_file(&search, &live, &path);
                unreadable += read.err().map_or(0, |error| cannot_be_read(&path, &error));
                hits.extend(found.into_iter().map(|needle| Hit { needle, at: At::File(path.display().to_string()) }));
            }
            (hits, files, unreadable, open)
        });
        let (hits, files, unreadable, open) = read.await.map_err(|e| anyhow::anyhow!("the scan died: {e}"))?;
        self.seen.files += files as u64;
        self.seen.unreadable += unreadable;
        Ok((hits, if open.is_empty() { Step::Ledger } else { Step::Files(open) }))
    }

    async fn ledger(&self) -> Result<Vec<Hit>> {
        let Ledger::Database(db) = &self.app.ledger else { return Ok(Vec::new()) };
        let (mut hits, mut after) = (Vec::new(), Uuid::nil());
        loop {
            let sql = format!("SELECT id, entry FROM ledger_entries WHERE id > $1 ORDER BY id LIMIT {ROWS}");
            let rows = crate::db::rows(db.read(), &sql, [after.into()]).await?;
            for row in &rows {
                after = row.try_get_by_index(0)?;
                let found = self.search.in_text(&row.try_get_by_index::<String>(1)?, true);
                hits.extend(found.into_iter().map(|needle| Hit { needle, at: At::Ledger }));
            }
            if rows.len() < ROWS {
                return Ok(hits);
            }
        }
    }
}

fn row(t: &Table, record: &Record) -> Row {
    Row {
        id: record.id,
        data_type: record.data_type(t),
        start: t.start.and_then(|s| record.value(s)).and_then(|v| serde_json::from_value(v.clone()).ok()),
    }
}

fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// What is found in a file and its name, and whether it could be read to its end.
fn in_file(search: &Search, live: &Live, path: &Path) -> (Vec<usize>, io::Result<()>) {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut found = search.in_text(&name, true);
    match live.open(path).and_then(|file| search.in_reader(file)) {
        Ok(bytes) => {
            let more: Vec<usize> = bytes.into_iter().filter(|needle| !found.contains(needle)).collect();
            found.extend(more);
            (found, Ok(()))
        }
        Err(error) => (found, Err(error)),
    }
}

/// Counts what nobody could look into. What has vanished meanwhile holds nothing.
fn cannot_be_read(path: &Path, error: &io::Error) -> u64 {
    if error.kind() == io::ErrorKind::NotFound {
        return 0;
    }
    tracing::error!(path = %path.display(), %error, "a scan cannot read this");
    1
}

/// The folders on this machine that hold data: all of the data folder, a ledger that lies elsewhere, and what a drill has left that
/// was killed.
fn folders(config: &Config) -> Vec<PathBuf> {
    let mut folders = drill::left();
    folders.push(config.data.clone());
    for place in [&config.ledger, &config.database, &config.keystore] {
        if let Place::File(path) = place
            && !path.starts_with(&config.data)
        {
            folders.push(path.clone());
        }
    }
    folders
}
