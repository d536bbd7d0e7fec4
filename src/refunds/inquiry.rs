//! Where is the money? Asked once the bank's usual time is over, and traced with bank and provider until it is found
//! (S61, S62).

use chrono::Datelike as _;
use entity::DataType;
use entity::ids::{InquiryEntryId, RefundId};
use entity::inquiry_entries::{ActiveModel, Column, Entity, Model as Entry, Party};
use entity::refunds::{self, Model};
use entity::tasks;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::machine::{self as steps, Step};
use crate::auth::{Actor, Permission};
use crate::cases::tasks as filing;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, Unit, UnitOf};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, input};

const REFUND: &[&str] = &["input", "refundId"];

/// A question after a refund.
#[derive(Clone, Debug, Serialize)]
pub struct Inquiry {
    /// What the customer says.
    pub text: String,
}

/// Asks after a refund. On a case that is closed it reopens nothing: the money is said to be credited, and is traced.
///
/// # Errors
/// Refused: an unknown or foreign refund, one that is not on its way or credited, no text, `TOO_EARLY`.
pub async fn inquire(app: &App, actor: &Actor, id: RefundId, inquiry: Inquiry, key: &str) -> Result<Model> {
    let step = Step::Inquire;
    actor.require(step.permission())?;
    let text = input::text(&inquiry.text, &["input", "text"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let unit = unit(app, actor, id).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, step.mutation(), key, &(id, &inquiry)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let refund = super::for_change(&tx, actor, id).await?;
    steps::require(refund.state, step)?;
    super::due::require_passed(app, &tx, &refund, now).await?;
    let (version, customer) = (refund.version, refund.customer_id);
    let mut row: refunds::ActiveModel = refund.into();
    row.state = Set(step.way().1);
    row.version = Set(version + 1);
    let row = row.update(&tx).await?;
    write(&tx, actor, &row, &unit, Note { party: Party::Customer, text, arn: None }, now).await?;
    if !filing::is_open(&tx, row.case_id, tasks::Kind::RefundNotCredited).await? {
        filing::file(&tx, row.case_id, None, tasks::Kind::RefundNotCredited, now).await?;
    }
    super::progress::follow(&tx, actor, &row, now).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    audit::record(&tx, now, actor, "refund.inquire", ("refunds", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

/// An entry of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// With whom.
    pub party: Party,
    /// What was asked or answered.
    pub text: String,
    /// The acquirer reference number that came up.
    pub arn: Option<String>,
}

/// Adds to the log of a refund that was submitted.
///
/// # Errors
/// Refused: an unknown refund, one that was never submitted, no text.
pub async fn note(app: &App, actor: &Actor, id: RefundId, note: Note, key: &str) -> Result<(Model, Entry)> {
    actor.require(Permission::GrantRefund)?;
    let checked = Note {
        party: note.party,
        text: input::text(&note.text, &["input", "text"], input::LONG_TEXT)?,
        arn: input::optional(note.arn.as_deref(), &["input", "arn"], 120)?,
    };
    let now = app.clock.now();
    let unit = unit(app, actor, id).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "refundInquiryNote", key, &(id, &note)).await? {
        Outcome::Replay(ids) => {
            let entry = InquiryEntryId(*ids.first().ok_or(Error::NotFound)?);
            let entry = Entity::find_by_id(entry).one(&tx).await?.ok_or(Error::NotFound)?;
            return Ok((super::get(&tx, actor, id).await?, entry));
        }
        Outcome::First(claim) => claim,
    };
    let refund = super::for_change(&tx, actor, id).await?;
    if refund.submitted_at.is_none() {
        let refusal = Refusal::at(Code::TransitionNotAllowed, REFUND).with("state", refund.state.code());
        return Err(refusal.with("missing", "submittedAt").into());
    }
    let entry = write(&tx, actor, &refund, &unit, checked, now).await?;
    claim.done(&tx, now, &[entry.id.0], Some(refund.customer_id)).await?;
    let details = json!({ "entry": entry.id, "party": entry.party.code() });
    audit::record(&tx, now, actor, "refund.inquiry-note", ("refunds", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok((refund, entry))
}

/// Whether a text has the form of an acquirer reference number: 23 digits. Only a hint, since banks write it in many ways.
#[must_use]
pub fn is_arn(text: &str) -> bool {
    text.len() == 23 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The log of a refund, oldest first. A customer does not see what was noted within the shop.
///
/// # Errors
/// The database cannot be read.
pub async fn log(db: &impl ConnectionTrait, actor: &Actor, refund: RefundId) -> Result<Vec<Entry>> {
    let mut entries = Entity::find().filter(Column::RefundId.eq(refund)).order_by_asc(Column::Id);
    if actor.customer().is_some() {
        entries = entries.filter(Column::Party.ne(Party::Shop));
    }
    Ok(entries.all(db).await?)
}

/// The unit that seals the entries of this year.
async fn unit(app: &App, actor: &Actor, id: RefundId) -> Result<Unit> {
    let refund = match super::get(app.db.read(), actor, id).await {
        Err(Error::NotFound) => return Err(Refusal::at(Code::NotFound, REFUND).into()),
        found => found?,
    };
    let now = app.clock.now();
    let (owner, subject) = (refund.case_id.0, Some(refund.customer_id.0));
    let year = calendar::day_of(now).year();
    app.keys.ensure(UnitOf { owner, data_type: DataType::R03, year, subject }, now).await
}

async fn write(
    tx: &DatabaseTransaction,
    actor: &Actor,
    refund: &Model,
    unit: &Unit,
    note: Note,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Entry> {
    let id = InquiryEntryId::new(now);
    let place = |column| Place { table: "inquiry_entries", column, row: id.0 };
    let row = ActiveModel {
        id: Set(id),
        case_id: Set(refund.case_id),
        refund_id: Set(refund.id),
        unit_id: Set(Some(unit.id)),
        party: Set(note.party),
        text: Set(Some(unit.key.seal(place("text"), &note.text)?)),
        arn: Set(note.arn.map(|arn| unit.key.seal(place("arn"), &arn)).transpose()?),
        at: Set(now),
        author_kind: Set(actor.kind()),
        author_id: Set(actor.id()),
        start_at: Set(Some(now)),
        not_before: Set(None),
    };
    Ok(row.insert(tx).await?)
}
