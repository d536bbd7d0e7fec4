//! The ticket: large bytes never pass through GraphQL, so a mutation issues a link to put them to (R27).

use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::attachments::{ActiveModel, Column, Entity, MediaType, Model, State};
use entity::ids::{AttachmentId, CaseId, ReturnId, TokenId};
use entity::{returns, tokens};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use crate::auth::{Actor, Permission};
use crate::cases as case_room;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::state::App;
use crate::{audit, input};

/// How long a ticket lets an upload begin.
pub const TICKET_LASTS: TimeDelta = TimeDelta::minutes(30);
/// Most attachments of a case.
const MOST_PER_CASE: u64 = 50;

/// A file to be uploaded.
#[derive(Clone, Debug, Serialize)]
pub struct NewAttachment {
    /// Its name, sealed.
    pub file_name: String,
    /// Its media type, such as `image/jpeg`.
    pub media_type: String,
    /// Its exact size in bytes.
    pub byte_size: i64,
    /// The return of the case whose inspection it documents.
    pub of_return: Option<ReturnId>,
}

impl NewAttachment {
    /// What it takes to add it: evidence is correspondence, a photo of an inspection is work on goods.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        if self.of_return.is_some() { Permission::HandleGoods } else { Permission::Correspond }
    }
}

/// Where to put the bytes.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The attachment, waiting for them.
    pub attachment: Model,
    /// The URL; its secret is a signature.
    pub url: String,
    /// The upload has to begin before.
    pub expires_at: DateTime<Utc>,
}

/// Issues a ticket. A replay signs the same one again.
///
/// # Errors
/// Refused: an unknown, foreign or closed case, a return of another one, a type that is not accepted, a size not above zero or too large, too
/// many attachments.
pub async fn ticket(app: &App, actor: &Actor, case: CaseId, new: NewAttachment, key: &str) -> Result<Ticket> {
    actor.require(new.permission())?;
    let name = input::text(&new.file_name, &["input", "fileName"], input::SHORT_TEXT)?;
    let media_type = media_type(&new.media_type)?;
    let most = if media_type.is_photo() { app.config.max_photo_bytes } else { app.config.max_video_bytes };
    input::positive(new.byte_size, &["input", "byteSize"], i64::try_from(most).unwrap_or(i64::MAX))?;
    let now = app.clock.now();
    let seen = case_room::seen(app, actor, case).await?;
    let id = AttachmentId::new(now);
    let subject = Some(seen.customer_id.0);
    let unit = app.keys.ensure(UnitOf { owner: id.0, data_type: DataType::R09b, year: 0, subject }, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "attachmentUploadCreate", key, &(case, &new)).await? {
        Outcome::Replay(ids) => {
            let &[attachment, token] = ids.as_slice() else { return Err(Error::NotFound) };
            let attachment = super::get(&tx, actor, AttachmentId(attachment)).await?;
            let token = tokens::Entity::find_by_id(TokenId(token)).one(&tx).await?.ok_or(Error::NotFound)?;
            return Ok(signed(app, attachment, &token));
        }
        Outcome::First(claim) => claim,
    };
    let case = case_room::for_change(&tx, actor, case, &["input", "caseId"]).await?;
    case_room::require_open(&case, &["input", "caseId"])?;
    if let Some(id) = new.of_return {
        let of_case = returns::Entity::find_by_id(id).filter(returns::Column::CaseId.eq(case.id)).one(&tx).await?;
        of_case.ok_or_else(|| Refusal::at(Code::NotFound, &["input", "returnId"]))?;
    }
    if Entity::find().filter(Column::CaseId.eq(case.id)).count(&tx).await? >= MOST_PER_CASE {
        return Err(Refusal::at(Code::TooLarge, &["input", "caseId"]).with("maximum", MOST_PER_CASE).into());
    }
    let place = Place { table: "attachments", column: "file_name", row: id.0 };
    let attachment = ActiveModel {
        id: Set(id),
        case_id: Set(case.id),
        return_id: Set(new.of_return),
        content_hash: Set(None),
        unit_id: Set(Some(unit.id)),
        // While it is only awaited it lives as long as its ticket.
        data_type: Set(DataType::R27),
        state: Set(State::AwaitingUpload),
        file_name: Set(Some(unit.key.seal(place, &name)?)),
        media_type: Set(media_type),
        byte_size: Set(new.byte_size),
        uploaded_by: Set(actor.kind()),
        blob: Set(None),
        created_at: Set(now),
        ready_at: Set(None),
        start_at: Set(Some(now + TICKET_LASTS)),
        not_before: Set(None),
    };
    let attachment = attachment.insert(&tx).await?;
    let token = tokens::ActiveModel {
        id: Set(TokenId::new(now)),
        customer_id: Set(case.customer_id),
        kind: Set(tokens::Kind::Upload),
        attachment_id: Set(Some(id)),
        order_id: Set(None),
        case_id: Set(None),
        created_at: Set(now),
        expires_at: Set(now + TICKET_LASTS),
        revoked_at: Set(None),
        used_at: Set(None),
    };
    let token = token.insert(&tx).await?;
    claim.done(&tx, now, &[id.0, token.id.0], Some(case.customer_id)).await?;
    let details = json!({ "mediaType": media_type.code(), "byteSize": new.byte_size });
    audit::record(&tx, now, actor, "attachment.ticket", ("attachments", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(signed(app, attachment, &token))
}

fn media_type(text: &str) -> Result<MediaType> {
    use sea_orm::Iterable as _;
    let accepted = || MediaType::iter().map(MediaType::mime).collect::<Vec<_>>().join(", ");
    let found = MediaType::iter().find(|m| m.mime().eq_ignore_ascii_case(text.trim()));
    found.ok_or_else(|| Refusal::at(Code::UnsupportedType, &["input", "mediaType"]).with("accepted", accepted()).into())
}

fn signed(app: &App, attachment: Model, token: &tokens::Model) -> Ticket {
    let link = app.signing.sign_link(&[b"U", token.id.0.as_bytes().as_slice()].concat());
    let url = format!("{}/attachments/uploads/{link}", app.base_url());
    Ticket { attachment, url, expires_at: token.expires_at }
}
