//! The statutory floors: where a policy is worse for whom a rule protects than the law allows, and which norm says so.

use entity::DataType;
use entity::retention_rules::PeriodUnit;

use super::file::{Fault, Period};
use super::{Bearer, Policy};
use crate::policy::retention::{self, Profile};
use crate::policy::rules::{Kind, Length, Protects, RuleId, statute};

/// Everything wrong with a policy that can be read.
pub(super) fn faults(policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    periods(policy, &mut faults);
    carriage(policy, &mut faults);
    handling(policy, &mut faults);
    keeping(policy, &mut faults);
    contact(policy, &mut faults);
    faults
}

/// The shortest and the longest that a length can be, in days, so that lengths in different units can be compared.
fn range(length: &Length) -> Option<(u32, u32)> {
    let Length::Spans(spans) = length else { return None };
    let sum = |month: u32, year: u32| -> u32 {
        let each = spans.iter().map(|s| match s.unit {
            PeriodUnit::Day => s.count,
            PeriodUnit::Month => s.count / 12 * year + s.count % 12 * month,
            PeriodUnit::Year => s.count * year,
        });
        each.sum()
    };
    Some((sum(28, 365), sum(31, 366)))
}

/// Whether `own` never ends before `law`.
fn at_least(own: &Length, law: &Length) -> bool {
    match (own, law) {
        _ if own == law => true,
        (Length::Hours(own), Length::Hours(law)) => own >= law,
        _ => match (in_one_unit(own), in_one_unit(law)) {
            (Some((a, unit)), Some((b, other))) if unit == other => a >= b,
            _ => range(own).zip(range(law)).is_some_and(|((shortest, _), (_, longest))| shortest >= longest),
        },
    }
}

fn in_one_unit(length: &Length) -> Option<(u32, PeriodUnit)> {
    match length {
        Length::Spans(spans) => match spans.as_slice() {
            [one] => Some((one.count, one.unit)),
            _ => None,
        },
        Length::Werktage { .. } | Length::Hours(_) | Length::ServiceMinutes(_) => None,
    }
}

fn periods(policy: &Policy, faults: &mut Vec<Fault>) {
    for (id, period) in &policy.periods {
        let path = format!("periods.{id}");
        let Some(law) = statute(*id) else {
            faults.push(Fault::error(path, "belongs into retention.periods", None));
            continue;
        };
        if let Some(problem) = period.fault() {
            faults.push(Fault::error(path, problem, None));
            continue;
        }
        if let RuleId::WarrantyLateDefect | RuleId::WarrantyAfterCure | RuleId::WarrantyAfterRepair = id {
            faults.push(Fault::error(path, "follows from periods.warranty and the law", None));
            continue;
        }
        let own = Length::from(*period);
        if std::mem::discriminant(&own) != std::mem::discriminant(&law.length) {
            faults.push(Fault::error(path, format!("is reckoned in another unit: {}", said(&law.length)), None));
            continue;
        }
        let (kept, than) = match law.protects {
            _ if *id == RuleId::ShopReturn => {
                let floor = Length::Spans(vec![crate::policy::rules::days(14)]);
                (at_least(&own, &floor), "shorter than the 14 days of the right of withdrawal beside it")
            }
            // A promise without a statutory length.
            _ if law.kind == Kind::Shop => (true, ""),
            Protects::ConsumerWindow | Protects::Records => {
                (at_least(&own, &law.length), "shorter than the law has it")
            }
            Protects::ConsumerDuty | Protects::DataSubject => {
                (at_least(&law.length, &own), "longer than the law has it")
            }
        };
        if let (RuleId::Review | RuleId::Decision, Length::Werktage { last: 11.., .. }) = (id, &own) {
            let problem = format!("{} is long: it has to be a reasonable time", said(&own));
            faults.push(Fault::warning(path.clone(), problem, "BGB § 475(5)"));
        }
        if !kept {
            let norm = if *id == RuleId::ShopReturn { "BGB §§ 355(2), 361(2)" } else { law.source };
            faults.push(Fault::error(path, format!("{} is {than}", said(&own)), Some(norm)));
        }
    }
    for id in RuleId::DEADLINES {
        let set = policy.periods.contains_key(id);
        if !set && policy.rule(*id).is_some_and(|rule| rule.length == Length::Spans(Vec::new())) {
            faults.push(Fault::error(format!("periods.{id}"), "is missing", None));
        }
    }
}

