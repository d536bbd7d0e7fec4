//! Erasures: the outcome of every record, the letter to the person, who was told, the scan, the certificate.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::erasures::Model;
use entity::ids::{ErasureId, MailId, NoticeId};
use entity::{mails, subject_requests};
use sea_orm::EntityTrait as _;

use super::codes::{ErasureScanState, ErasureState, Locale, MailState, RecipientKind};
use super::error::{ApiError, ApiResult, UserError, authorised, nullable, outcome};
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::Error;
use crate::privacy::erasure::{self, letter, recipients, request};
use crate::privacy::scan::residual;

/// What became, or would become, of a record.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
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
            table: r.table.clone(),
            row_id: r.id.to_string(),
            data_type: r.data_type.code(),
            outcome: match r.outcome.as_str() {
                "ERASED" => ErasureOutcome::Erased,
                "ANONYMISED" => ErasureOutcome::Anonymised,
                "DEFERRED" => ErasureOutcome::Deferred,
                "HELD" => ErasureOutcome::Held,
                "RESTRICTED" => ErasureOutcome::Restricted,
                _ => ErasureOutcome::Kept,
            },
            on: r.on,
            until: r.until,
            because: r.because.clone(),
            article: r.article.clone(),
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
        let letter = letter::compose(app, &self.report, self.decided_at, language.into(), None);
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

    /// The scan after the erasure; null where nothing has gone, and in a dry run.
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
        Ok(request::of_erasure(ctx.app(), row.id).await?.map(SubjectRequest))
    }

    /// Why the record of the erasure is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), DataType::R13, self.of_row(|row| row.settled_at))
    }
}

/// Where telling a recipient stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum RecipientNoticeState {
    /// In a dry run: would be told.
    Planned,
    /// The mail waits to be sent.
    Queued,
    /// No address is set, or the mail did not arrive: staff has to tell.
    ToBeTold,
    /// A mail server took it, or staff told it.
    Told,
    /// The recipient has acknowledged it.
    Acknowledged,
}

/// A recipient of personal data that was erased (GDPR Art. 19).
pub enum RecipientNotice {
    /// Who would be told.
    Planned(recipients::Told),
    /// Who was told, or is to be.
    Written(recipients::Notice),
}

impl RecipientNotice {
    const fn written(&self) -> Option<&recipients::Notice> {
        match self {
            Self::Planned(_) => None,
            Self::Written(notice) => Some(notice),
        }
    }
}

#[Object]
impl RecipientNotice {
    /// The opaque id; null in a dry run.
    async fn id(&self) -> Option<ID> {
        self.written().map(|notice| node::id("RecipientNotice", notice.row.id.0))
    }

    /// What kind of recipient.
    async fn recipient_kind(&self) -> RecipientKind {
        match self {
            Self::Planned(told) => told.kind.into(),
            Self::Written(notice) => notice.row.recipient_kind.into(),
        }
    }

    /// By name.
    async fn recipient(&self) -> &str {
        match self {
            Self::Planned(told) => &told.recipient,
            Self::Written(notice) => &notice.row.recipient,
        }
    }

    /// Where it stands.
    async fn state(&self) -> RecipientNoticeState {
        match self.written().map(|notice| notice.state) {
            None => RecipientNoticeState::Planned,
            Some(recipients::State::Queued) => RecipientNoticeState::Queued,
            Some(recipients::State::ToBeTold) => RecipientNoticeState::ToBeTold,
            Some(recipients::State::Told) => RecipientNoticeState::Told,
            Some(recipients::State::Acknowledged) => RecipientNoticeState::Acknowledged,
        }
    }

    /// The numbers that the recipient was given, or the day where no number is left; and all that it is told of the person.
    async fn references(&self, ctx: &Context<'_>) -> ApiResult<Vec<String>> {
        let Some(row) = self.written().map(|notice| &notice.row) else { return Ok(Vec::new()) };
        let text = ctx.session().open(row.unit_id, recipients::place(row.id), row.reference.as_ref()).await?;
        Ok(text.unwrap_or_default().lines().map(str::to_owned).collect())
    }

    /// When it was told, UTC.
    async fn told_at(&self) -> Option<DateTime<Utc>> {
        self.written().and_then(|notice| notice.told_at)
    }

    /// When the recipient acknowledged it, UTC.
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.written().and_then(|notice| notice.row.acknowledged_at)
    }

    /// Why its record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), DataType::R30, self.written().map(|notice| notice.row.created_at))
    }
}

/// What was found of the person in everything that is stored, after the erasure.
pub struct ErasureScan {
    state: ErasureScanState,
    found: Option<residual::Found>,
}

/// Where something was found.
#[derive(SimpleObject)]
pub struct ScanFinding {
    /// `FAILURE`, or `MENTION` in a record of somebody else.
    what: String,
    /// `table.column`, `blob`, `blob name`, `file` or `ledger`.
    place: String,
    /// The row id; null for files.
    row_id: Option<String>,
    /// Whether it was sealed.
    sealed: bool,
    /// What was found: `EMAIL`, `NAME`, `PHONE`, `ADDRESS` or `NUMBER`.
    kind: &'static str,
}

