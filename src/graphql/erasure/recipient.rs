//! Recipients of what was erased, and where telling them stands (GDPR Art. 19).

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::NoticeId;

use crate::auth::Permission;
use crate::graphql::codes::RecipientKind;
use crate::graphql::error::{ApiResult, UserError, authorised, outcome};
use crate::graphql::node;
use crate::graphql::retention::{Retention, retention};
use crate::graphql::session::ContextExt as _;
use crate::privacy::erasure::recipients;

/// Where telling a recipient stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum RecipientNoticeState {
    /// In a dry run: would be told.
    Planned,
    /// The mail waits to be sent.
    Queued,
    /// No address is set, or the mail did not arrive: staff has to tell.
    ToBeTold,
    /// A mail server took it, or staff told it.
    Told,
    /// The recipient has acknowledged it.
    Acknowledged,
}

/// A recipient of personal data that was erased (GDPR Art. 19).
pub enum RecipientNotice {
    /// Who would be told.
    Planned(recipients::Told),
    /// Who was told, or is to be.
    Written(recipients::Notice),
}

impl RecipientNotice {
    const fn written(&self) -> Option<&recipients::Notice> {
        match self {
            Self::Planned(_) => None,
            Self::Written(notice) => Some(notice),
        }
    }
}

#[Object]
impl RecipientNotice {
    /// The opaque id; null in a dry run.
    async fn id(&self) -> Option<ID> {
        self.written().map(|notice| node::id("RecipientNotice", notice.row.id.0))
    }

    /// What kind of recipient.
    async fn recipient_kind(&self) -> RecipientKind {
        match self {
            Self::Planned(told) => told.kind.into(),
            Self::Written(notice) => notice.row.recipient_kind.into(),
        }
    }

    /// By name.
    async fn recipient(&self) -> &str {
        match self {
            Self::Planned(told) => &told.recipient,
            Self::Written(notice) => &notice.row.recipient,
        }
    }

    /// Where it stands.
    async fn state(&self) -> RecipientNoticeState {
        match self.written().map(|notice| notice.state) {
            None => RecipientNoticeState::Planned,
            Some(recipients::State::Queued) => RecipientNoticeState::Queued,
            Some(recipients::State::ToBeTold) => RecipientNoticeState::ToBeTold,
            Some(recipients::State::Told) => RecipientNoticeState::Told,
            Some(recipients::State::Acknowledged) => RecipientNoticeState::Acknowledged,
        }
    }

    /// The numbers that the recipient was given, or the day where no number is left; and all that it is told of the person.
    async fn references(&self, ctx: &Context<'_>) -> ApiResult<Vec<String>> {
        let Some(row) = self.written().map(|notice| &notice.row) else { return Ok(Vec::new()) };
        let text = ctx.session().open(row.unit_id, recipients::place(row.id), row.reference.as_ref()).await?;
        Ok(text.unwrap_or_default().lines().map(str::to_owned).collect())
    }

    /// When it was told, UTC.
    async fn told_at(&self) -> Option<DateTime<Utc>> {
        self.written().and_then(|notice| notice.told_at)
    }

    /// When the recipient acknowledged it, UTC.
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.written().and_then(|notice| notice.row.acknowledged_at)
    }

    /// Why its record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        let row = self.written().map(|notice| &notice.row);
        let id = row.map(|row| row.id.0).unwrap_or_default();
        retention(ctx.app(), ("recipient_notices", id), DataType::R30, row.map(|row| row.created_at))
    }
}

/// That a recipient was told, or has acknowledged.
#[derive(InputObject)]
pub struct RecipientToldInput {
    /// The notice.
    id: ID,
    /// The recipient has acknowledged it.
    #[graphql(default)]
    acknowledged: bool,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The notice after the mutation.
#[derive(SimpleObject)]
pub struct RecipientToldPayload {
    /// The notice; null if it was refused.
    recipient: Option<RecipientNotice>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Telling recipients.
#[derive(Default)]
pub struct RecipientNoticeMutation;

#[Object]
impl RecipientNoticeMutation {
    /// Notes that a recipient was told of an erasure by other means than our mail, or that it has acknowledged (GDPR Art.
    /// 19). For the data-protection officer.
    async fn recipient_told(&self, ctx: &Context<'_>, input: RecipientToldInput) -> ApiResult<RecipientToldPayload> {
        let done = async {
            let id = NoticeId(node::input("RecipientNotice", &input.id, &["input", "id"])?);
            recipients::told(ctx.app(), ctx.actor(), id, input.acknowledged, &input.idempotency_key).await
        };
        let (told, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RecipientToldPayload { recipient: told.map(RecipientNotice::Written), user_errors })
    }
}
