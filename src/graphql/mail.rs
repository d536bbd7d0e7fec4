//! Mails as proof of what was told, when and to whom (F48).

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::mails::Model;

use super::codes::{MailState, MailTemplate};
use super::error::ApiResult;
use super::node;
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::mail::place;

/// A mail to the customer, as it was written and sealed when it was queued.
pub struct Mail {
    pub(super) row: Model,
    /// Whether its text is shown: to the customer always, to staff where the case was opened.
    pub(super) shown: bool,
}

impl Mail {
    async fn open(&self, ctx: &Context<'_>, column: &'static str) -> ApiResult<Option<String>> {
        let sealed = match column {
            "subject" => self.row.subject.as_ref(),
            _ => self.row.body_text.as_ref(),
        };
        if !self.shown {
            return Ok(None);
        }
        Ok(ctx.session().open(self.row.unit_id, place(self.row.id, column), sealed).await?)
    }
}

#[Object]
impl Mail {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Mail", self.row.id.0)
    }

    /// What it says.
    async fn template(&self) -> MailTemplate {
        self.row.template.into()
    }

    /// The version of its words.
    async fn template_version(&self) -> i32 {
        self.row.template_version
    }

    /// Where it stands.
    async fn state(&self) -> MailState {
        self.row.state.into()
    }

    /// The subject; null for staff in a list of cases, and once it has been erased.
    async fn subject(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.open(ctx, "subject").await
    }

    /// The plain text; null for staff in a list of cases, and once it has been erased.
    async fn text(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.open(ctx, "body_text").await
    }

    /// When it was written, UTC.
    async fn queued_at(&self) -> DateTime<Utc> {
        self.row.queued_at
    }

    /// When the server of the recipient's side took it, UTC.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.row.sent_at
    }

    /// When it came back, UTC.
    async fn bounced_at(&self) -> Option<DateTime<Utc>> {
        self.row.bounced_at
    }

    /// The server's reply code, such as `250` or `550 5.1.1`.
    async fn response(&self) -> Option<&str> {
        self.row.response.as_deref()
    }

    /// Its Message-ID.
    async fn message_id(&self) -> Option<&str> {
        self.row.message_id.as_deref()
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("mails", self.row.id.0), self.row.data_type, self.row.start_at)
    }
}
