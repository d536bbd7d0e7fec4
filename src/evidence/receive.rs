//! The upload: counted, sniffed, stripped and sealed while it streams. Nothing lies anywhere in plain text, and what
//! does not end well leaves neither blob nor half a row.

use bytes::Bytes;
use entity::Purpose;
use entity::attachments::{self, MediaType, Model, State};
use entity::ids::TokenId;
use entity::outbox_entries::Kind;
use entity::tokens;
use futures::{Stream, StreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, WriteMultipart};
use sea_orm::EntityTrait as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::binding;
use super::sniff::sniff;
use super::strip::{StripError, strip};
use crate::auth::Actor;
use crate::cases;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::UnitKey;
use crate::keys::stream::{CHUNK, Sealer};
use crate::state::App;
use crate::{audit, db, outbox};

/// How long the next bytes may keep us waiting.
const IDLE: std::time::Duration = std::time::Duration::from_secs(60);
/// Bytes that are enough to tell a file's type.
const SNIFFED: usize = 8192;
/// Size of a part handed to the blob store; S3 wants at least 5 MiB.
const PART: usize = 8 << 20;

/// Receives the bytes of a ticket.
///
/// # Errors
/// Refused: a ticket that is forged, expired or used, more or fewer bytes than announced, bytes of another type, a
/// damaged picture. An upload that breaks off leaves the ticket open for another try.
pub async fn receive<S, E>(app: &App, link: &str, announced: Option<u64>, body: S) -> Result<Model>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: std::fmt::Display,
{
    let (attachment, token) = open_ticket(app, link).await?;
    let expected = u64::try_from(attachment.byte_size).unwrap_or(0);
    if let Some(announced) = announced.filter(|a| *a != expected) {
        return Err(size_mismatch(expected, announced).into());
    }
    let blob = random_name()?;
    begin(app, &attachment, &blob).await?;
    match take(app, &attachment, &blob, expected, body).await {
        Ok(stored) => finish(app, attachment, &token, blob, stored).await,
        Err(error) => {
            give_back(app, &attachment, &blob).await?;
            Err(error)
        }
    }
}

async fn open_ticket(app: &App, link: &str) -> Result<(Model, tokens::Model)> {
    let invalid = || Error::from(Refusal::at(Code::LinkInvalid, &["ticket"]));
    let payload = app.signing.open_link(link).ok_or_else(invalid)?;
    let id = payload.strip_prefix(b"U").and_then(|id| Uuid::from_slice(id).ok()).ok_or_else(invalid)?;
    let token = tokens::Entity::find_by_id(TokenId(id)).one(app.db.read()).await?.ok_or_else(invalid)?;
    let fresh = token.used_at.is_none() && token.revoked_at.is_none() && token.expires_at > app.clock.now();
    let id = token.attachment_id.filter(|_| fresh).ok_or_else(invalid)?;
    let attachment = attachments::Entity::find_by_id(id).one(app.db.read()).await?.ok_or_else(invalid)?;
    Ok((attachment, token))
}

/// The latest receiver holds the place: one whose process died, or whose client went away, does not block the next.
async fn begin(app: &App, attachment: &Model, blob: &str) -> Result<()> {
    let sql = "UPDATE attachments SET state = 'RECEIVING', blob = $1 WHERE id = $2 \
               AND state IN ('AWAITING_UPLOAD', 'RECEIVING')";
    if db::run(app.db.write(), sql, [blob.into(), attachment.id.0.into()]).await? == 1 {
        return Ok(());
    }
    Err(Refusal::at(Code::LinkInvalid, &["ticket"]).into())
}

async fn give_back(app: &App, attachment: &Model, blob: &str) -> Result<()> {
    let sql = "UPDATE attachments SET state = 'AWAITING_UPLOAD', blob = NULL \
               WHERE id = $1 AND state = 'RECEIVING' AND blob = $2";
    db::run(app.db.write(), sql, [attachment.id.0.into(), blob.into()]).await?;
    Ok(())
}

/// What was stored of the plain bytes.
pub(super) struct Stored {
    pub size: u64,
    /// Their SHA-256, fixed at intake (F60).
    pub hash: Vec<u8>,
}

