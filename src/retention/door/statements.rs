//! The only statements in the program that delete or clear personal rows, and the conditions on which they do.

use std::time::Instant;

use chrono::{DateTime, Utc};
use entity::ids::CustomerId;
use entity::map::{AtEnd, RowEnd, Table, tables};
use entity::retention_rules::Action;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, Value};
use uuid::Uuid;

use super::{Ground, Proof};
use crate::db;
use crate::error::Result;
use crate::policy::retention::Rule;
use crate::retention::pace::Pace;
use crate::retention::person::Person;
use crate::retention::{anonymise, paths};
use crate::state::App;

/// The check once more, as a condition of the deleting statement over `t`, with the values that follow the ids.
#[derive(Default)]
pub(super) struct Still {
    condition: String,
    values: Vec<Value>,
}

impl Still {
    /// The number of the first value: `$1` are the ids.
    const FIRST: usize = 2;

    /// What [`check`](super::check) demands of a row that goes; where all of a person goes, no work for them is asked for once, not
    /// for each row.
    pub(super) fn going(t: &Table, rule: &Rule, ground: Ground, now: DateTime<Utc>, whole: Option<CustomerId>) -> Self {
        let mut still = Self::default();
        still.and(&format!("NOT {} AND NOT {}", paths::is_held(t), paths::is_restricted(t)));
        if t.types.len() > 1 {
            still.and(&format!("t.data_type = '{}'", rule.data_type.code()));
        }
        match whole.filter(|_| rule.waits_for_work) {
            Some(customer) => {
                still.and(&format!("NOT {}", paths::is_working_for(still.next())));
                still.values.push(customer.0.into());
            }
            None if rule.waits_for_work => still.and(&format!("NOT {}", paths::is_open(t))),
            None => {}
        }
        if t.has("not_before") {
            still.and_value("(t.not_before IS NULL OR t.not_before <=", now, ")");
        }
        if let Some(start) = t.start
            && (ground == Ground::Rule || rule.floor.is_some())
        {
            still.and_value(&format!("t.{start} <"), rule.due_before(now), "");
        }
        still
    }

    /// The number of the next value.
    const fn next(&self) -> usize {
        Self::FIRST + self.values.len()
    }

    fn and(&mut self, condition: &str) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
    }

    fn and_value(&mut self, before: &str, value: DateTime<Utc>, after: &str) {
        self.and(&format!("{before} ${}{after}", self.next()));
        self.values.push(value.into());
    }
}

/// The door itself: the only statements in the program that delete or clear personal rows. Returns how many went. Where `is_clean`,
/// nothing is expected to point to them, and a foreign key that does stops the statement.
pub(super) async fn pass(
    tx: &DatabaseTransaction,
    t: &Table,
    proofs: &[Proof],
    now: DateTime<Utc>,
    still: Still,
    is_clean: bool,
) -> Result<u64> {
    let anonymise: Vec<Uuid> = proofs.iter().filter(|p| p.action == Action::Anonymise).map(|p| p.row.id).collect();
    let tally = anonymise::tally(tx, t, &anonymise).await?;
    let backend = tx.get_database_backend();
    let any = |column: &str| db::is_any(backend, column, 1);
    let (name, these, condition) = (t.name, any("t.id"), &still.condition);
    let ids = db::id_list(backend, proofs.iter().map(|p| p.row.id));
    let values = || [ids.clone()].into_iter().chain(still.values.iter().cloned());
    // What something points to stays as a bare id; mostly nothing does, and then one statement does it.
    let mut free = String::new();
    if t.end == RowEnd::Bare {
        // SQLite looks into an index as quickly for one row as for many, and would parse the list once for each index.
        let pointed_to = match backend {
            _ if is_clean => paths::is_pointed_to_without_key(t),
            DbBackend::Postgres => paths::is_among_pointed_to(t, any),
            _ => paths::is_pointed_to(t),
        };
        free = format!(" AND t.erased_at IS NULL AND NOT {pointed_to}");
    }
    let sql = format!("DELETE FROM {name} AS t WHERE {these}{free}{condition}");
    let mut went = db::run(tx, &sql, values()).await?;
    if t.end == RowEnd::Bare && went < proofs.len() as u64 {
        let clear: Vec<String> = t
            .columns
            .iter()
            .filter(|c| c.meaning.at_end == AtEnd::Cleared)
            .map(|c| c.name)
            .chain(["unit_id", "start_at", "not_before"].into_iter().filter(|c| t.has(c)))
            .map(|c| format!("{c} = NULL"))
            .collect();
        let state = if t.has("state") { ", state = 'ERASED'" } else { "" };
        let sql = format!(
            "UPDATE {name} AS t SET {}, erased_at = ${}{state} WHERE {these} AND t.erased_at IS NULL{condition}",
            clear.join(", "),
            still.next()
        );
        went += db::run(tx, &sql, values().chain([now.into()])).await?;
    }
    // Last: another batch that adds to the same counters waits for this one's end.
    anonymise::add(tx, &tally).await?;
    Ok(went)
}

