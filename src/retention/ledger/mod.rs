//! The erasure ledger: what was about to go and what went, by opaque ids only, outside every backup of the data.
//!
//! INTENT before a removal, SETTLED or VOID after it. PROTECTION for holds and restrictions and ASKED for erasures, so
//! that none is lost. A restore replays it, so that nothing comes back (R34). Each entry carries a hash over itself and the one before, so that a restore
//! notices a ledger that is older, foreign or damaged.

mod chain;
mod database;
mod entry;
mod folder;
pub mod known;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use entity::ids::{CustomerId, ErasureId, UnitId, uuid_at};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Db, Place};
use crate::error::{Error, Result};
use crate::policy::retention::Rule;
pub use entry::{Entry, Protection, Rows, Telling, Why};

/// Where the ledger is kept.
#[derive(Debug)]
pub enum Ledger {
    /// One file of JSON lines per calendar year (Berlin), so that it expires by whole files.
    Folder(PathBuf),
    /// One table of a PostgreSQL database of its own.
    Database(Db),
}

/// How far a ledger had got at some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    /// Which ledger it is; none once its first entry is past its own period.
    pub ledger: Option<Uuid>,
    /// How many entries there were.
    pub entries: u64,
    /// SHA-256 over the latest entry and, through it, all before.
    pub chain: String,
}

/// How an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Append {
    /// On disk when it returns.
    Durably,
    /// On disk with the next one.
    Soon,
    /// As [`Append::Durably`], but only into an empty ledger.
    First,
}

impl Ledger {
    /// Opens it, or makes it and gives it an identity.
    ///
    /// # Errors
    /// The folder cannot be made or the database cannot be reached.
    pub async fn open(place: &Place, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let ledger = match place {
            Place::File(folder) => {
                let cannot = || format!("cannot make the ledger folder {}", folder.display());
                std::fs::create_dir_all(folder).with_context(cannot)?;
                Self::Folder(folder.clone())
            }
            Place::Postgres(_) => {
                let db = Db::open(place).await?;
                database::make(&db).await?;
                Self::Database(db)
            }
        };
        ledger
            .append(now, &Entry::Opened { ledger: uuid_at(now), at: now }, Append::First)
            .await
            .map_err(Error::cause)?;
        Ok(ledger)
    }

    /// Opens one that has to be there already; makes and writes nothing.
    ///
    /// # Errors
    /// There is none, or the database cannot be reached.
    pub async fn find(place: &Place) -> anyhow::Result<Self> {
        match place {
            Place::File(path) => {
                if folder::files(path).map_or(true, |files| files.is_empty()) {
                    bail!("the erasure ledger is missing: there is none in {}", path.display());
                }
                Ok(Self::Folder(path.clone()))
            }
            Place::Postgres(_) => {
                let db = Db::open(place).await?;
                if !database::is_there(db.read()).await? {
                    db.close().await;
                    bail!("the erasure ledger is missing: the database of LEDGER_URL has none");
                }
                Ok(Self::Database(db))
            }
        }
    }

    /// Says what is about to go, and is on disk when it returns. `suppressed` are keyed hashes. Returns the name of the
    /// intent.
    ///
    /// # Errors
    /// The ledger cannot be written: then nothing may go.
    pub async fn intent(
        &self,
        now: DateTime<Utc>,
        ground: &str,
        rows: Vec<Rows>,
        suppressed: &[Vec<u8>],
    ) -> Result<Uuid> {
        let (intent, ground) = (uuid_at(now), ground.to_owned());
        let suppressed = suppressed.iter().map(|hash| chain::hex(hash)).collect();
        self.append(now, &Entry::Intent { intent, at: now, ground, rows, suppressed }, Append::Durably).await?;
        Ok(intent)
    }

