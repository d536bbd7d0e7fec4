//! The erasure ledger: what was about to go and what went, by opaque ids only, outside every backup of the data.
//!
//! INTENT before a removal, SETTLED or VOID after it. A restore replays it, so that nothing comes back (R34).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Datelike as _, Utc};
use entity::ids::{UnitId, uuid_at};
use serde_json::json;
use uuid::Uuid;

use crate::db::{self, Db, Place};
use crate::error::Result;
use crate::policy::calendar;
use crate::policy::retention::Rule;

/// Where the ledger is kept.
#[derive(Debug)]
pub enum Ledger {
    /// One file of JSON lines per calendar year (Berlin), so that it expires by whole files.
    Folder(PathBuf),
    /// One table of a PostgreSQL database of its own.
    Database(Db),
}

impl Ledger {
    /// Opens or makes it.
    ///
    /// # Errors
    /// The folder cannot be made or the database cannot be reached.
    pub async fn open(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::File(folder) => {
                let cannot = || format!("cannot make the ledger folder {}", folder.display());
                std::fs::create_dir_all(folder).with_context(cannot)?;
                Ok(Self::Folder(folder.clone()))
            }
            Place::Postgres(_) => {
                let db = Db::open(place).await?;
                // Entries of one instant have no order but that of their writing.
                let sql = "CREATE TABLE IF NOT EXISTS ledger_entries \
                           (id uuid PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE, \
                           at timestamptz NOT NULL, entry text NOT NULL)";
                db::run(db.write(), sql, []).await?;
                Ok(Self::Database(db))
            }
        }
    }

    /// Says what is about to go. Returns the name of the intent.
    ///
    /// # Errors
    /// The ledger cannot be written: then nothing may go.
    pub async fn intent(&self, now: DateTime<Utc>, ground: &str, table: &str, ids: &[Uuid]) -> Result<Uuid> {
        let intent = uuid_at(now);
        let entry =
            json!({ "event": "INTENT", "intent": intent, "at": now, "ground": ground, "table": table, "rows": ids });
        self.append(now, &entry).await?;
        Ok(intent)
    }

    /// Says what has gone, with the erasure units whose keys go with it.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn settled(&self, now: DateTime<Utc>, intent: Uuid, rows: &[Uuid], units: &[UnitId]) -> Result<()> {
        let entry = json!({ "event": "SETTLED", "intent": intent, "at": now, "rows": rows, "units": units });
        self.append(now, &entry).await
    }

    /// Says that nothing of it has gone.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn void(&self, now: DateTime<Utc>, intent: Uuid) -> Result<()> {
        self.append(now, &json!({ "event": "VOID", "intent": intent, "at": now })).await
    }

    async fn append(&self, now: DateTime<Utc>, entry: &serde_json::Value) -> Result<()> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(file_name(calendar::day_of(now).year()));
                let line = format!("{entry}\n");
                tokio::task::spawn_blocking(move || append_line(&path, &line))
                    .await
                    .context("the ledger's writer died")??;
            }
            Self::Database(db) => {
                let sql = "INSERT INTO ledger_entries (id, at, entry) VALUES ($1, $2, $3)";
                db::run(db.write(), sql, [uuid_at(now).into(), now.into(), entry.to_string().into()]).await?;
            }
        }
        Ok(())
    }

    /// Every entry, oldest first.
    ///
    /// # Errors
    /// The ledger cannot be read, or a line is damaged.
    pub async fn entries(&self) -> Result<Vec<serde_json::Value>> {
        let lines = match self {
            Self::Folder(folder) => {
                let mut lines = Vec::new();
                for (_, path) in files(folder)? {
                    let text =
                        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                    lines.extend(text.lines().map(str::to_owned));
                }
                lines
            }
            Self::Database(db) => {
                let rows = db::rows(db.read(), "SELECT entry FROM ledger_entries ORDER BY seq", []).await?;
                rows.iter().map(|r| r.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?
            }
        };
        let parsed = lines.iter().map(|l| serde_json::from_str(l).context("a line of the ledger is damaged"));
        Ok(parsed.collect::<anyhow::Result<_>>()?)
    }

    /// Removes what is itself past its period; returns how many files or entries went.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn expire(&self, rule: &Rule, now: DateTime<Utc>) -> Result<u64> {
        match self {
            Self::Folder(folder) => {
                let mut removed = 0;
                for (year, path) in files(folder)? {
                    let last = chrono::NaiveDate::from_ymd_opt(year, 12, 31).map(calendar::start_of);
                    if last.is_some_and(|last| rule.is_over(last, now)) {
                        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                        removed += 1;
                    }
                }
                Ok(removed)
            }
            Self::Database(db) => {
                let year = calendar::start_of(calendar::year_end(calendar::day_of(rule.started_before(now))));
                let rows =
                    db::rows(db.read(), "SELECT id, at FROM ledger_entries WHERE at < $1", [year.into()]).await?;
                let mut due = Vec::new();
                for row in rows {
                    if rule.is_over(row.try_get_by_index(1)?, now) {
                        due.push(row.try_get_by_index::<Uuid>(0)?);
                    }
                }
                let any = db::is_any(db.backend(), "id", 1);
                let sql = format!("DELETE FROM ledger_entries WHERE {any}");
                Ok(db::run(db.write(), &sql, [db::id_list(due)]).await?)
            }
        }
    }
}

fn file_name(year: i32) -> String {
    format!("ledger-{year}.jsonl")
}

fn files(folder: &Path) -> anyhow::Result<Vec<(i32, PathBuf)>> {
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

/// One write of one line, under a lock that other processes respect, on disk when it returns.
fn append_line(path: &Path, line: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write the erasure ledger {}", path.display());
    let is_new = !path.exists();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).with_context(cannot)?;
    file.lock().with_context(cannot)?;
    file.write_all(line.as_bytes()).with_context(cannot)?;
    file.sync_data().with_context(cannot)?;
    if let (true, Some(folder)) = (is_new, path.parent()) {
        // A new name is on disk only when its folder is.
        std::fs::File::open(folder).and_then(|f| f.sync_all()).with_context(cannot)?;
    }
    Ok(())
}
