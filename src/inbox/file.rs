//! What a person writes becomes a message of a case; photos and videos become its attachments. Other files are named in
//! the message and stay in the mail, for a person to look at within thirty days.

use chrono::{DateTime, TimeDelta, Utc};
use entity::cases::{self, Channel, Kind, State as CaseState};
use entity::codes::Locale;
use entity::ids::{CaseId, CustomerId, uuid_at};
use entity::inbound_mails::State;
use entity::messages::Form;
use entity::{attachments, customers, tasks};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::{Raw, Stored, insert, store, thread};
use crate::auth::Actor;
use crate::cards;
use crate::cases::open::{self, Request};
use crate::cases::post::{self, Addressee};
use crate::cases::{correspondence, messages, object, tasks as filing, timers};
use crate::customers::{self as people, Contact};
use crate::error::{Error, Result};
use crate::evidence::keep::{self, File};
use crate::keys::lookup::Kind as Lookup;
use crate::mail::inbound::Inbound;
use crate::state::App;

/// Most attachments of a case, as for uploads.
const MOST_PER_CASE: u64 = 50;
/// Most acknowledgements to one address in a day.
const MOST_A_DAY: u32 = 10;

/// Files a mail that a person wrote.
pub(super) async fn person(app: &App, raw: Raw, mail: &Inbound) -> Result<State> {
    let now = app.clock.now();
    let case = thread::find(app, mail).await?;
    // Whose keys seal it: the customer of the case, else who writes.
    let customer = match &case {
        Some(case) => case.customer_id,
        None => CustomerId(people::allot(app, Lookup::Email, &mail.from, uuid_at(now), None).await?),
    };
    let stored = store(app, raw, Some(customer), now).await?;
    let (mut files, mut others) = (Vec::new(), Vec::new());
    let there = match &case {
        Some(case) => {
            let of_case = attachments::Entity::find().filter(attachments::Column::CaseId.eq(case.id));
            of_case.count(app.db.read()).await?
        }
        None => 0,
    };
    for file in &mail.attachments {
        let room = there + (files.len() as u64) < MOST_PER_CASE;
        let kept = match room {
            true => keep::keep(app, customer, file.name.as_deref(), &file.bytes, now).await?,
            false => None,
        };
        match kept {
            Some(kept) => files.push(kept),
            None => others.push(named(file.name.as_deref(), &file.media_type)),
        }
    }
    others.extend(mail.dropped.iter().map(|file| named(file.name.as_deref(), &file.media_type)));
    match write(app, mail, case, customer, &stored, (&files, &others), now).await {
        // An error of the commit may hide that it went through: the reaper takes what no row names.
        Ok(tx) => tx.commit().await?,
        Err(error) => {
            keep::discard(app, &stored.kept).await;
            for file in &files {
                keep::discard(app, &file.kept).await;
            }
            return Err(error);
        }
    }
    Ok(State::Filed)
}

fn named(name: Option<&str>, media_type: &str) -> String {
    name.map_or_else(|| media_type.to_owned(), |name| format!("{name} ({media_type})"))
}

/// The text of the message: a new case begins with the subject, files that stay in the mail are named at the end.
fn text(mail: &Inbound, with_subject: bool, others: &[String]) -> String {
    let subject = mail.subject.as_deref().filter(|_| with_subject);
    let body = Some(mail.text.as_str()).filter(|text| !text.is_empty());
    let files = (!others.is_empty()).then(|| format!("[Dateien in der E-Mail: {}]", others.join(", ")));
    let parts: Vec<&str> = subject.into_iter().chain(body).chain(files.as_deref()).collect();
    let text = if parts.is_empty() { "[E-Mail ohne Text]".to_owned() } else { parts.join("\n\n") };
    cards::mask(&text).into_owned()
}

