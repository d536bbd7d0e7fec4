//! The state machine of a case (domain 5.1) as one table: every transition that is allowed happens, every other one is
//! refused and changes nothing.

use std::collections::BTreeSet;

use aftersales::cases::machine::Deed;
use entity::cases::State;
use sea_orm::Iterable as _;

use crate::on_both_engines;
use crate::support::deeds::{World, way_to};

/// Each row of domain 5.1: its number, from where, to where.
const ROWS: &[(&str, &str, &str)] = &[
    ("2", "RECEIVED", "UNDER_REVIEW"),
    ("3", "UNDER_REVIEW EXTENDED", "NEEDS_INFO"),
    ("4", "NEEDS_INFO", "UNDER_REVIEW"),
    ("5", "UNDER_REVIEW", "EXTENDED"),
    ("6", "UNDER_REVIEW EXTENDED", "SOLVED_DIRECTLY"),
    ("7", "UNDER_REVIEW EXTENDED", "RETURN_INSTRUCTED"),
    ("8", "UNDER_REVIEW EXTENDED", "RESOLVED_WITHOUT_RETURN"),
    ("9", "UNDER_REVIEW EXTENDED", "NOT_ELIGIBLE"),
    ("10", "RETURN_INSTRUCTED", "IN_TRANSIT"),
    ("11", "IN_TRANSIT", "RETURN_RECEIVED"),
    ("11b", "RETURN_INSTRUCTED", "RETURN_EXPIRED"),
    ("11b", "IN_TRANSIT", "LOST_IN_TRANSIT"),
    ("11b", "RETURN_EXPIRED LOST_IN_TRANSIT", "RETURN_RECEIVED RESULT_NOTIFIED"),
    ("12", "RETURN_RECEIVED", "INSPECTING"),
    ("12", "INSPECTING", "ELIGIBLE NOT_ELIGIBLE PARTIALLY_ELIGIBLE"),
    ("13", "ELIGIBLE PARTIALLY_ELIGIBLE", "REPAIR REPLACEMENT REFUND PRICE_REDUCTION"),
    ("8, 14, 15", "RESOLVED_WITHOUT_RETURN", "REPAIR REPLACEMENT REFUND PRICE_REDUCTION"),
    ("16", "NOT_ELIGIBLE PARTIALLY_ELIGIBLE", "SENT_BACK"),
    ("17", "SOLVED_DIRECTLY NOT_ELIGIBLE REPAIR REPLACEMENT REFUND PRICE_REDUCTION SENT_BACK", "RESULT_NOTIFIED"),
    ("17", "RESULT_NOTIFIED", "CLOSED"),
    ("18", "CLOSED", "REOPENED"),
    ("18", "REOPENED", "RE_EXAMINATION"),
    ("19", "RE_EXAMINATION", "RESULT_NOTIFIED DISPUTE_OPEN"),
    ("20", "DISPUTE_OPEN", "SETTLED ADR COURT"),
    ("21", "SETTLED ADR COURT", "DISPUTE_CLOSED"),
    ("21", "DISPUTE_CLOSED", "RESULT_NOTIFIED"),
    (
        "23",
        "RECEIVED UNDER_REVIEW NEEDS_INFO EXTENDED SOLVED_DIRECTLY RETURN_INSTRUCTED RESOLVED_WITHOUT_RETURN NOT_ELIGIBLE \
         IN_TRANSIT RETURN_EXPIRED LOST_IN_TRANSIT RETURN_RECEIVED INSPECTING ELIGIBLE PARTIALLY_ELIGIBLE REPAIR \
         REPLACEMENT REFUND PRICE_REDUCTION SENT_BACK",
        "CANCELLED MERGED",
    ),
    // Beyond the table: whoever disagrees need not wait for the closing, and money that bounces is owed again.
    ("beyond", "RESULT_NOTIFIED", "REOPENED"),
    ("beyond", "RESULT_NOTIFIED CLOSED", "REFUND"),
];

