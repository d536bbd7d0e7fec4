//! Why a record is still here, and until when: the answer that every record of the API gives.

use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;

use crate::policy::retention::Rule;
use crate::state::App;

/// The rule of a record applied to its start instant.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The rule.
    pub rule: Rule,
    /// When the period began; none: the start event has not happened, so the record is in use.
    pub started_at: Option<DateTime<Utc>>,
    /// The last civil day (Europe/Berlin) of keeping.
    pub ends_on: Option<NaiveDate>,
    /// The first instant after it, UTC.
    pub ends_at: Option<DateTime<Utc>>,
}

/// Explains a record by its data type and start instant.
#[must_use]
pub fn explain(app: &App, data_type: DataType, start: Option<DateTime<Utc>>) -> Option<Explanation> {
    let rule = app.rules().get(&data_type)?.clone();
    Some(Explanation {
        started_at: start,
        ends_on: start.map(|s| rule.last_day(s)),
        ends_at: start.map(|s| rule.due_at(s)),
        rule,
    })
}
