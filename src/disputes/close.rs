//! The end of a dispute: outcome, limitation, and the hold, which goes at once where nothing is left to claim (F61).

use entity::cases;
use entity::disputes::{ActiveModel, Model, Outcome as Ending, State};
use entity::ids::DisputeId;
use entity::orders;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use super::limitation::{self, Ended};
use super::{DISPUTE, for_change, place, seen, unit};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::error::{Code, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::retention::{holds, protections};
use crate::state::App;
use crate::{audit, input};

/// How a dispute ended.
#[derive(Clone, Debug, Serialize)]
pub struct Close {
    /// The outcome.
    pub outcome: Ending,
    /// How it ended, in words.
    pub summary: String,
    /// A settlement that the customer has accepted: nothing is left to claim.
    pub accepted: bool,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Ends a dispute for good: its file begins its period (R19), and the limitation that is left is reckoned.
///
/// # Errors
/// Refused: an unknown dispute, one that is not pending, no summary, an acceptance of anything but a settlement, another
/// version.
pub async fn close(app: &App, actor: &Actor, id: DisputeId, close: Close, key: &str) -> Result<(cases::Model, Model)> {
    actor.require(Permission::Decide)?;
    let summary = input::text(&close.summary, &["input", "summary"], input::LONG_TEXT)?;
    if close.accepted && close.outcome != Ending::Settlement {
        let refusal = Refusal::at(Code::Invalid, &["input", "accepted"]);
        return Err(refusal.with("expected", "only with the outcome SETTLEMENT").into());
    }
    let now = app.clock.now();
    let (row, case) = seen(app, actor, id).await?;
    let unit = unit(app, &case, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "disputeClose", key, &(id, &close)).await? {
        Outcome::Replay(_) => return for_change(&tx, actor, &row).await.map(|(row, case)| (case, row)),
        Outcome::First(claim) => claim,
    };
    let (row, case) = for_change(&tx, actor, &row).await?;
    input::version(close.expected_version, row.version)?;
    let talks_since = case.opened_at.unwrap_or(row.opened_at);
    let order = match case.order_id {
        Some(order) => orders::Entity::find_by_id(order).one(&tx).await?,
        None => None,
    };
    let case = machine::advance(&tx, actor, case, Deed::EndDispute, DISPUTE, now).await?.update(&tx).await?;
    let ended = Ended { from: row.state, talks_since, at: now, delivered_at: order.and_then(|o| o.delivered_at) };
    let until = if close.accepted { now } else { limitation::until(app.policies.at(now), ended) };
    let released = match row.hold_id.filter(|_| close.accepted) {
        Some(hold) => holds::release_in(&tx, actor, hold, now).await?,
        None => None,
    };
    let version = row.version + 1;
    let mut row: ActiveModel = row.into();
    row.state = Set(State::Closed);
    row.outcome = Set(Some(close.outcome));
    row.summary = Set(Some(unit.key.seal(place("summary", id), &summary)?));
    row.unit_id = Set(Some(unit.id));
    row.closed_at = Set(Some(now));
    row.limitation_until = Set(Some(until));
    row.start_at = Set(Some(now));
    row.version = Set(version);
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({ "dispute": id, "outcome": close.outcome.code(), "limitationUntil": until });
    audit::record(&tx, now, actor, "dispute.close", ("cases", Some(case.id.0)), details).await?;
    protections::commit_changed(app, tx, released).await?;
    Ok((case, row))
}
