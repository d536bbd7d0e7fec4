//! Each track by itself: its period, its remedies, who pays, what goes back.

use chrono::{DateTime, Utc};
use entity::order_lines::Exclusion;

use super::{Fault, Guarantee, Outbound, Received, Remedy, Right, Situation, Status, Track};
use crate::policy::calendar;
use crate::policy::deadline::{Deadline, Facts, Unreckonable};
use crate::policy::rules::{AFTER_CURE, Event, Kind, LATE_DEFECT, Length, Pausing, Protects, Rule, RuleId, months};
use crate::policy::shop::{Bearer, Policy};
use crate::policy::words::words;

fn facts(s: &Situation, start: DateTime<Utc>) -> Facts {
    Facts { land: s.land, ..Facts::from(start) }
}

/// Reckons a window from the delivery. What is only assumed to have been delivered never ends.
fn window(
    policy: &Policy,
    s: &Situation,
    id: RuleId,
    now: DateTime<Utc>,
) -> Result<(Status, Option<Deadline>), Unreckonable> {
    let Some(start) = s.received.at() else { return Ok((Status::NotYet, None)) };
    let Some(rule) = policy.rule(id) else { return Ok((Status::Excluded, None)) };
    let deadline = policy.deadline(&rule, &facts(s, start))?;
    Ok((status_of(s, &deadline, now), Some(deadline)))
}

fn status_of(s: &Situation, deadline: &Deadline, now: DateTime<Utc>) -> Status {
    if now < deadline.ends_at || s.received.is_assumed() { Status::Open } else { Status::Ended }
}

const NOTHING_PAID: &str = "no refund of the delivery";

pub(super) fn withdrawal(policy: &Policy, s: &Situation, now: DateTime<Utc>) -> Result<Right, Unreckonable> {
    let (mut status, mut deadline) = window(policy, s, RuleId::Withdrawal, now)?;
    if !s.instructed {
        // The policy may give everybody more than the law gives those who were not instructed.
        let longer = window(policy, s, RuleId::WithdrawalUninstructed, now)?;
        if longer.1.as_ref().map(|d| d.ends_at) > deadline.as_ref().map(|d| d.ends_at) {
            (status, deadline) = longer;
        }
    }
    let status = match status {
        _ if s.is_excluded() => Status::Excluded,
        // A withdrawal may be declared before the goods arrive.
        Status::NotYet => Status::Open,
        Status::Open if s.exclusion.is_some() && s.unsealed.is_none() => Status::DependsOnSeal,
        status => status,
    };
    // A shop that takes goods back at its own cost without a reason does so for a withdrawal, too (§ 357(5) sentence 2).
    let freight = &policy.freight;
    let agreed = freight.withdrawal_return == Bearer::Shop || freight.no_reason_return == Bearer::Shop;
    let told = s.told_return_cost && !agreed;
    Ok(Right {
        track: Track::Withdrawal,
        status,
        estimated: matches!(s.received, Received::Estimated(_)),
        supported: true,
        basis: s.exclusion.map_or("BGB §§ 312g(1), 355", Exclusion::norm),
        remedies: &[Remedy::Refund],
        later_remedies: &[],
        carriage_back: if told { Bearer::Customer } else { Bearer::Shop },
        carriage_forth: Bearer::Shop,
        carriage_norm: if told { "BGB § 357(5) sentence 1" } else { "BGB § 357(5)" },
        outbound: if s.whole_order { Outbound::Standard } else { Outbound::Difference },
        outbound_norm: "BGB § 357(2)",
        presumption: None,
        deadline,
    })
}

pub(super) fn shop_return(policy: &Policy, s: &Situation, now: DateTime<Utc>) -> Result<Right, Unreckonable> {
    let (status, deadline) = window(policy, s, RuleId::ShopReturn, now)?;
    let fault = s.fault();
    let freight = &policy.freight;
    let (back, forth, norm) = match fault {
        Fault::None => (freight.no_reason_return, freight.no_reason_exchange, "policy of the shop: no reason"),
        Fault::Defect => (freight.defect, freight.defect, "policy of the shop: defect; BGB § 439(2)"),
        Fault::ShopError => (freight.shop_error, freight.shop_error, "policy of the shop: own mistake; BGB § 439(2)"),
    };
    let outbound = match fault {
        Fault::None => Outbound::Nothing,
        _ if s.whole_order => Outbound::Paid,
        _ => Outbound::Difference,
    };
    Ok(Right {
        track: Track::ShopReturn,
        status,
        estimated: matches!(s.received, Received::Estimated(_)),
        supported: policy.returns.without_reason || s.reason.is_some_and(|r| policy.returns.reasons.contains(&r)),
        basis: "policy of the shop: returns",
        remedies: &[Remedy::Refund, Remedy::Exchange],
        later_remedies: &[],
        carriage_back: back,
        carriage_forth: forth,
        carriage_norm: norm,
        outbound,
        outbound_norm: if fault == Fault::None { NOTHING_PAID } else { "BGB § 346(1)" },
        presumption: None,
        deadline,
    })
}

