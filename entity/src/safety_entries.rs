//! Register of product-safety complaints and accidents (R20; Regulation (EU) 2023/988 Art. 9(12), 11): records of their own, so
//! that the ceiling of the register never meets the floor of the complaint (R04).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, Sealed, ids::CaseId, ids::CustomerId, ids::SafetyEntryId, ids::StaffId, ids::UnitId};

crate::codes! {
    /// What happened to people.
    Harm {
        /// Nobody was hurt.
        None = "NONE",
        /// No treatment by a doctor was needed.
        Minor = "MINOR",
        /// Treatment was needed, or more.
        Serious = "SERIOUS",
        /// Somebody died.
        Fatal = "FATAL",
    }
}

/// An entry. It goes five years after it was made, whatever its case does.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "safety_entries")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SafetyEntryId,
    /// The case that it was taken from, if it was. Not a foreign key: either goes without asking the other.
    pub case_id: Option<CaseId>,
    /// The customer of that case.
    pub customer_id: Option<CustomerId>,
    /// The erasure unit whose key seals this row.
    pub unit_id: Option<UnitId>,
    /// Article number.
    pub sku: String,
    /// Product group code, upper case.
    pub product_group: String,
    /// What happened to people.
    pub harm: Harm,
    /// The day on which it happened, if known.
    pub happened_on: Option<Date>,
    /// What happened, in words.
    pub account: Option<Sealed>,
    /// How to reach who complained, as far as the inquiry needs it.
    pub contact: Option<Sealed>,
    /// What was done about it.
    pub measures: Option<Sealed>,
    /// When the authority was told (Art. 9(8), 20).
    pub reported_at: Option<DateTimeUtc>,
    /// When the entry was made: its period begins.
    pub entered_at: DateTimeUtc,
    /// Who, by id.
    pub entered_by: Option<StaffId>,
    /// Counts changes; guards concurrent updates.
    pub version: i64,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    /// Both links: a hold on the case covers the entry about it as well.
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R20];
    const START: Option<Column> = Some(Column::EnteredAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Sku => Meaning::plain(Category::Contract, "Article number"),
            Column::ProductGroup => Meaning::plain(Category::Contract, "Product group"),
            Column::Harm => Meaning::plain(Category::Contract, "Harm"),
            Column::HappenedOn => Meaning::plain(Category::Contract, "Happened on"),
            Column::Account => Meaning::sealed(Category::Communication, "What happened"),
            Column::Contact => Meaning::sealed(Category::Contact, "Contact"),
            Column::Measures => Meaning::sealed(Category::Communication, "Measures"),
            Column::ReportedAt => Meaning::plain(Category::Operation, "Reported to the authority at"),
            Column::EnteredAt => Meaning::plain(Category::Operation, "Entered at"),
            Column::EnteredBy => Meaning::staff(),
            Column::Version => Meaning::internal("counts changes"),
        }
    }
}
