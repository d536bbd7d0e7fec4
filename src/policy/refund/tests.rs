//! Figures worked out by hand, each with its norm.

use entity::cases::{LegalBasis, Reason};
use uuid::Uuid;

use super::*;
use LegalBasis::{ShopReturn, Warranty, Withdrawal};

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);

/// A line of which `now` units go back and came back.
fn line(id: Uuid, ordered: i32, now: i32, unit_price_minor: i64, tax_basis_points: i32) -> Line {
    let received = Some(now);
    Line { id, ordered, refunded: 0, now, unit_price_minor, credited_minor: 0, tax_basis_points, received }
}

/// A request on an order without delivery charge, captured in full.
fn request(basis: LegalBasis, lines: &[Line]) -> Request {
    Request {
        basis,
        reason: None,
        lines: lines.to_vec(),
        outbound: OutboundShipping { tax_basis_points: 1900, ..OutboundShipping::default() },
        deduction: None,
        price_reduction: None,
        captured_minor: lines.iter().map(|l| i64::from(l.ordered) * l.unit_price_minor).sum(),
        charged_back_minor: 0,
        promised_minor: 0,
        goods_received_bound: true,
    }
}

/// The same with express delivery for 9.90, where standard would have been 4.90.
fn delivered(basis: LegalBasis, lines: &[Line]) -> Request {
    let mut request = request(basis, lines);
    request.outbound.charged_minor = 990;
    request.outbound.standard_minor = 490;
    request.captured_minor += 990;
    request
}

fn deduction(amount_minor: i64) -> Deduction {
    let reason = DeductionReason::UseBeyondTesting;
    Deduction { amount_minor, reason, line: None, evidence: true, instructed: true }
}

fn of(request: &Request) -> Calculation {
    let calculation = calculate(request).unwrap();
    assert_eq!(calculation.replay(), Some(calculation.total_minor));
    calculation
}

fn faults(request: &Request) -> Vec<Fault> {
    calculate(request).unwrap_err()
}

fn told(calculation: &Calculation) -> Vec<(&'static str, i64, &'static str)> {
    calculation.steps.iter().map(|s| (s.code.code(), s.amount_minor, s.norm)).collect()
}

/// F29, F40; BGB § 357(1), (2): 59.80 and 10.00 and standard delivery, not express.
#[test]
fn a_whole_withdrawal_explains_itself() {
    let calculation = of(&delivered(Withdrawal, &[line(A, 2, 2, 2990, 1900), line(B, 1, 1, 1000, 700)]));
    let steps = [
        ("GOODS", 5980, "BGB §§ 355(3), 357(1)"),
        ("GOODS", 1000, "BGB §§ 355(3), 357(1)"),
        ("SHIPPING", 990, "BGB § 357(2)"),
        ("EXPRESS_SURCHARGE", -500, "BGB § 357(2) sentence 2"),
    ];
    assert_eq!(told(&calculation), steps);
    assert_eq!(calculation.total_minor, 7470);
    // 64.70 x 19/119 = 10.330, 10.00 x 7/107 = 0.654
    let tax = [
        TaxSum { basis_points: 700, net_minor: 935, tax_minor: 65, gross_minor: 1000 },
        TaxSum { basis_points: 1900, net_minor: 5437, tax_minor: 1033, gross_minor: 6470 },
    ];
    assert_eq!(calculation.tax, tax);
    // 4.90 x 19/119 = 0.782
    let shipping = calculation.shipping.unwrap();
    assert_eq!((shipping.gross_minor, shipping.net_minor, shipping.tax_minor), (490, 412, 78));
    assert_eq!(shipping.rule.en, "cost of standard delivery");
    assert_eq!((calculation.ceiling_minor, calculation.ceiling_reason), (7470, Ceiling::GoodsReturned));
}

/// S57, S58
#[test]
fn a_refund_starts_at_once_and_goes_the_way_that_was_paid() {
    let calculation = of(&request(Withdrawal, &[line(A, 1, 1, 100, 1900)]));
    assert_eq!(calculation.notes, [Note::OriginalMeans, Note::StartsAtOnce]);
    assert_eq!(calculation.notes[0].norm(), "BGB § 357(3)");
}

