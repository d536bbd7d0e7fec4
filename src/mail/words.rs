//! Days, moments, money and service hours as a letter writes them, in both languages.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Europe::Berlin;
use entity::codes::Locale;

use crate::policy::hours::{ServiceHours, Window};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day: `31.12.2026`, `31 December 2026`.
#[must_use]
pub fn date(locale: Locale, day: NaiveDate) -> String {
    match locale {
        Locale::De => day.format("%d.%m.%Y").to_string(),
        Locale::En => format!("{} {} {}", day.day(), MONTHS[day.month0() as usize], day.year()),
    }
}

/// A moment on the clock of Berlin, with its zone: `31.12.2026, 14:05 Uhr (MEZ)`, `31 December 2026, 14:05 (CET)`.
#[must_use]
pub fn moment(locale: Locale, instant: DateTime<Utc>) -> String {
    let local = instant.with_timezone(&Berlin);
    let (day, time, zone) = (date(locale, local.date_naive()), local.format("%H:%M"), local.format("%Z").to_string());
    match locale {
        Locale::De => format!("{day}, {time} Uhr ({})", if zone == "CEST" { "MESZ" } else { "MEZ" }),
        Locale::En => format!("{day}, {time} ({zone})"),
    }
}

/// An amount in minor units: `1.234,56 €`, `€1,234.56`; a currency without a sign of its own by its code. The space does
/// not break.
#[must_use]
pub fn money(locale: Locale, minor: i64, currency: &str) -> String {
    let digits = exponent(currency);
    let unit = 10_u64.pow(digits);
    let (group, point) = if locale == Locale::De { ('.', ',') } else { (',', '.') };
    let mut number = grouped(minor.unsigned_abs() / unit, group);
    if digits > 0 {
        number.push(point);
        number.push_str(&format!("{:0width$}", minor.unsigned_abs() % unit, width = digits as usize));
    }
    let minus = if minor < 0 { "-" } else { "" };
    let sign = match currency {
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        "USD" => Some("$"),
        _ => None,
    };
    match (locale, sign) {
        (Locale::De, sign) => format!("{minus}{number}\u{a0}{}", sign.unwrap_or(currency)),
        (Locale::En, Some(sign)) => format!("{minus}{sign}{number}"),
        (Locale::En, None) => format!("{minus}{currency}\u{a0}{number}"),
    }
}

/// Digits after the point (ISO 4217); two unless listed.
const fn exponent(currency: &str) -> u32 {
    match currency.as_bytes() {
        b"CLP" | b"ISK" | b"JPY" | b"KRW" | b"PYG" | b"UGX" | b"VND" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        _ => 2,
    }
}

fn grouped(number: u64, group: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    text
}

/// The hours of a week, days with the same hours together: `Mo–Fr 09:00–12:30, 14:00–18:00 Uhr (Europe/Berlin)`.
#[must_use]
pub fn hours(locale: Locale, hours: &ServiceHours) -> String {
    let names = match locale {
        Locale::De => ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
        Locale::En => ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    };
    let week = hours.week();
    let mut parts = Vec::new();
    let mut first = 0;
    while first < week.len() {
        let last = (first..week.len()).take_while(|day| week[*day] == week[first]).last().unwrap_or(first);
        if !week[first].is_empty() {
            let days =
                if first == last { names[first].to_owned() } else { format!("{}–{}", names[first], names[last]) };
            let spans: Vec<String> = week[first].iter().map(|w| span(*w)).collect();
            let clock = if locale == Locale::De { " Uhr" } else { "" };
            parts.push(format!("{days} {}{clock}", spans.join(", ")));
        }
        first = last + 1;
    }
    format!("{} ({})", parts.join("; "), hours.zone)
}

fn span(window: Window) -> String {
    String::from(window).replace('-', "–")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::shop::Policy;

    #[test]
    fn days_and_moments() {
        let day = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        assert_eq!((date(Locale::De, day), date(Locale::En, day)), ("31.12.2026".into(), "31 December 2026".into()));
        let winter = "2026-12-31T13:05:00Z".parse().unwrap();
        assert_eq!(moment(Locale::De, winter), "31.12.2026, 14:05 Uhr (MEZ)");
        assert_eq!(moment(Locale::En, winter), "31 December 2026, 14:05 (CET)");
        let summer = "2026-07-01T22:30:00Z".parse().unwrap();
        assert_eq!(moment(Locale::De, summer), "02.07.2026, 00:30 Uhr (MESZ)");
        assert_eq!(moment(Locale::En, summer), "2 July 2026, 00:30 (CEST)");
    }

    #[test]
    fn amounts() {
        assert_eq!(money(Locale::De, 123_456, "EUR"), "1.234,56\u{a0}€");
        assert_eq!(money(Locale::En, 123_456, "EUR"), "€1,234.56");
        assert_eq!(money(Locale::De, 5, "EUR"), "0,05\u{a0}€");
        assert_eq!(money(Locale::En, -100_000_000, "USD"), "-$1,000,000.00");
        assert_eq!(money(Locale::De, 99_900, "CHF"), "999,00\u{a0}CHF");
        assert_eq!(money(Locale::En, 1_200, "JPY"), "JPY\u{a0}1,200");
        assert_eq!(money(Locale::En, 1_234, "KWD"), "KWD\u{a0}1.234");
        assert_eq!(money(Locale::De, i64::MIN, "EUR"), "-92.233.720.368.547.758,08\u{a0}€");
    }

    #[test]
    fn the_shipped_hours() {
        let shipped = &Policy::shipped().service_hours;
        assert_eq!(hours(Locale::De, shipped), "Mo–Fr 09:00–12:30, 14:00–18:00 Uhr (Europe/Berlin)");
        assert_eq!(hours(Locale::En, shipped), "Mon–Fri 09:00–12:30, 14:00–18:00 (Europe/Berlin)");
        let mut other = shipped.clone();
        other.wednesday = vec!["09:00-12:30".parse().unwrap()];
        let text = "Mo–Di 09:00–12:30, 14:00–18:00 Uhr; Mi 09:00–12:30 Uhr; Do–Fr 09:00–12:30, 14:00–18:00 Uhr";
        assert_eq!(hours(Locale::De, &other), format!("{text} (Europe/Berlin)"));
    }
}
