//! The result is told before a case is closed: by e-mail or in a call that is recorded (S38 to S41).

use entity::cases::{Model, NoticeChannel, State};
use entity::ids::CaseId;
use entity::messages::Form;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde::Serialize;
use serde_json::json;

use super::machine::{self, Deed};
use super::{letters, timers};
use crate::auth::{Actor, Permission};
use crate::error::Result;
use crate::idempotency::{self, Outcome};
use crate::mail::letter::Content;
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

const CASE: &[&str] = &["input", "caseId"];

/// A notice.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// How the customer is told.
    pub channel: NoticeChannel,
    /// The result in words: by telephone, what was said.
    pub text: String,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Tells the customer the result: the decision with its reason and basis, what is sent, and where refunds stand, beside
/// the agent's own words.
///
/// # Errors
/// Refused: an unknown case, one without a result, no text, another version.
pub async fn notify(app: &App, actor: &Actor, id: CaseId, notice: Notice, key: &str) -> Result<Model> {
    actor.require(Permission::Decide)?;
    let text = input::text(&notice.text, &["input", "text"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let unit = letters::unit(app, &seen, now).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "serviceCaseNotify", key, &(id, &notice)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let case = super::for_change(&tx, actor, id, CASE).await?;
    input::version(notice.expected_version, case.version)?;
    machine::require(&case, Deed::Notify, CASE)?;
    let again = case.state == State::ReExamination;
    let result = super::result::of(app, &tx, &case, &text).await?;
    let mut row = machine::advance(&tx, actor, case, Deed::Notify, CASE, now).await?;
    row.notified_at = Set(Some(now));
    row.notified_by = Set(Some(notice.channel));
    let row = row.update(&tx).await?;
    let form = match notice.channel {
        NoticeChannel::Email => Form::ResultNotice,
        NoticeChannel::Phone => Form::Call,
    };
    let (body, content) = (result.text(), Content::ResultNotice(result.notice()));
    letters::tell(app, &tx, actor, (&row, &unit), (form, &body, Some(content)), now).await?;
    if again {
        // The new review ends with its answer.
        timers::settle(&tx, id, Some((RuleId::Review, None)), true, now).await?;
    }
    claim.done(&tx, now, &[id.0], Some(row.customer_id)).await?;
    let details = json!({ "channel": notice.channel.code() });
    audit::record(&tx, now, actor, "case.notify", ("cases", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
