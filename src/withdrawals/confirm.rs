//! The second step: what was shown is declared. It is received at this instant (BGB § 355(1)), and is never refused for
//! being late, unmatched or without a reason.

use entity::cases::{self, Channel};
use entity::ids::CustomerId;
use entity::orders;
use entity::withdrawals::Entity;
use sea_orm::{DatabaseTransaction, EntityTrait as _};

use super::draft::{self, Draft};
use super::{Declared, Received, receive};
use crate::auth::Actor;
use crate::cases::post::Addressee;
use crate::customers::{self, Contact};
use crate::db;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::state::App;

/// Declares what was prepared. One token is one statement: sent again, under whatever key, it answers the same.
///
/// # Errors
/// Refused: a token that is forged, or whose hour is over before it was confirmed.
pub async fn confirm(app: &App, actor: &Actor, token: &str, key: &str) -> Result<Received> {
    let now = app.clock.now();
    let invalid = || Error::from(Refusal::at(Code::LinkInvalid, &["input", "token"]));
    let draft = draft::open(app, token);
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "withdrawalConfirm", key, &token).await? {
        Outcome::Replay(_) => {
            let draft = draft.ok_or_else(invalid)?;
            return stored(&tx, &draft).await?.ok_or(Error::NotFound);
        }
        Outcome::First(claim) => claim,
    };
    let draft = draft.ok_or_else(invalid)?;
    let customer = customer(app, &tx, &draft).await?;
    // Under the person's lock: of two who confirm at once the second finds what the first has stored.
    if let Some(received) = stored(&tx, &draft).await? {
        return Ok(received);
    }
    if draft.until <= now {
        return Err(invalid());
    }
    // One order is chosen by whoever has it, and may have been erased since.
    let chosen = match draft.order {
        Some(id) => orders::Entity::find_by_id(id).one(&tx).await?,
        None => None,
    };
    let order = match chosen.filter(|order| order.customer_id == customer && order.erased_at.is_none()) {
        Some(order) => Some(order),
        None => customers::order_named(app, &tx, &draft.contract, customer).await?,
    };
    let order = order.map(|order| order.id);
    let to = Addressee { email: draft.receipt_to.clone(), name: None, locale: draft.locale };
    let new = Declared {
        id: draft.id,
        customer,
        order,
        name: &draft.name,
        contract: &draft.contract,
        statement: &draft.statement,
        receipt_to: Some(&to),
        channel: if draft.customer.is_some() { Channel::Portal } else { Channel::WebForm },
        received_at: now,
        dispatched_at: None,
    };
    let received = receive(app, &tx, actor, new, now).await?;
    claim.done(&tx, now, &[draft.id.0], Some(customer)).await?;
    tx.commit().await?;
    Ok(received)
}

/// Who declares it, locked: who was signed in when it was prepared, else the person of the address for the receipt.
async fn customer(app: &App, tx: &DatabaseTransaction, draft: &Draft) -> Result<CustomerId> {
    if let Some(id) = draft.customer {
        db::lock(tx, "customers", id.0).await?;
        let row = entity::customers::Entity::find_by_id(id).one(tx).await?;
        if row.is_some_and(|c| c.erased_at.is_none()) {
            return Ok(id);
        }
    }
    let contact = Contact {
        email: draft.receipt_to.clone(),
        name: draft.name.clone(),
        phone: None,
        address: None,
        locale: draft.locale,
    };
    customers::meet(app, tx, &contact, app.clock.now()).await
}

async fn stored(tx: &DatabaseTransaction, draft: &Draft) -> Result<Option<Received>> {
    let Some(statement) = Entity::find_by_id(draft.id).one(tx).await? else { return Ok(None) };
    let Some(case) = statement.case_id else { return Ok(None) };
    let case = cases::Entity::find_by_id(case).one(tx).await?;
    Ok(case.map(|case| Received { statement, case }))
}