fn said(length: &Length) -> String {
    match length {
        Length::Spans(spans) => {
            let each: Vec<String> = spans.iter().map(|s| s.said(crate::error::Language::En)).collect();
            each.join(" and ")
        }
        Length::Werktage { last, .. } => format!("{last} Werktage"),
        Length::Hours(hours) => format!("{hours} hours"),
        Length::ServiceMinutes(minutes) => format!("{minutes} minutes of service"),
    }
}

fn carriage(policy: &Policy, faults: &mut Vec<Fault>) {
    let freight = &policy.freight;
    let free = "has to be \"shop\": cure is free of charge, both ways";
    if freight.defect == Bearer::Customer {
        faults.push(Fault::error("freight.defect", free, Some("BGB § 439(2), (6)")));
    }
    if freight.shop_error == Bearer::Customer {
        faults.push(Fault::error("freight.shop_error", free, Some("BGB §§ 434(5), 439(2)")));
    }
    if freight.handling_fee {
        let problem = "has to be false: neither withdrawal nor cure may cost a fee";
        faults.push(Fault::error("freight.handling_fee", problem, Some("BGB §§ 361(1), 439(2)")));
    }
    if policy.warranty.repair_extension_from.is_none() {
        let problem = "is switched off: check whether the German act is in force";
        faults.push(Fault::warning("warranty.repair_extension_from", problem, "Directive (EU) 2024/1799 Art. 16"));
    }
    if policy.warranty.assumed_transit_werktage == 0 || policy.warranty.assumed_transit_werktage > 366 {
        faults.push(Fault::error("warranty.assumed_transit_werktage", "has to lie between 1 and 366", None));
    }
    if let Some(problem) = policy.service_hours.fault() {
        faults.push(Fault::error("service_hours", problem, None));
    }
}

fn handling(policy: &Policy, faults: &mut Vec<Fault>) {
    let (refunds, service) = (&policy.refunds, &policy.service);
    if refunds.four_eyes_above_minor < 0 {
        faults.push(Fault::error("refunds.four_eyes_above_minor", "has to be 0 or more, in minor units", None));
    }
    let submit = refunds.submit_by_days;
    let own = policy.periods.get(&RuleId::WithdrawalRefund).and_then(|period| range(&Length::from(*period)));
    if !(1..=14).contains(&submit) {
        let problem = format!("{submit} days do not lie between 1 and 14");
        faults.push(Fault::error("refunds.submit_by_days", problem, Some("BGB § 357(1)")));
    } else if own.is_some_and(|(shortest, _)| submit > shortest) {
        let problem = "is later than periods.withdrawal-refund: the target cannot keep the promise";
        faults.push(Fault::warning("refunds.submit_by_days", problem, "policy of the shop"));
    }
    if !(1..=366).contains(&service.info_reminder_days) {
        faults.push(Fault::error("service.info_reminder_days", "has to lie between 1 and 366", None));
    }
    match service.return_by_days {
        14..=366 => {}
        days @ ..14 => {
            let problem = format!("{days} days is shorter than the law has it");
            faults.push(Fault::error("service.return_by_days", problem, Some("BGB §§ 355(3), 357(1)")));
        }
        367.. => faults.push(Fault::error("service.return_by_days", "is too long to be meant", None)),
    }
}

fn keeping(policy: &Policy, faults: &mut Vec<Fault>) {
    let law = retention::rules(policy.retention.profile, &Default::default());
    for (data_type, period) in &policy.retention.periods {
        let path = format!("retention.periods.{}", data_type.code());
        let Some(rule) = law.iter().find(|rule| rule.data_type == *data_type) else {
            faults.push(Fault::error(path, "is no data type with a period", None));
            continue;
        };
        if let Some(problem) = one_span(period) {
            faults.push(Fault::error(path, problem, None));
            continue;
        }
        let (own, law) = (Length::from(*period), Length::Spans(vec![rule.span()]));
        if rule.is_duty() && !at_least(&own, &in_months(&law)) {
            let problem = format!("{} is shorter than the duty to keep", said(&own));
            faults.push(match policy.retention.profile {
                // For a shop that is under other law.
                Profile::Custom => Fault::warning(path, format!("{problem} in Germany"), rule.norm),
                _ => Fault::error(path, problem, Some(rule.norm)),
            });
        } else if *data_type == DataType::R20 && !at_least(&in_months(&law), &own) {
            faults.push(Fault::error(path, format!("{} is longer than the law allows", said(&own)), Some(rule.norm)));
        } else if !rule.is_duty() && !at_least(&in_months(&law), &own) {
            let problem = format!("{} is longer than the default: document why it is needed", said(&own));
            faults.push(Fault::warning(path, problem, "GDPR Art. 5(1)(e)"));
        }
    }
    for (carried, carrier) in CARRIED {
        let own = retention::rules(policy.retention.profile, &policy.retention.periods);
        let span = |of| own.iter().find(|rule| rule.data_type == of).map(|rule| Length::Spans(vec![rule.span()]));
        if let (Some(carried_for), Some(carrier_for)) = (span(carried), span(carrier))
            && !at_least(&in_months(&carrier_for), &in_months(&carried_for))
        {
            let changed = if policy.retention.periods.contains_key(&carried) { carried } else { carrier };
            let (carried, carrier) = (carried.code(), carrier.code());
            let problem = format!("{carried} would be kept for longer than {carrier}, without which it cannot be");
            faults.push(Fault::error(format!("retention.periods.{}", changed.code()), problem, None));
        }
    }
}

