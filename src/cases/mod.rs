//! Service cases: intake, the machine of their states, review, decision, notice, closing, objection, messages, timers and
//! tasks, and who sees them.

pub mod access;
pub mod ask;
pub mod cancel;
pub mod checklist;
pub mod close;
pub mod decide;
pub mod extend;
pub mod letters;
pub mod machine;
pub mod messages;
pub mod notify;
pub mod object;
pub mod open;
pub mod post;
pub mod quality;
mod result;
pub mod review;
pub mod search;
pub mod statistics;
pub mod submit;
pub mod tasks;
pub mod timers;
pub mod wait;
pub mod words;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::cases::{Column, Entity, Kind, Model, State};
use entity::ids::CaseId;
use entity::withdrawals;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, Select,
};

use crate::auth::{Actor, Permission, Scope};
use crate::db;
use crate::error::{Code, Error, Refusal, Result};
use crate::retention::restrictions::{self, WITHDRAWING};
use crate::state::App;

pub use ask::{Ask, ask};
pub use cancel::{cancel, merge};
pub use close::{Close, close};
pub(crate) use decide::AGAINST_WITHDRAWAL;
pub use decide::{Decision, decide};
pub use extend::{Extension, extend};
pub use messages::{NewMessage, reply};
pub use notify::{Notice, notify};
pub use object::{Objection, object};
pub use open::{NewCase, open};
pub use review::{Assignment, assign, reexamine, review, took_part};
pub use search::{Filter, page};

/// The cases that an actor may see: a customer the own ones, a guest those of the scope, staff with cases those whose
/// processing is not restricted. Nobody sees here what is archived or left as a bare row.
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    let all = Entity::find().filter(Column::State.ne(State::Erased)).filter(Column::ArchivedAt.is_null());
    match actor {
        Actor::Customer(id) => all.filter(Column::CustomerId.eq(*id)),
        Actor::Guest(guest) => {
            let own = all.filter(Column::CustomerId.eq(guest.customer));
            match guest.scope {
                Scope::Order(order) => own.filter(Column::OrderId.eq(order)),
                Scope::Case(case) => own.filter(Column::Id.eq(case)),
            }
        }
        Actor::Staff(..) if actor.may(Permission::ReadCases) => all.filter(not_restricted()),
        _ => all.filter(sea_orm::sea_query::Expr::cust("1 = 0")),
    }
}

/// Staff works on a restricted case only where the person asks for it: a withdrawal goes through (GDPR Art. 18(2)).
fn not_restricted() -> Condition {
    let free = restrictions::none_on_case("cases.id").and(restrictions::none_on_person("cases.customer_id"));
    let over = [State::Closed, State::Cancelled, State::Merged];
    let withdrawal = Column::Kind.eq(Kind::Withdrawal).and(Column::State.is_not_in(over));
    Condition::any().add(free).add(withdrawal)
}

/// The case with this id, as `id` names it in SQL, is neither archived, nor a bare row, nor restricted, but for a withdrawal that goes
/// through: what hangs on it is seen by staff.
#[must_use]
pub(crate) fn in_service(id: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM cases sc WHERE sc.id = {id} AND sc.state <> 'ERASED' AND sc.archived_at IS NULL \
         AND ({WITHDRAWING} OR \
         (NOT EXISTS (SELECT 1 FROM restrictions rs WHERE rs.lifted_at IS NULL AND rs.case_id = sc.id) \
         AND NOT EXISTS (SELECT 1 FROM restrictions rs WHERE rs.lifted_at IS NULL AND rs.customer_id = sc.customer_id))))"
    )
}

/// One case.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: CaseId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)
}

/// A case as it is before the change, for the keys that the change will need; an invisible id is refused.
pub(crate) async fn seen(app: &App, actor: &Actor, id: CaseId) -> Result<Model> {
    match get(app.db.read(), actor, id).await {
        Err(Error::NotFound) => Err(refused(app.db.read(), actor, id, &["input", "caseId"]).await?),
        found => found,
    }
}

/// Locks a case, and its customer before it, in the order of everybody else: of two cases that end at the same moment, one sees that
/// the other has, and begins the periods of what both hang on.
///
/// # Errors
/// The database fails.
pub(crate) async fn lock(tx: &DatabaseTransaction, id: CaseId) -> Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT id FROM customers WHERE id = (SELECT customer_id FROM cases WHERE id = $1) FOR NO KEY UPDATE";
        db::rows(tx, sql, [id.0.into()]).await?;
        db::lock(tx, "cases", id.0).await?;
    }
    Ok(())
}

/// Loads a case for a change and locks it; an invisible id is refused at `field`.
pub(crate) async fn for_change(
    tx: &DatabaseTransaction,
    actor: &Actor,
    id: CaseId,
    field: &[&'static str],
) -> Result<Model> {
    lock(tx, id).await?;
    match get(tx, actor, id).await {
        Err(Error::NotFound) => Err(refused(tx, actor, id, field).await?),
        found => found,
    }
}

/// When the statement of withdrawal of a case was received, UTC; none for other cases.
///
/// # Errors
/// The database cannot be read.
pub async fn withdrawn_at(db: &impl ConnectionTrait, case: &Model) -> Result<Option<DateTime<Utc>>> {
    if case.kind != Some(Kind::Withdrawal) {
        return Ok(None);
    }
    let of_case = withdrawals::Entity::find().filter(withdrawals::Column::CaseId.eq(case.id));
    let first = of_case.order_by_asc(withdrawals::Column::ReceivedAt).one(db).await?;
    Ok(first.map(|w| w.received_at).or(case.opened_at))
}

/// Staff is told since when a case is restricted; nobody is told more of one that is not theirs.
async fn refused(db: &impl ConnectionTrait, actor: &Actor, id: CaseId, field: &[&'static str]) -> Result<Error> {
    let hidden = Entity::find_by_id(id).one(db).await?.filter(|_| actor.staff().is_some());
    if let Some(case) = hidden.filter(|c| c.state != State::Erased && c.archived_at.is_none())
        && actor.may(Permission::ReadCases)
        && let Some(since) = restrictions::since(db, case.id, case.customer_id).await?
    {
        return Ok(Refusal::at(Code::Restricted, field).with("since", since.to_rfc3339()).into());
    }
    Ok(Refusal::at(Code::NotFound, field).into())
}

/// Refuses a change that the state does not allow, naming the states that do.
pub(crate) fn require_state(case: &Model, legal: &[State], field: &[&'static str]) -> Result<()> {
    if legal.contains(&case.state) {
        return Ok(());
    }
    let names: Vec<&str> = legal.iter().map(|s| s.code()).collect();
    let refusal = Refusal::at(Code::TransitionNotAllowed, field);
    Err(refusal.with("state", case.state.code()).with("possibleIn", names.join(", ")).into())
}

/// Refuses a change of a case that is over.
pub(crate) fn require_open(case: &Model, field: &[&'static str]) -> Result<()> {
    if !case.state.is_over() {
        return Ok(());
    }
    Err(Refusal::at(Code::TransitionNotAllowed, field).with("state", case.state.code()).into())
}

/// The data type that the kind of a case gives its messages (R03, R04, R06); only closing may lower R03 to R06.
#[must_use]
pub const fn correspondence(kind: Option<Kind>, has_order: bool) -> DataType {
    match (kind, has_order) {
        (Some(Kind::Complaint), _) => DataType::R04,
        (Some(Kind::UsageGuidance | Kind::Feedback), _) | (Some(Kind::OrderAdvice), false) => DataType::R06,
        _ => DataType::R03,
    }
}
