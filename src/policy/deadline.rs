//! Reckoning: a rule, a calendar and facts make a deadline that explains itself.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::calendar;
use super::holidays::Land;
use super::hours::{ServiceHours, without};
use super::rules::{Bound, Event, Kind, Length, Pausing, Reckoning, Roll, Rule, RuleId};
use super::step::{Act, Span, Step};
use super::words::{Words, words};
use super::workdays::{ExtraDay, Werktag, Workdays};

/// An interruption, UTC; `to` is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// From.
    pub from: DateTime<Utc>,
    /// To.
    pub to: DateTime<Utc>,
    /// Why.
    pub reason: Words,
}

/// What happened.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The event that starts the period.
    pub start: DateTime<Utc>,
    /// The consumer's Land, where it is known.
    pub land: Option<Land>,
    /// Interruptions, in any order.
    pub pauses: Vec<Pause>,
    /// Other events.
    pub events: BTreeMap<Event, DateTime<Utc>>,
}

impl Facts {
    /// Only a start.
    #[must_use]
    pub const fn from(start: DateTime<Utc>) -> Self {
        Self { start, land: None, pauses: Vec::new(), events: BTreeMap::new() }
    }
}

/// The calendars of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Calendars<'a> {
    /// Service hours.
    pub hours: &'a ServiceHours,
    /// What counts as a Werktag.
    pub werktag: Werktag,
    /// Days that the policy adds.
    pub extra: &'a [ExtraDay],
    /// The Land of the shop, if it is in Germany.
    pub land: Option<Land>,
}

/// When a period ends, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The rule.
    pub rule: RuleId,
    /// What started it.
    pub start: DateTime<Utc>,
    /// The first day of a range.
    pub earliest: Option<NaiveDate>,
    /// The last day (Berlin).
    pub ends_on: NaiveDate,
    /// The first instant after the period, UTC.
    pub ends_at: DateTime<Utc>,
    /// How it was reckoned.
    pub steps: Vec<Step>,
    /// The norm.
    pub source: &'static str,
}

/// Why there is no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreckonable {
    /// An event is missing.
    #[error("the rule needs the event {}", .0.code())]
    Needs(Event),
    /// An event lies before the start.
    #[error("the event {} lies before the start", .0.code())]
    BeforeStart(Event),
    /// The period cannot be paused.
    #[error("{0} cannot be paused: the law knows no pause for it")]
    NoPause(RuleId),
    /// A pause does not end after it begins.
    #[error("a pause has to end after it begins")]
    EmptyPause,
    /// No end within ten years: nobody works any more.
    #[error("there are no working days or service hours within ten years")]
    NoEnd,
}

/// Longer than any run of days that are not working days.
const LONGEST_WALK: u32 = 3660;

/// Reckons a deadline.
///
/// # Errors
/// An event is missing or too early, a pause is not possible or empty, a calendar has no working days.
pub fn reckon(rule: &Rule, calendars: &Calendars<'_>, facts: &Facts) -> Result<Deadline, Unreckonable> {
    if facts.pauses.iter().any(|p| p.to <= p.from) {
        return Err(Unreckonable::EmptyPause);
    }
    if rule.pausing == Pausing::Never && !facts.pauses.is_empty() {
        return Err(Unreckonable::NoPause(rule.id));
    }
    let mut walk = Walk::begin(rule, calendars, facts)?;
    match &rule.length {
        Length::Spans(spans) => walk.spans(spans)?,
        Length::Werktage { earliest, last } => walk.werktage(*earliest, *last)?,
        Length::Hours(hours) => walk.hours(*hours),
        Length::ServiceMinutes(minutes) => walk.service(*minutes)?,
    }
    Ok(walk.end())
}

/// A deadline whose end was announced to the customer in advance: the announced day takes the place of the rule's.
#[must_use]
pub fn announced(rule: &Rule, start: DateTime<Utc>, on: NaiveDate) -> Deadline {
    let ends_at = calendar::start_of(calendar::plus_days(on, 1));
    let anchor = Act::Anchor { at: start, event: rule.anchor };
    Deadline {
        rule: rule.id,
        start,
        earliest: None,
        ends_on: on,
        ends_at,
        steps: vec![
            Step::new(calendar::day_of(start), anchor, rule.anchor_norm),
            Step::new(on, Act::Announced, "policy of the shop: told in advance"),
            Step::new(on, Act::End(ends_at), rule.source),
        ],
        source: rule.source,
    }
}

