//! Legal holds: what suspends deletion, why, since when, and when somebody looks at it again.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{CaseId, CustomerId, HoldId, OrderId};
use entity::{DataType, audit_entries};

use super::codes::{ActorKind, HoldReason};
use super::error::{ApiResult, UserError, authorised, outcome};
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::{Code, Refusal, Result};
use crate::keys::Place;
use crate::policy::calendar;
use crate::retention::holds::{self, NewHold, Scope, Wanted};

/// A legal hold.
pub struct Hold(pub(super) entity::holds::Model);

#[Object]
impl Hold {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Hold", self.0.id.0)
    }

    /// The person held, with everything of theirs.
    async fn customer_id(&self) -> Option<ID> {
        self.0.customer_id.map(|id| node::id("Customer", id.0))
    }

    /// The order held.
    async fn order_id(&self) -> Option<ID> {
        self.0.order_id.map(|id| node::id("Order", id.0))
    }

    /// The case held.
    async fn case_id(&self) -> Option<ID> {
        self.0.case_id.map(|id| node::id("ServiceCase", id.0))
    }

    /// The records held, whosever they are.
    async fn records(&self) -> Option<HeldRecords> {
        let (data_type, year) = self.0.data_type.zip(self.0.year)?;
        Some(HeldRecords { data_type: data_type.code(), year })
    }

    /// Why.
    async fn reason(&self) -> HoldReason {
        self.0.reason.into()
    }

    /// In words.
    async fn note(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = Place { table: "holds", column: "note", row: self.0.id.0 };
        Ok(ctx.session().open(self.0.unit_id, place, self.0.note.as_ref()).await?)
    }

    /// When it was placed, UTC.
    async fn placed_at(&self) -> DateTime<Utc> {
        self.0.placed_at
    }

    /// The day by which it is reviewed.
    async fn review_on(&self) -> NaiveDate {
        self.0.review_on
    }

    /// Whether that day has come and nobody has reviewed it.
    async fn review_due(&self, ctx: &Context<'_>) -> bool {
        self.0.released_at.is_none() && self.0.review_on <= calendar::day_of(ctx.app().clock.now())
    }

    /// When it was released, UTC; null while it stands.
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.0.released_at
    }

    /// Everything that was done with it, oldest first.
    async fn history(&self, ctx: &Context<'_>) -> ApiResult<Vec<HistoryEntry>> {
        history(ctx, "holds", self.0.id.0).await
    }

    /// Why its record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("holds", self.0.id.0), DataType::R32, self.0.start_at)
    }
}

/// Records of a kind that are held together.
#[derive(SimpleObject)]
pub struct HeldRecords {
    /// Their data type, such as `R01`.
    data_type: &'static str,
    /// The calendar year (Europe/Berlin) in which their period began.
    year: i32,
}

/// A step in the life of a hold or a restriction. People appear by id only.
#[derive(SimpleObject)]
pub struct HistoryEntry {
    /// When, UTC.
    at: DateTime<Utc>,
    /// What was done, such as `hold.review`.
    action: String,
    /// By what kind of actor.
    actor_kind: ActorKind,
    /// By whom, as an opaque id.
    actor_id: Option<String>,
    /// Codes and dates of it, as JSON.
    details: String,
}

/// What the audit knows of a row.
pub(super) async fn history(ctx: &Context<'_>, table: &'static str, row: uuid::Uuid) -> ApiResult<Vec<HistoryEntry>> {
    let entry = |e: audit_entries::Model| HistoryEntry {
        at: e.at,
        action: e.action,
        actor_kind: e.actor_kind.into(),
        actor_id: e.actor_id.map(|id| id.to_string()),
        details: e.details,
    };
    Ok(holds::history(ctx.app(), ctx.actor(), table, row).await?.into_iter().map(entry).collect())
}

/// Which holds or restrictions.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum ProtectionFilter {
    /// Those that stand.
    Standing,
    /// Those that stand and whose day of review has come.
    ReviewDue,
    /// All, also those that have ended.
    All,
}

pub(super) fn filter(ctx: &Context<'_>, filter: ProtectionFilter) -> Wanted {
    match filter {
        ProtectionFilter::All => Wanted::All,
        ProtectionFilter::Standing => Wanted::Standing,
        ProtectionFilter::ReviewDue => Wanted::ReviewedBy(calendar::day_of(ctx.app().clock.now())),
    }
}

/// Looking at holds.
#[derive(Default)]
pub struct HoldQuery;

