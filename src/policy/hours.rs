//! Service hours with breaks, and time counted in them. Exact across changes of the clock.

use std::str::FromStr;

use chrono::{
    DateTime, Datelike as _, FixedOffset, LocalResult, NaiveDate, Offset as _, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar;

/// A span of service on a day, in minutes after midnight; `to` is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// First minute.
    pub from: u32,
    /// The minute after the last, at most 1440.
    pub to: u32,
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a span such as \"09:00-12:30\"");
        let minute = |part: &str| {
            let (hour, minute) = part.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
            let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
            Some(hour * 60 + minute).filter(|m| minute < 60 && *m <= 1440)
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let window = Self { from: minute(from).ok_or_else(wrong)?, to: minute(to).ok_or_else(wrong)? };
        if window.from < window.to { Ok(window) } else { Err(format!("{text:?} ends before it begins")) }
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Window> for String {
    fn from(w: Window) -> Self {
        format!("{:02}:{:02}-{:02}:{:02}", w.from / 60, w.from % 60, w.to / 60, w.to % 60)
    }
}

/// The hours of a week, as the policy file writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceHours {
    /// IANA name of the zone in which the hours are meant.
    pub zone: String,
    /// Spans of each Monday, in order.
    pub monday: Vec<Window>,
    /// Spans of each Tuesday, in order.
    pub tuesday: Vec<Window>,
    /// Spans of each Wednesday, in order.
    pub wednesday: Vec<Window>,
    /// Spans of each Thursday, in order.
    pub thursday: Vec<Window>,
    /// Spans of each Friday, in order.
    pub friday: Vec<Window>,
    /// Spans of each Saturday, in order.
    pub saturday: Vec<Window>,
    /// Spans of each Sunday, in order.
    pub sunday: Vec<Window>,
}

/// A span of time, UTC; `to` is not part of it.
pub type Interval = (DateTime<Utc>, DateTime<Utc>);

impl ServiceHours {
    /// The week, Monday first.
    #[must_use]
    pub fn week(&self) -> [&[Window]; 7] {
        [&self.monday, &self.tuesday, &self.wednesday, &self.thursday, &self.friday, &self.saturday, &self.sunday]
    }

    /// The zone; `None` where the name is unknown, which a checked policy never has.
    #[must_use]
    pub fn tz(&self) -> Option<Tz> {
        self.zone.parse().ok()
    }

    /// What is wrong with them, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.tz().is_none() {
            return Some(format!("there is no time zone {:?}", self.zone));
        }
        if self.week().iter().all(|day| day.is_empty()) {
            return Some("no day of the week has service hours".to_owned());
        }
        let overlaps = |day: &&[Window]| day.windows(2).any(|pair| pair[1].from < pair[0].to);
        self.week().iter().any(overlaps).then(|| "two spans of one day overlap, or are not in order".to_owned())
    }

    /// The day in the zone of the hours that contains an instant.
    #[must_use]
    pub fn day_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        self.tz().map_or_else(|| calendar::day_of(instant), |tz| instant.with_timezone(&tz).date_naive())
    }

    /// The spans of service on a day, whether it is a holiday or not, UTC, in order. On a day whose clock changes, a span
    /// holds exactly the instants at which the clock on the wall shows a time inside it.
    #[must_use]
    pub fn spans(&self, day: NaiveDate) -> Vec<Interval> {
        let (Some(tz), Some(next)) = (self.tz(), day.succ_opt()) else { return Vec::new() };
        let windows = self.week()[day.weekday().num_days_from_monday() as usize];
        if windows.is_empty() {
            return Vec::new();
        }
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let mut spans = Vec::with_capacity(windows.len());
        for (from, to, offset) in segments(tz, first_instant(tz, day), first_instant(tz, next)) {
            for window in windows {
                let at = |minutes: u32| {
                    let wall = midnight + TimeDelta::minutes(i64::from(minutes));
                    (wall - TimeDelta::seconds(i64::from(offset.local_minus_utc()))).and_utc()
                };
                let (from, to) = (at(window.from).max(from), at(window.to).min(to));
                if from < to {
                    spans.push((from, to));
                }
            }
        }
        spans
    }
}