/// F40; BGB §§ 357(2), 346(1). One of two units goes back, or both.
#[test]
fn the_delivery_goes_back_by_the_rule_of_the_right() {
    let defect = Some(Reason::QualityDefect);
    let wrong = Some(Reason::WrongDelivery);
    for (basis, reason, now, rest, refunded, expected) in [
        (Withdrawal, None, 2, None, 0, 490),
        (Withdrawal, None, 2, Some(290), 0, 490),
        (Withdrawal, None, 2, None, 200, 290),
        (Withdrawal, None, 2, None, 600, 0),
        (Withdrawal, None, 1, None, 0, 0),
        (Withdrawal, None, 1, Some(290), 0, 200),
        (Withdrawal, None, 1, Some(290), 150, 50),
        (Withdrawal, None, 1, Some(490), 0, 0),
        // The rest falls below what is delivered free of charge: nothing is claimed from the customer.
        (Withdrawal, None, 1, Some(690), 0, 0),
        (Warranty, defect, 2, None, 0, 990),
        (Warranty, defect, 1, None, 0, 0),
        (Warranty, defect, 1, Some(290), 0, 200),
        (ShopReturn, None, 2, None, 0, 0),
        (ShopReturn, None, 1, Some(290), 0, 0),
        (ShopReturn, defect, 2, None, 0, 990),
        (ShopReturn, wrong, 2, None, 0, 990),
        (ShopReturn, wrong, 1, Some(290), 0, 200),
    ] {
        let mut request = delivered(basis, &[line(A, 2, now, 1000, 1900)]);
        request.reason = reason;
        request.outbound.standard_for_rest_minor = rest;
        request.outbound.refunded_minor = refunded;
        let calculation = of(&request);
        let given = calculation.shipping.map_or(0, |s| s.gross_minor);
        assert_eq!(given, expected, "{basis:?} {reason:?} {now} {rest:?} {refunded}");
        assert_eq!(calculation.total_minor, i64::from(now) * 1000 + expected);
    }
}

/// F40: the last part of a withdrawal in parts brings the delivery with it, less what was refunded of it.
#[test]
fn what_went_back_before_counts_for_the_whole_order() {
    let before = Line { refunded: 1, now: 0, credited_minor: 1000, ..line(A, 1, 0, 1000, 1900) };
    let mut request = delivered(Withdrawal, &[before, line(B, 1, 1, 2000, 1900)]);
    request.outbound.refunded_minor = 100;
    request.promised_minor = 1100;
    assert!(request.whole_order());
    assert_eq!(of(&request).total_minor, 2000 + 390);
    request.lines[1] = line(B, 2, 1, 2000, 1900);
    assert!(!request.whole_order());
    assert_eq!(of(&request).notes[0], Note::ShippingOfRestUnknown);
}

/// F39; BGB § 357a(1). 100.00 less 25.00, and 4.90 for the delivery, which no deduction touches.
#[test]
fn a_deduction_is_a_step_and_lowers_the_tax() {
    let mut request = delivered(Withdrawal, &[line(A, 1, 1, 10_000, 1900)]);
    request.deduction = Some(deduction(2500));
    let calculation = of(&request);
    assert_eq!(told(&calculation).last(), Some(&("DEDUCTION", -2500, "BGB § 357a(1)")));
    assert_eq!((calculation.total_minor, calculation.deduction_minor), (7990, 2500));
    // 79.90 x 19/119 = 12.757
    assert_eq!(calculation.tax, [TaxSum { basis_points: 1900, net_minor: 6714, tax_minor: 1276, gross_minor: 7990 }]);
    assert_eq!(calculation.lines[0].gross_minor, 10_000);
}

