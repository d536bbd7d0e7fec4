//! Amicable proposals: recorded and told to the customer, accepted or declined (S44, S78).

use chrono::Datelike as _;
use entity::cases::{self, State as CaseState, WaitingFor};
use entity::ids::{CaseId, ProposalId};
use entity::messages::Form;
use entity::proposals::{ActiveModel, Column, Entity, Model, State};
use entity::{DataType, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::CASE;
use crate::auth::{Actor, Permission};
use crate::cases as case_room;
use crate::cases::letters;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, input};

/// States in which an agreement is looked for.
pub const TALKS: &[CaseState] = &[CaseState::ReExamination, CaseState::DisputeOpen, CaseState::Settled];

const PROPOSAL: &[&str] = &["input", "proposalId"];

/// A proposal.
#[derive(Clone, Debug, Serialize)]
pub struct NewProposal {
    /// What is proposed, in words for the customer.
    pub text: String,
    /// Minor units and currency, where money is offered.
    pub amount: Option<(i64, String)>,
}

/// An answer to a proposal.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Whether it is accepted.
    pub accepted: bool,
    /// What the customer says; where staff records a call, what was said.
    pub text: Option<String>,
}

/// Where the text of a proposal lies.
#[must_use]
pub const fn place(id: ProposalId) -> Place {
    Place { table: "proposals", column: "text", row: id.0 }
}

/// The proposals of a case, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::CaseId.eq(case)).order_by_asc(Column::Id).all(db).await?)
}

/// Records a proposal and writes it to the customer, in one transaction.
///
/// # Errors
/// Refused: an unknown case, one in which no agreement is looked for, no text, an amount without an order, not above
/// zero or in another currency.
pub async fn record(
    app: &App,
    actor: &Actor,
    id: CaseId,
    new: NewProposal,
    key: &str,
) -> Result<(cases::Model, Model)> {
    actor.require(Permission::Decide)?;
    let text = input::text(&new.text, &["input", "text"], input::LONG_TEXT)?;
    if let Some((minor, _)) = &new.amount {
        input::positive(*minor, &["input", "amount", "amountMinor"], i64::MAX)?;
    }
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, id).await?;
    let letter = letters::unit(app, &seen, now).await?;
    // A proposal is a commercial letter sent today, whatever the kind of the case.
    let year = calendar::day_of(now).year();
    let unit = UnitOf { owner: id.0, data_type: DataType::R03, year, subject: Some(seen.customer_id.0) };
    let unit = app.keys.ensure(unit, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "proposalRecord", key, &(id, &new)).await? {
        Outcome::Replay(ids) => return again(&tx, actor, ids.first().copied()).await,
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, id, CASE).await?;
    case_room::require_state(&case, TALKS, CASE)?;
    if let Some((_, currency)) = &new.amount {
        require_currency(&tx, &case, currency).await?;
    }
    let proposal = ProposalId::new(now);
    let row = ActiveModel {
        id: Set(proposal),
        case_id: Set(id),
        unit_id: Set(Some(unit.id)),
        state: Set(State::Offered),
        text: Set(Some(unit.key.seal(place(proposal), &text)?)),
        amount_minor: Set(new.amount.as_ref().map(|(minor, _)| *minor)),
        currency: Set(new.amount.map(|(_, currency)| currency)),
        offered_by: Set(actor.kind()),
        offered_by_id: Set(actor.id()),
        offered_at: Set(now),
        answered_at: Set(None),
        start_at: Set(Some(now)),
        not_before: Set(None),
    };
    let row = row.insert(&tx).await?;
    letters::tell(app, &tx, actor, (&case, &letter), (Form::Reply, &text, None), now).await?;
    let case = turn(&tx, case, WaitingFor::Customer).await?;
    claim.done(&tx, now, &[proposal.0], Some(case.customer_id)).await?;
    let details = json!({ "proposal": proposal, "amountMinor": row.amount_minor });
    audit::record(&tx, now, actor, "proposal.record", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok((case, row))
}

