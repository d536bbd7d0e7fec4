use proptest::prelude::*;

use super::*;

/// Whether the digits pass, by another way than the code under test: the check digit is reckoned from the others.
fn checks(digits: &[u32]) -> bool {
    let Some((last, body)) = digits.split_last() else { return false };
    check_digit(body) == *last
}

fn check_digit(body: &[u32]) -> u32 {
    let weigh = |(i, d): (usize, &u32)| (d * (2 - u32::try_from(i % 2).unwrap())).to_string();
    let sum: u32 = body.iter().rev().enumerate().flat_map(|i| weigh(i).into_bytes()).map(|b| u32::from(b - b'0')).sum();
    (10 - sum % 10) % 10
}

/// Card numbers in plain that a reader would still find, group by group.
fn left(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    for begin in 0..chars.len() {
        let group_begins = chars[begin].is_ascii_digit() && (begin == 0 || !chars[begin - 1].is_ascii_digit());
        let mut digits = Vec::new();
        for end in begin..if group_begins { chars.len() } else { begin } {
            match chars[end].to_digit(10) {
                Some(digit) => digits.push(digit),
                None if " .-/".contains(chars[end]) && chars[end - 2..end].iter().any(char::is_ascii_digit) => continue,
                None => break,
            }
            let group_ends = chars.get(end + 1).is_none_or(|c| !c.is_ascii_digit());
            let card = (13..=19).contains(&digits.len()) && (2..=6).contains(&digits[0]) && checks(&digits);
            if group_ends && card {
                found.push(chars[begin..=end].iter().collect());
            }
        }
    }
    found
}

#[test]
fn cards_are_masked_with_their_separators_kept() {
    for (text, expected) in [
        ("4111111111111111", "••••••••••••1111"),
        ("Meine Karte 4111 1111 1111 1111, bitte!", "Meine Karte •••• •••• •••• 1111, bitte!"),
        ("4111  1111  1111  1111", "••••  ••••  ••••  1111"),
        ("4111 - 1111/1111_1111", "4111 - 1111/1111_1111"),
        ("4111/1111/1111/1111", "••••/••••/••••/1111"),
        ("4111_1111_1111\t1111", "••••_••••_••••\t1111"),
        ("5555-5555-5555-4444", "••••-••••-••••-4444"),
        ("2223.0031.2200.3222", "••••.••••.••••.3222"),
        ("Amex 3782 822463 10005.", "Amex •••• •••••• •0005."),
        ("3056 930902 5904", "•••• •••••• 5904"),
        ("6011111111111117", "••••••••••••1117"),
        ("4222222222222", "•••••••••2222"),
        ("6304 0000 0000 0000 000", "•••• •••• •••• •••0 000"),
        ("4111 1111 1111 1111 12/27 123", "•••• •••• •••• 1111 12/27 123"),
        ("1 4111 1111 1111 1111", "1 •••• •••• •••• 1111"),
        ("4111\u{a0}1111\u{a0}1111\u{a0}1111", "••••\u{a0}••••\u{a0}••••\u{a0}1111"),
        ("4111–1111–1111–1111", "••••–••••–••••–1111"),
        ("４１１１ １１１１ １１１１ １１１１", "•••• •••• •••• １１１１"),
        ("٤١١١١١١١١١١١١١١١", "••••••••••••١١١١"),
        ("Visa4111111111111111.", "Visa••••••••••••1111."),
        ("4111111111111111 5555555555554444", "••••••••••••1111 ••••••••••••4444"),
        ("+4111111111111111", "+••••••••••••1111"),
        ("DE89370400440532013000 4111 1111 1111 1111", "DE89370400440532013000 •••• •••• •••• 1111"),
    ] {
        assert_eq!(mask(text), expected, "{text}");
        assert_eq!(mask(expected), expected, "once masked, {text} stays so");
    }
}

