//! Messages of a case: sealed per case, data type and year, each with its own period.

use chrono::{DateTime, Datelike as _, Utc};
use entity::DataType;
use entity::cases::{self, State, WaitingFor};
use entity::ids::{CaseId, CustomerId, MessageId};
use entity::messages::{ActiveModel, Column, Entity, Form, Model};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::{letters, timers};
use crate::auth::{Actor, Permission};
use crate::error::{Error, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, Unit, UnitOf};
use crate::policy::calendar;
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input, mail};

/// A message to be written.
#[derive(Clone, Debug, Serialize)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// A note between members of staff instead of a reply to the customer.
    pub internal: bool,
}

/// Writes a reply or an internal note. A staff reply takes a new case under review; a reply hands the turn over.
///
/// # Errors
/// Refused: an unknown or foreign case, a closed one, an empty or over-long text.
pub async fn reply(app: &App, actor: &Actor, id: CaseId, new: NewMessage, key: &str) -> Result<(cases::Model, Model)> {
    actor.require(Permission::Correspond)?;
    let body = input::text(&new.body, &["input", "body"], input::LONG_TEXT)?;
    if new.internal && actor.staff().is_none() {
        return Err(Error::Forbidden);
    }
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let unit = letters::unit(app, &seen, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "messageAdd", key, &(id, &new)).await? {
        Outcome::Replay(ids) => {
            let message = Entity::find_by_id(MessageId(*ids.first().ok_or(Error::NotFound)?)).one(&tx).await?;
            return Ok((super::get(&tx, actor, id).await?, message.ok_or(Error::NotFound)?));
        }
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, &["input", "caseId"]).await?;
    super::require_open(&case, &["input", "caseId"])?;
    let form = if new.internal { Form::InternalNote } else { Form::Reply };
    let message = letters::tell(app, &tx, actor, (&case, &unit), (form, &body, None), now).await?;
    let customer = case.customer_id;
    let case = hand_over(&tx, case, actor, new.internal, now).await?;
    match actor.staff() {
        Some(_) if !new.internal => {
            timers::settle(&tx, id, Some((RuleId::FirstResponse, None)), true, now).await?;
        }
        Some(_) => {}
        None => {
            timers::resume(app, &tx, id, now).await?;
        }
    }
    claim.done(&tx, now, &[message.id.0], Some(customer)).await?;
    let details = json!({ "message": message.id, "form": form.code() });
    audit::record(&tx, now, actor, "case.message", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok((case, message))
}

pub(crate) async fn hand_over(
    tx: &DatabaseTransaction,
    case: cases::Model,
    actor: &Actor,
    internal: bool,
    now: DateTime<Utc>,
) -> Result<cases::Model> {
    const CASE: &[&str] = &["input", "caseId"];
    if internal {
        return Ok(case);
    }
    let by_staff = actor.staff().is_some();
    let mut row = match case.state {
        State::Received if by_staff => machine::advance(tx, actor, case, Deed::Review, CASE, now).await?,
        State::NeedsInfo if !by_staff => {
            let mut row = machine::advance(tx, actor, case, Deed::Answer, CASE, now).await?;
            row.asked_for = Set(None);
            row
        }
        _ => case.into(),
    };
    row.waiting_for = Set(Some(if by_staff { WaitingFor::Customer } else { WaitingFor::Shop }));
    Ok(row.update(tx).await?)
}

/// The unit that seals a message of this case written now: per year where the period starts with the message.
pub(crate) async fn unit(
    app: &App,
    case: CaseId,
    customer: CustomerId,
    data_type: DataType,
    now: DateTime<Utc>,
) -> Result<Unit> {
    let year = if data_type == DataType::R06 { 0 } else { calendar::day_of(now).year() };
    app.keys.ensure(UnitOf { owner: case.0, data_type, year, subject: Some(customer.0) }, now).await
}

#[expect(
    clippy::too_many_arguments,
    reason = "a row is written once, here; a struct of the same fields would say it twice"
)]
pub(crate) async fn insert(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: CaseId,
    unit: &Unit,
    data_type: DataType,
    form: Form,
    body: &str,
    now: DateTime<Utc>,
) -> Result<Model> {
    let id = MessageId::new(now);
    let row = ActiveModel {
        id: Set(id),
        case_id: Set(case),
        unit_id: Set(Some(unit.id)),
        data_type: Set(data_type),
        form: Set(form),
        author_kind: Set(actor.kind()),
        author_id: Set(actor.id()),
        body: Set(Some(unit.key.seal(place(id), body)?)),
        sent_at: Set(now),
        start_at: Set(mail::begins(tx, Some(case), data_type, now).await?),
        not_before: Set(None),
    };
    Ok(row.insert(tx).await?)
}

/// Where the text of a message lies.
#[must_use]
pub const fn place(id: MessageId) -> Place {
    Place { table: "messages", column: "body", row: id.0 }
}

/// The messages of a visible case after an id, oldest first, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(app: &App, actor: &Actor, case: CaseId, after: uuid::Uuid, most: u64) -> Result<Vec<Model>> {
    use sea_orm::{QueryOrder as _, QuerySelect as _};
    let mut rows = Entity::find()
        .filter(Column::CaseId.eq(case))
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(most + 1);
    if actor.customer().is_some() {
        rows = rows.filter(Column::Form.ne(Form::InternalNote));
    }
    Ok(rows.all(app.db.read()).await?)
}
