//! What could be done with a case, and why something could not.

use entity::cases::{Kind, Model, State};

use crate::auth::{Actor, Permission};
use crate::cases::machine::Deed;
use crate::disputes::proposals::TALKS;
use crate::graphql::retention::AvailableAction;
use crate::refunds;

/// What is under way on a case.
#[derive(Clone, Copy)]
pub(super) struct Under {
    /// A refund is on its way.
    pub running: bool,
    /// A remedy is arranged and not sent.
    pub ordered: bool,
    /// A timer runs.
    pub ticks: bool,
    /// The actor had part in the examination that is objected to.
    pub took_part: bool,
    /// A timer is paused.
    pub waits: bool,
    /// A proposal was made.
    pub proposed: bool,
    /// The customer has accepted a proposal.
    pub agreed: bool,
}

/// Every mutation of a case, each with the first reason why it cannot be called.
pub(super) fn of(actor: &Actor, case: &Model, under: Under) -> Vec<AvailableAction> {
    let lacks = |permission| (!actor.may(permission), "ROLE");
    let over = (case.state.is_over(), "STATE");
    let not = |deed: Deed| (!deed.is_legal(case.state), "STATE");
    let decide = lacks(Permission::Decide);
    let write = lacks(Permission::Correspond);
    let same = (under.took_part, "SAME_PERSON");
    let no_order = (case.order_id.is_none(), "NO_ORDER");
    let unsettled = [(under.running, "REFUND_RUNNING"), (under.ordered, "REMEDY_ORDERED")];
    let declared = (case.kind == Some(Kind::Withdrawal), "WITHDRAWAL");
    let granted = (!refunds::may_be_granted(case, under.agreed), "STATE");
    let further = matches!(case.state, State::Repair | State::Replacement);
    let in_kind = (!further && !Deed::ArrangeReplacement.is_legal(case.state), "STATE");
    let talks = (!TALKS.contains(&case.state), "STATE");
    let action = AvailableAction::unless;
    // A further announcement is no further step.
    let again = case.state == State::Extended;
    let extend = (!again && !Deed::Extend.is_legal(case.state), "STATE");
    vec![
        action("messageAdd", &[write, over]),
        action("attachmentUploadCreate", &[write, over]),
        action("serviceCaseAssign", &[decide, over]),
        action("serviceCaseReview", &[decide, not(Deed::Review)]),
        action("serviceCaseAskInfo", &[decide, not(Deed::AskInfo)]),
        action("serviceCaseExtend", &[decide, extend]),
        action("serviceCasePause", &[decide, over, (!under.ticks, "STATE")]),
        action("serviceCaseResume", &[decide, over, (!under.waits, "STATE")]),
        action("serviceCaseDecide", &[decide, not(Deed::Solve)]),
        action("returnInstruct", &[decide, not(Deed::InstructReturn), no_order]),
        action("remedyArrange", &[decide, in_kind, no_order]),
        action("refundGrant", &[lacks(Permission::GrantRefund), granted, no_order]),
        action("serviceCaseNotify", &[decide, not(Deed::Notify)]),
        action("serviceCaseClose", &[decide, not(Deed::Close), unsettled[0], unsettled[1]]),
        action("serviceCaseObject", &[write, not(Deed::Object)]),
        action("serviceCaseReexamine", &[decide, not(Deed::Reexamine), same]),
        action("proposalRecord", &[decide, talks]),
        action("disputeOpen", &[decide, not(Deed::OpenDispute), (!under.proposed, "NO_PROPOSAL")]),
        action("caseDossier", &[decide]),
        action("serviceCaseCancel", &[write, not(Deed::Cancel), declared, unsettled[0], unsettled[1]]),
        action("serviceCaseMerge", &[decide, not(Deed::Merge), unsettled[0], unsettled[1]]),
    ]
}
