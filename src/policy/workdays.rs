//! Days on which nobody has to act: Saturdays, Sundays, holidays, and the days that the policy adds.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::holidays::{Holiday, Land, holiday};
use super::words::{Words, words};
use crate::error::Language;

/// What counts as a Werktag. By statute Saturday does (BUrlG § 3(2)); the default is the stricter promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Werktag {
    /// Monday to Saturday.
    #[default]
    MonSat,
    /// Monday to Friday.
    MonFri,
}

impl Werktag {
    /// As a setting.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MonSat => "mon-sat",
            Self::MonFri => "mon-fri",
        }
    }
}

impl fmt::Display for Werktag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Werktag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mon-sat" => Ok(Self::MonSat),
            "mon-fri" => Ok(Self::MonFri),
            _ => Err("a Werktag is mon-sat or mon-fri"),
        }
    }
}

/// What an extra day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExtraKind {
    /// A public holiday that an authority has made: statutory periods roll over it, too.
    Holiday,
    /// The shop is closed: no service and no Werktag of the shop's own promises, but statutory periods do not care.
    Closed,
}

/// A day that the policy adds to the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraDay {
    /// The day.
    pub date: NaiveDate,
    /// A holiday, or closed.
    pub kind: ExtraKind,
    /// Its name in German.
    pub de: String,
    /// Its name in English.
    pub en: String,
    /// For a holiday: the Länder where it is one; none: nationwide.
    #[serde(default)]
    pub lands: Vec<Land>,
    /// What makes it a holiday, such as an act or a municipality.
    #[serde(default)]
    pub source: String,
}

/// Why nobody has to act on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// A Saturday.
    Saturday,
    /// A Sunday.
    Sunday,
    /// A public holiday.
    Holiday(Holiday),
    /// A day of the policy's own.
    Extra(ExtraDay),
}

impl Rest {
    /// Its name.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        const SATURDAY: Words = words("Samstag", "Saturday");
        const SUNDAY: Words = words("Sonntag", "Sunday");
        match (self, language) {
            (Self::Saturday, _) => SATURDAY.said(language),
            (Self::Sunday, _) => SUNDAY.said(language),
            (Self::Holiday(holiday), _) => holiday.name.said(language),
            (Self::Extra(day), Language::De) => &day.de,
            (Self::Extra(day), Language::En) => &day.en,
        }
    }

    /// What makes it one, where the calendar alone does not.
    #[must_use]
    pub fn act(&self) -> Option<&str> {
        match self {
            Self::Saturday | Self::Sunday => None,
            Self::Holiday(holiday) => Some(holiday.act()),
            Self::Extra(day) => Some(day.source.as_str()).filter(|s| !s.is_empty()),
        }
    }
}

/// A calendar: which days are days of rest for one purpose. Holidays come first, so that a holiday on a Sunday has its name.
#[derive(Clone, Debug)]
pub struct Workdays<'a> {
    /// Whether Saturday is a day of rest.
    pub saturday_rests: bool,
    /// The Länder whose holidays count beside the nationwide ones.
    pub lands: Vec<Land>,
    /// The policy's own days.
    pub extra: &'a [ExtraDay],
    /// Whether days on which the shop is closed count as days of rest.
    pub closed_rests: bool,
}

impl Workdays<'_> {
    /// A holiday or a day of the policy's own, whatever the day of the week.
    #[must_use]
    pub fn day_off(&self, day: NaiveDate) -> Option<Rest> {
        if let Some(holiday) = holiday(day, &self.lands) {
            return Some(Rest::Holiday(holiday));
        }
        let counts = |e: &&ExtraDay| match e.kind {
            ExtraKind::Holiday => e.lands.is_empty() || e.lands.iter().any(|l| self.lands.contains(l)),
            ExtraKind::Closed => self.closed_rests,
        };
        self.extra.iter().filter(|e| e.date == day).find(counts).cloned().map(Rest::Extra)
    }

    /// Why nobody has to act on this day; none: it is a working day.
    #[must_use]
    pub fn rest(&self, day: NaiveDate) -> Option<Rest> {
        self.day_off(day).or_else(|| match day.weekday() {
            Weekday::Sun => Some(Rest::Sunday),
            Weekday::Sat if self.saturday_rests => Some(Rest::Saturday),
            Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri | Weekday::Sat => None,
        })
    }
}