pub(super) fn warranty(policy: &Policy, s: &Situation, now: DateTime<Utc>) -> Result<Right, Unreckonable> {
    let (mut status, mut deadline, mut presumption) = (Status::NotYet, None, None);
    if let Some(start) = s.received.of_the_goods() {
        let reckoned = limitation(policy, s, start)?;
        status = status_of(s, &reckoned, now);
        // Nobody asked when it showed; one that was cured before is known.
        let undated = s.fault() != Fault::None && s.defect_shown.is_none() && s.cures.is_empty();
        let tail = calendar::start_of(calendar::plus_days(LATE_DEFECT.span.after(reckoned.ends_on), 1));
        if status == Status::Ended && undated && now < tail {
            status = Status::DependsOnDefect;
        }
        deadline = Some(reckoned);
        if let Some(rule) = policy.rule(RuleId::BurdenOfProof) {
            presumption = Some(policy.deadline(&rule, &facts(s, start))?);
        }
    }
    let (remedies, later): (&[Remedy], &[Remedy]) = if s.cure_is_over() {
        (&[Remedy::Repair, Remedy::Replacement, Remedy::PriceReduction, Remedy::Refund], &[])
    } else {
        (&[Remedy::Repair, Remedy::Replacement], &[Remedy::PriceReduction, Remedy::Refund])
    };
    Ok(Right {
        track: Track::Warranty,
        status,
        estimated: s.received.is_assumed(),
        supported: s.fault() != Fault::None,
        basis: "BGB §§ 434, 437",
        remedies,
        later_remedies: later,
        carriage_back: Bearer::Shop,
        carriage_forth: Bearer::Shop,
        carriage_norm: "BGB §§ 439(2), 475(6)",
        outbound: if s.whole_order { Outbound::Paid } else { Outbound::Difference },
        outbound_norm: "BGB § 346(1)",
        presumption,
        deadline,
    })
}

/// The one limitation period of a line, with every tail that it has: suspension, late defect, cure, repair.
fn limitation(policy: &Policy, s: &Situation, start: DateTime<Utc>) -> Result<Deadline, Unreckonable> {
    let shown = s.defect_shown.filter(|shown| *shown >= start);
    let cures = || s.cures.iter().filter(|cure| cure.handed_over >= start);
    let cure = cures().map(|c| c.handed_over).max();
    let repaired = cures().any(|c| c.repaired);
    let id = match (repaired, cure, shown) {
        (true, ..) => RuleId::WarrantyAfterRepair,
        (false, Some(_), _) => RuleId::WarrantyAfterCure,
        (false, None, Some(_)) => RuleId::WarrantyLateDefect,
        (false, None, None) => RuleId::Warranty,
    };
    let Some(mut rule) = policy.rule(id) else { return Err(Unreckonable::NoEnd) };
    rule.bounds =
        [(shown, LATE_DEFECT), (cure, AFTER_CURE)].iter().filter(|(at, _)| at.is_some()).map(|b| b.1).collect();
    let mut facts = facts(s, start);
    facts.events.insert(Event::Contract, s.contract_at);
    facts.events.extend(shown.map(|at| (Event::DefectShown, at)));
    facts.events.extend(cure.map(|at| (Event::HandedOver, at)));
    facts.pauses = s.negotiations.iter().filter(|talks| talks.from < talks.to).copied().collect();
    policy.deadline(&rule, &facts)
}

pub(super) fn guarantee(
    policy: &Policy,
    s: &Situation,
    guarantee: Guarantee,
    now: DateTime<Utc>,
) -> Result<Right, Unreckonable> {
    let rule = Rule {
        length: Length::Spans(vec![months(guarantee.months)]),
        pausing: Pausing::Never,
        ..Rule::plain(
            RuleId::Guarantee,
            Kind::Shop,
            Protects::ConsumerWindow,
            words("Sache abgeliefert", "goods delivered"),
            "BGB §§ 443, 479; terms of the guarantee",
        )
    };
    let deadline = match s.received.of_the_goods() {
        Some(start) => Some(policy.deadline(&rule, &facts(s, start))?),
        None => None,
    };
    Ok(Right {
        track: Track::Guarantee,
        status: deadline.as_ref().map_or(Status::NotYet, |d| status_of(s, d, now)),
        estimated: s.received.is_assumed(),
        supported: s.fault() != Fault::None,
        basis: "BGB § 443",
        remedies: &[Remedy::Repair, Remedy::Replacement],
        later_remedies: &[],
        carriage_back: guarantee.carriage,
        carriage_forth: guarantee.carriage,
        carriage_norm: "terms of the guarantee",
        outbound: Outbound::Nothing,
        outbound_norm: NOTHING_PAID,
        presumption: None,
        deadline,
    })
}
