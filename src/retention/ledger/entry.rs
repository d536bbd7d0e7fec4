//! What an entry of the ledger says: opaque ids, codes, instants, and keyed hashes.

use chrono::{DateTime, Utc};
use entity::ids::UnitId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
        /// Their table.
        table: String,
        /// Their ids.
        rows: Vec<Uuid>,
    },
    /// What of an intent has gone.
    Settled {
        /// Name of the intent.
        intent: Uuid,
        /// When.
        at: DateTime<Utc>,
        /// Ids of the rows.
        rows: Vec<Uuid>,
        /// Erasure units whose keys go with them.
        units: Vec<UnitId>,
        /// Keyed hashes that suppress what the shop sends again, in hexadecimal digits.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        suppressed: Vec<String>,
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
