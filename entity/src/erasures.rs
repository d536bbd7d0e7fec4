//! Erasures (R13): what was decided for a person, record by record, without content.

use sea_orm::entity::prelude::*;

use crate::map::{AtEnd, Category, Classified, Export, Meaning, Subject};
use crate::{DataType, Sealed, ids::CustomerId, ids::ErasureId, ids::StaffId, ids::UnitId};

crate::codes! {
    /// Where an erasure stands.
    State {
        /// Decided, and being done; a run that died is gone on with.
        Running = "RUNNING",
        /// Part of it waits until something open closes; the nightly run goes on with it.
        Deferred = "DEFERRED",
        /// All is erased, anonymised or lawfully kept.
        Settled = "SETTLED",
    }
}

crate::codes! {
    /// What the scan after an erasure has found.
    ScanState {
        /// To be scanned.
        Pending = "PENDING",
        /// Nothing but what is lawfully kept.
        Passed = "PASSED",
        /// Something that had to be gone.
        Failed = "FAILED",
    }
}

/// An erasure and its certificate: ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasures")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ErasureId,
    /// Opaque id of the person, kept as proof.
    pub customer_id: CustomerId,
    /// Settled, or waiting for something open to close.
    pub state: State,
    /// When it was decided.
    pub requested_at: DateTimeUtc,
    /// Who decided it, by id.
    pub requested_by: Option<StaffId>,
    /// Outcome per record as JSON: ids and codes only.
    pub report: String,
    /// Something that it waited for has ended: a job goes on with it at once.
    pub wake_at: Option<DateTimeUtc>,
    /// The erasure unit of the identifiers; none once the scan is done.
    pub unit_id: Option<UnitId>,
    /// What the scan looks for, as JSON, collected before it went.
    pub identifiers: Option<Sealed>,
    /// Where the scan stands; none while nothing has gone.
    pub scan_state: Option<ScanState>,
    /// What the last scan found, as JSON: places, ids and counts.
    pub scan: Option<String>,
    /// When it was scanned last.
    pub scanned_at: Option<DateTimeUtc>,
    /// The certificate as JSON: ids, codes and counts.
    pub certificate: Option<String>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub certificate_hash: Option<String>,
    /// When nothing was left to do.
    pub settled_at: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Nobody;
    const TYPES: &'static [DataType] = &[DataType::R13];
    const START: Option<Column> = Some(Column::SettledAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId
            | Column::State
            | Column::RequestedAt
            | Column::Report
            | Column::Scan
            | Column::ScanState
            | Column::ScannedAt
            | Column::Certificate
            | Column::CertificateHash
            | Column::SettledAt => Meaning::internal("proof of erasure: ids and codes only"),
            Column::WakeAt => Meaning::internal("when the erasure goes on"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Identifiers => Meaning {
                export: Export::Omitted("looked for after the erasure, then destroyed with its key"),
                at_end: AtEnd::Cleared,
                identifies: false,
                ..Meaning::sealed(Category::Contact, "")
            },
            Column::RequestedBy => Meaning::staff(),
        }
    }
}