struct Walk<'a> {
    rule: &'a Rule,
    calendars: &'a Calendars<'a>,
    facts: &'a Facts,
    /// The last day reached.
    day: NaiveDate,
    earliest: Option<NaiveDate>,
    /// The exact end, for hours and service time.
    instant: Option<DateTime<Utc>>,
    steps: Vec<Step>,
}

impl<'a> Walk<'a> {
    fn begin(rule: &'a Rule, calendars: &'a Calendars<'a>, facts: &'a Facts) -> Result<Self, Unreckonable> {
        let (at, event) = match rule.instead {
            None => (facts.start, rule.anchor),
            Some(event) => (*facts.events.get(&event).ok_or(Unreckonable::Needs(event))?, event.words()),
        };
        let day = calendar::day_of(at);
        let steps = vec![Step::new(day, Act::Anchor { at, event }, rule.anchor_norm)];
        Ok(Self { rule, calendars, facts, day, earliest: None, instant: None, steps })
    }

    fn step(&mut self, date: NaiveDate, act: Act, why: impl Into<Cow<'static, str>>) {
        self.steps.push(Step::new(date, act, why));
    }

    fn first_day(&mut self) {
        let why = if self.rule.reckoning == Reckoning::Regulation1182 {
            "Regulation 1182/71 Art. 3(1)"
        } else {
            "BGB § 187(1)"
        };
        self.step(calendar::plus_days(self.day, 1), Act::FirstDay, why);
    }

    fn spans(&mut self, spans: &[Span]) -> Result<(), Unreckonable> {
        let start = self.day;
        if self.rule.reckoning == Reckoning::YearEnd {
            self.day = calendar::year_end(self.day);
            self.step(self.day, Act::YearEnd, self.rule.anchor_norm);
        } else {
            self.first_day();
        }
        for span in spans {
            self.period(*span, None);
        }
        self.extend();
        let ordinary = self.pause(start);
        for bound in &self.rule.bounds {
            self.bound(*bound, start)?;
        }
        self.talks_in_a_tail(ordinary);
        self.roll();
        Ok(())
    }

    fn period(&mut self, span: Span, norm: Option<&'static str>) {
        use entity::retention_rules::PeriodUnit::{Day, Month, Year};
        let why = match (self.rule.reckoning, span.unit) {
            (Reckoning::Regulation1182, _) => "Regulation 1182/71 Art. 3(2)",
            (_, Day) => "BGB § 188(1)",
            (_, Month | Year) => "BGB § 188(2), (3)",
        };
        self.day = span.after(self.day);
        self.step(self.day, Act::Period(span), norm.unwrap_or(why));
    }

    /// More time for contracts from a certain day.
    fn extend(&mut self) {
        const TOO_OLD: Words =
            words("keine Verlängerung: der Vertrag ist älter", "no extension: the contract is older");
        const OFF: Words = words("keine Verlängerung: abgeschaltet", "no extension: switched off");
        let Some(extension) = self.rule.extension else { return };
        let contract = self.facts.events.get(&Event::Contract).map(|at| calendar::day_of(*at));
        match self.rule.contracts_from {
            None => self.step(self.day, Act::NoEffect(OFF), extension.norm),
            Some(from) if contract.is_some_and(|day| day < from) => {
                self.step(self.day, Act::NoEffect(TOO_OLD), format!("{}; contracts from {from}", extension.norm));
            }
            Some(from) => {
                self.day = extension.span.after(self.day);
                let why = format!("{}; contracts from {from}", extension.norm);
                self.step(self.day, Act::Period(extension.span), why);
            }
        }
    }

