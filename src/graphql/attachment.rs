//! Attachments. Bytes never pass through here: a ticket lets them in, a signed link lets them out.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::attachments::Model;
use entity::ids::{CaseId, ReturnId};

use super::codes::AttachmentState;
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::evidence::{self, NewAttachment, serve};
use crate::keys::Place;

/// A photo or video of a case.
pub struct Attachment {
    pub(super) row: Model,
    /// Whether name and bytes are shown: to the customer always, to staff that may where the case was opened.
    pub(super) shown: bool,
}

/// A link that lets the bytes out once it is followed with GET.
#[derive(SimpleObject)]
pub struct SignedLink {
    /// The URL.
    pub url: String,
    /// Until when it works, UTC.
    pub expires_at: DateTime<Utc>,
}

#[Object]
impl Attachment {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("Attachment", self.row.id.0)
    }

    /// Where it stands.
    async fn state(&self) -> AttachmentState {
        self.row.state.into()
    }

    /// Its name, as uploaded; null for staff in a list of cases.
    async fn file_name(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        if !self.shown {
            return Ok(None);
        }
        let place = Place { table: "attachments", column: "file_name", row: self.row.id.0 };
        Ok(ctx.session().open(self.row.unit_id, place, self.row.file_name.as_ref()).await?)
    }

    /// Its media type.
    async fn media_type(&self) -> &'static str {
        self.row.media_type.mime()
    }

    /// Its size in bytes: as announced while it is awaited, as stored afterwards.
    async fn byte_size(&self) -> i64 {
        self.row.byte_size
    }

    /// SHA-256 of the bytes as they are stored and downloaded, in hexadecimal, fixed at intake; null before.
    async fn sha256(&self) -> Option<String> {
        self.row.content_hash.as_deref().map(evidence::archive::hex)
    }

    /// When its ticket was issued, UTC.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it became available, UTC.
    async fn ready_at(&self) -> Option<DateTime<Utc>> {
        self.row.ready_at
    }

    /// A link for you, for five minutes; null while there are no bytes, and for staff in a list of cases. Each download
    /// is logged.
    async fn download(&self, ctx: &Context<'_>) -> Option<SignedLink> {
        if !self.shown {
            return None;
        }
        serve::link(ctx.app(), ctx.actor(), &self.row).map(|(url, expires_at)| SignedLink { url, expires_at })
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("attachments", self.row.id.0), self.row.data_type, self.row.start_at)
    }
}

/// A file to be uploaded.
#[derive(InputObject)]
pub struct AttachmentUploadCreateInput {
    /// The case.
    case_id: ID,
    /// The return whose inspection it documents; for those who handle goods.
    return_id: Option<ID>,
    /// Its name.
    file_name: String,
    /// `image/jpeg`, `image/png`, `image/webp`, `video/mp4` or `video/quicktime`.
    media_type: String,
    /// Its exact size in bytes.
    byte_size: i64,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// Where to put the bytes.
#[derive(SimpleObject)]
pub struct Upload {
    /// The URL.
    url: String,
    /// The method: `PUT`.
    method: &'static str,
    /// The upload has to begin before, UTC.
    expires_at: DateTime<Utc>,
}

/// The attachment and where to put its bytes.
#[derive(SimpleObject)]
pub struct AttachmentUploadCreatePayload {
    /// The attachment; null if it was refused.
    attachment: Option<Attachment>,
    /// Where to put the bytes; null if it was refused.
    upload: Option<Upload>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Adding evidence.
#[derive(Default)]
pub struct AttachmentMutation;

#[Object]
impl AttachmentMutation {
    /// Issues a ticket for one file. The bytes go by `PUT` to the URL of the answer; place and device are stripped from
    /// photos, and everything is sealed while it streams.
    async fn attachment_upload_create(
        &self,
        ctx: &Context<'_>,
        input: AttachmentUploadCreateInput,
    ) -> ApiResult<AttachmentUploadCreatePayload> {
        let permission = if input.return_id.is_some() { Permission::HandleGoods } else { Permission::Correspond };
        let done = async {
            let case = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let of_return = input.return_id.as_ref().map(|id| node::input("Return", id, &["input", "returnId"]));
            let new = NewAttachment {
                file_name: input.file_name,
                media_type: input.media_type,
                byte_size: input.byte_size,
                of_return: of_return.transpose()?.map(ReturnId),
            };
            evidence::ticket(ctx.app(), ctx.actor(), case, new, &input.idempotency_key).await
        };
        let (ticket, user_errors) = outcome(ctx, authorised(ctx, permission, done).await)?;
        let parts = ticket.map(|t| {
            (
                Attachment { row: t.attachment, shown: true },
                Upload { url: t.url, method: "PUT", expires_at: t.expires_at },
            )
        });
        let (attachment, upload) = parts.unzip();
        Ok(AttachmentUploadCreatePayload { attachment, upload, user_errors })
    }
}
