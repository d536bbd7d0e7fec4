//! The rights of a customer on an order line, and what is advised on a request.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject};
use chrono::{DateTime, Utc};
use entity::cases::{Kind, Model as Case};
use entity::orders;

use super::deadline::Deadline;
use super::error::ApiResult;
use super::loaders::{CasesOf, LinesOf, ParcelsOf};
use super::order::OrderLine;
use super::policy::CostBearer;
use super::returns::RemediesOfOrder;
use super::session::ContextExt as _;
use crate::error::{Error, Language};
use crate::orders::situation::{Around, Claim, declared, policy, situation};
use crate::policy::rights::eligibility::{self, Request, assess};
use crate::policy::rights::{self, Situation};
use crate::withdrawals;

/// A legal track.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "rights::Track")]
pub enum LegalTrack {
    /// Statutory withdrawal, BGB §§ 312g, 355.
    Withdrawal,
    /// The shop's own window.
    ShopReturn,
    /// Claims for defects, BGB §§ 437 ff.
    Warranty,
    /// What a guarantor promised, BGB § 443.
    Guarantee,
}

/// Where a right stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "rights::Status")]
pub enum RightStatus {
    /// It can be used.
    Open,
    /// It can be used if a seal was not broken, or the goods were not mixed with others, after delivery.
    DependsOnSeal,
    /// The ordinary period is over; it can be used if the defect showed before its end, and not long ago, BGB § 475e(3).
    DependsOnDefect,
    /// It begins with the delivery.
    NotYet,
    /// Its time is over.
    Ended,
    /// The law excludes it for this article.
    Excluded,
}

/// What a right gives.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "rights::Remedy")]
pub enum Remedy {
    /// The price back against the goods.
    Refund,
    /// Other goods of the customer's choice.
    Exchange,
    /// The same goods, free of the defect.
    Replacement,
    /// The goods, mended.
    Repair,
    /// Part of the price back; the goods stay.
    PriceReduction,
}

/// How much of the cost of the first delivery goes back with a full refund.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "rights::Outbound")]
pub enum OutboundRefund {
    /// Nothing.
    Nothing,
    /// What the delivery of the goods that stay would have cost less.
    Difference,
    /// The cost of standard delivery, BGB § 357(2).
    Standard,
    /// Whatever was paid, BGB § 346(1).
    Paid,
}

/// What a customer wants.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "rights::Wish")]
pub enum CustomerWish {
    /// The money back.
    MoneyBack,
    /// Other or faultless goods.
    Exchange,
    /// The goods, mended.
    Repair,
    /// Keep the goods, pay less.
    PriceReduction,
}

/// What is advised. A person decides.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "eligibility::Verdict")]
pub enum EligibilityVerdict {
    /// Nothing stands against it.
    Eligible,
    /// A person has to look at something.
    Manual,
    /// Something stands against it.
    Rejected,
}

/// A right of the customer on an order line.
#[derive(SimpleObject)]
pub struct Right {
    /// On which track.
    track: LegalTrack,
    /// Where it stands.
    status: RightStatus,
    /// Until when, and why; null while its period has not begun.
    deadline: Option<Deadline>,
    /// Whether the delivery, and so the end, is only assumed; nothing is refused because of it.
    estimated: bool,
    /// Whether the reason that was given, or none, is enough for it.
    supported: bool,
    /// What it gives now.
    remedies: Vec<Remedy>,
    /// What it gives only once cure has failed or was refused.
    later_remedies: Vec<Remedy>,
    /// Who pays for sending the goods back.
    return_carriage: CostBearer,
    /// Who pays for sending other or mended goods.
    replacement_carriage: CostBearer,
    /// Why it is they.
    carriage_source: &'static str,
    /// How much of the first delivery goes back with a refund.
    outbound_refund: OutboundRefund,
    /// Why so much.
    outbound_source: &'static str,
    /// Until when a defect is presumed to have been there from the start; null where nothing has to be proved.
    presumption: Option<Deadline>,
    /// Whether it is the open right that serves the customer best.
    most_favourable: bool,
    /// The norm or promise.
    source: &'static str,
}

impl Right {
    fn of(right: rights::Right, best: bool, language: Language) -> Self {
        let remedies = |list: &[rights::Remedy]| list.iter().map(|r| (*r).into()).collect();
        Self {
            track: right.track.into(),
            status: right.status.into(),
            remedies: remedies(right.remedies),
            later_remedies: remedies(right.later_remedies),
            deadline: right.deadline.map(|d| Deadline::of(d, language)),
            estimated: right.estimated,
            supported: right.supported,
            return_carriage: right.carriage_back.into(),
            replacement_carriage: right.carriage_forth.into(),
            carriage_source: right.carriage_norm,
            outbound_refund: right.outbound.into(),
            outbound_source: right.outbound_norm,
            presumption: right.presumption.map(|d| Deadline::of(d, language)),
            most_favourable: best,
            source: right.basis,
        }
    }
}

/// A reason for or against, with its basis.
#[derive(SimpleObject)]
pub struct EligibilityFinding {
    /// On which track; null: on all.
    track: Option<LegalTrack>,
    /// A code, such as `TOO_LATE`.
    code: String,
    /// What it alone would lead to.
    effect: EligibilityVerdict,
    /// The reason in words, in the language of `Accept-Language`.
    message: &'static str,
    /// The norm or promise.
    source: &'static str,
}

