//! A plan of removal: which rows a run would take, as they are now. Carried out, it takes these and no others, and each is
//! checked again: what has changed drops out, with the reason.

mod execution;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::ids::{EntryId, PlanId};
use entity::map::{Table, tables};
use entity::retention_plan_rows as rows_table;
use entity::retention_plans::{ActiveModel, Column, Entity, Model, State};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::door::{self, Ground};
use super::{rows, rules, sweep};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::state::App;
use crate::{audit, db, policies};

pub use execution::{Report, run_approved};

/// After that nobody should act on it any more, and its rows go (R28).
pub const LASTS: TimeDelta = TimeDelta::days(7);
/// What one plan names at most: more is the nightly run's.
pub const MOST: usize = 100_000;
const BATCH: usize = 1_000;

/// Counts of a data type in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Data type.
    pub data_type: DataType,
    /// Table.
    pub table: String,
    /// The version of the rule.
    pub rule_version: i32,
    /// How many rows.
    pub rows: i64,
}

/// Makes a plan of everything that may go now, by the check that a run asks.
///
/// # Errors
/// `FORBIDDEN`; refused: more than [`MOST`] rows; another policy is in force than this process was started with. The database
/// fails.
pub async fn make(app: &App, actor: &Actor, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    policies::require_current(&app.db, &app.policies).await?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let claim = match idempotency::claim(app, &tx, actor, "retentionPlanCreate", key, &()).await? {
        Outcome::Replay(ids) => return by_id(&tx, PlanId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    let id = PlanId::new(now);
    let (planned, lines) = collect(app, &tx, now).await?;
    let row = ActiveModel {
        id: Set(id),
        state: Set(State::Planned),
        due_at: Set(now),
        made_at: Set(now),
        made_by: Set(actor.staff()),
        approved_at: Set(None),
        approved_by: Set(None),
        finished_at: Set(None),
        planned: Set(i64::try_from(planned.len()).unwrap_or(i64::MAX)),
        lines: Set(serde_json::to_string(&lines).map_err(|e| anyhow::anyhow!("plan: {e}"))?),
    };
    let row = row.insert(&tx).await?;
    for (some, first) in planned.chunks(BATCH).zip((0_i64..).step_by(BATCH)) {
        let models = some.iter().zip(first..).map(|(p, position)| p.model(id, position, now));
        rows_table::Entity::insert_many(models).exec(&tx).await?;
    }
    claim.done(&tx, now, &[id.0], None).await?;
    let details = json!({ "rows": row.planned });
    audit::record(&tx, now, actor, "retention.plan", ("retention_plans", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

struct Planned {
    table: &'static Table,
    row: rows::Row,
    start: DateTime<Utc>,
    version: Option<i64>,
    rule_version: i32,
}

impl Planned {
    fn model(&self, plan: PlanId, position: i64, now: DateTime<Utc>) -> rows_table::ActiveModel {
        rows_table::ActiveModel {
            id: Set(EntryId::new(now)),
            plan_id: Set(plan),
            position: Set(position),
            table_name: Set(self.table.name.to_owned()),
            row_id: Set(self.row.id),
            data_type: Set(self.row.data_type),
            rule_version: Set(self.rule_version),
            row_start: Set(self.start),
            row_version: Set(self.version),
            outcome: Set(None),
            made_at: Set(now),
        }
    }
}

async fn collect(app: &App, tx: &DatabaseTransaction, now: DateTime<Utc>) -> Result<(Vec<Planned>, Vec<Line>)> {
    let versions: HashMap<DataType, i32> =
        rules::at(tx, now).await?.into_iter().map(|r| (r.data_type, r.version)).collect();
    let (mut planned, mut lines) = (Vec::new(), Vec::new());
    for t in tables().iter().rev().filter(|t| t.has("id")) {
        for rule in t.types.iter().filter_map(|d| app.rules().get(d)) {
            let before = planned.len();
            let mut after = None;
            loop {
                let page = sweep::due_page(tx, t, rule, now, after, BATCH).await?;
                let Some(last) = page.last() else { break };
                after = last.start.map(|start| (start, last.id));
                let ids: Vec<Uuid> = page.iter().map(|row| row.id).collect();
                let counted = counters(tx, t, &ids).await?;
                for row in page {
                    let goes = door::check(&row, rule, Ground::Rule, now).goes();
                    let Some(start) = row.start.filter(|_| goes) else { continue };
                    let (version, rule_version) =
                        (counted.get(&row.id).copied(), versions.get(&rule.data_type).copied().unwrap_or(1));
                    planned.push(Planned { table: t, row, start, version, rule_version });
                }
                if planned.len() > MOST {
                    return Err(Refusal::at(Code::TooLarge, &["input"]).with("most", MOST).into());
                }
            }
            let rows = i64::try_from(planned.len() - before).unwrap_or(i64::MAX);
            if rows > 0 {
                let rule_version = versions.get(&rule.data_type).copied().unwrap_or(1);
                lines.push(Line { data_type: rule.data_type, table: t.name.to_owned(), rule_version, rows });
            }
        }
    }
    Ok((planned, lines))
}

/// The versions of rows of a table that counts their changes.
async fn counters(db: &impl sea_orm::ConnectionTrait, t: &Table, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>> {
    if !t.has("version") || t.has("data_type") && t.name == "retention_rules" {
        return Ok(HashMap::new());
    }
    let backend = db.get_database_backend();
    let sql = format!("SELECT id, version FROM {} WHERE {}", t.name, db::is_any(backend, "id", 1));
    let rows = db::rows(db, &sql, [db::id_list(backend, ids.iter().copied())]).await?;
    rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
}

/// Approves a plan: its job carries it out within a minute.
///
/// # Errors
/// Refused: unknown, approved, called off or carried out already, or older than [`LASTS`].
pub async fn approve(app: &App, actor: &Actor, id: PlanId, key: &str) -> Result<Model> {
    step(app, actor, id, key, Step::Approve).await
}

/// Calls a plan off. One that is being carried out stops after the batch that it is at: what is left stays.
///
/// # Errors
/// Refused: unknown, called off or carried out already, or older than [`LASTS`] and never approved.
pub async fn cancel(app: &App, actor: &Actor, id: PlanId, key: &str) -> Result<Model> {
    step(app, actor, id, key, Step::Cancel).await
}

#[derive(Clone, Copy)]
enum Step {
    Approve,
    Cancel,
}

async fn step(app: &App, actor: &Actor, id: PlanId, key: &str, step: Step) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let (name, action, possible_in): (_, _, &[State]) = match step {
        Step::Approve => ("retentionPlanApprove", "retention.plan.approve", &[State::Planned]),
        Step::Cancel => ("retentionPlanCancel", "retention.plan.cancel", &[State::Planned, State::Approved]),
    };
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let claim = match idempotency::claim(app, &tx, actor, name, key, &id).await? {
        Outcome::Replay(_) => return by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "retention_plans", id.0).await?;
    let plan = by_id(&tx, id).await.map_err(|_| Refusal::at(Code::NotFound, &["input", "id"]))?;
    let state = if plan.made_at + LASTS <= now && plan.state == State::Planned { State::Expired } else { plan.state };
    if !possible_in.contains(&state) {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input", "id"]);
        let possible: Vec<&str> = possible_in.iter().map(|state| state.code()).collect();
        return Err(refusal.with("state", state.code()).with("possibleIn", possible.join(", ")).into());
    }
    let mut row: ActiveModel = plan.into();
    match step {
        Step::Approve => {
            row.state = Set(State::Approved);
            (row.approved_at, row.approved_by) = (Set(Some(now)), Set(actor.staff()));
        }
        Step::Cancel => {
            (row.state, row.finished_at) = (Set(State::Cancelled), Set(Some(now)));
            let sql = "UPDATE retention_runs SET cancelled_at = $1, cancelled_by = $2 WHERE plan_id = $3 AND state = 'RUNNING'";
            db::run(&tx, sql, [now.into(), actor.staff().map(|s| s.0).into(), id.0.into()]).await?;
        }
    }
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    audit::record(&tx, now, actor, action, ("retention_plans", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

async fn by_id(tx: &DatabaseTransaction, id: PlanId) -> Result<Model> {
    Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound)
}

/// Plans, newest first, one more than asked for.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn page(app: &App, actor: &Actor, before: Option<PlanId>, most: u64) -> Result<Vec<Model>> {
    actor.require(Permission::ProtectData)?;
    let mut found = Entity::find().order_by_desc(Column::Id).limit(most + 1);
    if let Some(before) = before {
        found = found.filter(Column::Id.lt(before));
    }
    Ok(found.all(app.db.read()).await?)
}

/// The rows of a plan in its order, after a position, one more than asked for.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn rows_of(
    app: &App,
    actor: &Actor,
    plan: PlanId,
    after: Option<EntryId>,
    most: u64,
) -> Result<Vec<rows_table::Model>> {
    actor.require(Permission::ProtectData)?;
    let mut found = rows_table::Entity::find().filter(rows_table::Column::PlanId.eq(plan));
    if let Some(after) = after {
        found = found.filter(rows_table::Column::Id.gt(after));
    }
    Ok(found.order_by_asc(rows_table::Column::Id).limit(most + 1).all(app.db.read()).await?)
}
