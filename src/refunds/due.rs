//! By when: the bank's estimate and what passes it, the fourteen days of a withdrawal, and the shop's own target.

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::RefundId;
use entity::refunds::Model;
use entity::timers;
use sea_orm::ConnectionTrait;
use serde_json::json;

use super::machine::Step;
use crate::auth::Actor;
use crate::cases::timers as case_timers;
use crate::error::{Code, Error, Refusal, Result};
use crate::policy::calendar;
use crate::policy::deadline::{Deadline, Facts};
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, db};

/// Marks as overdue what the bank should have credited by now (S61). The job `timers` has marked the timer and filed the
/// task by then. Returns how many; a dry run only counts.
///
/// # Errors
/// The database fails; what was marked by then stays marked, the next run goes on.
pub async fn overdue(app: &App, dry_run: bool) -> Result<u64> {
    // A refund that was submitted again has a timer of its own; the first one's breach is not its breach.
    let passed = "SELECT r.id FROM refunds r WHERE r.state IN ('SUBMITTED', 'PENDING_AT_PROVIDER') AND EXISTS \
                  (SELECT 1 FROM timers t WHERE t.refund_id = r.id AND t.rule = 'refund-credit' \
                  AND t.state = 'BREACHED' AND t.started_at = r.submitted_at) ORDER BY r.id LIMIT 500";
    let mut marked = 0;
    loop {
        let found = db::rows(app.db.read(), passed, []).await?;
        let ids = found.iter().map(|row| row.try_get_by_index(0).map(RefundId));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        if dry_run {
            return Ok(ids.len() as u64);
        }
        let mut here = 0;
        for id in ids {
            here += u64::from(expire(app, id).await?);
        }
        if here == 0 {
            return Ok(marked);
        }
        marked += here;
    }
}

/// One refund in its own transaction. A credit, or another instance, may have been first: then nothing happens.
async fn expire(app: &App, id: RefundId) -> Result<bool> {
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let to = Step::Expire.way().1.code();
    let sql = "UPDATE refunds SET state = $1, version = version + 1 \
               WHERE id = $2 AND state IN ('SUBMITTED', 'PENDING_AT_PROVIDER')";
    if db::run(&tx, sql, [to.into(), id.0.into()]).await? == 0 {
        return Ok(false);
    }
    audit::record(&tx, now, &Actor::System, "refund.advance", ("refunds", Some(id.0)), json!({ "state": to })).await?;
    tx.commit().await?;
    Ok(true)
}

/// The timer of a refund's latest submission.
#[must_use]
pub fn credit_timer(timers: &[timers::Model], refund: RefundId) -> Option<&timers::Model> {
    let rule = RuleId::RefundCredit.to_string();
    timers.iter().filter(|t| t.refund_id == Some(refund) && t.rule == rule).max_by_key(|t| t.started_at)
}

/// Refuses to ask after a refund before the bank's usual time is over (S61).
///
/// # Errors
/// `TOO_EARLY` with `possibleFrom` and `lastDay`; the database cannot be read.
pub(super) async fn require_passed(
    app: &App,
    db: &impl ConnectionTrait,
    refund: &Model,
    now: DateTime<Utc>,
) -> Result<()> {
    let timers = case_timers::of_case(db, refund.case_id).await?;
    let Some(timer) = credit_timer(&timers, refund.id).filter(|t| now < t.ends_at) else { return Ok(()) };
    let deadline = case_timers::deadline(app, timer, now)?;
    let refusal = Refusal::at(Code::TooEarly, &["input", "refundId"]);
    Err(refusal.with("possibleFrom", timer.ends_at.to_rfc3339()).with("lastDay", deadline.ends_on).into())
}

/// By when the shop has to pay after a withdrawal (BGB §§ 355(3), 357(1)): as the case's timer has it, or reckoned from the
/// statement.
///
/// # Errors
/// The policy knows no end for it.
pub fn statutory(app: &App, timers: &[timers::Model], withdrawn: DateTime<Utc>) -> Result<Deadline> {
    let id = RuleId::WithdrawalRefund;
    if let Some(timer) = timers.iter().rfind(|t| t.rule == id.to_string()) {
        return case_timers::deadline(app, timer, app.clock.now());
    }
    let policy = app.policies.at(withdrawn);
    let unknown = || Error::Internal(anyhow::anyhow!("the policy has no {id}"));
    let rule = policy.rule(id).ok_or_else(unknown)?;
    policy.deadline(&rule, &Facts::from(withdrawn)).map_err(|e| Error::Internal(anyhow::anyhow!("{id}: {e}")))
}

/// The day by which the shop itself wants to have handed a refund to the provider, in Europe/Berlin.
#[must_use]
pub fn target(app: &App, withdrawn: DateTime<Utc>) -> NaiveDate {
    let days = app.policies.at(withdrawn).refunds.submit_by_days;
    calendar::plus_days(calendar::day_of(withdrawn), days)
}
