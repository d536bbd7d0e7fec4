//! Restriction of processing (GDPR Art. 18): what is stored and nothing else, why, and until when.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{CaseId, CustomerId, RestrictionId};

use super::codes::{RestrictionGround, ToldBy};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::hold::{HistoryEntry, ProtectionFilter, filter, history};
use super::mail::Mail;
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::Place;
use crate::policy::calendar;
use crate::privacy::lifting;
use crate::retention::restrictions::{self, NewRestriction, Scope};

/// A restriction of processing.
pub struct Restriction(pub(super) entity::restrictions::Model);

impl Restriction {
    async fn mail(&self, ctx: &Context<'_>) -> ApiResult<Option<entity::mails::Model>> {
        let Some(id) = self.0.mail_id else { return Ok(None) };
        Ok(ctx.session().loaders.load_one(id).await.map_err(Error::from)?)
    }
}

#[Object]
impl Restriction {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Restriction", self.0.id.0)
    }

    /// The person, with everything of theirs.
    async fn customer_id(&self) -> Option<ID> {
        self.0.customer_id.map(|id| node::id("Customer", id.0))
    }

    /// The case.
    async fn case_id(&self) -> Option<ID> {
        self.0.case_id.map(|id| node::id("ServiceCase", id.0))
    }

    /// Why.
    async fn ground(&self) -> RestrictionGround {
        self.0.ground.into()
    }

    /// In words.
    async fn note(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "restrictions", column: "note", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.note.as_ref()).await?)
    }

    /// Since when, UTC.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.0.placed_at
    }

    /// The day by which it is reviewed.
    async fn review_on(&self) -> NaiveDate {
        self.0.review_on
    }

    /// Whether that day has come and nobody has reviewed it.
    async fn review_due(&self, ctx: &Context<'_>) -> bool {
        self.0.lifted_at.is_none() && self.0.review_on <= calendar::day_of(ctx.app().clock.now())
    }

    /// When the person was told that it will be lifted, UTC; by e-mail: when a mail server took it.
    async fn told_at(&self, ctx: &Context<'_>) -> ApiResult<Option<DateTime<Utc>>> {
        Ok(lifting::told_at(&self.0, self.mail(ctx).await?.as_ref()))
    }

    /// How the person was told.
    async fn told_by(&self) -> Option<ToldBy> {
        self.0.told_by.map(ToldBy::from)
    }

    /// The mail by which the person was told, or is about to be, and what became of it.
    #[graphql(name = "mail")]
    async fn told_by_mail(&self, ctx: &Context<'_>) -> ApiResult<Option<Mail>> {
        Ok(self.mail(ctx).await?.map(|row| Mail { row, shown: true }))
    }

    /// The day of which the person was told: it is not lifted before.
    async fn lift_on(&self) -> Option<NaiveDate> {
        self.0.lift_on
    }

    /// When it was lifted, UTC; null while it stands.
    async fn lifted_at(&self) -> Option<DateTime<Utc>> {
        self.0.lifted_at
    }

    /// Everything that was done with it, oldest first.
    async fn history(&self, ctx: &Context<'_>) -> ApiResult<Vec<HistoryEntry>> {
        history(ctx, "restrictions", self.0.id.0).await
    }

    /// Why its record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("restrictions", self.0.id.0), entity::DataType::R32, self.0.start_at)
    }
}

/// Looking at restrictions.
#[derive(Default)]
pub struct RestrictionQuery;

#[Object]
impl RestrictionQuery {
    /// Restrictions of processing, newest first. For the data-protection officer.
    async fn restrictions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Which.", default_with = "ProtectionFilter::Standing")] which: ProtectionFilter,
    ) -> ApiResult<Page<Restriction>> {
        ctx.actor().require(Permission::ProtectData)?;
        let wanted = wanted(first, after.as_deref())?;
        let (which, after) = (filter(ctx, which), wanted.after.map(RestrictionId));
        let rows = restrictions::page(ctx.app(), ctx.actor(), which, after, wanted.first).await?;
        ctx.session().ring.load(ctx.app(), rows.iter().map(|r| r.unit_id)).await?;
        Ok(page(wanted, rows, |r| r.id.0, Restriction))
    }
}

