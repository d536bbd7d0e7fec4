//! The deletion concept (Löschkonzept) in the structure of DIN 66398, printed from the rules of a policy and the data map.
//!
//! The frame of words is `concept.md`; every name, period and place in it comes from the code that executes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entity::DataType;
use entity::map::{RowEnd, Table, Whose, tables};
use entity::retention_rules::{Action, PeriodUnit};
use sea_orm::Iterable as _;
use serde::Serialize;

use super::export;
use crate::error::Language;
use crate::keys;
use crate::policy::data_types::{StartType, name, start_type, without_period};
use crate::policy::retention::Rule;
use crate::policy::rules::Bound;
use crate::policy::shop::{Party, Policy};
use crate::policy::statistics;
use crate::retention::holds;

/// An empty cell.
const NOTHING: &str = "–";

const FRAME: &str = include_str!("concept.md");

/// A data type of the catalogue, with its rule in words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Code.
    pub data_type: DataType,
    /// What it is called in English.
    pub name: &'static str,
    /// What it is called in German.
    pub german_name: &'static str,
    /// What it is kept for.
    pub purpose: String,
    /// Legal basis, GDPR Art. 6(1).
    pub legal_basis: String,
    /// What starts the period.
    pub start_event: &'static str,
    /// What that is called in German.
    pub german_start_event: &'static str,
    /// Which of the three abstract start types that is.
    pub start_type: &'static str,
    /// The regular deletion period, such as `8 years YE`.
    pub period: String,
    /// Why it is a holding period as well, as an article of the GDPR; none: a request ends it early.
    pub floor: Option<&'static str>,
    /// Whether running work puts the end off.
    pub waits_for_work: bool,
    /// Deletion class.
    pub class: String,
    /// What happens in the end.
    pub action: Action,
    /// The norm that sets the period.
    pub norm: &'static str,
    /// The tables that hold it.
    pub tables: Vec<&'static str>,
}

/// The catalogue under a policy: every data type that has a rule.
#[must_use]
pub fn catalogue(policy: &Policy) -> Vec<Entry> {
    policy.retention_rules().iter().map(entry).collect()
}

fn entry(rule: &Rule) -> Entry {
    let (name, start) = (name(rule.data_type), starts(rule));
    Entry {
        data_type: rule.data_type,
        name: name.en,
        german_name: name.de,
        purpose: rule.purpose.to_string(),
        legal_basis: rule.basis.to_string(),
        start_event: rule.start_event.en,
        german_start_event: rule.start_event.de,
        start_type: start.words().en,
        period: bounded(rule),
        floor: rule.floor,
        waits_for_work: rule.waits_for_work,
        class: format!("{}-{}", start.letter(), period(rule).replace(' ', "-")),
        action: rule.action,
        norm: rule.norm,
        tables: holders(rule.data_type).map(|t| t.name).collect(),
    }
}

/// Under the one-stop shop the supply, the end of an operation, starts what a voucher starts elsewhere.
const fn starts(rule: &Rule) -> StartType {
    if rule.from_supply { StartType::Operation } else { start_type(rule.data_type) }
}

fn period(rule: &Rule) -> String {
    format!("{}{}", rule.span().said(Language::En), if rule.year_end { " YE" } else { "" })
}

/// The period with the second events that may end it.
fn bounded(rule: &Rule) -> String {
    let bounds = rule.deadline_rule().bounds;
    let or = |b: &Bound| format!(", or {} after: {}", b.span.said(Language::En), b.event.words().en);
    period(rule) + &bounds.iter().map(or).collect::<String>()
}

fn holders(data_type: DataType) -> impl Iterator<Item = &'static Table> {
    tables().iter().filter(move |t| t.types.contains(&data_type))
}

