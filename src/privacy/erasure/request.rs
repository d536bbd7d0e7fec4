//! The file of a request for erasure (R14): opened with the decision, answered from the report, kept as proof. Where
//! something waits, it is answered once more when nothing does, and its period starts with the last answer.

use chrono::{DateTime, Datelike as _, Utc};
use entity::codes::Locale;
use entity::customers;
use entity::erasures::{self, State};
use entity::ids::{ErasureId, RequestId};
use entity::subject_requests::{ActiveModel, Column, Entity, Kind, Model};
use entity::{DataType, Sealed};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde_json::json;

use super::{Report, letter};
use crate::auth::Actor;
use crate::error::{Code, Refusal, Result};
use crate::keys::{Personal, Place, UnitOf};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, mail};

const fn unit(customer: uuid::Uuid, year: i32) -> UnitOf {
    UnitOf { owner: customer, data_type: DataType::R14, year, subject: Some(customer) }
}

/// Where a sealed part of a request lies.
#[must_use]
pub const fn place(id: RequestId, column: &'static str) -> Place {
    Place { table: "subject_requests", column, row: id.0 }
}

/// Opens the file. Address and name are copied into it now: when the answer is written, the contact record may be gone.
/// The caller has locked the person.
pub(super) async fn open(
    app: &App,
    tx: &DatabaseTransaction,
    person: &customers::Model,
    erasure: ErasureId,
    now: DateTime<Utc>,
) -> Result<()> {
    let (email, name) = mail::recipient_of(app, person).await?.ok_or_else(|| {
        Refusal::at(Code::Invalid, &["input", "notify"]).with("expected", "a contact record with an e-mail address")
    })?;
    let unit = app.keys.ensure(unit(person.id.0, calendar::day_of(now).year()), now).await?;
    let id = RequestId::new(now);
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(person.id),
        unit_id: Set(Some(unit.id)),
        kind: Set(Kind::Erasure),
        erasure_id: Set(Some(erasure)),
        received_at: Set(now),
        locale: Set(person.locale.unwrap_or(Locale::De)),
        recipient: Set(Some(unit.key.seal(place(id, "recipient"), &email)?)),
        name: Set(name.map(|name| unit.key.seal(place(id, "name"), &name)).transpose()?),
        answer: Set(None),
        mail_id: Set(None),
        answered_at: Set(None),
        closing: Set(None),
        closing_mail_id: Set(None),
        closed_at: Set(None),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

/// Answers the request of an erasure from what has become of every record, in the transaction that stores it: once at the
/// first pass, and once more when nothing waits any more, where something did. The caller has locked the person, so that two
/// passes of one erasure do not answer twice.
pub(super) async fn answer(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    erasure: &erasures::Model,
    report: &Report,
    now: DateTime<Utc>,
) -> Result<()> {
    let open = Entity::find().filter(Column::ErasureId.eq(erasure.id)).filter(Column::ClosedAt.is_null());
    let Some(request) = open.one(tx).await? else { return Ok(()) };
    let is_settled = report.state == State::Settled;
    if request.answered_at.is_some() && !is_settled {
        return Ok(());
    }
    let unit = app.keys.ensure(unit(erasure.customer_id.0, calendar::day_of(request.received_at).year()), now).await?;
    let text = |column, sealed: &Option<Sealed>| {
        sealed.as_ref().and_then(|s| unit.key.open(place(request.id, column), s)).map(Personal::reveal)
    };
    let recipient = text("recipient", &request.recipient)
        .ok_or_else(|| anyhow::anyhow!("the address of request {} does not open", request.id))?;
    let (addressee, locale) = ((recipient, text("name", &request.name)), request.locale);
    let letter = match request.answered_at {
        None => letter::compose(app, report, erasure.requested_at, locale, Some(addressee), true),
        Some(answered) => letter::close(app, report, (erasure.requested_at, answered), locale, addressee),
    };
    let written = app.templates.render(&letter, app.policies.at(now))?;
    let mail_id = mail::queue(app, tx, &unit, letter, now).await?;
    let seal = |column| unit.key.seal(place(request.id, column), &written.text).map(Some);
    let mut row: ActiveModel = request.clone().into();
    if request.answered_at.is_none() {
        (row.answer, row.mail_id, row.answered_at) = (Set(seal("answer")?), Set(Some(mail_id)), Set(Some(now)));
    } else {
        (row.closing, row.closing_mail_id) = (Set(seal("closing")?), Set(Some(mail_id)));
    }
    row.closed_at = Set(is_settled.then_some(now));
    row.update(tx).await?;
    let details = json!({ "erasure": erasure.id, "mail": mail_id, "closing": request.answered_at.is_some() });
    audit::record(tx, now, actor, "subject.answer", ("subject_requests", Some(request.id.0)), details).await?;
    Ok(())
}

/// When the person was first told what became of an erasure.
pub(super) async fn answered(app: &App, erasure: ErasureId) -> Result<Option<DateTime<Utc>>> {
    Ok(of_erasure(app, erasure).await?.and_then(|request| request.answered_at))
}

/// The request that an erasure answers, if one was opened.
///
/// # Errors
/// The database cannot be read.
pub async fn of_erasure(app: &App, erasure: ErasureId) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::ErasureId.eq(erasure)).one(app.db.read()).await?)
}
