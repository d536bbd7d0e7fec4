//! A complex case takes longer: the customer is told in advance, with the situation and the expected day (S76, S77).

use chrono::{NaiveDate, TimeDelta};
use entity::cases::{Model, State};
use entity::codes::Locale;
use entity::customers;
use entity::ids::CaseId;
use entity::messages::Form;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::{letters, timers};
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::mail::letter::{Content, DelayNotice};
use crate::policy::calendar;
use crate::state::App;
use crate::{audit, input};

/// The longest that a review may be put off at once: longer is no longer a reasonable time (BGB § 475(5)).
const LONGEST: TimeDelta = TimeDelta::days(60);

/// An announcement.
#[derive(Clone, Debug, Serialize)]
pub struct Extension {
    /// The expected last day (Berlin).
    pub until: NaiveDate,
    /// The situation, in words for the customer.
    pub situation: String,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Announces a later end of the review and writes to the customer, in one transaction.
///
/// # Errors
/// Refused: an unknown or decided case, a day that is not later than what was promised or too far away, no situation,
/// another version.
pub async fn extend(app: &App, actor: &Actor, id: CaseId, extension: Extension, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let situation = input::text(&extension.situation, &["input", "situation"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let unit = letters::unit(app, &super::seen(app, actor, id).await?, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseExtend", key, &(id, &extension)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, &["input", "caseId"]).await?;
    input::version(extension.expected_version, case.version)?;
    if case.state != State::Extended {
        machine::require(&case, Deed::Extend, &["input", "caseId"])?;
    }
    let ends_at = calendar::start_of(calendar::plus_days(extension.until, 1));
    let promised = timers::of_case(&tx, id).await?;
    let promised = promised.iter().filter(|t| t.rule == "review").map(|t| t.ends_at).max();
    let earliest = promised.unwrap_or(now).max(now);
    if ends_at <= earliest || ends_at > now + LONGEST {
        let bounds = (calendar::day_of(earliest), calendar::day_of(now + LONGEST - TimeDelta::days(1)));
        let refusal = Refusal::at(Code::Invalid, &["input", "until"]);
        return Err(refusal.with("earliest", bounds.0).with("latest", bounds.1).into());
    }
    timers::announce(&tx, &case, ends_at, now).await?;
    let customer = customers::Entity::find_by_id(case.customer_id).one(&tx).await?.ok_or(Error::NotFound)?;
    let body = notice(customer.locale.unwrap_or(Locale::De), case.number.as_deref(), &situation, extension.until);
    let case = match case.state {
        // A further announcement is no further step.
        State::Extended => case,
        _ => machine::advance(&tx, actor, case, Deed::Extend, &["input", "caseId"], now).await?.update(&tx).await?,
    };
    let content = Content::DelayNotice(DelayNotice { situation, until: extension.until });
    letters::tell(app, &tx, actor, (&case, &unit), (Form::DelayNotice, &body, Some(content)), now).await?;
    timers::settle(&tx, id, Some((crate::policy::rules::RuleId::FirstResponse, None)), true, now).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({ "until": extension.until });
    audit::record(&tx, now, actor, "case.extend", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(case)
}

fn notice(locale: Locale, number: Option<&str>, situation: &str, until: NaiveDate) -> String {
    let number = number.unwrap_or_default();
    match locale {
        Locale::De => format!(
            "Ihr Vorgang {number} braucht mehr Zeit als üblich.\n\n{situation}\n\nVoraussichtlich bis zum {} sind wir \
             fertig.",
            until.format("%d.%m.%Y")
        ),
        Locale::En => format!(
            "Your case {number} takes longer than usual.\n\n{situation}\n\nWe expect to be done by {}.",
            until.format("%-d %B %Y")
        ),
    }
}
