//! The decision: outcome, reason and legal basis, with the text that tells the customer (S24, S34, S35).

use entity::cases::{ActiveModel, LegalBasis, Model, Outcome as CaseOutcome, Reason, State, WaitingFor};
use entity::ids::CaseId;
use entity::messages::Form;
use entity::refunds;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Serialize;
use serde_json::json;

use super::{messages, timers};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

/// A decision. It may be taken again until the case is closed; the last one holds.
#[derive(Clone, Debug, Serialize)]
pub struct Decision {
    /// The outcome.
    pub outcome: CaseOutcome,
    /// Why.
    pub reason: Reason,
    /// On what basis.
    pub legal_basis: LegalBasis,
    /// The text to the customer.
    pub text: String,
    /// The version that the decision was made on.
    pub expected_version: Option<i64>,
}

/// Decides a case.
///
/// # Errors
/// Refused: an unknown or closed case, one with a refund that is decided against now, no text, a claim decided without a basis, another version.
pub async fn decide(app: &App, actor: &Actor, id: CaseId, decision: Decision, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let text = input::text(&decision.text, &["input", "text"], input::LONG_TEXT)?;
    if decision.outcome != CaseOutcome::SolvedDirectly && decision.legal_basis == LegalBasis::None {
        return Err(Refusal::at(Code::Required, &["input", "legalBasis"]).into());
    }
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let data_type = super::correspondence(seen.kind, seen.order_id.is_some());
    let unit = messages::unit(app, id, seen.customer_id, data_type, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseDecide", key, &(id, &decision)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, &["input", "caseId"]).await?;
    input::version(decision.expected_version, case.version)?;
    super::require_state(&case, &[State::Received, State::UnderReview, State::Decided], &["input", "caseId"])?;
    if !matches!(decision.outcome, CaseOutcome::Eligible | CaseOutcome::PartiallyEligible) {
        let promised = refunds::Entity::find()
            .filter(refunds::Column::CaseId.eq(id))
            .filter(refunds::Column::State.ne(refunds::State::Failed));
        if let Some(refund) = promised.one(&tx).await? {
            let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "outcome"]);
            return Err(refusal.with("refundState", refund.state.code()).into());
        }
    }
    let (version, customer) = (case.version, case.customer_id);
    let mut row: ActiveModel = case.into();
    row.state = Set(State::Decided);
    row.outcome = Set(Some(decision.outcome));
    row.reason = Set(Some(decision.reason));
    row.legal_basis = Set(Some(decision.legal_basis));
    row.decided_at = Set(Some(now));
    row.decided_by = Set(actor.staff());
    row.waiting_for = Set(Some(WaitingFor::Shop));
    row.version = Set(version + 1);
    let row = row.update(&tx).await?;
    messages::insert(&tx, actor, id, &unit, data_type, Form::Decision, &text, now).await?;
    for rule in [RuleId::FirstResponse, RuleId::Review] {
        timers::settle(&tx, id, Some((rule, None)), true, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({
        "outcome": decision.outcome.code(),
        "reason": decision.reason.code(),
        "legalBasis": decision.legal_basis.code(),
    });
    audit::record(&tx, now, actor, "case.decide", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
