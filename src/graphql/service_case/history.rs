//! The history of a case, and what is still missing.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::DataType;
use entity::case_transitions::Model;

use crate::cases::checklist::Fact;
use crate::graphql::codes::{ActorKind, ServiceCaseState};
use crate::graphql::retention::{Retention, retention};
use crate::graphql::session::ContextExt as _;

/// A step of a case through its states.
pub struct Transition(pub Model);

#[Object]
impl Transition {
    /// Where it stood; null before its receipt.
    async fn from(&self) -> Option<ServiceCaseState> {
        self.0.from_state.map(Into::into)
    }

    /// Where it stands from then on.
    async fn to(&self) -> ServiceCaseState {
        self.0.to_state.into()
    }

    /// When, UTC.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// What kind of actor did it.
    async fn actor_kind(&self) -> ActorKind {
        self.0.actor_kind.into()
    }

    /// Why it is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("case_transitions", self.0.id.0), DataType::R26, self.0.start_at)
    }
}

/// A fact that helps with a request.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Fact")]
pub enum FactCode {
    /// The full order number.
    OrderNumber,
    /// Which product.
    Product,
    /// A description of the problem.
    Description,
    /// Why.
    Reason,
    /// Photos or videos.
    Photos,
    /// Serial number of the goods.
    SerialNumber,
    /// Since when the defect shows.
    DefectSince,
    /// The tracking number of the parcel.
    TrackingNumber,
    /// A statement of the account that the refund should have reached.
    BankStatement,
    /// Whether the customer wants repair, replacement, exchange or money.
    Wish,
    /// What proves that the goods were sent off.
    ProofOfDispatch,
}

/// A fact that would help and is not there yet.
#[derive(SimpleObject)]
pub struct MissingFact {
    /// Which.
    pub fact: FactCode,
    /// In words, in the language of `Accept-Language`.
    pub label: &'static str,
}
