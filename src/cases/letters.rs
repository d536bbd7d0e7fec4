//! What the shop writes to a customer: a message of the case and the mail that carries it, in the transaction of what it
//! is about.

use chrono::{DateTime, Utc};
use entity::cases::{Kind, Model};
use entity::codes::Locale;
use entity::customers;
use entity::ids::MailId;
use entity::messages::{self, Form};
use sea_orm::{DatabaseTransaction, EntityTrait as _};

use super::checklist::{self, Known};
use super::words;
use crate::auth::Actor;
use crate::error::{Language, Result};
use crate::keys::Unit;
use crate::mail::letter::{Acknowledgement, Content, Letter, Message};
use crate::mail::{queue, recipient_of};
use crate::policy::words::Words;
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

/// Writes a message of a case, sealed with [`unit`], and mails it: as `content`, where there is a template for it, else
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

/// Acknowledges a request: what happens next, and what would help (S21, S22). A withdrawal has a receipt of its own.
///
/// # Errors
/// The database fails.
pub async fn acknowledge(
    app: &App,
    tx: &DatabaseTransaction,
    case: &Model,
    unit: &Unit,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(kind) = case.kind.filter(|kind| *kind != Kind::Withdrawal) else { return Ok(()) };
    let language = language(tx, case).await?;
    let said = |w: Words| w.said(language).to_owned();
    let content = Content::Acknowledgement(Acknowledgement {
        kind_label: said(words::kind(kind)),
        received_at: now,
        next_steps: words::NEXT_STEPS.iter().copied().map(said).collect(),
        needed: checklist::missing(case, Known::default()).into_iter().map(|fact| said(fact.words())).collect(),
    });
    mail(app, tx, case, unit, content, now).await?;
    Ok(())
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
    let Some(customer) = customers::Entity::find_by_id(case.customer_id).one(tx).await? else { return Ok(None) };
    let Some((recipient, name)) = recipient_of(app, &customer).await? else { return Ok(None) };
    let letter = Letter {
        content,
        locale: customer.locale.unwrap_or(Locale::De),
        recipient,
        name,
        case: Some(case.id),
        customer: case.customer_id,
        data_type: super::correspondence(case.kind, case.order_id.is_some()),
        number: case.number.clone(),
        link: None,
    };
    Ok(Some(queue(app, tx, unit, letter, now).await?))
}
