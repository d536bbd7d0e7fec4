//! How a dispute goes on: settled between the parties, before a conciliation board, or before a court (S79, S80).

use entity::cases;
use entity::disputes::{ActiveModel, Model, State};
use entity::ids::DisputeId;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde::Serialize;
use serde_json::json;

use super::{DISPUTE, for_change, place, seen, unit};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::error::Result;
use crate::idempotency::{self, Outcome};
use crate::state::App;
use crate::{audit, input};

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Way {
    /// The parties agree after all.
    Settled,
    /// A conciliation board has it.
    Adr,
    /// A court has it.
    Court,
}

impl Way {
    const fn leads_to(self) -> (State, Deed) {
        match self {
            Self::Settled => (State::Settled, Deed::Settle),
            Self::Adr => (State::Conciliation, Deed::Conciliate),
            Self::Court => (State::Court, Deed::Sue),
        }
    }
}

/// How a dispute goes on.
#[derive(Clone, Debug, Serialize)]
pub struct Proceed {
    /// Which way.
    pub way: Way,
    /// The board or court, by name; needed for both.
    pub body: Option<String>,
    /// Its file number.
    pub reference: Option<String>,
    /// The version that it was decided on.
    pub expected_version: Option<i64>,
}

/// Records where a dispute goes.
///
/// # Errors
/// Refused: an unknown dispute, one that is pending already or over, no name of the board or court, another version.
pub async fn proceed(
    app: &App,
    actor: &Actor,
    id: DisputeId,
    proceed: Proceed,
    key: &str,
) -> Result<(cases::Model, Model)> {
    actor.require(Permission::Decide)?;
    let (body, reference) = (proceed.body.as_deref(), proceed.reference.as_deref());
    let body = match proceed.way {
        Way::Settled => input::optional(body, &["input", "body"], input::SHORT_TEXT)?,
        Way::Adr | Way::Court => Some(input::text(body.unwrap_or_default(), &["input", "body"], input::SHORT_TEXT)?),
    };
    let reference = input::optional_identifier(reference, &["input", "reference"], input::SHORT_TEXT)?;
    let now = app.clock.now();
    let (row, case) = seen(app, actor, id).await?;
    let unit = unit(app, &case, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "disputeProceed", key, &(id, &proceed)).await? {
        Outcome::Replay(_) => return super::for_change(&tx, actor, &row).await.map(|(row, case)| (case, row)),
        Outcome::First(claim) => claim,
    };
    let (row, case) = for_change(&tx, actor, &row).await?;
    input::version(proceed.expected_version, row.version)?;
    let (state, deed) = proceed.way.leads_to();
    let case = machine::advance(&tx, actor, case, deed, DISPUTE, now).await?.update(&tx).await?;
    let version = row.version + 1;
    let mut row: ActiveModel = row.into();
    row.state = Set(state);
    row.body = Set(body.map(|text| unit.key.seal(place("body", id), &text)).transpose()?);
    row.reference = Set(reference.map(|text| unit.key.seal(place("reference", id), &text)).transpose()?);
    row.unit_id = Set(Some(unit.id));
    row.proceeding_at = Set(Some(now));
    row.version = Set(version);
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({ "dispute": id, "state": state.code() });
    audit::record(&tx, now, actor, "dispute.proceed", ("cases", Some(case.id.0)), details).await?;
    tx.commit().await?;
    Ok((case, row))
}
