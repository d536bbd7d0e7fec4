//! What is due until a day, record by record, with the reason why it is still here: the list behind every run.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::DataType;
use entity::map::{Table, tables};
use entity::retention_rules::Action;
use serde::Serialize;
use uuid::Uuid;

use super::door::{self, Ground, Verdict};
use super::sweep;
use crate::auth::{Actor, Permission};
use crate::error::Result;
use crate::policy::calendar;
use crate::policy::retention::Rule;
use crate::state::App;

const PAGE: usize = 1_000;

/// A record whose period is over by a day. Ids and codes only.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// Table.
    pub table: &'static str,
    /// Row.
    pub id: Uuid,
    /// Data type.
    pub data_type: DataType,
    /// When its period began, UTC.
    pub started_at: DateTime<Utc>,
    /// The last day of keeping (Europe/Berlin).
    pub kept_until: NaiveDate,
    /// The norm that sets the period.
    pub because: &'static str,
    /// What it was kept for.
    pub purpose: &'static str,
    /// Legal basis, GDPR Art. 6(1).
    pub legal_basis: &'static str,
    /// What the run does: `DELETE` or `ANONYMISE`, or why it waits: `HELD`, `RESTRICTED`, `OPEN`.
    pub then: &'static str,
}

/// Everything whose last day of keeping is `until` or earlier, in the order in which runs take it.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn due(app: &App, actor: &Actor, until: NaiveDate) -> Result<Vec<Due>> {
    actor.require(Permission::ProtectData)?;
    let (now, at) = (app.clock.now(), calendar::start_of(calendar::plus_days(until, 1)));
    // Until announced rules begin, those before them take what they take.
    let begin_between = app.policies.all().iter().map(|v| v.valid_from).filter(|from| now < *from && *from < at);
    let mut ends: Vec<DateTime<Utc>> = begin_between.chain([at]).collect();
    ends.sort_unstable();
    let (mut found, mut since) = (Vec::new(), now);
    for end in ends {
        // On the day on which rules begin, a run goes by these.
        let end = if end == at { at } else { end - TimeDelta::milliseconds(1) };
        let before: HashSet<Uuid> = found.iter().map(|due: &Due| due.id).collect();
        let rules = &app.policies.version_at(since).rules;
        for t in tables().iter().rev().filter(|t| t.has("id")) {
            for rule in t.types.iter().filter_map(|d| rules.get(d)) {
                let of_rule = by_rule(app, t, rule, end).await?;
                found.extend(of_rule.into_iter().filter(|due| !before.contains(&due.id)));
            }
        }
        since = end + TimeDelta::milliseconds(1);
    }
    Ok(found)
}

async fn by_rule(app: &App, t: &'static Table, rule: &Rule, at: DateTime<Utc>) -> Result<Vec<Due>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = sweep::due_page(app.db.read(), t, rule, at, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.start.map(|start| (start, last.id));
        for row in page {
            let Some(start) = row.start.filter(|start| rule.is_over(*start, at)) else { continue };
            let then = match door::check(&row, rule, Ground::Rule, at) {
                Verdict::Held => "HELD",
                Verdict::Restricted => "RESTRICTED",
                Verdict::Deferred => "OPEN",
                Verdict::Erased | Verdict::Anonymised | Verdict::Kept { .. } | Verdict::NotDue => match rule.action {
                    Action::Delete => "DELETE",
                    Action::Anonymise => "ANONYMISE",
                },
            };
            found.push(Due {
                table: t.name,
                id: row.id,
                data_type: row.data_type,
                started_at: start,
                kept_until: rule.last_day(start),
                because: rule.norm,
                purpose: rule.purpose,
                legal_basis: rule.basis,
                then,
            });
        }
    }
}
