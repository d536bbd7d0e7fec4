//! The log of what was asked about a refund.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::inquiry_entries::Model;

use super::Refund;
use crate::graphql::codes::{ActorKind, InquiryParty};
use crate::graphql::error::{ApiResult, UserError, UserErrorDetail};
use crate::graphql::node;
use crate::graphql::retention::{Retention, retention};
use crate::graphql::session::ContextExt as _;
use crate::keys::Place;

/// An entry of the log of an inquiry.
pub struct RefundInquiryEntry(pub Model);

#[Object]
impl RefundInquiryEntry {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("RefundInquiryEntry", self.0.id.0)
    }

    /// With whom.
    async fn party(&self) -> InquiryParty {
        self.0.party.into()
    }

    /// What was asked or answered; null once it was erased.
    async fn text(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "inquiry_entries", column: "text", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.text.as_ref()).await?)
    }

    /// The acquirer reference number, by which a bank finds the credit.
    async fn arn(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "inquiry_entries", column: "arn", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.arn.as_ref()).await?)
    }

    /// When, UTC.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Who wrote it.
    async fn author(&self) -> ActorKind {
        self.0.author_kind.into()
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("inquiry_entries", self.0.id.0), DataType::R03, self.0.start_at)
    }
}

/// A question after a refund.
#[derive(InputObject)]
pub struct RefundInquireInput {
    /// The refund.
    pub refund_id: ID,
    /// What the customer says; at most 10,000 characters.
    pub text: String,
    /// At most 200 characters, unique to this request.
    pub idempotency_key: String,
}

/// An entry of the log.
#[derive(InputObject)]
pub struct RefundInquiryNoteInput {
    /// The refund.
    pub refund_id: ID,
    /// With whom.
    pub party: InquiryParty,
    /// What was asked or answered; at most 10,000 characters. With `SHOP` the customer does not see it.
    pub text: String,
    /// The acquirer reference number that came up, usually 23 digits.
    pub arn: Option<String>,
    /// At most 200 characters, unique to this request.
    pub idempotency_key: String,
}

/// The entry after the mutation.
#[derive(SimpleObject)]
pub struct RefundInquiryPayload {
    /// The refund; null if it was refused.
    pub refund: Option<Refund>,
    /// The entry; null if it was refused.
    pub entry: Option<RefundInquiryEntry>,
    /// What looks odd and was taken all the same, such as an `arn` that has not 23 digits.
    pub warnings: Vec<UserErrorDetail>,
    /// Why it was refused.
    pub user_errors: Vec<UserError>,
}
