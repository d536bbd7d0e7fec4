//! Refunds: reckoned, granted, approved, paid by the means of the payment, followed until they arrive. Granting is not paying,
//! and the sum per order never passes what was captured.
//!
//! The payment provider is `manual`: finance pays elsewhere and confirms each step here. The reference of a bank transfer
//! is kept, the account number is not.

pub mod alternative;
pub mod due;
pub mod grant;
pub mod ground;
pub mod inquiry;
pub mod machine;
pub mod progress;
pub mod reckon;
pub mod stored;

use entity::cases;
use entity::ids::RefundId;
use entity::refunds::{Column, Entity, Model, RUNNING, State};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use crate::auth::{Actor, Permission};
use crate::db;
use crate::error::{Code, Error, Refusal, Result};
use crate::state::App;

pub use alternative::{Agreement, agree};
pub use grant::{Grant, grant, may_be_granted};
pub use inquiry::{Inquiry, Note, inquire, note};
pub use machine::Step;
pub use progress::{Progress, advance};
pub use reckon::{Asked, AskedDeduction, AskedLine, Preview, preview};

/// The refunds that an actor may see: a customer the own ones, staff with cases all of them, as long as the case is in
/// service or the refund runs; afterwards a voucher is kept for bookkeeping alone, and lies in the archive.
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    match actor {
        Actor::Customer(id) => {
            let live = cases::Entity::find()
                .select_only()
                .column(cases::Column::Id)
                .filter(cases::Column::State.ne(cases::State::Erased))
                .filter(cases::Column::ArchivedAt.is_null());
            let live = sea_orm::QueryTrait::into_query(live);
            Entity::find().filter(Column::CustomerId.eq(*id)).filter(Column::CaseId.in_subquery(live))
        }
        Actor::Guest(_) => {
            let cases = crate::cases::visible_to(actor).select_only().column(cases::Column::Id);
            Entity::find().filter(Column::CaseId.in_subquery(sea_orm::QueryTrait::into_query(cases)))
        }
        // A refund that runs goes through whatever becomes of its case (GDPR Art. 18(2)).
        Actor::Staff(..) if actor.may(Permission::ReadCases) => {
            let in_service = crate::cases::in_service("refunds.case_id");
            Entity::find().filter(Expr::cust(format!("(refunds.state IN {RUNNING} OR {in_service})")))
        }
        _ => Entity::find().filter(Expr::cust("1 = 0")),
    }
}

/// One refund.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: RefundId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)
}

/// Loads a refund for a change. Customer, case, order and refund are locked, in this order, as everywhere.
async fn for_change(tx: &DatabaseTransaction, actor: &Actor, id: RefundId) -> Result<Model> {
    let unknown = |error| match error {
        Error::NotFound => Refusal::at(Code::NotFound, &["input", "refundId"]).into(),
        other => other,
    };
    let seen = get(tx, actor, id).await.map_err(unknown)?;
    crate::cases::lock(tx, seen.case_id).await?;
    db::lock(tx, "orders", seen.order_id.0).await?;
    db::lock(tx, "refunds", id.0).await?;
    get(tx, actor, id).await.map_err(unknown)
}

/// Whether a second person has yet to approve a refund before it is submitted (F31).
#[must_use]
pub const fn lacks_approval(refund: &Model) -> bool {
    refund.approval_needed && refund.approved_at.is_none()
}

/// The amount above which a second person approves, in minor units, by the policy of the day of the grant. It is compared with
/// all that is promised on the order: else one large refund would be two small ones.
fn approval_above(app: &App, refund: &Model) -> i64 {
    app.policies.at(refund.granted_at).refunds.four_eyes_above_minor
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
