//! The customer is asked for something; the review waits, with a record, until the answer or the reminder's day (F6).

use chrono::TimeDelta;
use entity::cases::{Column, Entity, Model, State};
use entity::ids::CaseId;
use entity::messages::Form;
use entity::tasks;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::checklist::Fact;
use super::machine::{self, Deed};
use super::timers::{self, PauseReason};
use super::{letters, tasks as filing};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::mail::letter::{Content, InfoRequest};
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

const CASE: &[&str] = &["input", "caseId"];

/// What the customer is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Ask {
    /// Facts of the checklist, at least one.
    pub facts: Vec<Fact>,
    /// The request in words.
    pub text: String,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Asks the customer, and pauses what waits for the answer. The clock of a withdrawal never waits.
///
/// # Errors
/// Refused: an unknown case, one that is not under review, no facts, no text, another version.
pub async fn ask(app: &App, actor: &Actor, id: CaseId, ask: Ask, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let text = input::text(&ask.text, &["input", "text"], input::LONG_TEXT)?;
    if ask.facts.is_empty() {
        return Err(Refusal::at(Code::Required, &["input", "facts"]).into());
    }
    let now = app.clock.now();
    let unit = letters::unit(app, &super::seen(app, actor, id).await?, now).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseAskInfo", key, &(id, &ask)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, CASE).await?;
    input::version(ask.expected_version, case.version)?;
    let mut row = machine::advance(&tx, actor, case.clone(), Deed::AskInfo, CASE, now).await?;
    row.asked_for = Set(Some(json!(ask.facts).to_string()));
    let row = row.update(&tx).await?;
    let language = letters::language(&tx, &row).await?;
    let needed = ask.facts.iter().map(|fact| fact.words().said(language).to_owned()).collect();
    let content = Content::InfoRequest(InfoRequest { body: text.clone(), needed });
    letters::tell(app, &tx, actor, (&row, &unit), (Form::InfoRequest, &text, Some(content)), now).await?;
    timers::settle(&tx, id, Some((RuleId::FirstResponse, None)), true, now).await?;
    timers::pause(&tx, id, PauseReason::WaitingForCustomer, now).await?;
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    audit::record(&tx, now, actor, "case.ask", ("cases", Some(id.0)), json!({ "facts": ask.facts })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes cases back under review whose customer has not answered within the policy's days, with a task for staff.
/// Returns how many.
///
/// # Errors
/// The database fails; the next run goes on.
pub async fn resume_unanswered(app: &App, dry_run: bool) -> Result<u64> {
    let now = app.clock.now();
    let days = TimeDelta::days(i64::from(app.policies.at(now).service.info_reminder_days));
    let waiting = Entity::find().filter(Column::State.eq(State::NeedsInfo)).order_by_asc(Column::Id);
    let mut resumed = 0;
    for case in waiting.all(app.db.read()).await? {
        let history = machine::history(app.db.read(), case.id).await?;
        if history.last().is_none_or(|step| now < step.at + days) {
            continue;
        }
        resumed += 1;
        if dry_run {
            continue;
        }
        let tx = app.db.begin().await?;
        super::lock(&tx, case.id).await?;
        let current = Entity::find_by_id(case.id).one(&tx).await?.filter(|c| c.version == case.version);
        let Some(current) = current else { continue };
        let id = current.id;
        let row = machine::advance(&tx, &Actor::System, current, Deed::Answer, CASE, now).await?;
        row.update(&tx).await?;
        timers::resume(app, &tx, id, now).await?;
        filing::file(&tx, id, None, tasks::Kind::DeadlineMissed, now).await?;
        audit::record(&tx, now, &Actor::System, "case.unanswered", ("cases", Some(id.0)), json!({})).await?;
        tx.commit().await?;
    }
    Ok(resumed)
}
