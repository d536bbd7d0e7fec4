//! Returns: instruction, dispatch, receipt, inspection, remedies in kind, sending back, and what carriers report.

pub mod book;
pub mod carrier;
pub mod dispatch;
pub mod inspect;
pub mod instruct;
mod letter;
pub mod receive;
pub mod remedy;
mod seal;
pub mod send_back;
mod sending;

use entity::cases;
use entity::ids::{OrderLineId, ReturnId};
use entity::returns::{Column, Entity, Model, State};
use entity::{order_lines, return_lines};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Select, sea_query::Expr,
};

use crate::auth::{Actor, Permission};
use crate::cases as case_room;
use crate::error::{Code, Error, Refusal, Result};
use crate::state::App;

pub(crate) use book::book;
pub use dispatch::{Dispatch, dispatch, expire, lose};
pub use inspect::{Inspection, begin, record};
pub use instruct::{Instruction, instruct};
pub use receive::{Receipt, receive};
pub use remedy::{NewRemedy, arrange, cancel, settle_difference, ship};
pub use send_back::{SendBack, send_back};
pub use sending::Shipment;

const RETURN: &[&str] = &["input", "returnId"];

/// The returns that an actor may see: a customer the own ones, staff with cases all of them, as long as the case is in
/// service; afterwards a record is kept for bookkeeping alone, and lies in the archive.
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    match actor {
        Actor::Customer(id) => {
            let live = cases::Entity::find().select_only().column(cases::Column::Id);
            let live = live.filter(cases::Column::State.ne(cases::State::Erased));
            let live = live.filter(cases::Column::ArchivedAt.is_null()).into_query();
            Entity::find().filter(Column::CustomerId.eq(*id)).filter(Column::CaseId.in_subquery(live))
        }
        Actor::Guest(_) => {
            let theirs = case_room::visible_to(actor).select_only().column(cases::Column::Id);
            Entity::find().filter(Column::CaseId.in_subquery(theirs.into_query()))
        }
        Actor::Staff(..) if actor.may(Permission::ReadCases) => {
            Entity::find().filter(Expr::cust(crate::cases::in_service("returns.case_id")))
        }
        _ => Entity::find().filter(Expr::cust("1 = 0")),
    }
}

/// One return.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: ReturnId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)
}

/// The return of a number, as it stands on a parcel.
///
/// # Errors
/// `NOT_FOUND`, also for one that is not visible to the actor.
pub async fn by_number(app: &App, actor: &Actor, number: &str) -> Result<Model> {
    let number = number.trim();
    if number.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(Error::NotFound);
    }
    let rows = visible_to(actor).filter(Column::Number.eq(number.to_uppercase()));
    rows.one(app.db.read()).await?.ok_or(Error::NotFound)
}

/// A page of returns before an id, newest first, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(
    app: &App,
    actor: &Actor,
    state: Option<State>,
    before: Option<ReturnId>,
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

/// A return as it is before the change, for the keys that the change will need; an invisible id is refused.
async fn seen(app: &App, actor: &Actor, id: ReturnId) -> Result<Model> {
    match get(app.db.read(), actor, id).await {
        Err(Error::NotFound) => Err(Refusal::at(Code::NotFound, RETURN).into()),
        found => found,
    }
}

/// Loads a return with its case for a change and locks the case, which guards all that hangs on it.
async fn for_change(tx: &DatabaseTransaction, actor: &Actor, id: ReturnId) -> Result<(cases::Model, Model)> {
    let unknown = || Error::from(Refusal::at(Code::NotFound, RETURN));
    let case = match get(tx, actor, id).await {
        Err(Error::NotFound) => return Err(unknown()),
        found => found?.case_id,
    };
    let case = case_room::for_change(tx, actor, case, RETURN).await?;
    Ok((case, Entity::find_by_id(id).one(tx).await?.ok_or_else(unknown)?))
}

/// Whether a case was called off or merged: its goods are no longer examined, but remain the customer's.
#[must_use]
pub const fn is_called_off(case: &cases::Model) -> bool {
    matches!(case.state, cases::State::Cancelled | cases::State::Merged)
}

/// Refuses a change that the state of the return does not allow.
fn require_state(row: &Model, legal: &[State]) -> Result<()> {
    if legal.contains(&row.state) {
        return Ok(());
    }
    let names: Vec<&str> = legal.iter().map(|s| s.code()).collect();
    let refusal = Refusal::at(Code::TransitionNotAllowed, RETURN).with("returnState", row.state.code());
    Err(refusal.with("possibleIn", names.join(", ")).into())
}

/// A refusal of one line of the input.
fn at_line(code: Code, index: usize, field: &'static str) -> Refusal {
    Refusal::at(code, &["input", "lines", field]).element("lines", index)
}

/// Refuses a list of lines that is empty, too long, or names a position twice.
fn check_positions(positions: impl Iterator<Item = i32>) -> Result<()> {
    let mut known = std::collections::BTreeSet::new();
    for (index, position) in positions.enumerate() {
        if index >= 200 {
            return Err(Refusal::at(Code::TooLarge, &["input", "lines"]).with("maximum", 200).into());
        }
        if !known.insert(position) {
            return Err(at_line(Code::AlreadyExists, index, "position").into());
        }
    }
    if known.is_empty() {
        return Err(Refusal::at(Code::Required, &["input", "lines"]).into());
    }
    Ok(())
}

/// A line of a return with the line of the order that it is about.
struct Line {
    row: return_lines::Model,
    of: order_lines::Model,
}

/// The lines of a return, by position in the order.
async fn lines_of(db: &impl ConnectionTrait, of: &Model) -> Result<Vec<Line>> {
    let rows = return_lines::Entity::find().filter(return_lines::Column::ReturnId.eq(of.id)).all(db).await?;
    let of_order = order_lines::Entity::find().filter(order_lines::Column::OrderId.eq(of.order_id)).all(db).await?;
    let find = |id: OrderLineId| of_order.iter().find(|l| l.id == id).cloned();
    let mut lines: Vec<Line> =
        rows.into_iter().filter_map(|row| find(row.order_line_id).map(|of| Line { row, of })).collect();
    lines.sort_by_key(|line| line.of.position);
    Ok(lines)
}
