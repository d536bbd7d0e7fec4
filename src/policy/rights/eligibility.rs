//! Whether a request is eligible, on every track, with all reasons and the basis of each.
//!
//! It advises; a person decides (GDPR Art. 22), and intake never asks it. The shop's 45 days never reject a defect claim,
//! because each track is weighed by itself.

use chrono::{DateTime, Utc};
use entity::order_lines::Exclusion;

use super::{Fault, Received, Right, Situation, Status, Track, Wish, rights};
use crate::policy::deadline::Unreckonable;
use crate::policy::shop::Policy;
use crate::policy::words::{Words, words};

/// A request about an order line.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What the customer wants.
    pub wish: Wish,
    /// When it was received: what counts for every window (BGB § 355(1) sentence 5).
    pub at: DateTime<Utc>,
    /// Whether the order is known (S12).
    pub proven: bool,
    /// Whether the purchase was completed (S12).
    pub completed: bool,
    /// Whether the goods are the shop's own (S13); none: nobody has looked.
    pub original: Option<bool>,
}

/// What is advised. The better one for the customer is the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing stands against it.
    Eligible,
    /// A person has to look at something.
    Manual,
    /// Something stands against it.
    Rejected,
}

macro_rules! findings {
    ($($(#[$doc:meta])* $variant:ident $effect:ident $de:literal $en:literal,)+) => {
        /// A reason for or against.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant,)+ }

        impl Reason {
            /// What it alone would lead to.
            #[must_use]
            pub const fn effect(self) -> Verdict {
                match self { $(Self::$variant => Verdict::$effect,)+ }
            }

            /// In words.
            #[must_use]
            pub const fn words(self) -> Words {
                match self { $(Self::$variant => words($de, $en),)+ }
            }
        }
    };
}

findings! {
    /// The order is known (S12).
    OrderKnown Eligible "Die Bestellung ist bekannt." "The order is known.",
    /// No order was found for it (S12); statutory rights do not depend on a proof of order.
    OrderUnknown Manual "Die Bestellung ist noch nicht zugeordnet." "The order has not been identified yet.",
    /// The purchase was never completed (S12).
    PurchaseNotCompleted Rejected "Der Kauf wurde nicht abgeschlossen." "The purchase was not completed.",
    /// The goods are not from this shop (S13).
    NotOurProduct Rejected "Die Ware stammt nicht aus unserem Shop." "The goods are not from our shop.",
    /// Nobody has seen yet whether the goods are from this shop (S13).
    OriginUnseen Eligible "Herkunft wird bei der Prüfung bestätigt." "The origin is confirmed at the inspection.",
    /// Within the period.
    InTime Eligible "Die Frist ist eingehalten." "It is in time.",
    /// After the period.
    TooLate Rejected "Die Frist ist abgelaufen." "The period is over.",
    /// The period has not begun, and need not have.
    BeforeDelivery Eligible "Die Ware ist noch nicht da; der Widerruf ist schon möglich." "The goods have not arrived; withdrawal is possible already.",
    /// It depends on when the defect showed.
    DefectToBeDated Manual "Es kommt darauf an, wann sich der Mangel gezeigt hat." "It depends on when the defect showed.",
    /// The customer seems to have goods whose delivery, or whose last parcel's delivery, nobody has reported.
    DeliveryUnreported Manual "Die Zustellung ist nicht oder nicht vollständig gemeldet; bitte klären." "The delivery has not been reported, or not all of it; please clarify.",
    /// The right begins with the delivery.
    NotDelivered Rejected "Die Ware ist noch nicht angekommen; bitte den Lieferstatus abfragen." "The goods have not arrived yet; please ask where the parcel is.",
    /// The delivery is only assumed.
    DeliveryAssumed Manual "Die Zustellung ist nur angenommen; die Frist ist eine Schätzung." "The delivery is only assumed; the end is an estimate.",
    /// The law excludes the article from withdrawal.
    ExcludedByLaw Rejected "Für diese Ware gibt es kein Widerrufsrecht." "There is no right of withdrawal for these goods.",
    /// Whether a seal was broken decides.
    SealToBeChecked Manual "Es kommt darauf an, ob die Versiegelung unversehrt ist." "It depends on whether the seal is unbroken.",
    /// No reason is needed.
    NoReasonNeeded Eligible "Ein Grund ist nicht nötig." "No reason is needed.",
    /// The policy accepts the reason (S46 to S49, S54).
    ReasonAccepted Eligible "Der Grund ist in der Richtlinie genannt." "The policy names the reason.",
    /// The policy does not accept the reason, or none was given where one is needed.
    ReasonNotAccepted Rejected "Die Richtlinie deckt den Grund nicht." "The policy does not cover the reason.",
    /// A defect is claimed.
    DefectClaimed Eligible "Ein Mangel wird geltend gemacht." "A defect is claimed.",
    /// Warranty and guarantee are about defects.
    NoDefectClaimed Rejected "Es wird kein Mangel geltend gemacht." "No defect is claimed.",
    /// The defect is presumed to have been there from the start.
    DefectPresumed Eligible "Es wird vermutet, dass der Mangel von Anfang an bestand." "The defect is presumed to have been there from the start.",
    /// The presumption is over: the customer has to prove it.
    ProofNeeded Manual "Nach einem Jahr muss der Mangel bei Lieferung nachgewiesen werden." "After a year it has to be shown that the defect was there at delivery.",
    /// The guarantor's terms decide.
    TermsToBeChecked Manual "Die Garantiebedingungen sind zu prüfen." "The terms of the guarantee have to be checked.",
    /// The track gives what is wished.
    RemedyOffered Eligible "Dieses Recht umfasst den Wunsch." "This right includes the wish.",
    /// The track gives it only once cure has failed.
    CureFirst Manual "Zuerst darf der Shop nacherfüllen." "The shop may cure first.",
    /// The track does not give it.
    RemedyNotOffered Rejected "Dieses Recht umfasst den Wunsch nicht." "This right does not include the wish.",
}

impl Reason {
    /// `SCREAMING_SNAKE_CASE`.
    #[must_use]
    pub fn code(self) -> String {
        let name = format!("{self:?}");
        let mut code = String::with_capacity(name.len() + 4);
        for (i, letter) in name.chars().enumerate() {
            if i > 0 && letter.is_ascii_uppercase() {
                code.push('_');
            }
            code.push(letter.to_ascii_uppercase());
        }
        code
    }
}

/// A reason on a track, with its basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// On which track; none: on all.
    pub track: Option<Track>,
    /// The reason.
    pub reason: Reason,
    /// Norm or promise.
    pub basis: &'static str,
}

/// What is advised on one track.
#[derive(Clone, Debug)]
pub struct TrackVerdict {
    /// The right.
    pub right: Right,
    /// The advice.
    pub verdict: Verdict,
}

/// What is advised on a request.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The best verdict of any track.
    pub verdict: Verdict,
    /// The track that it rests on: of those with this verdict the most favourable; none where all are rejected.
    pub track: Option<Track>,
    /// Each track with its own.
    pub tracks: Vec<TrackVerdict>,
    /// All reasons.
    pub findings: Vec<Finding>,
}