#[Object]
impl HoldQuery {
    /// Holds, newest first. For the data-protection officer.
    async fn holds(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Which.", default_with = "ProtectionFilter::Standing")] which: ProtectionFilter,
    ) -> ApiResult<Page<Hold>> {
        ctx.actor().require(Permission::ProtectData)?;
        let wanted = wanted(first, after.as_deref())?;
        let which = filter(ctx, which);
        let rows = holds::page(ctx.app(), ctx.actor(), which, wanted.after.map(HoldId), wanted.first).await?;
        ctx.session().ring.load(ctx.app(), rows.iter().map(|r| r.unit_id)).await?;
        Ok(page(wanted, rows, |r| r.id.0, Hold))
    }
}

/// Records of a kind to be held together.
#[derive(InputObject)]
pub struct HeldRecordsInput {
    /// Their data type, such as `R01`.
    data_type: String,
    /// The calendar year (Europe/Berlin) in which their period began, 2000 to 2199.
    year: i32,
}

/// A hold to be placed, on exactly one of customer, order, case and records.
#[derive(InputObject)]
pub struct HoldPlaceInput {
    /// Everything of this person.
    customer_id: Option<ID>,
    /// This order, its lines and parcels, and the cases about it.
    order_id: Option<ID>,
    /// This case, its messages, evidence and refunds; not the order and not the contact record, which need a hold of
    /// their own.
    case_id: Option<ID>,
    /// Everybody's records of a data type and year: a tax whose assessment is open (AO § 147(3) sentence 5).
    records: Option<HeldRecordsInput>,
    /// Why.
    reason: HoldReason,
    /// In words; at most 2,000 characters.
    note: Option<String>,
    /// The day by which it is reviewed: from today to six months ahead.
    review_on: NaiveDate,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A hold to be reviewed: it stays.
#[derive(InputObject)]
pub struct HoldReviewInput {
    /// The hold.
    id: ID,
    /// The day by which it is reviewed again: from today to six months ahead.
    review_on: NaiveDate,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// A hold to be released.
#[derive(InputObject)]
pub struct HoldReleaseInput {
    /// The hold.
    id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The hold after the mutation.
#[derive(SimpleObject)]
pub struct HoldPayload {
    /// The hold; null if it was refused.
    hold: Option<Hold>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

fn scope(input: &HoldPlaceInput) -> Result<Scope> {
    match (&input.customer_id, &input.order_id, &input.case_id, &input.records) {
        (Some(id), None, None, None) => {
            Ok(Scope::Customer(CustomerId(node::input("Customer", id, &["input", "customerId"])?)))
        }
        (None, Some(id), None, None) => Ok(Scope::Order(OrderId(node::input("Order", id, &["input", "orderId"])?))),
        (None, None, Some(id), None) => Ok(Scope::Case(CaseId(node::input("ServiceCase", id, &["input", "caseId"])?))),
        (None, None, None, Some(records)) => {
            if !(2000..2200).contains(&records.year) {
                let refusal = Refusal::at(Code::Invalid, &["input", "records", "year"]);
                return Err(refusal.with("expected", "2000 to 2199").into());
            }
            let data_type = DataType::from_code(&records.data_type);
            let unknown = || Refusal::at(Code::NotFound, &["input", "records", "dataType"]);
            Ok(Scope::Records(data_type.ok_or_else(unknown)?, records.year))
        }
        _ => {
            let refusal = Refusal::at(Code::Invalid, &["input"]);
            Err(refusal.with("expected", "exactly one of customerId, orderId, caseId, records").into())
        }
    }
}

/// Placing, reviewing and releasing holds.
#[derive(Default)]
pub struct HoldMutation;

#[Object]
impl HoldMutation {
    /// Places a hold: neither the nightly job nor an erasure removes what it covers. For the data-protection officer.
    async fn hold_place(&self, ctx: &Context<'_>, input: HoldPlaceInput) -> ApiResult<HoldPayload> {
        let done = async {
            let new = NewHold {
                scope: scope(&input)?,
                reason: input.reason.into(),
                note: input.note.clone(),
                review_on: input.review_on,
            };
            holds::place(ctx.app(), ctx.actor(), new, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(HoldPayload { hold: row.map(Hold), user_errors })
    }

    /// Reviews a hold that is still needed: it stands until another day of review. For the data-protection officer.
    async fn hold_review(&self, ctx: &Context<'_>, input: HoldReviewInput) -> ApiResult<HoldPayload> {
        let done = async {
            let id = HoldId(node::input("Hold", &input.id, &["input", "id"])?);
            holds::review(ctx.app(), ctx.actor(), id, input.review_on, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(HoldPayload { hold: row.map(Hold), user_errors })
    }

    /// Releases a hold: an erasure that waited for it goes on within a minute, what became due meanwhile goes with the next nightly
    /// run. For the data-protection officer.
    async fn hold_release(&self, ctx: &Context<'_>, input: HoldReleaseInput) -> ApiResult<HoldPayload> {
        let done = async {
            let id = HoldId(node::input("Hold", &input.id, &["input", "id"])?);
            holds::release(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(HoldPayload { hold: row.map(Hold), user_errors })
    }
}
