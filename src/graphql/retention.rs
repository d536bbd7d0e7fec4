//! Why a record is still here, and until when: the same object on every record.

use std::collections::HashMap;

use async_graphql::dataloader::Loader as Load;
use async_graphql::{ComplexObject, Context, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::map::table;
use uuid::Uuid;

use super::codes::{RetentionAction, RetentionWait};
use super::deadline::Deadline;
use super::error::ApiResult;
use super::loaders::{Failed, Loader, grouped};
use super::session::ContextExt as _;
use crate::error::Error;
use crate::policy::deadline::Facts;
use crate::policy::retention::Rule;
use crate::policy::rules;
use crate::retention::explain;
use crate::retention::rows::{self, Row};
use crate::state::App;

/// Why a record is kept, and until when.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Retention {
    /// Data type of the deletion concept, such as `R03`.
    pub data_type: &'static str,
    /// What it is kept for.
    pub purpose: &'static str,
    /// Legal basis, GDPR Art. 6(1).
    pub legal_basis: &'static str,
    /// The norm that sets the period.
    pub because: &'static str,
    /// What starts the period.
    pub start_event: &'static str,
    /// When it began; null while the record is in use.
    pub started_at: Option<DateTime<Utc>>,
    /// The last day of keeping, in Europe/Berlin.
    pub kept_until: Option<NaiveDate>,
    /// The first instant after that day, UTC: from then on the nightly job removes the record, unless it waits for something.
    pub ends_at: Option<DateTime<Utc>>,
    /// What happens then.
    pub action: RetentionAction,
    /// The article of the GDPR by which an erasure request does not end the period early; null: it does.
    pub floor: Option<&'static str>,
    #[graphql(skip)]
    rule: Rule,
    #[graphql(skip)]
    of: Stored,
}

/// A row, by its table and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stored(&'static str, Uuid);

#[ComplexObject]
impl Retention {
    /// How the end was reckoned, step by step; null while the record is in use.
    async fn deadline(&self, ctx: &Context<'_>) -> ApiResult<Option<Deadline>> {
        let Some(start) = self.started_at else { return Ok(None) };
        // Where the supply counts and not the voucher, the stored start is the supply.
        let rule = rules::Rule { instead: None, ..self.rule.deadline_rule() };
        let reckoned = ctx.app().policies.at(start).deadline(&rule, &Facts::from(start));
        let deadline = reckoned.map_err(|e| Error::Internal(anyhow::anyhow!("{}: {e}", rule.id)))?;
        Ok(Some(Deadline::of(deadline, ctx.session().language)))
    }

    /// What keeps it also beyond that day, and against an erasure: empty, nothing does. For staff; null for others.
    async fn waits_for(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<RetentionWait>>> {
        if ctx.actor().staff().is_none() {
            return Ok(None);
        }
        let found = ctx.session().loaders.load_one(self.of).await.map_err(Error::from)?;
        Ok(Some(found.unwrap_or_default()))
    }
}

impl Load<Stored> for Loader {
    type Value = Vec<RetentionWait>;
    type Error = Failed;

    async fn load(&self, rows: &[Stored]) -> Result<HashMap<Stored, Self::Value>, Failed> {
        let mut found = HashMap::new();
        for (name, of_table) in grouped(rows.to_vec(), |row| row.0) {
            let Some(t) = table(name) else { continue };
            let ids: Vec<Uuid> = of_table.iter().map(|row| row.1).collect();
            let read = rows::read_ids(self.app.db.read(), t, &ids).await.map_err(Failed::from)?;
            found.extend(read.iter().map(|row| (Stored(name, row.id), waits(&self.app, row))));
        }
        Ok(found)
    }
}

fn waits(app: &App, row: &Row) -> Vec<RetentionWait> {
    let works = app.rules().get(&row.data_type).is_some_and(|rule| rule.waits_for_work);
    let on_its_way = row.not_before.is_some_and(|not_before| app.clock.now() < not_before);
    let all = [
        (row.held, RetentionWait::Hold),
        (row.restricted, RetentionWait::Restriction),
        (row.open && works, RetentionWait::OpenWork),
        (on_its_way, RetentionWait::OrderOnItsWay),
    ];
    all.into_iter().filter_map(|(does, wait)| does.then_some(wait)).collect()
}

/// The retention of a record, by its table and id, its data type and start instant.
#[must_use]
pub fn retention(
    app: &App,
    (table, id): (&'static str, Uuid),
    data_type: DataType,
    start: Option<DateTime<Utc>>,
) -> Option<Retention> {
    let e = explain::explain(app, data_type, start)?;
    Some(Retention {
        data_type: data_type.code(),
        purpose: e.rule.purpose,
        legal_basis: e.rule.basis,
        because: e.rule.norm,
        start_event: e.rule.start_event.en,
        started_at: e.started_at,
        kept_until: e.ends_on,
        ends_at: e.ends_at,
        action: e.rule.action.into(),
        floor: e.rule.floor,
        rule: e.rule,
        of: Stored(table, id),
    })
}

/// A mutation that could be called on a record now, or why not.
#[derive(SimpleObject)]
pub struct AvailableAction {
    /// Name of the mutation.
    pub mutation: &'static str,
    /// Whether it can be called now by you.
    pub enabled: bool,
    /// Why not, as a code: `ROLE`, `STATE`, `REFUND_RUNNING`, `NO_ORDER`, `OUTCOME`, `APPROVAL`,
    /// `APPROVED`, `SAME_PERSON`, `TOO_EARLY`, `NEVER_SUBMITTED`.
    pub reason: Option<&'static str>,
}

impl AvailableAction {
    /// Enabled, unless one of the obstacles holds; the first is the reason.
    #[must_use]
    pub fn unless(mutation: &'static str, obstacles: &[(bool, &'static str)]) -> Self {
        let reason = obstacles.iter().find(|(holds, _)| *holds).map(|(_, reason)| *reason);
        Self { mutation, enabled: reason.is_none(), reason }
    }
}
