//! Nothing is done twice: key, keyed hash of the input and the ids of the result are stored with the effect.
//!
//! A replay resolves again from the ids; a refused input rolls back and burns no key; the same key with another input
//! is refused. Keys of two actors or two mutations never meet.

use chrono::{DateTime, Utc};
use entity::idempotency_keys::{self as table, Entity};
use entity::ids::EntryId;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbBackend,
    EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use uuid::Uuid;

use crate::auth::{Actor, Guest, Scope};
use crate::base32;
use crate::cards;
use crate::db;
use crate::error::{Code, Refusal, Result};
use crate::input;
use crate::state::App;

/// One execution of a mutation under its key.
pub struct Claim {
    row: table::ActiveModel,
}

/// Either the first time, or the ids of what the first time made.
pub enum Outcome {
    /// Go on, and store the ids with [`Claim::done`].
    First(Box<Claim>),
    /// It has been done.
    Replay(Vec<Uuid>),
}

/// Looks the key up inside the transaction of the effect. `request` is everything but the key.
///
/// # Errors
/// The key is empty or too long, or was used with another input.
pub async fn claim(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: &'static str,
    key: &str,
    request: &impl Serialize,
) -> Result<Outcome> {
    const FIELD: &[&str] = &["input", "idempotencyKey"];
    input::identifier(key, FIELD, 200)?;
    let key_hash = app.keys.keyed_hash("idempotency key", key.as_bytes());
    let request = serde_json::to_string(request).map_err(|e| anyhow::anyhow!("input does not serialise: {e}"))?;
    // A card number is not even hashed: knowing the rest of the text, one could try them all.
    let request_hash = app.keys.keyed_hash("idempotent request", cards::mask(&request).as_bytes());
    let who = match actor {
        // Two who are not signed in are two: another input is another caller, and no key of a stranger stands in the way.
        Actor::Anonymous => format!("ANONYMOUS:{}", base32::encode(&request_hash)),
        Actor::Guest(Guest { scope: Scope::Order(id), .. }) => format!("GUEST:{id}"),
        Actor::Guest(Guest { scope: Scope::Case(id), .. }) => format!("GUEST:{id}"),
        other => format!("{}:{}", other.kind().code(), other.id().map(|id| id.to_string()).unwrap_or_default()),
    };
    if tx.get_database_backend() == DbBackend::Postgres {
        // Two requests with one key at the same moment: the second waits, and then replays.
        let lock = key_hash.iter().take(8).fold(0_i64, |n, byte| (n << 8) | i64::from(*byte));
        db::rows(tx, "SELECT pg_advisory_xact_lock($1)", [lock.into()]).await?;
    }
    let found = Entity::find()
        .filter(table::Column::Actor.eq(&who))
        .filter(table::Column::Operation.eq(operation))
        .filter(table::Column::KeyHash.eq(key_hash.clone()))
        .one(tx)
        .await?;
    if let Some(row) = found {
        if row.request_hash != request_hash {
            return Err(Refusal::at(Code::IdempotencyMismatch, FIELD).into());
        }
        let ids = serde_json::from_str(&row.results).map_err(|e| anyhow::anyhow!("stored ids: {e}"))?;
        return Ok(Outcome::Replay(ids));
    }
    Ok(Outcome::First(Box::new(Claim {
        row: table::ActiveModel {
            actor: Set(who),
            operation: Set(operation.to_owned()),
            key_hash: Set(key_hash),
            request_hash: Set(request_hash),
            customer_id: Set(actor.customer()),
            ..Default::default()
        },
    })))
}

impl Claim {
    /// Stores the ids of the result. `whose` is the customer concerned, so that an erasure finds the record.
    ///
    /// # Errors
    /// The row cannot be written: the same key is being executed elsewhere at this moment.
    pub async fn done(
        mut self,
        tx: &DatabaseTransaction,
        now: DateTime<Utc>,
        ids: &[Uuid],
        whose: Option<entity::ids::CustomerId>,
    ) -> Result<()> {
        self.row.id = Set(EntryId::new(now));
        self.row.results = Set(serde_json::json!(ids).to_string());
        self.row.created_at = Set(now);
        if whose.is_some() {
            self.row.customer_id = Set(whose);
        }
        self.row.insert(tx).await?;
        Ok(())
    }
}
