//! The states of a case and the deeds that lead from one to the next: the whole table, and the one function that takes a
//! case a step on. Each step leaves a row in the history, and a refusal names what would be legal.

use chrono::{DateTime, Utc};
use entity::case_transitions;
use entity::cases::{ActiveModel, Model, State, WaitingFor};
use entity::ids::{CaseId, TransitionId};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    Iterable as _, QueryFilter as _, QueryOrder as _,
};

use crate::auth::Actor;
use crate::error::{Code, Refusal, Result};

macro_rules! deeds {
    ($($(#[$doc:meta])* $name:ident = $mutation:literal: [$($from:ident),+] => $to:ident;)+) => {
        /// What takes a case from one state to another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Deed { $($(#[$doc])* $name,)+ }

        impl Deed {
            /// Every deed.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The states that it starts from, and the one that it leads to.
            #[must_use]
            pub const fn way(self) -> (&'static [State], State) {
                match self { $(Self::$name => (&[$(State::$from),+], State::$to),)+ }
            }

            /// The mutation, or the job, that does it.
            #[must_use]
            pub const fn mutation(self) -> &'static str {
                match self { $(Self::$name => $mutation,)+ }
            }
        }
    };
}

deeds! {
    /// Staff looks at it.
    Review = "serviceCaseReview": [Received] => UnderReview;
    /// The customer is asked for something.
    AskInfo = "serviceCaseAskInfo": [UnderReview, Extended] => NeedsInfo;
    /// The customer has answered, or does not.
    Answer = "messageAdd": [NeedsInfo] => UnderReview;
    /// A later day is announced.
    Extend = "serviceCaseExtend": [UnderReview] => Extended;
    /// An answer solves it.
    Solve = "serviceCaseDecide": [UnderReview, Extended] => SolvedDirectly;
    /// The customer is told how to send the goods.
    InstructReturn = "returnInstruct": [UnderReview, Extended] => ReturnInstructed;
    /// Accepted without a return.
    AcceptWithoutReturn = "serviceCaseDecide": [UnderReview, Extended] => ResolvedWithoutReturn;
    /// Not accepted.
    Refuse = "serviceCaseDecide": [UnderReview, Extended] => NotEligible;
    /// The goods are sent off.
    Dispatch = "returnDispatch": [ReturnInstructed] => InTransit;
    /// The goods never came.
    Expire = "job timers": [ReturnInstructed] => ReturnExpired;
    /// The carrier has lost the goods.
    Lose = "returnLose": [InTransit] => LostInTransit;
    /// The goods arrive, late ones too.
    Receive = "returnReceive": [InTransit, ReturnExpired, LostInTransit] => ReturnReceived;
    /// The inspection begins.
    Inspect = "returnInspectionBegin": [ReturnReceived] => Inspecting;
    /// It finds the conditions met.
    FindEligible = "returnInspectionRecord": [Inspecting] => Eligible;
    /// In part.
    FindPartlyEligible = "returnInspectionRecord": [Inspecting] => PartiallyEligible;
    /// Not met.
    FindNotEligible = "returnInspectionRecord": [Inspecting] => NotEligible;
    /// The goods are to be mended.
    ArrangeRepair = "remedyArrange": [Eligible, PartiallyEligible, ResolvedWithoutReturn] => Repair;
    /// Goods are to be sent in their place.
    ArrangeReplacement = "remedyArrange": [Eligible, PartiallyEligible, ResolvedWithoutReturn] => Replacement;
    /// The money is to go back.
    ArrangeRefund = "refundGrant": [Eligible, PartiallyEligible, ResolvedWithoutReturn] => Refund;
    /// Part of the price is to go back.
    ArrangeReduction = "refundGrant": [Eligible, PartiallyEligible, ResolvedWithoutReturn] => PriceReduction;
    /// The goods go back to the customer.
    SendBack = "returnSendBack": [NotEligible, PartiallyEligible] => SentBack;
    /// The customer is told the result.
    Notify = "serviceCaseNotify": [
        SolvedDirectly, NotEligible, ReturnExpired, LostInTransit, Repair, Replacement, Refund, PriceReduction,
        SentBack, ReExamination, DisputeClosed
    ] => ResultNotified;
    /// It is closed.
    Close = "serviceCaseClose": [ResultNotified] => Closed;
    /// The customer objects; possible as soon as the result was told.
    Object = "serviceCaseObject": [ResultNotified, Closed] => Reopened;
    /// Somebody else examines it again.
    Reexamine = "serviceCaseReexamine": [Reopened] => ReExamination;
    /// No agreement.
    OpenDispute = "disputeOpen": [ReExamination] => DisputeOpen;
    /// The parties agree after all.
    Settle = "disputeProceed": [DisputeOpen] => Settled;
    /// A conciliation board has it.
    Conciliate = "disputeProceed": [DisputeOpen] => Adr;
    /// A court has it.
    Sue = "disputeProceed": [DisputeOpen] => Court;
    /// The dispute has ended.
    EndDispute = "disputeClose": [Settled, Adr, Court] => DisputeClosed;
    /// The customer calls it off.
    Cancel = "serviceCaseCancel": [
        Received, UnderReview, NeedsInfo, Extended, SolvedDirectly, ReturnInstructed, ResolvedWithoutReturn, NotEligible,
        InTransit, ReturnExpired, LostInTransit, ReturnReceived, Inspecting, Eligible, PartiallyEligible, Repair,
        Replacement, Refund, PriceReduction, SentBack
    ] => Cancelled;
    /// It is the same as another one.
    Merge = "serviceCaseMerge": [
        Received, UnderReview, NeedsInfo, Extended, SolvedDirectly, ReturnInstructed, ResolvedWithoutReturn, NotEligible,
        InTransit, ReturnExpired, LostInTransit, ReturnReceived, Inspecting, Eligible, PartiallyEligible, Repair,
        Replacement, Refund, PriceReduction, SentBack
    ] => Merged;
    /// Money that was sent comes back after the customer was told: it is owed again.
    MoneyReturned = "refundFail": [ResultNotified, Closed] => Refund;
}

impl Deed {
    /// Whether it can be done in a state, by itself or after the step that goes with it.
    #[must_use]
    pub fn is_legal(self, state: State) -> bool {
        self.way().0.contains(&state) || self.first(state).is_some()
    }

    /// A step that the deed itself proves: deciding a new case is reviewing it, arrived goods have been sent.
    fn first(self, state: State) -> Option<Self> {
        let first = match (state, self) {
            (State::Received, Self::Review | Self::Cancel | Self::Merge) => None,
            (State::Received, _) => Some(Self::Review),
            (State::ReturnInstructed, Self::Receive) => Some(Self::Dispatch),
            _ => None,
        }?;
        self.way().0.contains(&first.way().1).then_some(first)
    }
}

/// Whose turn it is in a state, unless the deed says otherwise.
#[must_use]
pub const fn turn(state: State) -> WaitingFor {
    match state {
        State::NeedsInfo | State::ReturnInstructed => WaitingFor::Customer,
        State::Closed | State::Cancelled | State::Merged | State::Erased => WaitingFor::Nobody,
        _ => WaitingFor::Shop,
    }
}

/// Refuses what is not legal in the state of the case; the refusal names what is.
///
/// # Errors
/// `TRANSITION_NOT_ALLOWED` with `state`, `possibleIn` and `legalTransitions`.
pub fn require(case: &Model, deed: Deed, field: &[&'static str]) -> Result<()> {
    if deed.is_legal(case.state) {
        return Ok(());
    }
    let possible: Vec<&str> = State::iter().filter(|s| deed.is_legal(*s)).map(State::code).collect();
    let mutations = Deed::ALL.iter().filter(|d| **d != Deed::Expire && d.is_legal(case.state)).map(|d| d.mutation());
    let mut legal: Vec<&str> = Vec::new();
    for mutation in mutations {
        if !legal.contains(&mutation) {
            legal.push(mutation);
        }
    }
    let refusal = Refusal::at(Code::TransitionNotAllowed, field).with("state", case.state.code());
    Err(refusal.with("possibleIn", possible.join(", ")).with("legalTransitions", legal.join(", ")).into())
}

/// Takes a locked case a step on: the history is written, the row is returned with its new state, turn and version for
/// the caller to add to and to store.
///
/// # Errors
/// As [`require`]; the database fails.
pub(crate) async fn advance(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: Model,
    deed: Deed,
    field: &[&'static str],
    now: DateTime<Utc>,
) -> Result<ActiveModel> {
    require(&case, deed, field)?;
    let (id, mut version, mut from) = (case.id, case.version, case.state);
    let to = deed.way().1;
    for next in deed.first(from).map(|first| first.way().1).into_iter().chain([to]) {
        version += 1;
        record(tx, actor, id, version, Some(from), next, now).await?;
        from = next;
    }
    let mut row: ActiveModel = case.into();
    row.state = Set(to);
    row.waiting_for = Set(Some(turn(to)));
    row.version = Set(version);
    Ok(row)
}

/// Appends a step to the history of a case.
///
/// # Errors
/// The database fails.
pub(crate) async fn record(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: CaseId,
    position: i64,
    from: Option<State>,
    to: State,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = case_transitions::ActiveModel {
        id: Set(TransitionId::new(now)),
        case_id: Set(case),
        position: Set(position),
        from_state: Set(from),
        to_state: Set(to),
        at: Set(now),
        actor_kind: Set(actor.kind()),
        actor_id: Set(actor.id()),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

/// The history of a case, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn history(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<case_transitions::Model>> {
    let of_case = case_transitions::Entity::find().filter(case_transitions::Column::CaseId.eq(case));
    Ok(of_case.order_by_asc(case_transitions::Column::Position).all(db).await?)
}
