//! The steps that lead from an event to the end of a period, in words, and their replay.
//!
//! [`replay`] walks the steps alone, without a calendar or a rule, and arrives at the same instant, or the explanation is wrong.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use entity::retention_rules::PeriodUnit;

use super::calendar;
use super::words::Words;
use super::workdays::Rest;
use crate::error::Language;

/// A count of one calendar unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: PeriodUnit,
}

impl Span {
    /// The same-numbered day so much later, or the last day of that month (BGB § 188(2), (3)).
    #[must_use]
    pub fn after(self, day: NaiveDate) -> NaiveDate {
        match self.unit {
            PeriodUnit::Day => calendar::plus_days(day, self.count),
            PeriodUnit::Month => calendar::plus_months(day, self.count),
            PeriodUnit::Year => calendar::plus_months(day, self.count * 12),
        }
    }

    /// In words, such as `14 days`.
    #[must_use]
    pub fn said(self, language: Language) -> String {
        let one = self.count == 1;
        let unit = match (self.unit, language, one) {
            (PeriodUnit::Day, Language::De, true) => "Tag",
            (PeriodUnit::Day, Language::De, false) => "Tage",
            (PeriodUnit::Day, Language::En, true) => "day",
            (PeriodUnit::Day, Language::En, false) => "days",
            (PeriodUnit::Month, Language::De, true) => "Monat",
            (PeriodUnit::Month, Language::De, false) => "Monate",
            (PeriodUnit::Month, Language::En, true) => "month",
            (PeriodUnit::Month, Language::En, false) => "months",
            (PeriodUnit::Year, Language::De, true) => "Jahr",
            (PeriodUnit::Year, Language::De, false) => "Jahre",
            (PeriodUnit::Year, Language::En, true) => "year",
            (PeriodUnit::Year, Language::En, false) => "years",
        };
        format!("{} {unit}", self.count)
    }
}

/// What a step does. `date` of the [`Step`] is the day that it leads to or speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The event that starts the period.
    Anchor {
        /// When.
        at: DateTime<Utc>,
        /// What happened.
        event: Words,
    },
    /// The day of the event does not count: the period begins on `date`.
    FirstDay,
    /// It runs from the end of the calendar year.
    YearEnd,
    /// So much later.
    Period(Span),
    /// A Werktag that counts.
    WorkingDay {
        /// Which, from 1.
        number: u32,
    },
    /// The earliest day of a range of days.
    Earliest,
    /// A day of rest that does not count.
    Skipped(Rest),
    /// A paused day that does not count.
    PausedDay(Words),
    /// Paused days put the end off.
    Paused {
        /// First paused day.
        from: NaiveDate,
        /// How many.
        days: u32,
        /// Why.
        reason: Words,
    },
    /// The end cannot be before `date`, which is `span` after the event.
    NotBefore {
        /// What happened.
        event: Words,
        /// When.
        at: DateTime<Utc>,
        /// How much later.
        span: Span,
    },
    /// The end cannot be after `date`, which is `span` after the event.
    NotAfter {
        /// What happened.
        event: Words,
        /// When.
        at: DateTime<Utc>,
        /// How much later.
        span: Span,
    },
    /// Something that was asked for does not change the end.
    NoEffect(Words),
    /// An announced day takes the place of what was reckoned.
    Announced,
    /// The last day is a day of rest, so the period ends with the next day that is not.
    Rolled(Rest),
    /// Plain hours.
    Hours(u32),
    /// So much time within service hours.
    ServiceMinutes(u32),
    /// Time within service hours that was used up.
    Service {
        /// From.
        from: DateTime<Utc>,
        /// To.
        to: DateTime<Utc>,
    },
    /// Time that was paused.
    PausedTime {
        /// From.
        from: DateTime<Utc>,
        /// To.
        to: DateTime<Utc>,
        /// Why.
        reason: Words,
    },
    /// A day without service.
    Closed(Rest),
    /// The period is over at this instant.
    End(DateTime<Utc>),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The civil day (Berlin; for service hours, their zone) that it leads to or speaks of.
    pub date: NaiveDate,
    /// What it does.
    pub act: Act,
    /// Norm or setting.
    pub why: Cow<'static, str>,
}

