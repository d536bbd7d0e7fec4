//! Staff (R31): name and e-mail until the person leaves; the id stays in the audit.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::StaffId, ids::UnitId};

crate::codes! {
    /// A role is a set of permissions; `aftersales::auth` says which.
    Role {
        /// Service agent.
        Agent = "AGENT",
        /// Warehouse.
        Warehouse = "WAREHOUSE",
        /// Finance.
        Finance = "FINANCE",
        /// Data-protection officer.
        Dpo = "DPO",
        /// Administrator: settings and jobs, no personal data.
        Admin = "ADMIN",
    }
}

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StaffId,
    /// The erasure unit whose key seals this row; none in a bare row.
    pub unit_id: Option<UnitId>,
    /// Name.
    pub name: Option<Sealed>,
    /// E-mail.
    pub email: Option<Sealed>,
    /// What they may do.
    pub role: Role,
    /// When the account was made.
    pub created_at: DateTimeUtc,
    /// When they left.
    pub left_at: Option<DateTimeUtc>,
    /// When the retention period began; none while it has not.
    pub start_at: Option<DateTimeUtc>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Staff;
    const TYPES: &'static [DataType] = &[DataType::R31];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id | Column::Role | Column::CreatedAt | Column::LeftAt => Meaning::staff(),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Name => Meaning::staff_sealed(Category::Identity),
            Column::Email => Meaning::staff_sealed(Category::Contact),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
