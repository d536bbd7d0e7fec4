//! Messages of a case.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::ids::CaseId;
use entity::messages::Model;

use super::codes::{ActorKind, MessageForm};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::retention::{Retention, retention};
use super::service_case::ServiceCase;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::cases::{self, NewMessage, access, messages};

/// A message of a case.
pub struct Message {
    pub(super) row: Model,
    /// Whether its text is shown: to the customer always, to staff where the case was opened.
    pub(super) shown: bool,
}

#[Object]
impl Message {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Message", self.row.id.0)
    }

    /// What it is.
    async fn form(&self) -> MessageForm {
        self.row.form.into()
    }

    /// Which side wrote it.
    async fn author(&self) -> ActorKind {
        self.row.author_kind.into()
    }

    /// The text; null for staff in a list of cases, and once it has been erased.
    async fn body(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        if !self.shown {
            return Ok(None);
        }
        Ok(ctx.session().open(self.row.unit_id, messages::place(self.row.id), self.row.body.as_ref()).await?)
    }

    /// When it was sent, UTC.
    async fn sent_at(&self) -> DateTime<Utc> {
        self.row.sent_at
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("messages", self.row.id.0), self.row.data_type, self.row.start_at)
    }
}

/// A message to be written.
#[derive(InputObject)]
pub struct MessageAddInput {
    /// The case.
    case_id: ID,
    /// The text; at most 10,000 characters.
    body: String,
    /// A note between members of staff. The customer sees it only in an export (GDPR Art. 15).
    #[graphql(default)]
    internal: bool,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The case and the message after the mutation.
#[derive(SimpleObject)]
pub struct MessageAddPayload {
    /// The case; null if it was refused.
    service_case: Option<ServiceCase>,
    /// The message; null if it was refused.
    message: Option<Message>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Writing messages.
#[derive(Default)]
pub struct MessageMutation;

#[Object]
impl MessageMutation {
    /// Replies to the other side, or notes something internally. A first reply of staff takes the case under review.
    async fn message_add(&self, ctx: &Context<'_>, input: MessageAddInput) -> ApiResult<MessageAddPayload> {
        let done = async {
            let id = CaseId(node::input("ServiceCase", &input.case_id, &["input", "caseId"])?);
            let new = NewMessage { body: input.body, internal: input.internal };
            cases::reply(ctx.app(), ctx.actor(), id, new, &input.idempotency_key).await
        };
        let (done, user_errors) = outcome(ctx, authorised(ctx, Permission::Correspond, done).await)?;
        let (case, message) = done.unzip();
        if let Some(case) = &case {
            access::log(ctx.app(), ctx.actor(), case, ctx.actor().purpose(), None).await?;
        }
        Ok(MessageAddPayload {
            service_case: case.map(ServiceCase::opened),
            message: message.map(|row| Message { row, shown: true }),
            user_errors,
        })
    }
}
