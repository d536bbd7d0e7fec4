//! The web form: a request by somebody without an account (S15, S19). It tells nobody what exists: who is known is met by
//! e-mail address and neither changed nor shown, and an order is attached only where number and address belong together.

use chrono::TimeDelta;
use entity::cases::{self, Channel, Kind, Model};
use entity::codes::Locale;
use entity::ids::CaseId;
use sea_orm::EntityTrait as _;
use serde::Serialize;

use super::open::{self, Request};
use super::post::{self, Addressee};
use super::{correspondence, messages, words};
use crate::auth::Actor;
use crate::customers::{self, Contact};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::input;
use crate::limits::evenly;
use crate::state::App;

/// Most requests by one address in a day.
const MOST_A_DAY: u32 = 10;

/// A request as it is entered.
#[derive(Clone, Debug, Serialize)]
pub struct Submission {
    /// What is wanted.
    pub kind: Kind,
    /// The problem, in the sender's words.
    pub description: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Order number, as the sender knows it.
    pub order_number: Option<String>,
    /// Language of the acknowledgement.
    pub locale: Locale,
}

/// Takes a request in and acknowledges it.
///
/// # Errors
/// Refused: an empty or over-long field, an address that is none, a withdrawal, which has a function of its own, more
/// requests than anybody makes in a day.
pub async fn submit(app: &App, actor: &Actor, new: Submission, key: &str) -> Result<Model> {
    let description = input::text(&new.description, &["input", "description"], input::LONG_TEXT)?;
    let name = input::text(&new.name, &["input", "name"], input::SHORT_TEXT)?;
    let email = input::email(&new.email, &["input", "email"])?;
    let number = input::optional_identifier(new.order_number.as_deref(), &["input", "orderNumber"], 80)?;
    super::open::refuse_withdrawal(new.kind)?;
    let contact = Contact { email, name, phone: None, address: None, locale: new.locale };
    evenly(take(app, actor, &new, contact, (description, number), key)).await
}

async fn take(
    app: &App,
    actor: &Actor,
    new: &Submission,
    contact: Contact,
    (description, number): (String, Option<String>),
    key: &str,
) -> Result<Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseSubmit", key, new).await? {
        Outcome::Replay(ids) => {
            let id = CaseId(*ids.first().ok_or(Error::NotFound)?);
            return cases::Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound);
        }
        Outcome::First(claim) => claim,
    };
    let hash = app.keys.keyed_hash("requests by", contact.email.to_lowercase().as_bytes());
    if !app.limits.allow(hash, MOST_A_DAY, TimeDelta::days(1), now) {
        return Err(Refusal::at(Code::TooLarge, &["input", "email"]).with("maximum", MOST_A_DAY).into());
    }
    let customer = customers::meet(app, &tx, &contact, now).await?;
    let order = match &number {
        Some(number) => customers::order_named(app, &tx, number, customer).await?.map(|o| o.id),
        None => None,
    };
    // What fits nothing is kept in the sender's words, for a person to look at.
    let text = match number.filter(|_| order.is_none()) {
        Some(number) => format!("{description}\n\n{} {number}", words::NAMED.said(post::language(new.locale))),
        None => description,
    };
    let id = CaseId::new(now);
    let data_type = correspondence(Some(new.kind), order.is_some());
    let unit = messages::unit(app, id, customer, data_type, now).await?;
    let channel = Channel::WebForm;
    let request = Request { id, customer, order, kind: new.kind, reason: None, channel, text: &text };
    let case = open::insert(app, &tx, actor, request, &unit, now).await?;
    let to = Addressee { email: contact.email.clone(), name: None, locale: new.locale };
    post::acknowledge(app, &tx, &case, &unit, &to, now).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    tx.commit().await?;
    Ok(case)
}