/// Weighs a request on every track.
///
/// # Errors
/// As [`rights`].
pub fn assess(policy: &Policy, s: &Situation, request: Request) -> Result<Assessment, Unreckonable> {
    let mut findings = Vec::new();
    let mut note = |track, reason, basis| findings.push(Finding { track, reason, basis });
    match request.proven {
        true => note(None, Reason::OrderKnown, "policy of the shop: conditions"),
        false => note(None, Reason::OrderUnknown, "policy of the shop: conditions; BGB § 355(1)"),
    }
    match request.original {
        Some(false) => note(None, Reason::NotOurProduct, "policy of the shop: conditions; BGB § 433"),
        Some(true) => {}
        None => note(None, Reason::OriginUnseen, "policy of the shop: conditions"),
    }
    let mut tracks = Vec::new();
    for right in rights(policy, s, request.at)? {
        let track = right.track;
        let mut note = |reason, basis| findings.push(Finding { track: Some(track), reason, basis });
        in_time(&right, s, request.at, &mut note);
        if track != Track::Withdrawal && !request.completed {
            note(Reason::PurchaseNotCompleted, "policy of the shop: conditions");
        }
        for_a_reason(policy, &right, s, request, &mut note);
        if request.wish.is_granted_by(right.remedies) {
            note(Reason::RemedyOffered, right.basis);
        } else if request.wish.is_granted_by(right.later_remedies) {
            note(Reason::CureFirst, "BGB §§ 437 no. 2, 475d(1)");
        } else {
            note(Reason::RemedyNotOffered, right.basis);
        }
        let concerns = |f: &&Finding| f.track.is_none_or(|t| t == track);
        let verdict = findings.iter().filter(concerns).map(|f| f.reason.effect()).max();
        tracks.push(TrackVerdict { right, verdict: verdict.unwrap_or(Verdict::Manual) });
    }
    let verdict = tracks.iter().map(|t| t.verdict).min().unwrap_or(Verdict::Manual);
    let best: Vec<Right> = tracks.iter().filter(|t| t.verdict == verdict).map(|t| t.right.clone()).collect();
    let wished = super::most_favourable(&best, Some(request.wish)).or_else(|| super::most_favourable(&best, None));
    // What only a person can open is not open yet.
    let wished = wished.or_else(|| best.iter().find(|right| request.wish.is_granted_by(right.remedies)));
    let track = wished.map(|right| right.track).filter(|_| verdict != Verdict::Rejected);
    Ok(Assessment { verdict, track, tracks, findings })
}

