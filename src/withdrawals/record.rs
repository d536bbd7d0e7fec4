//! A statement that came by telephone, letter or e-mail, written down by staff (S16). It needs no form and no reason.

use chrono::{DateTime, Utc};
use entity::cases::{self, Channel};
use entity::codes::Locale;
use entity::ids::{CustomerId, OrderId, WithdrawalId};
use entity::withdrawals::Entity;
use entity::{customers, orders};
use sea_orm::EntityTrait as _;
use serde::Serialize;

use super::{Declared, Received, receive};
use crate::auth::{Actor, Permission};
use crate::cases::post::Addressee;
use crate::customers::{self as people, Contact};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::state::App;
use crate::{db, input, mail};

/// A statement as staff writes it down.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Who declares it, where the person is known.
    pub customer: Option<CustomerId>,
    /// Name, where not known.
    pub name: Option<String>,
    /// E-mail address, where not known; the receipt goes there.
    pub email: Option<String>,
    /// What identifies the contract, in the consumer's words.
    pub contract: String,
    /// The order, where it is known.
    pub order: Option<OrderId>,
    /// What was said or written.
    pub statement: String,
    /// How it came.
    pub channel: Channel,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When it was sent: that it was sent in time suffices (BGB § 355(1) sentence 5).
    pub dispatched_at: Option<DateTime<Utc>>,
    /// Language of the receipt.
    pub locale: Locale,
}

/// Records a statement.
///
/// # Errors
/// Refused: nobody named, an unknown customer or order, an instant that cannot be, a channel on which nobody writes down.
pub async fn record(app: &App, actor: &Actor, new: Recorded, key: &str) -> Result<Received> {
    actor.require(Permission::Decide)?;
    let now = app.clock.now();
    let statement = input::text(&new.statement, &["input", "statement"], input::LONG_TEXT)?;
    let contract = input::identifier(&new.contract, &["input", "contract"], input::SHORT_TEXT)?;
    input::instant(new.received_at, &["input", "receivedAt"], now)?;
    if let Some(at) = new.dispatched_at {
        input::instant(at, &["input", "dispatchedAt"], new.received_at)?;
    }
    if !matches!(new.channel, Channel::Phone | Channel::Email | Channel::Letter) {
        return Err(Refusal::at(Code::Invalid, &["input", "channel"]).with("expected", "PHONE, EMAIL, LETTER").into());
    }
    let contact = contact(&new)?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "withdrawalRecord", key, &new).await? {
        Outcome::Replay(ids) => {
            let id = WithdrawalId(*ids.first().ok_or(Error::NotFound)?);
            let statement = Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound)?;
            let case = statement.case_id.ok_or(Error::NotFound)?;
            let case = cases::Entity::find_by_id(case).one(&tx).await?.ok_or(Error::NotFound)?;
            return Ok(Received { statement, case });
        }
        Outcome::First(claim) => claim,
    };
    let not_found = |field| Error::from(Refusal::at(Code::NotFound, field));
    let customer = match (new.customer, &contact) {
        (Some(id), _) => id,
        (None, Some(contact)) => people::meet(app, &tx, contact, now).await?,
        (None, None) => return Err(Refusal::at(Code::Required, &["input", "email"]).into()),
    };
    db::lock(&tx, "customers", customer.0).await?;
    // A withdrawal is effective whether or not the person's data is restricted (GDPR Art. 18(2)).
    let row = customers::Entity::find_by_id(customer).one(&tx).await?.filter(|row| row.erased_at.is_none());
    let row = row.ok_or_else(|| not_found(&["input", "customerId"]))?;
    let order = match new.order {
        Some(order) => {
            let found = orders::Entity::find_by_id(order).one(&tx).await?;
            let own = found.filter(|o| o.customer_id == customer && o.erased_at.is_none());
            Some(own.ok_or_else(|| not_found(&["input", "orderId"]))?.id)
        }
        None => people::order_named(app, &tx, &contract, customer).await?.map(|o| o.id),
    };
    let known = mail::recipient_of(app, &row).await?;
    let (email, name) = match contact {
        Some(contact) => (Some(contact.email), Some(contact.name)),
        None => known.map_or((None, None), |(email, name)| (Some(email), name)),
    };
    let locale = row.locale.unwrap_or(new.locale);
    let to = email.map(|email| Addressee { email, name: name.clone(), locale });
    let declared = Declared {
        id: WithdrawalId::new(now),
        customer,
        order,
        name: name.as_deref().unwrap_or_default(),
        contract: &contract,
        statement: &statement,
        receipt_to: to.as_ref(),
        channel: new.channel,
        received_at: new.received_at,
        dispatched_at: new.dispatched_at,
    };
    let received = receive(app, &tx, actor, declared, now).await?;
    claim.done(&tx, now, &[received.statement.id.0], Some(customer)).await?;
    tx.commit().await?;
    Ok(received)
}

fn contact(new: &Recorded) -> Result<Option<Contact>> {
    let (None, Some(email)) = (new.customer, &new.email) else { return Ok(None) };
    let name = new.name.as_deref().unwrap_or_default();
    Ok(Some(Contact {
        email: input::email(email, &["input", "email"])?,
        name: input::text(name, &["input", "name"], input::SHORT_TEXT)?,
        phone: None,
        address: None,
        locale: new.locale,
    }))
}