/// What is advised on one track.
#[derive(SimpleObject)]
pub struct TrackEligibility {
    /// The right.
    right: Right,
    /// The advice.
    verdict: EligibilityVerdict,
}

/// What is advised on a request, with all reasons.
#[derive(SimpleObject)]
pub struct Eligibility {
    /// The best verdict of any track.
    verdict: EligibilityVerdict,
    /// The track that it rests on; null where all are rejected.
    track: Option<LegalTrack>,
    /// Each track with its own.
    tracks: Vec<TrackEligibility>,
    /// All reasons.
    findings: Vec<EligibilityFinding>,
}

/// What is advised on a line of the order of a case.
#[derive(SimpleObject)]
pub struct LineAssessment {
    /// The line.
    line: OrderLine,
    /// The advice.
    eligibility: Eligibility,
}

async fn known(
    ctx: &Context<'_>,
    order: &orders::Model,
    line: &entity::order_lines::Model,
    claim: Claim,
) -> ApiResult<Situation> {
    let loaders = &ctx.session().loaders;
    let parcels = loaders.load_one(ParcelsOf(order.id)).await.map_err(Error::from)?.unwrap_or_default();
    let cases = loaders.load_one(CasesOf(order.id)).await.map_err(Error::from)?.unwrap_or_default();
    let lines = loaders.load_one(LinesOf(order.id)).await.map_err(Error::from)?.unwrap_or_default();
    let remedies = loaders.load_one(RemediesOfOrder(order.id)).await.map_err(Error::from)?.unwrap_or_default();
    let around = Around { lines: lines.len(), parcels: &parcels, cases: &cases, remedies: &remedies };
    Ok(situation(ctx.app(), order, line, around, claim))
}

fn unreckonable(error: crate::policy::deadline::Unreckonable) -> Error {
    Error::Internal(anyhow::anyhow!("rights: {error}"))
}

/// The rights on a line now.
///
/// # Errors
/// A database cannot be read.
pub(super) async fn of_line(ctx: &Context<'_>, line: &OrderLine, claim: Claim) -> ApiResult<Vec<Right>> {
    let s = known(ctx, &line.order, &line.row, claim).await?;
    let app = ctx.app();
    let found = rights::rights(policy(app, &line.order), &s, app.clock.now()).map_err(unreckonable)?;
    let best = rights::most_favourable(&found, None).map(|right| right.track);
    let language = ctx.session().language;
    Ok(found
        .into_iter()
        .map(|right| {
            let is = Some(right.track) == best;
            Right::of(right, is, language)
        })
        .collect())
}

/// What is advised on a request about a line.
///
/// # Errors
/// A database cannot be read.
pub(super) async fn advice(
    ctx: &Context<'_>,
    line: &OrderLine,
    claim: Claim,
    wish: rights::Wish,
    at: DateTime<Utc>,
) -> ApiResult<Eligibility> {
    let s = known(ctx, &line.order, &line.row, claim).await?;
    let completed = line.order.captured_minor.is_some_and(|minor| minor > 0);
    let request = Request { wish, at, proven: true, completed, original: None };
    let done = assess(policy(ctx.app(), &line.order), &s, request).map_err(unreckonable)?;
    let language = ctx.session().language;
    let finding = |f: eligibility::Finding| EligibilityFinding {
        track: f.track.map(Into::into),
        code: f.reason.code(),
        effect: f.reason.effect().into(),
        message: f.reason.words().said(language),
        source: f.basis,
    };
    let best = done.track;
    let track = |t: eligibility::TrackVerdict| TrackEligibility {
        verdict: t.verdict.into(),
        right: {
            let is = Some(t.right.track) == best;
            Right::of(t.right, is, language)
        },
    };
    Ok(Eligibility {
        verdict: done.verdict.into(),
        track: best.map(Into::into),
        tracks: done.tracks.into_iter().map(track).collect(),
        findings: done.findings.into_iter().map(finding).collect(),
    })
}

/// What is advised on each line of the order of a case, given its kind, its reason and the day on which it was opened.
///
/// # Errors
/// A database cannot be read.
pub(super) async fn of_case(ctx: &Context<'_>, case: &Case) -> ApiResult<Vec<LineAssessment>> {
    let loaders = &ctx.session().loaders;
    let wish = match case.kind {
        Some(Kind::Return | Kind::Complaint | Kind::Withdrawal) => rights::Wish::MoneyBack,
        Some(Kind::Exchange) => rights::Wish::Exchange,
        Some(Kind::WarrantyClaim) => rights::Wish::Repair,
        _ => return Ok(Vec::new()),
    };
    let Some(order) = case.order_id else { return Ok(Vec::new()) };
    let Some(order) = loaders.load_one(order).await.map_err(Error::from)? else { return Ok(Vec::new()) };
    let order = Arc::new(order);
    let lines = loaders.load_one(LinesOf(order.id)).await.map_err(Error::from)?.unwrap_or_default();
    let claim = Claim { reason: case.reason, defect_shown: None };
    let app = ctx.app();
    let mut at = case.opened_at.unwrap_or_else(|| app.clock.now());
    if case.kind == Some(Kind::Withdrawal)
        && let Some(statement) = withdrawals::of_case(app.db.read(), case.id).await?
    {
        at = declared(&statement);
    }
    let mut all = Vec::with_capacity(lines.len());
    for row in lines {
        let line = OrderLine { row, order: Arc::clone(&order) };
        let eligibility = advice(ctx, &line, claim, wish, at).await?;
        all.push(LineAssessment { line, eligibility });
    }
    Ok(all)
}
