//! Disclosures (R30): to whom personal data of a case was given, and what for (GDPR Art. 15(1)(c), 19).

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, ids::CaseId, ids::CustomerId, ids::DisclosureId, ids::NoticeId, ids::StaffId};

crate::codes! {
    /// Who got it.
    RecipientKind {
        /// A carrier.
        Carrier = "CARRIER",
        /// A payment provider or bank.
        PaymentProvider = "PAYMENT_PROVIDER",
        /// A repair shop or manufacturer.
        RepairShop = "REPAIR_SHOP",
        /// A conciliation board.
        ConciliationBoard = "CONCILIATION_BOARD",
        /// A court.
        Court = "COURT",
        /// A lawyer.
        Lawyer = "LAWYER",
        /// An authority.
        Authority = "AUTHORITY",
    }
}

crate::codes! {
    /// What for.
    Purpose {
        /// To move goods.
        Delivery = "DELIVERY",
        /// To pay.
        Payment = "PAYMENT",
        /// To mend goods.
        Cure = "CURE",
        /// To establish or defend a claim.
        LegalClaim = "LEGAL_CLAIM",
    }
}

/// A disclosure. Ids and codes only, and the recipient, who is no consumer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disclosures")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DisclosureId,
    /// Case.
    pub case_id: Option<CaseId>,
    /// Customer.
    pub customer_id: CustomerId,
    /// Recipient.
    pub recipient_kind: RecipientKind,
    /// Recipient's name.
    pub recipient: String,
    /// Purpose.
    pub purpose: Purpose,
    /// Codes of what was given, such as `DOSSIER`.
    pub what: String,
    /// When, UTC.
    pub at: DateTimeUtc,
    /// Who, by id.
    pub by_staff: Option<StaffId>,
    /// The notice by which the recipient learned that the data was erased; none: it was not.
    pub notice_id: Option<NoticeId>,
    /// Never deleted before this instant.
    pub not_before: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R30];
    const START: Option<Column> = Some(Column::At);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CaseId => Meaning::id("Case"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::RecipientKind => Meaning::plain(Category::Operation, "Recipient"),
            Column::Recipient => Meaning::plain(Category::Operation, "Recipient's name"),
            Column::Purpose => Meaning::plain(Category::Operation, "Purpose"),
            Column::What => Meaning::plain(Category::Operation, "What"),
            Column::At => Meaning::plain(Category::Operation, "At"),
            Column::ByStaff => Meaning::staff(),
            Column::NoticeId => Meaning::id("Told of the erasure by"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
