//! The policy file: what the shipped one promises, how a file of one's own lies over it, and what is refused.

use std::collections::BTreeSet;

use aftersales::policy::shop::{Fault, Policy, SHIPPED, Severity, inspect, parse};
use chrono::NaiveDate;
use serde_json::{Value, json};

/// The shipped policy as one JSON document, so that each value can be named by its path.
fn shipped() -> Value {
    serde_json::to_value(Policy::shipped()).unwrap()
}

fn overlaid(text: &str) -> Value {
    match parse(Some(text)) {
        Ok(policy) => serde_json::to_value(&policy).unwrap(),
        Err(faults) => panic!("{text} is refused: {faults:?}"),
    }
}

fn errors(text: &str) -> Vec<Fault> {
    parse(Some(text)).err().unwrap_or_default()
}

#[test]
fn the_shipped_policy_has_no_error() {
    let (policy, faults) = inspect(None);
    assert!(policy.is_some());
    let errors: Vec<&Fault> = faults.iter().filter(|fault| fault.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(parse(None).unwrap(), *Policy::shipped());
    assert_eq!(parse(Some("")).unwrap(), *Policy::shipped());
    assert_eq!(parse(Some(SHIPPED)).unwrap(), *Policy::shipped());
}

// S83, S84, S85
#[test]
fn the_shipped_policy_says_how_the_shop_is_reached() {
    let shop = &Policy::shipped().shop;
    assert_eq!(shop.name, "Sofioma");
    assert_eq!(shop.email, "info@sofioma.com");
    assert_eq!(shop.phone, "+1 (908) 655-6268");
    assert_eq!(shop.address, ["128 DREAM CT", "LIBERTY, SC 29657-3608", "US"]);
    assert!(shop.land.is_none());
}

// S73, S86
#[test]
fn the_shipped_service_hours_are_weekday_mornings_and_afternoons_in_berlin() {
    let policy = shipped();
    let hours = &policy["service_hours"];
    assert_eq!(hours["zone"], json!("Europe/Berlin"));
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday"] {
        assert_eq!(hours[day], json!(["09:00-12:30", "14:00-18:00"]), "{day}");
    }
    for day in ["saturday", "sunday"] {
        assert_eq!(hours[day], json!([]), "{day}");
    }
}

// S1, S2, S45
#[test]
fn the_shipped_periods_are_those_that_are_promised() {
    let policy = shipped();
    let expected = [
        ("withdrawal", json!({ "days": 14 })),
        ("withdrawal-uninstructed", json!({ "months": 12, "days": 14 })),
        ("withdrawal-refund", json!({ "days": 14 })),
        ("shop-return", json!({ "days": 45 })),
        ("review", json!({ "werktage": 3 })),
        ("decision", json!({ "werktage": 3 })),
        ("refund-credit", json!({ "earliest_werktage": 10, "werktage": 15 })),
        ("warranty", json!({ "months": 24 })),
        ("burden-of-proof", json!({ "months": 12 })),
        ("access-request", json!({ "months": 1 })),
        ("access-request-extended", json!({ "months": 3 })),
        ("breach-notice", json!({ "hours": 72 })),
        ("first-response", json!({ "service_minutes": 240 })),
    ];
    for (rule, period) in &expected {
        assert_eq!(&policy["periods"][*rule], period, "{rule}");
    }
    assert_eq!(policy["periods"].as_object().unwrap().len(), expected.len());
    assert_eq!(policy["calendar"], json!({ "werktag": "mon-sat", "extra_days": [] }));
}

// S46, S47, S48, S49, S51
#[test]
fn the_shipped_policy_takes_goods_back_for_six_reasons_and_without_one() {
    let policy = shipped();
    let returns = &policy["returns"];
    let reasons =
        ["QUALITY_DEFECT", "NOT_AS_DESCRIBED", "MISSING_ACCESSORY", "DAMAGED", "WRONG_DELIVERY", "WRONG_LABELLING"];
    assert_eq!(returns["reasons"], json!(reasons));
    assert_eq!(returns["without_reason"], json!(true));
}

// S52, S53, S54, S55
#[test]
fn the_shipped_policy_says_who_pays_carriage_and_takes_no_handling_fee() {
    let freight = json!({
        "withdrawal_return": "customer",
        "no_reason_return": "customer",
        "no_reason_exchange": "shop",
        "defect": "shop",
        "shop_error": "shop",
        "not_eligible_return": "customer",
        "handling_fee": false,
    });
    assert_eq!(shipped()["freight"], freight);
    assert!(!Policy::shipped().freight.handling_fee);
}

