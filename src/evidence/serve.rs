//! The download: a link signed for minutes, checked again at use, opened chunk by chunk, logged each time (R12).

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use entity::Purpose;
use entity::attachments::{Model, State};
use entity::ids::{AttachmentId, CustomerId, StaffId, TokenId, UnitId};
use entity::{cases, customers, staff};
use futures::{Stream, StreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::binding;
use crate::auth::{self, Actor, Permission};
use crate::cases::access;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::stream::{CHUNK, HEADER_LEN, Opener};
use crate::keys::{Personal, Place};
use crate::state::App;

/// How long a download link lasts.
pub const LINK_LASTS: TimeDelta = TimeDelta::minutes(5);

/// A link to an attachment for one actor; none while there are no bytes.
#[must_use]
pub fn link(app: &App, actor: &Actor, attachment: &Model) -> Option<(String, DateTime<Utc>)> {
    let who = match actor {
        Actor::Customer(id) => [b"C", id.0.as_bytes().as_slice()].concat(),
        Actor::Guest(guest) => [b"G", guest.token.0.as_bytes().as_slice()].concat(),
        Actor::Staff(id, _) => [b"S", id.0.as_bytes().as_slice()].concat(),
        _ => return None,
    };
    if attachment.state != State::Available || !actor.may(Permission::ReadTexts) {
        return None;
    }
    let until = app.clock.now() + LINK_LASTS;
    let payload = [b"D".as_slice(), attachment.id.0.as_bytes(), &until.timestamp().to_be_bytes(), &who].concat();
    Some((format!("{}/attachments/{}", app.base_url(), app.signing.sign_link(&payload)), until))
}

/// An attachment being served.
pub struct Served {
    /// Its row.
    pub attachment: Model,
    /// Its name, as uploaded.
    pub file_name: Option<Personal>,
}

/// Checks a link again at use: signature, end, that the actor is still one and still sees the attachment.
///
/// # Errors
/// Refused: a link that is forged or over, or whose attachment has gone.
pub async fn open_link(app: &App, link: &str) -> Result<Served> {
    let invalid = || Error::from(Refusal::at(Code::LinkInvalid, &["link"]));
    let payload = app.signing.open_link(link).ok_or_else(invalid)?;
    let (id, until, who) = parse(&payload).ok_or_else(invalid)?;
    if until <= app.clock.now().timestamp() {
        return Err(invalid());
    }
    let actor = match who {
        (b'C', id) => {
            let found = customers::Entity::find_by_id(CustomerId(id)).one(app.db.read()).await?;
            found.filter(|c| c.erased_at.is_none()).map(|c| Actor::Customer(c.id))
        }
        (b'G', id) => auth::guest(app, TokenId(id)).await?.map(Actor::Guest),
        (_, id) => {
            let found = staff::Entity::find_by_id(StaffId(id)).one(app.db.read()).await?;
            found.filter(|s| s.left_at.is_none()).map(|s| Actor::Staff(s.id, s.role))
        }
    };
    let actor = actor.filter(|a| a.may(Permission::ReadTexts)).ok_or_else(invalid)?;
    let attachment = match super::get(app.db.read(), &actor, id).await {
        Err(Error::NotFound) => return Err(invalid()),
        found => found?,
    };
    if let Some(case) = cases::Entity::find_by_id(attachment.case_id).one(app.db.read()).await? {
        access::log(app, &actor, &case, Purpose::Evidence, Some(attachment.id.0)).await?;
    }
    let file_name = file_name(app, &attachment).await?;
    Ok(Served { attachment, file_name })
}

fn parse(payload: &[u8]) -> Option<(AttachmentId, i64, (u8, Uuid))> {
    let rest = payload.strip_prefix(b"D")?;
    let (id, rest) = rest.split_at_checked(16)?;
    let (until, who) = rest.split_at_checked(8)?;
    let (&kind, who) = who.split_first()?;
    let until = i64::from_be_bytes(until.try_into().ok()?);
    Some((AttachmentId(Uuid::from_slice(id).ok()?), until, (kind, Uuid::from_slice(who).ok()?)))
}

async fn file_name(app: &App, attachment: &Model) -> Result<Option<Personal>> {
    let Some((unit, sealed)) = attachment.unit_id.zip(attachment.file_name.as_ref()) else { return Ok(None) };
    let keys = app.keys.load(&[unit], Purpose::Evidence, app.clock.now()).await?;
    let place = Place { table: "attachments", column: "file_name", row: attachment.id.0 };
    Ok(keys.get(&unit).and_then(|key| key.open(place, sealed)))
}

/// The plain bytes, opened as they stream. A chunk is handed on only after its tag was verified; a blob that was cut,
/// swapped or changed ends the stream with an error.
///
/// # Errors
/// The blob or its key is missing.
pub async fn bytes(app: &App, attachment: &Model) -> Result<impl Stream<Item = std::io::Result<Bytes>> + Send + use<>> {
    let (unit, blob) = attachment.unit_id.zip(attachment.blob.as_deref()).ok_or(Error::NotFound)?;
    opened(app, unit, blob, &binding(attachment.id)).await
}

/// As [`bytes()`], for any blob: with the unit that seals it and what it is bound to.
///
/// # Errors
/// The blob or its key is missing.
pub async fn opened(
    app: &App,
    unit: UnitId,
    blob: &str,
    bound_to: &[u8],
) -> Result<impl Stream<Item = std::io::Result<Bytes>> + Send + use<>> {
    let keys = app.keys.load(&[unit], Purpose::DataProtection, app.clock.now()).await?;
    let key = keys.get(&unit).ok_or(Error::NotFound)?;
    let stored = app.blobs.get(&Path::from(blob)).await.map_err(|e| anyhow::anyhow!("blob {blob}: {e}"))?;
    let mut sealed = stored.into_stream();
    let mut head = Vec::with_capacity(HEADER_LEN);
    while head.len() < HEADER_LEN {
        let Some(bytes) = sealed.next().await else { break };
        head.extend_from_slice(&bytes.map_err(|e| anyhow::anyhow!("blob {blob}: {e}"))?);
    }
    let (header, rest) = head.split_at_checked(HEADER_LEN).ok_or_else(|| anyhow::anyhow!("blob {blob} is cut"))?;
    let opener = Opener::new(key.for_file(), bound_to, header).map_err(|e| anyhow::anyhow!("blob {blob}: {e}"))?;
    let first = Bytes::copy_from_slice(rest);
    let sealed = futures::stream::once(async move { Ok(first) }).chain(sealed).boxed();
    Ok(futures::stream::try_unfold((Some(opener), sealed), |(mut opener, mut sealed)| async move {
        loop {
            let Some(open) = opener.as_mut() else { return Ok(None) };
            let mut plain = Vec::with_capacity(2 * CHUNK);
            match sealed.next().await {
                Some(bytes) => {
                    open.push(&bytes.map_err(std::io::Error::other)?, &mut plain).map_err(std::io::Error::other)?
                }
                None => {
                    if let Some(open) = opener.take() {
                        open.finish(&mut plain).map_err(std::io::Error::other)?;
                    }
                }
            }
            if !plain.is_empty() || opener.is_none() {
                return Ok(Some((Bytes::from(plain), (opener, sealed))));
            }
        }
    }))
}