/// The concept as Markdown under a policy; docs/deletion-concept.md holds it for the shipped one.
#[must_use]
pub fn markdown(policy: &Policy) -> String {
    let rules = policy.retention_rules();
    let entries = catalogue(policy);
    let letters = StartType::ALL.map(|s| format!("{} {} ({})", s.letter(), s.words().en, s.words().de));
    let mut values: BTreeMap<String, String> =
        rules.iter().map(|r| (r.data_type.code().to_owned(), period(r))).collect();
    values.extend(
        [
            ("shop", policy.shop.name.clone()),
            ("parties", parties(policy)),
            ("profile", profile(policy)),
            ("catalogue", catalogue_table(&entries)),
            ("unruled", unruled()),
            ("start-types", letters.join(", ")),
            ("classes", classes(&rules)),
            ("tables", places()),
            ("key-backups", keys::BACKUPS_LIVE.num_days().to_string()),
            ("export-link", export::LINK_LASTS.num_minutes().to_string()),
            ("hold-review", holds::REVIEWED_WITHIN_MONTHS.to_string()),
            ("k", statistics::SMALLEST.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    filled(&values)
}

/// The frame with every `{name}` in it replaced, in one pass, so that no value is taken for a name.
fn filled(values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = FRAME;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(values.get(name).map_or("", String::as_str));
        rest = after;
    }
    out + rest
}

fn parties(policy: &Policy) -> String {
    let shop = format!("{}, {}", policy.shop.name, policy.shop.address.join(", "));
    let said = |party: &Option<Party>| {
        party
            .as_ref()
            .map(|p| std::iter::once(&p.name).chain(&p.address).map(String::as_str).collect::<Vec<_>>().join(", "))
    };
    let lines = [
        ("controller (Verantwortlicher, GDPR Art. 4(7))", said(&policy.privacy.controller).or(Some(shop))),
        ("representative in the Union (Vertreter, GDPR Art. 27)", said(&policy.privacy.eu_representative)),
        ("data-protection officer (GDPR Art. 37)", said(&policy.privacy.data_protection_officer)),
        ("supervisory authority (Aufsichtsbehörde)", said(&policy.privacy.authority)),
    ];
    let mut out = String::from("| who | |\n|---|---|");
    for (who, party) in lines {
        let _ = write!(out, "\n| {who} | {} |", party.unwrap_or_else(|| "not named in the policy".to_owned()));
    }
    out
}

fn profile(policy: &Policy) -> String {
    let own: Vec<&str> = policy.retention.periods.keys().map(|d| d.code()).collect();
    let own = if own.is_empty() { "none".to_owned() } else { own.join(", ") };
    format!("Profile: `{}`. Periods of the merchant's own: {own}.", policy.retention.profile.code())
}

fn catalogue_table(entries: &[Entry]) -> String {
    let mut out = String::from(
        "| code | data type (Datenart) | purpose (Zweck) | GDPR Art. 6(1) | start event | period (Regellöschfrist) | floor \
         (Vorhaltefrist) | class | in the end | norm |\n|---|---|---|---|---|---|---|---|---|---|",
    );
    for e in entries {
        let waits = if e.waits_for_work { "" } else { "; not put off by running work" };
        let _ = write!(
            out,
            "\n| {} | {} ({}) | {} | {} | {} ({}) | {}{waits} | {} | {} | {} | {} |",
            e.data_type.code(),
            e.name,
            e.german_name,
            e.purpose,
            e.legal_basis,
            e.start_event,
            e.german_start_event,
            e.period,
            e.floor.map_or_else(|| "none".to_owned(), |article| format!("the same; {article}")),
            e.class,
            match e.action {
                Action::Delete => "deleted",
                Action::Anonymise => "anonymised",
            },
            e.norm,
        );
    }
    out
}

fn unruled() -> String {
    let each = DataType::iter().filter_map(|d| Some((d, without_period(d)?)));
    let line = |(d, why): (DataType, &str)| format!("- {} {} ({}): {why}", d.code(), name(d).en, name(d).de);
    each.map(line).collect::<Vec<_>>().join("\n")
}

/// Standard periods down, start types across; shorter periods first.
fn classes(rules: &[Rule]) -> String {
    let days = |r: &Rule| match r.unit {
        PeriodUnit::Day => r.count,
        PeriodUnit::Month => r.count * 30,
        PeriodUnit::Year => r.count * 365,
    };
    let mut matrix: BTreeMap<(u32, bool, String), BTreeMap<StartType, Vec<&str>>> = BTreeMap::new();
    for r in rules {
        let row = matrix.entry((days(r), r.year_end, period(r))).or_default();
        row.entry(starts(r)).or_default().push(r.data_type.code());
    }
    let heads = StartType::ALL.map(|s| format!("{}: {}", s.letter(), s.words().en));
    let mut out = format!("| standard period (Standardfrist) | {} |\n|---|---|---|---|", heads.join(" | "));
    for ((_, _, period), row) in matrix {
        let cells = StartType::ALL.map(|s| row.get(&s).map_or_else(|| NOTHING.to_owned(), |codes| codes.join(", ")));
        let _ = write!(out, "\n| {period} | {} |", cells.join(" | "));
    }
    out
}

fn places() -> String {
    let mut out = String::from(
        "| data type | table | period starts with | row in the end | sealed columns | plain columns |\n|---|---|---|---|---|---|",
    );
    for data_type in DataType::iter().filter(|d| *d != DataType::R00) {
        if holders(data_type).next().is_none() {
            let _ = write!(out, "\n| {} | no table of the main database | – | – | – | – |", data_type.code());
        }
        for t in holders(data_type) {
            let columns = |sealed: bool| {
                let personal =
                    t.columns.iter().filter(|c| c.meaning.whose != Whose::Nobody && c.meaning.sealed == sealed);
                let names = personal.map(|c| c.name).collect::<Vec<_>>().join(", ");
                if names.is_empty() { NOTHING.to_owned() } else { names }
            };
            let _ = write!(
                out,
                "\n| {} | {} | {} | {} | {} | {} |",
                data_type.code(),
                t.name,
                t.start.unwrap_or("what it belongs to"),
                match t.end {
                    RowEnd::Deleted => "deleted",
                    RowEnd::Bare => "deleted, or a bare id",
                },
                columns(true),
                columns(false),
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::policy::shop::parse;

    fn line<'a>(text: &'a str, start: &str) -> &'a str {
        text.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("no line {start}"))
    }

    #[test]
    fn every_name_in_the_frame_has_a_value_and_every_value_a_place() {
        let text = markdown(Policy::shipped());
        assert!(!text.contains(['{', '}']) && !text.contains("  |") && !text.contains("\n\n\n"), "an empty value");
        for known in
            ["kept 10 years YE", "at most 35 days", "lasts 15 minutes", "at most 6 months ahead", "count below 5"]
        {
            assert!(text.contains(known), "{known}");
        }
    }

    #[test]
    fn every_rule_is_in_the_catalogue_in_one_class_and_somewhere() {
        let text = markdown(Policy::shipped());
        let (_, classes) = text.split_once("## 4.").unwrap();
        let (classes, places) = classes.split_once("## 5.").unwrap();
        for rule in Policy::shipped().retention_rules() {
            let code = rule.data_type.code();
            assert!(line(&text, &format!("| {code} | ")).contains(rule.norm), "{code}");
            let times = classes.split([' ', ',', '|', '\n']).filter(|word| *word == code).count();
            assert_eq!(times, 1, "{code} in the matrix");
            assert!(places.contains(&format!("\n| {code} | ")), "{code} has a place");
        }
        for t in tables().iter().filter(|t| t.types != [DataType::R00]) {
            assert!(places.contains(&format!(" | {} | ", t.name)), "{}", t.name);
        }
    }

    /// The catalogue follows the profile and the merchant's own periods.
    #[test]
    fn the_concept_is_that_of_the_policy_in_effect() {
        let custom =
            parse(Some("[retention]\nprofile = \"EU_OSS\"\n[retention.periods]\nR12 = { months = 3 }\n")).unwrap();
        let (shipped, other) = (markdown(Policy::shipped()), markdown(&custom));
        assert!(
            line(&shipped, "| R01 | Refund").contains("| 8 years YE | the same; GDPR Art. 17(3)(b) | C-8-years-YE |")
        );
        assert!(
            line(&other, "| R01 | Refund").contains("| 10 years YE | the same; GDPR Art. 17(3)(b) | O-10-years-YE |")
        );
        assert!(
            line(&other, "| R12 | Access").contains("| 3 months; not put off by running work | none | C-3-months |")
        );
        assert!(other.contains("Profile: `EU_OSS`. Periods of the merchant's own: R12."));
        let changed: BTreeSet<&str> =
            other.lines().filter(|l| !shipped.contains(*l)).filter_map(|l| l.get(2..5)).collect();
        assert!(changed.is_superset(&BTreeSet::from(["R01", "R02", "R12"])), "{changed:?}");
    }
}