/// The transitions of the table, by code.
pub fn allowed() -> BTreeSet<(&'static str, &'static str)> {
    let pairs = |(_, from, to): &(&str, &'static str, &'static str)| {
        let (from, to): (Vec<_>, Vec<_>) = (from.split_whitespace().collect(), to.split_whitespace().collect());
        from.into_iter().flat_map(move |f| to.clone().into_iter().map(move |t| (f, t))).collect::<Vec<_>>()
    };
    ROWS.iter().flat_map(pairs).collect()
}

#[test]
fn the_machine_is_the_table() {
    let edge = |d: &Deed| {
        let (from, to) = d.way();
        from.iter().map(move |f| (f.code(), to.code())).collect::<Vec<_>>()
    };
    let built: BTreeSet<_> = Deed::ALL.iter().flat_map(edge).collect();
    assert_eq!(built, allowed());
    let reached: BTreeSet<_> = built.iter().map(|(_, to)| *to).chain(["RECEIVED", "ERASED"]).collect();
    assert_eq!(reached, State::iter().map(State::code).collect(), "every state is reached; the last one by retention");
    for state in State::iter().filter(|s| s.is_over()) {
        let ways: BTreeSet<_> = Deed::ALL.iter().filter(|d| d.is_legal(state)).map(|d| d.way().1.code()).collect();
        let back = if state == State::Closed { BTreeSet::from(["REOPENED", "REFUND"]) } else { BTreeSet::new() };
        assert_eq!(ways, back, "{}", state.code());
    }
}

/// Whether the table allows a deed: by itself, or after the step that it proves (deciding a new case is reviewing it,
/// goods that arrive have been sent).
pub fn is_allowed(state: &str, deed: Deed) -> bool {
    let (table, to) = (allowed(), deed.way().1.code());
    let from = |state: &str| deed.way().0.iter().any(|s| s.code() == state) && table.contains(&(state, to));
    let after = match state {
        "RECEIVED" if deed != Deed::Review => from("UNDER_REVIEW"),
        "RETURN_INSTRUCTED" if deed == Deed::Receive => from("IN_TRANSIT"),
        _ => false,
    };
    from(state) || after
}

/// What these do is fine in other states, too: they only lead nowhere else there.
const WITHOUT_A_STEP: &[Deed] = &[
    Deed::Answer,
    Deed::Dispatch,
    Deed::Extend,
    Deed::ArrangeRefund,
    Deed::ArrangeReduction,
    Deed::ArrangeRepair,
    Deed::ArrangeReplacement,
    Deed::SendBack,
    Deed::MoneyReturned,
];

on_both_engines! {
    /// Domain 5.1: each transition of the table through the API, and every other one refused.
    async fn each_transition_happens_or_is_refused(app) {
        let mut world = World::new(app, 100_000).await;
        for state in State::iter().filter(|s| *s != State::Erased).map(State::code) {
            let mut still = world.case_in(state).await;
            assert_eq!(world.state(&still).await, state);
            for deed in Deed::ALL.iter().copied() {
                let here = format!("{state}, {deed:?}");
                // Time that passes takes an unanswered question back under review: that is the other test's business.
                let expiring = deed == Deed::Expire;
                if expiring && state == "NEEDS_INFO" {
                    continue;
                }
                if is_allowed(state, deed) {
                    // Goods that are here go back before the customer is told; a refusal without a return just is told.
                    let by_hand = state == "NOT_ELIGIBLE" && deed == Deed::Notify;
                    let way = if by_hand { vec![Deed::Review, Deed::Refuse] } else { way_to(state) };
                    let case = world.case_by(&way).await;
                    if matches!(deed, Deed::Close | Deed::Cancel | Deed::Merge) {
                        world.settle(&case).await;
                    }
                    assert_eq!(world.attempt(deed, &case).await, Ok(()), "{here}");
                    assert_eq!(world.state(&case).await, deed.way().1.code(), "{here}");
                } else {
                    let tried = world.attempt(deed, &still).await;
                    assert!(tried.is_err() || WITHOUT_A_STEP.contains(&deed), "{here} is refused");
                    assert_eq!(world.state(&still).await, state, "{here} changes nothing");
                }
                if expiring {
                    world.sign_in().await;
                    if state == "RETURN_INSTRUCTED" {
                        // The job has taken this one along.
                        still = world.case_in(state).await;
                    }
                }
            }
        }
    }
}
