//! A statement that fitted no order is matched with one by hand. The statement itself stays as it was received.

use entity::cases::ActiveModel;
use entity::ids::{CaseId, OrderId};
use entity::orders;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde_json::json;

use super::{Received, of_case};
use crate::auth::{Actor, Permission};
use crate::cases::{self, open};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::retention::starts;
use crate::state::App;
use crate::{audit, db};

const CASE: &[&str] = &["input", "caseId"];

/// Matches the statement of a case with an order of the same customer.
///
/// # Errors
/// Refused: an unknown case or one without a statement, a case that is over, a statement that has been matched, an order
/// that is unknown or somebody else's.
pub async fn match_order(app: &App, actor: &Actor, id: CaseId, order: OrderId, key: &str) -> Result<Received> {
    actor.require(Permission::Decide)?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "withdrawalMatch", key, &(id, order)).await? {
        Outcome::Replay(_) => {
            let case = cases::get(&tx, actor, id).await?;
            return Ok(Received { statement: of_case(&tx, id).await?.ok_or(Error::NotFound)?, case });
        }
        Outcome::First(claim) => claim,
    };
    let case = cases::for_change(&tx, actor, id, CASE).await?;
    cases::require_open(&case, CASE)?;
    let statement = of_case(&tx, id).await?.ok_or_else(|| Refusal::at(Code::NotFound, CASE))?;
    if statement.order_id.is_some() {
        return Err(Refusal::at(Code::TransitionNotAllowed, CASE).with("state", "MATCHED").into());
    }
    let (customer, found) = (case.customer_id, orders::Entity::find_by_id(order).one(&tx).await?);
    found
        .filter(|o| o.customer_id == customer && o.erased_at.is_none())
        .ok_or_else(|| Refusal::at(Code::NotFound, &["input", "orderId"]))?;
    let product_group = open::product_group(&tx, order).await?;
    let mut row: ActiveModel = case.into();
    row.order_id = Set(Some(order));
    row.product_group = Set(product_group);
    let case = row.update(&tx).await?;
    let mut row: entity::withdrawals::ActiveModel = statement.into();
    row.order_id = Set(Some(order));
    let statement = row.update(&tx).await?;
    starts::case_opened(&tx, customer, Some(order)).await?;
    let sql = "UPDATE tasks SET done_at = $1, done_by = $2 \
               WHERE case_id = $3 AND kind = 'MATCH_WITHDRAWAL' AND done_at IS NULL";
    db::run(&tx, sql, [now.into(), actor.staff().map(|s| s.0).into(), id.0.into()]).await?;
    claim.done(&tx, now, &[statement.id.0], Some(customer)).await?;
    let details = json!({ "case": id, "order": order });
    audit::record(&tx, now, actor, "withdrawal.match", ("withdrawals", Some(statement.id.0)), details).await?;
    tx.commit().await?;
    Ok(Received { statement, case })
}
