//! Typed UUIDv7 ids: they sort by time on both engines, so a page key is an id.

use chrono::{DateTime, Utc};
use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

/// A UUIDv7 whose time is `now`; the instant comes from the caller's clock, never from the system.
#[must_use]
pub fn uuid_at(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

/// The first UUIDv7 of an instant's millisecond: every id made before it sorts before, every later one after it.
#[must_use]
pub fn first_at(instant: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::try_from(instant.timestamp_millis()).unwrap_or(0) << 80)
}

/// When a UUIDv7 was made, to the millisecond.
#[must_use]
pub fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id whose leading bits are `now`.
            #[must_use]
            pub fn new(now: DateTime<Utc>) -> Self {
                Self(uuid_at(now))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

ids! {
    /// A customer: the data subject of nearly everything here.
    CustomerId,
    /// An order registered for after-sales.
    OrderId,
    /// A line of an order.
    OrderLineId,
    /// A parcel of an order.
    ParcelId,
    /// A service case.
    CaseId,
    /// A message of a case.
    MessageId,
    /// A refund.
    RefundId,
    /// A photo or video.
    AttachmentId,
    /// A timer of a case.
    TimerId,
    /// A task for staff.
    TaskId,
    /// A step of a case through its states.
    TransitionId,
    /// A statement of withdrawal.
    WithdrawalId,
    /// A return.
    ReturnId,
    /// A line of a return.
    ReturnLineId,
    /// A remedy in kind.
    RemedyId,
    /// An entry of the log of a refund inquiry.
    InquiryEntryId,
    /// A consent.
    ConsentId,
    /// A dispute.
    DisputeId,
    /// A proposal.
    ProposalId,
    /// A disclosure.
    DisclosureId,
    /// An entry of the product-safety register.
    SafetyEntryId,
    /// An e-mail to a customer.
    MailId,
    /// An e-mail that came in.
    InboundMailId,
    /// A legal hold.
    HoldId,
    /// A restriction of processing.
    RestrictionId,
    /// A plan of removal.
    PlanId,
    /// A run of the sweep.
    RunId,
    /// A member of staff.
    StaffId,
    /// An erasure unit, whose data key lives in the key store.
    UnitId,
    /// A customer token or an upload ticket.
    TokenId,
    /// An erasure decided for a person.
    ErasureId,
    /// A row of the audit, the access log, the outbox, the idempotency store, a rule or a run.
    EntryId,
}
