//! What the shop writes to a customer: a message of the case and the mail that carries it, in the transaction of what it
//! is about.

use chrono::{DateTime, Utc};
use entity::cases::Model;
use entity::codes::Locale;
use entity::customers;
use entity::ids::{CustomerId, MailId};
use entity::messages::{self, Form};
use sea_orm::{DatabaseTransaction, EntityTrait as _};

use super::post::{self, Addressee};
use crate::auth::Actor;
use crate::error::{Language, Result};
use crate::keys::Unit;
use crate::mail::letter::{Content, Message};
use crate::mail::{queue, recipient_of};
use crate::state::App;

/// The unit that seals what is written on a case now; before the transaction, because keys come before rows.
///
/// # Errors
/// The key store fails.
pub async fn unit(app: &App, case: &Model, now: DateTime<Utc>) -> Result<Unit> {
    let data_type = super::correspondence(case.kind, case.order_id.is_some());
    super::messages::unit(app, case.id, case.customer_id, data_type, now).await
}

/// The language that a customer is written to in.
///
/// # Errors
/// The database cannot be read.
pub async fn language(tx: &DatabaseTransaction, case: &Model) -> Result<Language> {
    let customer = customers::Entity::find_by_id(case.customer_id).one(tx).await?;
    Ok(match customer.and_then(|c| c.locale) {
        Some(Locale::En) => Language::En,
        _ => Language::De,
    })
}

/// Writes a message of a case, sealed with [`unit()`], and mails it: as `content`, where there is a template for it, else
/// as it is. What the customer wrote, a note and a call are not mailed.
///
/// # Errors
/// The database fails.
pub async fn tell(
    app: &App,
    tx: &DatabaseTransaction,
    actor: &Actor,
    (case, unit): (&Model, &Unit),
    (form, body, content): (Form, &str, Option<Content>),
    now: DateTime<Utc>,
) -> Result<messages::Model> {
    let data_type = super::correspondence(case.kind, case.order_id.is_some());
    let message = super::messages::insert(tx, actor, case.id, unit, data_type, form, body, now).await?;
    let mailed = actor.customer().is_none() && !matches!(form, Form::InternalNote | Form::Call | Form::Objection);
    if mailed {
        let content = content.unwrap_or_else(|| Content::Message(Message { body: body.to_owned() }));
        mail(app, tx, case, unit, content, now).await?;
    }
    Ok(message)
}

/// Whom a letter to a customer goes to; nobody once the contact record has gone.
///
/// # Errors
/// A store cannot be read.
pub(super) async fn addressee(app: &App, tx: &DatabaseTransaction, customer: CustomerId) -> Result<Option<Addressee>> {
    let Some(row) = customers::Entity::find_by_id(customer).one(tx).await? else { return Ok(None) };
    let locale = row.locale.unwrap_or(Locale::De);
    Ok(recipient_of(app, &row).await?.map(|(email, name)| Addressee { email, name, locale }))
}

/// Queues a mail to the customer of a case; none where the contact record has gone.
///
/// # Errors
/// The database fails.
pub async fn mail(
    app: &App,
    tx: &DatabaseTransaction,
    case: &Model,
    unit: &Unit,
    content: Content,
    now: DateTime<Utc>,
) -> Result<Option<MailId>> {
    let Some(to) = addressee(app, tx, case.customer_id).await? else { return Ok(None) };
    let data_type = super::correspondence(case.kind, case.order_id.is_some());
    let letter = post::letter(case, &to, data_type, content);
    Ok(Some(queue(app, tx, unit, letter, now).await?))
}
