//! Proposals, disputes and disclosures of a case; changing them stands beside it.

mod mutation;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::{disclosures, disputes as dispute_rows, proposals as proposal_rows};

use super::codes::{ActorKind, DisclosurePurpose, DisputeOutcome, DisputeState, ProposalState, RecipientKind};
use super::error::ApiResult;
use super::node;
use super::retention::{AvailableAction, Retention, retention};
use super::scalars::Money;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::disputes::{self, proposals};
use crate::error::Error;

pub use mutation::DisputeMutation;

/// A proposal to come to an agreement.
pub struct Proposal {
    pub(super) row: proposal_rows::Model,
    pub(super) shown: bool,
}

#[Object]
impl Proposal {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Proposal", self.row.id.0)
    }

    /// Where it stands.
    async fn state(&self) -> ProposalState {
        self.row.state.into()
    }

    /// What is proposed; null for staff in a list of cases.
    async fn text(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        if !self.shown {
            return Ok(None);
        }
        let place = proposals::place(self.row.id);
        Ok(ctx.session().open(self.row.unit_id, place, self.row.text.as_ref()).await?)
    }

    /// What is offered, where it is money.
    async fn amount(&self) -> Option<Money> {
        self.row.amount_minor.zip(self.row.currency.clone()).map(|(minor, currency)| Money::new(minor, currency))
    }

    /// By whom.
    async fn offered_by(&self) -> ActorKind {
        self.row.offered_by.into()
    }

    /// When, UTC.
    async fn offered_at(&self) -> DateTime<Utc> {
        self.row.offered_at
    }

    /// When it was answered, UTC.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.row.answered_at
    }

    /// The mutation that could be called on it, and why it could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> ApiResult<Vec<AvailableAction>> {
        let case = ctx.session().loaders.load_one(self.row.case_id).await.map_err(Error::from)?;
        let talks = case.is_some_and(|case| proposals::TALKS.contains(&case.state));
        let blocked = self.row.state != proposal_rows::State::Offered || !talks;
        let lacks = !ctx.actor().may(Permission::Correspond);
        Ok(vec![AvailableAction::unless("proposalAnswer", &[(lacks, "ROLE"), (blocked, "STATE")])])
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("proposals", self.row.id.0), DataType::R03, self.row.start_at)
    }
}

/// A dispute about a case.
pub struct Dispute {
    pub(super) row: dispute_rows::Model,
    pub(super) shown: bool,
}

#[Object]
impl Dispute {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Dispute", self.row.id.0)
    }

    /// Where it stands.
    async fn state(&self) -> DisputeState {
        self.row.state.into()
    }

    /// How it ended.
    async fn outcome(&self) -> Option<DisputeOutcome> {
        self.row.outcome.map(Into::into)
    }

    /// The board or court, as named; null for staff in a list of cases.
    async fn body(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.text(ctx, "body", self.row.body.as_ref()).await
    }

    /// Its file number; null for staff in a list of cases.
    async fn reference(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.text(ctx, "reference", self.row.reference.as_ref()).await
    }

    /// What it is about and how it ended; for staff.
    async fn summary(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        if ctx.actor().staff().is_none() {
            return Ok(None);
        }
        self.text(ctx, "summary", self.row.summary.as_ref()).await
    }

    /// When it was opened, UTC.
    async fn opened_at(&self) -> DateTime<Utc> {
        self.row.opened_at
    }

    /// Since when it is settled or pending, UTC.
    async fn proceeding_at(&self) -> Option<DateTime<Utc>> {
        self.row.proceeding_at
    }

    /// When it ended, UTC.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.row.closed_at
    }

    /// The first instant after which nothing can be claimed any more, UTC: the hold ends with it (BGB §§ 203, 204, 209).
    async fn limitation_until(&self) -> Option<DateTime<Utc>> {
        self.row.limitation_until
    }

    /// Counts changes; send it back as `expectedVersion`.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// The mutations that could be called on it, and why one could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<AvailableAction> {
        use dispute_rows::State;
        let lacks = (!ctx.actor().may(Permission::Decide), "ROLE");
        let pending = matches!(self.row.state, State::Settled | State::Conciliation | State::Court);
        vec![
            AvailableAction::unless("disputeProceed", &[lacks, (self.row.state != State::Open, "STATE")]),
            AvailableAction::unless("disputeClose", &[lacks, (!pending, "STATE")]),
        ]
    }

    /// Why its file is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("disputes", self.row.id.0), DataType::R19, self.row.start_at)
    }
}

impl Dispute {
    async fn text(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        sealed: Option<&entity::Sealed>,
    ) -> ApiResult<Option<String>> {
        if !self.shown {
            return Ok(None);
        }
        Ok(ctx.session().open(self.row.unit_id, disputes::place(column, self.row.id), sealed).await?)
    }
}

/// To whom personal data of a case was given (GDPR Art. 15(1)(c), 19).
pub struct Disclosure(pub(super) disclosures::Model);

#[Object]
impl Disclosure {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Disclosure", self.0.id.0)
    }

    /// What kind of recipient.
    async fn recipient_kind(&self) -> RecipientKind {
        self.0.recipient_kind.into()
    }

    /// By name.
    async fn recipient(&self) -> &str {
        &self.0.recipient
    }

    /// What for.
    async fn purpose(&self) -> DisclosurePurpose {
        self.0.purpose.into()
    }

    /// Codes of what was given, such as `DOSSIER`.
    async fn what(&self) -> &str {
        &self.0.what
    }

    /// When, UTC.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Why its record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("disclosures", self.0.id.0), DataType::R30, Some(self.0.at))
    }
}
