//! The data map: what every column is, collected from the files that declare them.
//!
//! Export, erasure, retention, holds, the residual scan and the documents execute [`tables`]; none has a list of its own.

use std::sync::LazyLock;

use sea_orm::{ColumnTrait, ColumnType, EntityTrait, IdenStatic, Iterable};

use crate::DataType;

/// Whose data a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The customer whom the row belongs to.
    Customer,
    /// A member of staff.
    Staff,
    /// Nobody's: not personal.
    Nobody,
}

/// The category of GDPR Art. 15(1)(b) and Art. 30(1)(c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Name.
    Identity,
    /// E-mail, telephone, postal address.
    Contact,
    /// What was bought, delivered, claimed and decided.
    Contract,
    /// Amounts and payment references.
    Payment,
    /// What was written.
    Communication,
    /// Photos and videos.
    Evidence,
    /// Ids, times and codes that run the service.
    Operation,
}

/// What an export (GDPR Art. 15, 20) does with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Shown under this label.
    Shown(&'static str),
    /// Left out, for this reason.
    Omitted(&'static str),
}

/// What the end of its data type does with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// Overwritten with NULL where the row has to stay as a bare id; otherwise gone with the row.
    Cleared,
    /// Stays in a bare row: an id, a link or a marker.
    Stays,
}

/// What one column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Whose data.
    pub whose: Whose,
    /// Category of data.
    pub category: Category,
    /// Sealed with the key of the row's erasure unit, or plain.
    pub sealed: bool,
    /// What an export shows.
    pub export: Export,
    /// What erasure does.
    pub at_end: AtEnd,
}

impl Meaning {
    /// A direct identifier or free text: sealed, exported, cleared.
    #[must_use]
    pub const fn sealed(category: Category, label: &'static str) -> Self {
        Self { whose: Whose::Customer, category, sealed: true, export: Export::Shown(label), at_end: AtEnd::Cleared }
    }

    /// A code, amount or time about the customer: plain, exported, cleared.
    #[must_use]
    pub const fn plain(category: Category, label: &'static str) -> Self {
        Self { whose: Whose::Customer, category, sealed: false, export: Export::Shown(label), at_end: AtEnd::Cleared }
    }

    /// An opaque id or a link to another row; shown, and all that a bare row keeps.
    #[must_use]
    pub const fn id(label: &'static str) -> Self {
        let category = Category::Operation;
        Self { whose: Whose::Customer, category, sealed: false, export: Export::Shown(label), at_end: AtEnd::Stays }
    }

    /// Runs the service and says nothing more about the person than the shown columns do.
    #[must_use]
    pub const fn internal(reason: &'static str) -> Self {
        let category = Category::Operation;
        Self { whose: Whose::Nobody, category, sealed: false, export: Export::Omitted(reason), at_end: AtEnd::Stays }
    }

    /// The id of a member of staff: never shown to the customer (CJEU C-579/21).
    #[must_use]
    pub const fn staff() -> Self {
        Self {
            whose: Whose::Staff,
            category: Category::Operation,
            sealed: false,
            export: Export::Omitted("names an employee (CJEU C-579/21)"),
            at_end: AtEnd::Cleared,
        }
    }

    /// Personal data of a member of staff, sealed.
    #[must_use]
    pub const fn staff_sealed(category: Category) -> Self {
        Self { whose: Whose::Staff, sealed: true, category, ..Self::staff() }
    }
}

/// How a row leads to the person it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The row is the person.
    Itself,
    /// Through a link: (column, table it points to). A hold on the row pointed to covers this row.
    /// A table with several links belongs to the person whom any of them leads to.
    Through(&'static [(&'static str, &'static str)]),
    /// The row is a member of staff.
    Staff,
    /// Nobody.
    Nobody,
}

/// What becomes of a row at the end of its data type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowEnd {
    /// The row is deleted.
    Deleted,
    /// Deleted, but while rows that outlive it still point to it, it stays as a bare id.
    Bare,
}

