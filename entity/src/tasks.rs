//! Tasks for staff (R26): what somebody has to look at.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, ids::CaseId, ids::StaffId, ids::TaskId, ids::TimerId};

crate::codes! {
    /// What is to be done.
    Kind {
        /// A promise was not kept: answer, decide, or tell the customer.
        DeadlineMissed = "DEADLINE_MISSED",
        /// A refund was not credited in the expected time: ask the bank (S61, S62).
        RefundNotCredited = "REFUND_NOT_CREDITED",
        /// Goods came back: inspect them without delay (S29).
        InspectGoods = "INSPECT_GOODS",
        /// The inspection found the conditions met: arrange the remedy that the customer chose (S31 to S33).
        ArrangeRemedy = "ARRANGE_REMEDY",
        /// The inspection did not: send the goods back, decide who pays (S36, S37).
        SendGoodsBack = "SEND_GOODS_BACK",
        /// A statement of withdrawal fits no order: match it by hand.
        MatchWithdrawal = "MATCH_WITHDRAWAL",
        /// A withdrawal has to be paid back: goods or proof of dispatch are there, or cannot be waited for.
        RefundWithdrawal = "REFUND_WITHDRAWAL",
        /// A parcel is lost, or does not move.
        TraceParcel = "TRACE_PARCEL",
        /// A refund needs a second person (F31).
        ApproveRefund = "APPROVE_REFUND",
        /// The customer objects: somebody else examines the case again (S43).
        ReexamineCase = "REEXAMINE_CASE",
        /// A mail did not arrive: tell the customer another way.
        MailBounced = "MAIL_BOUNCED",
        /// A mail came in that no program can file.
        ReadMail = "READ_MAIL",
        /// A dispute: its date of review, or its limitation.
        ReviewDispute = "REVIEW_DISPUTE",
        /// A refund failed: agree with the customer on other means (BGB § 357(3)).
        RefundFailed = "REFUND_FAILED",
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    /// Case.
    pub case_id: CaseId,
    /// The timer that filed it.
    pub timer_id: Option<TimerId>,
    /// What is to be done.
    pub kind: Kind,
    /// Filed at.
    pub created_at: DateTimeUtc,
    /// Done at.
    pub done_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub done_by: Option<StaffId>,
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
            Column::TimerId => Meaning::id("Timer"),
            Column::Kind => Meaning::plain(Category::Operation, "Task"),
            Column::CreatedAt => Meaning::plain(Category::Operation, "Filed at"),
            Column::DoneAt => Meaning::plain(Category::Operation, "Done at"),
            Column::DoneBy => Meaning::staff(),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