impl Step {
    /// A step.
    #[must_use]
    pub fn new(date: NaiveDate, act: Act, why: impl Into<Cow<'static, str>>) -> Self {
        Self { date, act, why: why.into() }
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.act {
            Act::Anchor { .. } => "ANCHOR",
            Act::FirstDay => "FIRST_DAY",
            Act::YearEnd => "YEAR_END",
            Act::Period(_) => "PERIOD",
            Act::WorkingDay { .. } => "WORKING_DAY",
            Act::Earliest => "EARLIEST",
            Act::Skipped(_) => "SKIPPED_DAY",
            Act::PausedDay(_) => "PAUSED_DAY",
            Act::Paused { .. } | Act::PausedTime { .. } => "PAUSE",
            Act::NotBefore { .. } => "NOT_BEFORE",
            Act::NotAfter { .. } => "NOT_AFTER",
            Act::NoEffect(_) => "NO_EFFECT",
            Act::Announced => "ANNOUNCED",
            Act::Rolled(_) => "ROLLED",
            Act::Hours(_) => "HOURS",
            Act::ServiceMinutes(_) => "SERVICE_MINUTES",
            Act::Service { .. } => "SERVICE_TIME",
            Act::Closed(_) => "CLOSED_DAY",
            Act::End(_) => "END",
        }
    }

    /// What it does, in words. Times of day are those of Berlin.
    #[must_use]
    pub fn what(&self, language: Language) -> String {
        let clock = |t: &DateTime<Utc>| t.with_timezone(&Berlin).format("%H:%M").to_string();
        let (de, en) = match &self.act {
            Act::Anchor { event, .. } => return event.said(language).to_owned(),
            Act::FirstDay => ("erster Tag der Frist".to_owned(), "first day of the period".to_owned()),
            Act::YearEnd => ("Ende des Kalenderjahres".to_owned(), "end of the calendar year".to_owned()),
            Act::Period(span) => (format!("{} später", dative(*span)), format!("{} later", span.said(Language::En))),
            Act::WorkingDay { number } => (format!("{number}. Werktag"), format!("working day {number}")),
            Act::Earliest => ("frühestens".to_owned(), "at the earliest".to_owned()),
            Act::Skipped(rest) => (
                format!("{} zählt nicht", rest.name(Language::De)),
                format!("{} does not count", rest.name(Language::En)),
            ),
            Act::PausedDay(reason) => (format!("angehalten: {}", reason.de), format!("paused: {}", reason.en)),
            Act::Paused { from, days, reason } => (
                format!(
                    "angehalten ab {from} für {}: {}",
                    Span { count: *days, unit: PeriodUnit::Day }.said(Language::De),
                    reason.de
                ),
                format!(
                    "paused from {from} for {}: {}",
                    Span { count: *days, unit: PeriodUnit::Day }.said(Language::En),
                    reason.en
                ),
            ),
            Act::NotBefore { event, span, .. } => (
                format!("nicht vor Ablauf von {} ab: {}", dative(*span), event.de),
                format!("not before {} after: {}", span.said(Language::En), event.en),
            ),
            Act::NotAfter { event, span, .. } => (
                format!("nicht nach Ablauf von {} ab: {}", dative(*span), event.de),
                format!("not after {} after: {}", span.said(Language::En), event.en),
            ),
            Act::NoEffect(words) => return words.said(language).to_owned(),
            Act::Announced => ("angekündigter Termin".to_owned(), "announced day".to_owned()),
            Act::Rolled(rest) => (
                format!("{}: die Frist endet nicht an diesem Tag", rest.name(Language::De)),
                format!("{}: the period does not end on this day", rest.name(Language::En)),
            ),
            Act::Hours(n) => (format!("{n} Stunden später"), format!("{n} hours later")),
            Act::ServiceMinutes(n) => (format!("{n} Minuten Servicezeit"), format!("{n} minutes of service")),
            Act::Service { from, to } => (
                format!("Servicezeit {} bis {}", clock(from), clock(to)),
                format!("service from {} to {}", clock(from), clock(to)),
            ),
            Act::PausedTime { from, to, reason } => (
                format!("angehalten {} bis {}: {}", local(*from), local(*to), reason.de),
                format!("paused {} to {}: {}", local(*from), local(*to), reason.en),
            ),
            Act::Closed(rest) => (
                format!("{}: kein Service", rest.name(Language::De)),
                format!("{}: no service", rest.name(Language::En)),
            ),
            Act::End(at) => (format!("Ende: {}", local(*at)), format!("over at {}", local(*at))),
        };
        match language {
            Language::De => de,
            Language::En => en,
        }
    }
}

