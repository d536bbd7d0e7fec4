//! Refunds: granting is not paying. The sum per order never passes what was captured.

pub mod grant;
pub mod progress;

use entity::cases;
use entity::ids::RefundId;
use entity::refunds::{Column, Entity, Model, State};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use crate::auth::{Actor, Permission};
use crate::error::{Error, Result};
use crate::state::App;

pub use grant::{Grant, grant};
pub use progress::{Step, advance};

/// The refunds that an actor may see: staff with cases all of them, a customer the own ones as long as the case is
/// visible; afterwards a voucher is kept for bookkeeping alone.
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    match actor {
        Actor::Customer(id) => {
            let live = cases::Entity::find()
                .select_only()
                .column(cases::Column::Id)
                .filter(cases::Column::State.ne(cases::State::Erased));
            let live = sea_orm::QueryTrait::into_query(live);
            Entity::find().filter(Column::CustomerId.eq(*id)).filter(Column::CaseId.in_subquery(live))
        }
        Actor::Guest(_) => {
            let cases = crate::cases::visible_to(actor).select_only().column(cases::Column::Id);
            Entity::find().filter(Column::CaseId.in_subquery(sea_orm::QueryTrait::into_query(cases)))
        }
        _ if actor.may(Permission::ReadCases) => Entity::find(),
        _ => Entity::find().filter(sea_orm::sea_query::Expr::cust("1 = 0")),
    }
}

/// One refund.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: RefundId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)
}

/// A page of refunds before an id, newest first, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(
    app: &App,
    actor: &Actor,
    state: Option<State>,
    before: Option<RefundId>,
    most: u64,
) -> Result<Vec<Model>> {
    let mut rows = visible_to(actor).order_by_desc(Column::Id).limit(most + 1);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    if let Some(state) = state {
        rows = rows.filter(Column::State.eq(state));
    }
    Ok(rows.all(app.db.read()).await?)
}