/// A restriction to be placed, on exactly one of customer and case.
#[derive(InputObject)]
pub struct RestrictionPlaceInput {
    /// Everything of this person.
    customer_id: Option<ID>,
    /// This case, its messages, evidence, returns and refunds.
    case_id: Option<ID>,
    /// Why.
    ground: RestrictionGround,
    /// In words; at most 2,000 characters.
    note: Option<String>,
    /// The day by which it is reviewed: from today to six months ahead.
    review_on: NaiveDate,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A restriction to be reviewed: it stays.
#[derive(InputObject)]
pub struct RestrictionReviewInput {
    /// The restriction.
    id: ID,
    /// The day by which it is reviewed again: from today to six months ahead.
    review_on: NaiveDate,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The person is told that the restriction will be lifted.
#[derive(InputObject)]
pub struct RestrictionTellInput {
    /// The restriction.
    id: ID,
    /// How the person is told: `EMAIL` writes and queues the mail, `LETTER` and `PHONE` record what was done.
    told_by: ToldBy,
    /// The day before which it is not lifted, from today to six months ahead; without it, any time after the person was
    /// told.
    lift_on: Option<NaiveDate>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A restriction to be lifted.
#[derive(InputObject)]
pub struct RestrictionLiftInput {
    /// The restriction.
    id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The restriction after the mutation.
#[derive(SimpleObject)]
pub struct RestrictionPayload {
    /// The restriction; null if it was refused.
    restriction: Option<Restriction>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn scope(input: &RestrictionPlaceInput) -> Result<Scope> {
    match (&input.customer_id, &input.case_id) {
        (Some(id), None) => Ok(Scope::Customer(CustomerId(node::input("Customer", id, &["input", "customerId"])?))),
        (None, Some(id)) => Ok(Scope::Case(CaseId(node::input("ServiceCase", id, &["input", "caseId"])?))),
        _ => {
            let refusal = Refusal::at(Code::Invalid, &["input"]);
            Err(refusal.with("expected", "exactly one of customerId, caseId").into())
        }
    }
}

fn target(id: &ID) -> Result<RestrictionId> {
    Ok(RestrictionId(node::input("Restriction", id, &["input", "id"])?))
}

fn payload(ctx: &Context<'_>, done: Result<entity::restrictions::Model>) -> ApiResult<RestrictionPayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    Ok(RestrictionPayload { restriction: row.map(Restriction), user_errors })
}

/// Placing, reviewing and lifting restrictions.
#[derive(Default)]
pub struct RestrictionMutation;

#[Object]
impl RestrictionMutation {
    /// Restricts processing: what it covers is stored and not deleted, and staff neither finds nor changes it. What the
    /// person asks for still goes through. For the data-protection officer.
    async fn restriction_place(
        &self,
        ctx: &Context<'_>,
        input: RestrictionPlaceInput,
    ) -> ApiResult<RestrictionPayload> {
        let done = async {
            let new = NewRestriction {
                scope: scope(&input)?,
                ground: input.ground.into(),
                note: input.note.clone(),
                review_on: input.review_on,
            };
            restrictions::place(ctx.app(), ctx.actor(), new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::ProtectData, done).await)
    }

    /// Reviews a restriction that is still needed. For the data-protection officer.
    async fn restriction_review(
        &self,
        ctx: &Context<'_>,
        input: RestrictionReviewInput,
    ) -> ApiResult<RestrictionPayload> {
        let done = async {
            let (id, day) = (target(&input.id)?, input.review_on);
            restrictions::review(ctx.app(), ctx.actor(), id, day, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::ProtectData, done).await)
    }

    /// Tells the person that it will be lifted, which has to come first (GDPR Art. 18(3)): by a mail, which counts when a mail
    /// server has taken it, or by a letter or a call, which is recorded. For the data-protection officer.
    async fn restriction_tell(&self, ctx: &Context<'_>, input: RestrictionTellInput) -> ApiResult<RestrictionPayload> {
        let done = async {
            let (id, told_by, lift_on) = (target(&input.id)?, input.told_by.into(), input.lift_on);
            lifting::tell(ctx.app(), ctx.actor(), id, told_by, lift_on, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::ProtectData, done).await)
    }

    /// Lifts a restriction of which the person was told. `PERSON_NOT_TOLD` says with `mail` where a mail stands that has not
    /// been taken. For the data-protection officer.
    async fn restriction_lift(&self, ctx: &Context<'_>, input: RestrictionLiftInput) -> ApiResult<RestrictionPayload> {
        let done = async { lifting::lift(ctx.app(), ctx.actor(), target(&input.id)?, &input.idempotency_key).await };
        payload(ctx, authorised(ctx, Permission::ProtectData, done).await)
    }
}
