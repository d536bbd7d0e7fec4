//! Access without an account (F2): order number and e-mail address lead to a link in the mailbox of the order, the link,
//! once, to a bearer token for the cases of that order.
//!
//! Whoever asks learns nothing: the answer, its status and its tick are the same whether the two belong together or not.
//! A link is opened once, so that what lies in a mailbox or a history is worth nothing; the bearer is renewed instead.

mod session;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use entity::codes::Locale;
use entity::ids::{CustomerId, OrderId, TokenId};
use entity::tokens::{self, Kind};
use entity::{DataType, cases, customers, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::auth::{Actor, Scope};
use crate::error::Result;
use crate::idempotency::{self, Outcome};
use crate::keys::UnitOf;
use crate::keys::lookup::Kind as Lookup;
use crate::limits::evenly;
use crate::mail::letter::GuestLink;
use crate::mail::{self, Content, Letter};
use crate::policy::calendar;
use crate::policy::words::{Words, words};
use crate::state::App;
use crate::{audit, db, input};

pub use session::{Session, redeem, renew, revoke};

/// How long a link waits to be opened.
pub const LINK_LASTS: TimeDelta = TimeDelta::minutes(30);
/// How long a guest's bearer token lasts before it is renewed.
pub const SESSION_LASTS: TimeDelta = TimeDelta::hours(24);
/// For how long after the link was asked for it can be renewed.
pub const RENEWABLE_FOR: TimeDelta = TimeDelta::days(30);
/// Most links per order number and per e-mail address in an hour.
const MOST_LINKS: u32 = 5;

/// What everybody is told who asks for a link.
pub const ANSWER: Words = words(
    "Wenn die Angaben zusammengehören, haben wir soeben einen Link an die E-Mail-Adresse der Bestellung gesandt.",
    "If the two belong together, a link is on its way to the e-mail address of the order.",
);

/// Who asks to be let in.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Number of the order, or of a case.
    pub number: String,
    /// E-mail address.
    pub email: String,
}

/// Sends a link to the address if the two belong together. The answer is the same in any case, [`ANSWER`].
///
/// # Errors
/// Refused: an empty number, an address that is none.
pub async fn request(app: &App, asked: Request, key: &str) -> Result<()> {
    let number = input::identifier(&asked.number, &["input", "orderNumber"], 80)?;
    let email = input::email(&asked.email, &["input", "email"])?;
    evenly(look(app, &asked, &number, &email, key)).await
}

async fn look(app: &App, asked: &Request, number: &str, email: &str, key: &str) -> Result<()> {
    let now = app.clock.now();
    let customer = CustomerId(app.keys.look_up(Lookup::Email, email).await?.unwrap_or_else(Uuid::nil));
    let order = OrderId(app.keys.look_up(Lookup::OrderNumber, number).await?.unwrap_or_else(Uuid::nil));
    let allowed = [("number", number), ("email", email)].map(|(what, text)| {
        let hash = app.keys.keyed_hash(&format!("guest link by {what}"), text.trim().to_lowercase().as_bytes());
        app.limits.allow(hash, MOST_LINKS, TimeDelta::hours(1), now)
    });
    let tx = app.db.begin().await?;
    let Outcome::First(claim) =
        idempotency::claim(app, &tx, &Actor::Anonymous, "guestAccessRequest", key, asked).await?
    else {
        return Ok(());
    };
    db::lock(&tx, "customers", customer.0).await?;
    let known = customers::Entity::find_by_id(customer).one(&tx).await?.filter(|c| c.erased_at.is_none());
    let scope = scope(&tx, customer, order, number).await?;
    let found = scope.zip(known).filter(|_| allowed == [true, true]);
    // Seen from outside, both ways look up, lock, write a letter out and commit.
    let locale = found.as_ref().and_then(|(_, c)| c.locale).unwrap_or(Locale::De);
    let whose = found.as_ref().map(|(_, c)| c.id);
    match found {
        Some((scope, customer)) => {
            let token = send(app, &tx, &customer, scope, (email, locale), now).await?;
            claim.done(&tx, now, &[token.0], whose).await?;
        }
        None => {
            let nobody = letter(CustomerId(Uuid::nil()), email, locale, String::new(), now);
            app.templates.render(&nobody, app.policies.at(now))?;
            claim.done(&tx, now, &[], None).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// How far the access goes, if number and person belong together: an order and its cases, or a case without an order.
async fn scope(tx: &DatabaseTransaction, customer: CustomerId, order: OrderId, number: &str) -> Result<Option<Scope>> {
    let order = orders::Entity::find_by_id(order).one(tx).await?;
    let case = cases::Entity::find()
        .filter(cases::Column::Number.eq(number.to_uppercase()))
        .filter(cases::Column::CustomerId.eq(customer));
    let case = case.one(tx).await?;
    let order = order.filter(|o| o.customer_id == customer && o.erased_at.is_none()).map(|o| Scope::Order(o.id));
    Ok(order.or(case.map(|c| c.order_id.map_or(Scope::Case(c.id), Scope::Order))))
}

async fn send(
    app: &App,
    tx: &DatabaseTransaction,
    customer: &customers::Model,
    scope: Scope,
    (email, locale): (&str, Locale),
    now: DateTime<Utc>,
) -> Result<TokenId> {
    let id = TokenId::new(now);
    let (order, case) = match scope {
        Scope::Order(order) => (Some(order), None),
        Scope::Case(case) => (None, Some(case)),
    };
    let token = tokens::ActiveModel {
        id: Set(id),
        customer_id: Set(customer.id),
        kind: Set(Kind::Guest),
        attachment_id: Set(None),
        order_id: Set(order),
        case_id: Set(case),
        created_at: Set(now),
        expires_at: Set(now + LINK_LASTS),
        revoked_at: Set(None),
        used_at: Set(None),
    };
    token.insert(tx).await?;
    let secret = app.signing.sign_link(&[b"G", id.0.as_bytes().as_slice()].concat());
    let page = app.config.guest_url.clone().unwrap_or_else(|| format!("{}/guest", app.base_url()));
    // Per person and year: each link is mere advice with a period of its own.
    let year = calendar::day_of(now).year();
    let unit = UnitOf { owner: customer.id.0, data_type: DataType::R06, year, subject: Some(customer.id.0) };
    let unit = app.keys.ensure(unit, now).await?;
    mail::queue(app, tx, &unit, letter(customer.id, email, locale, format!("{page}#{secret}"), now), now).await?;
    audit::record(tx, now, &Actor::Anonymous, "guest.link", ("tokens", Some(id.0)), json!({})).await?;
    Ok(id)
}

fn letter(customer: CustomerId, email: &str, locale: Locale, link: String, now: DateTime<Utc>) -> Letter {
    Letter {
        content: Content::GuestLink(GuestLink { link, until: now + LINK_LASTS }),
        locale,
        recipient: email.to_owned(),
        name: None,
        case: None,
        customer,
        data_type: DataType::R06,
        number: None,
        link: None,
    }
}
