//! What the next run will find due, which is known exactly: periods run by the calendar. A run that finds more than that,
//! and cannot say why, stops before it takes anything.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::ids::first_at;
use entity::map::{Table, tables};
use entity::retention_control::Entity;
use sea_orm::{ConnectionTrait, EntityTrait as _, Value};

use super::rules;
use crate::db;
use crate::error::Result;
use crate::policy::retention::Rule;
use crate::state::App;

/// A forecast is for the run of the next night, two hours late at most and over a change of summer time.
const REACHES: TimeDelta = TimeDelta::hours(26);

/// For so long a service may stand still, or its runs be stopped, and what has become due meanwhile is explained by the calendar.
/// After that somebody looks first: a clock that was set wrong looks the same.
pub const STANDS_STILL: TimeDelta = TimeDelta::days(14);

/// Rows per table and data type, as `table/R01`.
pub type Counts = BTreeMap<String, i64>;

/// Whether a run may go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Rows whose period is over.
    pub due: i64,
    /// Rows foreseen; none: no forecast was made yet.
    pub foreseen: Option<i64>,
    /// Rows beyond the forecast that neither are new nor fall under a rule that was changed since.
    pub surplus: i64,
}

/// Compares what was due by the end of the last forecast with that forecast: what the calendar has made due since is explained, unless
/// no run has made a forecast for longer than [`STANDS_STILL`]; then whatever is due now has to have been foreseen.
///
/// # Errors
/// The database cannot be read.
pub async fn judge(app: &App) -> Result<Judgement> {
    let now = app.clock.now();
    let mut due = count(app, (now, now), None).await?;
    let mut judgement = Judgement { due: due.values().sum(), ..Judgement::default() };
    let Some(control) = Entity::find_by_id(1).one(app.db.read()).await? else { return Ok(judgement) };
    let Some((made_at, foreseen)) = control.forecast_at.zip(control.forecast) else { return Ok(judgement) };
    if made_at > now {
        // By a clock that was wrong.
        return Ok(judgement);
    }
    let at = if now - made_at > STANDS_STILL { now } else { now.min(made_at + REACHES) };
    if at < now {
        due = count(app, (at, now), None).await?;
    }
    let foreseen: Counts = serde_json::from_str(&foreseen).map_err(|e| anyhow::anyhow!("the forecast: {e}"))?;
    judgement.foreseen = Some(foreseen.values().sum());
    let exceeds = |name: &str| due.get(name).copied().unwrap_or(0) > foreseen.get(name).copied().unwrap_or(0);
    if !due.keys().any(|name| exceeds(name)) {
        return Ok(judgement);
    }
    let new = count(app, (at, now), Some(made_at)).await?;
    let changed = changed_since(app, made_at).await?;
    for (name, due) in due.iter().filter(|(name, _)| !changed.iter().any(|d| name.ends_with(&format!("/{}", d.code()))))
    {
        let explained = foreseen.get(name).copied().unwrap_or(0) + new.get(name).copied().unwrap_or(0);
        judgement.surplus += (due - explained).max(0);
    }
    Ok(judgement)
}

/// A forecast, as it is stored.
pub struct Forecast {
    made_at: DateTime<Utc>,
    text: String,
}

impl Forecast {
    /// The next run is compared with it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn store(self, db: &impl ConnectionTrait) -> Result<()> {
        let sql = "UPDATE retention_control SET forecast_at = $1, forecast = $2 WHERE id = 1";
        db::run(db, sql, [self.made_at.into(), self.text.into()]).await?;
        Ok(())
    }
}

/// Foresees the next run.
///
/// # Errors
/// The database cannot be read.
pub async fn foresee(app: &App) -> Result<Forecast> {
    let now = app.clock.now();
    let at = now + REACHES;
    let mut counts = count(app, (at, at), None).await?;
    if app.policies.version_at(at).number != app.policies.version_at(now).number {
        // Until the announced rules begin, those of now take what they take.
        for (name, rows) in count(app, (at, now), None).await? {
            let foreseen = counts.entry(name).or_default();
            *foreseen = rows.max(*foreseen);
        }
    }
    let text = serde_json::to_string(&counts).map_err(|e| anyhow::anyhow!("the forecast: {e}"))?;
    Ok(Forecast { made_at: now, text })
}

async fn changed_since(app: &App, since: DateTime<Utc>) -> Result<Vec<DataType>> {
    let current = rules::at(app.db.read(), app.clock.now()).await?;
    Ok(current.into_iter().filter(|r| r.valid_from >= since && r.version > 1).map(|r| r.data_type).collect())
}

/// Rows whose period is over at an instant by the rules of another, all of them or those made since a third, in one statement.
async fn count(
    app: &App,
    (at, by): (DateTime<Utc>, DateTime<Utc>),
    made_since: Option<DateTime<Utc>>,
) -> Result<Counts> {
    let mut values: Vec<Value> = Vec::new();
    let mut parts = Vec::new();
    let rules = &app.policies.version_at(by).rules;
    for t in tables().iter().filter(|t| t.has("id")) {
        for rule in t.types.iter().filter_map(|d| rules.get(d)) {
            parts.extend(part(t, rule, at, made_since, &mut values));
        }
    }
    let rows = db::rows(app.db.read(), &parts.join(" UNION ALL "), values).await?;
    let mut counts = Counts::new();
    for row in rows {
        let (name, rows): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if rows > 0 {
            counts.insert(name, rows);
        }
    }
    Ok(counts)
}

fn part(
    t: &Table,
    rule: &Rule,
    at: DateTime<Utc>,
    made_since: Option<DateTime<Utc>>,
    values: &mut Vec<Value>,
) -> Option<String> {
    let start = t.start?;
    values.push(rule.due_before(at).into());
    let before = values.len();
    let mut conditions = vec![format!("t.{start} < ${before}")];
    if t.types.len() > 1 {
        conditions.push(format!("t.data_type = '{}'", rule.data_type.code()));
    }
    if t.has("not_before") {
        values.push(at.into());
        conditions.push(format!("(t.not_before IS NULL OR t.not_before <= ${})", values.len()));
    }
    if let Some(since) = made_since {
        values.push(first_at(since).into());
        conditions.push(format!("t.id >= ${}", values.len()));
    }
    let name = format!("{}/{}", t.name, rule.data_type.code());
    Some(format!("SELECT '{name}', COUNT(*) FROM {} t WHERE {}", t.name, conditions.join(" AND ")))
}
