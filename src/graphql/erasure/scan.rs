//! What the scan after an erasure has found.

use async_graphql::{Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::graphql::codes::ErasureScanState;
use crate::privacy::scan::residual;

/// What was found of the person in everything that is stored, after the erasure.
pub struct ErasureScan {
    pub(super) state: ErasureScanState,
    pub(super) found: Option<residual::Found>,
}

/// Where something was found.
#[derive(SimpleObject)]
pub struct ScanFinding {
    /// `FAILURE`, or `MENTION` in a record of somebody else.
    what: String,
    /// `table.column`, `blob`, `blob name`, `file` or `ledger`.
    place: String,
    /// The row id; null for files.
    row_id: Option<String>,
    /// Whether it was sealed.
    sealed: bool,
    /// What was found: `EMAIL`, `NAME`, `PHONE`, `ADDRESS` or `NUMBER`.
    kind: &'static str,
}

#[Object]
impl ErasureScan {
    /// Where it stands. What follows is of the last scan that ended.
    async fn state(&self) -> ErasureScanState {
        self.state
    }

    /// When it ended, UTC.
    async fn scanned_at(&self) -> Option<DateTime<Utc>> {
        self.found.as_ref().map(|f| f.scanned_at)
    }

    /// How many identifiers were looked for.
    async fn looked_for(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.looked_for.values().sum()))
    }

    /// Rows that were read.
    async fn rows(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.rows))
    }

    /// Blobs that were opened.
    async fn blobs(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.blobs))
    }

    /// Blobs that did not open, and files that could not be read: with any, the scan has failed.
    async fn unreadable(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.unreadable))
    }

    /// Files that were read.
    async fn files(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.files))
    }

    /// Found in records that are kept, deferred or held, or that came with new business.
    async fn lawful(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.lawful))
    }

    /// Found in records of others: a person has to look.
    async fn mentions(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.mentions))
    }

    /// Found where it had to be gone, or in plain.
    async fn failures(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.failures))
    }

    /// The failures and mentions, at most 100.
    async fn findings(&self) -> Vec<ScanFinding> {
        let finding = |p: &residual::Place| ScanFinding {
            what: p.what.clone(),
            place: p.place.clone(),
            row_id: p.row.map(|id| id.to_string()),
            sealed: p.sealed,
            kind: p.kind.code(),
        };
        self.found.iter().flat_map(|f| &f.findings).map(finding).collect()
    }
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
