//! Intake: a case is opened by the customer, or by staff for a customer who called or wrote (S15, S16, S19).

use entity::cases::{ActiveModel, Channel, Entity, Kind, Model, Reason, State, WaitingFor};
use entity::ids::{CaseId, CustomerId, OrderId};
use entity::messages::Form;
use entity::{order_lines, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::{letters, messages, timers};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::policy::calendar;
use crate::policy::rules::RuleId;
use crate::retention::starts;
use crate::state::App;
use crate::{audit, customers, db, input};

/// A case to be opened. Nothing but kind and description is needed: a request without more is accepted (S19).
#[derive(Clone, Debug, Serialize)]
pub struct NewCase {
    /// What the customer wants.
    pub kind: Kind,
    /// The problem, in the customer's words.
    pub description: String,
    /// The order it is about.
    pub order: Option<OrderId>,
    /// Why, if the customer says so.
    pub reason: Option<Reason>,
    /// For whom, where staff opens it; a customer opens for nobody else.
    pub customer: Option<CustomerId>,
    /// How it arrived, where staff opens it.
    pub channel: Option<Channel>,
}

/// Opens a case.
///
/// # Errors
/// Refused: an unknown or foreign order or customer, an empty or over-long description.
pub async fn open(app: &App, actor: &Actor, new: NewCase, key: &str) -> Result<Model> {
    actor.require(Permission::OpenCase)?;
    let description = input::text(&new.description, &["input", "description"], input::LONG_TEXT)?;
    let (customer, channel) = on_behalf(actor, &new)?;
    let now = app.clock.now();
    let id = CaseId::new(now);
    let data_type = super::correspondence(Some(new.kind), new.order.is_some());
    let unit = messages::unit(app, id, customer, data_type, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseOpen", key, &new).await? {
        Outcome::Replay(ids) => return super::get(&tx, actor, CaseId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "customers", customer.0).await?;
    let not_found = |field| Error::from(Refusal::at(Code::NotFound, field));
    let known = customers::visible_to(actor).filter(entity::customers::Column::Id.eq(customer)).one(&tx).await?;
    known.ok_or_else(|| not_found(&["input", "customerId"]))?;
    let mut product_group = None;
    if let Some(order) = new.order {
        let found = orders::Entity::find_by_id(order).one(&tx).await?;
        found
            .filter(|o| o.customer_id == customer && o.erased_at.is_none())
            .ok_or_else(|| not_found(&["input", "orderId"]))?;
        let first = order_lines::Entity::find()
            .filter(order_lines::Column::OrderId.eq(order))
            .order_by_asc(order_lines::Column::Position);
        product_group = first.one(&tx).await?.map(|line| line.product_group);
    }
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(customer),
        order_id: Set(new.order),
        number: Set(Some(number(id, calendar::day_of(now)))),
        kind: Set(Some(new.kind)),
        channel: Set(Some(channel)),
        state: Set(State::Received),
        reason: Set(new.reason),
        outcome: Set(None),
        legal_basis: Set(None),
        product_group: Set(product_group),
        waiting_for: Set(Some(WaitingFor::Shop)),
        asked_for: Set(None),
        assigned_to: Set(None),
        reexamined_by: Set(None),
        merged_into: Set(None),
        notified_at: Set(None),
        notified_by: Set(None),
        reopenings: Set(0),
        opened_at: Set(Some(now)),
        decided_at: Set(None),
        decided_by: Set(None),
        closed_at: Set(None),
        version: Set(1),
        start_at: Set(None),
        not_before: Set(None),
        erased_at: Set(None),
    };
    let row = row.insert(&tx).await?;
    super::machine::record(&tx, actor, id, 1, None, State::Received, now).await?;
    messages::insert(&tx, actor, id, &unit, data_type, Form::Request, &description, now).await?;
    letters::acknowledge(app, &tx, &row, &unit, now).await?;
    starts::case_opened(&tx, customer, new.order).await?;
    for rule in [RuleId::FirstResponse, RuleId::Review] {
        timers::start(app, &tx, id, None, rule, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "kind": new.kind.code(), "channel": channel.code() });
    audit::record(&tx, now, actor, "case.open", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

fn on_behalf(actor: &Actor, new: &NewCase) -> Result<(CustomerId, Channel)> {
    if let Actor::Customer(own) = actor {
        if new.customer.is_some_and(|other| other != *own) {
            return Err(Refusal::at(Code::NotFound, &["input", "customerId"]).into());
        }
        if new.channel.is_some_and(|channel| channel != Channel::Portal) {
            return Err(Refusal::at(Code::Invalid, &["input", "channel"]).with("expected", "PORTAL").into());
        }
        return Ok((*own, Channel::Portal));
    }
    let customer = new.customer.ok_or_else(|| Refusal::at(Code::Required, &["input", "customerId"]))?;
    let channel = new.channel.ok_or_else(|| Refusal::at(Code::Required, &["input", "channel"]))?;
    Ok((customer, channel))
}

/// A number that people can read out: the year and seven letters and digits from the random end of the id, without
/// those that are mistaken for each other (Crockford's base 32).
fn number(id: CaseId, day: chrono::NaiveDate) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut random = id.0.as_u128();
    let mut tail = String::new();
    for _ in 0..7 {
        tail.push(char::from(ALPHABET[(random & 31) as usize]));
        random >>= 5;
    }
    format!("AS-{}-{tail}", day.format("%Y"))
}

/// Whether a case of this number exists for the actor.
///
/// # Errors
/// The database cannot be read.
pub async fn by_number(app: &App, actor: &Actor, number: &str) -> Result<Model> {
    let number = number.trim();
    if number.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(Error::NotFound);
    }
    let rows = super::visible_to(actor).filter(entity::cases::Column::Number.eq(number.to_uppercase()));
    let found: Option<<Entity as sea_orm::EntityTrait>::Model> = rows.one(app.db.read()).await?;
    found.ok_or(Error::NotFound)
}
