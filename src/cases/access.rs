//! The access log: opening a case as staff leaves one row per actor, case, purpose and hour (R12).

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use entity::Purpose;
use entity::cases::Model;
use entity::ids::{CaseId, uuid_at};
use uuid::Uuid;

use crate::auth::{Actor, Permission};
use crate::db;
use crate::error::Result;
use crate::state::App;

/// Opens a case: the row, with the opening logged where staff does it.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id; the log cannot be written, and then the case stays shut.
pub async fn open(app: &App, actor: &Actor, id: CaseId) -> Result<Model> {
    actor.require(Permission::ReadCases)?;
    let case = super::get(app.db.read(), actor, id).await?;
    log(app, actor, &case, actor.purpose(), None).await?;
    Ok(case)
}

/// Logs that `actor` has seen personal data of a case; a customer's own reading is not logged.
///
/// # Errors
/// The log cannot be written.
pub async fn log(app: &App, actor: &Actor, case: &Model, purpose: Purpose, attachment: Option<Uuid>) -> Result<()> {
    let now = app.clock.now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    // A download is logged each time, at its own instant.
    let at = if attachment.is_some() { now } else { hour };
    write(app, actor, case, purpose, attachment, at).await
}

/// Logs each single opening, at its own instant: a dossier that leaves the house (F60).
///
/// # Errors
/// The log cannot be written.
pub async fn log_each(app: &App, actor: &Actor, case: &Model, purpose: Purpose) -> Result<()> {
    write(app, actor, case, purpose, None, app.clock.now()).await
}

async fn write(
    app: &App,
    actor: &Actor,
    case: &Model,
    purpose: Purpose,
    attachment: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<()> {
    let Some(who) = actor.staff() else { return Ok(()) };
    let sql = "INSERT INTO access_entries (id, at, actor_kind, actor_id, case_id, customer_id, attachment_id, purpose) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (case_id, actor_id, at, purpose) WHERE attachment_id IS NULL DO NOTHING";
    let values = [
        uuid_at(app.clock.now()).into(),
        at.into(),
        actor.kind().code().into(),
        who.0.into(),
        case.id.0.into(),
        case.customer_id.0.into(),
        attachment.into(),
        purpose.code().into(),
    ];
    db::run(app.db.write(), sql, values).await?;
    Ok(())
}
