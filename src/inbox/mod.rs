//! E-mail that comes in (F45): kept as it came, sealed, for thirty days; what it says becomes part of a case.
//!
//! Everything in a mail is its sender's claim. A token in the address or an answer to a letter of ours leads to its case;
//! a case number in the subject only together with the address of that case's customer. Whoever else writes gets a case
//! of their own, of the kind ORDER_ADVICE: the one that presumes no claim, and that staff answers first.

mod file;
mod sign;
mod thread;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CaseId, CustomerId, InboundMailId};
use entity::inbound_mails::{ActiveModel, Column, Entity, Model, State};
use entity::{mails, suppressions, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde_json::json;

use crate::audit;
use crate::auth::Actor;
use crate::cases::{self, tasks as filing};
use crate::error::Result;
use crate::evidence::keep::{self, Kept};
use crate::keys::UnitOf;
use crate::mail::inbound::{Inbound, Kind, parse};
use crate::mail::mark_bounced;
use crate::state::App;

pub use sign::{Refused, check, is_of_now};

/// Largest mail that is taken, in bytes.
pub const LARGEST: usize = 35 << 20;

/// Takes a mail in. The same mail comes once: delivered again, it answers what became of it.
///
/// # Errors
/// A store fails; nothing has been filed, and the gateway delivers again.
pub async fn deliver(app: &App, raw: Vec<u8>) -> Result<State> {
    let (raw, parsed) = tokio::task::spawn_blocking(move || {
        let parsed = parse(&raw);
        (raw, parsed)
    })
    .await
    .map_err(|e| anyhow::anyhow!("reading a mail died: {e}"))?;
    let identity = match &parsed {
        Ok(Inbound { message_id: Some(id), from, .. }) => format!("{from}\n{id}").into_bytes(),
        _ => raw.clone(),
    };
    let key = app.keys.keyed_hash("inbound mail", &identity);
    if let Some(known) = Entity::find().filter(Column::DedupKey.eq(key.clone())).one(app.db.read()).await? {
        return Ok(known.state);
    }
    let erased = suppressions::Entity::find().filter(suppressions::Column::Hash.eq(key.clone()));
    if erased.one(app.db.read()).await?.is_some() {
        // It had been filed, and was erased with its person since.
        return Ok(State::Filed);
    }
    let raw = Raw { key, bytes: raw };
    match parsed {
        Ok(mail) => match &mail.kind {
            Kind::Message => file::person(app, raw, &mail).await,
            Kind::AutoReply => {
                // Never opens a case, and is never answered: two robots must not write to each other.
                let case = thread::find(app, &mail).await?;
                keep_only(app, raw, State::Automatic, case.map(|c| (c.id, c.customer_id)), None).await
            }
            Kind::Bounce(bounce) => {
                let mut case = None;
                if let Some(id) = bounce.original_message_id.as_deref().filter(|_| bounce.permanent) {
                    mark_bounced(app, id).await?;
                    case = bounced(app, id).await?;
                }
                keep_only(app, raw, State::Bounce, case, Some(tasks::Kind::MailBounced)).await
            }
        },
        Err(reason) => {
            tracing::warn!(%reason, "a mail that came in cannot be read; it is kept for thirty days");
            keep_only(app, raw, State::Unreadable, None, None).await
        }
    }
}

/// A mail as it came.
struct Raw {
    key: Vec<u8>,
    bytes: Vec<u8>,
}

/// A mail in the blob store, whose row has yet to be written.
struct Stored {
    id: InboundMailId,
    unit: entity::ids::UnitId,
    key: Vec<u8>,
    kept: Kept,
}

/// Seals a mail. Each has a key of its own, which goes with it.
async fn store(app: &App, raw: Raw, customer: Option<CustomerId>, now: DateTime<Utc>) -> Result<Stored> {
    let id = InboundMailId::new(now);
    let unit = UnitOf { owner: id.0, data_type: DataType::R29, year: 0, subject: customer.map(|c| c.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let kept = keep::seal(app, &unit.key, &binding(id), &raw.bytes).await?;
    Ok(Stored { id, unit: unit.id, key: raw.key, kept })
}

/// What the sealed bytes of a mail are bound to.
#[must_use]
pub fn binding(id: InboundMailId) -> Vec<u8> {
    [b"inbound_mails\0".as_slice(), id.0.as_bytes()].concat()
}

/// The row of a mail; its thirty days begin now that it was read.
async fn insert(
    tx: &DatabaseTransaction,
    stored: &Stored,
    state: State,
    of: Option<(CaseId, CustomerId)>,
    now: DateTime<Utc>,
) -> Result<Model> {
    let row = ActiveModel {
        id: Set(stored.id),
        case_id: Set(of.map(|(case, _)| case)),
        customer_id: Set(of.map(|(_, customer)| customer)),
        unit_id: Set(Some(stored.unit)),
        state: Set(state),
        dedup_key: Set(stored.key.clone()),
        blob: Set(Some(stored.kept.blob.clone())),
        byte_size: Set(stored.kept.byte_size),
        received_at: Set(now),
        start_at: Set(Some(now)),
        not_before: Set(None),
    };
    let row = row.insert(tx).await?;
    let details = json!({ "state": state.code(), "case": row.case_id });
    audit::record(tx, now, &Actor::System, "mail.receive", ("inbound_mails", Some(row.id.0)), details).await?;
    Ok(row)
}

/// A mail that says nothing for a case: only kept, with a task where a case is concerned.
async fn keep_only(
    app: &App,
    raw: Raw,
    state: State,
    of: Option<(CaseId, CustomerId)>,
    task: Option<tasks::Kind>,
) -> Result<State> {
    let now = app.clock.now();
    let stored = store(app, raw, of.map(|(_, customer)| customer), now).await?;
    let done = async {
        let tx = app.db.begin().await?;
        if let Some((case, _)) = of {
            cases::lock(&tx, case).await?;
        }
        insert(&tx, &stored, state, of, now).await?;
        if let Some((kind, (case, _))) = task.zip(of) {
            filing::file(&tx, case, None, kind, now).await?;
        }
        Ok(tx)
    };
    match done.await {
        // An error of the commit may hide that it went through: the reaper takes what no row names.
        Ok(tx) => tx.commit().await?,
        Err(error) => {
            keep::discard(app, &stored.kept).await;
            return Err(error);
        }
    }
    Ok(state)
}

/// The case of a letter of ours that came back.
async fn bounced(app: &App, message_id: &str) -> Result<Option<(CaseId, CustomerId)>> {
    let found = mails::Entity::find().filter(mails::Column::MessageId.eq(format!("<{message_id}>")));
    let mail = found.one(app.db.read()).await?;
    Ok(mail.and_then(|mail| mail.case_id.map(|case| (case, mail.customer_id))))
}