// F31, S57
#[test]
fn the_shipped_policy_says_when_a_second_person_agrees_and_how_long_it_waits() {
    let policy = shipped();
    assert_eq!(policy["refunds"], json!({ "four_eyes_above_minor": 50000, "submit_by_days": 10 }));
    assert_eq!(policy["service"], json!({ "info_reminder_days": 14, "return_by_days": 14 }));
}

#[test]
fn the_shipped_profile_is_the_german_merchant_without_periods_of_its_own() {
    assert_eq!(shipped()["retention"], json!({ "profile": "DE_KAUFMANN", "periods": {} }));
}

#[test]
fn the_text_of_a_policy_reads_back_as_the_same_policy() {
    let policy = Policy::shipped();
    assert_eq!(parse(Some(&policy.text())).unwrap(), *policy);

    let mut changed = policy.clone();
    changed.shop.name = "A \"quoted\" shop\nin two lines, äöüß".to_owned();
    changed.shop.address.push("Earth".to_owned());
    changed.warranty.repair_extension_from = None;
    changed.warranty.assumed_transit_werktage = 7;
    changed.refunds.four_eyes_above_minor = 1;
    changed.refunds.submit_by_days = 5;
    changed.service.info_reminder_days = 21;
    changed.service.return_by_days = 28;
    changed.documents.returns.url = Some("https://shop.example/returns".to_owned());
    changed.returns.reasons.pop();
    changed.returns.without_reason = false;
    changed.sections.truncate(1);
    assert_ne!(changed, *policy);
    assert_ne!(changed.text(), policy.text());
    assert_eq!(parse(Some(&changed.text())).unwrap(), changed);
}

#[test]
fn the_same_policy_is_the_same_text() {
    let policy = Policy::shipped();
    assert!(!policy.text().is_empty());
    assert_eq!(parse(Some(&policy.text())).unwrap().text(), policy.text());
}

#[test]
fn an_overlay_that_names_one_value_keeps_all_others() {
    let values = [
        ("periods.shop-return = { days = 60 }", "/periods/shop-return/days", json!(60)),
        ("[periods]\nreview = { werktage = 2 }", "/periods/review/werktage", json!(2)),
        ("shop.phone = \"+49 30 1234\"", "/shop/phone", json!("+49 30 1234")),
        ("shop.address = [\"Somewhere\"]", "/shop/address", json!(["Somewhere"])),
        ("service_hours.friday = [\"10:00-12:00\"]", "/service_hours/friday", json!(["10:00-12:00"])),
        ("calendar.werktag = \"mon-fri\"", "/calendar/werktag", json!("mon-fri")),
        ("freight.withdrawal_return = \"shop\"", "/freight/withdrawal_return", json!("shop")),
        ("documents.refunds.en = \"Money back\"", "/documents/refunds/en", json!("Money back")),
        ("returns.without_reason = false", "/returns/without_reason", json!(false)),
        ("dispute.takes_part = true", "/dispute/takes_part", json!(true)),
        ("retention.profile = \"EU_OSS\"", "/retention/profile", json!("EU_OSS")),
        ("refunds.four_eyes_above_minor = 0", "/refunds/four_eyes_above_minor", json!(0)),
        ("[refunds]\nsubmit_by_days = 14", "/refunds/submit_by_days", json!(14)),
        ("service.info_reminder_days = 7", "/service/info_reminder_days", json!(7)),
        ("service.return_by_days = 30", "/service/return_by_days", json!(30)),
    ];
    for (text, pointer, value) in values {
        let mut expected = shipped();
        let place = expected.pointer_mut(pointer).unwrap();
        assert_ne!(*place, value, "{text} changes nothing");
        *place = value;
        assert_eq!(overlaid(text), expected, "{text}");
    }
}

#[test]
fn a_period_is_replaced_whole() {
    let policy = overlaid("periods.withdrawal-uninstructed = { months = 13 }");
    assert_eq!(policy["periods"]["withdrawal-uninstructed"], json!({ "months": 13 }));
    let policy = overlaid("periods.refund-credit = { werktage = 12 }");
    assert_eq!(policy["periods"]["refund-credit"], json!({ "werktage": 12 }));
}

