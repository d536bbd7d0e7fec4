//! The way of a refund to the customer's account: approved, submitted, acknowledged, credited, or failed.

use chrono::{DateTime, Utc};
use entity::Purpose;
use entity::cases::{self, WaitingFor};
use entity::ids::RefundId;
use entity::refunds::{ActiveModel, Column, Entity, Means, Model, State};
use entity::{consents, orders, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::ground::{left, others};
use super::machine::{self as steps, Step};
use crate::auth::Actor;
use crate::cases::machine::{self, Deed};
use crate::cases::{tasks as filing, timers, withdrawn_at};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::Place;
use crate::policy::rules::RuleId;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, input};

const REFUND: &[&str] = &["input", "refundId"];

/// What comes with a step.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Progress {
    /// The provider's reference or ARN, sealed.
    pub reference: Option<String>,
    /// By which means it is submitted; none: those of the payment or, after a failure, those agreed on.
    pub means: Option<Means>,
    /// The version that the step was decided on.
    pub expected_version: Option<i64>,
}

/// Takes a refund one step on: approves, submits, acknowledges, credits it or lets it fail. The others have functions of their
/// own ([`inquire`](super::inquire), [`agree`](super::agree), [`overdue`](super::due::overdue)).
///
/// # Errors
/// Refused: an unknown refund, a step that its state does not allow, another version, an over-long reference;
/// `SAME_PERSON` for an approval by who granted it, `APPROVAL_NEEDED`, `CONSENT_NEEDED` for other means, and
/// `AMOUNT_EXCEEDS_CAPTURED` if a chargeback came first.
pub async fn advance(
    app: &App,
    actor: &Actor,
    id: RefundId,
    step: Step,
    progress: Progress,
    key: &str,
) -> Result<Model> {
    actor.require(step.permission())?;
    let reference = input::optional_identifier(progress.reference.as_deref(), &["input", "reference"], 120)?;
    if step != Step::Submit && progress.means.is_some() {
        let refusal = Refusal::at(Code::Invalid, &["input", "means"]);
        return Err(refusal.with("expected", "nothing: means are chosen with refundSubmit").into());
    }
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, step.mutation(), key, &(id, &progress)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let refund = super::for_change(&tx, actor, id).await?;
    input::version(progress.expected_version, refund.version)?;
    steps::require(refund.state, step)?;
    let (customer, unit) = (refund.customer_id, refund.unit_id);
    let mut row: ActiveModel = refund.clone().into();
    match step {
        Step::Approve => {
            if refund.approved_at.is_some() {
                return Err(Refusal::at(Code::AlreadyExists, REFUND).into());
            }
            if actor.staff() == Some(refund.granted_by) {
                return Err(Refusal::at(Code::SamePerson, REFUND).into());
            }
            row.approved_at = Set(Some(now));
            row.approved_by = Set(actor.staff());
        }
        Step::Submit => {
            row.means = Set(payable(app, &tx, &refund, progress.means, now).await?);
            row.submitted_at = Set(Some(now));
            row.submitted_by = Set(actor.staff());
        }
        Step::Credit => row.credited_at = Set(Some(now)),
        Step::Acknowledge | Step::Fail => {}
        Step::Expire | Step::Inquire | Step::AgreeAlternative => {
            return Err(anyhow::anyhow!("{} has a function of its own", step.mutation()).into());
        }
    }
    let to = if step == Step::Approve { refund.state } else { step.way().1 };
    row.state = Set(to);
    row.version = Set(refund.version + 1);
    if let (Some(text), Some(unit)) = (reference, unit) {
        let keys = app.keys.load(&[unit], Purpose::Refund, now).await?;
        let key = keys.get(&unit).ok_or(Error::NotFound)?;
        let place = Place { table: "refunds", column: "reference", row: id.0 };
        row.reference = Set(Some(key.seal(place, &text)?));
    }
    let row = row.update(&tx).await?;
    keep_promises(app, &tx, actor, &refund, step, now).await?;
    follow(&tx, actor, &row, now).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let action = if step == Step::Approve { "refund.approve" } else { "refund.advance" };
    audit::record(&tx, now, actor, action, ("refunds", Some(id.0)), json!({ "state": to.code() })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Whether a refund may be paid, and by which means.
async fn payable(
    app: &App,
    tx: &DatabaseTransaction,
    refund: &Model,
    wanted: Option<Means>,
    now: DateTime<Utc>,
) -> Result<Means> {
    if super::lacks_approval(refund) {
        let refusal = Refusal::at(Code::ApprovalNeeded, REFUND).with("amountMinor", refund.amount_minor);
        return Err(refusal.with("approvalAboveMinor", super::approval_above(app, refund)).into());
    }
    // What the bank has taken back since the grant is not paid a second time.
    let order = orders::Entity::find_by_id(refund.order_id).one(tx).await?.ok_or(Error::NotFound)?;
    let most = left(&order, &others(tx, &order, Some(refund.id)).await?);
    if refund.amount_minor > most {
        let refusal = Refusal::at(Code::AmountExceedsCaptured, REFUND);
        return Err(refusal.with("largestAmountMinor", most.max(0)).into());
    }
    let agreed = refund.state == State::AlternativeAgreed;
    let means = wanted.unwrap_or(if agreed { Means::BankTransfer } else { Means::Original });
    if means == Means::BankTransfer {
        let consent = consents::Entity::find()
            .filter(consents::Column::RefundId.eq(refund.id))
            .filter(consents::Column::Kind.eq(consents::Kind::OtherPaymentMeans))
            .filter(consents::Column::WithdrawnAt.is_null())
            .order_by_desc(consents::Column::Id)
            .one(tx)
            .await?;
        let Some(consent) = consent.filter(|_| agreed) else {
            return Err(Refusal::at(Code::ConsentNeeded, &["input", "means"]).into());
        };
        // The period of a consent counts from its last use.
        let mut row: consents::ActiveModel = consent.into();
        row.start_at = Set(Some(now));
        row.update(tx).await?;
    }
    Ok(means)
}

/// What a step starts and ends beside the refund: the bank's estimate (S60) runs from the handing over; a credit meets it, a
/// failure takes its object away.
async fn keep_promises(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    before: &Model,
    step: Step,
    now: DateTime<Utc>,
) -> Result<()> {
    let case = before.case_id;
    let credit = Some((RuleId::RefundCredit, Some(before.id)));
    match step {
        Step::Approve => filing::settle(tx, actor, case, tasks::Kind::ApproveRefund, now).await?,
        Step::Submit => {
            timers::start(app, tx, case, Some(before.id), RuleId::RefundCredit, now).await?;
            // The fourteen days of a withdrawal are kept by handing it over (BGB § 357(1)).
            timers::settle(tx, case, Some((RuleId::WithdrawalRefund, None)), true, now).await?;
            filing::settle(tx, actor, case, tasks::Kind::RefundWithdrawal, now).await?;
        }
        Step::Credit => {
            timers::settle(tx, case, credit, true, now).await?;
            filing::settle(tx, actor, case, tasks::Kind::RefundNotCredited, now).await?;
        }
        Step::Fail => {
            timers::settle(tx, case, credit, false, now).await?;
            filing::settle(tx, actor, case, tasks::Kind::RefundNotCredited, now).await?;
            if super::lacks_approval(before) {
                filing::settle(tx, actor, case, tasks::Kind::ApproveRefund, now).await?;
            }
            if before.state != State::Granted {
                filing::file(tx, case, None, tasks::Kind::RefundFailed, now).await?;
                owe_again(app, tx, before).await?;
            }
        }
        Step::Acknowledge | Step::Expire | Step::Inquire | Step::AgreeAlternative => {}
    }
    Ok(())
}

/// What came back was not paid: the fourteen days of a withdrawal run on from its statement (BGB § 357(1)), unless another refund of
/// the case keeps them.
async fn owe_again(app: &App, tx: &DatabaseTransaction, failed: &Model) -> Result<()> {
    let Some(case) = cases::Entity::find_by_id(failed.case_id).one(tx).await? else { return Ok(()) };
    let Some(stated) = withdrawn_at(tx, &case).await? else { return Ok(()) };
    let paid = Entity::find()
        .filter(Column::CaseId.eq(case.id))
        .filter(Column::Id.ne(failed.id))
        .filter(Column::SubmittedAt.is_not_null())
        .filter(Column::State.is_not_in([State::Failed, State::AlternativeAgreed]));
    if paid.one(tx).await?.is_none() {
        timers::owe(app, tx, case.id, stated).await?;
    }
    Ok(())
}

/// Whose turn the case is now. Money that comes back after the customer was told takes the case up again: it is owed.
pub(super) async fn follow(tx: &DatabaseTransaction, actor: &Actor, refund: &Model, now: DateTime<Utc>) -> Result<()> {
    let Some(case) = cases::Entity::find_by_id(refund.case_id).one(tx).await? else { return Ok(()) };
    let (id, customer, order, state) = (case.id, case.customer_id, case.order_id, case.state);
    if refund.state == State::Failed && Deed::MoneyReturned.is_legal(state) {
        let mut row = machine::advance(tx, actor, case, Deed::MoneyReturned, REFUND, now).await?;
        row.closed_at = Set(None);
        row.update(tx).await?;
        if state == cases::State::Closed {
            starts::case_reopened(tx, id, customer, order).await?;
        }
    } else if matches!(state, cases::State::Refund | cases::State::PriceReduction) {
        let mut row: cases::ActiveModel = case.into();
        row.waiting_for = Set(Some(turn(refund.state)));
        row.update(tx).await?;
    }
    Ok(())
}

const fn turn(state: State) -> WaitingFor {
    match state {
        State::Submitted | State::PendingAtProvider | State::Overdue | State::Clarification => WaitingFor::Bank,
        State::Granted | State::Credited | State::Failed | State::AlternativeAgreed => WaitingFor::Shop,
    }
}
