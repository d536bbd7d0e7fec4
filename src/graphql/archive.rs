//! The archive: what is kept for a duty or a claim alone, record by record.

use async_graphql::{Context, Enum, ID, Object, OneofObject, SimpleObject};
use chrono::NaiveDate;
use entity::Purpose;
use entity::ids::RefundId;

use super::error::{ApiResult, nullable};
use super::node;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::error::{Code, Error};
use crate::privacy::extract::{self, Of};

/// Whose records.
#[derive(OneofObject)]
pub enum ArchiveOf {
    /// The case of this number, with all that hangs on it.
    CaseNumber(String),
    /// The order of this number, with all that hangs on it.
    OrderNumber(String),
    /// The case of this refund.
    RefundId(ID),
    /// The person with this e-mail address.
    Email(String),
}

/// Why the archive is opened.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveReason {
    /// Keeping books, and showing them to the tax office (AO §§ 146, 147).
    Bookkeeping,
    /// Establishing or defending a claim (GDPR Art. 17(3)(e)).
    LegalClaim,
    /// Answering the data subject or checking privacy. For the data-protection officer.
    DataProtection,
}

impl From<ArchiveReason> for Purpose {
    fn from(reason: ArchiveReason) -> Self {
        match reason {
            ArchiveReason::Bookkeeping => Self::Bookkeeping,
            ArchiveReason::LegalClaim => Self::LegalClaim,
            ArchiveReason::DataProtection => Self::DataProtection,
        }
    }
}

/// A value of a record, in words.
#[derive(SimpleObject)]
pub struct ArchivedValue {
    /// What it is.
    label: String,
    /// The value; a code, an amount in minor units, an instant in UTC, or text.
    value: String,
}

/// A record that is kept.
#[derive(SimpleObject)]
pub struct ArchivedRecord {
    /// Its table.
    table: &'static str,
    /// Data type of the deletion concept.
    data_type: &'static str,
    /// What it is kept for.
    purpose: &'static str,
    /// Legal basis, GDPR Art. 6(1).
    legal_basis: &'static str,
    /// The norm that sets the period.
    because: &'static str,
    /// The last day of keeping; null while its period has not begun.
    kept_until: Option<NaiveDate>,
    /// Its values.
    values: Vec<ArchivedValue>,
}

/// Opening the archive.
#[derive(Default)]
pub struct ArchiveQuery;

#[Object]
impl ArchiveQuery {
    /// Records of a case, an order or a person that have left search and normal reads, as far as they serve the reason that is given: what
    /// is in service is read where it is worked on. What is restricted is not opened for the books (GDPR Art. 18(2)). Each look is logged.
    /// For finance and the data-protection officer.
    async fn archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose records.")] of: ArchiveOf,
        #[graphql(desc = "Why they are opened.")] reason: ArchiveReason,
    ) -> ApiResult<Option<Vec<ArchivedRecord>>> {
        let found = async {
            ctx.actor().require(Permission::ReadArchive)?;
            let of = match of {
                ArchiveOf::CaseNumber(number) => Of::Case(number),
                ArchiveOf::OrderNumber(number) => Of::Order(number),
                ArchiveOf::RefundId(id) => Of::Refund(RefundId(node::parse("Refund", &id).ok_or(Error::NotFound)?)),
                ArchiveOf::Email(email) => Of::Person(email),
            };
            extract::extract(ctx.app(), ctx.actor(), of, reason.into()).await
        };
        let found = match found.await {
            Err(Error::Refused(refusal)) if refusal.code == Code::NotFound => Err(Error::NotFound),
            other => other,
        };
        nullable(ctx, found.map(|records| records.into_iter().map(record).collect()))
    }
}

fn record(found: extract::Extracted) -> ArchivedRecord {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let values = found.record.values.iter().map(|(label, v)| ArchivedValue { label: label.clone(), value: text(v) });
    ArchivedRecord {
        table: found.table,
        data_type: found.record.data_type.code(),
        purpose: found.record.purpose,
        legal_basis: found.record.legal_basis,
        because: found.record.norm,
        kept_until: found.record.kept_until,
        values: values.collect(),
    }
}