/// Implemented by every entity, in the file that declares it.
pub trait Classified: EntityTrait {
    /// The path to the data subject.
    const SUBJECT: Subject;
    /// The data types that rows of this table can have. Several: the row's column `data_type` names one.
    const TYPES: &'static [DataType];
    /// The column that holds the start instant of the retention period, where there is one.
    const START: Option<Self::Column>;
    /// What becomes of a row at the end.
    const END: RowEnd = RowEnd::Deleted;
    /// What a column is. Exhaustive, so that a column that nobody classified does not compile.
    fn meaning(column: &Self::Column) -> Meaning;
}

/// A column, with its name and type as the database knows them.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: ColumnType,
    /// What it is.
    pub meaning: Meaning,
}

/// A table and all that is known of it.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The path to the person.
    pub subject: Subject,
    /// Its data types.
    pub types: &'static [DataType],
    /// The column with the start instant.
    pub start: Option<&'static str>,
    /// What becomes of a row.
    pub end: RowEnd,
    /// Its columns, in order of declaration.
    pub columns: Vec<Column>,
}

impl Table {
    fn of<E: Classified>() -> Self {
        let columns = E::Column::iter()
            .map(|c| Column { name: c.as_str(), ty: c.def().get_column_type().clone(), meaning: E::meaning(&c) })
            .collect();
        Self {
            name: E::default().table_name(),
            subject: E::SUBJECT,
            types: E::TYPES,
            start: E::START.map(|c| c.as_str()),
            end: E::END,
            columns,
        }
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Whether the table has a column of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.column(name).is_some()
    }

    /// The links that a hold or the way to the person follows.
    #[must_use]
    pub const fn links(&self) -> &'static [(&'static str, &'static str)] {
        match self.subject {
            Subject::Through(links) => links,
            Subject::Itself | Subject::Staff | Subject::Nobody => &[],
        }
    }

    /// Whether rows of this table belong to a customer.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        matches!(self.subject, Subject::Itself | Subject::Through(_))
    }
}

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    vec![
        Table::of::<crate::customers::Entity>(),
        Table::of::<crate::orders::Entity>(),
        Table::of::<crate::order_lines::Entity>(),
        Table::of::<crate::cases::Entity>(),
        Table::of::<crate::case_transitions::Entity>(),
        Table::of::<crate::messages::Entity>(),
        Table::of::<crate::mails::Entity>(),
        Table::of::<crate::inbound_mails::Entity>(),
        Table::of::<crate::withdrawals::Entity>(),
        Table::of::<crate::returns::Entity>(),
        Table::of::<crate::return_lines::Entity>(),
        Table::of::<crate::parcels::Entity>(),
        Table::of::<crate::carrier_events::Entity>(),
        Table::of::<crate::remedies::Entity>(),
        Table::of::<crate::refunds::Entity>(),
        Table::of::<crate::inquiry_entries::Entity>(),
        Table::of::<crate::consents::Entity>(),
        Table::of::<crate::proposals::Entity>(),
        Table::of::<crate::disputes::Entity>(),
        Table::of::<crate::disclosures::Entity>(),
        Table::of::<crate::safety_entries::Entity>(),
        Table::of::<crate::attachments::Entity>(),
        Table::of::<crate::timers::Entity>(),
        Table::of::<crate::tasks::Entity>(),
        Table::of::<crate::holds::Entity>(),
        Table::of::<crate::restrictions::Entity>(),
        Table::of::<crate::access_entries::Entity>(),
        Table::of::<crate::tokens::Entity>(),
        Table::of::<crate::idempotency_keys::Entity>(),
        Table::of::<crate::erasures::Entity>(),
        Table::of::<crate::audit_entries::Entity>(),
        Table::of::<crate::outbox_entries::Entity>(),
        Table::of::<crate::jobs::Entity>(),
        Table::of::<crate::job_runs::Entity>(),
        Table::of::<crate::staff::Entity>(),
        Table::of::<crate::retention_plans::Entity>(),
        Table::of::<crate::retention_plan_rows::Entity>(),
        Table::of::<crate::retention_runs::Entity>(),
        Table::of::<crate::retention_control::Entity>(),
        Table::of::<crate::retention_rules::Entity>(),
        Table::of::<crate::policy_versions::Entity>(),
        Table::of::<crate::suppressions::Entity>(),
        Table::of::<crate::service_statistics::Entity>(),
    ]
});

/// Every table of the main database.
#[must_use]
pub fn tables() -> &'static [Table] {
    &TABLES
}

/// The table of this name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|t| t.name == name)
}
