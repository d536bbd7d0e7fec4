//! The way of a refund to the customer's account: submitted, credited, or failed.

use chrono::{DateTime, Utc};
use entity::cases::{self, WaitingFor};
use entity::ids::{CaseId, RefundId};
use entity::refunds::{ActiveModel, Model, State};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::timers;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::Place;
use crate::policy::rules::RuleId;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, db, input};

/// A step of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Step {
    /// Handed to the payment provider.
    Submit,
    /// Credited to the customer.
    Credit,
    /// Withdrawn before it was submitted, or refused by the provider; possible even after a credit, when the money
    /// comes back.
    Fail,
}

impl Step {
    /// The states that it starts from, and the one that it leads to.
    #[must_use]
    pub const fn transition(self) -> (&'static [State], State) {
        match self {
            Self::Submit => (&[State::Granted], State::Submitted),
            Self::Credit => (&[State::Submitted], State::Credited),
            Self::Fail => (&[State::Granted, State::Submitted, State::Credited], State::Failed),
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::Submit => "refundSubmit",
            Self::Credit => "refundCredit",
            Self::Fail => "refundFail",
        }
    }
}

/// What comes with a step.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// The provider's reference or ARN, sealed.
    pub reference: Option<String>,
    /// The version that the step was decided on.
    pub expected_version: Option<i64>,
}

/// Takes a refund one step on.
///
/// # Errors
/// Refused: an unknown refund, a step that its state does not allow, another version, an over-long reference.
pub async fn advance(
    app: &App,
    actor: &Actor,
    id: RefundId,
    step: Step,
    progress: Progress,
    key: &str,
) -> Result<Model> {
    actor.require(Permission::MoveRefund)?;
    let reference = input::optional_identifier(progress.reference.as_deref(), &["input", "reference"], 120)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, step.operation(), key, &(id, &progress)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "refunds", id.0).await?;
    let refund = match super::get(&tx, actor, id).await {
        Err(Error::NotFound) => return Err(Refusal::at(Code::NotFound, &["input", "refundId"]).into()),
        found => found?,
    };
    input::version(progress.expected_version, refund.version)?;
    let (from, to) = step.transition();
    if !from.contains(&refund.state) {
        let legal: Vec<&str> = from.iter().map(|s| s.code()).collect();
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "refundId"]);
        return Err(refusal.with("state", refund.state.code()).with("possibleIn", legal.join(", ")).into());
    }
    let (version, customer, case, unit) = (refund.version, refund.customer_id, refund.case_id, refund.unit_id);
    let mut row: ActiveModel = refund.into();
    row.state = Set(to);
    row.version = Set(version + 1);
    match step {
        Step::Submit => {
            row.submitted_at = Set(Some(now));
            row.submitted_by = Set(actor.staff());
        }
        Step::Credit => row.credited_at = Set(Some(now)),
        Step::Fail => {}
    }
    if let (Some(text), Some(unit)) = (reference, unit) {
        let keys = app.keys.load(&[unit], now).await?;
        let key = keys.get(&unit).ok_or(Error::NotFound)?;
        let place = Place { table: "refunds", column: "reference", row: id.0 };
        row.reference = Set(Some(key.seal(place, &text)?));
    }
    let row = row.update(&tx).await?;
    // The bank's estimate (S60) runs from the handing over; a credit meets it, a failure takes its object away.
    match step {
        Step::Submit => timers::start(app, &tx, case, Some(id), RuleId::RefundCredit, now).await?,
        Step::Credit => timers::settle(&tx, case, Some((RuleId::RefundCredit, Some(id))), true, now).await?,
        Step::Fail => timers::settle(&tx, case, Some((RuleId::RefundCredit, Some(id))), false, now).await?,
    }
    follow(&tx, actor, case, to, now).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "state": to.code() });
    audit::record(&tx, now, actor, "refund.advance", ("refunds", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whose turn the case is now. Money that comes back after the customer was told takes the case up again: it is owed.
async fn follow(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: CaseId,
    refund: State,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(case) = cases::Entity::find_by_id(case).one(tx).await? else { return Ok(()) };
    let (id, customer, order, state) = (case.id, case.customer_id, case.order_id, case.state);
    if refund == State::Failed && Deed::MoneyReturned.is_legal(state) {
        let mut row = machine::advance(tx, actor, case, Deed::MoneyReturned, &["input", "refundId"], now).await?;
        row.closed_at = Set(None);
        row.update(tx).await?;
        if state == cases::State::Closed {
            starts::case_reopened(tx, id, customer, order).await?;
        }
    } else if matches!(state, cases::State::Refund | cases::State::PriceReduction) {
        let mut row: cases::ActiveModel = case.into();
        let with_the_bank = refund.is_running() && refund != State::Granted;
        row.waiting_for = Set(Some(if with_the_bank { WaitingFor::Bank } else { WaitingFor::Shop }));
        row.update(tx).await?;
    }
    Ok(())
}