async fn write(
    app: &App,
    mail: &Inbound,
    case: Option<cases::Model>,
    customer: CustomerId,
    stored: &Stored,
    (files, others): (&[File], &[String]),
    now: DateTime<Utc>,
) -> Result<DatabaseTransaction> {
    let tx = app.db.begin().await?;
    let is_new = case.is_none();
    let body = text(mail, is_new, others);
    let sender = app.keys.look_up(Lookup::Email, &mail.from).await?;
    let (case, by) = match case {
        Some(case) => {
            let known = sender == Some(customer.0);
            // Who has the address of a case may write to it; who it is, only the customer's own address says.
            let by = if known { Actor::Customer(customer) } else { Actor::Anonymous };
            let case = answer(app, &tx, &by, case.id, &body, now).await?;
            if !known {
                filing::file(&tx, case.id, None, tasks::Kind::ReadMail, now).await?;
            }
            (case, by)
        }
        None => (begin(app, &tx, mail, customer, &body, now).await?, Actor::Anonymous),
    };
    if !others.is_empty() {
        filing::file(&tx, case.id, None, tasks::Kind::ReadMail, now).await?;
    }
    for file in files {
        keep::insert(&tx, by.kind(), case.id, file, now).await?;
    }
    insert(&tx, stored, State::Filed, Some((case.id, customer)), now).await?;
    Ok(tx)
}

/// A message of a case that is there. An open one gets a reply; one whose result was told is taken up again.
async fn answer(
    app: &App,
    tx: &DatabaseTransaction,
    by: &Actor,
    id: CaseId,
    body: &str,
    now: DateTime<Utc>,
) -> Result<cases::Model> {
    crate::cases::lock(tx, id).await?;
    let case = cases::Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound)?;
    let data_type = correspondence(case.kind, case.order_id.is_some());
    let unit = messages::unit(app, id, case.customer_id, data_type, now).await?;
    if matches!(case.state, CaseState::ResultNotified | CaseState::Closed) {
        filing::file(tx, id, None, tasks::Kind::ReadMail, now).await?;
        return object::take_up(app, tx, by, case, &unit, body, now).await;
    }
    // Called off, merged or erased since it was found: the gateway delivers again, and it is found anew.
    crate::cases::require_open(&case, &["mail"])?;
    messages::insert(tx, by, id, &unit, data_type, Form::Reply, body, now).await?;
    let case = messages::hand_over(tx, case, by, false, now).await?;
    timers::resume(app, tx, id, now).await?;
    Ok(case)
}

/// A case for who writes without one.
async fn begin(
    app: &App,
    tx: &DatabaseTransaction,
    mail: &Inbound,
    customer: CustomerId,
    body: &str,
    now: DateTime<Utc>,
) -> Result<cases::Model> {
    let name = mail.from_name.clone();
    let name = name.unwrap_or_else(|| mail.from.split('@').next().unwrap_or_default().to_owned());
    let contact = Contact { email: mail.from.clone(), name, phone: None, address: None, locale: Locale::De };
    if people::meet(app, tx, &contact, now).await? != customer {
        return Err(anyhow::anyhow!("the sender was met elsewhere at this moment").into());
    }
    let order = match &mail.subject {
        Some(subject) => people::order_named(app, tx, subject, customer).await?.map(|o| o.id),
        None => None,
    };
    let id = CaseId::new(now);
    let kind = Kind::OrderAdvice;
    let unit = messages::unit(app, id, customer, correspondence(Some(kind), order.is_some()), now).await?;
    let request = Request { id, customer, order, kind, reason: None, channel: Channel::Email, text: body };
    let case = open::insert(app, tx, &Actor::Anonymous, request, &unit, now).await?;
    let hash = app.keys.keyed_hash("mails answered to", mail.from.to_lowercase().as_bytes());
    if app.limits.allow(hash, MOST_A_DAY, TimeDelta::days(1), now) {
        let known = customers::Entity::find_by_id(customer).one(tx).await?;
        let locale = known.and_then(|c| c.locale).unwrap_or(Locale::De);
        let to = Addressee { email: mail.from.clone(), name: None, locale };
        post::acknowledge(app, tx, &case, &unit, &to, now).await?;
    }
    Ok(case)
}
