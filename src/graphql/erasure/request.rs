//! The file of a request that an erasure answers: its answers, word for word, and where their mails stand.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::ids::MailId;
use entity::{DataType, mails, subject_requests};
use sea_orm::EntityTrait as _;

use crate::error::Error;
use crate::graphql::codes::MailState;
use crate::graphql::error::ApiResult;
use crate::graphql::node;
use crate::graphql::retention::{Retention, retention};
use crate::graphql::session::ContextExt as _;
use crate::privacy::erasure::request;

/// The file of a data subject's request (R14).
pub struct SubjectRequest(pub(super) subject_requests::Model);

#[Object]
impl SubjectRequest {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("SubjectRequest", self.0.id.0)
    }

    /// When it was received, UTC.
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// When it was first answered, UTC.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.0.answered_at
    }

    /// The answer, word for word as it was mailed.
    async fn answer(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = request::place(self.0.id, "answer");
        Ok(ctx.session().open(self.0.unit_id, place, self.0.answer.as_ref()).await?)
    }

    /// Where the mail with the answer stands.
    async fn mail_state(&self, ctx: &Context<'_>) -> ApiResult<Option<MailState>> {
        mail_state(ctx, self.0.mail_id).await
    }

    /// The answer that closes it, word for word as it was mailed: what became of what had waited. Null while something
    /// waits, and where nothing did.
    async fn closing_answer(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = request::place(self.0.id, "closing");
        Ok(ctx.session().open(self.0.unit_id, place, self.0.closing.as_ref()).await?)
    }

    /// Where the mail with the closing answer stands.
    async fn closing_mail_state(&self, ctx: &Context<'_>) -> ApiResult<Option<MailState>> {
        mail_state(ctx, self.0.closing_mail_id).await
    }

    /// When the last answer was given, UTC: the first one where nothing waited. Its retention starts then.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("subject_requests", self.0.id.0), DataType::R14, self.0.closed_at)
    }
}

async fn mail_state(ctx: &Context<'_>, id: Option<MailId>) -> ApiResult<Option<MailState>> {
    let Some(id) = id else { return Ok(None) };
    let mail = mails::Entity::find_by_id(id).one(ctx.app().db.read()).await.map_err(Error::from)?;
    Ok(mail.map(|mail| mail.state.into()))
}
