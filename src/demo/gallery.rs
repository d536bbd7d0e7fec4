//! A case in every state: what lies on the desks of agents, warehouse and finance beside the many ordinary ones.

use chrono::{DateTime, TimeDelta};
use entity::cases::{Channel, Kind, Reason, State};
use sea_orm::Iterable as _;

use super::plan::{By, Opening, Plan, What};
use crate::cases::machine::Deed;

/// When a return begins that never comes, before the present.
const LONG_AGO: TimeDelta = TimeDelta::days(75);
/// When the others begin: what waits for the customer is not given up yet.
const LATELY: TimeDelta = TimeDelta::days(9);
/// Between two deeds.
const BETWEEN: TimeDelta = TimeDelta::hours(5);
/// After this time a return that was asked for is given up.
const GIVEN_UP: TimeDelta = TimeDelta::days(33);

impl Plan {
    /// One case for each state that deeds lead to; the bare rows of the last state come from the retention run.
    pub(super) fn gallery(&mut self) {
        for (number, state) in State::iter().filter(|s| *s != State::Erased).enumerate() {
            let person = (number * 7) % self.people.len();
            let way = way_to(state);
            let ago = if way.contains(&Deed::Expire) { LONG_AGO } else { LATELY };
            let began = self.now - ago + TimeDelta::hours(i64::try_from(number).unwrap_or_default());
            let order = self.place(person, began - TimeDelta::days(12));
            self.in_pairs(order);
            let case = self.showcase(person, order, began);
            let mut at = began;
            for deed in way {
                at += if deed == Deed::Expire { GIVEN_UP } else { BETWEEN };
                self.deed(case, person, order, deed, at);
            }
        }
    }

    fn deed(&mut self, case: usize, person: usize, order: usize, deed: Deed, at: DateTime<chrono::Utc>) {
        let into = (deed == Deed::Merge).then(|| self.showcase(person, order, at - TimeDelta::hours(1)));
        self.push(at, What::Deed { case, person, deed, into });
    }

    fn showcase(&mut self, person: usize, order: usize, at: DateTime<chrono::Utc>) -> usize {
        let case = self.cases;
        self.cases += 1;
        let opening = Opening {
            kind: Kind::WarrantyClaim,
            description: "Zwei Stück, beide leckt der Boden. Ich bitte um Prüfung.".to_owned(),
            reason: Some(Reason::QualityDefect),
            channel: Channel::Portal,
        };
        self.push(at, What::Open { case, by: By::Customer(person), person, order: Some(order), opening });
        case
    }
}

/// The deeds that lead from the receipt to a state.
fn way_to(state: State) -> Vec<Deed> {
    use Deed as D;
    use State as S;
    let (before, deed) = match state {
        S::Received | S::Erased => return Vec::new(),
        S::UnderReview => (S::Received, D::Review),
        S::NeedsInfo => (S::UnderReview, D::AskInfo),
        S::Extended => (S::UnderReview, D::Extend),
        S::SolvedDirectly => (S::UnderReview, D::Solve),
        S::ReturnInstructed => (S::UnderReview, D::InstructReturn),
        S::ResolvedWithoutReturn => (S::UnderReview, D::AcceptWithoutReturn),
        S::InTransit => (S::ReturnInstructed, D::Dispatch),
        S::ReturnExpired => (S::ReturnInstructed, D::Expire),
        S::LostInTransit => (S::InTransit, D::Lose),
        S::ReturnReceived => (S::InTransit, D::Receive),
        S::Inspecting => (S::ReturnReceived, D::Inspect),
        S::Eligible => (S::Inspecting, D::FindEligible),
        S::PartiallyEligible => (S::Inspecting, D::FindPartlyEligible),
        S::NotEligible => (S::Inspecting, D::FindNotEligible),
        S::Repair => (S::Eligible, D::ArrangeRepair),
        S::Replacement => (S::Eligible, D::ArrangeReplacement),
        S::Refund => (S::Eligible, D::ArrangeRefund),
        S::PriceReduction => (S::ResolvedWithoutReturn, D::ArrangeReduction),
        S::SentBack => (S::NotEligible, D::SendBack),
        S::ResultNotified => (S::SentBack, D::Notify),
        S::Closed => (S::ResultNotified, D::Close),
        S::Reopened => (S::Closed, D::Object),
        S::ReExamination => (S::Reopened, D::Reexamine),
        S::DisputeOpen => (S::ReExamination, D::OpenDispute),
        S::Settled => (S::DisputeOpen, D::Settle),
        S::Adr => (S::DisputeOpen, D::Conciliate),
        S::Court => (S::DisputeOpen, D::Sue),
        S::DisputeClosed => (S::Adr, D::EndDispute),
        S::Cancelled => (S::UnderReview, D::Cancel),
        S::Merged => (S::UnderReview, D::Merge),
    };
    let mut way = way_to(before);
    way.push(deed);
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_leads_where_it_is_said_to_lead() {
        for state in State::iter().filter(|s| *s != State::Erased) {
            let mut at = State::Received;
            for deed in way_to(state) {
                assert!(deed.way().0.contains(&at), "{deed:?} does not start from {at:?}");
                at = deed.way().1;
            }
            assert_eq!(at, state);
        }
    }
}
