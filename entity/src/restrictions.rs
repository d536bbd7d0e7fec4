//! Restrictions of processing (R32, GDPR Art. 18): what they cover is stored and nothing else.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{
    DataType, Sealed, ids::CaseId, ids::CustomerId, ids::MailId, ids::RestrictionId, ids::StaffId, ids::UnitId,
};

crate::codes! {
    /// Why processing is restricted (GDPR Art. 18(1)).
    Ground {
        /// The person contests that the data is right, Art. 18(1)(a).
        AccuracyContested = "ACCURACY_CONTESTED",
        /// The processing is unlawful, and the person wants no erasure, Art. 18(1)(b).
        UnlawfulProcessing = "UNLAWFUL_PROCESSING",
        /// The shop needs it no longer, the person does for legal claims, Art. 18(1)(c).
        NeededForClaims = "NEEDED_FOR_CLAIMS",
        /// The person has objected, and it is being weighed, Art. 18(1)(d), 21(1).
        ObjectionPending = "OBJECTION_PENDING",
    }
}

crate::codes! {
    /// How the person was told that it is about to be lifted (GDPR Art. 18(3)).
    Told {
        /// By e-mail.
        Email = "EMAIL",
        /// By letter.
        Letter = "LETTER",
        /// By telephone.
        Phone = "PHONE",
    }
}

/// A restriction on exactly one customer or case and all that hangs on it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "restrictions")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RestrictionId,
    /// Customer restricted.
    pub customer_id: Option<CustomerId>,
    /// Case restricted.
    pub case_id: Option<CaseId>,
    /// The erasure unit whose key seals this row; none without a note.
    pub unit_id: Option<UnitId>,
    /// Ground.
    pub ground: Ground,
    /// Note.
    pub note: Option<Sealed>,
    /// Since when.
    pub placed_at: DateTimeUtc,
    /// Who, by id.
    pub placed_by: Option<StaffId>,
    /// The day by which it is reviewed; at most six months ahead.
    pub review_on: Date,
    /// When the person was told that it will be lifted. Of a mail, it is noted with the lifting: until then its state tells.
    pub told_at: Option<DateTimeUtc>,
    /// How.
    pub told_by: Option<Told>,
    /// The mail that last told it.
    pub mail_id: Option<MailId>,
    /// The day of which the person was told: not lifted before.
    pub lift_on: Option<Date>,
    /// Lifted at.
    pub lifted_at: Option<DateTimeUtc>,
    /// Who, by id.
    pub lifted_by: Option<StaffId>,
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
    const SUBJECT: Subject = Subject::Through(&[("case_id", "cases"), ("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R32];
    const START: Option<Column> = Some(Column::StartAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer restricted"),
            Column::CaseId => Meaning::id("Case restricted"),
            Column::UnitId => Meaning::internal("names a key, which is destroyed with the data"),
            Column::Ground => Meaning::plain(Category::Operation, "Ground"),
            Column::Note => Meaning::sealed(Category::Operation, "Note"),
            Column::PlacedAt => Meaning::plain(Category::Operation, "Restricted since"),
            Column::PlacedBy | Column::LiftedBy => Meaning::staff(),
            Column::ReviewOn => Meaning::plain(Category::Operation, "Reviewed by"),
            Column::ToldAt => Meaning::plain(Category::Operation, "Told of the lifting at"),
            Column::ToldBy => Meaning::plain(Category::Operation, "Told by"),
            Column::MailId => Meaning::id("Mail"),
            Column::LiftOn => Meaning::plain(Category::Operation, "Not lifted before"),
            Column::LiftedAt => Meaning::plain(Category::Operation, "Lifted at"),
            Column::StartAt => Meaning::internal("an index of the retention sweep; the kept-until date is exported"),
            Column::NotBefore => Meaning::internal("an index of the retention sweep"),
        }
    }
}
