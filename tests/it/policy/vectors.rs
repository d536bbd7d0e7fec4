//! Deadlines worked out by hand, each with its norm: the vectors of the domain, and the days on which a clock goes wrong.

use aftersales::policy::deadline::{Deadline, Facts, Pause, Unreckonable};
use aftersales::policy::holidays::Land;
use aftersales::policy::retention::Profile;
use aftersales::policy::rules::{Event, RuleId};
use aftersales::policy::shop::Policy;
use aftersales::policy::step::replay;
use aftersales::policy::words::words;
use aftersales::policy::workdays::{ExtraDay, ExtraKind, Werktag};
use chrono::{DateTime, SecondsFormat, Utc};
use entity::DataType;

type Pauses = &'static [(&'static str, &'static str)];
type Events = &'static [(Event, &'static str)];

/// A case and its end, the first instant after the period. Of civil days it is a midnight in Berlin, so that its UTC date
/// is the last day.
struct Row {
    norm: &'static str,
    rule: RuleId,
    start: &'static str,
    land: Option<Land>,
    pauses: Pauses,
    events: Events,
    ends: &'static str,
}

const fn row(norm: &'static str, rule: RuleId, start: &'static str, ends: &'static str) -> Row {
    Row { norm, rule, start, land: None, pauses: &[], events: &[], ends }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn facts(row: &Row) -> Facts {
    let pause = |(from, to): &(&str, &str)| Pause { from: at(from), to: at(to), reason: words("Pause", "pause") };
    Facts {
        land: row.land,
        pauses: row.pauses.iter().map(pause).collect(),
        events: row.events.iter().map(|(event, text)| (*event, at(text))).collect(),
        ..Facts::from(at(row.start))
    }
}

fn reckoned(policy: &Policy, row: &Row) -> Deadline {
    let rule = policy.rule(row.rule).unwrap();
    let found = policy.deadline(&rule, &facts(row));
    found.unwrap_or_else(|error| panic!("{}: {} from {}: {error}", row.norm, row.rule, row.start))
}

fn hold(policy: &Policy, rows: &[Row]) {
    for row in rows {
        let found = reckoned(policy, row);
        let (on, ends) = (found.ends_on.to_string(), found.ends_at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let said = format!("{}: {} from {}", row.norm, row.rule, row.start);
        assert_eq!((on.as_str(), ends.as_str()), (&row.ends[..10], row.ends), "{said}: {:#?}", found.steps);
        assert_eq!(replay(&found.steps), Some(found.ends_at), "{said}");
    }
}

fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::shipped().clone();
    change(&mut policy);
    policy
}

// S23, S45, F18, F38, F54
#[test]
fn the_vectors_of_the_domain_hold() {
    use DataType::{R01, R03, R09b};
    use RuleId::{
        AccessRequest, AccessRequestExtended, BurdenOfProof, Retention, Review, ShopReturn, Warranty,
        WarrantyAfterRepair, Withdrawal,
    };
    let rows = [
        row("BGB §§ 187(1), 188(1)", Withdrawal, "2026-11-06T10:00:00Z", "2026-11-20T23:00:00Z"),
        row("BGB § 193: Saturday", Withdrawal, "2026-11-07T10:00:00Z", "2026-11-23T23:00:00Z"),
        row("45 days", ShopReturn, "2026-11-06T10:00:00Z", "2026-12-21T23:00:00Z"),
        row("45 days, BGB § 193: 26 December", ShopReturn, "2026-11-11T10:00:00Z", "2026-12-28T23:00:00Z"),
        row("three Werktage, Monday to Saturday", Review, "2026-11-20T10:00:00Z", "2026-11-24T23:00:00Z"),
        row("BGB § 438(1) no. 3", Warranty, "2026-11-06T10:00:00Z", "2028-11-06T23:00:00Z"),
        row("(EU) 2024/1799 Art. 16", WarrantyAfterRepair, "2026-11-06T10:00:00Z", "2029-11-06T23:00:00Z"),
        row("BGB § 477(1)", BurdenOfProof, "2026-11-06T10:00:00Z", "2027-11-06T23:00:00Z"),
        row("GDPR Art. 12(3): Sunday", AccessRequest, "2027-01-31T10:00:00Z", "2027-03-01T23:00:00Z"),
        row("GDPR Art. 12(3) sentence 2", AccessRequestExtended, "2027-01-31T10:00:00Z", "2027-04-30T22:00:00Z"),
        row("GDPR Art. 33(1)", RuleId::BreachNotice, "2026-11-20T16:20:00Z", "2026-11-23T16:20:00Z"),
        row("AO § 147(3), (4)", Retention(R01), "2026-11-22T10:00:00Z", "2034-12-31T23:00:00Z"),
        row("HGB § 257(4), (5)", Retention(R03), "2026-11-22T10:00:00Z", "2032-12-31T23:00:00Z"),
        row("BGB §§ 195, 199", Retention(R09b), "2026-11-22T10:00:00Z", "2029-12-31T23:00:00Z"),
    ];
    hold(Policy::shipped(), &rows);
    let mon_fri = with(|policy| policy.calendar.werktag = Werktag::MonFri);
    let norm = "three Werktage, Monday to Friday";
    hold(&mon_fri, &[row(norm, Review, "2026-11-20T10:00:00Z", "2026-11-25T23:00:00Z")]);
}

/// What a withdrawal would end on in each Land's own way: the start, its plain end, its rolled end, and where it rolls.
const OWN_HOLIDAYS: &[(&str, &str, &str, &str, &[Land])] = {
    use Land::{BB, BE, BW, BY, HB, HE, HH, MV, NI, NW, RP, SH, SL, SN, ST, TH};
    &[
        ("Epiphany", "2026-12-23T10:00:00Z", "2027-01-06", "2027-01-07", &[BW, BY, ST]),
        ("Women's Day", "2027-02-22T10:00:00Z", "2027-03-08", "2027-03-09", &[BE, MV]),
        ("80 Years of Liberation", "2025-04-24T10:00:00Z", "2025-05-08", "2025-05-09", &[BE]),
        ("Corpus Christi", "2026-05-21T10:00:00Z", "2026-06-04", "2026-06-05", &[BW, BY, HE, NW, RP, SL]),
        ("Assumption Day", "2028-08-01T10:00:00Z", "2028-08-15", "2028-08-16", &[SL]),
        ("World Children's Day", "2027-09-06T10:00:00Z", "2027-09-20", "2027-09-21", &[TH]),
        ("Reformation Day", "2031-10-17T10:00:00Z", "2031-10-31", "2031-11-03", &[BB, HB, HH, MV, NI, SH, SN, ST, TH]),
        ("All Saints' Day", "2027-10-18T10:00:00Z", "2027-11-01", "2027-11-02", &[BW, BY, NW, RP, SL]),
        ("Day of Repentance", "2026-11-04T10:00:00Z", "2026-11-18", "2026-11-19", &[SN]),
    ]
};

// F18, F51, F54
#[test]
fn a_withdrawal_rolls_over_the_holidays_of_the_consumers_and_the_shops_land() {
    let policy = Policy::shipped();
    let rule = policy.rule(RuleId::Withdrawal).unwrap();
    for (name, start, plain, rolled, lands) in OWN_HOLIDAYS {
        let start = at(start);
        let last_day = |policy: &Policy, land| {
            policy.deadline(&rule, &Facts { land, ..Facts::from(start) }).unwrap().ends_on.to_string()
        };
        assert_eq!(last_day(policy, None), *plain, "{name}: in no Land");
        for land in Land::ALL {
            let expected = if lands.contains(&land) { rolled } else { plain };
            assert_eq!(last_day(policy, Some(land)), *expected, "{name}: consumer in {land}");
            let there = with(|policy| policy.shop.land = Some(land));
            assert_eq!(last_day(&there, None), *expected, "{name}: shop in {land}");
            assert_eq!(last_day(&there, Some(lands[0])), *rolled, "{name}: shop in {land}, consumer in {}", lands[0]);
        }
    }
}

// F18, F38, F54
#[test]
fn two_weeks_over_easter_christmas_and_the_new_year_end_on_a_working_day() {
    use RuleId::{Withdrawal, WithdrawalRefund};
    let rows = [
        row("BGB § 193: Good Friday to Easter Monday", Withdrawal, "2026-03-20T10:00:00Z", "2026-04-07T22:00:00Z"),
        row("BGB § 193: Labour Day, a Friday", Withdrawal, "2026-04-17T10:00:00Z", "2026-05-04T22:00:00Z"),
        row("BGB § 193: Ascension Day", WithdrawalRefund, "2026-04-30T10:00:00Z", "2026-05-15T22:00:00Z"),
        row("BGB § 193: 3 October, a Saturday", Withdrawal, "2026-09-19T10:00:00Z", "2026-10-05T22:00:00Z"),
        row("24 December is a working day", Withdrawal, "2026-12-10T10:00:00Z", "2026-12-24T23:00:00Z"),
        row("BGB § 193: Christmas and its Sunday", Withdrawal, "2026-12-11T10:00:00Z", "2026-12-28T23:00:00Z"),
        row("31 December is a working day", Withdrawal, "2026-12-17T10:00:00Z", "2026-12-31T23:00:00Z"),
        row("BGB § 193: New Year's Day, a Friday", Withdrawal, "2026-12-18T10:00:00Z", "2027-01-04T23:00:00Z"),
        // The earliest day is the safe one for who owes: Corpus Christi in Bavaria is no excuse.
        Row {
            land: Some(Land::BY),
            ..row("BGB § 357(1)", WithdrawalRefund, "2026-05-21T10:00:00Z", "2026-06-04T22:00:00Z")
        },
        // Received at half past midnight in Berlin, which is the day before in UTC.
        row("BGB § 187(1): the day is Berlin's", Withdrawal, "2026-11-05T23:30:00Z", "2026-11-20T23:00:00Z"),
        row("BGB § 187(1): the day is Berlin's", Withdrawal, "2026-11-05T22:30:00Z", "2026-11-19T23:00:00Z"),
    ];
    hold(Policy::shipped(), &rows);
}

/// BGB § 193 moves the end of a period only: what is reached after twelve months is no end.
// F54
#[test]
fn twelve_months_and_fourteen_days_roll_once_at_their_end() {
    use RuleId::WithdrawalUninstructed as Late;
    let rows = [
        row("BGB § 356(3): 29 February", Late, "2027-02-15T10:00:00Z", "2028-02-29T23:00:00Z"),
        row("BGB § 188(3): from 29 February", Late, "2028-02-29T10:00:00Z", "2029-03-14T23:00:00Z"),
        // Over Easter Saturday 4 April 2026; had that rolled to the 7th, the end would be the 21st.
        row("BGB § 193: not within", Late, "2025-04-04T10:00:00Z", "2026-04-20T22:00:00Z"),
        // Over Christmas Day 2026; had that rolled to the 28th, the end would be the 11th.
        row("BGB § 193: not within", Late, "2025-12-25T10:00:00Z", "2027-01-08T23:00:00Z"),
    ];
    hold(Policy::shipped(), &rows);
}

// S60, F52
#[test]
fn a_credit_over_christmas_takes_its_werktage() {
    let start = "2026-12-15T10:00:00Z";
    for (werktag, earliest, ends) in [
        // 16 to 19, 21 to 24, 28 to 31 December; 2, 4, 5 January.
        (Werktag::MonSat, "2026-12-29", "2027-01-05T23:00:00Z"),
        // 16 to 18, 21 to 24, 28 to 31 December; 4 to 7 January: Epiphany is not nationwide.
        (Werktag::MonFri, "2026-12-30", "2027-01-07T23:00:00Z"),
    ] {
        let policy = with(|policy| policy.calendar.werktag = werktag);
        let credit = row("10 to 15 Werktage", RuleId::RefundCredit, start, ends);
        let found = reckoned(&policy, &credit);
        assert_eq!(found.earliest.map(|day| day.to_string()).as_deref(), Some(earliest), "{}: {werktag}", credit.norm);
        hold(&policy, &[credit]);
    }
}

// S23, F53
#[test]
fn a_review_waits_for_pauses_and_closed_days() {
    let start = "2026-11-20T10:00:00Z";
    // The 21st to the 23rd are paused, and the 24th, on which the answer came, counts.
    let paused = Row {
        pauses: &[("2026-11-21T09:00:00Z", "2026-11-24T08:00:00Z")],
        ..row("paused Werktage", RuleId::Review, start, "2026-11-26T23:00:00Z")
    };
    hold(Policy::shipped(), &[paused]);

    let closed = with(|policy| policy.calendar.extra_days = vec![extra("2026-11-23", ExtraKind::Closed, &[])]);
    hold(&closed, &[row("a closed Monday", RuleId::Review, start, "2026-11-25T23:00:00Z")]);
}

fn extra(date: &str, kind: ExtraKind, lands: &[Land]) -> ExtraDay {
    ExtraDay {
        date: date.parse().unwrap(),
        kind,
        de: "Tag".to_owned(),
        en: "day".to_owned(),
        lands: lands.to_vec(),
        source: "a municipality".to_owned(),
    }
}

// F51
#[test]
fn a_statutory_period_rolls_over_a_holiday_of_the_policy_but_not_over_a_closed_day() {
    let (start, plain, rolled) = ("2030-07-25T10:00:00Z", "2030-08-08T22:00:00Z", "2030-08-09T22:00:00Z");
    let thursday =
        |kind, lands: &[Land]| with(|policy| policy.calendar.extra_days = vec![extra("2030-08-08", kind, lands)]);
    let withdrawal = |land, ends| Row { land, ..row("BGB § 193: extra day", RuleId::Withdrawal, start, ends) };
    let bavarian = thursday(ExtraKind::Holiday, &[Land::BY]);
    hold(&bavarian, &[withdrawal(Some(Land::BY), rolled), withdrawal(Some(Land::HE), plain), withdrawal(None, plain)]);
    hold(&thursday(ExtraKind::Holiday, &[]), &[withdrawal(Some(Land::HE), rolled), withdrawal(None, rolled)]);
    hold(&thursday(ExtraKind::Closed, &[]), &[withdrawal(Some(Land::BY), plain), withdrawal(None, plain)]);
}

/// Delivered on 6 November 2026: without more, claims are barred after 6 November 2028.
// F54
#[test]
fn limitation_has_its_tails() {
    use Event::{Contract, DefectShown, HandedOver};
    use RuleId::{WarrantyAfterCure, WarrantyAfterRepair, WarrantyLateDefect};
    let delivered = |norm, rule, ends| row(norm, rule, "2026-11-06T10:00:00Z", ends);
    let late = |events: Events, ends| Row { events, ..delivered("BGB § 475e(3)", WarrantyLateDefect, ends) };
    let cure = |events: Events, ends| Row { events, ..delivered("BGB § 475e(4)", WarrantyAfterCure, ends) };
    let repair =
        |events: Events, ends| Row { events, ..delivered("(EU) 2024/1799 Art. 16", WarrantyAfterRepair, ends) };
    let rows = [
        late(&[(DefectShown, "2027-01-01T10:00:00Z")], "2028-11-06T23:00:00Z"),
        late(&[(DefectShown, "2028-10-01T10:00:00Z")], "2029-02-01T23:00:00Z"),
        // The last day is within the period, the next one is not.
        late(&[(DefectShown, "2028-11-06T22:59:59Z")], "2029-03-06T23:00:00Z"),
        late(&[(DefectShown, "2028-11-06T23:00:00Z")], "2028-11-06T23:00:00Z"),
        cure(&[(HandedOver, "2027-03-01T10:00:00Z")], "2028-11-06T23:00:00Z"),
        cure(&[(HandedOver, "2028-10-15T10:00:00Z")], "2028-12-15T23:00:00Z"),
        // Handed over after the period was over; February has no 31st (BGB § 188(3)).
        cure(&[(HandedOver, "2028-12-31T10:00:00Z")], "2029-02-28T23:00:00Z"),
        // The last second of 30 July 2026 in Berlin, and the first of 31 July.
        repair(&[(Contract, "2026-07-30T21:59:59Z")], "2028-11-06T23:00:00Z"),
        repair(&[(Contract, "2026-07-30T22:00:00Z")], "2029-11-06T23:00:00Z"),
    ];
    hold(Policy::shipped(), &rows);
}

/// BGB §§ 203, 209: touched days are not counted, and three months are left.
// F53
#[test]
fn negotiations_suspend_limitation() {
    use RuleId::{Warranty, WarrantyLateDefect};
    let delivered = |norm, pauses: Pauses, ends| Row { pauses, ..row(norm, Warranty, "2026-11-06T10:00:00Z", ends) };
    let rows = [
        delivered("§ 209: ten days", &[("2027-03-01T09:00:00Z", "2027-03-10T15:00:00Z")], "2028-11-16T23:00:00Z"),
        // Of 1 to 8 November 2026 only the 7th and the 8th would have counted.
        delivered("§ 209: two days", &[("2026-11-01T10:00:00Z", "2026-11-08T10:00:00Z")], "2028-11-08T23:00:00Z"),
        delivered("§ 203 sentence 2", &[("2028-10-20T10:00:00Z", "2028-11-03T10:00:00Z")], "2029-02-03T23:00:00Z"),
        // Broken off at midnight: 2 November was the last day.
        delivered("§ 203 sentence 2", &[("2028-10-20T10:00:00Z", "2028-11-02T23:00:00Z")], "2029-02-02T23:00:00Z"),
        // Three months after 30 November is the last of February.
        delivered("§ 203 sentence 2", &[("2028-11-01T10:00:00Z", "2028-11-30T10:00:00Z")], "2029-02-28T23:00:00Z"),
        // What is barred is not suspended any more.
        delivered("§ 203: too late", &[("2028-11-08T10:00:00Z", "2028-12-01T10:00:00Z")], "2028-11-06T23:00:00Z"),
        // A defect that shows while the suspension keeps the period open.
        Row {
            pauses: &[("2028-10-20T10:00:00Z", "2028-11-03T10:00:00Z")],
            events: &[(Event::DefectShown, "2028-11-20T10:00:00Z")],
            ..row("§§ 203, 475e(3)", WarrantyLateDefect, "2026-11-06T10:00:00Z", "2029-03-20T23:00:00Z")
        },
    ];
    hold(Policy::shipped(), &rows);
}

/// GDPR Art. 12(3) by Regulation 1182/71 Art. 3.
// F54
#[test]
fn a_request_of_a_data_subject_is_answered_within_months() {
    use RuleId::{AccessRequest, AccessRequestExtended};
    let rows = [
        row("Art. 3(2)(c): September has 30 days", AccessRequest, "2026-08-31T10:00:00Z", "2026-09-30T22:00:00Z"),
        row("Art. 3(2)(c): so has November", AccessRequestExtended, "2026-08-31T10:00:00Z", "2026-11-30T23:00:00Z"),
        row("Art. 3(2)(c): 29 February", AccessRequest, "2028-01-30T10:00:00Z", "2028-02-29T23:00:00Z"),
        row("Art. 3(2)(c), (4): 28 February, a Sunday", AccessRequest, "2027-01-30T10:00:00Z", "2027-03-01T23:00:00Z"),
        // 30 April 2028 is a Sunday, and the Monday is Labour Day.
        row("Art. 3(4): two days", AccessRequestExtended, "2028-01-30T10:00:00Z", "2028-05-02T22:00:00Z"),
        row("Art. 3(4): 26 December", AccessRequest, "2026-11-26T10:00:00Z", "2026-12-28T23:00:00Z"),
        // Half past midnight on 1 December in Berlin.
        row("Art. 3(1), (4): New Year", AccessRequest, "2026-11-30T23:30:00Z", "2027-01-04T23:00:00Z"),
        // The Land does not matter to what the controller owes: Epiphany in Bavaria.
        Row {
            land: Some(Land::BY),
            ..row("Art. 3(4): nationwide", AccessRequest, "2026-12-06T10:00:00Z", "2027-01-06T23:00:00Z")
        },
        // Seven days of waiting for an identity, 10 to 16 November: 6 December becomes Sunday the 13th.
        Row {
            pauses: &[("2026-11-10T12:00:00Z", "2026-11-17T09:00:00Z")],
            ..row("GDPR Art. 12(6)", AccessRequest, "2026-11-06T10:00:00Z", "2026-12-14T23:00:00Z")
        },
    ];
    hold(Policy::shipped(), &rows);
}

// S71
#[test]
fn data_is_kept_until_the_last_day_of_its_rule() {
    use DataType::{R01, R03, R09a, R12, R16, R20, R33};
    use RuleId::Retention;
    let rows = [
        row("HGB § 257(5): half past midnight, 2027", Retention(R03), "2026-12-31T23:30:00Z", "2033-12-31T23:00:00Z"),
        row("HGB § 257(5): half past eleven, 2026", Retention(R03), "2026-12-31T22:30:00Z", "2032-12-31T23:00:00Z"),
        row("BGB § 188(3)", Retention(R09a), "2026-08-31T10:00:00Z", "2027-02-28T23:00:00Z"),
        row("BGB § 188(3): leap day", Retention(R12), "2028-02-29T10:00:00Z", "2029-02-28T23:00:00Z"),
        row("(EU) 2023/988: at most five years", Retention(R20), "2026-11-22T10:00:00Z", "2031-11-22T23:00:00Z"),
        row("thirty days", Retention(R33), "2026-11-06T10:00:00Z", "2026-12-06T23:00:00Z"),
        // Sundays, on which a period of retention may end.
        row("fourteen days", Retention(R16), "2026-11-08T10:00:00Z", "2026-11-22T23:00:00Z"),
        Row {
            events: &[(Event::Downloaded, "2026-11-08T10:00:00Z")],
            ..row("seven days after the download", Retention(R16), "2026-11-06T10:00:00Z", "2026-11-15T23:00:00Z")
        },
        Row {
            events: &[(Event::Downloaded, "2026-11-18T10:00:00Z")],
            ..row("a late download changes nothing", Retention(R16), "2026-11-06T10:00:00Z", "2026-11-20T23:00:00Z")
        },
    ];
    hold(Policy::shipped(), &rows);

    let oss = with(|policy| policy.retention.profile = Profile::EuOss);
    // The refund of January corrects a supply of December: ten years from the end of that year.
    let refund = Row {
        events: &[(Event::Supply, "2025-12-30T10:00:00Z")],
        ..row("UStG § 22(1) sentence 4", Retention(R01), "2026-01-15T10:00:00Z", "2035-12-31T23:00:00Z")
    };
    hold(&oss, &[refund, row("HGB § 257", Retention(R03), "2026-11-22T10:00:00Z", "2032-12-31T23:00:00Z")]);
}

/// GDPR Art. 33(1): hours are hours, although the clock on the wall loses or gains one.
// N2
#[test]
fn a_breach_is_notified_within_seventy_two_hours_over_both_changes_of_the_clock() {
    let policy = Policy::shipped();
    let rule = policy.rule(RuleId::BreachNotice).unwrap();
    for (known, day, ends) in [
        // Half past midnight in winter, half past one in summer.
        ("2026-03-27T23:30:00Z", "2026-03-31", "2026-03-30T23:30:00Z"),
        // Half past midnight in summer, half past eleven in winter.
        ("2026-10-23T22:30:00Z", "2026-10-26", "2026-10-26T22:30:00Z"),
        // Easter: hours do not roll (Regulation 1182/71 Art. 3(4)).
        ("2026-04-03T08:00:00Z", "2026-04-06", "2026-04-06T08:00:00Z"),
    ] {
        let found = policy.deadline(&rule, &Facts::from(at(known))).unwrap();
        assert_eq!((found.ends_on.to_string().as_str(), found.ends_at), (day, at(ends)), "GDPR Art. 33(1): {known}");
    }
}

/// Four hours of service, Monday to Friday 09:00 to 12:30 and 14:00 to 18:00 in Berlin.
// S73, F50, F52, F53, N2
#[test]
fn a_first_answer_is_due_within_four_hours_of_service() {
    let answer = |norm, start, ends| row(norm, RuleId::FirstResponse, start, ends);
    let paused = |norm, pauses: Pauses, ends| Row { pauses, ..answer(norm, "2026-11-23T08:00:00Z", ends) };
    let rows = [
        answer("over lunch: 10:00 to 15:30", "2026-11-23T09:00:00Z", "2026-11-23T14:30:00Z"),
        answer("to the second", "2026-11-23T09:00:30Z", "2026-11-23T14:30:30Z"),
        answer("from 17:30 to exactly 12:30, not 14:00", "2026-11-23T16:30:00Z", "2026-11-24T11:30:00Z"),
        answer("from 14:00 to exactly 18:00", "2026-11-23T13:00:00Z", "2026-11-23T17:00:00Z"),
        answer("from the last second before lunch is over", "2026-11-23T12:59:59Z", "2026-11-23T17:00:00Z"),
        answer("from 12:30, when lunch begins", "2026-11-23T11:30:00Z", "2026-11-23T17:00:00Z"),
        answer("from 18:00, when the day is over", "2026-11-23T17:00:00Z", "2026-11-24T13:30:00Z"),
        answer("over a weekend", "2026-11-20T16:00:00Z", "2026-11-23T11:00:00Z"),
        answer("from a Saturday", "2026-11-21T09:00:00Z", "2026-11-23T13:30:00Z"),
        answer("over Christmas", "2026-12-24T16:00:00Z", "2026-12-28T11:00:00Z"),
        answer("over Easter", "2026-04-02T15:00:00Z", "2026-04-07T10:00:00Z"),
        answer("from winter into summer", "2026-03-27T16:00:00Z", "2026-03-30T10:00:00Z"),
        answer("from summer into winter", "2026-10-23T15:00:00Z", "2026-10-26T11:00:00Z"),
        paused(
            "paused from 10:00 to 11:30",
            &[("2026-11-23T09:00:00Z", "2026-11-23T10:30:00Z")],
            "2026-11-23T15:00:00Z",
        ),
        paused("paused over lunch", &[("2026-11-23T11:00:00Z", "2026-11-23T14:00:00Z")], "2026-11-23T15:00:00Z"),
    ];
    hold(Policy::shipped(), &rows);

    let closed = with(|policy| policy.calendar.extra_days = vec![extra("2026-11-24", ExtraKind::Closed, &[])]);
    hold(&closed, &[answer("over a closed Tuesday", "2026-11-23T16:00:00Z", "2026-11-25T11:00:00Z")]);
}

#[test]
fn what_cannot_be_reckoned_says_why() {
    let policy = Policy::shipped();
    let asked = |row: &Row| policy.deadline(&policy.rule(row.rule).unwrap(), &facts(row)).unwrap_err();
    let from = |norm, rule| row(norm, rule, "2026-11-06T10:00:00Z", "");
    let pauses: Pauses = &[("2026-11-07T10:00:00Z", "2026-11-08T10:00:00Z")];
    let breach = Row { pauses, ..from("GDPR Art. 33(1) knows no pause", RuleId::BreachNotice) };
    assert_eq!(asked(&breach), Unreckonable::NoPause(RuleId::BreachNotice), "{}", breach.norm);
    let late = from("BGB § 475e(3) needs the day", RuleId::WarrantyLateDefect);
    assert_eq!(asked(&late), Unreckonable::Needs(Event::DefectShown), "{}", late.norm);
    let events: Events = &[(Event::HandedOver, "2026-11-05T22:59:59Z")];
    let early = Row { events, ..from("cured before it was delivered", RuleId::WarrantyAfterCure) };
    assert_eq!(asked(&early), Unreckonable::BeforeStart(Event::HandedOver), "{}", early.norm);
    let pauses: Pauses = &[("2026-11-07T10:00:00Z", "2026-11-07T10:00:00Z")];
    let empty = Row { pauses, ..from("a pause without length", RuleId::Review) };
    assert_eq!(asked(&empty), Unreckonable::EmptyPause, "{}", empty.norm);
}

/// GDPR Art. 33(1): hours that end at midnight end with the day before.
#[test]
fn an_end_at_midnight_belongs_to_the_day_before() {
    let policy = Policy::shipped();
    let rule = policy.rule(RuleId::BreachNotice).unwrap();
    let found = policy.deadline(&rule, &Facts::from(at("2026-11-20T23:00:00Z"))).unwrap();
    assert_eq!((found.ends_on.to_string().as_str(), found.ends_at), ("2026-11-23", at("2026-11-23T23:00:00Z")));
}

/// BGB § 203: one negotiation told in two parts is one; three months follow its end.
#[test]
fn a_suspension_told_in_parts_ends_as_a_whole() {
    let policy = Policy::shipped();
    let rule = policy.rule(RuleId::Warranty).unwrap();
    let pause = |from: &str, to: &str| Pause { from: at(from), to: at(to), reason: words("Test", "test") };
    let ends = |pauses| {
        let facts = Facts { pauses, ..Facts::from(at("2026-11-06T10:00:00Z")) };
        policy.deadline(&rule, &facts).unwrap().ends_on.to_string()
    };
    let whole = vec![pause("2028-10-31T23:00:00Z", "2028-11-30T23:00:00Z")];
    let parts = vec![
        pause("2028-10-31T23:00:00Z", "2028-11-29T23:00:00Z"),
        pause("2028-11-29T23:00:00Z", "2028-11-30T23:00:00Z"),
    ];
    assert_eq!((ends(whole).as_str(), ends(parts).as_str()), ("2029-02-28", "2029-02-28"));
}
