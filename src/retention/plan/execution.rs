//! Carrying out what somebody approved: these rows and no others, as a run that can be watched.

use std::collections::HashMap;

use entity::ids::{EntryId, PlanId};
use entity::map::table;
use entity::retention_plan_rows as rows_table;
use entity::retention_plan_rows::Outcome as RowOutcome;
use entity::retention_plans::{Column, Entity, Model, State};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde::Serialize;
use uuid::Uuid;

use super::{BATCH, LASTS, by_id, counters};
use crate::auth::Actor;
use crate::error::Result;
use crate::retention::door::{self, Asked, Ground, Verdict};
use crate::retention::run::{self, Steering, Stop};
use crate::retention::{forecast, rows, sweep};
use crate::state::App;
use crate::{db, policies};

/// What the job did.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Plans carried out.
    pub executed: u64,
    /// Plans that nobody approved in time.
    pub expired: u64,
    /// Rows that went.
    pub gone: u64,
    /// Rows that dropped out.
    pub dropped_out: u64,
}

/// Carries out approved plans and ends those that nobody approved.
///
/// # Errors
/// A store fails; what has gone by then has gone completely, the next run goes on with the rest.
pub async fn run_approved(app: &App, dry_run: bool) -> Result<Report> {
    let mut report = Report::default();
    let open = Entity::find().filter(Column::State.is_in([State::Planned, State::Approved])).order_by_asc(Column::Id);
    for plan in open.all(app.db.read()).await? {
        let now = app.clock.now();
        if plan.state == State::Planned {
            if plan.made_at + LASTS <= now {
                report.expired += 1;
                finish(app, plan.id, State::Expired, dry_run).await?;
            }
        } else if dry_run {
            report.executed += 1;
        } else if !run::is_paused(app).await? {
            policies::require_current(&app.db, &app.policies).await?;
            execute(app, &plan, &mut report).await?;
        }
    }
    Ok(report)
}

async fn finish(app: &App, id: PlanId, state: State, dry_run: bool) -> Result<()> {
    if !dry_run {
        // Unless somebody has called it off meanwhile.
        let sql = "UPDATE retention_plans SET state = $1, finished_at = $2 \
                   WHERE id = $3 AND state IN ('PLANNED', 'APPROVED')";
        db::run(app.db.write(), sql, [state.code().into(), app.clock.now().into(), id.0.into()]).await?;
    }
    Ok(())
}

/// Carries a plan out, as a run that can be watched, paused and cancelled like any other: paused, it goes on with what is left; of a
/// plan that is cancelled, what is left stays.
async fn execute(app: &App, plan: &Model, report: &mut Report) -> Result<()> {
    let actor = plan.approved_by.map_or(Actor::System, |id| Actor::Staff(id, entity::staff::Role::Dpo));
    let judgement = forecast::Judgement { due: plan.planned, foreseen: Some(plan.planned), surplus: 0 };
    // Whoever calls the plan off locks it, too, and finds this run.
    let tx = app.db.begin().await?;
    db::lock(&tx, "retention_plans", plan.id.0).await?;
    if by_id(&tx, plan.id).await?.state != State::Approved {
        return Ok(());
    }
    let run = run::begin(app, &tx, &actor, Some(plan.id), judgement).await?;
    tx.commit().await?;
    let mut steering = Steering::new(run.id, u64::MAX);
    let carried_out = carry_out(app, &actor, plan, &mut steering, report).await;
    if let Err(error) = carried_out {
        steering.fail(app, run).await?;
        return Err(error);
    }
    match steering.stopped {
        None => finish(app, plan.id, State::Executed, false).await?,
        Some(Stop::Cancelled) => finish(app, plan.id, State::Cancelled, false).await?,
        Some(Stop::Paused | Stop::Capped) => {}
    }
    report.executed += u64::from(steering.stopped.is_none());
    sweep::finish_all(app).await?;
    steering.end(app, run, sweep::Report::default()).await?;
    Ok(())
}

