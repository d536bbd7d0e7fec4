//! What holds for every refund.

use entity::cases::LegalBasis;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

/// A line with any history; units that are asked for came back.
fn line() -> impl Strategy<Value = Line> {
    let rate = prop_oneof![Just(0), Just(700), Just(1900), 0..=10_000_i32];
    (1..=6_i32, 0..50_000_i64, rate, 0..=6_i32, 0..=6_i32, 0..=100_i64).prop_map(
        |(ordered, unit_price_minor, tax_basis_points, refunded, now, reduced)| {
            let refunded = refunded.min(ordered);
            let now = now.min(ordered - refunded);
            let left = i64::from(ordered - refunded) * unit_price_minor;
            let credited_minor = i64::from(refunded) * unit_price_minor + left * reduced / 100;
            let (id, received) = (Uuid::nil(), Some(now));
            Line { id, ordered, refunded, now, unit_price_minor, credited_minor, tax_basis_points, received }
        },
    )
}

fn outbound() -> impl Strategy<Value = OutboundShipping> {
    let rest = proptest::option::of(0..2000_i64);
    (0..2000_i64, 0..2000_i64, rest, 0..500_i64).prop_map(|(charged, standard, standard_for_rest_minor, refunded)| {
        OutboundShipping {
            charged_minor: charged,
            standard_minor: standard,
            standard_for_rest_minor,
            refunded_minor: refunded,
            tax_basis_points: 1900,
        }
    })
}

