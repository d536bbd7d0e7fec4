//! The customer does not agree: the case is taken up again, and somebody else examines it (S42, S43).

use chrono::{DateTime, Utc};
use entity::cases::{Model, State};
use entity::ids::CaseId;
use entity::messages::Form;
use entity::tasks;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::{letters, tasks as filing, timers};
use crate::auth::{Actor, Permission};
use crate::error::Result;
use crate::idempotency::{self, Outcome};
use crate::keys::Unit;
use crate::policy::rules::RuleId;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, db, input};

const CASE: &[&str] = &["input", "caseId"];

/// An objection.
#[derive(Clone, Debug, Serialize)]
pub struct Objection {
    /// What the customer says.
    pub text: String,
}

/// Takes a case up again: its periods stop, a new review and first response begin, a task goes to staff.
///
/// # Errors
/// Refused: an unknown or foreign case, one whose result was not told, no text.
pub async fn object(app: &App, actor: &Actor, id: CaseId, objection: Objection, key: &str) -> Result<Model> {
    actor.require(Permission::Correspond)?;
    let text = input::text(&objection.text, &["input", "text"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseObject", key, &(id, &objection)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    // The person first: what begins anew is locked in the order of the door, and the key stays until the letter is there.
    db::lock(&tx, "customers", seen.customer_id.0).await?;
    let unit = letters::unit(app, &seen, now).await?;
    let case = super::for_change(&tx, actor, id, CASE).await?;
    let row = take_up(app, &tx, actor, case, &unit, &text, now).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes up a locked case again, in the words of who objects.
///
/// # Errors
/// Refused: a case whose result was not told. The database fails.
pub(crate) async fn take_up(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: Model,
    unit: &Unit,
    text: &str,
    now: DateTime<Utc>,
) -> Result<Model> {
    let (id, closed, reopenings) = (case.id, case.state == State::Closed, case.reopenings);
    let mut row = machine::advance(tx, actor, case, Deed::Object, CASE, now).await?;
    row.reopenings = Set(reopenings + 1);
    row.closed_at = Set(None);
    let row = row.update(tx).await?;
    if closed {
        starts::case_reopened(tx, id, row.customer_id, row.order_id).await?;
    }
    letters::tell(app, tx, actor, (&row, unit), (Form::Objection, text, None), now).await?;
    for rule in [RuleId::FirstResponse, RuleId::Review] {
        timers::start(app, tx, id, None, rule, now).await?;
    }
    filing::file(tx, id, None, tasks::Kind::ReexamineCase, now).await?;
    audit::record(tx, now, actor, "case.object", ("cases", Some(id.0)), json!({})).await?;
    Ok(row)
}
