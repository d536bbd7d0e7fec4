//! Reading the policy file: the shipped default with the file's values over it, then the floors.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::{Policy, SHIPPED, floor};
use crate::policy::rules::{Length, days, months};

/// A period as the file writes it: `{ months = 12, days = 14 }`, `{ werktage = 3 }`, `{ hours = 72 }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Period {
    /// Years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub years: Option<u32>,
    /// Months, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<u32>,
    /// Days, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The first of a range of Werktage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earliest_werktage: Option<u32>,
    /// Werktage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub werktage: Option<u32>,
    /// Plain hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
    /// Minutes within service hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_minutes: Option<u32>,
}

impl Period {
    /// What is wrong with its form, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let calendar = self.years.is_some() || self.months.is_some() || self.days.is_some();
        let units = [calendar, self.werktage.is_some(), self.hours.is_some(), self.service_minutes.is_some()];
        if units.iter().filter(|set| **set).count() != 1 {
            return Some("has to be in years, months and days, or in werktage, or in hours, or in service_minutes");
        }
        let largest = [
            (self.years, 100),
            (self.months, 1200),
            (self.days, 36_500),
            (self.werktage, 366),
            (self.hours, 8_760),
            (self.service_minutes, 100_000),
        ];
        if largest.iter().any(|(count, most)| count.is_some_and(|c| c > *most)) {
            return Some("is too long to be meant");
        }
        let counts = [self.years, self.months, self.days, self.werktage, self.hours, self.service_minutes];
        if counts.iter().all(|count| count.is_none_or(|c| c == 0)) {
            return Some("has no length");
        }
        match (self.earliest_werktage, self.werktage) {
            (Some(_), None) => Some("earliest_werktage needs werktage"),
            (Some(first), Some(last)) if first == 0 || first > last => {
                Some("earliest_werktage has to lie between 1 and werktage")
            }
            _ => None,
        }
    }
}

impl From<Period> for Length {
    fn from(period: Period) -> Self {
        if let Some(last) = period.werktage {
            return Self::Werktage { earliest: period.earliest_werktage, last };
        }
        if let Some(hours) = period.hours {
            return Self::Hours(hours);
        }
        if let Some(minutes) = period.service_minutes {
            return Self::ServiceMinutes(minutes);
        }
        let in_months = period.years.unwrap_or(0) * 12 + period.months.unwrap_or(0);
        let mut spans = Vec::new();
        if in_months > 0 {
            spans.push(months(in_months));
        }
        if let Some(count) = period.days.filter(|count| *count > 0) {
            spans.push(days(count));
        }
        Self::Spans(spans)
    }
}

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// The program does not start with it.
    Error,
    /// Something a lawyer would ask about.
    Warning,
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// How bad.
    pub severity: Severity,
    /// Where, such as `periods.withdrawal`.
    pub path: String,
    /// What.
    pub problem: String,
    /// The norm that it breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<&'static str>,
}

impl Fault {
    pub(super) fn error(path: impl Into<String>, problem: impl Into<String>, norm: Option<&'static str>) -> Self {
        Self { severity: Severity::Error, path: path.into(), problem: problem.into(), norm }
    }

    pub(super) fn warning(path: impl Into<String>, problem: impl Into<String>, norm: &'static str) -> Self {
        Self { severity: Severity::Warning, path: path.into(), problem: problem.into(), norm: Some(norm) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.problem)?;
        self.norm.map_or(Ok(()), |norm| write!(f, " ({norm})"))
    }
}

/// A policy from the text of a file, or the shipped one.
///
/// # Errors
/// Everything that is wrong with it, each with its place and, for a floor, the norm.
pub fn parse(text: Option<&str>) -> Result<Policy, Vec<Fault>> {
    let (policy, mut faults) = inspect(text);
    faults.retain(|fault| fault.severity == Severity::Error);
    match policy {
        Some(policy) if faults.is_empty() => Ok(policy),
        _ => Err(faults),
    }
}