/// Records the customer's answer, by the customer or, after a call, by staff, who says what was said.
///
/// # Errors
/// Refused: an unknown or foreign proposal, one that was answered, a case in which no agreement is looked for any more,
/// no text by staff.
pub async fn answer(
    app: &App,
    actor: &Actor,
    id: ProposalId,
    answer: Answer,
    key: &str,
) -> Result<(cases::Model, Model)> {
    actor.require(Permission::Correspond)?;
    let by_staff = actor.staff().is_some();
    let text = match by_staff {
        true => Some(input::text(answer.text.as_deref().unwrap_or_default(), &["input", "text"], input::LONG_TEXT)?),
        false => input::optional(answer.text.as_deref(), &["input", "text"], input::LONG_TEXT)?,
    };
    let now = app.clock.now();
    let unknown = || Error::from(Refusal::at(Code::NotFound, PROPOSAL));
    let found = Entity::find_by_id(id).one(app.db.read()).await?.ok_or_else(unknown)?;
    let seen = match case_room::get(app.db.read(), actor, found.case_id).await {
        Err(Error::NotFound) => return Err(unknown()),
        found => found?,
    };
    let letter = letters::unit(app, &seen, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "proposalAnswer", key, &(id, &answer)).await? {
        Outcome::Replay(ids) => return again(&tx, actor, ids.first().copied()).await,
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, found.case_id, PROPOSAL).await?;
    let proposal = Entity::find_by_id(id).one(&tx).await?.ok_or_else(unknown)?;
    if proposal.state != State::Offered {
        let refusal = Refusal::at(Code::TransitionNotAllowed, PROPOSAL).with("state", proposal.state.code());
        return Err(refusal.with("possibleIn", State::Offered.code()).into());
    }
    case_room::require_state(&case, TALKS, PROPOSAL)?;
    let mut row: ActiveModel = proposal.into();
    row.state = Set(if answer.accepted { State::Accepted } else { State::Declined });
    row.answered_at = Set(Some(now));
    let row = row.update(&tx).await?;
    if let Some(text) = text {
        let form = if by_staff { Form::Call } else { Form::Reply };
        letters::tell(app, &tx, actor, (&case, &letter), (form, &text, None), now).await?;
    }
    let case = turn(&tx, case, WaitingFor::Shop).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({ "proposal": id, "state": row.state.code() });
    audit::record(&tx, now, actor, "proposal.answer", ("cases", Some(case.id.0)), details).await?;
    tx.commit().await?;
    Ok((case, row))
}

async fn again(tx: &DatabaseTransaction, actor: &Actor, id: Option<uuid::Uuid>) -> Result<(cases::Model, Model)> {
    let id = ProposalId(id.ok_or(Error::NotFound)?);
    let row = Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound)?;
    Ok((case_room::get(tx, actor, row.case_id).await?, row))
}

async fn turn(tx: &DatabaseTransaction, case: cases::Model, whose: WaitingFor) -> Result<cases::Model> {
    let mut row: cases::ActiveModel = case.into();
    row.waiting_for = Set(Some(whose));
    Ok(row.update(tx).await?)
}

/// Money is offered in the currency in which the order was paid.
async fn require_currency(tx: &DatabaseTransaction, case: &cases::Model, currency: &str) -> Result<()> {
    let no_order = || Error::from(Refusal::at(Code::Required, CASE).with("missing", "order"));
    let order = orders::Entity::find_by_id(case.order_id.ok_or_else(no_order)?).one(tx).await?.ok_or_else(no_order)?;
    if order.currency.as_deref() == Some(currency) {
        return Ok(());
    }
    let refusal = Refusal::at(Code::CurrencyMismatch, &["input", "amount", "currency"]);
    Err(refusal.with("currency", order.currency.unwrap_or_default()).into())
}
