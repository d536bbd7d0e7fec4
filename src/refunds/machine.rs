//! The states of a refund and the steps between them: the whole table. A refusal names what would be legal.

use entity::refunds::State;
use serde::Serialize;

use crate::auth::Permission;
use crate::error::{Code, Refusal, Result};

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $mutation:literal by $who:ident: [$($from:ident),+] => $to:ident;)+) => {
        /// What takes a refund from one state to another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        pub enum Step { $($(#[$doc])* $name,)+ }

        impl Step {
            /// Every step.
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

            /// Who may.
            #[must_use]
            pub const fn permission(self) -> Permission {
                match self { $(Self::$name => Permission::$who,)+ }
            }
        }
    };
}

steps! {
    /// A second person agrees to the amount (F31); the refund stays where it is.
    Approve = "refundApprove" by MoveRefund: [Granted, AlternativeAgreed] => Granted;
    /// Handed to the payment provider; after a failure, by the means that were agreed on.
    Submit = "refundSubmit" by MoveRefund: [Granted, AlternativeAgreed] => Submitted;
    /// The provider has it.
    Acknowledge = "refundAcknowledge" by MoveRefund: [Submitted] => PendingAtProvider;
    /// The bank's usual time is over (S61).
    Expire = "job timers" by MoveRefund: [Submitted, PendingAtProvider] => Overdue;
    /// Its whereabouts are asked for; also of one that is said to have been credited.
    Inquire = "refundInquire" by AskAfterRefund: [Submitted, PendingAtProvider, Overdue, Credited] => Clarification;
    /// Credited to the customer.
    Credit = "refundCredit" by MoveRefund: [Submitted, PendingAtProvider, Overdue, Clarification] => Credited;
    /// Withdrawn before it was submitted, or refused by the provider; possible even after a credit, when the money comes
    /// back.
    Fail = "refundFail" by MoveRefund: [
        Granted, Submitted, PendingAtProvider, Overdue, Clarification, Credited, AlternativeAgreed
    ] => Failed;
    /// After a failure, the customer agrees to other means (BGB § 357(3)).
    AgreeAlternative = "refundAgreeAlternative" by GrantRefund: [Failed] => AlternativeAgreed;
}

impl Step {
    /// Whether it can be done in a state.
    #[must_use]
    pub fn is_legal(self, state: State) -> bool {
        self.way().0.contains(&state)
    }
}

/// Refuses a step that is not legal in a state.
///
/// # Errors
/// `TRANSITION_NOT_ALLOWED` with `state`, `possibleIn` and `legalTransitions`.
pub fn require(state: State, step: Step) -> Result<()> {
    if step.is_legal(state) {
        return Ok(());
    }
    let possible: Vec<&str> = step.way().0.iter().map(|s| s.code()).collect();
    let legal: Vec<&str> = Step::ALL.iter().filter(|s| s.is_legal(state)).map(|s| s.mutation()).collect();
    let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "refundId"]).with("state", state.code());
    Err(refusal.with("possibleIn", possible.join(", ")).with("legalTransitions", legal.join(", ")).into())
}
