//! How much of the delivery to the customer goes back: the rule is that of the right (`rights`), told in steps.

use entity::cases::LegalBasis;

use super::{Note, Request, Step, StepCode};
use crate::policy::rights::{self, Delivery, Outbound};
use crate::policy::words::{Words, words};

/// What is due of the delivery.
pub(super) struct Due {
    pub gross: i64,
    pub rule: Words,
    pub norm: &'static str,
    pub steps: Vec<Step>,
    pub notes: Vec<Note>,
}

/// What is due of the delivery if so many units of each line go back.
pub(super) fn due(request: &Request, units: &[i32]) -> Due {
    let (rule, norm) = rule(request, units);
    let mut due = Due { gross: 0, rule: said(rule), norm, steps: Vec::new(), notes: Vec::new() };
    let outbound = &request.outbound;
    if outbound.charged_minor == 0 || request.price_reduction.is_some() {
        return due;
    }
    match (rule, outbound.standard_for_rest_minor) {
        (Outbound::Nothing, _) if request.basis == LegalBasis::ShopReturn => {
            due.notes.push(Note::NoShippingWithoutReason);
            return due;
        }
        (Outbound::Nothing, _) => return due,
        (Outbound::Difference, None) => {
            due.notes.push(Note::ShippingOfRestUnknown);
            return due;
        }
        _ => {}
    }
    let delivery = Delivery {
        paid: outbound.charged_minor,
        standard: outbound.standard_minor,
        of_the_rest: outbound.standard_for_rest_minor.unwrap_or(0),
    };
    let owed = rule.amount(delivery);
    let standard = Outbound::Standard.amount(delivery);
    let mut step = |code, words, amount_minor, norm| {
        if amount_minor != 0 {
            due.steps.push(Step { code, words, line: None, amount_minor, norm });
        }
    };
    step(StepCode::Shipping, words("gezahlte Lieferkosten", "delivery that was paid for"), delivery.paid, norm);
    if rule != Outbound::Paid {
        let more = words("Mehrkosten gegenüber der Standardlieferung", "surcharge above standard delivery");
        step(StepCode::ExpressSurcharge, more, standard - delivery.paid, "BGB § 357(2) sentence 2");
    }
    if rule == Outbound::Difference {
        let rest = words("Lieferkosten der behaltenen Ware", "delivery of the goods that stay");
        step(StepCode::ShippingOfRest, rest, owed - standard, norm);
    }
    let before = outbound.refunded_minor.min(owed);
    let words = words("davon schon erstattet", "of which already refunded");
    step(StepCode::ShippingRefunded, words, -before, norm);
    due.gross = owed - before;
    due
}

fn rule(request: &Request, units: &[i32]) -> (Outbound, &'static str) {
    let went_back = request.lines.iter().zip(units).any(|(line, units)| line.refunded + units > 0);
    let (all, norm) = match request.basis {
        LegalBasis::Withdrawal => (Outbound::Standard, "BGB § 357(2)"),
        LegalBasis::Warranty => (Outbound::Paid, "BGB § 346(1)"),
        LegalBasis::ShopReturn if rights::Fault::of(request.reason) != rights::Fault::None => {
            (Outbound::Paid, "BGB § 346(1)")
        }
        LegalBasis::ShopReturn | LegalBasis::None => (Outbound::Nothing, "policy of the shop: returns"),
    };
    match all {
        Outbound::Nothing => (Outbound::Nothing, norm),
        _ if !went_back => (Outbound::Nothing, norm),
        _ if request.whole(units) => (all, norm),
        _ => (Outbound::Difference, norm),
    }
}

const fn said(rule: Outbound) -> Words {
    match rule {
        Outbound::Nothing => words("keine Erstattung der Lieferkosten", "no refund of the delivery"),
        Outbound::Difference => words(
            "Ersparnis gegenüber der Lieferung der behaltenen Ware",
            "what delivery of the goods that stay would have cost less",
        ),
        Outbound::Standard => words("Kosten der Standardlieferung", "cost of standard delivery"),
        Outbound::Paid => words("gezahlte Lieferkosten", "whatever was paid for the delivery"),
    }
}
