//! Tasks for staff: filed by jobs, done by people.

use chrono::{DateTime, Utc};
use entity::cases;
use entity::ids::{CaseId, TaskId, TimerId};
use entity::tasks::{ActiveModel, Column, Entity, Kind, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use serde_json::json;

use crate::audit;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::state::App;

/// Files a task in the transaction of what made it necessary. Where only the bare id of its case is left, there is nothing to be done.
///
/// # Errors
/// The database fails.
pub(crate) async fn file(
    tx: &DatabaseTransaction,
    case: CaseId,
    timer: Option<TimerId>,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<()> {
    let case_row = cases::Entity::find_by_id(case).one(tx).await?;
    let Some(of) = case_row.filter(|of| of.state != cases::State::Erased) else { return Ok(()) };
    let row = ActiveModel {
        id: Set(TaskId::new(now)),
        case_id: Set(case),
        timer_id: Set(timer),
        kind: Set(kind),
        created_at: Set(now),
        done_at: Set(None),
        done_by: Set(None),
        // On a case that is over it ends with the others.
        start_at: Set(of.start_at),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

/// Files a task in a transaction of its own, unless one of its kind is open on the case already.
///
/// # Errors
/// The database fails.
pub async fn file_alone(app: &App, case: CaseId, kind: Kind) -> Result<()> {
    let tx = app.db.begin().await?;
    super::lock(&tx, case).await?;
    if !is_open(&tx, case, kind).await? {
        file(&tx, case, None, kind, app.clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether a task of this kind is open on a case.
///
/// # Errors
/// The database fails.
pub(crate) async fn is_open(tx: &DatabaseTransaction, case: CaseId, kind: Kind) -> Result<bool> {
    Ok(oldest(tx, case, kind).await?.is_some())
}

/// Marks the oldest open task of this kind on a case as done, if there is one: the deed itself was what it asked for.
///
/// # Errors
/// The database fails.
pub(crate) async fn settle(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: CaseId,
    kind: Kind,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(task) = oldest(tx, case, kind).await? else { return Ok(()) };
    let mut row: ActiveModel = task.into();
    row.done_at = Set(Some(now));
    row.done_by = Set(actor.staff());
    row.update(tx).await?;
    Ok(())
}

async fn oldest(tx: &DatabaseTransaction, case: CaseId, kind: Kind) -> Result<Option<Model>> {
    let open = Entity::find().filter(Column::CaseId.eq(case)).filter(Column::Kind.eq(kind));
    Ok(open.filter(Column::DoneAt.is_null()).order_by_asc(Column::Id).one(tx).await?)
}

/// Tasks of cases that somebody can work on: neither archived nor a bare row.
fn in_service() -> Select<Entity> {
    let cases = "EXISTS (SELECT 1 FROM cases sc WHERE sc.id = tasks.case_id AND sc.state <> 'ERASED' AND sc.archived_at IS NULL)";
    Entity::find().filter(Expr::cust(cases))
}

/// A page of open tasks after an id, oldest first, one more than asked for.
///
/// # Errors
/// Not for customers; the database cannot be read.
pub async fn page(app: &App, actor: &Actor, after: Option<TaskId>, most: u64) -> Result<Vec<Model>> {
    actor.require(Permission::ReadTasks)?;
    let mut rows = in_service().filter(Column::DoneAt.is_null()).order_by_asc(Column::Id).limit(most + 1);
    if let Some(after) = after {
        rows = rows.filter(Column::Id.gt(after));
    }
    Ok(rows.all(app.db.read()).await?)
}

/// Marks a task as done.
///
/// # Errors
/// Refused: an unknown task, or one that was done before.
pub async fn complete(app: &App, actor: &Actor, id: TaskId, key: &str) -> Result<Model> {
    actor.require(Permission::ReadTasks)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let found = || in_service().filter(Column::Id.eq(id));
    let claim = match idempotency::claim(app, &tx, actor, "taskComplete", key, &id).await? {
        Outcome::Replay(_) => return found().one(&tx).await?.ok_or(Error::NotFound),
        Outcome::First(claim) => claim,
    };
    crate::db::lock(&tx, "tasks", id.0).await?;
    let not_found = || Error::from(Refusal::at(Code::NotFound, &["input", "taskId"]));
    let task = found().one(&tx).await?.ok_or_else(not_found)?;
    if task.done_at.is_some() {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "taskId"]);
        return Err(refusal.with("state", "DONE").into());
    }
    let case = task.case_id;
    let mut row: ActiveModel = task.into();
    row.done_at = Set(Some(now));
    row.done_by = Set(actor.staff());
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    let details = json!({ "task": id, "kind": row.kind.code() });
    audit::record(&tx, now, actor, "task.complete", ("cases", Some(case.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
