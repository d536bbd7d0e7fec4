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
    /// The person's own request for access is open: nothing of theirs goes before it is answered (EDPB Guidelines 01/2022). On a
    /// customer, reviewed within three months (GDPR Art. 12(3)).
    AccessRequest,
}

/// Why processing is restricted (GDPR Art. 18(1)).
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::restrictions::Ground")]
pub enum RestrictionGround {
    /// The person contests that the data is right, Art. 18(1)(a).
    AccuracyContested,
    /// The processing is unlawful, and the person wants no erasure, Art. 18(1)(b).
    UnlawfulProcessing,
    /// The shop needs it no longer, the person does for legal claims, Art. 18(1)(c).
    NeededForClaims,
    /// The person has objected, and it is being weighed, Art. 18(1)(d), 21(1).
    ObjectionPending,
}

/// How the person was told that a restriction will be lifted.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::restrictions::Told")]
pub enum ToldBy {
    /// By e-mail.
    Email,
    /// By letter.
    Letter,
    /// By telephone.
    Phone,
}

/// What somebody opens personal data for.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::Purpose")]
pub enum AccessPurpose {
    /// Working on the case.
    CaseHandling,
    /// Counting, inspecting and sending goods.
    Goods,
    /// Paying a refund.
    Refund,
    /// Reaching the customer.
    Contact,
    /// Answering the data subject or checking privacy.
    DataProtection,
    /// Looking at evidence.
    Evidence,
    /// The person's own access.
    SelfService,
    /// Keeping books, and showing them to the tax office (AO §§ 146, 147).
    Bookkeeping,
    /// Establishing or defending a claim.
    LegalClaim,
    /// Managing staff accounts.
    StaffAccounts,
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

/// What keeps a record whatever its period says.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionWait {
    /// A legal hold covers it.
    Hold,
    /// Its processing is restricted (GDPR Art. 18).
    Restriction,
    /// A case about it is open, or a refund about it is on its way.
    OpenWork,
    /// An order about it is on its way.
    OrderOnItsWay,
}

/// How a run of the removal stands or ended.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::retention_runs::State")]
pub enum RetentionRunState {
    /// It is running, or its process died.
    Running,
    /// Everything due has gone.
    Done,
    /// It took as many rows as a run may; the next one goes on.
    Capped,
    /// It took nothing: more is due than was foreseen, and nothing explains it. It waits for a confirmation.
    Surplus,
    /// The kill switch is on.
    Paused,
    /// Somebody cancelled it; the next one goes on.
    Cancelled,
    /// A store failed, or the process died; the next one goes on.
    Failed,
}

/// Where a plan of removal stands.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::retention_plans::State")]
pub enum RetentionPlanState {
    /// It can be looked at and approved.
    Planned,
    /// It is carried out within a minute.
    Approved,
    /// It has been carried out.
    Executed,
    /// Nobody approved it within seven days.
    Expired,
    /// Somebody called it off; rows without an outcome were not touched.
    Cancelled,
}

/// What became of a planned row.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "entity::retention_plan_rows::Outcome")]
pub enum PlanRowOutcome {
    /// Deleted.
    Deleted,
    /// Counted without ids, then deleted or left as a bare id.
    Anonymised,
    /// Dropped out: a hold covers it.
    Held,
    /// Dropped out: its processing is restricted.
    Restricted,
    /// Dropped out: work runs on it.
    Open,
    /// Dropped out: its period is not over, by the rule that is now in force.
    NotDue,
    /// Dropped out: it has changed since the plan was made.
    Changed,
    /// Dropped out: it has gone otherwise.
    Gone,
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
    /// Part of it waits until something open closes, or a hold or a restriction ends; then it goes on within a minute.
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