fn in_time(right: &Right, s: &Situation, at: DateTime<Utc>, note: &mut impl FnMut(Reason, &'static str)) {
    let norm = right.deadline.as_ref().map_or(right.basis, |d| d.source);
    let late = right.deadline.as_ref().is_some_and(|d| at >= d.ends_at) && !right.estimated;
    if right.track == Track::Withdrawal && s.is_excluded() {
        note(Reason::ExcludedByLaw, s.exclusion.map_or(right.basis, Exclusion::norm));
    }
    match right.status {
        Status::DependsOnDefect => note(Reason::DefectToBeDated, "BGB § 475e(3)"),
        Status::NotYet if s.fault() != Fault::None || matches!(s.received, Received::Partly(_)) => {
            note(Reason::DeliveryUnreported, right.basis);
        }
        Status::NotYet => note(Reason::NotDelivered, right.basis),
        _ if late => note(Reason::TooLate, norm),
        _ if right.estimated => note(Reason::DeliveryAssumed, norm),
        _ if right.deadline.is_none() => note(Reason::BeforeDelivery, "BGB § 355(1)"),
        _ => note(Reason::InTime, norm),
    }
    if right.status == Status::DependsOnSeal {
        note(Reason::SealToBeChecked, s.exclusion.map_or(right.basis, Exclusion::norm));
    }
}

fn for_a_reason(
    policy: &Policy,
    right: &Right,
    s: &Situation,
    request: Request,
    note: &mut impl FnMut(Reason, &'static str),
) {
    let returns = &policy.returns;
    let named = s.reason.is_some_and(|reason| returns.reasons.contains(&reason));
    match right.track {
        Track::Withdrawal => note(Reason::NoReasonNeeded, "BGB § 355(1) sentence 4"),
        Track::ShopReturn if named => note(Reason::ReasonAccepted, right.basis),
        Track::ShopReturn if returns.without_reason => note(Reason::NoReasonNeeded, right.basis),
        Track::ShopReturn => note(Reason::ReasonNotAccepted, right.basis),
        Track::Warranty | Track::Guarantee if s.fault() == Fault::None => note(Reason::NoDefectClaimed, "BGB § 434"),
        Track::Guarantee => note(Reason::TermsToBeChecked, right.basis),
        Track::Warranty => {
            note(Reason::DefectClaimed, "BGB § 434");
            // What counts is when the defect showed, not when it was reported (BGB § 477(1)).
            let shown = s.defect_shown.unwrap_or(request.at);
            match &right.presumption {
                Some(end) if shown >= end.ends_at && !right.estimated => note(Reason::ProofNeeded, "BGB § 477(1)"),
                _ => note(Reason::DefectPresumed, "BGB § 477(1)"),
            }
        }
    }
}
