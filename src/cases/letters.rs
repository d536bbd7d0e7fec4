//! What the shop writes to a customer: a message of the case, in the transaction of what it is about.

use chrono::{DateTime, Utc};
use entity::cases::Model;
use entity::messages::{self, Form};
use sea_orm::DatabaseTransaction;

use crate::auth::Actor;
use crate::error::Result;
use crate::keys::Unit;
use crate::state::App;

/// The unit that seals what is written on a case now; before the transaction, because keys come before rows.
///
/// # Errors
/// The key store fails.
pub async fn unit(app: &App, case: &Model, now: DateTime<Utc>) -> Result<Unit> {
    let data_type = super::correspondence(case.kind, case.order_id.is_some());
    super::messages::unit(app, case.id, case.customer_id, data_type, now).await
}

/// Writes a message of a case, sealed with [`unit`].
///
/// # Errors
/// The database fails.
pub async fn tell(
    tx: &DatabaseTransaction,
    actor: &Actor,
    case: &Model,
    unit: &Unit,
    (form, body): (Form, &str),
    now: DateTime<Utc>,
) -> Result<messages::Model> {
    let data_type = super::correspondence(case.kind, case.order_id.is_some());
    super::messages::insert(tx, actor, case.id, unit, data_type, form, body, now).await
}
