//! The register of product safety, for those who keep and those who check it.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::ids::{CaseId, SafetyEntryId};
use entity::safety_entries::{Harm, Model};

use super::codes::SafetyHarm;
use super::error::{ApiResult, UserError, authorised, nullable, outcome};
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{AvailableAction, Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::{Error, Result};
use crate::safety::{self, Change, Filter, NewEntry};

/// An entry of the register of product safety (Regulation (EU) 2023/988 Art. 9, 11).
pub struct SafetyEntry {
    row: Model,
    /// Opened, not listed: what is written in it is shown, and that was logged.
    opened: bool,
}

#[Object]
impl SafetyEntry {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("SafetyEntry", self.row.id.0)
    }

    /// The case that it was taken from; it may have gone.
    async fn case_id(&self) -> Option<ID> {
        self.row.case_id.map(|id| node::id("ServiceCase", id.0))
    }

    /// Article number.
    async fn sku(&self) -> &str {
        &self.row.sku
    }

    /// Product group.
    async fn product_group(&self) -> &str {
        &self.row.product_group
    }

    /// What happened to people.
    async fn harm(&self) -> SafetyHarm {
        self.row.harm.into()
    }

    /// The same in words, in the language of `Accept-Language`.
    async fn harm_label(&self, ctx: &Context<'_>) -> &'static str {
        SafetyHarm::from(self.row.harm).label(ctx.session().language)
    }

    /// The day on which it happened.
    async fn happened_on(&self) -> Option<NaiveDate> {
        self.row.happened_on
    }

    /// What happened, in words; null in a list.
    async fn account(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.text(ctx, "account", self.row.account.as_ref()).await
    }

    /// How to reach who complained; null in a list, and for administrators.
    async fn contact(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let actor = ctx.actor();
        if !actor.may(Permission::KeepSafety) && !actor.may(Permission::ProtectData) {
            return Ok(None);
        }
        self.text(ctx, "contact", self.row.contact.as_ref()).await
    }

    /// What was done about it; null in a list.
    async fn measures(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        self.text(ctx, "measures", self.row.measures.as_ref()).await
    }

    /// When the authority was told, UTC.
    async fn reported_at(&self) -> Option<DateTime<Utc>> {
        self.row.reported_at
    }

    /// When the entry was made, UTC.
    async fn entered_at(&self) -> DateTime<Utc> {
        self.row.entered_at
    }

    /// Counts changes; send it back as `expectedVersion`.
    async fn version(&self) -> i64 {
        self.row.version
    }

    /// The mutation that could be called on it, and why it could not.
    async fn available_actions(&self, ctx: &Context<'_>) -> Vec<AvailableAction> {
        let lacks = !ctx.actor().may(Permission::KeepSafety);
        vec![AvailableAction::unless("safetyEntryUpdate", &[(lacks, "ROLE")])]
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("safety_entries", self.row.id.0), DataType::R20, Some(self.row.entered_at))
    }
}

impl SafetyEntry {
    async fn text(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        sealed: Option<&entity::Sealed>,
    ) -> ApiResult<Option<String>> {
        if !self.opened {
            return Ok(None);
        }
        Ok(ctx.session().open(self.row.unit_id, safety::place(column, self.row.id), sealed).await?)
    }
}

/// Finding entries of the register.
#[derive(Default)]
pub struct SafetyQuery;

#[Object]
impl SafetyQuery {
    /// An entry of the register of product safety; null with `NOT_FOUND` if it does not exist. Where it is about a customer,
    /// opening it is logged.
    async fn safety_entry(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<SafetyEntry>> {
        let found = async {
            ctx.actor().require(Permission::ReadSafety)?;
            let id = node::parse("SafetyEntry", &id).ok_or(Error::NotFound)?;
            Ok(SafetyEntry { row: safety::open(ctx.app(), ctx.actor(), SafetyEntryId(id)).await?, opened: true })
        };
        nullable(ctx, found.await)
    }

    /// The register of product safety, newest first, without what is written in it.
    async fn safety_entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
        #[graphql(desc = "Only of this article.")] sku: Option<String>,
        #[graphql(desc = "Only with this harm.")] harm: Option<SafetyHarm>,
        #[graphql(desc = "Only those that the authority was told of, or was not.")] reported: Option<bool>,
    ) -> ApiResult<Page<SafetyEntry>> {
        ctx.actor().require(Permission::ReadSafety)?;
        let wanted = wanted(first, after.as_deref())?;
        let filter = Filter { sku, harm: harm.map(Harm::from), reported };
        let before = wanted.after.map(SafetyEntryId);
        let rows = safety::page(ctx.app(), ctx.actor(), filter, before, wanted.first).await?;
        Ok(page(wanted, rows, |r| r.id.0, |row| SafetyEntry { row, opened: false }))
    }
}

