//! Customer tokens, guests' tokens and upload tickets (R27). The secrets are signatures; none is stored.

use sea_orm::entity::prelude::*;

use crate::map::{Category, Classified, Meaning, Subject};
use crate::{DataType, ids::AttachmentId, ids::CaseId, ids::CustomerId, ids::OrderId, ids::TokenId};

crate::codes! {
    /// What a token is for.
    Kind {
        /// Bearer token of a customer, minted by the shop.
        CustomerAccess = "CUSTOMER_ACCESS",
        /// A guest's link to the cases of one order, or to one case without an order.
        Guest = "GUEST",
        /// One upload.
        Upload = "UPLOAD",
    }
}

/// A token or ticket that can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    /// Opaque id, the `jti` of the bearer token.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// Customer.
    pub customer_id: CustomerId,
    /// Kind.
    pub kind: Kind,
    /// What the ticket lets in.
    pub attachment_id: Option<AttachmentId>,
    /// The order whose cases a guest sees.
    pub order_id: Option<OrderId>,
    /// The case that a guest sees, where there is no order.
    pub case_id: Option<CaseId>,
    /// Issued at.
    pub created_at: DateTimeUtc,
    /// Expires at.
    pub expires_at: DateTimeUtc,
    /// Revoked at.
    pub revoked_at: Option<DateTimeUtc>,
    /// Used at.
    pub used_at: Option<DateTimeUtc>,
}

/// Links are followed through [`Classified::SUBJECT`], not through ORM relations.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Classified for Entity {
    const SUBJECT: Subject = Subject::Through(&[("customer_id", "customers")]);
    const TYPES: &'static [DataType] = &[DataType::R27];
    const START: Option<Column> = Some(Column::ExpiresAt);

    fn meaning(column: &Column) -> Meaning {
        match column {
            Column::Id => Meaning::id("Id"),
            Column::CustomerId => Meaning::id("Customer"),
            Column::Kind => Meaning::plain(Category::Operation, "Kind"),
            Column::AttachmentId => Meaning::internal("the attachment is exported itself"),
            Column::OrderId => Meaning::id("Order"),
            Column::CaseId => Meaning::id("Case"),
            Column::CreatedAt => Meaning::plain(Category::Operation, "Issued at"),
            Column::ExpiresAt => Meaning::plain(Category::Operation, "Expires at"),
            Column::RevokedAt => Meaning::plain(Category::Operation, "Revoked at"),
            Column::UsedAt => Meaning::plain(Category::Operation, "Used at"),
        }
    }
}
