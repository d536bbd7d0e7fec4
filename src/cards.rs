//! Card numbers in free text. Nobody needs one here, and none may be stored or logged (PCI DSS 4.0.1, 3.4.1): all but
//! the last four digits of what looks like one are masked before the text goes anywhere.
//!
//! It errs towards masking: of the numbers with 13 to 19 digits that are no cards, every tenth passes the check digit
//! and is masked, too. Identifiers therefore do not come through here (`input::identifier`).

use std::borrow::Cow;

/// What stands for a hidden digit.
const HIDDEN: char = '•';
/// Digits that are left.
const LAST: usize = 4;
/// Digits of a card number (ISO/IEC 7812).
const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;
/// Most separators between two groups of digits.
const WIDEST_GAP: usize = 2;
/// Longest telephone number that `+` or `00` protects. ITU allows 15 digits, which is an American Express card's length.
const LONGEST_PHONE: usize = 14;
/// Shortest and longest IBAN (ISO 13616).
const IBAN_LENGTHS: std::ops::RangeInclusive<usize> = 15..=34;

/// The zeros of the scripts in whose digits numbers are written.
const ZEROS: [u32; 25] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0xF20,
    0x1040, 0x17E0, 0x1810, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
];

/// The text with every card number masked but for its last four digits.
///
/// A card number has 13 to 19 digits of any script, at most two spaces, dots, hyphens, slashes or the like between two of
/// them, begins with 2 to 6 and passes the Luhn check. In a longer row of groups (`4111 1111 1111 1111 123`) every run of whole groups is tried.
/// Left alone are: 20 and more digits without a separator (ARN, tracking numbers), an IBAN whose check digits are right,
/// a telephone number of at most 14 digits after `+` or `00`.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    if text.chars().filter(|&c| digit(c).is_some()).count() < *LENGTHS.start() {
        return Cow::Borrowed(text);
    }
    let mut chars: Vec<char> = text.chars().collect();
    let mut hidden = false;
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = iban(&chars, at) {
            at = end;
        } else if digit(chars[at]).is_some() {
            let run = Run::at(&chars, at);
            at = run.end;
            hidden |= run.mask(&mut chars);
        } else {
            at += 1;
        }
    }
    if hidden { Cow::Owned(chars.into_iter().collect()) } else { Cow::Borrowed(text) }
}

/// Digits with at most two separators between two of them, as far as they go.
struct Run {
    digits: Vec<Digit>,
    /// `+` or `00` stands before.
    dialled: bool,
    /// Where it ends in the text.
    end: usize,
}

struct Digit {
    at: usize,
    value: u8,
    /// A group begins or ends here.
    first: bool,
    last: bool,
}

impl Run {
    fn at(chars: &[char], begin: usize) -> Self {
        let mut digits: Vec<Digit> = Vec::new();
        let mut at = begin;
        loop {
            let follows = digits.last().is_some_and(|d| d.at + 1 == at);
            let Some(value) = chars.get(at).copied().and_then(digit) else {
                if let Some(last) = digits.last_mut() {
                    last.last = true;
                }
                let rest = chars.get(at..).unwrap_or_default();
                let gap = rest.iter().take(WIDEST_GAP).take_while(|c| separates(**c)).count();
                if follows && gap > 0 && rest.get(gap).copied().and_then(digit).is_some() {
                    at += gap;
                    continue;
                }
                break;
            };
            digits.push(Digit { at, value, first: !follows, last: false });
            at += 1;
        }
        let plus = begin.checked_sub(1).and_then(|before| chars.get(before)).is_some_and(|c| matches!(c, '+' | '＋'));
        let zeros = matches!(digits.as_slice(), [a, b, ..] if a.value == 0 && b.value == 0 && !b.first);
        let counted = digits.len() - if zeros { 2 } else { 0 };
        Self { dialled: (plus || zeros) && counted <= LONGEST_PHONE, digits, end: at }
    }

    /// Hides what passes, from left to right. The four digits that are left begin a group of their own, so that nothing
    /// that passes remains.
    fn mask(mut self, chars: &mut [char]) -> bool {
        let mut hidden = false;
        let mut from = 0;
        while !self.dialled && from + LENGTHS.start() <= self.digits.len() {
            match LENGTHS.rev().find(|&length| self.passes(from, length)) {
                Some(length) => {
                    let kept = from + length - LAST;
                    for digit in self.digits.get(from..kept).unwrap_or_default() {
                        chars[digit.at] = HIDDEN;
                    }
                    self.digits[kept].first = true;
                    hidden = true;
                    from = kept;
                }
                None => from += 1,
            }
        }
        hidden
    }

    fn passes(&self, from: usize, length: usize) -> bool {
        let Some(digits @ [first, .., last]) = self.digits.get(from..from + length) else { return false };
        first.first && last.last && (2..=6).contains(&first.value) && luhn(digits)
    }
}

fn luhn(digits: &[Digit]) -> bool {
    let doubled = |value: u32| if value > 4 { value * 2 - 9 } else { value * 2 };
    let weighed = digits.iter().rev().map(|d| u32::from(d.value)).enumerate();
    weighed.map(|(place, value)| if place % 2 == 1 { doubled(value) } else { value }).sum::<u32>() % 10 == 0
}

fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|value| *value < 10)).and_then(|v| u8::try_from(v).ok())
}

/// Spaces, dots, hyphens and slashes as keyboards and word processors write them, and signs that nobody sees.
fn separates(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '.' | '-' | '/' | '_' | '\u{A0}' | '\u{AD}' | '\u{2002}'..='\u{200D}' | '\u{2010}'..='\u{2014}' | '\u{202F}'
            | '\u{2060}' | '\u{2212}' | '\u{3000}' | '\u{FEFF}' | '．' | '－'
    )
}

/// Where an IBAN that begins here ends, if its check digits are right. The shortest one counts.
fn iban(chars: &[char], begin: usize) -> Option<usize> {
    let inside_a_word = begin.checked_sub(1).and_then(|before| chars.get(before)).is_some_and(|c| c.is_alphanumeric());
    let &[a, b, c, d] = chars.get(begin..begin + 4)? else { return None };
    let head = a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit();
    if inside_a_word || !head {
        return None;
    }
    // The first four go to the end (ISO 7064, MOD 97-10): letters are two digits each, then the check digits.
    let tail = value(a)? * 10_000 + value(b)? * 100 + value(c)? * 10 + value(d)?;
    let (mut rest, mut length, mut at) = (0, 4, begin + 4);
    while let Some(&next) = chars.get(at) {
        match value(next) {
            Some(value) => {
                rest = (rest * if value > 9 { 100 } else { 10 } + value) % 97;
                length += 1;
            }
            None if separates(next) && chars.get(at - 1).is_some_and(|&before| !separates(before)) => {}
            None => return None,
        }
        at += 1;
        let ends = chars.get(at).is_none_or(|c| !c.is_alphanumeric());
        if ends && IBAN_LENGTHS.contains(&length) && (rest * 1_000_000 + tail) % 97 == 1 {
            return Some(at);
        }
        if length == *IBAN_LENGTHS.end() {
            return None;
        }
    }
    None
}

/// The value of an IBAN's character: digits as they are, `A` is 10.
fn value(c: char) -> Option<u64> {
    c.to_digit(36).map(u64::from)
}

#[cfg(test)]
mod tests;
