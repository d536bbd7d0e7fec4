//! What is kept for a duty or a claim alone leaves search and normal reads: the mark that `visible_to` of the rooms asks for.
//!
//! That is what has seen its last use, and, whatever its use, what only a hold or a restriction keeps from going: its period is over,
//! or its person has asked for erasure. Reopening a case or opening a new one brings order and contact record back (`starts`).

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{CaseId, CustomerId, OrderId};
use entity::map::{Table, table};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, QueryResult};
use serde::Serialize;
use uuid::Uuid;

use super::paths;
use crate::db;
use crate::error::Result;
use crate::policy::last_use::{self, OrderLife};
use crate::policy::rules::RuleId;
use crate::state::App;

/// The tables with the mark, in an order in which a contact record comes last.
const MARKED: [&str; 3] = ["orders", "cases", "customers"];

/// What was archived.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Archived {
    /// Orders, with their cases.
    pub orders: u64,
    /// Cases without an order.
    pub cases: u64,
    /// Contact records nothing of whom is in service any more.
    pub customers: u64,
}

const PAGE: u32 = 500;
const IN_SERVICE: &str = "archived_at IS NULL AND erased_at IS NULL";
const NOTHING_IN_SERVICE: &str = "\
    NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = customers.id AND o.archived_at IS NULL AND o.erased_at IS NULL) \
    AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.customer_id = customers.id AND c.archived_at IS NULL AND c.erased_at IS NULL)";
const OPEN: &str = "state NOT IN ('CLOSED', 'CANCELLED', 'MERGED', 'ERASED')";

/// Archives whatever has seen its last use and, after a sweep that has taken all that it may, what is left beyond its period.
///
/// # Errors
/// The database fails; what was archived by then stays so, the next run goes on.
pub async fn run(app: &App, is_swept: bool) -> Result<Archived> {
    let mut archived = Archived { orders: orders(app).await?, cases: cases(app).await?, customers: 0 };
    if is_swept {
        protected(app, &mut archived).await?;
    }
    archived.customers += customers(app).await?;
    Ok(archived)
}

/// Archives what an erasure has to leave for a hold or a restriction, as far as no work runs on it.
///
/// # Errors
/// The database fails.
pub async fn left_by_erasure(tx: &DatabaseTransaction, left: &[(&Table, Vec<Uuid>)], now: DateTime<Utc>) -> Result<()> {
    let backend = tx.get_database_backend();
    for (t, ids) in MARKED.iter().filter_map(|name| left.iter().find(|(t, _)| t.name == *name)) {
        let sql = format!("{} AND {}", idle(t), db::is_any(backend, "t.id", 2));
        db::run(tx, &sql, [now.into(), db::id_list(backend, ids.iter().copied())]).await?;
    }
    Ok(())
}

/// What a hold or a restriction keeps beyond its period.
async fn protected(app: &App, archived: &mut Archived) -> Result<()> {
    let now = app.clock.now();
    for t in MARKED.iter().filter_map(|name| table(name)) {
        let (Some(start), [data_type]) = (t.start, t.types) else { continue };
        let Some(rule) = app.rules().get(data_type) else { continue };
        let stands = format!("({} OR {})", paths::is_held(t), paths::is_restricted(t));
        let sql = format!("{} AND t.{start} < $2 AND {stands}", idle(t));
        let count = match t.name {
            "orders" => &mut archived.orders,
            "cases" => &mut archived.cases,
            _ => &mut archived.customers,
        };
        *count += db::run(app.db.write(), &sql, [now.into(), rule.due_before(now).into()]).await?;
    }
    Ok(())
}

/// Archives at `$1` those rows of `t` that are in service without anything that needs them.
fn idle(t: &Table) -> String {
    let mut sql =
        format!("UPDATE {} AS t SET archived_at = $1 WHERE {IN_SERVICE} AND NOT {}", t.name, paths::is_open(t));
    if t.has("not_before") {
        sql.push_str(" AND (t.not_before IS NULL OR t.not_before <= $1)");
    }
    if t.name == "customers" {
        sql.push_str(&format!(" AND {}", NOTHING_IN_SERVICE.replace("customers.id", "t.id")));
    }
    sql
}

async fn orders(app: &App) -> Result<u64> {
    // Nothing ends sooner than 28 months after its delivery.
    let (now, mut after, mut archived) = (app.clock.now(), Uuid::nil(), 0);
    let sql = format!(
        "SELECT o.id, o.ordered_at, o.delivered_at, \
         (SELECT MAX(r.delivered_at) FROM remedies r WHERE r.order_id = o.id AND r.kind <> 'EXCHANGE'), \
         EXISTS (SELECT 1 FROM remedies r WHERE r.order_id = o.id AND r.kind = 'REPAIR' AND r.delivered_at IS NOT NULL), \
         (SELECT MAX(c.closed_at) FROM cases c WHERE c.order_id = o.id), \
         (SELECT MAX(l.guarantee_months) FROM order_lines l WHERE l.order_id = o.id), \
         (SELECT MAX(d.limitation_until) FROM disputes d JOIN cases c ON c.id = d.case_id WHERE c.order_id = o.id), \
         o.customer_id \
         FROM orders o WHERE o.archived_at IS NULL AND o.erased_at IS NULL AND o.ordered_at < $1 AND o.id > $2 \
         AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.order_id = o.id AND c.{OPEN}) ORDER BY o.id LIMIT {PAGE}"
    );
    let warranty = app.policies.at(now).rule(RuleId::WarrantyAfterRepair);
    let warranty = warranty.ok_or_else(|| anyhow::anyhow!("the policy has no warranty"))?;
    loop {
        let values = [(now - TimeDelta::days(840)).into(), after.into()];
        let rows = db::rows(app.db.read(), &sql, values).await?;
        let Some(last) = rows.last() else { return Ok(archived) };
        after = last.try_get_by_index(0)?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        let negotiated = negotiated(app, &ids).await?;
        for (id, row) in ids.into_iter().zip(&rows) {
            let negotiated = negotiated.get(&id).copied().unwrap_or_default();
            if last_use::of_order(life(row, negotiated)?, &warranty) <= now {
                let customer = CustomerId(row.try_get_by_index(8)?);
                archived += archive_order(app, (OrderId(id), customer), now).await?;
            }
        }
    }
}

