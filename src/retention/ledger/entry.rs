//! What an entry of the ledger says: opaque ids, codes, instants, and keyed hashes.

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{CustomerId, ErasureId, MailId, StaffId, UnitId};
use entity::{holds, restrictions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::retention::holds::Scope;

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Its name.
    pub table: String,
    /// Their ids.
    pub ids: Vec<Uuid>,
}

/// What a protection is, and why it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Why {
    /// A legal hold.
    Hold(holds::Reason),
    /// A restriction of processing.
    Restriction(restrictions::Ground),
}

/// How a person was told that a restriction will be lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// How.
    pub by: restrictions::Told,
    /// When; none of a mail before the lifting: its own state tells.
    pub at: Option<DateTime<Utc>>,
    /// The mail that told it last.
    pub mail: Option<MailId>,
    /// The day of which the person was told: not lifted before.
    pub lift_on: Option<NaiveDate>,
}

/// A hold or a restriction as it stands: all of its row but the note, which is content. Each entry says all of it, so that
/// the latest one is enough, whatever became of those before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Its id.
    pub id: Uuid,
    /// What it is, and why.
    pub why: Why,
    /// What it covers.
    pub on: Scope,
    /// Since when.
    pub placed_at: DateTime<Utc>,
    /// Who placed it.
    pub placed_by: Option<StaffId>,
    /// The day by which it is reviewed.
    pub review_on: NaiveDate,
    /// How the person was told that a restriction will be lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Telling>,
    /// When it was released or lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Who did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<StaffId>,
}

impl Protection {
    /// One that is placed now.
    #[must_use]
    pub const fn placed(
        id: Uuid,
        why: Why,
        on: Scope,
        placed_by: Option<StaffId>,
        placed_at: DateTime<Utc>,
        review_on: NaiveDate,
    ) -> Self {
        Self { id, why, on, placed_at, placed_by, review_on, told: None, ended_at: None, ended_by: None }
    }
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
    /// A hold or a restriction was placed, reviewed, told of or ended.
    Protection {
        /// When it was written.
        at: DateTime<Utc>,
        /// How it stands since.
        protection: Protection,
    },
    /// A person is to be erased. What goes has intents of its own, which do not name the person.
    Asked {
        /// When it was written.
        at: DateTime<Utc>,
        /// The erasure; its id carries the moment of the decision.
        erasure: ErasureId,
        /// The person.
        customer: CustomerId,
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
            | Self::Protection { at, .. }
            | Self::Asked { at, .. }
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

#[cfg(test)]
mod tests {
    use entity::DataType;

    use super::*;

    /// The form on disk: ten years of ledgers have it.
    #[test]
    fn a_protection_says_codes_and_no_content() {
        let at = "2026-11-29T10:00:00Z".parse().unwrap();
        let review_on = "2027-05-29".parse().unwrap();
        let (why, on) = (Why::Hold(holds::Reason::TaxAudit), Scope::Records(DataType::R01, 2024));
        let mut protection = Protection::placed(Uuid::nil(), why, on, None, at, review_on);
        let text = |protection: &Protection| {
            serde_json::to_string(&Entry::Protection { at, protection: protection.clone() }).unwrap()
        };
        let placed = r#"{"event":"PROTECTION","at":"2026-11-29T10:00:00Z","protection":{"id":"00000000-0000-0000-0000-000000000000","why":{"HOLD":"TAX_AUDIT"},"on":{"RECORDS":["R01",2024]},"placed_at":"2026-11-29T10:00:00Z","placed_by":null,"review_on":"2027-05-29"}}"#;
        assert_eq!(text(&protection), placed);
        protection.ended_at = Some(at);
        let by = restrictions::Told::Email;
        protection.told = Some(Telling { by, at: None, mail: Some(MailId::new(at)), lift_on: Some(review_on) });
        let Entry::Protection { protection: read, .. } = serde_json::from_str(&text(&protection)).unwrap() else {
            panic!("another entry")
        };
        assert_eq!(read, protection);
    }
}
