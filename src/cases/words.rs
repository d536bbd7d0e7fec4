//! Outcomes, reasons and states as they are written to customers, in both languages.

use entity::cases::{Kind, LegalBasis, Outcome, Reason};
use entity::{parcels, refunds, remedies};

use crate::policy::words::{Words, words};

pub(super) const DECISION: Words = words("Entscheidung", "Decision");
pub(super) const SHIPPING: Words = words("Versand", "Shipping");
pub(super) const DONE: Words = words("erledigt", "done");
pub(super) const REFUND: Words = words("Erstattung", "Refund");
pub(super) const DISAGREE: Words = words(
    "Sind Sie nicht einverstanden? Antworten Sie auf diese Nachricht, und jemand anderes prüft Ihren Vorgang erneut.",
    "If you do not agree, answer this message, and somebody else examines your case again.",
);

pub(super) const REVIEWED_UNTIL: Words = words("Wir prüfen Ihre Anfrage bis zum", "We review your request by");
pub(super) const NAMED: Words = words("Angegebene Bestellnummer:", "Order number as entered:");
pub(super) const RECEIVED_UTC: Words = words("Eingegangen (UTC):", "Received (UTC):");

pub(super) const NEXT: Words = words(
    "Danach erhalten Sie eine Lösung, eine Rückfrage oder die Anleitung für eine Rücksendung.",
    "Then you get a solution, a question, or instructions for sending goods back.",
);

/// What a kind of request is called.
#[must_use]
pub const fn kind(kind: Kind) -> Words {
    match kind {
        Kind::OrderAdvice => words("Frage zur Bestellung", "Question about an order"),
        Kind::UsageGuidance => words("Frage zur Nutzung", "Question about use"),
        Kind::Return => words("Rückgabe", "Return"),
        Kind::Exchange => words("Umtausch", "Exchange"),
        Kind::WarrantyClaim => words("Gewährleistung", "Warranty claim"),
        Kind::RefundTracking => words("Frage zur Erstattung", "Where is my refund"),
        Kind::LogisticsQuery => words("Frage zur Lieferung", "Where is my parcel"),
        Kind::Complaint => words("Beschwerde", "Complaint"),
        Kind::Withdrawal => words("Widerruf", "Withdrawal"),
        Kind::OrderCancellation => words("Stornierung", "Order cancellation"),
        Kind::Feedback => words("Rückmeldung", "Feedback"),
    }
}

/// What an outcome is called.
#[must_use]
pub const fn outcome(outcome: Outcome) -> Words {
    match outcome {
        Outcome::SolvedDirectly => words("direkt gelöst", "solved directly"),
        Outcome::Eligible => words("anerkannt", "accepted"),
        Outcome::PartiallyEligible => words("teilweise anerkannt", "accepted in part"),
        Outcome::NotEligible => words("abgelehnt", "not accepted"),
    }
}

/// What a reason is called.
#[must_use]
pub const fn reason(reason: Reason) -> Words {
    match reason {
        Reason::QualityDefect => words("Qualitätsmangel", "quality defect"),
        Reason::NotAsDescribed => words("weicht von Beschreibung oder Modell ab", "not as described"),
        Reason::MissingAccessory => words("Zubehör fehlt", "missing accessory"),
        Reason::Damaged => words("beschädigt", "damaged"),
        Reason::WrongDelivery => words("falsche Ware geliefert", "wrong article delivered"),
        Reason::WrongLabelling => words("falsch gekennzeichnet", "wrongly labelled"),
        Reason::NoReason => words("ohne Angabe von Gründen", "no reason given"),
        Reason::Answered => words("Frage beantwortet", "question answered"),
        Reason::PeriodEnded => words("Frist abgelaufen", "the period has ended"),
        Reason::DefectNotConfirmed => words("Mangel nicht bestätigt", "defect not confirmed"),
        Reason::RightExcluded => words("vom Widerruf ausgenommene Ware", "goods that cannot be withdrawn from"),
        Reason::NotOurProduct => words("kein Produkt aus unserem Shop", "not a product of our shop"),
        Reason::GoodsNotReturned => words("Ware nicht zurückgekommen", "goods not returned"),
        Reason::CausedByUse => words("durch Gebrauch verursacht", "caused by use"),
    }
}

/// What a basis is called, with its norm.
#[must_use]
pub const fn basis(basis: LegalBasis) -> Words {
    match basis {
        LegalBasis::Withdrawal => {
            words("gesetzlicher Widerruf (§§ 312g, 355 BGB)", "statutory withdrawal (BGB §§ 312g, 355)")
        }
        LegalBasis::ShopReturn => {
            words("Rückgabegarantie des Shops (45 Tage)", "the shop's return guarantee (45 days)")
        }
        LegalBasis::Warranty => words("Gewährleistung (§§ 437 ff. BGB)", "warranty for defects (BGB §§ 437 ff.)"),
        LegalBasis::None => words("Auskunft", "advice"),
    }
}

/// How far a refund has come, as people understand it (F30).
#[must_use]
pub const fn refund(state: refunds::State) -> Words {
    use refunds::State as S;
    match state {
        S::Granted => words("bewilligt, noch nicht angewiesen", "granted, not sent yet"),
        S::Submitted => words("an den Zahlungsdienst übergeben", "handed to the payment provider"),
        S::PendingAtProvider => {
            words("beim Zahlungsdienst, noch nicht gutgeschrieben", "with the provider, not credited yet")
        }
        S::Overdue => words("überfällig, wird nachverfolgt", "overdue, being followed up"),
        S::Clarification => words("in Klärung mit Bank und Zahlungsdienst", "being traced with bank and provider"),
        S::Credited => words("gutgeschrieben", "credited"),
        S::Failed => {
            words("fehlgeschlagen; wir melden uns wegen eines anderen Wegs", "failed; we agree on another way with you")
        }
        S::AlternativeAgreed => words("anderer Zahlungsweg vereinbart", "other means agreed"),
    }
}

/// What a remedy is called.
#[must_use]
pub const fn remedy(kind: remedies::Kind) -> Words {
    match kind {
        remedies::Kind::Repair => words("Reparatur", "repair"),
        remedies::Kind::Replacement => words("Ersatzlieferung", "replacement"),
        remedies::Kind::Exchange => words("Umtausch", "exchange"),
    }
}

/// How far a remedy has come.
#[must_use]
pub const fn remedy_state(state: remedies::State) -> Words {
    match state {
        remedies::State::Ordered => words("veranlasst", "arranged"),
        remedies::State::Shipped => words("versandt", "shipped"),
        remedies::State::Delivered => words("zugestellt", "delivered"),
        remedies::State::Cancelled => words("aufgehoben", "called off"),
    }
}

/// What a parcel carries.
#[must_use]
pub const fn parcel(purpose: parcels::Purpose) -> Words {
    match purpose {
        parcels::Purpose::Order => words("Lieferung", "delivery"),
        parcels::Purpose::Return => words("Rücksendung", "return"),
        parcels::Purpose::Replacement => words("Sendung an Sie", "parcel to you"),
        parcels::Purpose::SentBack => words("Rückversand an Sie", "goods sent back to you"),
    }
}
