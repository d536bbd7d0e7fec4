//! The goods are here: counted per line, with what is missing and what is another article (F22, S29).

use entity::ids::ReturnId;
use entity::returns::{ActiveModel, Model, State};
use entity::{return_lines, tasks};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde::Serialize;
use serde_json::json;

use super::dispatch::{release, undelivered};
use super::{RETURN, at_line, check_positions, lines_of, require_state};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{tasks as filing, timers};
use crate::error::{Code, Result};
use crate::idempotency::{self, Outcome};
use crate::orders::track;
use crate::policy::rules::RuleId;
use crate::state::App;
use crate::{audit, input};

/// What was counted of a line.
#[derive(Clone, Debug, Serialize)]
pub struct Count {
    /// Position in the order.
    pub position: i32,
    /// Pieces that came; what was announced beyond them is missing.
    pub received: i32,
    /// Pieces of another article that came instead or beside.
    pub wrong: i32,
}

/// A receipt. A line that is not in it did not come.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// What was counted.
    pub lines: Vec<Count>,
    /// The version of the return that was counted.
    pub expected_version: Option<i64>,
}

/// Records the receipt of goods, late ones too. From here the time for the decision runs, and somebody has to inspect;
/// what comes for a case that was called off goes back.
///
/// # Errors
/// Refused: an unknown return, one whose goods are here already, a line that it does not have, more pieces than were
/// announced, another version.
pub async fn receive(app: &App, actor: &Actor, id: ReturnId, new: Receipt, key: &str) -> Result<Model> {
    actor.require(Permission::HandleGoods)?;
    check_positions(new.lines.iter().map(|line| line.position))?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnReceive", key, &(id, &new)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let (case, row) = super::for_change(&tx, actor, id).await?;
    input::version(new.expected_version, row.version)?;
    require_state(&row, &[State::Instructed, State::InTransit, State::Expired, State::Lost])?;
    // What comes for a case that was called off is taken in, and goes back: it is the customer's.
    let ended = super::is_called_off(&case);
    if !ended {
        machine::require(&case, Deed::Receive, RETURN)?;
    }
    let lines = lines_of(&tx, &row).await?;
    for (index, count) in new.lines.iter().enumerate() {
        let known = lines.iter().find(|l| l.of.position == count.position);
        let announced = known.ok_or_else(|| at_line(Code::NotFound, index, "position"))?.row.quantity;
        for (field, value, most) in [("received", count.received, announced), ("wrong", count.wrong, 1_000_000)] {
            if value < 0 {
                return Err(at_line(Code::Invalid, index, field).with("minimum", 0).into());
            }
            if value > most {
                return Err(at_line(Code::TooLarge, index, field).with("maximum", most).into());
            }
        }
    }
    let (mut came, mut announced, mut wrong) = (0, 0, 0);
    for line in lines {
        let count = new.lines.iter().find(|c| c.position == line.of.position);
        let received = count.map_or(0, |c| c.received);
        came += received;
        announced += line.row.quantity;
        wrong += count.map_or(0, |c| c.wrong);
        let mut change: return_lines::ActiveModel = line.row.into();
        change.received = Set(Some(received));
        change.wrong = Set(count.map_or(0, |c| c.wrong));
        change.update(&tx).await?;
    }
    // What was counted has arrived, whether or not its carrier has said so; a lost parcel has turned up.
    track::lock(&tx, row.order_id).await?;
    for parcel in undelivered(&tx, id).await? {
        track::arrive(&tx, parcel, now).await?;
    }
    let case = match ended {
        true => case,
        false => machine::advance(&tx, actor, case, Deed::Receive, RETURN, now).await?.update(&tx).await?,
    };
    if row.dispatched_at.is_none() {
        release(&tx, &case, now).await?;
    }
    let version = row.version;
    let mut change: ActiveModel = row.into();
    change.state = Set(State::Received);
    change.received_at = Set(Some(now));
    change.received_by = Set(actor.staff());
    change.version = Set(version + 1);
    let row = change.update(&tx).await?;
    let task = if ended { tasks::Kind::SendGoodsBack } else { tasks::Kind::InspectGoods };
    if !ended {
        timers::start(app, &tx, case.id, None, RuleId::Decision, now).await?;
    }
    filing::file(&tx, case.id, None, task, now).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({ "received": came, "missing": announced - came, "wrong": wrong });
    audit::record(&tx, now, actor, "return.receive", ("returns", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
