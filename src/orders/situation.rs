//! What is known of an order line, as the legal tracks want to know it.

use chrono::{DateTime, Utc};
use entity::cases::{Kind, Model as Case, Outcome, Reason};
use entity::{order_lines, orders, parcels, remedies, withdrawals};

use crate::policy::deadline::Pause;
use crate::policy::rights::{Cure, Guarantee, Received, Situation, assumed_receipt};
use crate::policy::shop::{Bearer, Policy};
use crate::policy::words::words;
use crate::state::App;

/// What the customer says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claim {
    /// Why.
    pub reason: Option<Reason>,
    /// When a defect first showed.
    pub defect_shown: Option<DateTime<Utc>>,
}

/// The policy that holds for an order: that of the day on which the contract was concluded.
#[must_use]
pub fn policy<'a>(app: &'a App, order: &orders::Model) -> &'a Policy {
    app.policies.at(order.ordered_at.unwrap_or_else(|| app.clock.now()))
}

/// The instant that counts for a statement of withdrawal: when it was sent, where that is known, else when it was received
/// (BGB § 355(1) sentence 5).
#[must_use]
pub fn declared(statement: &withdrawals::Model) -> DateTime<Utc> {
    statement.dispatched_at.map_or(statement.received_at, |sent| sent.min(statement.received_at))
}

/// Everything that an order leads to.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// How many lines it has.
    pub lines: usize,
    /// Its parcels, in both directions.
    pub parcels: &'a [parcels::Model],
    /// All cases about it.
    pub cases: &'a [Case],
    /// All remedies in kind for it.
    pub remedies: &'a [remedies::Model],
}

/// The situation of a line.
#[must_use]
pub fn situation(
    app: &App,
    order: &orders::Model,
    line: &order_lines::Model,
    around: Around<'_>,
    claim: Claim,
) -> Situation {
    let now = app.clock.now();
    let ordered_at = order.ordered_at.unwrap_or(now);
    let guarantee = line.guarantee_months.and_then(|months| u32::try_from(months).ok());
    Situation {
        received: received(policy(app, order), order, around.parcels, now),
        land: order.land.as_deref().and_then(|land| land.parse().ok()),
        // The trader has to prove it (BGB § 361(3)): what nobody said does not count.
        instructed: order.withdrawal_instructed.unwrap_or(false),
        told_return_cost: order.return_cost_told.unwrap_or(false),
        exclusion: line.withdrawal_exclusion,
        whole_order: around.lines <= 1,
        guarantee: guarantee.map(|months| Guarantee { months, carriage: Bearer::Shop }),
        reason: claim.reason,
        defect_shown: claim.defect_shown,
        cures: cures(line, around.remedies),
        cure_failed: cure_failed(line, around.remedies),
        negotiations: around.cases.iter().filter_map(|case| negotiation(case, now)).collect(),
        ..Situation::ordinary(ordered_at, ordered_at)
    }
}

/// With the last parcel of the order (BGB § 356(2)); where nobody reports its delivery, it is assumed some time after the
/// last dispatch, and marked so.
fn received(policy: &Policy, order: &orders::Model, parcels: &[parcels::Model], now: DateTime<Utc>) -> Received {
    if let Some(at) = order.delivered_at {
        return Received::On(at);
    }
    // Goods on their way back, and remedies, move no window (N4).
    let parcels: Vec<_> = parcels.iter().filter(|p| p.purpose == parcels::Purpose::Order).collect();
    let last = parcels.iter().map(|p| p.delivered_at.or(p.dispatched_at)).collect::<Option<Vec<_>>>();
    let last = last.and_then(|all| all.into_iter().max());
    match last.and_then(|dispatched| assumed_receipt(policy, dispatched)) {
        Some(assumed) if assumed <= now => Received::Estimated(assumed),
        _ => parcels.iter().filter_map(|p| p.delivered_at).max().map_or(Received::NotYet, Received::Partly),
    }
}

/// Repairs and replacements that the customer has in hand, in order. An exchange for another variant cures nothing.
fn cures(line: &order_lines::Model, remedies: &[remedies::Model]) -> Vec<Cure> {
    let mut cures: Vec<Cure> = of_line(line, remedies)
        .filter_map(|r| Some(Cure { repaired: r.kind == remedies::Kind::Repair, handed_over: r.delivered_at? }))
        .collect();
    cures.sort_by_key(|cure| cure.handed_over);
    cures
}

/// Another cure arranged in a later case says that the one before has failed (BGB § 475d(1) no. 2).
fn cure_failed(line: &order_lines::Model, remedies: &[remedies::Model]) -> bool {
    of_line(line, remedies).any(|earlier| {
        let again = |later: &remedies::Model| {
            later.case_id != earlier.case_id && earlier.delivered_at.is_some_and(|at| later.ordered_at >= at)
        };
        of_line(line, remedies).any(again)
    })
}

fn of_line<'a>(
    line: &order_lines::Model,
    remedies: &'a [remedies::Model],
) -> impl Iterator<Item = &'a remedies::Model> {
    let line = line.id;
    remedies.iter().filter(move |r| {
        r.order_line_id == line && r.kind != remedies::Kind::Exchange && r.state != remedies::State::Cancelled
    })
}

/// Examining a complaint is negotiating about it, until the shop refuses or the case is closed (BGB § 203).
fn negotiation(case: &Case, now: DateTime<Utc>) -> Option<Pause> {
    const EXAMINED: crate::policy::words::Words = words("Reklamation in Prüfung", "complaint under examination");
    if !matches!(case.kind?, Kind::WarrantyClaim | Kind::Complaint | Kind::Return | Kind::Exchange) {
        return None;
    }
    // A refusal that was objected to is examined again, until the case is closed.
    let stands = case.outcome == Some(Outcome::NotEligible) && case.reopenings == 0;
    let refused = case.decided_at.filter(|_| stands);
    let (from, to) = (case.opened_at?, refused.or(case.closed_at).unwrap_or(now));
    (from < to).then_some(Pause { from, to, reason: EXAMINED })
}