/// The overlay, the place of the fault, and a part of its norm or of its problem.
const REFUSED: &[(&str, &str, &str)] = &[
    ("periods.withdrawal = { days = 13 }", "periods.withdrawal", "BGB §§ 355"),
    ("periods.withdrawal-uninstructed = { months = 12 }", "periods.withdrawal-uninstructed", "BGB § 356(3)"),
    ("periods.withdrawal-refund = { days = 15 }", "periods.withdrawal-refund", "357"),
    ("periods.shop-return = { days = 13 }", "periods.shop-return", "BGB §§ 355"),
    ("periods.warranty = { months = 23 }", "periods.warranty", "438"),
    ("periods.warranty = { years = 1 }", "periods.warranty", "438"),
    ("periods.burden-of-proof = { months = 11 }", "periods.burden-of-proof", "477"),
    ("periods.access-request = { months = 2 }", "periods.access-request", "GDPR Art. 12"),
    ("periods.access-request = { days = 32 }", "periods.access-request", "GDPR Art. 12"),
    ("periods.access-request = { days = 29 }", "periods.access-request", "GDPR Art. 12"),
    ("periods.access-request-extended = { months = 4 }", "periods.access-request-extended", "GDPR Art. 12"),
    ("periods.breach-notice = { hours = 73 }", "periods.breach-notice", "GDPR Art. 33"),
    ("periods.review = { days = 3 }", "periods.review", "another unit"),
    ("periods.refund-credit = { earliest_werktage = 16, werktage = 15 }", "periods.refund-credit", "between 1"),
    ("periods.refund-credit = { earliest_werktage = 0, werktage = 15 }", "periods.refund-credit", "between 1"),
    ("periods.decision = { werktage = 0 }", "periods.decision", "no length"),
    ("periods.withdrawal = { days = 0 }", "periods.withdrawal", "no length"),
    ("periods.withdrawal = {}", "periods.withdrawal", "has to be in"),
    ("periods.withdrawal = { days = 14, hours = 1 }", "periods.withdrawal", "has to be in"),
    ("periods.warranty = { years = 101 }", "periods.warranty", "too long"),
    ("periods.warranty-after-cure = { months = 30 }", "periods.warranty-after-cure", "follows from"),
    ("periods.\"retention:R01\" = { years = 10 }", "periods.retention:R01", "retention.periods"),
    ("periods.nope = { days = 1 }", "periods.nope", "there is no rule"),
    ("periods.withdrawal = { weeks = 2 }", "periods.withdrawal.weeks", "weeks"),
    ("freight.defect = \"customer\"", "freight.defect", "439"),
    ("freight.shop_error = \"customer\"", "freight.shop_error", "439"),
    ("freight.handling_fee = true", "freight.handling_fee", "361"),
    ("freight.defect = \"nobody\"", "freight.defect", "nobody"),
    ("retention.periods.R01 = { years = 7 }", "retention.periods.R01", "AO § 147"),
    ("retention.periods.R03 = { years = 5 }", "retention.periods.R03", "HGB § 257"),
    ("retention.periods.R20 = { years = 6 }", "retention.periods.R20", "2023/988"),
    ("retention.periods.R00 = { days = 1 }", "retention.periods.R00", "no data type"),
    ("retention.periods.R15 = { days = 1 }", "retention.periods.R15", "no data type"),
    ("retention.periods.R12 = { days = 0 }", "retention.periods.R12", "no length"),
    ("retention.periods.R08 = { years = 5 }", "retention.periods.R08", "longer than R07"),
    ("retention.periods.R07 = { months = 6 }", "retention.periods.R07", "longer than R07"),
    ("retention.periods.R12 = { months = 1, days = 1 }", "retention.periods.R12", "has to be in"),
    ("[retention]\nprofile = \"EU_OSS\"\nperiods = { R01 = { years = 9 } }", "retention.periods.R01", "UStG § 22"),
    ("nope = 1", "nope", "unknown field"),
    ("shop.fax = \"1\"", "shop.fax", "unknown field"),
    ("shop.land = \"XX\"", "shop.land", "XX"),
    ("shop.phone = \"\"", "shop.phone", "EGBGB Art. 246a"),
    ("shop.email = \" \"", "shop.email", "EGBGB Art. 246a"),
    ("shop.address = []", "shop.address", "EGBGB Art. 246a"),
    ("service_hours.zone = \"Europe/Nowhere\"", "service_hours", "Europe/Nowhere"),
    ("service_hours.monday = [\"09:00-12:30\", \"12:00-18:00\"]", "service_hours", "overlap"),
    ("service_hours.monday = [\"9:00-12:30\"]", "service_hours.monday", "9:00-12:30"),
    (
        "[service_hours]\nmonday = []\ntuesday = []\nwednesday = []\nthursday = []\nfriday = []",
        "service_hours",
        "no day of the week",
    ),
    ("shop = [", "", "TOML parse error"),
    ("documents.returns.url = \"http://shop.example/returns\"", "documents.returns.url", "https://"),
    ("calendar.werktag = \"sun\"", "calendar.werktag", "sun"),
    ("returns.reasons = [\"WHIM\"]", "returns.reasons", "WHIM"),
    ("warranty.assumed_transit_werktage = 0", "warranty.assumed_transit_werktage", "between 1 and 366"),
    ("refunds.four_eyes_above_minor = -1", "refunds.four_eyes_above_minor", "0 or more"),
    ("refunds.four_eyes_above_minor = \"50000\"", "refunds.four_eyes_above_minor", "invalid type"),
    ("refunds.four_eyes_above_minor = 500.00", "refunds.four_eyes_above_minor", "invalid type"),
    ("refunds.submit_by_days = 15", "refunds.submit_by_days", "BGB § 357(1)"),
    ("refunds.submit_by_days = 0", "refunds.submit_by_days", "between 1 and 14"),
    ("refunds.submit_by_days = -1", "refunds.submit_by_days", "invalid value"),
    ("refunds.limit = 1", "refunds.limit", "unknown field"),
    ("service.info_reminder_days = 0", "service.info_reminder_days", "between 1 and 366"),
    ("service.info_reminder_days = 367", "service.info_reminder_days", "between 1 and 366"),
    ("service.return_by_days = 13", "service.return_by_days", "BGB §§ 355(3), 357(1)"),
    ("service.return_by_days = 367", "service.return_by_days", "too long"),
    ("service.reminder = 1", "service.reminder", "unknown field"),
];