async fn carry_out(app: &App, actor: &Actor, plan: &Model, steering: &mut Steering, report: &mut Report) -> Result<()> {
    let mut position = -1_i64;
    loop {
        let next = rows_table::Entity::find()
            .filter(rows_table::Column::PlanId.eq(plan.id))
            .filter(rows_table::Column::Position.gt(position))
            .order_by_asc(rows_table::Column::Position)
            .limit(BATCH as u64);
        let page = next.all(app.db.read()).await?;
        let Some(last) = page.last() else { return Ok(()) };
        position = last.position;
        for some in page.chunk_by(|a, b| a.table_name == b.table_name) {
            let open: Vec<_> = some.iter().filter(|r| r.outcome.is_none()).collect();
            if !steering.goes_on(app).await? {
                return Ok(());
            }
            let outcomes = take(app, actor, &open).await?;
            let gone = |o: RowOutcome| matches!(o, RowOutcome::Deleted | RowOutcome::Anonymised);
            let went = outcomes.iter().filter(|(_, o)| gone(*o)).count();
            report.gone += went as u64;
            report.dropped_out += (outcomes.len() - went) as u64;
            steering.took(some.len(), went);
            note(app, &outcomes).await?;
        }
    }
}

/// Puts down what became of planned rows.
async fn note(app: &App, outcomes: &[(EntryId, RowOutcome)]) -> Result<()> {
    let backend = app.db.backend();
    let sql = format!("UPDATE retention_plan_rows SET outcome = $1 WHERE {}", db::is_any(backend, "id", 2));
    let mut by_outcome: HashMap<&str, Vec<Uuid>> = HashMap::new();
    for (id, outcome) in outcomes {
        by_outcome.entry(outcome.code()).or_default().push(id.0);
    }
    for (outcome, ids) in by_outcome {
        db::run(app.db.write(), &sql, [outcome.into(), db::id_list(backend, ids)]).await?;
    }
    Ok(())
}

/// Takes those of one table's planned rows that are still as they were through the door.
async fn take(app: &App, actor: &Actor, planned: &[&rows_table::Model]) -> Result<Vec<(EntryId, RowOutcome)>> {
    let Some(t) = planned.first().and_then(|p| table(&p.table_name)) else { return Ok(Vec::new()) };
    let ids: Vec<Uuid> = planned.iter().map(|p| p.row_id).collect();
    let versions = counters(app.db.read(), t, &ids).await?;
    let rows: HashMap<Uuid, rows::Row> =
        rows::read_ids(app.db.read(), t, &ids).await?.into_iter().map(|r| (r.id, r)).collect();
    let (mut outcomes, mut unchanged) = (Vec::new(), HashMap::new());
    for p in planned {
        match rows.get(&p.row_id).filter(|row| !row.bare) {
            None => outcomes.push((p.id, RowOutcome::Gone)),
            Some(row) => {
                let same = row.data_type == p.data_type
                    && row.start == Some(p.row_start)
                    && versions.get(&p.row_id).copied() == p.row_version;
                if same {
                    unchanged.insert(p.row_id, p.id);
                } else {
                    outcomes.push((p.id, RowOutcome::Changed));
                }
            }
        }
    }
    let ids: Vec<Uuid> = planned.iter().map(|p| p.row_id).filter(|id| unchanged.contains_key(id)).collect();
    if ids.is_empty() {
        return Ok(outcomes);
    }
    let asked = [Asked { table: t, ids }];
    for (id, verdict) in door::remove(app, actor, &asked, Ground::Rule).await?.verdicts {
        let outcome = match verdict {
            Verdict::Erased => RowOutcome::Deleted,
            Verdict::Anonymised => RowOutcome::Anonymised,
            Verdict::Held => RowOutcome::Held,
            Verdict::Restricted => RowOutcome::Restricted,
            Verdict::Deferred => RowOutcome::Open,
            Verdict::Kept { .. } | Verdict::NotDue => RowOutcome::NotDue,
        };
        outcomes.extend(unchanged.remove(&id).map(|entry| (entry, outcome)));
    }
    outcomes.extend(unchanged.into_values().map(|entry| (entry, RowOutcome::Gone)));
    Ok(outcomes)
}