/// How long was negotiated about each of these orders: asked once for all, since an order is looked at every night for
/// months before its last use is over.
async fn negotiated(app: &App, orders: &[Uuid]) -> Result<HashMap<Uuid, TimeDelta>> {
    let these = db::is_any(app.db.backend(), "order_id", 1);
    let sql = format!(
        "SELECT order_id, opened_at, closed_at FROM cases WHERE {these} \
         AND kind IN ('WARRANTY_CLAIM', 'COMPLAINT', 'RETURN', 'EXCHANGE')"
    );
    let mut negotiated = HashMap::new();
    for case in db::rows(app.db.read(), &sql, [db::id_list(app.db.backend(), orders.iter().copied())]).await? {
        let opened: Option<DateTime<Utc>> = case.try_get_by_index(1)?;
        let closed: Option<DateTime<Utc>> = case.try_get_by_index(2)?;
        let took = opened.zip(closed).map_or(TimeDelta::zero(), |(opened, closed)| closed - opened);
        *negotiated.entry(case.try_get_by_index(0)?).or_default() += took;
    }
    Ok(negotiated)
}

fn life(row: &QueryResult, negotiated: TimeDelta) -> Result<OrderLife> {
    let guarantee: Option<i32> = row.try_get_by_index(6)?;
    Ok(OrderLife {
        ordered_at: row.try_get_by_index(1)?,
        delivered_at: row.try_get_by_index(2)?,
        cured_at: row.try_get_by_index(3)?,
        repaired: row.try_get_by_index(4)?,
        negotiated,
        closed_at: row.try_get_by_index(5)?,
        disputed_until: row.try_get_by_index(7)?,
        guarantee_months: guarantee.and_then(|months| u32::try_from(months).ok()).unwrap_or_default(),
    })
}

/// Order and cases together, unless a case was opened at this moment.
async fn archive_order(app: &App, (id, customer): (OrderId, CustomerId), now: DateTime<Utc>) -> Result<u64> {
    let tx = app.db.begin().await?;
    // In the order of everybody else: the customer, then cases and order.
    db::lock(&tx, "customers", customer.0).await?;
    db::lock(&tx, "orders", id.0).await?;
    let sql = format!(
        "UPDATE orders SET archived_at = $1 WHERE id = $2 AND {IN_SERVICE} \
         AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.order_id = $2 AND c.{OPEN}) \
         AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = $2 AND r.state IN {})",
        entity::refunds::RUNNING
    );
    let archived = db::run(&tx, &sql, [now.into(), id.0.into()]).await?;
    if archived > 0 {
        let sql = format!("UPDATE cases SET archived_at = $1 WHERE order_id = $2 AND {IN_SERVICE}");
        db::run(&tx, &sql, [now.into(), id.0.into()]).await?;
    }
    tx.commit().await?;
    Ok(archived)
}

async fn cases(app: &App) -> Result<u64> {
    let (now, mut after, mut archived) = (app.clock.now(), Uuid::nil(), 0);
    let sql = format!(
        "SELECT id, closed_at FROM cases WHERE {IN_SERVICE} AND order_id IS NULL AND NOT {OPEN} AND closed_at < $1 \
         AND id > $2 ORDER BY id LIMIT {PAGE}"
    );
    loop {
        let rows = db::rows(app.db.read(), &sql, [(now - TimeDelta::days(364)).into(), after.into()]).await?;
        let Some(last) = rows.last() else { return Ok(archived) };
        after = last.try_get_by_index(0)?;
        for row in &rows {
            if last_use::of_case_without_order(row.try_get_by_index(1)?) <= now {
                let id = CaseId(row.try_get_by_index(0)?);
                let sql = format!("UPDATE cases SET archived_at = $1 WHERE id = $2 AND {IN_SERVICE} AND NOT {OPEN}");
                archived += db::run(app.db.write(), &sql, [now.into(), id.0.into()]).await?;
            }
        }
    }
}

/// A contact record is of use as long as an order or a case of the person is.
async fn customers(app: &App) -> Result<u64> {
    let (now, mut after, mut archived) = (app.clock.now(), Uuid::nil(), 0);
    let sql = format!(
        "SELECT id FROM customers WHERE {IN_SERVICE} AND start_at < $1 AND id > $2 AND {NOTHING_IN_SERVICE} ORDER BY id \
         LIMIT {PAGE}"
    );
    loop {
        let rows = db::rows(app.db.read(), &sql, [(now - TimeDelta::days(364)).into(), after.into()]).await?;
        let Some(last) = rows.last() else { return Ok(archived) };
        after = last.try_get_by_index(0)?;
        for row in &rows {
            let id = CustomerId(row.try_get_by_index(0)?);
            let tx = app.db.begin().await?;
            // Whoever registers an order for them waits, or has been waited for.
            db::lock(&tx, "customers", id.0).await?;
            let sql = format!(
                "UPDATE customers SET archived_at = $1 WHERE id = $2 AND {IN_SERVICE} AND {NOTHING_IN_SERVICE}"
            );
            archived += db::run(&tx, &sql, [now.into(), id.0.into()]).await?;
            tx.commit().await?;
        }
    }
}
