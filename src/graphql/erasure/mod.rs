//! Erasures: the outcome of every record, the letter to the person, who was told, the scan, the certificate.

mod recipient;
mod request;
mod scan;

use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::erasures::Model;
use entity::ids::ErasureId;

use super::codes::{ErasureState, Locale};
use super::error::{ApiError, ApiResult, nullable};
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::Error;
use crate::privacy::erasure::{self, letter, recipients};
use crate::privacy::scan::residual;
use recipient::RecipientNotice;
pub use recipient::RecipientNoticeMutation;
use request::SubjectRequest;
use scan::ErasureScan;

/// What became, or would become, of a record.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "erasure::Outcome")]
pub enum ErasureOutcome {
    /// Deleted, with its key.
    Erased,
    /// Counted into coarse statistics without ids; the record itself is deleted.
    Anonymised,
    /// Kept until a date because of a norm (GDPR Art. 17(3)).
    Kept,
    /// Deferred because work on it is still open; follows by itself.
    Deferred,
    /// Deferred because a hold stands on it; follows by itself once it is released.
    Held,
    /// Deferred because its processing is restricted (GDPR Art. 18); follows by itself once that is lifted.
    Restricted,
}

/// The outcome of one record. Ids and codes only.
#[derive(SimpleObject)]
pub struct ErasureRecord {
    /// Its table.
    table: String,
    /// Its row id.
    row_id: String,
    /// Data type of the deletion concept.
    data_type: &'static str,
    /// The outcome.
    outcome: ErasureOutcome,
    /// The day (Europe/Berlin) on which it went, for what has gone.
    on: Option<NaiveDate>,
    /// The last day of keeping, for what is kept by a norm; the latest day, for an order on its way.
    until: Option<NaiveDate>,
    /// The norm; or why it waits: `OPEN_CASE`, `RUNNING_REFUND`, `ORDER_ON_ITS_WAY`, `HOLD`, `RESTRICTION`; or
    /// `NEW_BUSINESS`.
    because: Option<String>,
    /// The article of the GDPR.
    article: Option<String>,
}

/// An erasure, or what one would do.
pub struct Erasure {
    report: erasure::Report,
    /// None in a dry run.
    row: Option<Model>,
    decided_at: DateTime<Utc>,
}

impl Erasure {
    /// What an erasure would do.
    #[must_use]
    pub const fn planned(report: erasure::Report, now: DateTime<Utc>) -> Self {
        Self { report, row: None, decided_at: now }
    }

    /// An erasure that was decided.
    ///
    /// # Errors
    /// Its stored report is damaged.
    pub fn decided(row: Model) -> Result<Self, Error> {
        Ok(Self { report: erasure::stored(&row)?, decided_at: row.requested_at, row: Some(row) })
    }

    fn of_row<T>(&self, value: impl Fn(&Model) -> Option<T>) -> Option<T> {
        self.row.as_ref().and_then(value)
    }
}

/// The answer to the person, as it would be sent today.
#[derive(SimpleObject)]
pub struct ErasureLetter {
    /// The subject.
    subject: String,
    /// The plain text.
    text: String,
    /// The same as HTML.
    html: String,
}

#[Object]
impl Erasure {
    /// The opaque id; null in a dry run.
    async fn id(&self) -> Option<ID> {
        self.of_row(|row| Some(node::id("Erasure", row.id.0)))
    }

    /// The customer, by opaque id.
    async fn customer_id(&self) -> ID {
        node::id("Customer", self.report.customer_id.0)
    }

    /// Nothing was changed.
    async fn dry_run(&self) -> bool {
        self.report.dry_run
    }

    /// Where the erasure stands: deferred parts follow by themselves.
    async fn state(&self) -> ErasureState {
        self.row.as_ref().map_or(self.report.state, |row| row.state).into()
    }

    /// When it was decided, UTC.
    async fn decided_at(&self) -> DateTime<Utc> {
        self.decided_at
    }

    /// When nothing was left to do, UTC.
    async fn settled_at(&self) -> Option<DateTime<Utc>> {
        self.of_row(|row| row.settled_at)
    }

    /// An outcome for every record of the person.
    async fn records(&self) -> Vec<ErasureRecord> {
        let record = |r: &erasure::Record| ErasureRecord {
            table: r.table.to_string(),
            row_id: r.id.to_string(),
            data_type: r.data_type.code(),
            outcome: r.outcome.into(),
            on: r.on,
            until: r.until,
            because: r.because.as_deref().map(str::to_owned),
            article: r.article.as_deref().map(str::to_owned),
        };
        self.report.records.iter().map(record).collect()
    }

