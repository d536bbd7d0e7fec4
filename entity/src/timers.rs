//! Timers of a case (R26): what the shop has promised by when, and whether it was kept. No timer is deleted before its case.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, ids::CaseId, ids::RefundId, ids::TimerId};

crate::codes! {
    /// Where a timer stands.
    State {
        /// It runs.
        Running = "RUNNING",
        /// It waits, with a reason.
        Paused = "PAUSED",
        /// What was promised was done in time.
        Met = "MET",
        /// It was not.
        Breached = "BREACHED",
        /// Another day was announced, or it has no object any more.
        Superseded = "SUPERSEDED",
    }
}

/// A timer. Its end follows from its rule, start and pauses by the policy of the day on which it started.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "timers")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TimerId,
    /// Case.
    pub case_id: CaseId,
    /// The refund that it follows, if it follows one.
    pub refund_id: Option<RefundId>,
    /// The rule, such as `review`.
    pub rule: String,
    /// Where it stands.
    pub state: State,
    /// The event that started it.
    pub started_at: DateTimeUtc,
    /// The first instant after its period; while paused, as it was when the pause began.
    pub ends_at: DateTimeUtc,
    /// Whether the end was announced to the customer instead of following from the rule.
    pub announced: bool,
    /// Interruptions as JSON: `[{"from", "to" or null, "reason"}]`, UTC.
    pub pauses: String,
    /// When it was met or superseded.
    pub settled_at: Option<DateTimeUtc>,
    /// When its breach was marked.
    pub breached_at: Option<DateTimeUtc>,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases")]);
    const TYPES: &'static [DataType] = &[DataType::R26];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::RefundId => Meaning::id("Refund"),
            Column::Rule => Meaning::plain(Category::Operation, "Period"),
            Column::State => Meaning::plain(Category::Operation, "State"),
            Column::StartedAt => Meaning::plain(Category::Operation, "Started at"),
            Column::EndsAt => Meaning::plain(Category::Operation, "Ends at"),
            Column::Announced => Meaning::plain(Category::Operation, "Announced"),
            Column::Pauses => Meaning::plain(Category::Operation, "Pauses"),
            Column::SettledAt => Meaning::plain(Category::Operation, "Settled at"),
            Column::BreachedAt => Meaning::plain(Category::Operation, "Breached at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
