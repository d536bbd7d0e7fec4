//! The residual scan: looks for a text in everything that is stored, opened and plain.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use entity::DataType;
use entity::attachments::{Entity as Attachments, State};
use entity::ids::AttachmentId;
use entity::map::tables;
use futures::StreamExt as _;
use sea_orm::EntityTrait as _;
use serde::Serialize;

use crate::auth::{Actor, Permission};
use crate::config::Config;
use crate::db::Place;
use crate::error::Result;
use crate::evidence::serve;
use crate::retention::explain::explain;
use crate::retention::read;
use crate::state::App;

/// A place where the text was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `table.column`, `blob` or `file`.
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

/// Looks for `text`, without regard to case, in every column of every table (opened where sealed), in every blob
/// (opened), and as bytes in every file of the data folder.
///
/// # Errors
/// A store cannot be read.
pub async fn scan(app: &App, actor: &Actor, text: &str) -> Result<Vec<Finding>> {
    actor.require(Permission::ProtectData)?;
    let needle = text.to_lowercase();
    let mut found = Vec::new();
    for t in tables() {
        for row in read::records(app, t, "1 = 1", Vec::new()).await? {
            for (column, value) in &row.values {
                if value.as_str().is_some_and(|v| v.to_lowercase().contains(&needle)) {
                    found.push(finding(app, t, &row, column.name, column.meaning.sealed));
                }
            }
        }
    }
    found.extend(blobs(app, needle.as_bytes()).await?);
    let (folders, bytes) = (folders(&app.config), needle.as_bytes().to_vec());
    let files = tokio::task::spawn_blocking(move || files(&folders, &bytes));
    found.extend(files.await.map_err(|e| anyhow::anyhow!("the scan died: {e}"))??);
    Ok(found)
}

fn finding(app: &App, t: &entity::map::Table, row: &read::Record, column: &str, sealed: bool) -> Finding {
    let own = row.value("data_type").and_then(|v| serde_json::from_value(v.clone()).ok());
    let data_type = own.or_else(|| t.types.first().copied());
    let start = t.start.and_then(|s| row.value(s)).and_then(|v| serde_json::from_value(v.clone()).ok());
    let explained = data_type.and_then(|d| explain(app, d, start));
    Finding {
        place: format!("{}.{column}", t.name),
        at: row.id.map(|id| id.to_string()).unwrap_or_default(),
        sealed,
        data_type,
        kept_until: explained.as_ref().and_then(|e| e.ends_on),
        because: explained.as_ref().map(|e| e.rule.norm),
    }
}

async fn blobs(app: &App, needle: &[u8]) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for attachment in Attachments::find().all(app.db.read()).await? {
        if attachment.state != State::Available {
            continue;
        }
        let AttachmentId(id) = attachment.id;
        let mut bytes = Box::pin(serve::bytes(app, &attachment).await?);
        let mut window = Vec::new();
        while let Some(some) = bytes.next().await {
            window.extend_from_slice(&some.map_err(|e| anyhow::anyhow!("blob of {id}: {e}"))?);
            if contains(&window.to_ascii_lowercase(), needle) {
                let explained = explain(app, attachment.data_type, attachment.start_at);
                found.push(Finding {
                    place: "blob".to_owned(),
                    at: id.to_string(),
                    sealed: true,
                    data_type: Some(attachment.data_type),
                    kept_until: explained.as_ref().and_then(|e| e.ends_on),
                    because: explained.as_ref().map(|e| e.rule.norm),
                });
                break;
            }
            let keep = window.len().saturating_sub(needle.len());
            window.drain(..keep);
        }
    }
    Ok(found)
}

/// The folders on this machine that hold data: all of the data folder, and a ledger that lies elsewhere.
fn folders(config: &Config) -> Vec<PathBuf> {
    let mut folders = vec![config.data.clone()];
    if let Place::File(ledger) = &config.ledger
        && !ledger.starts_with(&config.data)
    {
        folders.push(ledger.clone());
    }
    folders
}

fn files(folders: &[PathBuf], needle: &[u8]) -> anyhow::Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else if holds(&path, needle) {
            found.push(Finding {
                place: "file".to_owned(),
                at: path.display().to_string(),
                sealed: false,
                data_type: None,
                kept_until: None,
                because: None,
            });
        }
    }
    Ok(found)
}

/// A file that vanishes while it is read holds nothing.
fn holds(path: &Path, needle: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|bytes| contains(&bytes.to_ascii_lowercase(), needle))
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && hay.windows(needle.len()).any(|w| w == needle)
}