/// A request against which nothing speaks, unless it comes to nothing.
fn sound() -> impl Strategy<Value = Request> {
    let basis = prop_oneof![Just(LegalBasis::Withdrawal), Just(LegalBasis::ShopReturn), Just(LegalBasis::Warranty)];
    let lines = proptest::collection::vec(line(), 1..5);
    (basis, lines, outbound(), 0..=100_i64, any::<bool>(), any::<bool>()).prop_map(
        |(basis, mut lines, outbound, percent, some, goods_received_bound)| {
            for (n, line) in (1..).zip(&mut lines) {
                line.id = Uuid::from_u128(n);
            }
            let value: i64 = lines.iter().map(|line| line.value_of(line.now)).sum();
            let part = value * percent / 100;
            let amount = Some(part).filter(|part| some && *part > 0);
            let (price_reduction, taken) = if basis == LegalBasis::Warranty { (amount, None) } else { (None, amount) };
            let deduction = taken.map(|amount_minor| {
                let reason = DeductionReason::Damage;
                Deduction { amount_minor, reason, line: None, evidence: true, instructed: true }
            });
            Request {
                basis,
                reason: None,
                lines,
                outbound,
                deduction,
                price_reduction,
                captured_minor: 10_000_000,
                charged_back_minor: 0,
                promised_minor: 0,
                goods_received_bound,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_sound_request_is_reckoned_and_its_steps_are_its_total(request in sound()) {
        match calculate(&request) {
            Ok(c) => {
                prop_assert_eq!(c.replay(), Some(c.total_minor));
                prop_assert!(c.total_minor > 0 && c.total_minor <= c.ceiling_minor);
                let goods: i64 = c.lines.iter().map(|l| l.gross_minor).sum();
                prop_assert!((0..=goods).contains(&c.deduction_minor));
                let shipping = c.shipping.map_or(0, |s| s.gross_minor);
                prop_assert!((0..=request.outbound.charged_minor).contains(&shipping));
                prop_assert_eq!(goods + shipping - c.deduction_minor, c.total_minor);
            }
            Err(faults) => prop_assert_eq!(faults, [Fault::ZeroTotal]),
        }
    }

    #[test]
    fn net_and_tax_are_the_gross_at_every_rate_and_the_rates_are_the_total(request in sound()) {
        if let Ok(c) = calculate(&request) {
            for t in &c.tax {
                prop_assert_eq!(t.net_minor + t.tax_minor, t.gross_minor);
                // Within half a unit of the exact tax: |tax - gross r/(1+r)| <= 1/2.
                let rate = i64::from(t.basis_points);
                prop_assert!((2 * (t.tax_minor * (10_000 + rate) - t.gross_minor * rate)).abs() <= 10_000 + rate);
            }
            prop_assert_eq!(c.tax.iter().map(|t| t.gross_minor).sum::<i64>(), c.total_minor);
            for l in &c.lines {
                prop_assert_eq!(l.net_minor + l.tax_minor, l.gross_minor);
            }
            let mut rates: Vec<i32> = c.tax.iter().map(|t| t.basis_points).collect();
            rates.dedup();
            prop_assert_eq!(rates.len(), c.tax.len());
        }
    }

    /// F33, F34: whatever was captured and whatever came back.
    #[test]
    fn never_above_the_ceiling(
        request in sound(),
        captured in 0..200_000_i64,
        charged_back in 0..50_000_i64,
        promised in 0..50_000_i64,
        missing in 0..3_i32,
    ) {
        let mut request = Request { captured_minor: captured, charged_back_minor: charged_back, promised_minor: promised, ..request };
        request.lines[0].received = Some((request.lines[0].now - missing).max(0));
        let left = (captured - charged_back - promised).max(0);
        match calculate(&request) {
            Ok(c) => {
                prop_assert!(c.total_minor <= c.ceiling_minor && c.ceiling_minor <= left);
                let bound = request.goods_received_bound && request.price_reduction.is_none();
                let first = request.lines[0];
                prop_assert!(!bound || first.value_of(first.now) == first.value_of(first.received.unwrap_or(0)));
            }
            Err(faults) => for fault in faults {
                match fault {
                    Fault::AboveCeiling { largest_minor, .. } => prop_assert!((0..=left).contains(&largest_minor)),
                    other => prop_assert_eq!(other, Fault::ZeroTotal),
                }
            },
        }
    }

    /// The sum over partial refunds of a line is what had not gone back of its price, however it is split.
    #[test]
    fn parts_never_lose_a_cent(first in line(), parts in proptest::collection::vec(1..=6_i32, 6)) {
        let mut line = first;
        let whole = i64::from(line.ordered) * line.unit_price_minor - line.credited_minor;
        let mut given = 0;
        for part in parts {
            line.now = part.min(line.left());
            line.received = Some(line.now);
            let request = Request {
                basis: LegalBasis::Withdrawal,
                reason: None,
                lines: vec![line],
                outbound: OutboundShipping::default(),
                deduction: None,
                price_reduction: None,
                captured_minor: i64::from(line.ordered) * line.unit_price_minor,
                charged_back_minor: 0,
                promised_minor: line.credited_minor,
                goods_received_bound: true,
            };
            match calculate(&request) {
                Ok(c) => {
                    given += c.total_minor;
                    line.credited_minor += c.lines[0].gross_minor;
                }
                Err(faults) => prop_assert_eq!(faults, [Fault::ZeroTotal]),
            }
            line.refunded += line.now;
        }
        prop_assert_eq!(line.left(), 0);
        if first.left() > 0 {
            prop_assert_eq!(given, whole);
        }
    }

    #[test]
    fn more_returned_never_gives_less(request in sound(), which in 0..5_usize) {
        let mut less = Request { price_reduction: None, ..request };
        let which = which % less.lines.len();
        let line = &mut less.lines[which];
        prop_assume!(line.left() > 0);
        line.now = line.now.min(line.left() - 1);
        line.received = Some(line.now);
        let mut more = less.clone();
        let line = &mut more.lines[which];
        line.now += 1;
        line.received = Some(line.now);
        let total = |request: &Request| calculate(request).map_or(0, |c| c.total_minor);
        prop_assert!(total(&more) >= total(&less));
    }

    #[test]
    fn a_spread_amount_stays_whole_and_below_its_weights(
        weights in proptest::collection::vec(0..1000_i64, 0..8),
        percent in 0..=100_i64,
    ) {
        let amount = weights.iter().sum::<i64>() * percent / 100;
        let parts = spread(amount, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), amount);
        prop_assert!(parts.iter().zip(&weights).all(|(part, weight)| (0..=*weight).contains(part)));
    }
}
