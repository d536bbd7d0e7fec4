//! People and their data: actors, roles, evidence, holds, erasures, disclosures.

use async_graphql::Enum;

/// Where an attachment stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::attachments::State")]
pub enum AttachmentState {
    /// A ticket has been issued; no bytes yet.
    AwaitingUpload,
    /// Bytes are being received.
    Receiving,
    /// Stripped, sealed and stored.
    Available,
}

/// Why deletion is suspended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::holds::Reason")]
pub enum HoldReason {
    /// Establishment, exercise or defence of legal claims, Art. 17(3)(e).
    LegalClaim,
    /// A tax whose assessment is still open, AO § 147(3) sentence 5.
    TaxAudit,
    /// An authority has asked.
    AuthorityRequest,
}

/// What somebody opens personal data for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::access_entries::Purpose")]
pub enum AccessPurpose {
    /// Working on the case.
    CaseHandling,
    /// Paying a refund.
    Refund,
    /// Reaching the customer.
    Contact,
    /// Answering the data subject or checking privacy.
    DataProtection,
    /// Looking at evidence.
    Evidence,
}

/// Who did a thing.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::codes::ActorKind")]
pub enum ActorKind {
    /// Nobody signed in.
    Anonymous,
    /// A customer, in person.
    Customer,
    /// A member of staff.
    Staff,
    /// The shop's own backend.
    Shop,
    /// A job or the command line.
    System,
}

/// The language that a customer is written to in.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::codes::Locale")]
pub enum Locale {
    /// German.
    De,
    /// English.
    En,
}

/// A role.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::staff::Role")]
pub enum StaffRole {
    /// Service agent.
    Agent,
    /// Warehouse.
    Warehouse,
    /// Finance.
    Finance,
    /// Data-protection officer.
    Dpo,
    /// Administrator: settings and jobs, no personal data.
    Admin,
}

/// What happens when a period has ended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::retention_rules::Action")]
pub enum RetentionAction {
    /// The row is deleted.
    Delete,
    /// The row is counted into coarse statistics that cannot be linked back, then deleted.
    Anonymise,
}

/// How a run of a job ended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::job_runs::State")]
pub enum JobRunState {
    /// It is running, or its process died.
    Running,
    /// Done.
    Done,
    /// It failed; the next run goes on.
    Failed,
}

/// Where an erasure stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::erasures::State")]
pub enum ErasureState {
    /// Decided, and being done; a run that died is gone on with.
    Running,
    /// Part of it waits until something open closes; the nightly run goes on with it.
    Deferred,
    /// All is erased, anonymised or lawfully kept.
    Settled,
}

/// What the scan after an erasure has found.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::erasures::ScanState")]
pub enum ErasureScanState {
    /// To be scanned.
    Pending,
    /// Nothing but what is lawfully kept.
    Passed,
    /// Something that had to be gone.
    Failed,
}

/// Who got it.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::disclosures::RecipientKind")]
pub enum RecipientKind {
    /// A carrier.
    Carrier,
    /// A payment provider or bank.
    PaymentProvider,
    /// A repair shop or manufacturer.
    RepairShop,
    /// A conciliation board.
    ConciliationBoard,
    /// A court.
    Court,
    /// A lawyer.
    Lawyer,
    /// An authority.
    Authority,
}

/// What for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::disclosures::Purpose")]
pub enum DisclosurePurpose {
    /// To move goods.
    Delivery,
    /// To pay.
    Payment,
    /// To mend goods.
    Cure,
    /// To establish or defend a claim.
    LegalClaim,
}