#[test]
fn an_overlay_below_the_floor_or_without_sense_is_refused_with_its_place_and_its_norm() {
    for (text, path, part) in REFUSED {
        let faults = errors(text);
        assert!(!faults.is_empty(), "{text} is not refused");
        assert!(faults.iter().all(|fault| fault.severity == Severity::Error), "{text}: {faults:?}");
        let meant = |fault: &Fault| {
            // An element of a list is named by its index, too.
            let place = fault.path.as_str() == *path || fault.path.starts_with(&format!("{path}["));
            place && (fault.problem.contains(part) || fault.norm.is_some_and(|norm| norm.contains(part)))
        };
        assert!(faults.iter().any(meant), "{text} wants {path} and {part}: {faults:?}");
        let shown = faults[0].to_string();
        assert!(shown.starts_with(&faults[0].path), "{shown}");
    }
}

#[test]
fn a_floor_is_shown_with_its_norm_in_brackets() {
    let faults = errors("periods.breach-notice = { hours = 73 }");
    assert_eq!(faults.len(), 1, "{faults:?}");
    let shown = faults[0].to_string();
    assert!(shown.starts_with("periods.breach-notice: ") && shown.ends_with("(GDPR Art. 33(1))"), "{shown}");
}

#[test]
fn an_overlay_that_is_better_than_the_floor_is_taken() {
    let better = [
        "periods.withdrawal = { days = 30 }",
        "periods.withdrawal = { months = 1 }",
        "periods.withdrawal-uninstructed = { years = 1, days = 14 }",
        "periods.withdrawal-refund = { days = 7 }",
        "periods.shop-return = { days = 14 }",
        "periods.access-request = { days = 25 }",
        "periods.access-request = { days = 28 }",
        "periods.breach-notice = { hours = 48 }",
        "periods.warranty = { months = 36 }",
        "periods.warranty = { years = 3 }",
        "periods.warranty = { years = 2 }",
        "periods.burden-of-proof = { years = 1 }",
        "retention.periods.R01 = { years = 10 }",
        "[retention]\nprofile = \"CUSTOM\"\nperiods = { R01 = { years = 5 } }",
        "retention.periods.R12 = { days = 30 }",
        "retention.periods.R20 = { years = 4 }",
        "documents.returns.url = \"https://shop.example/returns\"",
        "shop.land = \"BY\"",
    ];
    for text in better {
        let faults = errors(text);
        assert!(faults.is_empty(), "{text}: {faults:?}");
        assert_ne!(parse(Some(text)).as_ref(), Ok(Policy::shipped()), "{text} changes nothing");
    }
}

