//! Opaque ids and the Relay `Node`: base64url of `Type:uuid`.

use async_graphql::{Context, ID, Interface, Object};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::attachment::Attachment;
use super::customer::Customer;
use super::error::{ApiResult, nullable};
use super::order::Order;
use super::parcel::Parcel;
use super::refund::Refund;
use super::returns::{RemedyInKind, Return};
use super::service_case::ServiceCase;
use super::session::ContextExt as _;
use crate::auth::Permission;
use crate::cases::access;
use crate::error::{Code, Error, Refusal, Result};
use crate::{customers, evidence, orders, refunds, returns};
use entity::ids::{AttachmentId, CaseId, CustomerId, OrderId, ParcelId, RefundId, RemedyId, ReturnId};

/// An object with an id that is unique in the whole API.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The opaque id."))]
pub enum Node {
    /// A service case.
    ServiceCase(ServiceCase),
    /// A customer.
    Customer(Customer),
    /// An order.
    Order(Order),
    /// A refund.
    Refund(Refund),
    /// An attachment.
    Attachment(Attachment),
    /// A return.
    Return(Return),
    /// A remedy in kind.
    RemedyInKind(RemedyInKind),
    /// A parcel.
    Parcel(Parcel),
}

/// The opaque id of a row.
#[must_use]
pub fn id(kind: &str, id: Uuid) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("{kind}:{id}")))
}

/// The row id in an opaque id of this kind; anything else is an id that does not exist.
#[must_use]
pub fn parse(kind: &str, id: &ID) -> Option<Uuid> {
    let (found, uuid) = split(id)?;
    (found == kind).then_some(uuid)
}

/// As [`parse`], refused at `field`.
///
/// # Errors
/// `NOT_FOUND`.
pub fn input(kind: &str, id: &ID, field: &[&'static str]) -> Result<Uuid> {
    parse(kind, id).ok_or_else(|| Refusal::at(Code::NotFound, field).into())
}

fn split(id: &ID) -> Option<(String, Uuid)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()?;
    let (kind, uuid) = text.split_once(':')?;
    Some((kind.to_owned(), uuid.parse().ok()?))
}

async fn find(ctx: &Context<'_>, id: &ID) -> Result<Node> {
    let (app, actor) = (ctx.app(), ctx.actor());
    actor.require(Permission::ReadCases)?;
    let (kind, uuid) = split(id).ok_or(Error::NotFound)?;
    Ok(match kind.as_str() {
        "ServiceCase" => Node::ServiceCase(ServiceCase::opened(access::open(app, actor, CaseId(uuid)).await?)),
        "Customer" => Node::Customer(Customer::listed(customers::get(app, actor, CustomerId(uuid)).await?)),
        "Order" => Node::Order(Order(orders::get(app, actor, OrderId(uuid)).await?)),
        "Refund" => Node::Refund(Refund(refunds::get(app.db.read(), actor, RefundId(uuid)).await?)),
        "Return" => Node::Return(Return(returns::get(app.db.read(), actor, ReturnId(uuid)).await?)),
        "RemedyInKind" => {
            Node::RemedyInKind(RemedyInKind(returns::remedy::get(app.db.read(), actor, RemedyId(uuid)).await?))
        }
        "Parcel" => Node::Parcel(Parcel(orders::parcel(app, actor, ParcelId(uuid)).await?)),
        "Attachment" => {
            // By itself an attachment is not an opened case: staff sees that it exists.
            let row = evidence::get(app.db.read(), actor, AttachmentId(uuid)).await?;
            Node::Attachment(Attachment { row, shown: actor.customer().is_some() })
        }
        _ => return Err(Error::NotFound),
    })
}

/// Finding objects by their opaque ids.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object of this id; null with `NOT_FOUND` if it does not exist or is not visible to you.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<Node>> {
        let found = find(ctx, &id).await;
        nullable(ctx, found)
    }

    /// The objects of these ids, at most 100, in their order; null where one does not exist or is not visible to you.
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> ApiResult<Vec<Option<Node>>> {
        if ids.len() > 100 {
            return Err(Error::from(Refusal::at(Code::TooLarge, &["ids"]).with("maximum", 100)).into());
        }
        let mut nodes = Vec::with_capacity(ids.len());
        for id in &ids {
            match find(ctx, id).await {
                Ok(node) => nodes.push(Some(node)),
                Err(Error::NotFound) => nodes.push(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(nodes)
    }
}