/// F39; UStG § 17(1): 10.00 off 60.00 at 19 % and 40.00 at 7 % are 6.00 and 4.00.
#[test]
fn a_deduction_is_spread_over_the_rates() {
    let mut request = request(Withdrawal, &[line(A, 1, 1, 6000, 1900), line(B, 1, 1, 4000, 700)]);
    request.deduction = Some(deduction(1000));
    // 36.00 x 7/107 = 2.355, 54.00 x 19/119 = 8.622
    let tax = [
        TaxSum { basis_points: 700, net_minor: 3364, tax_minor: 236, gross_minor: 3600 },
        TaxSum { basis_points: 1900, net_minor: 4538, tax_minor: 862, gross_minor: 5400 },
    ];
    assert_eq!(of(&request).tax, tax);
    request.deduction = Some(Deduction { line: Some(B), ..deduction(1000) });
    let rates: Vec<_> = of(&request).tax.iter().map(|t| (t.basis_points, t.gross_minor)).collect();
    assert_eq!(rates, [(700, 3000), (1900, 6000)]);
}

/// F39: capped by the goods that it is about, never by the delivery as well.
#[test]
fn a_deduction_is_never_above_the_goods() {
    let mut request = delivered(Withdrawal, &[line(A, 1, 1, 6000, 1900), line(B, 1, 1, 4000, 700)]);
    for (line, largest_minor) in [(None, 10_000), (Some(B), 4000), (Some(Uuid::from_u128(9)), 0)] {
        request.deduction = Some(Deduction { line, ..deduction(largest_minor + 1) });
        assert_eq!(faults(&request), [Fault::DeductionAboveGoods { largest_minor }]);
    }
    request.deduction = Some(deduction(10_000));
    assert_eq!(of(&request).total_minor, 490);
}

/// F39; BGB §§ 357a(1) no. 2, 361(2), 475(3).
#[test]
fn a_deduction_needs_evidence_instruction_and_faultless_goods() {
    use Hindrance::{Defect, NoEvidence, NotInstructed};
    let defect = Some(Reason::Damaged);
    for (basis, reason, evidence, instructed, expected) in [
        (Withdrawal, None, true, true, vec![]),
        (Withdrawal, defect, true, true, vec![]),
        (Withdrawal, None, false, true, vec![NoEvidence]),
        (Withdrawal, None, true, false, vec![NotInstructed]),
        (Withdrawal, None, false, false, vec![NoEvidence, NotInstructed]),
        (ShopReturn, None, true, true, vec![]),
        (ShopReturn, Some(Reason::NoReason), true, true, vec![]),
        (ShopReturn, None, true, false, vec![NotInstructed]),
        (ShopReturn, defect, true, true, vec![Defect]),
        (Warranty, defect, true, true, vec![Defect]),
        (Warranty, None, false, false, vec![Defect, NoEvidence, NotInstructed]),
    ] {
        let mut request = request(basis, &[line(A, 1, 1, 10_000, 1900)]);
        request.reason = reason;
        request.deduction = Some(Deduction { evidence, instructed, ..deduction(100) });
        let expected: Vec<Fault> = expected.into_iter().map(Fault::DeductionNotAllowed).collect();
        assert_eq!(calculate(&request).err().unwrap_or_default(), expected, "{basis:?} {reason:?}");
    }
    assert_eq!(Fault::DeductionNotAllowed(NotInstructed).norm(), Some("BGB § 357a(1) no. 2"));
    assert_eq!(Fault::DeductionNotAllowed(Defect).norm(), Some("BGB § 475(3)"));
}

/// BGB § 441(3): 15.00 off goods for 100.00 and 50.00; the goods stay.
#[test]
fn a_reduction_of_the_price_is_spread_over_the_defective_goods() {
    let mut request = delivered(Warranty, &[line(A, 1, 0, 10_000, 1900), line(B, 2, 0, 2500, 700)]);
    request.price_reduction = Some(1500);
    let calculation = of(&request);
    let steps = [("PRICE_REDUCTION", 1000, "BGB § 441(3), (4)"), ("PRICE_REDUCTION", 500, "BGB § 441(3), (4)")];
    assert_eq!(told(&calculation), steps);
    assert!(calculation.lines.iter().all(|l| l.quantity == 0));
    assert_eq!((calculation.shipping, calculation.total_minor), (None, 1500));
    // 10.00 x 19/119 = 1.597, 5.00 x 7/107 = 0.327
    assert_eq!(calculation.tax.iter().map(|t| t.tax_minor).collect::<Vec<_>>(), [33, 160]);
    // One unit of B is concerned.
    request.lines[1].now = 1;
    assert_eq!(of(&request).lines.iter().map(|l| (l.id, l.gross_minor)).collect::<Vec<_>>(), [(B, 1500)]);
    request.price_reduction = Some(2501);
    assert_eq!(faults(&request), [Fault::ReductionAboveGoods { largest_minor: 2500 }]);
    request.price_reduction = Some(1);
    request.basis = Withdrawal;
    assert_eq!(faults(&request), [Fault::ReductionWithoutDefect]);
}