/// Deletes bare ids that nothing points to any more, of everybody or of one person: the last trace of a case, an order, a
/// person. Returns how many went, and the tables that they went from.
///
/// # Errors
/// The database fails.
pub async fn remove_bare(app: &App, person: Option<&Person>) -> Result<(u64, Vec<&'static str>)> {
    let (mut removed, mut touched) = (0, Vec::new());
    for t in tables().iter().rev().filter(|t| t.end == RowEnd::Bare) {
        if let Some((theirs, values)) = person.map(|person| person.rows_of(t, 1)) {
            // Mostly none is left, and to see that is less than to look for what could go.
            let any = format!("SELECT 1 FROM {} t WHERE t.erased_at IS NOT NULL AND {theirs} LIMIT 1", t.name);
            if db::rows(app.db.read(), &any, values).await?.is_empty() {
                continue;
            }
        }
        let free = format!(
            "t.erased_at IS NOT NULL AND NOT {} AND NOT {} AND NOT {}",
            paths::is_pointed_to(t),
            paths::is_held(t),
            paths::is_restricted(t)
        );
        let (of, theirs) = match person.map(|person| person.rows_of(t, 3)) {
            Some((theirs, values)) => (format!(" AND {theirs}"), values),
            None => (String::new(), Vec::new()),
        };
        let look = format!("SELECT t.id FROM {} t WHERE {free} AND t.id > $1{of} ORDER BY t.id LIMIT $2", t.name);
        let these = db::is_any(app.db.backend(), "t.id", 1);
        let delete = format!("DELETE FROM {} AS t WHERE {these} AND {free}", t.name);
        let (mut pace, mut after) = (Pace::default(), Uuid::nil());
        loop {
            // Looked for without a lock, and looked at once more under it: the search reads every bare id, the end few.
            let most = if person.is_some() { pace.full(true) } else { pace.rows(&app.traffic) };
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let values = [after.into(), most.into()].into_iter().chain(theirs.iter().cloned());
            let found = db::rows(app.db.read(), &look, values).await?;
            let ids: Vec<Uuid> = found.iter().map(|r| r.try_get_by_index(0)).collect::<Result<_, _>>()?;
            let Some(last) = ids.last() else { break };
            after = *last;
            let tx = app.db.begin().await?;
            let begun = Instant::now();
            let went = db::run(&tx, &delete, [db::id_list(app.db.backend(), ids)]).await?;
            tx.commit().await?;
            let kept = begun.elapsed();
            pace.took(usize::try_from(went).unwrap_or(usize::MAX), kept);
            if went > 0 {
                removed += went;
                touched.push(t.name);
            }
            if person.is_none() {
                Pace::rest(&app.traffic, kept).await;
            }
        }
    }
    touched.dedup();
    Ok((removed, touched))
}
