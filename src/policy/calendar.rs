//! Civil days in Europe/Berlin. Instants are UTC everywhere else.

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Europe::Berlin;

/// The civil day in Berlin that contains this instant.
#[must_use]
pub fn day_of(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&Berlin).date_naive()
}

/// The first instant of a civil day in Berlin. Berlin's clock never changes at midnight, so there is exactly one.
#[must_use]
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    match Berlin.from_local_datetime(&midnight) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t.to_utc(),
        LocalResult::None => midnight.and_utc(),
    }
}

/// The last day of the calendar year of `day`.
#[must_use]
pub fn year_end(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), 12, 31).unwrap_or(day)
}

/// The first instant of a calendar year in Berlin; none beyond the calendar.
#[must_use]
pub fn start_of_year(year: i32) -> Option<DateTime<Utc>> {
    NaiveDate::from_ymd_opt(year, 1, 1).map(start_of)
}

/// `day` plus days; the same day where the calendar ends.
#[must_use]
pub fn plus_days(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::from(days))).unwrap_or(day)
}

/// The same-numbered day so many months later, or that month's last day (BGB § 188(2), (3)).
#[must_use]
pub fn plus_months(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_add_months(Months::new(months)).unwrap_or(day)
}

/// `YYYY-MM` of an instant in Berlin.
#[must_use]
pub fn month_of(instant: DateTime<Utc>) -> String {
    day_of(instant).format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_berlin_day_starts_at_23_or_22_utc() {
        assert_eq!(start_of(day("2026-01-01")).to_rfc3339(), "2025-12-31T23:00:00+00:00");
        assert_eq!(start_of(day("2026-07-01")).to_rfc3339(), "2026-06-30T22:00:00+00:00");
        assert_eq!(day_of("2025-12-31T23:00:00Z".parse().unwrap()), day("2026-01-01"));
    }

    #[test]
    fn months_end_where_the_month_does() {
        assert_eq!(plus_months(day("2027-01-31"), 1), day("2027-02-28"));
        assert_eq!(plus_months(day("2024-02-29"), 12), day("2025-02-28"));
    }
}