/// An entry to be made.
#[derive(InputObject)]
pub struct SafetyEntryRecordInput {
    /// The case that it is taken from, if it is.
    case_id: Option<ID>,
    /// Article number, at most 100 characters.
    sku: String,
    /// Product group code.
    product_group: String,
    /// What happened to people.
    harm: SafetyHarm,
    /// The day on which it happened, if known.
    happened_on: Option<NaiveDate>,
    /// What happened, in words, without names where that can be; at most 10,000 characters.
    account: String,
    /// How to reach who complained, only as far as the inquiry needs it and the case does not say it; at most 300 characters.
    contact: Option<String>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// What became known of an entry; what is left out stays as it is.
#[derive(InputObject)]
pub struct SafetyEntryUpdateInput {
    /// The entry.
    safety_entry_id: ID,
    /// What was done about it, all of it, in place of what was written before; at most 10,000 characters.
    measures: Option<String>,
    /// What happened to people, if that is known better now.
    harm: Option<SafetyHarm>,
    /// When the authority was told.
    reported_at: Option<DateTime<Utc>>,
    /// The version that it was decided on.
    expected_version: Option<i64>,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The entry after the mutation.
#[derive(SimpleObject)]
pub struct SafetyEntryPayload {
    /// The entry; null if it was refused.
    safety_entry: Option<SafetyEntry>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// An entry in an answer is an opened one, and logged as such.
async fn payload(ctx: &Context<'_>, done: Result<Model>) -> ApiResult<SafetyEntryPayload> {
    let (row, user_errors) = outcome(ctx, done)?;
    if let Some(row) = &row {
        safety::log(ctx.app(), ctx.actor(), row).await?;
    }
    Ok(SafetyEntryPayload { safety_entry: row.map(|row| SafetyEntry { row, opened: true }), user_errors })
}

/// Keeping the register.
#[derive(Default)]
pub struct SafetyMutation;

#[Object]
impl SafetyMutation {
    /// Makes an entry in the register of product safety. It goes five years later, whatever its case does.
    async fn safety_entry_record(
        &self,
        ctx: &Context<'_>,
        input: SafetyEntryRecordInput,
    ) -> ApiResult<SafetyEntryPayload> {
        let done = async {
            let case = |id: &ID| node::input("ServiceCase", id, &["input", "caseId"]).map(CaseId);
            let new = NewEntry {
                case_id: input.case_id.as_ref().map(case).transpose()?,
                sku: input.sku,
                product_group: input.product_group,
                harm: input.harm.into(),
                happened_on: input.happened_on,
                account: input.account,
                contact: input.contact,
            };
            safety::record(ctx.app(), ctx.actor(), new, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::KeepSafety, done).await).await
    }

    /// Records what was done about an entry, or when the authority was told.
    async fn safety_entry_update(
        &self,
        ctx: &Context<'_>,
        input: SafetyEntryUpdateInput,
    ) -> ApiResult<SafetyEntryPayload> {
        let done = async {
            let id = node::input("SafetyEntry", &input.safety_entry_id, &["input", "safetyEntryId"])?;
            let change = Change {
                measures: input.measures,
                harm: input.harm.map(Harm::from),
                reported_at: input.reported_at,
                expected_version: input.expected_version,
            };
            safety::update(ctx.app(), ctx.actor(), SafetyEntryId(id), change, &input.idempotency_key).await
        };
        payload(ctx, authorised(ctx, Permission::KeepSafety, done).await).await
    }
}
