//! The decision without a return: outcome, reason and legal basis, with the text that tells the customer (S24, S34, S35).

use entity::cases::{Kind, LegalBasis, Model, Outcome as CaseOutcome, Reason};
use entity::ids::CaseId;
use entity::messages::Form;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::{letters, timers, words};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::mail::{self, letter::Content};
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

/// A decision. Another one needs an objection: then somebody else examines the case again (S43).
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

/// For what a withdrawal can be refused.
pub(crate) const AGAINST_WITHDRAWAL: [Reason; 3] = [Reason::PeriodEnded, Reason::RightExcluded, Reason::NotOurProduct];

/// Decides a case.
///
/// # Errors
/// Refused: an unknown case, one that is not under review, no text, a claim decided without a basis, a withdrawal refused for a
/// reason that the law does not know, another version.
pub async fn decide(app: &App, actor: &Actor, id: CaseId, decision: Decision, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let text = input::text(&decision.text, &["input", "text"], input::LONG_TEXT)?;
    if decision.outcome != CaseOutcome::SolvedDirectly && decision.legal_basis == LegalBasis::None {
        return Err(Refusal::at(Code::Required, &["input", "legalBasis"]).into());
    }
    let now = app.clock.now();
    let unit = letters::unit(app, &super::seen(app, actor, id).await?, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseDecide", key, &(id, &decision)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, &["input", "caseId"]).await?;
    input::version(decision.expected_version, case.version)?;
    let refused = decision.outcome == CaseOutcome::NotEligible && case.kind == Some(Kind::Withdrawal);
    if refused && !AGAINST_WITHDRAWAL.contains(&decision.reason) {
        let refusal = Refusal::at(Code::Invalid, &["input", "reason"]);
        return Err(refusal.with("expected", AGAINST_WITHDRAWAL.map(|r| r.code()).join(", ")).into());
    }
    let deed = match decision.outcome {
        CaseOutcome::SolvedDirectly => Deed::Solve,
        CaseOutcome::Eligible | CaseOutcome::PartiallyEligible => Deed::AcceptWithoutReturn,
        CaseOutcome::NotEligible => Deed::Refuse,
    };
    let mut row = machine::advance(&tx, actor, case, deed, &["input", "caseId"], now).await?;
    row.outcome = Set(Some(decision.outcome));
    row.reason = Set(Some(decision.reason));
    row.legal_basis = Set(Some(decision.legal_basis));
    row.decided_at = Set(Some(now));
    row.decided_by = Set(actor.staff());
    let row = row.update(&tx).await?;
    let language = letters::language(&tx, &row).await?;
    let content = Content::Decision(mail::letter::Decision {
        outcome_label: words::outcome(decision.outcome).said(language).to_owned(),
        reasons: vec![words::reason(decision.reason).said(language).to_owned()],
        basis_label: Some(words::basis(decision.legal_basis).said(language).to_owned()),
        text: text.clone(),
    });
    letters::tell(app, &tx, actor, (&row, &unit), (Form::Decision, &text, Some(content)), now).await?;
    for rule in [RuleId::FirstResponse, RuleId::Review] {
        timers::settle(&tx, id, Some((rule, None)), true, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    let details = json!({
        "outcome": decision.outcome.code(),
        "reason": decision.reason.code(),
        "legalBasis": decision.legal_basis.code(),
    });
    audit::record(&tx, now, actor, "case.decide", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
