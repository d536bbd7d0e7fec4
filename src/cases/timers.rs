//! Timers of a case: started, met, paused, resumed, replaced; and what becomes of one that runs out.
//!
//! A timer's end is reckoned by the policy of the day on which it started, so that its explanation never changes.

use chrono::{DateTime, Utc};
use entity::cases;
use entity::ids::{CaseId, RefundId, TimerId};
use entity::tasks;
use entity::timers::{ActiveModel, Column, Entity, Model, State};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction,
    EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::policy::calendar;
use crate::policy::deadline::{Deadline, Facts, Pause, announced};
use crate::policy::rules::{Rule, RuleId};
use crate::policy::words::{Words, words};
use crate::state::App;
use crate::{audit, db};

/// Why a timer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PauseReason {
    /// The customer was asked for something.
    WaitingForCustomer,
    /// A carrier, a bank or a manufacturer was.
    WaitingForThirdParty,
}

impl PauseReason {
    /// In words.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::WaitingForCustomer => words("Rückfrage an den Kunden", "waiting for the customer"),
            Self::WaitingForThirdParty => words("Rückfrage bei Dritten", "waiting for a third party"),
        }
    }
}

/// An interruption as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// From, UTC.
    pub from: DateTime<Utc>,
    /// To, UTC; none: it lasts.
    pub to: Option<DateTime<Utc>>,
    /// Why.
    pub reason: PauseReason,
}

/// The interruptions of a timer, in order.
#[must_use]
pub fn interruptions(timer: &Model) -> Vec<Interruption> {
    serde_json::from_str(&timer.pauses).unwrap_or_default()
}

/// The rule of a timer, by the policy of the day on which it started.
fn rule(app: &App, timer: &Model) -> Result<Rule> {
    let id = timer.rule.parse::<RuleId>().ok();
    let rule = id.and_then(|id| app.policies.at(timer.started_at).rule(id));
    rule.ok_or_else(|| Error::Internal(anyhow::anyhow!("the timer {} has no rule", timer.id)))
}

/// When a timer runs out, and why. A pause that lasts counts up to `now`.
///
/// # Errors
/// The policy knows no end for it.
pub fn deadline(app: &App, timer: &Model, now: DateTime<Utc>) -> Result<Deadline> {
    let rule = rule(app, timer)?;
    if timer.announced {
        let last = timer.ends_at - chrono::TimeDelta::microseconds(1);
        return Ok(announced(&rule, timer.started_at, calendar::day_of(last)));
    }
    reckon(app, &rule, timer.started_at, &interruptions(timer), now)
}

fn reckon(
    app: &App,
    rule: &Rule,
    start: DateTime<Utc>,
    pauses: &[Interruption],
    now: DateTime<Utc>,
) -> Result<Deadline> {
    let ended = |i: &Interruption| Pause { from: i.from, to: i.to.unwrap_or(now), reason: i.reason.words() };
    let pauses = pauses.iter().map(ended).filter(|p| p.from < p.to).collect();
    let facts = Facts { pauses, ..Facts::from(start) };
    let reckoned = app.policies.at(start).deadline(rule, &facts);
    reckoned.map_err(|e| Error::Internal(anyhow::anyhow!("{}: {e}", rule.id)))
}

/// Starts a timer in the transaction of the event that starts it.
///
/// # Errors
/// The database fails.
pub(crate) async fn start(
    app: &App,
    tx: &DatabaseTransaction,
    case: CaseId,
    refund: Option<RefundId>,
    id: RuleId,
    at: DateTime<Utc>,
) -> Result<()> {
    let Some(rule) = app.policies.at(at).rule(id) else { return Ok(()) };
    let ends_at = reckon(app, &rule, at, &[], at)?.ends_at;
    insert(tx, app.clock.now(), case, refund, id, at, ends_at, false).await
}

