//! A card issuer takes money back: it is not refunded a second time (F33).

use entity::ids::OrderId;
use entity::orders::{ActiveModel, Entity, Model};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::lookup::Kind;
use crate::state::App;
use crate::{audit, db, input};

/// Why less is charged back than was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lowering {
    /// The issuer gave it back.
    Reversed,
    /// It was reported wrongly.
    Corrected,
}

/// What is charged back on an order now, all in all.
#[derive(Clone, Debug, Serialize)]
pub struct Chargeback {
    /// The shop's order number.
    pub order_number: String,
    /// The total, in minor units of the order's currency.
    pub total_minor: i64,
    /// ISO 4217 code; has to be the order's.
    pub currency: String,
    /// Why it is less than before, if it is.
    pub lowered: Option<Lowering>,
}

const TOTAL: &[&str] = &["input", "chargedBack", "amountMinor"];

/// Records the total that was charged back. The same total again changes nothing.
///
/// # Errors
/// Refused: an unknown or erased order, another currency, a total below zero or above what was captured, a lower one than
/// before without a reason.
pub async fn charge_back(app: &App, actor: &Actor, chargeback: Chargeback, key: &str) -> Result<Model> {
    actor.require(Permission::RunShop)?;
    let number = input::identifier(&chargeback.order_number, &["input", "orderNumber"], 80)?;
    let unknown = || Error::from(Refusal::at(Code::NotFound, &["input", "orderNumber"]));
    if super::register::is_erased(app, app.db.read(), &number).await? {
        return Err(Refusal::at(Code::Erased, &["input", "orderNumber"]).into());
    }
    let id = app.keys.look_up(Kind::OrderNumber, &number).await?.map(OrderId).ok_or_else(unknown)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let found = || Entity::find_by_id(id);
    let claim = match idempotency::claim(app, &tx, actor, "orderChargeback", key, &chargeback).await? {
        Outcome::Replay(_) => return found().one(&tx).await?.ok_or(Error::NotFound),
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "orders", id.0).await?;
    let order = found().one(&tx).await?.filter(|o| o.erased_at.is_none()).ok_or_else(unknown)?;
    if Some(&chargeback.currency) != order.currency.as_ref() {
        let refusal = Refusal::at(Code::CurrencyMismatch, &["input", "chargedBack", "currency"]);
        return Err(refusal.with("currency", order.currency.unwrap_or_default()).into());
    }
    let (total, captured) = (chargeback.total_minor, order.captured_minor.unwrap_or(0));
    if total < 0 || total > captured {
        return Err(Refusal::at(Code::Invalid, TOTAL).with("maximum", captured).into());
    }
    let before = order.charged_back_minor.unwrap_or(0);
    if total < before && chargeback.lowered.is_none() {
        let refusal = Refusal::at(Code::Required, &["input", "lowered"]);
        return Err(refusal.with("chargedBackMinor", before).into());
    }
    let (customer, version) = (order.customer_id, order.version);
    let mut row: ActiveModel = order.clone().into();
    let row = if total == before {
        order
    } else {
        row.charged_back_minor = Set(Some(total));
        row.version = Set(version + 1);
        row.update(&tx).await?
    };
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    let details = json!({ "before": before, "chargedBackMinor": total, "lowered": chargeback.lowered });
    audit::record(&tx, now, actor, "order.chargeback", ("orders", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(row)
}