#[test]
fn what_is_no_card_stays() {
    for text in [
        "",
        "Bestellung AS-2014-1234567 vom 10.03.2014, 119,90 €",
        "4111 1111 1111 1112",
        "411111111111",
        "1111111111111117",
        "7992739871300008",
        "+49 1512 3456788",
        "+49 151 234 567 81",
        "0049 30 1234 56783",
        "030 12345678",
        "DE89 3704 0044 0532 0130 00",
        "de89370400440532013000",
        "AT61 1904 3002 3457 3201",
        "NL91 ABNA 0417 1643 00",
        "GB29-NWBK-6016-1331-9268-19",
        "003404341111111111111111",
        "00340434292135100186",
        "41111111111111111111",
        "74537604221222222222221",
    ] {
        assert!(matches!(mask(text), Cow::Borrowed(same) if same == text), "{text}: {}", mask(text));
    }
}

/// What `+`, `00` and right check digits protect would pass as cards without them.
#[test]
fn the_exceptions_are_needed() {
    for (protected, bare) in [
        ("+49 1512 3456787", "49 1512 3456787"),
        ("00 49 1512 3456787", "49 1512 3456787"),
        ("DE08 3704 0044 0532 0131 00", "DE09 3704 0044 0532 0131 00"),
    ] {
        assert_eq!(mask(protected), protected);
        assert!(mask(bare).contains(HIDDEN), "{bare}");
    }
}

/// Digits of a valid number, its check digit the last.
fn number() -> impl Strategy<Value = Vec<u32>> {
    (2_u32..7, prop::collection::vec(0_u32..10, 11..18)).prop_map(|(first, rest)| {
        let mut digits = vec![first];
        digits.extend(rest);
        digits.push(check_digit(&digits));
        digits
    })
}

/// A number as somebody writes it: one kind of separator, here and there.
fn written() -> impl Strategy<Value = (String, String)> {
    let gaps = prop::collection::vec(prop::bool::weighted(0.25), 19);
    (number(), prop::sample::select(vec![" ", "-", ".", "\u{a0}", ""]), gaps).prop_map(|(digits, separator, gaps)| {
        let (mut plain, mut masked) = (String::new(), String::new());
        for (i, digit) in digits.iter().enumerate() {
            let digit = char::from_digit(*digit, 10).unwrap();
            plain.push(digit);
            masked.push(if i + LAST < digits.len() { HIDDEN } else { digit });
            if gaps[i] && i + 1 < digits.len() {
                plain.push_str(separator);
                masked.push_str(separator);
            }
        }
        (plain, masked)
    })
}

proptest! {
    #[test]
    fn a_card_number_is_always_masked(before in "[^0-9+\u{ff0b}]{0,20}[a-zäöü:] ?", (plain, masked) in written(), after in " ?[a-zäöü,!][^0-9]{0,20}") {
        // Digits of other scripts would lengthen the run.
        prop_assume!(!before.chars().chain(after.chars()).any(|c| digit(c).is_some()));
        let text = format!("{before}: {plain}{after}");
        let found = mask(&text);
        prop_assert_eq!(found.as_ref(), format!("{before}: {masked}{after}"));
    }

    #[test]
    fn nothing_that_passes_is_left(text in "([a-zäöü,]{1,4}[,:]|[0-9]{1,6}[ .-]?|[2-6][0-9]{12,18}[ .-]){0,12}") {
        // A dialling prefix is an exception that the tests above cover.
        let text = format!("#{}", text.replace("00", "01"));
        let masked = mask(&text);
        prop_assert_eq!(left(&masked), Vec::<String>::new(), "{}", masked);
    }

    #[test]
    fn masking_twice_is_masking_once(text in "[0-9a-zA-Z +.-]{0,120}") {
        let once = mask(&text).into_owned();
        prop_assert_eq!(mask(&once).into_owned(), once.clone());
        prop_assert_eq!(once.chars().count(), text.chars().count());
    }

    #[test]
    fn few_digits_are_left_alone(text in "([^0-9]{0,9}[0-9]?){0,12}") {
        prop_assume!(text.chars().filter(|c| digit(*c).is_some()).count() < 13);
        prop_assert_eq!(mask(&text).into_owned(), text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        prop_assert_eq!(mask(&text).chars().count(), text.chars().count());
    }
}