/// BGB §§ 441(4), 346(1): three units for 1.00, reduced by 0.10 altogether, go back one by one.
#[test]
fn what_was_reduced_before_does_not_go_back_again() {
    let mut part = Line { credited_minor: 10, ..line(A, 3, 1, 100, 1900) };
    let mut given = Vec::new();
    for _ in 0..3 {
        let mut request = request(Warranty, &[part]);
        request.promised_minor = part.credited_minor;
        let calculation = of(&request);
        assert_eq!(told(&calculation)[1].0, "ALREADY_REDUCED");
        given.push(calculation.total_minor);
        part.refunded += 1;
        part.credited_minor += calculation.lines[0].gross_minor;
    }
    // 290/3 = 96.67, 193/2 = 96.5, 96
    assert_eq!(given, [97, 97, 96]);
    assert_eq!(part.credited_minor, 300);
}

/// F33: captured, less chargebacks, less other promises.
#[test]
fn no_more_is_paid_than_is_left_of_what_was_captured() {
    for (captured, charged_back, promised, largest) in [
        (10_000, 0, 0, None),
        (9_999, 0, 0, Some(9_999)),
        (20_000, 10_001, 0, Some(9_999)),
        (20_000, 0, 10_001, Some(9_999)),
        (20_000, 5_000, 5_000, None),
        (20_000, 15_000, 15_000, Some(0)),
        (i64::MAX, i64::MAX, i64::MAX, Some(0)),
    ] {
        let mut request = request(Withdrawal, &[line(A, 1, 1, 10_000, 1900)]);
        (request.captured_minor, request.charged_back_minor, request.promised_minor) =
            (captured, charged_back, promised);
        let expected = largest.map(|largest_minor| Fault::AboveCeiling { largest_minor, reason: Ceiling::Captured });
        assert_eq!(calculate(&request).err().unwrap_or_default(), Vec::from_iter(expected), "{captured}");
    }
}

/// F34; BGB § 357(4).
#[test]
fn no_more_is_paid_than_came_back_is_worth() {
    let mut request = delivered(Withdrawal, &[line(A, 2, 2, 1000, 1900), line(B, 1, 1, 500, 700)]);
    request.lines[0].received = Some(1);
    let reason = Ceiling::GoodsReturned;
    // 10.00 and 5.00; the delivery goes back with everything only.
    assert_eq!(faults(&request), [Fault::AboveCeiling { largest_minor: 1500, reason }]);
    request.lines[1].received = None;
    assert_eq!(faults(&request), [Fault::AboveCeiling { largest_minor: 1000, reason }]);
    request.lines[0].now = 1;
    request.lines[1].now = 0;
    assert_eq!((of(&request).total_minor, of(&request).ceiling_minor), (1000, 1000));
    // More of another line makes up for nothing, and a deduction does not hide it.
    request.lines[0] = Line { received: Some(2), ..request.lines[0] };
    request.lines[1] = Line { now: 1, ..request.lines[1] };
    request.deduction = Some(deduction(600));
    assert_eq!(faults(&request), [Fault::AboveCeiling { largest_minor: 400, reason }]);
    // A proof of dispatch is enough.
    request.goods_received_bound = false;
    assert_eq!(of(&request).total_minor, 900);
}

