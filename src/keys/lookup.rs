//! Keyed blind indexes: an e-mail address, an order or tracking number leads to its row, and to nobody without the key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sea_orm::{DatabaseTransaction, Value};
use sha2::Sha256;
use uuid::Uuid;

use super::Keys;
use crate::db;
use crate::error::Result;

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// E-mail address to customer.
    Email,
    /// Order number to order.
    OrderNumber,
    /// Carrier and tracking number to parcel.
    TrackingNumber,
}

impl Kind {
    const fn code(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::OrderNumber => "ORDER_NUMBER",
            Self::TrackingNumber => "TRACKING_NUMBER",
        }
    }
}

/// An entry to be written.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What it is.
    pub kind: Kind,
    /// The text, as given.
    pub text: &'a str,
    /// The row that it leads to.
    pub target: Uuid,
    /// The person. An entry lives as long as any unit of the person: a voucher that outlives the contact record is found.
    pub subject: Uuid,
}

impl Keys {
    /// A keyed hash for a named purpose. Two purposes never give the same hash.
    #[must_use]
    pub fn keyed_hash(&self, purpose: &str, bytes: &[u8]) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.index.as_slice()) else { return Vec::new() };
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(bytes);
        mac.finalize().into_bytes()[..16].to_vec()
    }

    /// The blind index of a text: case and outer white space do not count.
    #[must_use]
    pub fn blind_index(&self, kind: Kind, text: &str) -> Vec<u8> {
        self.keyed_hash(kind.code(), text.trim().to_lowercase().as_bytes())
    }

    /// The row that a text leads to.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn look_up(&self, kind: Kind, text: &str) -> Result<Option<Uuid>> {
        let sql = "SELECT target_id FROM lookups WHERE hash = $1";
        let rows = db::rows(self.db.read(), sql, [self.blind_index(kind, text).into()]).await?;
        rows.first().map(|r| Ok(r.try_get_by_index(0)?)).transpose()
    }

    /// Writes an entry; `false` where the text already leads to a row.
    ///
    /// # Errors
    /// The key store cannot be written.
    pub async fn remember(&self, entry: Entry<'_>) -> Result<bool> {
        let sql = "INSERT INTO lookups (hash, kind, target_id, subject_id) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (hash) DO NOTHING";
        let hash = self.blind_index(entry.kind, entry.text);
        let values = [hash.into(), entry.kind.code().into(), entry.target.into(), entry.subject.into()];
        Ok(db::run(self.db.write(), sql, values).await? == 1)
    }

    /// Writes an entry in the place of an older one: carriers give their numbers again.
    ///
    /// # Errors
    /// The key store cannot be written.
    pub async fn point(&self, entry: Entry<'_>) -> Result<()> {
        let sql = "INSERT INTO lookups (hash, kind, target_id, subject_id) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) \
                   DO UPDATE SET target_id = excluded.target_id, subject_id = excluded.subject_id";
        let hash = self.blind_index(entry.kind, entry.text);
        let values = [hash.into(), entry.kind.code().into(), entry.target.into(), entry.subject.into()];
        db::run(self.db.write(), sql, values).await?;
        Ok(())
    }

    /// The hashes that lead to a row: what a suppression remembers of it.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn hashes_of(&self, targets: &[Uuid]) -> Result<Vec<Vec<u8>>> {
        let is_any = db::is_any(self.db.backend(), "target_id", 1);
        let sql = format!("SELECT hash FROM lookups WHERE {is_any}");
        let rows = db::rows(self.db.read(), &sql, [db::id_list(self.db.backend(), targets.iter().copied())]).await?;
        rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
    }
}

impl Keys {
    /// The hashes of one kind that lead to a row.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn hashes_to(&self, kind: Kind, target: Uuid) -> Result<Vec<Vec<u8>>> {
        let sql = "SELECT hash FROM lookups WHERE target_id = $1 AND kind = $2";
        let rows = db::rows(self.db.read(), sql, [target.into(), kind.code().into()]).await?;
        rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
    }
}

/// Deletes every entry of the persons whose last units are about to be deleted: `dying` selects those as `u`.
pub(super) async fn forget_persons_without_units(
    tx: &DatabaseTransaction,
    dying: &str,
    list: [Value; 1],
) -> Result<()> {
    let sql = format!(
        "DELETE FROM lookups WHERE subject_id IN (SELECT u.subject_id FROM units u WHERE {dying}) \
         AND NOT EXISTS (SELECT 1 FROM units u WHERE u.subject_id = lookups.subject_id AND NOT ({dying}))"
    );
    db::run(tx, &sql, list).await?;
    Ok(())
}
