//! Amounts as people write them.

use crate::error::Language;

/// An amount of minor units of an ISO 4217 currency with two decimals: `1.234,56 EUR` or `EUR 1,234.56`.
#[must_use]
pub fn shown(minor: i64, currency: &str, language: Language) -> String {
    let (thousands, decimal) = match language {
        Language::De => ('.', ','),
        Language::En => (',', '.'),
    };
    let digits = (minor.unsigned_abs() / 100).to_string();
    let mut whole = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            whole.push(thousands);
        }
        whole.push(digit);
    }
    let sign = if minor < 0 { "-" } else { "" };
    let number = format!("{sign}{whole}{decimal}{:02}", minor.unsigned_abs() % 100);
    match language {
        Language::De => format!("{number} {currency}"),
        Language::En => format!("{currency} {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_write_them() {
        assert_eq!(shown(123_456, "EUR", Language::De), "1.234,56 EUR");
        assert_eq!(shown(123_456_789, "EUR", Language::En), "EUR 1,234,567.89");
        assert_eq!(shown(-5, "EUR", Language::De), "-0,05 EUR");
        assert_eq!(shown(99_999, "EUR", Language::En), "EUR 999.99");
    }
}