#[Object]
impl ErasureScan {
    /// Where it stands. What follows is of the last scan that ended.
    async fn state(&self) -> ErasureScanState {
        self.state
    }

    /// When it ended, UTC.
    async fn scanned_at(&self) -> Option<DateTime<Utc>> {
        self.found.as_ref().map(|f| f.scanned_at)
    }

    /// How many identifiers were looked for.
    async fn looked_for(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.looked_for.values().sum()))
    }

    /// Rows that were read.
    async fn rows(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.rows))
    }

    /// Blobs that were opened.
    async fn blobs(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.blobs))
    }

    /// Files that were read.
    async fn files(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.files))
    }

    /// Found in records that are kept, deferred or held, or that came later.
    async fn lawful(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.lawful))
    }

    /// Found in records of others: a person has to look.
    async fn mentions(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.mentions))
    }

    /// Found where it had to be gone, or in plain.
    async fn failures(&self) -> Option<i64> {
        self.found.as_ref().map(|f| count(f.failures))
    }

    /// The failures and mentions, at most 100.
    async fn findings(&self) -> Vec<ScanFinding> {
        let finding = |p: &residual::Place| ScanFinding {
            what: p.what.clone(),
            place: p.place.clone(),
            row_id: p.row.map(|id| id.to_string()),
            sealed: p.sealed,
            kind: p.kind.code(),
        };
        self.found.iter().flat_map(|f| &f.findings).map(finding).collect()
    }
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The file of a data subject's request (R14).
pub struct SubjectRequest(subject_requests::Model);

#[Object]
impl SubjectRequest {
    /// The opaque id.
    async fn id(&self) -> ID {
        node::id("SubjectRequest", self.0.id.0)
    }

    /// When it was received, UTC.
    async fn received_at(&self) -> DateTime<Utc> {
        self.0.received_at
    }

    /// When it was first answered, UTC.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.0.answered_at
    }

    /// The answer, word for word as it was mailed.
    async fn answer(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = request::place(self.0.id, "answer");
        Ok(ctx.session().open(self.0.unit_id, place, self.0.answer.as_ref()).await?)
    }

    /// Where the mail with the answer stands.
    async fn mail_state(&self, ctx: &Context<'_>) -> ApiResult<Option<MailState>> {
        mail_state(ctx, self.0.mail_id).await
    }

    /// The answer that closes it, word for word as it was mailed: what became of what had waited. Null while something
    /// waits, and where nothing did.
    async fn closing_answer(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let place = request::place(self.0.id, "closing");
        Ok(ctx.session().open(self.0.unit_id, place, self.0.closing.as_ref()).await?)
    }

    /// Where the mail with the closing answer stands.
    async fn closing_mail_state(&self, ctx: &Context<'_>) -> ApiResult<Option<MailState>> {
        mail_state(ctx, self.0.closing_mail_id).await
    }

    /// When the last answer was given, UTC: the first one where nothing waited. Its retention starts then.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), DataType::R14, self.0.closed_at)
    }
}

async fn mail_state(ctx: &Context<'_>, id: Option<MailId>) -> ApiResult<Option<MailState>> {
    let Some(id) = id else { return Ok(None) };
    let mail = mails::Entity::find_by_id(id).one(ctx.app().db.read()).await.map_err(Error::from)?;
    Ok(mail.map(|mail| mail.state.into()))
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

/// That a recipient was told, or has acknowledged.
#[derive(InputObject)]
pub struct RecipientToldInput {
    /// The notice.
    id: ID,
    /// The recipient has acknowledged it.
    #[graphql(default)]
    acknowledged: bool,
    /// At most 200 characters, unique to this request.
    idempotency_key: String,
}

/// The notice after the mutation.
#[derive(SimpleObject)]
pub struct RecipientToldPayload {
    /// The notice; null if it was refused.
    recipient: Option<RecipientNotice>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// Telling recipients.
#[derive(Default)]
pub struct ErasureMutation;

#[Object]
impl ErasureMutation {
    /// Notes that a recipient was told of an erasure by other means than our mail, or that it has acknowledged (GDPR Art.
    /// 19). For the data-protection officer.
    async fn recipient_told(&self, ctx: &Context<'_>, input: RecipientToldInput) -> ApiResult<RecipientToldPayload> {
        let done = async {
            let id = NoticeId(node::input("RecipientNotice", &input.id, &["input", "id"])?);
            recipients::told(ctx.app(), ctx.actor(), id, input.acknowledged, &input.idempotency_key).await
        };
        let (told, user_errors) = outcome(ctx, authorised(ctx, Permission::ProtectData, done).await)?;
        Ok(RecipientToldPayload { recipient: told.map(RecipientNotice::Written), user_errors })
    }
}