/// The fourteen days of a withdrawal run on from its statement (BGB § 357(1)) where nothing on the case keeps them: no period that
/// runs, none that was missed and stands open.
///
/// # Errors
/// The database fails.
pub(crate) async fn owe(app: &App, tx: &DatabaseTransaction, case: CaseId, stated: DateTime<Utc>) -> Result<()> {
    let id = RuleId::WithdrawalRefund;
    let open = Condition::any()
        .add(Column::State.eq(State::Running))
        .add(Column::State.eq(State::Breached).and(Column::SettledAt.is_null()));
    let standing = Entity::find().filter(Column::CaseId.eq(case)).filter(Column::Rule.eq(id.to_string())).filter(open);
    if standing.one(tx).await?.is_none() {
        start(app, tx, case, None, id, stated).await?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "a row is written once, here")]
async fn insert(
    tx: &DatabaseTransaction,
    now: DateTime<Utc>,
    case: CaseId,
    refund: Option<RefundId>,
    id: RuleId,
    started_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    announced: bool,
) -> Result<()> {
    let row = ActiveModel {
        id: Set(TimerId::new(now)),
        case_id: Set(case),
        refund_id: Set(refund),
        rule: Set(id.to_string()),
        state: Set(State::Running),
        started_at: Set(started_at),
        ends_at: Set(ends_at),
        announced: Set(announced),
        pauses: Set("[]".to_owned()),
        settled_at: Set(None),
        breached_at: Set(None),
        // On a case that is over it ends with the others.
        start_at: Set(cases::Entity::find_by_id(case).one(tx).await?.and_then(|of| of.start_at)),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

/// The timers of a case.
///
/// # Errors
/// The database cannot be read.
pub async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::CaseId.eq(case)).order_by_asc(Column::Id).all(db).await?)
}

/// Ends the timers of a case that still run or wait, of this rule and refund, or all: as met where the end is not over,
/// as breached where it is, or as superseded where they have no object any more. What was breached before and is done now
/// keeps its breach and gets the instant of the deed, so that lateness can be measured.
///
/// # Errors
/// The database fails.
pub(crate) async fn settle(
    tx: &DatabaseTransaction,
    case: CaseId,
    which: Option<(RuleId, Option<RefundId>)>,
    met: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let live = Entity::find().filter(Column::CaseId.eq(case)).filter(Column::State.is_in([
        State::Running,
        State::Paused,
        State::Breached,
    ]));
    for timer in live.all(tx).await? {
        let concerned = which.is_none_or(|(rule, refund)| timer.rule == rule.to_string() && timer.refund_id == refund);
        if !concerned {
            continue;
        }
        if timer.state == State::Breached {
            if met && timer.settled_at.is_none() {
                let mut row: ActiveModel = timer.into();
                row.settled_at = Set(Some(now));
                row.update(tx).await?;
            }
            continue;
        }
        let late = timer.state == State::Running && now >= timer.ends_at;
        let mut row: ActiveModel = timer.into();
        row.settled_at = Set(Some(now));
        if late {
            // It ran out before the job looked: it was breached, and what was late is done now.
            row.breached_at = Set(Some(now));
        }
        row.state = Set(match (late, met) {
            (true, _) => State::Breached,
            (false, true) => State::Met,
            (false, false) => State::Superseded,
        });
        row.update(tx).await?;
    }
    Ok(())
}

/// Whether a timer could be paused now. The period for paying back a withdrawal waits for nobody (BGB § 355(3)), and the
/// bank does not either.
#[must_use]
pub fn can_pause(timer: &Model, now: DateTime<Utc>) -> bool {
    let never = timer.refund_id.is_some() || timer.rule == RuleId::WithdrawalRefund.to_string();
    timer.state == State::Running && !never && now < timer.ends_at
}

/// Pauses what runs on a case: the shop waits for somebody else. A refund's way to the bank does not wait, and neither does
/// the period for paying back a withdrawal.
///
/// # Errors
/// The database fails.
pub(crate) async fn pause(
    tx: &DatabaseTransaction,
    case: CaseId,
    reason: PauseReason,
    now: DateTime<Utc>,
) -> Result<u64> {
    let mut paused = 0;
    for timer in of_case(tx, case).await? {
        if !can_pause(&timer, now) {
            continue;
        }
        let mut pauses = interruptions(&timer);
        pauses.push(Interruption { from: now, to: None, reason });
        let mut row: ActiveModel = timer.into();
        row.state = Set(State::Paused);
        row.pauses = Set(json!(pauses).to_string());
        row.update(tx).await?;
        paused += 1;
    }
    Ok(paused)
}