    /// The paused civil days as half-open ranges, in order and without overlap, with the day on which each ends.
    fn paused_days(&self) -> Vec<PausedDays> {
        let suspends = self.rule.pausing == Pausing::Suspension;
        let range = |p: &Pause| {
            let ended = last_day_before(p.to);
            let until = if suspends { calendar::plus_days(ended, 1) } else { calendar::day_of(p.to) };
            PausedDays { from: calendar::day_of(p.from), until, ended, reason: p.reason }
        };
        // A pause within one day takes no whole day out.
        let whole = |range: &PausedDays| range.from < range.until;
        let mut ranges: Vec<PausedDays> = self.facts.pauses.iter().map(range).filter(whole).collect();
        ranges.sort_by_key(|r| (r.from, r.until));
        let mut merged: Vec<PausedDays> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                // Negotiations that touch are one: the three months of BGB § 203 come after the whole of them.
                Some(last) if range.from < last.until || (suspends && range.from == last.until) => {
                    last.until = last.until.max(range.until);
                    last.ended = last.ended.max(range.ended);
                }
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Paused days within the period put its end off by as many days. Says where the period ends then, before any tail.
    fn pause(&mut self, start: NaiveDate) -> NaiveDate {
        let (suspends, why) = match self.rule.pausing {
            Pausing::Suspension => (true, "BGB §§ 203, 209"),
            Pausing::Days | Pausing::Never | Pausing::Minutes => (false, "pause"),
        };
        for range in self.paused_days() {
            let from = range.from.max(calendar::plus_days(start, 1));
            if from > self.day || range.until < from {
                continue;
            }
            let days = u32::try_from((range.until - from).num_days()).unwrap_or(0);
            if days > 0 {
                self.day = calendar::plus_days(self.day, days);
                self.step(self.day, Act::Paused { from, days, reason: range.reason }, why);
            }
            if suspends {
                self.three_months_after(range.ended);
            }
        }
        self.day
    }

    /// Negotiations that begin after the ordinary end, while a tail keeps the claim alive, leave three months as well.
    fn talks_in_a_tail(&mut self, ordinary: NaiveDate) {
        if self.rule.pausing != Pausing::Suspension {
            return;
        }
        for range in self.paused_days().into_iter().filter(|range| range.from > ordinary) {
            if range.from <= self.day {
                self.three_months_after(range.ended);
            }
        }
    }

    fn three_months_after(&mut self, ended: NaiveDate) {
        const ENDED: Words = words("die Hemmung endet", "the suspension ends");
        let span = super::rules::months(3);
        let bound = span.after(ended);
        if bound > self.day {
            self.day = bound;
            let at = calendar::start_of(ended);
            self.step(bound, Act::NotBefore { event: ENDED, at, span }, "BGB § 203 sentence 2");
        }
    }

    fn bound(&mut self, bound: Bound, start: NaiveDate) -> Result<(), Unreckonable> {
        const TOO_LATE: Words =
            words("der Mangel hat sich erst nach Ablauf gezeigt", "the defect showed after the period was over");
        let Some(&at) = self.facts.events.get(&bound.event) else {
            return if bound.required { Err(Unreckonable::Needs(bound.event)) } else { Ok(()) };
        };
        let day = calendar::day_of(at);
        if day < start {
            return Err(Unreckonable::BeforeStart(bound.event));
        }
        if bound.within && day > self.day {
            self.step(day, Act::NoEffect(TOO_LATE), bound.norm);
            return Ok(());
        }
        let (date, event, span) = (bound.span.after(day), bound.event.words(), bound.span);
        if bound.not_before {
            self.day = self.day.max(date);
            self.step(date, Act::NotBefore { event, at, span }, bound.norm);
        } else {
            self.day = self.day.min(date);
            self.step(date, Act::NotAfter { event, at, span }, bound.norm);
        }
        Ok(())
    }

    /// The end of the period, never an inner step, moves to the next day on which somebody has to act.
    fn roll(&mut self) {
        let lands = match self.rule.roll {
            Roll::Never => return,
            Roll::Nationwide => Vec::new(),
            Roll::Lands => [self.facts.land, self.calendars.land].into_iter().flatten().collect(),
        };
        let norm = match self.rule.reckoning {
            Reckoning::Regulation1182 => "Regulation 1182/71 Art. 3(4)",
            Reckoning::Bgb | Reckoning::YearEnd => "BGB § 193",
        };
        let days = Workdays { saturday_rests: true, lands, extra: self.calendars.extra, closed_rests: false };
        while let Some(rest) = days.rest(self.day) {
            let why: Cow<'static, str> = match rest.act() {
                Some(act) => format!("{norm}; {act}").into(),
                None => norm.into(),
            };
            self.step(self.day, Act::Rolled(rest), why);
            self.day = calendar::plus_days(self.day, 1);
        }
    }