/// Reads, checks, seals and stores.
async fn take<S, E>(app: &App, attachment: &Model, blob: &str, expected: u64, mut body: S) -> Result<Stored>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: std::fmt::Display,
{
    let unit = attachment.unit_id.ok_or(Error::NotFound)?;
    let keys = app.keys.load(&[unit], Purpose::Evidence, app.clock.now()).await?;
    let key = keys.get(&unit).ok_or(Error::NotFound)?;
    let mut counted = Counted { received: 0, expected };
    let mut head = Vec::with_capacity(SNIFFED);
    while head.len() < SNIFFED {
        match counted.next(&mut body).await? {
            Some(bytes) => head.extend_from_slice(&bytes),
            None => break,
        }
    }
    if sniff(&head) != Some(attachment.media_type) {
        let refusal = Refusal::at(Code::TypeMismatch, &["body"]);
        return Err(refusal.with("announced", attachment.media_type.mime()).into());
    }
    let mut blob = Blob::create(app, &binding(attachment.id), key, blob).await?;
    let outcome = if attachment.media_type.is_photo() {
        photo(attachment.media_type, head, &mut counted, &mut body, &mut blob).await
    } else {
        video(head, &mut counted, &mut body, &mut blob).await
    };
    match outcome {
        Ok(()) => blob.complete().await,
        Err(error) => {
            blob.abort().await;
            Err(error)
        }
    }
}

/// A photo is small enough to be stripped of place and device in memory.
async fn photo<S, E>(
    kind: MediaType,
    mut all: Vec<u8>,
    counted: &mut Counted,
    body: &mut S,
    blob: &mut Blob,
) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: std::fmt::Display,
{
    while let Some(bytes) = counted.next(body).await? {
        all.extend_from_slice(&bytes);
    }
    counted.complete()?;
    let stripped = tokio::task::spawn_blocking(move || strip(kind, Bytes::from(all)));
    let stripped = stripped.await.map_err(|e| anyhow::anyhow!("stripping died: {e}"))?;
    let stripped = stripped.map_err(|error| match error {
        StripError::Malformed(reason) => Refusal::at(Code::Malformed, &["body"]).with("reason", reason),
        StripError::Unsupported => Refusal::at(Code::UnsupportedType, &["body"]),
    })?;
    for chunk in stripped.chunks(CHUNK) {
        blob.write(chunk).await?;
    }
    Ok(())
}

/// A video goes through as it comes, byte for byte.
async fn video<S, E>(head: Vec<u8>, counted: &mut Counted, body: &mut S, blob: &mut Blob) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: std::fmt::Display,
{
    blob.write(&head).await?;
    while let Some(bytes) = counted.next(body).await? {
        blob.write(&bytes).await?;
    }
    counted.complete()
}

struct Counted {
    received: u64,
    expected: u64,
}

impl Counted {
    /// The next bytes, never more than announced in total, whatever length the client claims or hides.
    async fn next<S, E>(&mut self, body: &mut S) -> Result<Option<Bytes>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: std::fmt::Display,
    {
        let Ok(next) = tokio::time::timeout(IDLE, body.next()).await else {
            return Err(size_mismatch(self.expected, self.received).into());
        };
        match next {
            None => Ok(None),
            Some(Err(error)) => {
                tracing::info!(%error, "an upload broke off");
                Err(size_mismatch(self.expected, self.received).into())
            }
            Some(Ok(bytes)) => {
                self.received += bytes.len() as u64;
                if self.received > self.expected {
                    return Err(Refusal::at(Code::TooLarge, &["body"]).with("announced", self.expected).into());
                }
                Ok(Some(bytes))
            }
        }
    }

    fn complete(&self) -> Result<()> {
        if self.received == self.expected {
            return Ok(());
        }
        Err(size_mismatch(self.expected, self.received).into())
    }
}

fn size_mismatch(announced: u64, received: u64) -> Refusal {
    Refusal::at(Code::SizeMismatch, &["body"]).with("announced", announced).with("received", received)
}

/// A blob being written: sealed in memory, part by part.
pub(super) struct Blob {
    name: String,
    sealer: Option<Sealer>,
    sealed: Vec<u8>,
    plain: u64,
    hash: Sha256,
    upload: WriteMultipart,
}

