//! Intake: a case is opened by the customer, or by staff for a customer who called or wrote (S15, S16, S19).

use chrono::{DateTime, Utc};
use entity::cases::{ActiveModel, Channel, Entity, Kind, Model, Reason, State, WaitingFor};
use entity::ids::{CaseId, CustomerId, OrderId};
use entity::messages::Form;
use entity::{order_lines, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::{letters, messages, post, timers};
use crate::auth::{Actor, Permission, Scope};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::Unit;
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
/// Refused: an unknown or foreign order or customer, an empty or over-long description, a withdrawal, which has a function of
/// its own.
pub async fn open(app: &App, actor: &Actor, new: NewCase, key: &str) -> Result<Model> {
    actor.require(Permission::OpenCase)?;
    let description = input::text(&new.description, &["input", "description"], input::LONG_TEXT)?;
    refuse_withdrawal(new.kind)?;
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
    if let Some(order) = new.order {
        let found = orders::Entity::find_by_id(order).one(&tx).await?;
        found
            .filter(|o| o.customer_id == customer && o.erased_at.is_none())
            .ok_or_else(|| not_found(&["input", "orderId"]))?;
    }
    let request =
        Request { id, customer, order: new.order, kind: new.kind, reason: new.reason, channel, text: &description };
    let row = insert(app, &tx, actor, request, &unit, now).await?;
    if let Some(to) = letters::addressee(app, &tx, customer).await? {
        post::acknowledge(app, &tx, &row, &unit, &to, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    tx.commit().await?;
    Ok(row)
}

/// A withdrawal is declared with its statement, receipt and period, not just opened (BGB § 356a).
pub(super) fn refuse_withdrawal(kind: Kind) -> Result<()> {
    match kind {
        Kind::Withdrawal => {
            let refusal = Refusal::at(Code::Invalid, &["input", "kind"]);
            Err(refusal.with("expected", "withdrawalPrepare").into())
        }
        _ => Ok(()),
    }
}

/// A request as it becomes a case. Customer and order have been checked, the customer is locked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// The id of the case, which owns the key of what is written.
    pub id: CaseId,
    /// Whose.
    pub customer: CustomerId,
    /// The order it is about, the customer's own.
    pub order: Option<OrderId>,
    /// What is wanted.
    pub kind: Kind,
    /// Why.
    pub reason: Option<Reason>,
    /// How it arrived.
    pub channel: Channel,
    /// The request in words.
    pub text: &'a str,
}

/// Writes a new case with its request, starts what runs from its opening, and audits it. `unit` is the one of
/// [`super::correspondence`].
///
/// # Errors
/// The database fails.
pub(crate) async fn insert(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    request: Request<'_>,
    unit: &Unit,
    now: DateTime<Utc>,
) -> Result<Model> {
    let Request { id, customer, order, kind, reason, channel, text } = request;
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(customer),
        order_id: Set(order),
        number: Set(Some(number("AS", id.0, calendar::day_of(now)))),
        kind: Set(Some(kind)),
        channel: Set(Some(channel)),
        state: Set(State::Received),
        reason: Set(reason),
        outcome: Set(None),
        legal_basis: Set(None),
        product_group: Set(match order {
            Some(order) => product_group(tx, order).await?,
            None => None,
        }),
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
        first_response: Set(None),
        review: Set(None),
        refunded_minor: Set(None),
        version: Set(1),
        start_at: Set(None),
        not_before: Set(None),
        archived_at: Set(None),
        erased_at: Set(None),
    };
    let row = row.insert(tx).await?;
    super::machine::record(tx, actor, id, 1, None, State::Received, now).await?;
    let data_type = super::correspondence(Some(kind), order.is_some());
    messages::insert(tx, actor, id, unit, data_type, Form::Request, text, now).await?;
    starts::case_opened(tx, customer, order).await?;
    for rule in [RuleId::FirstResponse, RuleId::Review] {
        timers::start(app, tx, id, None, rule, now).await?;
    }
    let details = json!({ "kind": kind.code(), "channel": channel.code() });
    audit::record(tx, now, actor, "case.open", ("cases", Some(id.0)), details).await?;
    Ok(row)
}

/// The product group of the first line of an order.
///
/// # Errors
/// The database fails.
pub(crate) async fn product_group(tx: &DatabaseTransaction, order: OrderId) -> Result<Option<String>> {
    let lines = order_lines::Entity::find().filter(order_lines::Column::OrderId.eq(order));
    let first = lines.order_by_asc(order_lines::Column::Position).one(tx).await?;
    Ok(first.map(|line| line.product_group))
}

fn on_behalf(actor: &Actor, new: &NewCase) -> Result<(CustomerId, Channel)> {
    if let Some(own) = actor.customer() {
        if let Actor::Guest(guest) = actor
            && (new.order.is_none() || new.order.map(Scope::Order) != Some(guest.scope))
        {
            return Err(Refusal::at(Code::NotFound, &["input", "orderId"]).into());
        }
        if new.customer.is_some_and(|other| other != own) {
            return Err(Refusal::at(Code::NotFound, &["input", "customerId"]).into());
        }
        if new.channel.is_some_and(|channel| channel != Channel::Portal) {
            return Err(Refusal::at(Code::Invalid, &["input", "channel"]).with("expected", "PORTAL").into());
        }
        return Ok((own, Channel::Portal));
    }
    let customer = new.customer.ok_or_else(|| Refusal::at(Code::Required, &["input", "customerId"]))?;
    let channel = new.channel.ok_or_else(|| Refusal::at(Code::Required, &["input", "channel"]))?;
    Ok((customer, channel))
}

/// A number that people can read out: the year and seven letters and digits from the random end of the id, without
/// those that are mistaken for each other (Crockford's base 32).
pub(crate) fn number(prefix: &str, id: uuid::Uuid, day: chrono::NaiveDate) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut random = id.as_u128();
    let mut tail = String::new();
    for _ in 0..7 {
        tail.push(char::from(ALPHABET[(random & 31) as usize]));
        random >>= 5;
    }
    format!("{prefix}-{}-{tail}", day.format("%Y"))
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