    fn werktage(&mut self, earliest: Option<u32>, last: u32) -> Result<(), Unreckonable> {
        let werktag = self.calendars.werktag;
        let days = Workdays {
            saturday_rests: werktag == Werktag::MonFri,
            lands: Vec::new(),
            extra: self.calendars.extra,
            closed_rests: self.rule.kind == Kind::Shop,
        };
        let paused = self.paused_days();
        let norm = match werktag {
            Werktag::MonSat => "Werktag Monday to Saturday (BUrlG § 3(2))",
            Werktag::MonFri => "Werktag Monday to Friday (policy of the shop)",
        };
        self.first_day();
        let (mut number, mut walked) = (0, 0);
        while number < last {
            walked += 1;
            if walked > LONGEST_WALK {
                return Err(Unreckonable::NoEnd);
            }
            let day = calendar::plus_days(self.day, 1);
            self.day = day;
            if let Some(rest) = days.rest(day) {
                let why = rest.act().map_or(Cow::Borrowed(norm), |act| act.to_owned().into());
                self.step(day, Act::Skipped(rest), why);
            } else if let Some(pause) = paused.iter().find(|p| p.from <= day && day < p.until) {
                self.step(day, Act::PausedDay(pause.reason), "pause");
            } else {
                number += 1;
                // A pause may be longer than any run of days of rest.
                walked = 0;
                self.step(day, Act::WorkingDay { number }, norm);
                if Some(number) == earliest {
                    self.earliest = Some(day);
                    self.step(day, Act::Earliest, self.rule.source);
                }
            }
        }
        Ok(())
    }

    fn hours(&mut self, hours: u32) {
        let end = self.facts.start + TimeDelta::hours(i64::from(hours));
        self.day = last_day_before(end);
        self.instant = Some(end);
        self.step(self.day, Act::Hours(hours), self.rule.source);
    }

    fn service(&mut self, minutes: u32) -> Result<(), Unreckonable> {
        const HOURS: &str = "service hours of the shop";
        let (hours, start) = (self.calendars.hours, self.facts.start);
        let days =
            Workdays { saturday_rests: false, lands: Vec::new(), extra: self.calendars.extra, closed_rests: true };
        self.step(self.day, Act::ServiceMinutes(minutes), self.rule.source);
        let mut pauses: Vec<Pause> = self.facts.pauses.clone();
        pauses.sort_by_key(|p| p.from);
        let taken: Vec<_> = pauses.iter().map(|p| (p.from, p.to)).collect();
        let mut left = TimeDelta::minutes(i64::from(minutes));
        let mut pauses = pauses.into_iter().peekable();
        let mut day = hours.day_of(start);
        let mut idle = 0;
        loop {
            let spans = hours.spans(day);
            if !spans.is_empty()
                && let Some(rest) = days.day_off(day)
            {
                let why = rest.act().unwrap_or(HOURS).to_owned();
                self.step(day, Act::Closed(rest), why);
                idle += 1;
            } else {
                let open = spans.into_iter().filter(|(_, to)| *to > start).map(|(from, to)| (from.max(start), to));
                let open: Vec<_> = open.flat_map(|span| without(span, &taken)).collect();
                idle = if open.is_empty() { idle + 1 } else { 0 };
                for (from, to) in open {
                    while let Some(pause) = pauses.next_if(|p| p.from <= from) {
                        let (from, to, reason) = (pause.from, pause.to, pause.reason);
                        self.step(day, Act::PausedTime { from, to, reason }, "pause");
                    }
                    let to = to.min(from + left);
                    left -= to - from;
                    self.step(day, Act::Service { from, to }, HOURS);
                    if left.is_zero() {
                        self.day = last_day_before(to);
                        self.instant = Some(to);
                        return Ok(());
                    }
                }
            }
            // Only a pause without end, or hours that never come, are idle for so long.
            if idle > LONGEST_WALK {
                return Err(Unreckonable::NoEnd);
            }
            day = calendar::plus_days(day, 1);
        }
    }

    fn end(mut self) -> Deadline {
        let ends_at = self.instant.unwrap_or_else(|| calendar::start_of(calendar::plus_days(self.day, 1)));
        self.step(self.day, Act::End(ends_at), self.rule.source);
        Deadline {
            rule: self.rule.id,
            start: self.facts.start,
            earliest: self.earliest,
            ends_on: self.day,
            ends_at,
            steps: self.steps,
            source: self.rule.source,
        }
    }
}

/// The last day of which something lies before an instant: an end at midnight belongs to the day before.
fn last_day_before(instant: DateTime<Utc>) -> NaiveDate {
    calendar::day_of(instant - TimeDelta::microseconds(1))
}

/// Paused civil days, from `from` to the day before `until`; the pause itself ended on `ended`.
struct PausedDays {
    from: NaiveDate,
    until: NaiveDate,
    ended: NaiveDate,
    reason: Words,
}