impl Blob {
    pub(super) async fn create(app: &App, aad: &[u8], key: &UnitKey, name: &str) -> Result<Self> {
        let sealer = Sealer::new(key.for_file(), aad).map_err(|e| anyhow::anyhow!(e))?;
        let upload = app.blobs.put_multipart(&Path::from(name)).await.map_err(|e| anyhow::anyhow!(e))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        upload.write(sealer.header());
        Ok(Self {
            name: name.to_owned(),
            sealer: Some(sealer),
            sealed: Vec::with_capacity(2 * CHUNK),
            plain: 0,
            hash: Sha256::new(),
            upload,
        })
    }

    pub(super) async fn write(&mut self, plain: &[u8]) -> Result<()> {
        // At most two parts under way: memory stays constant however fast the client is.
        self.upload.wait_for_capacity(2).await.map_err(|e| anyhow::anyhow!(e))?;
        self.sealed.clear();
        let Some(sealer) = self.sealer.as_mut() else { return Ok(()) };
        sealer.push(plain, &mut self.sealed).map_err(|e| anyhow::anyhow!(e))?;
        self.upload.write(&self.sealed);
        self.plain += plain.len() as u64;
        self.hash.update(plain);
        Ok(())
    }

    pub(super) async fn complete(mut self) -> Result<Stored> {
        self.sealed.clear();
        if let Some(sealer) = self.sealer.take() {
            sealer.finish(&mut self.sealed).map_err(|e| anyhow::anyhow!(e))?;
        }
        self.upload.write(&self.sealed);
        self.upload.finish().await.map_err(|e| anyhow::anyhow!(e))?;
        Ok(Stored { size: self.plain, hash: self.hash.finalize().to_vec() })
    }

    async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!(blob = self.name, %error, "a broken upload could not be cleared; the reaper will");
        }
    }
}

pub(super) fn random_name() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
    Ok(Uuid::from_bytes(bytes).simple().to_string())
}

/// The row becomes available in one transaction; if the case was closed meanwhile, or
/// another receiver has taken the place, the blob goes again.
async fn finish(app: &App, attachment: Model, token: &tokens::Model, blob: String, stored: Stored) -> Result<Model> {
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    // Its closing starts the periods of what is there: either it sees this file, or this sees that it is over.
    cases::lock(&tx, attachment.case_id).await?;
    let sql = "UPDATE attachments SET state = 'AVAILABLE', data_type = 'R09b', start_at = NULL, blob = $1, \
               byte_size = $2, ready_at = $3, content_hash = $5 WHERE id = $4 AND state = 'RECEIVING' AND blob = $1 \
               AND EXISTS (SELECT 1 FROM cases c WHERE c.id = attachments.case_id AND c.state NOT IN ('CLOSED', 'CANCELLED', 'MERGED', 'ERASED'))";
    let size = i64::try_from(stored.size).unwrap_or(i64::MAX);
    let hash = stored.hash;
    let values = [blob.clone().into(), size.into(), now.into(), attachment.id.0.into(), hash.clone().into()];
    if db::run(&tx, sql, values).await? == 0 {
        let sql = "UPDATE attachments SET state = 'AWAITING_UPLOAD', blob = NULL WHERE id = $1 AND blob = $2";
        db::run(&tx, sql, [attachment.id.0.into(), blob.clone().into()]).await?;
        outbox::enqueue(&tx, now, Kind::DeleteBlob, blob).await?;
        tx.commit().await?;
        return Err(Refusal::at(Code::LinkInvalid, &["ticket"]).into());
    }
    db::run(&tx, "UPDATE tokens SET used_at = $1 WHERE id = $2", [now.into(), token.id.0.into()]).await?;
    let details = json!({ "byteSize": size, "mediaType": attachment.media_type.code(), "ticket": token.id });
    let row = ("attachments", Some(attachment.id.0));
    // Whoever holds the ticket: who that is, the ticket's own entry says.
    audit::record(&tx, now, &Actor::System, "attachment.receive", row, details).await?;
    tx.commit().await?;
    let content_hash = Some(hash);
    Ok(Model {
        state: State::Available,
        blob: Some(blob),
        byte_size: size,
        content_hash,
        ready_at: Some(now),
        ..attachment
    })
}
