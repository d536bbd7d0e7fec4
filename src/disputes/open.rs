//! No agreement: the dispute is opened with its hold and the notice of VSBG § 37, all in one transaction (F58, F61).

use entity::cases;
use entity::disputes::{ActiveModel, Entity, Model, State};
use entity::ids::{CaseId, DisputeId, HoldId};
use entity::messages::Form;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use super::{CASE, notice, place, proposals, unit};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, letters, timers};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::mail::letter::Content;
use crate::policy::rules::RuleId;
use crate::retention::{holds, protections};
use crate::state::App;
use crate::{audit, db, input};

/// A dispute to be opened.
#[derive(Clone, Debug, Serialize)]
pub struct NewDispute {
    /// What it is about, for the file.
    pub summary: Option<String>,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Opens a dispute about a case that was examined again.
///
/// # Errors
/// Refused: an unknown case, one that is not examined again, one without any proposal (S78), another version.
pub async fn open(app: &App, actor: &Actor, id: CaseId, new: NewDispute, key: &str) -> Result<(cases::Model, Model)> {
    actor.require(Permission::Decide)?;
    let summary = input::optional(new.summary.as_deref(), &["input", "summary"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, id).await?;
    let letter = letters::unit(app, &seen, now).await?;
    let unit = unit(app, &seen, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "disputeOpen", key, &(id, &new)).await? {
        Outcome::Replay(ids) => {
            let row = Entity::find_by_id(DisputeId(*ids.first().ok_or(Error::NotFound)?)).one(&tx).await?;
            return Ok((case_room::get(&tx, actor, id).await?, row.ok_or(Error::NotFound)?));
        }
        Outcome::First(claim) => claim,
    };
    // First the person, as a hold does, so that no deletion passes between the hold and the commit.
    db::lock(&tx, "customers", seen.customer_id.0).await?;
    let case = case_room::for_change(&tx, actor, id, CASE).await?;
    input::version(new.expected_version, case.version)?;
    machine::require(&case, Deed::OpenDispute, CASE)?;
    if proposals::of_case(&tx, id).await?.is_empty() {
        let refusal = Refusal::at(Code::TransitionNotAllowed, CASE).with("state", case.state.code());
        return Err(refusal.with("needs", "PROPOSAL").into());
    }
    let case = machine::advance(&tx, actor, case, Deed::OpenDispute, CASE, now).await?.update(&tx).await?;
    let hold = holds::place_for_claim(&tx, actor, id, now).await?;
    let dispute = DisputeId::new(now);
    let row = ActiveModel {
        id: Set(dispute),
        case_id: Set(id),
        customer_id: Set(case.customer_id),
        unit_id: Set(Some(unit.id)),
        state: Set(State::Open),
        outcome: Set(None),
        body: Set(None),
        reference: Set(None),
        summary: Set(summary.map(|text| unit.key.seal(place("summary", dispute), &text)).transpose()?),
        opened_at: Set(now),
        opened_by: Set(actor.staff()),
        proceeding_at: Set(None),
        closed_at: Set(None),
        limitation_until: Set(None),
        hold_id: Set(Some(HoldId(hold.id))),
        version: Set(1),
        start_at: Set(None),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    let (policy, language) = (app.policies.at(now), letters::language(&tx, &case).await?);
    let body = notice::text(policy, case.number.as_deref().unwrap_or_default(), language);
    let content = Content::DisputeNotice(notice::letter(policy));
    letters::tell(app, &tx, actor, (&case, &letter), (Form::DisputeNotice, &body, Some(content)), now).await?;
    // The new review ends without agreement, and that is its answer.
    timers::settle(&tx, id, Some((RuleId::Review, None)), true, now).await?;
    claim.done(&tx, now, &[dispute.0], Some(case.customer_id)).await?;
    let details = json!({ "dispute": dispute, "hold": hold.id });
    audit::record(&tx, now, actor, "dispute.open", ("cases", Some(id.0)), details).await?;
    protections::commit_placed(app, tx, hold).await?;
    Ok((case, row))
}