fn first_instant(tz: Tz, day: NaiveDate) -> DateTime<Utc> {
    let mut wall = day.and_time(chrono::NaiveTime::MIN);
    for _ in 0..8 {
        match tz.from_local_datetime(&wall) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => return t.to_utc(),
            // A clock that is put forward over midnight.
            LocalResult::None => wall += TimeDelta::minutes(30),
        }
    }
    wall.and_utc()
}

fn offset_at(tz: Tz, instant: DateTime<Utc>) -> FixedOffset {
    instant.with_timezone(&tz).offset().fix()
}

/// The parts of a span of time with one offset each. A day has one change of the clock at most.
fn segments(tz: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>, FixedOffset)> {
    let (first, last) = (offset_at(tz, from), offset_at(tz, to - TimeDelta::seconds(1)));
    if first == last {
        return vec![(from, to, first)];
    }
    let (mut before, mut after) = (from, to - TimeDelta::seconds(1));
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if offset_at(tz, middle) == first { before = middle } else { after = middle }
    }
    vec![(from, after, first), (after, to, last)]
}

/// What is left of a span when others are taken out of it.
#[must_use]
pub fn without(span: Interval, taken: &[Interval]) -> Vec<Interval> {
    let mut left = vec![span];
    for &(from, to) in taken {
        left = left.into_iter().flat_map(|(a, b)| [(a, b.min(from)), (a.max(to), b)]).filter(|(a, b)| a < b).collect();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(spans: &[&str]) -> ServiceHours {
        let day: Vec<Window> = spans.iter().map(|s| s.parse().unwrap()).collect();
        ServiceHours {
            zone: "Europe/Berlin".to_owned(),
            monday: day.clone(),
            tuesday: day.clone(),
            wednesday: day.clone(),
            thursday: day.clone(),
            friday: day.clone(),
            saturday: day.clone(),
            sunday: day,
        }
    }

    fn shown(day: &str, spans: &[&str]) -> Vec<String> {
        let spans = hours(spans).spans(day.parse().unwrap());
        spans.iter().map(|(a, b)| format!("{}/{}", a.format("%H:%M"), b.format("%H:%M"))).collect()
    }

    #[test]
    fn a_window_is_read_strictly() {
        for wrong in ["9:00-12:30", "09:00", "12:30-09:00", "09:00-09:00", "09:00-24:01", "09:60-10:00", "a-b"] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
        assert_eq!(String::from("00:00-24:00".parse::<Window>().unwrap()), "00:00-24:00");
    }

    #[test]
    fn hours_are_those_of_the_wall_in_summer_and_in_winter() {
        assert_eq!(shown("2026-07-01", &["09:00-12:30", "14:00-18:00"]), ["07:00/10:30", "12:00/16:00"]);
        assert_eq!(shown("2026-12-01", &["09:00-12:30", "14:00-18:00"]), ["08:00/11:30", "13:00/17:00"]);
    }

    /// Put forward at 02:00 there is no 02:30; put back at 03:00 it comes twice.
    #[test]
    fn on_a_change_of_the_clock_a_span_is_what_the_wall_shows() {
        assert_eq!(shown("2026-03-29", &["01:30-02:30"]), ["00:30/01:00"]);
        assert_eq!(shown("2026-03-29", &["02:15-02:45"]), Vec::<String>::new());
        assert_eq!(shown("2026-10-25", &["01:30-02:30"]), ["23:30/00:30", "01:00/01:30"]);
        assert_eq!(shown("2026-10-25", &["00:00-24:00"]), ["22:00/01:00", "01:00/23:00"]);
    }
}
