//! What became of one record.

use std::borrow::Cow;

use chrono::NaiveDate;
use entity::DataType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What became, or would become, of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Deleted, with its key.
    Erased,
    /// Counted into coarse statistics without ids, and then deleted.
    Anonymised,
    /// Kept because of a norm (GDPR Art. 17(3)), or because the person has ordered again since.
    Kept,
    /// Waits for work that still runs on it.
    Deferred,
    /// Waits for the release of a hold.
    Held,
    /// Waits for the lifting of a restriction of processing (GDPR Art. 18).
    Restricted,
}

impl Outcome {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Erased, Self::Anonymised, Self::Kept, Self::Deferred, Self::Held, Self::Restricted];

    /// As it is stored and shown.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Erased => "ERASED",
            Self::Anonymised => "ANONYMISED",
            Self::Kept => "KEPT",
            Self::Deferred => "DEFERRED",
            Self::Held => "HELD",
            Self::Restricted => "RESTRICTED",
        }
    }
}

/// By which article a hold keeps what a tax audit or an authority demands.
pub(super) const HELD_BY_DUTY: &str = "GDPR Art. 17(3)(b)";

/// By which article it stays until the person's own request for access is answered.
pub(super) const HELD_FOR_ACCESS: &str = "GDPR Art. 15";

/// Why a record stays that the person's new orders or cases need.
pub(super) const NEW_BUSINESS: &str = "NEW_BUSINESS";

/// What became, or would become, of one record. Ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its table.
    pub table: Cow<'static, str>,
    /// Its id.
    pub id: Uuid,
    /// Its data type.
    pub data_type: DataType,
    /// What became of it.
    pub outcome: Outcome,
    /// The day (Europe/Berlin) on which it went, for what has gone.
    pub on: Option<NaiveDate>,
    /// The last day of keeping, for what is kept by a norm; the latest day, for an order on its way.
    pub until: Option<NaiveDate>,
    /// The norm, or why it is deferred or held: `OPEN_CASE`, `RUNNING_REFUND`, `ORDER_ON_ITS_WAY`, `HOLD`, `RESTRICTION`,
    /// `NEW_BUSINESS`.
    pub because: Option<Cow<'static, str>>,
    /// The article of the GDPR.
    pub article: Option<Cow<'static, str>>,
    /// By the first answer it had to wait for work, a hold or a restriction to end, or for its period to begin, or it was added since,
    /// and it waits no more: what the closing answer is about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

impl Record {
    /// Whether nothing but the id sets them apart.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let Self { table, id: _, data_type, outcome, on, until, because, article, waited } = self;
        (table, data_type, outcome, on, until)
            == (&other.table, &other.data_type, &other.outcome, &other.on, &other.until)
            && (because, article, waited) == (&other.because, &other.article, &other.waited)
    }

    /// Whether it has gone, or would.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.outcome, Outcome::Erased | Outcome::Anonymised)
    }

    /// Whether no norm keeps it, but new business does: it is used on.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.outcome == Outcome::Kept && self.because.as_deref() == Some(NEW_BUSINESS)
    }

    /// Whether it waits for work, a hold or a restriction to end.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.outcome, Outcome::Deferred | Outcome::Held | Outcome::Restricted)
    }
}
