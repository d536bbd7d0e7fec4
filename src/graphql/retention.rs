//! Why a record is still here, and until when: the same object on every record.

use async_graphql::{ComplexObject, Context, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;

use super::codes::RetentionAction;
use super::deadline::Deadline;
use super::error::ApiResult;
use super::session::ContextExt as _;
use crate::error::Error;
use crate::policy::deadline::Facts;
use crate::policy::retention::Rule;
use crate::policy::rules;
use crate::retention::explain;
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
    /// The first instant after that day, UTC: from then on the nightly job removes the record.
    pub ends_at: Option<DateTime<Utc>>,
    /// What happens then.
    pub action: RetentionAction,
    /// The article of the GDPR by which an erasure request does not end the period early; null: it does.
    pub floor: Option<&'static str>,
    #[graphql(skip)]
    rule: Rule,
}

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
}

/// The retention of a record by its data type and start instant.
#[must_use]
pub fn retention(app: &App, data_type: DataType, start: Option<DateTime<Utc>>) -> Option<Retention> {
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