/// A policy, as far as it can be read, and all that is wrong with it or worth a second look.
#[must_use]
pub fn inspect(text: Option<&str>) -> (Option<Policy>, Vec<Fault>) {
    let read = |text: &str| text.parse::<Table>().map_err(|e| vec![Fault::error("", e.to_string().trim(), None)]);
    let (shipped, own) = match (read(SHIPPED), text.map_or_else(|| Ok(Table::new()), read)) {
        (Ok(shipped), Ok(own)) => (shipped, own),
        (Err(faults), _) | (_, Err(faults)) => return (None, faults),
    };
    let (policy, mut faults) = read_through(merge(shipped.clone(), own), &shipped);
    let Some(policy) = policy else { return (None, faults) };
    // What follows from a value that could not be read was said with it.
    let unread: Vec<String> = faults.iter().map(|fault| fault.path.clone()).collect();
    let is_said = |fault: &Fault| unread.iter().any(|path| path.starts_with(&fault.path));
    faults.extend(floor::faults(&policy).into_iter().filter(|fault| !is_said(fault)));
    if text.is_some() && says_something_else(&policy) {
        let problem = "are the shipped words, which name the shipped periods and costs: yours differ";
        faults.push(Fault::warning("sections", problem, "policy of the shop"));
    }
    (Some(policy), faults)
}

/// Reads on behind what cannot be read, with what is shipped in its place, so that one mistake hides no other.
fn read_through(mut table: Table, shipped: &Table) -> (Option<Policy>, Vec<Fault>) {
    let mut faults = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize(Value::Table(table.clone())) {
            Ok(policy) => return (Some(policy), faults),
            Err(error) => error,
        };
        let key = |segment: &Segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        };
        let keys: Vec<String> = error.path().iter().map_while(key).collect();
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        faults.push(Fault::error(path, error.inner().message(), None));
        if !put_back(&mut table, shipped, &keys) {
            return (None, faults);
        }
    }
}

/// Puts what is shipped in the place of a value, or takes away what is not shipped. Returns whether that changed anything.
fn put_back(table: &mut Table, shipped: &Table, keys: &[String]) -> bool {
    match keys {
        [] => false,
        [key] => {
            let before = match shipped.get(key) {
                Some(value) => table.insert(key.clone(), value.clone()),
                None => table.remove(key),
            };
            before.as_ref() != shipped.get(key)
        }
        [key, below @ ..] => match (table.get_mut(key), shipped.get(key)) {
            (Some(Value::Table(inner)), Some(Value::Table(shipped))) => put_back(inner, shipped, below),
            _ => put_back(table, shipped, std::slice::from_ref(key)),
        },
    }
}

/// What is wrong with a policy that was changed after it was read, such as by a profile of the command line.
#[must_use]
pub fn check(policy: &Policy) -> Vec<Fault> {
    floor::faults(policy).into_iter().filter(|fault| fault.severity == Severity::Error).collect()
}

/// Whether values were changed and the words that tell people about them were not.
fn says_something_else(policy: &Policy) -> bool {
    let shipped = Policy::shipped();
    policy.sections == shipped.sections
        && (policy.periods != shipped.periods || policy.freight != shipped.freight || policy.returns != shipped.returns)
}

/// Tables are merged; everything else is replaced. A period is replaced whole.
fn merge(mut under: Table, over: Table) -> Table {
    for (key, value) in over {
        let value = match (under.remove(&key), value) {
            (Some(Value::Table(a)), Value::Table(b)) if !is_period(&a) => Value::Table(merge(a, b)),
            (_, value) => value,
        };
        under.insert(key, value);
    }
    under
}

fn is_period(table: &Table) -> bool {
    const UNITS: [&str; 6] = ["years", "months", "days", "werktage", "hours", "service_minutes"];
    UNITS.iter().any(|unit| table.contains_key(*unit))
}

/// A day, or `""` for a rule that is switched off.
pub(super) mod switch {
    use super::NaiveDate;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(day: &Option<NaiveDate>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&day.map(|d| d.to_string()).unwrap_or_default())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse()
            .map(Some)
            .map_err(|_| serde::de::Error::custom("has to be a day YYYY-MM-DD, or \"\" to switch it off"))
    }
}

/// A day that may be left out: `"2027-01-01"`, or TOML's own `2027-01-01`.
pub(super) mod day {
    use super::{NaiveDate, Value};
    use serde::{Deserialize as _, Deserializer};

    pub use super::switch::serialize;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map(Some).map_err(|_| serde::de::Error::custom("has to be a day YYYY-MM-DD"))
    }
}
