//! The first step: the statement is put into words and shown. Nothing is stored; what is confirmed comes back with the
//! second step, sealed by this server.

use chrono::{DateTime, TimeDelta, Utc};
use entity::codes::Locale;
use entity::ids::{CustomerId, OrderId, WithdrawalId};
use entity::orders;
use serde::{Deserialize, Serialize};

use super::words;
use crate::auth::{Actor, Guest, Scope};
use crate::cases::post;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::{Personal, Place};
use crate::state::App;
use crate::{customers, input, mail, orders as order_room};

/// How long a prepared statement can be confirmed.
pub const LASTS: TimeDelta = TimeDelta::hours(1);

/// What a consumer enters. Who is signed in need not enter again what is known (BGB § 356a(2)).
#[derive(Clone, Debug)]
pub struct Prepare {
    /// Name.
    pub name: Option<String>,
    /// What identifies the contract, such as the order number, in the consumer's words.
    pub contract: Option<String>,
    /// The order, chosen by one who is signed in.
    pub order: Option<OrderId>,
    /// The e-mail address for the receipt.
    pub receipt_to: Option<String>,
    /// Which goods, if not all; and whatever else the consumer wants to say. Never needed.
    pub concerns: Option<String>,
    /// The language of the statement and its receipt.
    pub locale: Locale,
}

/// A statement ready to be confirmed.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Comes back with the confirmation.
    pub token: String,
    /// The statement in words.
    pub statement: String,
    /// Until when it can be confirmed.
    pub until: DateTime<Utc>,
}

/// What the token holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Draft {
    pub id: WithdrawalId,
    pub customer: Option<CustomerId>,
    pub order: Option<OrderId>,
    pub name: String,
    pub contract: String,
    pub receipt_to: String,
    pub statement: String,
    pub locale: Locale,
    pub until: DateTime<Utc>,
}

const PURPOSE: &[u8] = b"withdrawal draft v1";

/// Puts a statement into words. Stores nothing, and counts nothing: the function is available at any time (BGB § 356a(1)).
///
/// # Errors
/// Refused: no name, contract or address where none is known; an order that is not the caller's.
pub async fn prepare(app: &App, actor: &Actor, new: Prepare) -> Result<Prepared> {
    let now = app.clock.now();
    let order = order(app, actor, &new).await?;
    let known = known(app, actor).await?;
    let number = match &order {
        Some(order) => number(app, actor, order).await?,
        None => None,
    };
    let field = |name| move || Error::from(Refusal::at(Code::Required, name));
    let (email, named) = known.unzip();
    let name = input::optional(new.name.as_deref(), &["input", "name"], input::SHORT_TEXT)?;
    let name = name.or(named.flatten()).ok_or_else(field(&["input", "name"]))?;
    let contract = input::optional_identifier(new.contract.as_deref(), &["input", "contract"], input::SHORT_TEXT)?;
    let contract = contract.or(number).ok_or_else(field(&["input", "contract"]))?;
    let receipt_to = match &new.receipt_to {
        Some(address) => input::email(address, &["input", "receiptTo"])?,
        None => email.ok_or_else(field(&["input", "receiptTo"]))?,
    };
    let concerns = input::optional(new.concerns.as_deref(), &["input", "concerns"], input::LONG_TEXT / 2)?;
    let language = post::language(new.locale);
    let statement = words::statement(language, &name, &contract, &receipt_to, concerns.as_deref());
    let until = now + LASTS;
    let draft = Draft {
        id: WithdrawalId::new(now),
        customer: actor.customer(),
        order: order.map(|o| o.id),
        name,
        contract,
        receipt_to,
        statement,
        locale: new.locale,
        until,
    };
    let payload = serde_json::to_vec(&draft).map_err(|e| anyhow::anyhow!("a draft does not serialise: {e}"))?;
    Ok(Prepared { token: app.signing.seal(PURPOSE, &payload)?, statement: draft.statement, until })
}

/// The draft in a token of this server, whether its hour is over or not.
pub(super) fn open(app: &App, token: &str) -> Option<Draft> {
    serde_json::from_slice(&app.signing.unseal(PURPOSE, token)?).ok()
}

/// The order that one who is signed in chose; a guest's own, where none was chosen.
async fn order(app: &App, actor: &Actor, new: &Prepare) -> Result<Option<orders::Model>> {
    let chosen = match actor {
        Actor::Guest(Guest { scope: Scope::Order(order), .. }) => new.order.or(Some(*order)),
        _ => new.order,
    };
    let Some(id) = chosen else { return Ok(None) };
    let not_found = || Error::from(Refusal::at(Code::NotFound, &["input", "orderId"]));
    if actor.customer().is_none() {
        // Whose withdrawal it would be, only its own customer says; staff has withdrawalRecord.
        return Err(not_found());
    }
    match order_room::get(app, actor, id).await {
        Err(Error::NotFound) => Err(not_found()),
        found => Ok(Some(found?)),
    }
}

/// Address and name of one who has an account. A guest enters them: a link shows no contact data.
async fn known(app: &App, actor: &Actor) -> Result<Option<(String, Option<String>)>> {
    let Actor::Customer(id) = actor else { return Ok(None) };
    mail::recipient_of(app, &customers::get(app, actor, *id).await?).await
}

async fn number(app: &App, actor: &Actor, order: &orders::Model) -> Result<Option<String>> {
    let Some((unit, sealed)) = order.unit_id.zip(order.number.as_ref()) else { return Ok(None) };
    let keys = app.keys.load(&[unit], actor.purpose(), app.clock.now()).await?;
    let place = Place { table: "orders", column: "number", row: order.id.0 };
    Ok(keys.get(&unit).and_then(|key| key.open(place, sealed)).map(Personal::reveal))
}