/// RFC 3339 with the offset of Europe/Berlin.
#[must_use]
pub fn local(instant: DateTime<Utc>) -> String {
    instant.with_timezone(&Berlin).to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

fn dative(span: Span) -> String {
    let text = span.said(Language::De);
    if span.count == 1 { text } else { format!("{text}n") }
}

/// Walks the steps alone and says at which instant they arrive; `None` where a step does not follow from the one before.
#[must_use]
pub fn replay(steps: &[Step]) -> Option<DateTime<Utc>> {
    let mut steps = steps.iter();
    let Step { date, act: Act::Anchor { at, .. }, .. } = steps.next()? else { return None };
    let (mut day, mut instant, mut counted) = (*date, *at, 0);
    let (mut by_instant, mut service_left) = (false, TimeDelta::zero());
    for step in steps {
        let next = calendar::plus_days(day, 1);
        let follows = match &step.act {
            Act::Anchor { .. } => false,
            Act::FirstDay => step.date == next,
            Act::Earliest => step.date == day,
            Act::NoEffect(_) | Act::Closed(_) => true,
            Act::YearEnd => {
                day = calendar::year_end(day);
                step.date == day
            }
            Act::Period(span) => {
                day = span.after(day);
                step.date == day
            }
            Act::WorkingDay { number } => {
                (day, counted) = (next, counted + 1);
                step.date == day && *number == counted
            }
            Act::Skipped(_) | Act::PausedDay(_) => {
                day = next;
                step.date == day
            }
            Act::Paused { days, .. } => {
                day = calendar::plus_days(day, *days);
                step.date == day
            }
            Act::NotBefore { at, span, .. } => {
                let bound = span.after(calendar::day_of(*at));
                day = day.max(bound);
                step.date == bound
            }
            Act::NotAfter { at, span, .. } => {
                let bound = span.after(calendar::day_of(*at));
                day = day.min(bound);
                step.date == bound
            }
            Act::Announced => {
                day = step.date;
                true
            }
            Act::Rolled(_) => {
                let same = step.date == day;
                day = next;
                same
            }
            Act::Hours(n) => {
                (instant, by_instant) = (instant + TimeDelta::hours(i64::from(*n)), true);
                true
            }
            Act::ServiceMinutes(n) => {
                (service_left, by_instant) = (TimeDelta::minutes(i64::from(*n)), true);
                true
            }
            Act::Service { from, to } => {
                let follows = *from >= instant && to > from;
                instant = *to;
                service_left -= *to - *from;
                follows
            }
            Act::PausedTime { from, to, .. } => from < to,
            Act::End(at) => {
                let arrived = if by_instant { instant } else { calendar::start_of(next) };
                return (service_left.is_zero() && *at == arrived).then_some(*at);
            }
        };
        if !follows {
            return None;
        }
    }
    None
}
