//! Coming to an agreement, disputes, and handing over a dossier.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use entity::ids::{CaseId, DisputeId, ProposalId};
use entity::{cases, disputes as dispute_rows, proposals as proposal_rows};

use super::{Disclosure, Dispute, Proposal};
use crate::auth::Permission;
use crate::cases::access;
use crate::disputes::{self, Answer, Close, NewDispute, NewProposal, Proceed, Way, dossier};
use crate::error::Result;
use crate::graphql::attachment::SignedLink;
use crate::graphql::codes::{DisclosurePurpose, DisputeOutcome, RecipientKind};
use crate::graphql::error::{ApiResult, UserError, authorised, outcome};
use crate::graphql::node;
use crate::graphql::scalars::MoneyInput;
use crate::graphql::service_case::ServiceCase;
use crate::graphql::session::ContextExt as _;

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
    access::log(ctx.app(), ctx.actor(), &case, ctx.actor().purpose(), None).await?;
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