#[test]
fn warnings_alone_do_not_refuse_a_policy() {
    let (_, faults) = inspect(None);
    assert!(faults.iter().any(|fault| fault.severity == Severity::Warning), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.path == "privacy.eu_representative"), "{faults:?}");
    assert!(parse(None).is_ok());

    let longer = "retention.periods.R12 = { years = 5 }\nwarranty.repair_extension_from = \"\"";
    let (_, faults) = inspect(Some(longer));
    for path in ["retention.periods.R12", "warranty.repair_extension_from"] {
        let found = faults.iter().find(|fault| fault.path == path);
        assert_eq!(found.map(|fault| fault.severity), Some(Severity::Warning), "{path}: {faults:?}");
    }
    assert!(parse(Some(longer)).is_ok());

    // A shop under other law keeps as long as that says, and is told what the German one says.
    let (_, faults) = inspect(Some("[retention]\nprofile = \"CUSTOM\"\nperiods = { R01 = { years = 5 } }"));
    let found = faults.iter().find(|fault| fault.path == "retention.periods.R01").unwrap();
    assert_eq!((found.severity, found.norm), (Severity::Warning, Some("AO § 147(3), HGB § 257(4)")), "{faults:?}");
}

#[test]
fn a_target_later_than_the_promise_is_pointed_out() {
    let warned = |text: &str| inspect(Some(text)).1.iter().any(|f| f.path == "refunds.submit_by_days");
    assert!(warned("periods.withdrawal-refund = { days = 7 }"));
    assert!(!warned("periods.withdrawal-refund = { days = 7 }\nrefunds.submit_by_days = 7"));
    assert!(!warned("periods.withdrawal-refund = { days = 10 }"));
}

#[test]
fn two_faults_are_reported_together() {
    let faults = errors("periods.withdrawal = { days = 13 }\nfreight.handling_fee = true");
    let mut paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["freight.handling_fee", "periods.withdrawal"]);
}

/// S2: words that name other periods than the values are pointed out; they are the merchant's to change.
#[test]
fn shipped_words_beside_other_values_are_pointed_out() {
    let warned = |text: &str| inspect(Some(text)).1.iter().any(|f| f.path == "sections");
    assert!(warned("periods.shop-return = { days = 60 }"));
    assert!(!warned("shop.name = \"Elbe\""));
    let own = "sections = [{ topic = \"scope\", de = \"Neu\", en = \"New\" }]\nperiods.shop-return = { days = 60 }";
    assert!(!warned(own));
}

/// S83, VSBG § 37, BGB § 475(5).
#[test]
fn empty_addresses_are_refused_and_long_reviews_pointed_out() {
    for (text, path) in [("shop.address = [\"\"]", "shop.address"), ("dispute.board = \"\"", "dispute")] {
        let faults = parse(Some(text)).unwrap_err();
        assert!(faults.iter().any(|f| f.path == path), "{text}: {faults:?}");
    }
    let faults = inspect(Some("periods.review = { werktage = 11 }")).1;
    assert!(faults.iter().any(|f| f.path == "periods.review" && f.norm == Some("BGB § 475(5)")), "{faults:?}");
}

/// What cannot be read hides neither what else cannot be read nor what the law forbids.
#[test]
fn one_mistake_hides_no_other() {
    let text = "colour = \"red\"\nvalid_from = \"soon\"\n[shop]\nname = 7\nmotto = \"x\"\n[[sections]]\ntopic = \"a\"\n\
                [periods]\nwithdrawal = { days = 13 }\nshop-return = { moons = 2 }\n[privacy.authority]\nemail = \"a@b.example\"\n";
    let faults = parse(Some(text)).unwrap_err();
    let paths: BTreeSet<&str> = faults.iter().map(|f| f.path.as_str()).collect();
    let expected = [
        "colour",
        "valid_from",
        "shop.name",
        "shop.motto",
        "sections[0]",
        "periods.withdrawal",
        "periods.shop-return.moons",
        "privacy.authority",
    ];
    assert_eq!(paths, BTreeSet::from(expected), "{faults:?}");
    let day = faults.iter().find(|f| f.path == "valid_from").unwrap();
    assert!(day.problem.contains("YYYY-MM-DD"), "{day}");
}

#[test]
fn the_first_day_of_validity_is_a_text_or_a_date() {
    for text in ["valid_from = \"2027-01-01\"", "valid_from = 2027-01-01"] {
        let policy = parse(Some(text)).unwrap();
        assert_eq!(policy.valid_from, NaiveDate::from_ymd_opt(2027, 1, 1), "{text}");
        assert_eq!(parse(Some(&policy.text())).unwrap(), policy);
    }
    assert_eq!(parse(Some("valid_from = 2027-01-01T10:00:00Z")).unwrap_err().len(), 1);
}
