//! Who pays for sending goods back: never the customer where the law or the shop's promise says the shop.

use entity::cases::{Kind, LegalBasis, Reason};

use super::rights::{Fault, Right, Track};
use super::shop::{Bearer, Policy};

/// Who pays for sending a line back to the shop: the shop, as soon as one right that the customer has says so.
#[must_use]
pub fn back(policy: &Policy, rights: &[Right], kind: Option<Kind>, reason: Option<Reason>) -> Bearer {
    // What was declared stays declared, whatever has become of the window since.
    let declared = |right: &Right| kind == Some(Kind::Withdrawal) && right.track == Track::Withdrawal;
    let mut had = rights.iter().filter(|right| declared(right) || right.is_open() && right.supported).peekable();
    if had.peek().is_none() {
        // Taken back as a favour.
        return if Fault::of(reason) == Fault::None { policy.freight.no_reason_return } else { Bearer::Shop };
    }
    if had.any(|right| right.carriage_back == Bearer::Shop) { Bearer::Shop } else { Bearer::Customer }
}

/// Who pays at least for sending back to the customer what was not accepted. Asking for cure without a right to it costs
/// the customer something only where they could have known, as where use has caused the defect (BGH VIII ZR 246/06); the
/// policy decides about everything that the shop takes back of its own accord, and about a withdrawal.
#[must_use]
pub fn after_refusal(policy: &Policy, kind: Option<Kind>, basis: Option<LegalBasis>, reason: Option<Reason>) -> Bearer {
    let warranty = kind == Some(Kind::WarrantyClaim) || basis == Some(LegalBasis::Warranty);
    if warranty && reason != Some(Reason::CausedByUse) { Bearer::Shop } else { policy.freight.not_eligible_return }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rights::{Situation, rights};

    fn bearer(s: &Situation, kind: Kind, after_days: i64) -> Bearer {
        let now = s.contract_at + chrono::TimeDelta::days(after_days);
        let policy = Policy::shipped();
        back(policy, &rights(policy, s, now).unwrap(), Some(kind), s.reason)
    }

    fn bought() -> Situation {
        let at = "2026-03-02T09:00:00Z".parse().unwrap();
        Situation::ordinary(at, at)
    }

    /// S52, S53, S54, F20.
    #[test]
    fn fault_and_track_say_who_pays() {
        assert_eq!(bearer(&bought(), Kind::Return, 20), Bearer::Customer);
        assert_eq!(bearer(&bought(), Kind::Withdrawal, 3), Bearer::Customer);
        for reason in [Reason::QualityDefect, Reason::Damaged, Reason::WrongDelivery, Reason::WrongLabelling] {
            let s = Situation { reason: Some(reason), ..bought() };
            assert_eq!(bearer(&s, Kind::Return, 20), Bearer::Shop, "{}", reason.code());
            assert_eq!(bearer(&s, Kind::WarrantyClaim, 9000), Bearer::Shop, "{}", reason.code());
        }
        let untold = Situation { told_return_cost: false, ..bought() };
        assert_eq!(bearer(&untold, Kind::Withdrawal, 3), Bearer::Shop);
        assert_eq!(bearer(&untold, Kind::Withdrawal, 300), Bearer::Shop, "it was declared in time");
        assert_eq!(bearer(&bought(), Kind::Return, 300), Bearer::Customer, "a favour");
    }

    /// S37: the customer pays for the way back, but for a claim that nobody could know to be without ground.
    #[test]
    fn a_refused_warranty_claim_goes_back_at_the_shops_cost() {
        let least = |kind, basis, reason| after_refusal(Policy::shipped(), Some(kind), Some(basis), Some(reason));
        let (claim, plain) = (Kind::WarrantyClaim, Kind::Return);
        assert_eq!(least(claim, LegalBasis::Warranty, Reason::DefectNotConfirmed), Bearer::Shop);
        assert_eq!(least(claim, LegalBasis::ShopReturn, Reason::PeriodEnded), Bearer::Shop);
        assert_eq!(least(plain, LegalBasis::Warranty, Reason::PeriodEnded), Bearer::Shop);
        assert_eq!(least(claim, LegalBasis::Warranty, Reason::CausedByUse), Bearer::Customer);
        assert_eq!(least(plain, LegalBasis::ShopReturn, Reason::PeriodEnded), Bearer::Customer);
        assert_eq!(least(Kind::Withdrawal, LegalBasis::Withdrawal, Reason::PeriodEnded), Bearer::Customer);
    }
}