    /// From this day on no backup can open what was erased.
    async fn backups_unreadable_from(&self) -> NaiveDate {
        self.report.backups_unreadable_from
    }

    /// The answer to the person (GDPR Art. 12(3), (4), 17): what was erased, what is kept until when because of which
    /// norm, what waits and for what, who is told, and the person's rights.
    async fn letter(&self, ctx: &Context<'_>, language: Locale) -> ApiResult<ErasureLetter> {
        let app = ctx.app();
        let has_file = match &self.row {
            Some(row) => erasure::request::of_erasure(app, row.id).await?.is_some(),
            None => false,
        };
        let letter = letter::compose(app, &self.report, self.decided_at, language.into(), None, has_file);
        let written = app.templates.render(&letter, app.policies.at(app.clock.now())).map_err(Error::from)?;
        Ok(ErasureLetter { subject: written.subject, text: written.text, html: written.html })
    }

    /// Who was given data of what goes, and where telling them stands (GDPR Art. 19). In a dry run: who would be told.
    async fn recipients(&self, ctx: &Context<'_>) -> ApiResult<Vec<RecipientNotice>> {
        let Some(row) = &self.row else {
            return Ok(self.report.recipients.iter().cloned().map(RecipientNotice::Planned).collect());
        };
        let notices = recipients::of_erasure(ctx.app(), row.id).await?;
        Ok(notices.into_iter().map(RecipientNotice::Written).collect())
    }

    /// The scan after the erasure; null where nothing has gone, in a dry run, and where a restore has put the erasure back on record.
    async fn scan(&self) -> ApiResult<Option<ErasureScan>> {
        let Some((row, state)) = self.row.as_ref().and_then(|row| Some((row, row.scan_state?))) else {
            return Ok(None);
        };
        Ok(Some(ErasureScan { state: state.into(), found: residual::stored(row)? }))
    }

    /// The certificate as JSON: ids, codes, counts, rules and the result of the scan, no content. It is made when the scan
    /// has ended; null before, and in a dry run.
    async fn certificate(&self) -> Option<&str> {
        self.row.as_ref().and_then(|row| row.certificate.as_deref())
    }

    /// SHA-256 of the certificate's bytes (UTF-8), in hexadecimal.
    async fn certificate_sha256(&self) -> Option<&str> {
        self.row.as_ref().and_then(|row| row.certificate_hash.as_deref())
    }

    /// The file of the request that was answered by mail; null where none was opened.
    async fn request(&self, ctx: &Context<'_>) -> ApiResult<Option<SubjectRequest>> {
        let Some(row) = &self.row else { return Ok(None) };
        Ok(erasure::request::of_erasure(ctx.app(), row.id).await?.map(SubjectRequest))
    }

    /// Why the record of the erasure is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(
            ctx.app(),
            ("erasures", self.of_row(|row| Some(row.id.0)).unwrap_or_default()),
            DataType::R13,
            self.of_row(|row| row.settled_at),
        )
    }
}

/// Finding erasures.
#[derive(Default)]
pub struct ErasureQuery;

#[Object]
impl ErasureQuery {
    /// An erasure; null with `NOT_FOUND` if it does not exist. For the data-protection officer.
    async fn erasure(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<Erasure>> {
        let found = async {
            ctx.actor().require(Permission::ProtectData)?;
            let id = node::parse("Erasure", &id).ok_or(Error::NotFound)?;
            Erasure::decided(erasure::get(ctx.app(), ctx.actor(), ErasureId(id)).await?)
        };
        nullable(ctx, found.await)
    }

    /// The erasures, newest first. For the data-protection officer.
    async fn erasures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<Erasure>> {
        ctx.actor().require(Permission::ProtectData)?;
        let wanted = wanted(first, after.as_deref())?;
        let rows = erasure::page(ctx.app(), ctx.actor(), wanted.after.map(ErasureId), wanted.first).await?;
        let rows = rows.into_iter().map(|row| Ok((row.id.0, Erasure::decided(row)?)));
        let rows: Vec<_> = rows.collect::<Result<_, Error>>().map_err(ApiError::from)?;
        Ok(page(wanted, rows, |(id, _)| *id, |(_, erasure)| erasure))
    }
}
