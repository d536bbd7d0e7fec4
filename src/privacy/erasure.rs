//! Erasure (GDPR Art. 17): an outcome for every record. What is open is deferred and follows by itself.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::erasures::{ActiveModel, Column, Entity, Model, State};
use entity::ids::{CustomerId, ErasureId, made_at};
use entity::map::{RowEnd, tables};
use entity::retention_rules::Action;
use entity::{DataType, customers};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::policy::calendar;
use crate::retention::door::{self, Ground, Verdict};
use crate::retention::{paths, rows, sweep};
use crate::state::App;
use crate::{audit, db};

/// How long backups of the key store live: afterwards every older backup of the main database is unreadable for what
/// was erased (docs/operations.md demands the cycle).
pub const KEY_BACKUPS_LIVE: TimeDelta = TimeDelta::days(35);

/// What became, or would become, of one record. Ids and codes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its table.
    pub table: String,
    /// Its id.
    pub id: Uuid,
    /// Its data type.
    pub data_type: DataType,
    /// `ERASED`, `ANONYMISED`, `KEPT`, `DEFERRED` or `HELD`.
    pub outcome: String,
    /// The last day of keeping, for what is kept by a norm.
    pub until: Option<NaiveDate>,
    /// The norm, or why it is deferred or held.
    pub because: Option<String>,
    /// The article of the GDPR.
    pub article: Option<String>,
}

/// The answer to an erasure: certificate and to-do list in one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The erasure; none in a dry run.
    pub erasure_id: Option<ErasureId>,
    /// The person, by opaque id.
    pub customer_id: CustomerId,
    /// `SETTLED`, or `DEFERRED` while something waits for work or a hold to end.
    pub state: State,
    /// An outcome per record.
    pub records: Vec<Record>,
    /// From this day on no backup can open what was erased, if key-store backups live at most 35 days.
    pub backups_unreadable_from: NaiveDate,
}

impl Report {
    /// How many records had an outcome.
    #[must_use]
    pub fn count(&self, outcome: &str) -> usize {
        self.records.iter().filter(|r| r.outcome == outcome).count()
    }
}

/// What an erasure would do, without doing it.
///
/// # Errors
/// Refused: nobody of this id.
pub async fn plan(app: &App, actor: &Actor, customer: CustomerId) -> Result<Report> {
    actor.require(Permission::ProtectData)?;
    let records = foreseen(app, customer).await?;
    if records.is_empty() {
        return Err(Refusal::at(Code::NotFound, &["input", "customerId"]).into());
    }
    Ok(report(app, None, customer, records, true))
}

async fn foreseen(app: &App, customer: CustomerId) -> Result<Vec<Record>> {
    let now = app.clock.now();
    let ground = Ground::Erasure(ErasureId(Uuid::nil()));
    let mut records = Vec::new();
    for t in tables().iter().rev().filter(|t| t.is_personal()) {
        for row in rows::read(app.db.read(), t, &paths::of_person(t, 1), vec![customer.0.into()]).await? {
            if let (false, Some(rule)) = (row.bare, app.rules.get(&row.data_type)) {
                records.push(record(t.name, row.id, row.data_type, door::check(&row, rule, ground, now)));
            }
        }
    }
    Ok(records)
}

/// Erases a person as far as the law lets it, at once.
///
/// # Errors
/// Refused: nobody of this id. A failing store: what has gone has gone completely, the nightly run goes on.
pub async fn erase(app: &App, actor: &Actor, customer: CustomerId, key: &str) -> Result<Report> {
    actor.require(Permission::ProtectData)?;
    // Stored before anything goes: a run that is cut off would not know afterwards what it has taken.
    let waits = |r: Record| record(&r.table, r.id, r.data_type, Verdict::Deferred);
    let begun: Vec<Record> = foreseen(app, customer).await?.into_iter().map(waits).collect();
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "subjectErase", key, &customer).await? {
        Outcome::Replay(ids) => {
            let id = ErasureId(*ids.first().ok_or(Error::NotFound)?);
            let row = Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound)?;
            return stored(&row);
        }
        Outcome::First(claim) => claim,
    };
    if customers::Entity::find_by_id(customer).one(&tx).await?.is_none() {
        return Err(Refusal::at(Code::NotFound, &["input", "customerId"]).into());
    }
    let id = ErasureId::new(now);
    let begun = report(app, Some(id), customer, begun, false);
    let row = ActiveModel {
        id: Set(id),
        customer_id: Set(customer),
        state: Set(State::Deferred),
        requested_at: Set(now),
        requested_by: Set(actor.staff()),
        report: Set(text(&begun)?),
        settled_at: Set(None),
    };
    let row = row.insert(&tx).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    audit::record(&tx, now, actor, "subject.erase", ("customers", Some(customer.0)), json!({ "erasure": id })).await?;
    tx.commit().await?;
    go_on(app, actor, row).await
}