    /// Says that all of an intent has gone, with the erasure units whose keys go with it. It reaches the disk with the
    /// next entry, or by [`Ledger::sync`]: an intent whose end is lost is checked again by a restore.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn settled(&self, now: DateTime<Utc>, intent: Uuid, units: &[UnitId]) -> Result<()> {
        self.append(now, &Entry::Settled { intent, at: now, units: units.to_vec() }, Append::Soon).await
    }

    /// Says that nothing of it has gone.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn void(&self, now: DateTime<Utc>, intent: Uuid) -> Result<()> {
        self.append(now, &Entry::Void { intent, at: now }, Append::Soon).await
    }

    /// Says how a hold or a restriction stands from now on, and is on disk when it returns.
    ///
    /// # Errors
    /// The ledger cannot be written: then nothing may be placed.
    pub async fn protection(&self, now: DateTime<Utc>, protection: Protection) -> Result<()> {
        self.append(now, &Entry::Protection { at: now, protection }, Append::Durably).await
    }

    /// Says that a person is to be erased, and is on disk when it returns.
    ///
    /// # Errors
    /// The ledger cannot be written: a restore would not know of it.
    pub async fn asked(&self, now: DateTime<Utc>, erasure: ErasureId, customer: CustomerId) -> Result<()> {
        self.append(now, &Entry::Asked { at: now, erasure, customer }, Append::Durably).await
    }

    /// Brings to the disk what has been written so far.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn sync(&self) -> Result<()> {
        match self {
            Self::Folder(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || folder::sync_newest(&path)).await.context("a sync died")??;
            }
            Self::Database(db) => database::sync(db).await?,
        }
        Ok(())
    }

    /// Says that a backup is being put back: what came after it is lost, but for what stands here.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn restoring(&self, now: DateTime<Utc>, backup: Uuid) -> Result<()> {
        self.append(now, &Entry::Restoring { at: now, backup }, Append::Durably).await
    }

    async fn append(&self, now: DateTime<Utc>, entry: &Entry, how: Append) -> Result<()> {
        let body = serde_json::to_string(entry).context("an entry of the ledger")?;
        match self {
            Self::Folder(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || folder::append(&path, now, &body, how))
                    .await
                    .context("the ledger's writer died")??;
            }
            Self::Database(db) => database::append(db, now, &body, how).await?,
        }
        Ok(())
    }

    /// Every entry, oldest first.
    ///
    /// # Errors
    /// The ledger cannot be read, or a line is damaged.
    pub async fn entries(&self) -> Result<Vec<serde_json::Value>> {
        let mut entries = Vec::new();
        self.walk(|body, _| {
            entries.push(serde_json::from_str(body)?);
            Ok(())
        })
        .await?;
        Ok(entries)
    }

    /// The hash of the latest entry; none: it is empty.
    ///
    /// # Errors
    /// The ledger cannot be read, or its end is damaged.
    pub async fn latest(&self) -> Result<Option<String>> {
        match self {
            Self::Folder(path) => {
                let path = path.clone();
                Ok(tokio::task::spawn_blocking(move || folder::latest(&path)).await.context("a reader died")??)
            }
            Self::Database(db) => database::latest(db.read()).await,
        }
    }

    /// Whether a line has this hash, looked for from the end. Nothing else is checked.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn has(&self, chain: &str) -> Result<bool> {
        match self {
            Self::Folder(path) => {
                let (path, chain) = (path.clone(), chain.to_owned());
                Ok(tokio::task::spawn_blocking(move || folder::has(&path, &chain)).await.context("a reader died")??)
            }
            Self::Database(db) => database::has(db, chain).await,
        }
    }

    /// How far it has got.
    ///
    /// # Errors
    /// The ledger cannot be read, a line is damaged, or the chain is broken.
    pub async fn head(&self) -> Result<Option<Head>> {
        let mut head: Option<Head> = None;
        self.walk(|body, chain| {
            let before = head.take();
            let ledger = match &before {
                None => entry::identity(body)?,
                Some(before) => before.ledger,
            };
            let entries = before.map_or(0, |b| b.entries) + 1;
            head = Some(Head { ledger, entries, chain: chain.to_owned() });
            Ok(())
        })
        .await?;
        Ok(head)
    }

    /// What was written since an instant, and whether the ledger has ever been at `head`.
    ///
    /// # Errors
    /// The ledger cannot be read, a line is damaged, or the chain is broken.
    pub async fn since(&self, instant: DateTime<Utc>, head: &Head) -> Result<(Vec<Entry>, Reached)> {
        let (mut entries, mut reached, mut first) = (Vec::new(), Reached::Older, None);
        self.walk(|body, chain| {
            if first.is_none() {
                first = Some(entry::identity(body)?);
            }
            if chain == head.chain {
                reached = Reached::Yes;
            }
            let entry: Entry = serde_json::from_str(body)?;
            if entry.at() >= instant {
                entries.push(entry);
            }
            Ok(())
        })
        .await?;
        if let (Reached::Older, Some(Some(found)), Some(meant)) = (reached, first, head.ledger)
            && found != meant
        {
            reached = Reached::Foreign;
        }
        Ok((entries, reached))
    }

    /// Every line's text and hash, oldest first, as far as the chain holds.
    async fn walk(&self, mut each: impl FnMut(&str, &str) -> anyhow::Result<()>) -> Result<()> {
        let mut chain = chain::Walk::default();
        match self {
            Self::Folder(path) => folder::lines(path, |line| chain.step(line, &mut each))?,
            Self::Database(db) => database::lines(db, |line| chain.step(line, &mut each)).await?,
        }
        Ok(())
    }

    /// Writes the whole ledger into a folder: a drill works on a copy.
    ///
    /// # Errors
    /// The ledger cannot be read, or the folder cannot be written.
    pub async fn copy_to(&self, folder: &std::path::Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut lines: Vec<(DateTime<Utc>, String)> = Vec::new();
        self.walk(|body, chain| {
            let entry: Entry = serde_json::from_str(body)?;
            lines.push((entry.at(), chain::join(body, chain)));
            Ok(())
        })
        .await?;
        folder::write(folder, &lines)?;
        Ok(Self::Folder(folder.to_owned()))
    }

    /// Goes on under a new name where all of it is past its period: an empty ledger is one that is missing.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn renew(&self, rule: &Rule, now: DateTime<Utc>) -> Result<()> {
        let is_over = match self {
            Self::Folder(path) => folder::is_over(path, rule, now)?,
            Self::Database(db) => database::is_over(db, rule, now).await?,
        };
        if is_over {
            self.append(now, &Entry::Opened { ledger: uuid_at(now), at: now }, Append::Durably).await?;
        }
        Ok(())
    }

    /// Removes what is itself past its period, from the front; returns how many files or entries went.
    ///
    /// No hold is lost by that, however long it stands: a restore takes only a backup whose head the ledger still has, and so
    /// everything that was written after it. What is older than the head is in the backup.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn expire(&self, rule: &Rule, now: DateTime<Utc>) -> Result<u64> {
        match self {
            Self::Folder(path) => Ok(folder::expire(path, rule, now)?),
            Self::Database(db) => database::expire(db, rule, now).await,
        }
    }

    /// Closes its connections.
    pub async fn close(self) {
        if let Self::Database(db) = self {
            db.close().await;
        }
    }
}

/// Whether a ledger has been where a backup saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It has, and it may have gone on since.
    Yes,
    /// It has not got there: it is older than the backup, or its end is lost.
    Older,
    /// It is another installation's.
    Foreign,
}
