//! What an entry of the ledger says: opaque ids, codes, instants, and keyed hashes.

use chrono::{DateTime, Utc};
use entity::ids::UnitId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Its name.
    pub table: String,
    /// Their ids.
    pub ids: Vec<Uuid>,
}

/// An entry. Instants are UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Entry {
    /// The ledger was begun.
    Opened {
        /// Which ledger it is.
        ledger: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Rows are about to go.
    Intent {
        /// Name of the intent.
        intent: Uuid,
        /// When.
        at: DateTime<Utc>,
        /// Why, as the door's ground names itself.
        ground: String,
        /// Which, in the order in which they go.
        rows: Vec<Rows>,
        /// Keyed hashes that suppress what the shop sends again, in hexadecimal digits: with the rows gone, a restore could
        /// no longer reckon them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        suppressed: Vec<String>,
    },
    /// All rows of an intent have gone.
    Settled {
        /// Name of the intent.
        intent: Uuid,
        /// When.
        at: DateTime<Utc>,
        /// Erasure units whose keys go with them.
        units: Vec<UnitId>,
    },
    /// Nothing of an intent has gone.
    Void {
        /// Name of the intent.
        intent: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// A backup is being put back.
    Restoring {
        /// When.
        at: DateTime<Utc>,
        /// Which backup.
        backup: Uuid,
    },
}

impl Entry {
    /// When it was written.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Opened { at, .. }
            | Self::Intent { at, .. }
            | Self::Settled { at, .. }
            | Self::Void { at, .. }
            | Self::Restoring { at, .. } => *at,
        }
    }
}

/// Which ledger it is, if this is its first entry.
pub(super) fn identity(body: &str) -> anyhow::Result<Option<Uuid>> {
    Ok(match serde_json::from_str(body)? {
        Entry::Opened { ledger, .. } => Some(ledger),
        _ => None,
    })
}