/// Lets what waits on a case run again; its end moves by what was paused.
///
/// # Errors
/// The database fails.
pub(crate) async fn resume(app: &App, tx: &DatabaseTransaction, case: CaseId, now: DateTime<Utc>) -> Result<u64> {
    let mut resumed = 0;
    for timer in of_case(tx, case).await?.into_iter().filter(|t| t.state == State::Paused) {
        let mut pauses = interruptions(&timer);
        if let Some(last) = pauses.last_mut() {
            last.to = last.to.or(Some(now));
        }
        let ends_at = if timer.announced {
            timer.ends_at
        } else {
            reckon(app, &rule(app, &timer)?, timer.started_at, &pauses, now)?.ends_at
        };
        let mut row: ActiveModel = timer.into();
        row.state = Set(State::Running);
        row.pauses = Set(json!(pauses).to_string());
        row.ends_at = Set(ends_at);
        row.update(tx).await?;
        resumed += 1;
    }
    Ok(resumed)
}

/// Replaces the review of a case by an announced day (S76, S77). A review that has run out stays breached.
///
/// # Errors
/// The database fails.
pub(crate) async fn announce(
    tx: &DatabaseTransaction,
    case: &cases::Model,
    ends_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    settle(tx, case.id, Some((RuleId::Review, None)), false, now).await?;
    insert(tx, now, case.id, None, RuleId::Review, case.opened_at.unwrap_or(now), ends_at, true).await
}

/// What a look at the timers did.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Timers whose end is over.
    pub due: u64,
    /// Timers marked as breached, each with a task for staff.
    pub breached: u64,
}

const BATCH: u64 = 500;

/// Marks what has run out as breached, once, and files a task for each.
///
/// # Errors
/// The database fails; what was marked by then stays marked, the next run goes on.
pub async fn mark_breaches(app: &App, dry_run: bool) -> Result<Report> {
    let mut report = Report::default();
    let mut after = TimerId(uuid::Uuid::nil());
    loop {
        let now = app.clock.now();
        let due = Entity::find()
            .filter(Column::State.eq(State::Running))
            .filter(Column::EndsAt.lte(now))
            .filter(Column::Id.gt(after))
            .order_by_asc(Column::Id)
            .limit(BATCH);
        let due = due.all(app.db.read()).await?;
        let Some(last) = due.last() else { return Ok(report) };
        after = last.id;
        report.due += due.len() as u64;
        if dry_run {
            continue;
        }
        for timer in due {
            report.breached += u64::from(breach(app, timer, now).await?);
        }
    }
}

/// One timer in its own transaction. Another instance, or the deed itself, may have been first: then nothing happens.
async fn breach(app: &App, timer: Model, now: DateTime<Utc>) -> Result<bool> {
    let tx = app.db.begin().await?;
    super::lock(&tx, timer.case_id).await?;
    let sql =
        "UPDATE timers SET state = 'BREACHED', breached_at = $1 WHERE id = $2 AND state = 'RUNNING' AND ends_at <= $1";
    if db::run(&tx, sql, [now.into(), timer.id.0.into()]).await? == 0 {
        return Ok(false);
    }
    let kind = match timer.rule.parse() {
        _ if timer.refund_id.is_some() => tasks::Kind::RefundNotCredited,
        Ok(RuleId::WithdrawalRefund) => tasks::Kind::RefundWithdrawal,
        _ => tasks::Kind::DeadlineMissed,
    };
    super::tasks::file(&tx, timer.case_id, Some(timer.id), kind, now).await?;
    let details = json!({ "timer": timer.id, "rule": timer.rule, "endedAt": timer.ends_at });
    audit::record(&tx, now, &Actor::System, "timer.breach", ("cases", Some(timer.case_id.0)), details).await?;
    tx.commit().await?;
    Ok(true)
}
