//! Holidays beside those of another's package, and the years in which a few are law.

use aftersales::policy::holidays::{Land, holiday};
use chrono::{Datelike as _, NaiveDate};

const FIXTURE: &str = include_str!("../../fixtures/holidays/holidays.json");

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// F51: every day of 2020 to 2035 in every Land, both ways. There is no difference; one would be listed here with the
/// act that decides.
#[test]
fn the_holidays_of_all_lands_are_those_of_another_package() {
    let fixture: serde_json::Value = serde_json::from_str(FIXTURE).unwrap();
    let mut differences = Vec::new();
    let mut compared = 0;
    for land in Land::ALL {
        let theirs: Vec<&str> =
            fixture["lands"][land.code()].as_array().unwrap().iter().map(|d| d.as_str().unwrap()).collect();
        for day in day("2020-01-01").iter_days().take_while(|d| d.year() <= 2035) {
            let (ours, theirs) = (holiday(day, &[land]).is_some(), theirs.contains(&day.to_string().as_str()));
            compared += 1;
            if ours != theirs {
                differences.push(format!("{land} {day}: ours {ours}, theirs {theirs}"));
            }
        }
    }
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!(compared, 16 * 5844, "sixteen Länder, sixteen years with four leap days");
}

/// F51: holidays come and go with their acts.
#[test]
fn a_holiday_is_one_in_its_years_only() {
    let rows: &[(Land, &[&str], &[&str])] = &[
        (
            Land::BE,
            &["2019-03-08", "2020-05-08", "2025-05-08", "2028-06-17"],
            &["2018-03-08", "2021-05-08", "2027-06-17"],
        ),
        (Land::MV, &["2023-03-08"], &["2022-03-08"]),
        (Land::TH, &["2019-09-20", "2018-10-31"], &["2018-09-20"]),
        (Land::NI, &["2017-10-31", "2018-10-31"], &["2016-10-31"]),
        (Land::BY, &["2017-10-31", "2026-01-06", "2026-06-04"], &["2018-10-31", "2026-08-15", "2026-08-08"]),
        (Land::SN, &["2026-11-18", "2023-11-22"], &["2026-11-11", "2026-11-25"]),
        (Land::BB, &["2026-04-05", "2026-05-24"], &[]),
        (Land::HH, &[], &["2026-04-05", "2026-11-18"]),
    ];
    for (land, are, are_not) in rows {
        for text in *are {
            assert!(holiday(day(text), &[*land]).is_some(), "{land} {text}");
        }
        for text in *are_not {
            assert!(holiday(day(text), &[*land]).is_none(), "{land} {text}");
        }
    }
    let found = holiday(day("2026-11-18"), &[Land::HH, Land::SN]).unwrap();
    assert_eq!((found.name.de, found.act()), ("Buß- und Bettag", "SächsSFG § 1"));
}

#[test]
fn a_land_is_read_by_its_letters() {
    assert_eq!("DE-by".parse::<Land>(), Ok(Land::BY));
    let refused = "XX".parse::<Land>().unwrap_err();
    assert!(Land::ALL.iter().all(|land| refused.contains(land.code())), "{refused}");
}
