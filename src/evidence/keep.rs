//! Bytes that did not come by ticket: files of an e-mail, and the e-mail itself. A photo or video takes the same way as an
//! upload: told by its bytes, stripped, sealed.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::attachments::{ActiveModel, MediaType, Model, State};
use entity::codes::ActorKind;
use entity::ids::{AttachmentId, CaseId, CustomerId};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, DatabaseTransaction};

use super::binding;
use super::receive::{Blob, random_name};
use super::sniff::sniff;
use super::strip::strip;
use crate::error::Result;
use crate::keys::stream::CHUNK;
use crate::keys::{Place, Unit, UnitKey, UnitOf};
use crate::state::App;

/// Sealed bytes in the blob store, whose row has yet to be written.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Name of the blob.
    pub blob: String,
    /// Plain size in bytes.
    pub byte_size: i64,
    /// SHA-256 of the plain bytes, fixed at intake (F60).
    pub hash: Vec<u8>,
}

/// A photo or video in the blob store, whose row has yet to be written.
#[derive(Clone, Debug)]
pub struct File {
    id: AttachmentId,
    unit: Unit,
    media_type: MediaType,
    name: String,
    /// Its bytes.
    pub kept: Kept,
}

/// Seals bytes into a blob that is bound to `aad`.
///
/// # Errors
/// The blob store fails; the reaper takes what is left of it.
pub async fn seal(app: &App, key: &UnitKey, aad: &[u8], bytes: &[u8]) -> Result<Kept> {
    let name = random_name()?;
    let mut blob = Blob::create(app, aad, key, &name).await?;
    for chunk in bytes.chunks(CHUNK) {
        blob.write(chunk).await?;
    }
    let stored = blob.complete().await?;
    Ok(Kept { blob: name, byte_size: i64::try_from(stored.size).unwrap_or(i64::MAX), hash: stored.hash })
}

/// Removes bytes whose row was not written. What cannot be removed now, the reaper takes.
pub async fn discard(app: &App, kept: &Kept) {
    if let Err(error) = app.blobs.delete(&Path::from(kept.blob.as_str())).await {
        tracing::warn!(blob = kept.blob, %error, "a blob without a row stays for the reaper");
    }
}

/// Strips and seals a photo or video; none for any other file, for a damaged one, and for one that is too large.
///
/// # Errors
/// A store fails.
pub async fn keep(
    app: &App,
    customer: CustomerId,
    name: Option<&str>,
    bytes: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<File>> {
    let Some(media_type) = sniff(bytes) else { return Ok(None) };
    let most = if media_type.is_photo() { app.config.max_photo_bytes } else { app.config.max_video_bytes };
    if bytes.len() as u64 > most {
        return Ok(None);
    }
    let plain = Bytes::copy_from_slice(bytes);
    let plain = if media_type.is_photo() {
        let stripped = tokio::task::spawn_blocking(move || strip(media_type, plain));
        match stripped.await.map_err(|e| anyhow::anyhow!("stripping died: {e}"))? {
            Ok(stripped) => stripped.to_vec(),
            Err(_) => return Ok(None),
        }
    } else {
        plain.to_vec()
    };
    let id = AttachmentId::new(now);
    let unit = UnitOf { owner: id.0, data_type: DataType::R09b, year: 0, subject: Some(customer.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let kept = seal(app, &unit.key, &binding(id), &plain).await?;
    let name = name.map_or_else(|| media_type.mime().replace('/', "."), str::to_owned);
    Ok(Some(File { id, unit, media_type, name, kept }))
}

/// Writes the row of a file of an open case.
///
/// # Errors
/// The database fails, and then the bytes are to be discarded.
pub async fn insert(
    tx: &DatabaseTransaction,
    by: ActorKind,
    case: CaseId,
    file: &File,
    now: DateTime<Utc>,
) -> Result<Model> {
    let place = Place { table: "attachments", column: "file_name", row: file.id.0 };
    let row = ActiveModel {
        id: Set(file.id),
        case_id: Set(case),
        return_id: Set(None),
        content_hash: Set(Some(file.kept.hash.clone())),
        unit_id: Set(Some(file.unit.id)),
        data_type: Set(DataType::R09b),
        state: Set(State::Available),
        file_name: Set(Some(file.unit.key.seal(place, &file.name)?)),
        media_type: Set(file.media_type),
        byte_size: Set(file.kept.byte_size),
        uploaded_by: Set(by),
        blob: Set(Some(file.kept.blob.clone())),
        created_at: Set(now),
        ready_at: Set(Some(now)),
        start_at: Set(None),
        not_before: Set(None),
    };
    Ok(row.insert(tx).await?)
}