/// What became of the erasures that waited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resumed {
    /// Nothing is left to do.
    pub settled: u64,
    /// A store failed; the next run tries again.
    pub failed: u64,
}

/// Goes on with every erasure that waits for something. One that fails is counted and does not stop the others.
///
/// # Errors
/// The list of them cannot be read.
pub async fn resume(app: &App, actor: &Actor) -> Result<Resumed> {
    let mut resumed = Resumed::default();
    let waiting = Entity::find().filter(Column::State.eq(State::Deferred)).all(app.db.read()).await?;
    for row in waiting {
        let id = row.id;
        match go_on(app, actor, row).await {
            Ok(report) => resumed.settled += u64::from(report.state == State::Settled),
            Err(error) => {
                tracing::error!(erasure = %id, cause = ?error, "a deferred erasure failed");
                resumed.failed += 1;
            }
        }
    }
    Ok(resumed)
}

/// After a restore: an erasure that the backup does not know, or knows as it stood then. What went again is on record as
/// gone; what waited follows with [`resume`].
pub(super) async fn recall(
    app: &App,
    id: ErasureId,
    customer: Option<CustomerId>,
    gone: &[(&'static str, Uuid, DataType)],
) -> Result<bool> {
    let known = Entity::find_by_id(id).one(app.db.read()).await?;
    let Some(customer) = known.as_ref().map(|row| row.customer_id).or(customer) else { return Ok(false) };
    if known.is_some() && gone.is_empty() {
        return Ok(false);
    }
    let mut records = known.as_ref().map(stored).transpose()?.map(|report| report.records).unwrap_or_default();
    records.retain(|r| !gone.iter().any(|(table, id, _)| r.table == *table && r.id == *id));
    for (table, id, data_type) in gone {
        let counted = app.rules.get(data_type).is_some_and(|rule| rule.action == Action::Anonymise);
        let verdict = if counted { Verdict::Anonymised } else { Verdict::Erased };
        records.push(record(table, *id, *data_type, verdict));
    }
    let mut report = report(app, Some(id), customer, records, false);
    report.state = State::Deferred;
    let (now, requested) = (app.clock.now(), made_at(id.0));
    let sql = "INSERT INTO erasures (id, customer_id, state, requested_at, report) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (id) DO UPDATE SET state = excluded.state, report = excluded.report, settled_at = NULL";
    let requested = requested.unwrap_or(now);
    let values =
        [id.0.into(), customer.0.into(), State::Deferred.code().into(), requested.into(), text(&report)?.into()];
    db::run(app.db.write(), sql, values).await?;
    Ok(true)
}

async fn go_on(app: &App, actor: &Actor, row: Model) -> Result<Report> {
    let gone = |r: &Record| r.outcome == "ERASED" || r.outcome == "ANONYMISED";
    let (mut records, waited): (Vec<Record>, Vec<Record>) = stored(&row)?.records.into_iter().partition(gone);
    for t in tables().iter().rev().filter(|t| t.is_personal()) {
        let found = rows::read(app.db.read(), t, &paths::of_person(t, 1), vec![row.customer_id.0.into()]).await?;
        let mut live: Vec<_> = found.into_iter().filter(|r| !r.bare && !came_later(r.id, row.requested_at)).collect();
        if t.name == "customers" && has_new_business(app, &row).await? {
            // Whoever orders again after asking is a customer again: that is new data, and needs the contact.
            let kept = live.drain(..).map(|r| record(t.name, r.id, r.data_type, Verdict::NotDue));
            records.extend(kept);
        }
        for some in live.chunks(500) {
            let ids: Vec<Uuid> = some.iter().map(|r| r.id).collect();
            for (id, verdict) in door::remove(app, actor, t, &ids, Ground::Erasure(row.id)).await? {
                let data_type = some.iter().find(|r| r.id == id).map_or(DataType::R00, |r| r.data_type);
                records.push(record(t.name, id, data_type, verdict));
            }
        }
    }
    for t in tables().iter().rev().filter(|t| t.end == RowEnd::Bare) {
        door::remove_bare(app, t).await?;
    }
    // What waited and is not there any more went in a run that was cut off, or by its own rule.
    let there: HashSet<Uuid> = records.iter().map(|r| r.id).collect();
    for r in waited.into_iter().filter(|r| !there.contains(&r.id)) {
        let counted = app.rules.get(&r.data_type).is_some_and(|rule| rule.action == Action::Anonymise);
        records.push(record(&r.table, r.id, r.data_type, if counted { Verdict::Anonymised } else { Verdict::Erased }));
    }
    let done = report(app, Some(row.id), row.customer_id, records, false);
    let settled_at = (done.state == State::Settled).then(|| app.clock.now());
    let sql = "UPDATE erasures SET state = $1, report = $2, settled_at = $3 WHERE id = $4";
    let values = [done.state.code().into(), text(&done)?.into(), settled_at.into(), row.id.0.into()];
    db::run(app.db.write(), sql, values).await?;
    let touched: Vec<&str> = tables().iter().filter(|t| t.is_personal()).map(|t| t.name).collect();
    sweep::finish(app, &touched).await?;
    Ok(done)
}

/// Ids carry the millisecond in which their row was made.
fn came_later(id: Uuid, requested: DateTime<Utc>) -> bool {
    made_at(id).is_some_and(|made| made > requested)
}

/// Whether the person has ordered or opened a case since the erasure was decided.
async fn has_new_business(app: &App, row: &Model) -> Result<bool> {
    for table in ["orders", "cases"] {
        let sql = format!("SELECT id FROM {table} WHERE customer_id = $1 ORDER BY id DESC LIMIT 1");
        let rows = db::rows(app.db.read(), &sql, [row.customer_id.0.into()]).await?;
        if let Some(newest) = rows.first()
            && came_later(newest.try_get_by_index(0)?, row.requested_at)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn record(table: &str, id: Uuid, data_type: DataType, verdict: Verdict) -> Record {
    let (outcome, until, because, article) = match verdict {
        Verdict::Erased => ("ERASED", None, None, None),
        Verdict::Anonymised => ("ANONYMISED", None, None, None),
        Verdict::Kept { until, norm, article } => ("KEPT", until, Some(norm), Some(article)),
        Verdict::Deferred => ("DEFERRED", None, Some("OPEN"), Some("GDPR Art. 17(1)(a)")),
        Verdict::Held => ("HELD", None, Some("HOLD"), Some("GDPR Art. 17(3)(e)")),
        Verdict::Restricted => ("RESTRICTED", None, Some("RESTRICTION"), Some("GDPR Art. 18")),
        // The check never says so of an erasure; only new business does.
        Verdict::NotDue => ("KEPT", None, Some("NEW_BUSINESS"), None),
    };
    Record {
        table: table.to_owned(),
        id,
        data_type,
        outcome: outcome.to_owned(),
        until,
        because: because.map(str::to_owned),
        article: article.map(str::to_owned),
    }
}

fn report(app: &App, id: Option<ErasureId>, customer: CustomerId, records: Vec<Record>, dry_run: bool) -> Report {
    let waits = records.iter().any(|r| matches!(r.outcome.as_str(), "DEFERRED" | "HELD" | "RESTRICTED"));
    Report {
        dry_run,
        erasure_id: id,
        customer_id: customer,
        state: if waits { State::Deferred } else { State::Settled },
        records,
        backups_unreadable_from: calendar::day_of(app.clock.now() + KEY_BACKUPS_LIVE),
    }
}

fn text(report: &Report) -> Result<String> {
    Ok(serde_json::to_string(report).map_err(|e| anyhow::anyhow!("report: {e}"))?)
}

fn stored(row: &Model) -> Result<Report> {
    Ok(serde_json::from_str(&row.report).map_err(|e| anyhow::anyhow!("stored report: {e}"))?)
}
