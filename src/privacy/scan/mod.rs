//! The residual scan: looks through everything that is stored, opened and plain; for a text on demand, and after each
//! erasure for the person.

pub mod identifiers;
pub mod residual;
mod search;
mod walk;

use chrono::NaiveDate;
use entity::DataType;
use serde::Serialize;

use crate::auth::{Actor, Permission};
use crate::error::Result;
use crate::retention::explain::explain;
use crate::state::App;
use search::{Needle, Search};
use walk::{At, Row, Walk};

/// A place where the text was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `table.column`, `blob`, `blob name`, `file` or `ledger`.
    pub place: String,
    /// The row, or the file.
    pub at: String,
    /// Whether it was sealed and had to be opened. Plain personal text is never right.
    pub sealed: bool,
    /// The data type of the row.
    pub data_type: Option<DataType>,
    /// The last day of keeping, for what is lawfully kept.
    pub kept_until: Option<NaiveDate>,
    /// The norm.
    pub because: Option<&'static str>,
}

/// What a scan for a text has found.
#[derive(Debug)]
pub struct Scanned {
    /// Where.
    pub findings: Vec<Finding>,
    /// How many blobs and files nobody could look into.
    pub unreadable: u64,
}

/// Looks for `text`, without regard to case, in every column of every table (opened where sealed), in every blob
/// (opened, mails also without their encodings) and its name, and as bytes in every file of the data folder and in its
/// name. What a scan that is still to follow an erasure will look for is not looked through: it lies sealed under a key of
/// its own.
///
/// # Errors
/// A store cannot be read.
pub async fn scan(app: &App, actor: &Actor, text: &str) -> Result<Scanned> {
    actor.require(Permission::ProtectData)?;
    if text.is_empty() {
        return Ok(Scanned { findings: Vec::new(), unreadable: 0 });
    }
    let search = Search::new(vec![Needle { text: text.to_owned(), whole: false, in_plain: true }])?;
    let (mut walk, mut findings) = (Walk::new(app, search), Vec::new());
    while let Some(hits) = walk.next().await? {
        findings.extend(hits.into_iter().map(|hit| finding(app, hit.at)));
    }
    Ok(Scanned { findings, unreadable: walk.seen.unreadable })
}

fn finding(app: &App, at: At) -> Finding {
    let (sealed, row) = match &at {
        At::Cell(_, column, row) => (column.meaning.sealed, Some(*row)),
        At::Blob(_, row) => (true, Some(*row)),
        At::BlobName(_) | At::File(_) | At::Ledger => (false, None),
    };
    let (place, at) = named(&at);
    let data_type = row.and_then(|r| r.data_type);
    let explained = data_type.and_then(|d| explain(app, d, row.and_then(|r| r.start)));
    Finding {
        place,
        at,
        sealed,
        data_type,
        kept_until: explained.as_ref().and_then(|e| e.ends_on),
        because: explained.as_ref().map(|e| e.rule.norm),
    }
}

/// A place and what is there, by name and id.
fn named(at: &At) -> (String, String) {
    let id = |row: &Row| row.id.map(|id| id.to_string()).unwrap_or_default();
    match at {
        At::Cell(t, column, row) => (format!("{}.{}", t.name, column.name), id(row)),
        At::Blob(_, row) => ("blob".to_owned(), id(row)),
        At::BlobName(name) => ("blob name".to_owned(), name.clone()),
        At::File(path) => ("file".to_owned(), path.clone()),
        At::Ledger => ("ledger".to_owned(), String::new()),
    }
}
