//! Checks of what comes in. Each refusal names the path in the mutation's input and the limit.
//!
//! [`text`] and [`optional`] mask card numbers, so that none is stored or logged. Only what names a thing and has to stay
//! as it is (a number, a reference, a key) comes through [`identifier`].

use chrono::{DateTime, Utc};

use crate::cards;
use crate::error::{Code, Refusal, Result};

/// Longest message or decision, in characters.
pub const LONG_TEXT: usize = 10_000;
/// Longest name, address, title, file name, in characters.
pub const SHORT_TEXT: usize = 300;

/// Free text that has to be there: as [`identifier`], and with card numbers masked ([`cards::mask`]).
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID`.
pub fn text(value: &str, field: &[&'static str], most: usize) -> Result<String> {
    identifier(value, field, most).map(|value| cards::mask(&value).into_owned())
}

/// The name of a thing in another system, which has to stay as it is: an order or tracking number, an article number, a
/// provider's reference, an idempotency key. It has to be there: trimmed, not empty, not longer than `most` characters,
/// without control characters other than line ends and tabs.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID`.
pub fn identifier(value: &str, field: &[&'static str], most: usize) -> Result<String> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Refusal::at(Code::Required, field).into());
    }
    let length = value.chars().count();
    if length > most {
        return Err(Refusal::at(Code::TooLong, field).with("maximum", most).with("actual", length).into());
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Refusal::at(Code::Invalid, field).with("expected", "text without control characters").into());
    }
    Ok(value.to_owned())
}

/// As [`text`], where empty or missing means none.
///
/// # Errors
/// `TOO_LONG`, `INVALID`.
pub fn optional(value: Option<&str>, field: &[&'static str], most: usize) -> Result<Option<String>> {
    given(value).map(|value| text(value, field, most)).transpose()
}

/// As [`identifier`], where empty or missing means none.
///
/// # Errors
/// `TOO_LONG`, `INVALID`.
pub fn optional_identifier(value: Option<&str>, field: &[&'static str], most: usize) -> Result<Option<String>> {
    given(value).map(|value| identifier(value, field, most)).transpose()
}

fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

/// An e-mail address: one `@` with something before it and a domain after it. Whether it exists, only a mail can tell.
///
/// # Errors
/// `REQUIRED`, `TOO_LONG`, `INVALID`.
pub fn email(value: &str, field: &[&'static str]) -> Result<String> {
    let value = identifier(value, field, 254)?;
    let fine = value.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    });
    if fine && value.matches('@').count() == 1 && !value.contains(char::is_whitespace) {
        return Ok(value);
    }
    Err(Refusal::at(Code::Invalid, field).with("expected", "name@domain").into())
}

/// An upper-case code such as a carrier or a product group: `A-Z`, `0-9`, `_`, `-`, at most 40.
///
/// # Errors
/// `REQUIRED`, `INVALID`.
pub fn code(value: &str, field: &[&'static str]) -> Result<String> {
    let value = text(value, field, 40)?.to_uppercase();
    if value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-')) {
        return Ok(value);
    }
    Err(Refusal::at(Code::Invalid, field).with("expected", "letters A-Z, digits, _ and -").into())
}

/// An ISO 4217 currency code, by form.
///
/// # Errors
/// `INVALID`.
pub fn currency(value: &str, field: &[&'static str]) -> Result<String> {
    if value.len() == 3 && value.chars().all(|c| c.is_ascii_uppercase()) {
        return Ok(value.to_owned());
    }
    Err(Refusal::at(Code::Invalid, field).with("expected", "an ISO 4217 code such as EUR").into())
}

/// A whole number above zero and not above `most`.
///
/// # Errors
/// `NOT_POSITIVE`, `TOO_LARGE`.
pub fn positive(value: i64, field: &[&'static str], most: i64) -> Result<i64> {
    if value <= 0 {
        return Err(Refusal::at(Code::NotPositive, field).into());
    }
    if value > most {
        return Err(Refusal::at(Code::TooLarge, field).with("maximum", most).into());
    }
    Ok(value)
}

/// An instant that can have happened: from 1990 on, and not after `latest`.
///
/// # Errors
/// `INVALID` with the bounds.
pub fn instant(value: DateTime<Utc>, field: &[&'static str], latest: DateTime<Utc>) -> Result<()> {
    let earliest = DateTime::from_timestamp(631_152_000, 0).unwrap_or_default();
    if (earliest..=latest).contains(&value) {
        return Ok(());
    }
    Err(Refusal::at(Code::Invalid, field).with("earliest", earliest).with("latest", latest).into())
}

/// The caller's version is the current one, or the caller does not care.
///
/// # Errors
/// `VERSION_CONFLICT` with the current version.
pub fn version(expected: Option<i64>, current: i64) -> Result<()> {
    match expected {
        Some(expected) if expected != current => {
            let refusal = Refusal::at(Code::VersionConflict, &["input", "expectedVersion"]);
            Err(refusal.with("currentVersion", current).into())
        }
        _ => Ok(()),
    }
}
