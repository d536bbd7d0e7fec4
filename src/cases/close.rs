//! Closing a case starts the retention periods of all that hangs on it.

use entity::cases::{Model, Outcome as CaseOutcome};
use entity::ids::CaseId;
use entity::messages;
use entity::{DataType, Purpose};
use entity::{refunds, remedies};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::{messages as writing, timers};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::Unit;
use crate::retention::{protections, starts};
use crate::state::App;
use crate::{audit, input, mail};

/// How a case is closed.
#[derive(Clone, Debug, Serialize)]
pub struct Close {
    /// The correspondence turned out to be mere advice without effect on the deal: R03 is lowered to R06.
    pub advice_only: bool,
    /// The version that closing was decided on.
    pub expected_version: Option<i64>,
}

/// Closes a case whose result was told and whose refunds have come to an end.
///
/// # Errors
/// Refused: an unknown case, one whose result was not told or that has a refund under way, another version; as advice: a case with a
/// refund or a claim, letters under a hold or a restriction.
pub async fn close(app: &App, actor: &Actor, id: CaseId, close: Close, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let advice = match close.advice_only {
        true => Some(writing::unit(app, id, seen.customer_id, DataType::R06, now).await?),
        false => None,
    };
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseClose", key, &(id, &close)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    if advice.is_some() {
        protections::none_on_records_meanwhile(&tx).await?;
    }
    let case = super::for_change(&tx, actor, id, &["input", "caseId"]).await?;
    input::version(close.expected_version, case.version)?;
    machine::require(&case, Deed::Close, &["input", "caseId"])?;
    let refunds = require_settled(&tx, id).await?;
    if let Some(unit) = advice {
        let is_claim = case.outcome != Some(CaseOutcome::SolvedDirectly) || !refunds.is_empty();
        if is_claim {
            let refusal = Refusal::at(Code::Invalid, &["input", "adviceOnly"]);
            return Err(refusal.with("expected", "a case solved directly, without refunds").into());
        }
        if protections::covers(&tx, &["messages", "mails"], "t.case_id = $1 AND t.data_type = 'R03'", id.0).await? {
            let refusal = Refusal::at(Code::Invalid, &["input", "adviceOnly"]);
            return Err(refusal.with("expected", "letters without a hold or a restriction").into());
        }
        lower_to_advice(app, &tx, id, &unit).await?;
    }
    let evidence = evidence_type(case.outcome);
    let (customer, order) = (case.customer_id, case.order_id);
    let mut row = machine::advance(&tx, actor, case, Deed::Close, &["input", "caseId"], now).await?;
    row.closed_at = Set(Some(now));
    row.update(&tx).await?;
    timers::settle(&tx, id, None, false, now).await?;
    starts::case_closed(&tx, id, customer, order, evidence, now).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    audit::record(&tx, now, actor, "case.close", ("cases", Some(id.0)), json!({ "evidence": evidence.code() })).await?;
    let row = super::get(&tx, actor, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Refuses to end a case while money or goods of it are under way; returns its refunds.
///
/// # Errors
/// `TRANSITION_NOT_ALLOWED` with `refundState` or `remedyState`; the database fails.
pub(super) async fn require_settled(tx: &DatabaseTransaction, id: CaseId) -> Result<Vec<refunds::Model>> {
    let refused = || Refusal::at(Code::TransitionNotAllowed, &["input", "caseId"]);
    let refunds = refunds::Entity::find().filter(refunds::Column::CaseId.eq(id)).all(tx).await?;
    if let Some(running) = refunds.iter().find(|r| r.state.is_running()) {
        return Err(refused().with("refundState", running.state.code()).into());
    }
    let remedies = remedies::Entity::find().filter(remedies::Column::CaseId.eq(id)).all(tx).await?;
    if let Some(ordered) = remedies.iter().find(|r| r.state == remedies::State::Ordered) {
        return Err(refused().with("remedyState", ordered.state.code()).into());
    }
    Ok(refunds)
}

/// Evidence of a case that was accepted in full is no longer needed for claims (R09a); any other is (R09b).
const fn evidence_type(outcome: Option<CaseOutcome>) -> DataType {
    match outcome {
        Some(CaseOutcome::Eligible | CaseOutcome::SolvedDirectly) => DataType::R09a,
        _ => DataType::R09b,
    }
}

/// Re-seals commercial letters as advice: another data type is another unit. The old unit goes when its last row does.
async fn lower_to_advice(app: &App, tx: &DatabaseTransaction, case: CaseId, advice: &Unit) -> Result<()> {
    let letters = messages::Entity::find()
        .filter(messages::Column::CaseId.eq(case))
        .filter(messages::Column::DataType.eq(DataType::R03))
        .all(tx)
        .await?;
    let mut units: Vec<_> = letters.iter().filter_map(|m| m.unit_id).collect();
    let keys = app.keys.load(&units, Purpose::CaseHandling, app.clock.now()).await?;
    for letter in letters {
        let place = writing::place(letter.id);
        let key = letter.unit_id.and_then(|u| keys.get(&u));
        let text = letter.body.as_ref().zip(key).and_then(|(body, key)| key.open(place, body));
        let text = text.ok_or_else(|| anyhow::anyhow!("letter {} does not open", letter.id))?;
        let mut row: messages::ActiveModel = letter.into();
        row.body = Set(Some(advice.key.seal(place, text.as_str())?));
        row.unit_id = Set(Some(advice.id));
        row.data_type = Set(DataType::R06);
        row.start_at = Set(None);
        row.update(tx).await?;
    }
    units.extend(mail::lower_to_advice(app, tx, case, advice).await?);
    let unused = crate::keys::without_rows(tx, &units, &[DataType::R03]).await?;
    crate::outbox::destroy_left_keys(tx, app.clock.now(), &unused).await
}
