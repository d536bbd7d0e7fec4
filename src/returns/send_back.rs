//! What was not accepted goes back to the customer, with a decision of a person about the cost (S36, S37, F25).

use entity::cases::{Outcome as Verdict, State as CaseState};
use entity::ids::ReturnId;
use entity::messages::Form;
use entity::parcels::Purpose;
use entity::returns::{ActiveModel, Bearer, Model, State};
use entity::{parcels, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};
use serde::Serialize;
use serde_json::json;

use super::instruct::order_of;
use super::sending::disclose;
use super::{RETURN, Shipment, letter, require_state};
use crate::auth::{Actor, Permission};
use crate::cases::machine::{self, Deed};
use crate::cases::{self as case_room, letters, tasks as filing};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::orders::{situation, track};
use crate::policy::{carriage, shop};
use crate::state::App;
use crate::{audit, input};

/// How goods go back to the customer.
#[derive(Clone, Debug, Serialize)]
pub struct SendBack {
    /// Carrier and number.
    pub shipment: Shipment,
    /// Who pays, as a person decided.
    pub costs: Bearer,
    /// Why it goes back and why they pay, in words for the customer.
    pub text: String,
    /// The version of the return that it was decided on.
    pub expected_version: Option<i64>,
}

/// Sends goods back that were not accepted, and writes to the customer. Where a part of them was accepted and has its
/// remedy, the case goes on with that. What is here of a case that was called off goes back, too.
///
/// # Errors
/// Refused: an unknown return, one that was not inspected or was sent back, a case that accepts everything, costs put on the customer where
/// the shop bears them, no text, another version.
pub async fn send_back(app: &App, actor: &Actor, id: ReturnId, new: SendBack, key: &str) -> Result<Model> {
    actor.require(Permission::HandleGoods)?;
    let shipment = new.shipment.checked()?;
    let text = input::text(&new.text, &["input", "text"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let seen = super::seen(app, actor, id).await?;
    let writing = match case_room::get(app.db.read(), actor, seen.case_id).await {
        Err(Error::NotFound) => return Err(Refusal::at(Code::NotFound, RETURN).into()),
        case => letters::unit(app, &case?, now).await?,
    };
    let unit = track::unit(app, seen.order_id, seen.customer_id, now).await?;

    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "returnSendBack", key, &(id, &new)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let (case, row) = super::for_change(&tx, actor, id).await?;
    input::version(new.expected_version, row.version)?;
    let ended = super::is_called_off(&case);
    match ended {
        true => require_state(&row, &[State::Received, State::Inspecting, State::Inspected])?,
        false => require_state(&row, &[State::Inspected])?,
    }
    if ended && was_sent_back(&tx, id).await? {
        return Err(Refusal::at(Code::AlreadyExists, RETURN).into());
    }
    let remedied = matches!(
        case.state,
        CaseState::Repair | CaseState::Replacement | CaseState::Refund | CaseState::PriceReduction
    );
    let beside = remedied && case.outcome == Some(Verdict::PartiallyEligible);
    if !beside && !ended {
        machine::require(&case, Deed::SendBack, RETURN)?;
    }
    let order = order_of(&tx, &case).await?;
    let policy = situation::policy(app, &order);
    let least = carriage::after_refusal(policy, case.kind, case.legal_basis, case.reason);
    if (new.costs, least) == (Bearer::Customer, shop::Bearer::Shop) {
        return Err(Refusal::at(Code::Invalid, &["input", "costs"]).with("expected", "SHOP").into());
    }
    let case = match beside || ended {
        true => case,
        false => machine::advance(&tx, actor, case, Deed::SendBack, RETURN, now).await?.update(&tx).await?,
    };
    let parcel = shipment.send(app, &tx, &unit, &case, (&order, Some(id), Purpose::SentBack), now).await?;
    disclose(&tx, actor, &case, &shipment.carrier, now).await?;
    let version = row.version;
    let mut change: ActiveModel = row.into();
    change.version = Set(version + 1);
    let row = change.update(&tx).await?;
    let language = letters::language(&tx, &case).await?;
    let number = format!("{} {}", shipment.carrier, shipment.tracking_number);
    let body = letter::sent_back(language, &row.number, &text, &number, new.costs);
    letters::tell(app, &tx, actor, (&case, &writing), (Form::Decision, &body, None), now).await?;
    filing::settle(&tx, actor, case.id, tasks::Kind::SendGoodsBack, now).await?;
    claim.done(&tx, now, &[id.0], Some(case.customer_id)).await?;
    let details = json!({ "parcel": parcel.id, "costs": new.costs.code() });
    audit::record(&tx, now, actor, "return.sendBack", ("returns", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

async fn was_sent_back(tx: &DatabaseTransaction, id: ReturnId) -> Result<bool> {
    let parcel = parcels::Entity::find()
        .filter(parcels::Column::ReturnId.eq(id))
        .filter(parcels::Column::Purpose.eq(Purpose::SentBack));
    Ok(parcel.one(tx).await?.is_some())
}
