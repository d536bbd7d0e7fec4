//! What was done about an entry, and when the authority was told. Nothing else of it ever changes.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::SafetyEntryId;
use entity::safety_entries::{ActiveModel, Harm, Model};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde::Serialize;
use serde_json::json;

use super::place;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::UnitOf;
use crate::state::App;
use crate::{audit, db, input};

const ENTRY: &[&str] = &["input", "safetyEntryId"];

/// What became known of an entry; what is left out stays as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// What was done, in words: all of it, in place of what was written before.
    pub measures: Option<String>,
    /// What happened to people, if that is known better now.
    pub harm: Option<Harm>,
    /// When the authority was told.
    pub reported_at: Option<DateTime<Utc>>,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Adds to an entry.
///
/// # Errors
/// Refused: an unknown entry, nothing to add, a report from the future or from before the entry, another version.
pub async fn update(app: &App, actor: &Actor, id: SafetyEntryId, change: Change, key: &str) -> Result<Model> {
    actor.require(Permission::KeepSafety)?;
    let now = app.clock.now();
    let measures = input::optional(change.measures.as_deref(), &["input", "measures"], input::LONG_TEXT)?;
    if measures.is_none() && change.harm.is_none() && change.reported_at.is_none() {
        return Err(Refusal::at(Code::Required, &["input", "measures"]).into());
    }
    let unknown = |error| match error {
        Error::NotFound => Refusal::at(Code::NotFound, ENTRY).into(),
        other => other,
    };
    let seen = super::get(app.db.read(), actor, id).await.map_err(unknown)?;
    let subject = seen.customer_id.map(|c| c.0);

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "safetyEntryUpdate", key, &(id, &change)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    if let Some(customer) = seen.customer_id {
        db::lock(&tx, "customers", customer.0).await?;
    }
    db::lock(&tx, "safety_entries", id.0).await?;
    let row = super::get(&tx, actor, id).await.map_err(unknown)?;
    input::version(change.expected_version, row.version)?;
    if let Some(at) = change.reported_at {
        input::instant(at, &["input", "reportedAt"], now)?;
    }
    let unit = UnitOf { owner: id.0, data_type: DataType::R20, year: 0, subject };
    let unit = app.keys.ensure(unit, now).await?;
    let version = row.version + 1;
    let mut row: ActiveModel = row.into();
    if let Some(text) = measures {
        row.measures = Set(Some(unit.key.seal(place("measures", id), &text)?));
        row.unit_id = Set(Some(unit.id));
    }
    if let Some(harm) = change.harm {
        row.harm = Set(harm);
    }
    if change.reported_at.is_some() {
        row.reported_at = Set(change.reported_at);
    }
    row.version = Set(version);
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], row.customer_id).await?;
    let details =
        json!({ "measures": change.measures.is_some(), "harm": row.harm.code(), "reportedAt": row.reported_at });
    audit::record(&tx, now, actor, "safety.update", ("safety_entries", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
