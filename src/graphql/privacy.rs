//! The data-protection officer's part: what is kept of a person, export, erasure, holds.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{CaseId, CustomerId, HoldId, OrderId};

use super::attachment::SignedLink;
use super::codes::HoldReason;
use super::dispute::Disclosure;
use super::erasure::Erasure;
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::node;
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::disputes::dossier;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::Place;
use crate::privacy::{self, erasure, export};
use crate::retention::holds::{self, NewHold, Scope};

/// A person, as the data-protection officer sees one: no content, but what is kept and why.
#[derive(SimpleObject)]
pub struct DataSubject {
    /// The opaque id of the customer.
    customer_id: ID,
    /// What an erasure would do today, record by record.
    erasure_preview: Erasure,
    /// The holds that stand on the person.
    holds: Vec<Hold>,
    /// To whom data of the person was given, oldest first, at most 1,000 (GDPR Art. 15(1)(c), 19).
    disclosures: Vec<Disclosure>,
}

/// A legal hold.
pub struct Hold(entity::holds::Model);

#[Object]
impl Hold {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("Hold", self.0.id.0)
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

    /// When it was released, UTC; null while it stands.
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.0.released_at
    }

    /// Why its record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), entity::DataType::R32, self.0.start_at)
    }
}

/// Looking after a person's data.
#[derive(Default)]
pub struct PrivacyQuery;

#[Object]
impl PrivacyQuery {
    /// What is kept of the person with this e-mail address; found as long as anything is. For the data-protection officer.
    async fn data_subject(&self, ctx: &Context<'_>, email: String) -> ApiResult<Option<DataSubject>> {
        let found = async {
            let customer = privacy::find(ctx.app(), ctx.actor(), &email).await?;
            let plan = erasure::plan(ctx.app(), ctx.actor(), customer).await?;
            let holds = holds::standing(ctx.app(), customer.0).await?;
            let disclosures = dossier::of_customer(ctx.app(), ctx.actor(), customer).await?;
            Ok(DataSubject {
                customer_id: node::id("Customer", customer.0),
                erasure_preview: Erasure::planned(plan, ctx.app().clock.now()),
                holds: holds.into_iter().map(Hold).collect(),
                disclosures: disclosures.into_iter().map(Disclosure).collect(),
            })
        };
        let found = match found.await {
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => Err(Error::NotFound),
            other => other,
        };
        nullable(ctx, found)
    }
}

/// An export to be made.
#[derive(InputObject)]
pub struct SubjectExportInput {
    /// The customer.
    customer_id: ID,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The export: nothing is stored, the archive is made while the link is read.
#[derive(SimpleObject)]
pub struct SubjectExportPayload {
    /// A link to a ZIP with data.json, a readable index.html, the files and a manifest of checksums.
    download: Option<SignedLink>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// An erasure to be decided.
#[derive(InputObject)]
pub struct SubjectEraseInput {
    /// The customer.
    customer_id: ID,
    /// Says what would happen and changes nothing.
    #[graphql(default)]
    dry_run: bool,
    /// Opens a file of the request (R14) and mails the person what became of it. The address is taken from the contact
    /// record before that goes. Without effect in a dry run.
    #[graphql(default)]
    notify: bool,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What became of every record.
#[derive(SimpleObject)]
pub struct SubjectErasePayload {
    /// The erasure; null if it was refused.
    erasure: Option<Erasure>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// A hold to be placed, on exactly one of customer, order and case.
#[derive(InputObject)]
pub struct HoldPlaceInput {
    /// Everything of this person.
    customer_id: Option<ID>,
    /// This order, its lines and parcels, and the cases about it.
    order_id: Option<ID>,
    /// This case, its messages, evidence and refunds; not the order and not the contact record, which need a hold of
    /// their own.
    case_id: Option<ID>,
    /// Why.
    reason: HoldReason,
    /// In words; at most 2,000 characters.
    note: Option<String>,
    /// The day by which it is reviewed: from today to six months ahead.
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
    match (&input.customer_id, &input.order_id, &input.case_id) {
        (Some(id), None, None) => {
            Ok(Scope::Customer(CustomerId(node::input("Customer", id, &["input", "customerId"])?)))
        }
        (None, Some(id), None) => Ok(Scope::Order(OrderId(node::input("Order", id, &["input", "orderId"])?))),
        (None, None, Some(id)) => Ok(Scope::Case(CaseId(node::input("ServiceCase", id, &["input", "caseId"])?))),
        _ => {
            let refusal = Refusal::at(Code::Invalid, &["input"]);
            Err(refusal.with("expected", "exactly one of customerId, orderId, caseId").into())
        }
    }
}

/// Export, erasure and holds.
#[derive(Default)]
pub struct PrivacyMutation;

#[Object]
impl PrivacyMutation {
    /// A link to everything that is kept of a person (GDPR Art. 15, 20). Following it is audited. For the
    /// data-protection officer.
    async fn subject_export(&self, ctx: &Context<'_>, input: SubjectExportInput) -> ApiResult<SubjectExportPayload> {
        let done = async {
            let customer = CustomerId(node::input("Customer", &input.customer_id, &["input", "customerId"])?);
            export::request(ctx.app(), ctx.actor(), customer, &input.idempotency_key).await
        };
        let (link, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        let download = link.map(|(url, expires_at)| SignedLink { url, expires_at });
        Ok(SubjectExportPayload { download, user_errors })
    }

    /// Erases a person (GDPR Art. 17) as far as the law lets it, with an outcome for every record. For the
    /// data-protection officer.
    async fn subject_erase(&self, ctx: &Context<'_>, input: SubjectEraseInput) -> ApiResult<SubjectErasePayload> {
        let done = async {
            let customer = CustomerId(node::input("Customer", &input.customer_id, &["input", "customerId"])?);
            if input.dry_run {
                let plan = erasure::plan(ctx.app(), ctx.actor(), customer).await?;
                return Ok(Erasure::planned(plan, ctx.app().clock.now()));
            }
            let row = erasure::erase(ctx.app(), ctx.actor(), customer, input.notify, &input.idempotency_key).await?;
            Erasure::decided(row)
        };
        let (done, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(SubjectErasePayload { erasure: done, user_errors })
    }

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

    /// Releases a hold: what became due meanwhile goes with the next nightly run. For the data-protection officer.
    async fn hold_release(&self, ctx: &Context<'_>, input: HoldReleaseInput) -> ApiResult<HoldPayload> {
        let done = async {
            let id = HoldId(node::input("Hold", &input.id, &["input", "id"])?);
            holds::release(ctx.app(), ctx.actor(), id, &input.idempotency_key).await
        };
        let (row, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(HoldPayload { hold: row.map(Hold), user_errors })
    }
}