/// Records that cannot be without others, with those: what carriers reported of a parcel.
const CARRIED: [(DataType, DataType); 1] = [(DataType::R08, DataType::R07)];

fn in_months(length: &Length) -> Length {
    match length {
        Length::Spans(spans) => {
            let month = |s: &crate::policy::step::Span| match s.unit {
                PeriodUnit::Year => crate::policy::rules::months(s.count * 12),
                PeriodUnit::Month | PeriodUnit::Day => *s,
            };
            Length::Spans(spans.iter().map(month).collect())
        }
        other => other.clone(),
    }
}

fn one_span(period: &Period) -> Option<&'static str> {
    let calendar = [period.years, period.months, period.days].iter().filter(|n| n.is_some()).count();
    if calendar != 1 {
        return Some("has to be in years, or in months, or in days");
    }
    period.fault()
}

fn contact(policy: &Policy, faults: &mut Vec<Fault>) {
    let shop = &policy.shop;
    for (path, value) in [("shop.name", &shop.name), ("shop.email", &shop.email), ("shop.phone", &shop.phone)] {
        if value.trim().is_empty() {
            faults.push(Fault::error(path, "is empty", Some("EGBGB Art. 246a § 1(1) no. 2")));
        }
    }
    let blank = |lines: &[String]| lines.iter().all(|line| line.trim().is_empty());
    if blank(&shop.address) {
        faults.push(Fault::error("shop.address", "is empty", Some("EGBGB Art. 246a § 1(1) no. 2")));
    }
    if policy.dispute.board.trim().is_empty() || blank(&policy.dispute.address) {
        faults.push(Fault::error("dispute", "names no board, or no address of it", Some("VSBG § 37(1)")));
    }
    let documents = &policy.documents;
    for (path, document) in [
        ("documents.after_sales", &documents.after_sales),
        ("documents.returns", &documents.returns),
        ("documents.refunds", &documents.refunds),
        ("documents.cancellation", &documents.cancellation),
    ] {
        match &document.url {
            None => faults.push(Fault::warning(path, "has no url: customers cannot read it", "policy of the shop")),
            Some(url) => secure(format!("{path}.url"), url, faults),
        }
    }
    secure("dispute.url".to_owned(), &policy.dispute.url, faults);
    if !shop.email.trim().is_empty() && !shop.email.contains('@') {
        faults.push(Fault::error("shop.email", "is no e-mail address", Some("EGBGB Art. 246a § 1(1) no. 2")));
    }
    let privacy = &policy.privacy;
    let in_union = shop.land.is_some() || privacy.eu_representative.is_some() || privacy.controller.is_some();
    if !in_union {
        let problem = "is missing: a controller outside the Union needs one";
        faults.push(Fault::warning("privacy.eu_representative", problem, "GDPR Art. 27"));
    }
    if privacy.authority.is_none() {
        let problem = "is missing: people have to be told where they can complain";
        faults.push(Fault::warning("privacy.authority", problem, "GDPR Art. 13(2)(d)"));
    }
    if privacy.data_protection_officer.is_none() {
        let problem = "is missing: needed from 20 persons who constantly process data";
        faults.push(Fault::warning("privacy.data_protection_officer", problem, "BDSG § 38"));
    }
}

/// Links are shown to customers.
fn secure(path: String, url: &str, faults: &mut Vec<Fault>) {
    if !url.starts_with("https://") {
        faults.push(Fault::error(path, "has to begin with https://", None));
    }
}