#[test]
fn all_faults_are_told_together() {
    let mut request = request(LegalBasis::None, &[line(A, 1, 2, 1000, 1900)]);
    request.captured_minor = 10;
    request.goods_received_bound = false;
    request.deduction = Some(Deduction { evidence: false, ..deduction(1001) });
    request.price_reduction = None;
    request.outbound.charged_minor = 0;
    let expected = [
        Fault::QuantityAboveLeft { line: A, largest: 1 },
        Fault::NoClaim,
        Fault::DeductionNotAllowed(Hindrance::NoEvidence),
        Fault::DeductionAboveGoods { largest_minor: 1000 },
    ];
    assert_eq!(faults(&request), expected);
    let texts = expected.iter().map(|f| (f.code(), f.words().de, f.words().en));
    assert_eq!(texts.collect::<std::collections::BTreeSet<_>>().len(), 4);
}

#[test]
fn a_refund_of_nothing_is_refused() {
    assert_eq!(faults(&request(Withdrawal, &[])), [Fault::ZeroTotal]);
    assert_eq!(faults(&delivered(Withdrawal, &[line(A, 1, 0, 1000, 1900)])), [Fault::ZeroTotal]);
    let mut all = request(Withdrawal, &[line(A, 1, 1, 1000, 1900)]);
    all.deduction = Some(deduction(1000));
    assert_eq!(faults(&all), [Fault::ZeroTotal]);
}

/// Makes one figure of a sound request impossible.
type Spoil = fn(&mut Request);

#[test]
fn figures_that_cannot_be_are_told_with_their_place() {
    let sound = || delivered(Withdrawal, &[line(A, 2, 1, 1000, 1900)]);
    let spoilt: [(&str, Spoil); 18] = [
        ("lines.ordered", |r| (r.lines[0].ordered, r.lines[0].unit_price_minor) = (-1, 0)),
        ("lines.refunded", |r| r.lines[0].refunded = 3),
        ("lines.now", |r| r.lines[0].now = -1),
        ("lines.received", |r| r.lines[0].received = Some(-1)),
        ("lines.unitPriceMinor", |r| r.lines[0].unit_price_minor = -1),
        ("lines.creditedMinor", |r| r.lines[0].credited_minor = 2001),
        ("lines.creditedMinor", |r| r.lines[0].refunded = 1),
        ("lines.taxBasisPoints", |r| r.lines[0].tax_basis_points = 10_001),
        ("outbound.chargedMinor", |r| r.outbound.charged_minor = -1),
        ("outbound.standardMinor", |r| r.outbound.standard_minor = -1),
        ("outbound.standardForRestMinor", |r| r.outbound.standard_for_rest_minor = Some(-1)),
        ("outbound.refundedMinor", |r| r.outbound.refunded_minor = -1),
        ("outbound.taxBasisPoints", |r| r.outbound.tax_basis_points = -1),
        ("deduction.amountMinor", |r| r.deduction = Some(deduction(0))),
        ("priceReduction", |r| r.price_reduction = Some(-5)),
        ("capturedMinor", |r| r.captured_minor = -1),
        ("promisedMinor", |r| r.promised_minor = -1),
        ("lines", |r| r.lines[0].unit_price_minor = i64::MAX),
    ];
    for (field, spoil) in spoilt {
        let mut request = sound();
        spoil(&mut request);
        let named = faults(&request).iter().any(|f| matches!(f, Fault::Figure { field: named, .. } if *named == field));
        assert!(named, "{field}: {:?}", faults(&request));
    }
    let mut twice = sound();
    twice.lines.push(twice.lines[0]);
    assert_eq!(faults(&twice), [Fault::LineTwice { line: A }]);
    // The largest order that can be stored is still reckoned.
    let largest = request(Withdrawal, &[line(A, 1, 1, i64::MAX, 1900)]);
    assert_eq!(of(&largest).total_minor, i64::MAX);
}

#[test]
fn tax_within_a_gross_amount_rounds_halves_away_from_zero() {
    for (gross, rate, tax) in [
        (0, 1900, 0),
        (119, 1900, 19),
        (100, 1900, 16),
        (1, 1900, 0),
        (107, 700, 7),
        (999, 0, 0),
        (1, 10_000, 1),
        (3, 10_000, 2),
        (-3, 10_000, -2),
        (i64::MAX, 10_000, 4_611_686_018_427_387_904),
    ] {
        assert_eq!(tax_of(gross, rate), tax, "{gross} at {rate}");
    }
}
