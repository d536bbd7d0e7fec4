//! Orders: what the shop's backend registers for after-sales, and the deliveries that start the clocks.

pub mod chargeback;
pub mod deliver;
pub mod register;
pub mod situation;
pub(crate) mod track;

use entity::ids::{OrderId, ParcelId};
use entity::orders::{Column, Entity, Model};
use entity::parcels;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use crate::auth::{Actor, Guest, Permission, Scope};
use crate::error::{Error, Result};
use crate::retention::restrictions;
use crate::state::App;

pub use chargeback::{Chargeback, Lowering, charge_back};
pub use deliver::{Delivery, deliver};
pub use register::{NewLine, NewOrder, NewParcel, Shipping, register};

/// The orders that an actor may see, unless archived: a customer the own ones, a guest the one of the scope, the shop and staff with
/// cases those whose customer is not restricted (GDPR Art. 18).
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    let all = Entity::find().filter(Column::ErasedAt.is_null());
    match actor {
        Actor::Customer(id) => all.filter(Column::CustomerId.eq(*id)).filter(Column::ArchivedAt.is_null()),
        Actor::Guest(Guest { customer, scope: Scope::Order(order), .. }) => {
            let own = all.filter(Column::CustomerId.eq(*customer)).filter(Column::ArchivedAt.is_null());
            own.filter(Column::Id.eq(*order))
        }
        Actor::Guest(_) => all.filter(sea_orm::sea_query::Expr::cust("1 = 0")),
        Actor::System => all,
        Actor::Shop => {
            all.filter(Column::ArchivedAt.is_null()).filter(restrictions::none_on_person("orders.customer_id"))
        }
        Actor::Staff(..) if actor.may(Permission::ReadCases) => {
            let withdrawn = sea_orm::sea_query::Expr::cust(format!(
                "EXISTS (SELECT 1 FROM cases sc WHERE sc.order_id = orders.id AND {})",
                restrictions::WITHDRAWING
            ));
            let seen = restrictions::none_on_person("orders.customer_id").or(withdrawn);
            all.filter(Column::ArchivedAt.is_null()).filter(seen)
        }
        _ => all.filter(sea_orm::sea_query::Expr::cust("1 = 0")),
    }
}

/// One order.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(app: &App, actor: &Actor, id: OrderId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(app.db.read()).await?.ok_or(Error::NotFound)
}

/// A parcel of an order that the actor may see.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn parcel(app: &App, actor: &Actor, id: ParcelId) -> Result<parcels::Model> {
    let found = parcels::Entity::find_by_id(id).one(app.db.read()).await?.ok_or(Error::NotFound)?;
    get(app, actor, found.order_id).await?;
    Ok(found)
}

/// A page of orders after an id, in order of registration, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(app: &App, actor: &Actor, after: Option<OrderId>, most: u64) -> Result<Vec<Model>> {
    let mut rows = visible_to(actor).order_by_asc(Column::Id).limit(most + 1);
    if let Some(after) = after {
        rows = rows.filter(Column::Id.gt(after));
    }
    Ok(rows.all(app.db.read()).await?)
}
