//! Who works on a case: it is taken under review, examined again by somebody else, or assigned.

use entity::case_transitions;
use entity::cases::{ActiveModel, Model, State};
use entity::ids::{CaseId, StaffId};
use entity::staff;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::timers;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

const CASE: &[&str] = &["input", "caseId"];

/// Takes a new case under review; it is then the reviewer's, unless it is somebody's already.
///
/// # Errors
/// Refused: an unknown case, one that is not new, another version.
pub async fn review(app: &App, actor: &Actor, id: CaseId, expected: Option<i64>, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseReview", key, &(id, expected)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, CASE).await?;
    input::version(expected, case.version)?;
    let assigned = case.assigned_to;
    let mut row = machine::advance(&tx, actor, case, Deed::Review, CASE, now).await?;
    row.assigned_to = Set(assigned.or(actor.staff()));
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    audit::record(&tx, now, actor, "case.review", ("cases", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

/// Examines a case again after an objection: nobody who decided it or took a step of the examination that is objected to
/// (F8, S43). A new review begins to run.
///
/// # Errors
/// Refused: an unknown case, one without an objection, `SAME_PERSON`, another version.
pub async fn reexamine(app: &App, actor: &Actor, id: CaseId, expected: Option<i64>, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseReexamine", key, &(id, expected)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, CASE).await?;
    input::version(expected, case.version)?;
    machine::require(&case, Deed::Reexamine, CASE)?;
    if took_part(&tx, &case, actor).await? {
        return Err(Refusal::at(Code::SamePerson, CASE).into());
    }
    let mut row = machine::advance(&tx, actor, case, Deed::Reexamine, CASE, now).await?;
    row.reexamined_by = Set(actor.staff());
    row.assigned_to = Set(actor.staff());
    let row = row.update(&tx).await?;
    timers::settle(&tx, id, Some((RuleId::FirstResponse, None)), true, now).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    audit::record(&tx, now, actor, "case.reexamine", ("cases", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whether a member of staff decided the case, or took a step of the examination that the customer objects to. Whoever only
/// had part in one before that may look again: a small shop runs out of people else.
///
/// # Errors
/// The database cannot be read.
pub async fn took_part(db: &impl ConnectionTrait, case: &Model, actor: &Actor) -> Result<bool> {
    let Some(staff) = actor.staff() else { return Ok(false) };
    if case.decided_by == Some(staff) {
        return Ok(true);
    }
    let steps = machine::history(db, case.id).await?;
    let objected = steps.iter().rposition(|s| s.to_state == State::Reopened).unwrap_or(steps.len());
    let before = steps.get(..objected).unwrap_or_default();
    let begun = before.iter().rposition(|s| s.to_state == State::ReExamination).unwrap_or(0);
    let by = |s: &case_transitions::Model| s.actor_kind == actor.kind() && s.actor_id == actor.id();
    Ok(before.iter().skip(begun).any(by))
}

/// To whom a case goes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Assignment {
    /// The member of staff; none: to nobody.
    pub to: Option<StaffId>,
}

/// Assigns a case.
///
/// # Errors
/// Refused: an unknown case or one that is over, nobody of that id or one who has left or does not decide.
pub async fn assign(app: &App, actor: &Actor, id: CaseId, assignment: Assignment, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseAssign", key, &(id, assignment)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, CASE).await?;
    super::require_open(&case, CASE)?;
    if let Some(to) = assignment.to {
        let unknown = || Error::from(Refusal::at(Code::NotFound, &["input", "staffMemberId"]));
        let member = staff::Entity::find_by_id(to).one(&tx).await?.filter(|m| m.left_at.is_none());
        let member = member.ok_or_else(unknown)?;
        if !Actor::Staff(member.id, member.role).may(Permission::Decide) {
            return Err(unknown());
        }
    }
    let mut row: ActiveModel = case.into();
    row.assigned_to = Set(assignment.to);
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    audit::record(&tx, now, actor, "case.assign", ("cases", Some(id.0)), json!({ "to": assignment.to })).await?;
    tx.commit().await?;
    Ok(row)
}
