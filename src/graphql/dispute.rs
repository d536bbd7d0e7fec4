//! Proposals, disputes, and the dossier of a case.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CaseId, DisputeId, ProposalId};
use entity::{cases, disclosures, disputes as dispute_rows, proposals as proposal_rows};

use super::attachment::SignedLink;
use super::codes::{ActorKind, DisclosurePurpose, DisputeOutcome, DisputeState, ProposalState, RecipientKind};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::retention::{AvailableAction, Retention, retention};
use super::scalars::{Money, MoneyInput};
use super::service_case::ServiceCase;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::cases::access;
use crate::disputes::{self, Answer, Close, NewDispute, NewProposal, Proceed, Way, dossier, proposals};
use crate::error::{Error, Result};

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
        retention(ctx.app(), DataType::R03, self.row.start_at)
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
        retention(ctx.app(), DataType::R19, self.row.start_at)
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
        retention(ctx.app(), DataType::R30, Some(self.0.at))
    }
}

/// Which way a dispute goes.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Way")]
pub enum DisputeWay {
    /// The parties agree after all.
    Settled,
    /// A conciliation board has it.
    Adr,
    /// A court has it.
    Court,
}

/// A proposal to be recorded.
#[derive(InputObject)]
pub struct ProposalRecordInput {
    /// The case, which is examined again or in dispute.
    case_id: ID,
    /// What is proposed, in words for the customer; at most 10,000 characters. It is written to the customer.
    text: String,
    /// What is offered, where it is money, in the currency of the order.
    amount: Option<MoneyInput>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// An answer to a proposal.
#[derive(InputObject)]
pub struct ProposalAnswerInput {
    /// The proposal.
    proposal_id: ID,
    /// Whether it is accepted.
    accepted: bool,
    /// What the customer says; needed for staff, who records a call. At most 10,000 characters.
    text: Option<String>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A dispute to be opened.
#[derive(InputObject)]
pub struct DisputeOpenInput {
    /// The case, which was examined again.
    case_id: ID,
    /// What it is about, for the file; at most 10,000 characters.
    summary: Option<String>,
    /// The version of the case that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// How a dispute goes on.
#[derive(InputObject)]
pub struct DisputeProceedInput {
    /// The dispute.
    dispute_id: ID,
    /// Which way.
    way: DisputeWay,
    /// The board or court, by name; needed for both. At most 300 characters.
    body: Option<String>,
    /// Its file number; at most 300 characters.
    reference: Option<String>,
    /// The version of the dispute that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// How a dispute ended.
#[derive(InputObject)]
pub struct DisputeCloseInput {
    /// The dispute.
    dispute_id: ID,
    /// The outcome.
    outcome: DisputeOutcome,
    /// How it ended, in words for the file; at most 10,000 characters.
    summary: String,
    /// A settlement that the customer has accepted: nothing is left to claim, and the hold ends at once.
    #[graphql(default)]
    accepted: bool,
    /// The version of the dispute that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A dossier to be handed over.
#[derive(InputObject)]
pub struct CaseDossierInput {
    /// The case.
    case_id: ID,
    /// What kind of recipient.
    recipient_kind: RecipientKind,
    /// By name; at most 300 characters.
    recipient: String,
    /// What for.
    purpose: DisclosurePurpose,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The proposal and its case after the mutation.
#[derive(SimpleObject)]
pub struct ProposalPayload {
    /// The proposal; null if it was refused.
    proposal: Option<Proposal>,
    /// The case; null if it was refused.
    service_case: Option<ServiceCase>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// The dispute and its case after the mutation.
#[derive(SimpleObject)]
pub struct DisputePayload {
    /// The dispute; null if it was refused.
    dispute: Option<Dispute>,
    /// The case; null if it was refused.
    service_case: Option<ServiceCase>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// The record of the disclosure, and where the dossier is.
#[derive(SimpleObject)]
pub struct CaseDossierPayload {
    /// The record of who gets it; null if it was refused.
    disclosure: Option<Disclosure>,
    /// A link to the ZIP for you, for five minutes; each download is logged. Null if it was refused.
    link: Option<SignedLink>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// A case in an answer is an opened one, and logged as such.
async fn opened<T>(ctx: &Context<'_>, done: Option<(cases::Model, T)>) -> ApiResult<Option<(ServiceCase, T)>> {
    let Some((case, row)) = done else { return Ok(None) };
    access::log(ctx.app(), ctx.actor(), &case, access::purpose_of(ctx.actor()), None).await?;
    Ok(Some((ServiceCase::opened(case), row)))
}

async fn proposal(ctx: &Context<'_>, done: Result<(cases::Model, proposal_rows::Model)>) -> ApiResult<ProposalPayload> {
    let (done, user_errors) = outcome(ctx, done)?;
    let (service_case, row) = opened(ctx, done).await?.unzip();
    Ok(ProposalPayload { proposal: row.map(|row| Proposal { row, shown: true }), service_case, user_errors })
}

async fn dispute(ctx: &Context<'_>, done: Result<(cases::Model, dispute_rows::Model)>) -> ApiResult<DisputePayload> {
    let (done, user_errors) = outcome(ctx, done)?;
    let (service_case, row) = opened(ctx, done).await?.unzip();
    Ok(DisputePayload { dispute: row.map(|row| Dispute { row, shown: true }), service_case, user_errors })
}

fn case(id: &ID) -> Result<CaseId> {
    Ok(CaseId(node::input("ServiceCase", id, &["input", "caseId"])?))
}

fn dispute_id(id: &ID) -> Result<DisputeId> {
    Ok(DisputeId(node::input("Dispute", id, &["input", "disputeId"])?))
}

/// Agreement and dispute.
#[derive(Default)]
pub struct DisputeMutation;

#[Object]
impl DisputeMutation {
    /// Records a proposal for an agreement, and writes it to the customer.
    async fn proposal_record(&self, ctx: &Context<'_>, input: ProposalRecordInput) -> ApiResult<ProposalPayload> {
        let done = async {
            let amount = input.amount.map(|m| (m.amount_minor.0, m.currency));
            let new = NewProposal { text: input.text, amount };
            disputes::record(ctx.app(), ctx.actor(), case(&input.case_id)?, new, &input.idempotency_key).await
        };
        proposal(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Accepts or declines a proposal, as the customer or, after a call, as staff for the customer.
    async fn proposal_answer(&self, ctx: &Context<'_>, input: ProposalAnswerInput) -> ApiResult<ProposalPayload> {
        let done = async {
            let id = ProposalId(node::input("Proposal", &input.proposal_id, &["input", "proposalId"])?);
            let answer = Answer { accepted: input.accepted, text: input.text };
            disputes::answer(ctx.app(), ctx.actor(), id, answer, &input.idempotency_key).await
        };
        proposal(ctx, authorised(ctx, Permission::Correspond, done).await).await
    }

    /// Opens a dispute after a proposal did not lead to an agreement: a hold is placed, and the customer gets the notice of
    /// VSBG § 37.
    async fn dispute_open(&self, ctx: &Context<'_>, input: DisputeOpenInput) -> ApiResult<DisputePayload> {
        let done = async {
            let new = NewDispute { summary: input.summary, expected_version: input.expected_version };
            disputes::open(ctx.app(), ctx.actor(), case(&input.case_id)?, new, &input.idempotency_key).await
        };
        dispute(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Records that a dispute is settled, or pending before a conciliation board or a court.
    async fn dispute_proceed(&self, ctx: &Context<'_>, input: DisputeProceedInput) -> ApiResult<DisputePayload> {
        let done = async {
            let proceed = Proceed {
                way: input.way.into(),
                body: input.body,
                reference: input.reference,
                expected_version: input.expected_version,
            };
            let id = dispute_id(&input.dispute_id)?;
            disputes::proceed(ctx.app(), ctx.actor(), id, proceed, &input.idempotency_key).await
        };
        dispute(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Ends a dispute for good, and reckons until when something can still be claimed: the hold ends then by itself.
    async fn dispute_close(&self, ctx: &Context<'_>, input: DisputeCloseInput) -> ApiResult<DisputePayload> {
        let done = async {
            let close = Close {
                outcome: input.outcome.into(),
                summary: input.summary,
                accepted: input.accepted,
                expected_version: input.expected_version,
            };
            let id = dispute_id(&input.dispute_id)?;
            disputes::close(ctx.app(), ctx.actor(), id, close, &input.idempotency_key).await
        };
        dispute(ctx, authorised(ctx, Permission::Decide, done).await).await
    }

    /// Records to whom the dossier of a case is given, and links to it: chronology, messages without internal notes,
    /// refunds, returns, parcels and evidence as one ZIP with checksums.
    async fn case_dossier(&self, ctx: &Context<'_>, input: CaseDossierInput) -> ApiResult<CaseDossierPayload> {
        let done = async {
            let recipient = dossier::Recipient {
                kind: input.recipient_kind.into(),
                name: input.recipient,
                purpose: input.purpose.into(),
            };
            let id = case(&input.case_id)?;
            dossier::request(ctx.app(), ctx.actor(), id, recipient, &input.idempotency_key).await
        };
        let (done, user_errors) = outcome(ctx, authorised(ctx, Permission::Decide, done).await)?;
        let parts = done.map(|(row, url, expires_at)| (Disclosure(row), SignedLink { url, expires_at }));
        let (disclosure, link) = parts.unzip();
        Ok(CaseDossierPayload { disclosure, link, user_errors })
    }
}
