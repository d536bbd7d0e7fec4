//! After a failure: other means of payment, only with the customer's express consent and at no cost (BGB § 357(3); F35).

use entity::DataType;
use entity::case_transitions as transitions;
use entity::cases::State;
use entity::consents;
use entity::ids::{ConsentId, RefundId};
use entity::refunds::{ActiveModel, Kind, Model};
use entity::tasks;
use entity::{cases, orders};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::Serialize;
use serde_json::json;

use super::ground::{Ground, ground};
use super::machine::{self as steps, Step};
use super::stored;
use crate::auth::Actor;
use crate::cases::tasks as filing;
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::policy::refund::Line;
use crate::state::App;
use crate::{audit, input};

const REFUND: &[&str] = &["input", "refundId"];

/// A consent to other means.
#[derive(Clone, Debug, Serialize)]
pub struct Agreement {
    /// What the customer agreed to, in words; no account number.
    pub consent: String,
    /// The version that it was given on.
    pub expected_version: Option<i64>,
}

/// Records the consent; the refund counts again towards what was captured and can be submitted as a bank transfer.
///
/// # Errors
/// Refused: an unknown refund, one that has not failed or was never submitted, no text, another version, an amount or pieces that have
/// been promised otherwise since. With what has been promised since it may need a second person.
pub async fn agree(app: &App, actor: &Actor, id: RefundId, agreement: Agreement, key: &str) -> Result<Model> {
    let step = Step::AgreeAlternative;
    actor.require(step.permission())?;
    let text = input::text(&agreement.consent, &["input", "consent"], input::LONG_TEXT)?;
    let now = app.clock.now();
    let seen = match super::get(app.db.read(), actor, id).await {
        Err(Error::NotFound) => return Err(Refusal::at(Code::NotFound, REFUND).into()),
        found => found?,
    };
    let unit = UnitOf { owner: id.0, data_type: DataType::R10, year: 0, subject: Some(seen.customer_id.0) };
    let unit = app.keys.ensure(unit, now).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, step.mutation(), key, &(id, &agreement)).await? {
        Outcome::Replay(_) => return super::get(&tx, actor, id).await,
        Outcome::First(claim) => claim,
    };
    let refund = super::for_change(&tx, actor, id).await?;
    input::version(agreement.expected_version, refund.version)?;
    steps::require(refund.state, step)?;
    if refund.submitted_at.is_none() {
        // It was withdrawn, and the means of the payment have not failed.
        let refusal = Refusal::at(Code::TransitionNotAllowed, REFUND).with("state", refund.state.code());
        return Err(refusal.with("missing", "submittedAt").into());
    }
    let order = orders::Entity::find_by_id(refund.order_id).one(&tx).await?.ok_or(Error::NotFound)?;
    let case = cases::Entity::find_by_id(refund.case_id).one(&tx).await?.ok_or(Error::NotFound)?;
    // As long as it has failed it is none of what was promised: since then the same goods may have been paid for otherwise.
    let ground = ground(&tx, &as_granted(&tx, case, &refund).await?, &order).await?;
    require_left(&refund, &ground)?;
    let needed = ground.request.promised_minor + refund.amount_minor > super::approval_above(app, &refund);
    let consent = ConsentId::new(now);
    let place = Place { table: "consents", column: "text", row: consent.0 };
    let row = consents::ActiveModel {
        id: Set(consent),
        customer_id: Set(refund.customer_id),
        case_id: Set(Some(refund.case_id)),
        refund_id: Set(Some(id)),
        unit_id: Set(Some(unit.id)),
        kind: Set(consents::Kind::OtherPaymentMeans),
        text: Set(Some(unit.key.seal(place, &text)?)),
        given_at: Set(now),
        withdrawn_at: Set(None),
        recorded_by: Set(actor.kind()),
        recorded_by_id: Set(actor.staff()),
        start_at: Set(Some(now)),
        not_before: Set(None),
    };
    row.insert(&tx).await?;
    let (version, customer) = (refund.version, refund.customer_id);
    let is_new_need = needed && !refund.approval_needed;
    let mut row: ActiveModel = refund.into();
    row.state = Set(step.way().1);
    if is_new_need {
        row.approval_needed = Set(true);
    }
    row.version = Set(version + 1);
    let row = row.update(&tx).await?;
    filing::settle(&tx, actor, row.case_id, tasks::Kind::RefundFailed, now).await?;
    if is_new_need {
        filing::file(&tx, row.case_id, None, tasks::Kind::ApproveRefund, now).await?;
    }
    super::progress::follow(&tx, actor, &row, now).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "state": row.state.code(), "consent": consent });
    audit::record(&tx, now, actor, "refund.agree-alternative", ("refunds", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}

/// The case where it stood when the refund was granted: what was agreed on without regard to the goods still is.
async fn as_granted(tx: &DatabaseTransaction, case: cases::Model, refund: &Model) -> Result<cases::Model> {
    let until = transitions::Entity::find()
        .filter(transitions::Column::CaseId.eq(case.id))
        .filter(transitions::Column::At.lte(refund.granted_at));
    let last = until.order_by_desc(transitions::Column::Position).one(tx).await?;
    // The grant itself may have been the last step.
    let granted = |step: &transitions::Model| {
        step.at == refund.granted_at && matches!(step.to_state, State::Refund | State::PriceReduction)
    };
    let state = last.and_then(|step| if granted(&step) { step.from_state } else { Some(step.to_state) });
    Ok(cases::Model { state: state.unwrap_or(case.state), ..case })
}

/// Refuses a refund of what has been promised otherwise since it failed: the payment, the goods that came back, or the same pieces.
fn require_left(refund: &Model, ground: &Ground) -> Result<()> {
    // A reduction of the price leaves the goods where they are.
    let goods = ground.left_for_goods().filter(|_| refund.kind != Kind::PriceReduction);
    let ceilings = [(Code::AmountExceedsCaptured, Some(ground.left())), (Code::AmountExceedsReturned, goods)];
    for (code, most) in ceilings {
        if let Some(most) = most.filter(|most| refund.amount_minor > *most) {
            return Err(Refusal::at(code, REFUND).with("largestAmountMinor", most.max(0)).into());
        }
    }
    let calculated = stored::calculation(refund).map(|calculation| calculation.lines).unwrap_or_default();
    for line in calculated {
        let left = ground.request.lines.iter().find(|of| of.id == line.id).map_or(0, Line::left);
        if line.quantity > left {
            return Err(Refusal::at(Code::AmountExceedsReturned, REFUND).with("maximum", left).into());
        }
    }
    Ok(())
}
