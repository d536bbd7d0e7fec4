//! The shop waits for somebody else: what runs on the case is paused, with a reason, and goes on with the answer (F53).

use entity::cases::{ActiveModel, Model, State, WaitingFor};
use entity::ids::CaseId;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde_json::json;

use super::machine::{self, Deed};
use super::timers::{self, PauseReason};
use crate::audit;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::state::App;

/// Pauses the timers of a case.
///
/// # Errors
/// Refused: an unknown, decided or closed case, or one on which nothing runs.
pub async fn pause(app: &App, actor: &Actor, id: CaseId, reason: PauseReason, key: &str) -> Result<Model> {
    change(app, actor, id, Some(reason), key).await
}

/// Lets them go on. The customer's answer does so by itself; one that came another way is recorded by this, and the case is
/// under review again.
///
/// # Errors
/// Refused: an unknown case, or one on which nothing waits.
pub async fn resume(app: &App, actor: &Actor, id: CaseId, key: &str) -> Result<Model> {
    change(app, actor, id, None, key).await
}

async fn change(app: &App, actor: &Actor, id: CaseId, reason: Option<PauseReason>, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let operation = if reason.is_some() { "serviceCasePause" } else { "serviceCaseResume" };
    let claim = match idempotency::claim(app, &tx, actor, operation, key, &(id, reason)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, &["input", "caseId"]).await?;
    super::require_open(&case, &["input", "caseId"])?;
    // The answer came another way, such as by telephone.
    let answered = reason.is_none() && case.state == State::NeedsInfo;
    let (changed, waiting) = match reason {
        Some(reason) => {
            let by_customer = reason == PauseReason::WaitingForCustomer;
            let waiting = if by_customer { WaitingFor::Customer } else { WaitingFor::Shop };
            (timers::pause(&tx, id, reason, now).await?, waiting)
        }
        None => (timers::resume(app, &tx, id, now).await?, WaitingFor::Shop),
    };
    if changed == 0 && !answered {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "caseId"]);
        return Err(refusal.with("possibleIn", if reason.is_some() { "RUNNING" } else { "PAUSED" }).into());
    }
    let mut row = match answered {
        true => machine::advance(&tx, actor, case, Deed::Answer, &["input", "caseId"], now).await?,
        false => ActiveModel::from(case),
    };
    if answered {
        row.asked_for = Set(None);
    }
    row.waiting_for = Set(Some(waiting));
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    let action = if reason.is_some() { "case.pause" } else { "case.resume" };
    audit::record(&tx, now, actor, action, ("cases", Some(id.0)), json!({ "reason": reason })).await?;
    tx.commit().await?;
    Ok(row)
}
