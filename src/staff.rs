//! Staff accounts (R31). Name and e-mail go at once when somebody leaves; the id stays in the audit.

use entity::ids::{StaffId, TokenId};
use entity::staff::{ActiveModel, Column, Entity, Model, Role};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde_json::json;

use crate::audit;
use crate::auth::{Actor, Permission, STAFF_TOKEN_LASTS};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::retention::door;
use crate::retention::ledger::Rows;
use crate::state::App;

/// A bearer token for the first account of a role, which is made if there is none.
///
/// # Errors
/// The database fails.
pub async fn token(app: &App, role: Role) -> Result<String> {
    let tx = app.db.begin().await?;
    let found = Entity::find().filter(Column::Role.eq(role)).filter(Column::LeftAt.is_null()).order_by_asc(Column::Id);
    let id = match found.one(&tx).await? {
        Some(member) => member.id,
        None => open_account(app, &tx, role).await?,
    };
    tx.commit().await?;
    sign(app, id, role)
}

/// A bearer token for a further account of a role: what needs two people needs two accounts.
///
/// # Errors
/// The database fails.
pub async fn another_token(app: &App, role: Role) -> Result<String> {
    let tx = app.db.begin().await?;
    let id = open_account(app, &tx, role).await?;
    tx.commit().await?;
    sign(app, id, role)
}

async fn open_account(app: &App, tx: &DatabaseTransaction, role: Role) -> Result<StaffId> {
    let now = app.clock.now();
    let id = StaffId::new(now);
    let row = ActiveModel {
        id: Set(id),
        unit_id: Set(None),
        name: Set(None),
        email: Set(None),
        role: Set(role),
        created_at: Set(now),
        left_at: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(tx).await?;
    audit::record(tx, now, &Actor::System, "staff.create", ("staff", Some(id.0)), json!({ "role": role.code() }))
        .await?;
    Ok(id)
}

fn sign(app: &App, id: StaffId, role: Role) -> Result<String> {
    let now = app.clock.now();
    app.signing.bearer(&Actor::Staff(id, role), TokenId::new(now), now, now + STAFF_TOKEN_LASTS)
}

/// Every account that is open.
///
/// # Errors
/// The database cannot be read.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<Model>> {
    actor.require(Permission::ManageStaff)?;
    Ok(Entity::find().filter(Column::LeftAt.is_null()).order_by_asc(Column::Id).all(app.db.read()).await?)
}

/// Somebody leaves: the account is closed at once, its tokens are refused from the next request on.
///
/// # Errors
/// Refused: unknown, or closed already.
pub async fn leave(app: &App, actor: &Actor, id: StaffId, key: &str) -> Result<Model> {
    actor.require(Permission::ManageStaff)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "staffMemberLeave", key, &id).await? {
        Outcome::Replay(_) => return Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound),
        Outcome::First(claim) => claim,
    };
    let member = Entity::find_by_id(id).one(&tx).await?;
    let member = member.ok_or_else(|| Refusal::at(Code::NotFound, &["input", "id"]))?;
    if member.left_at.is_some() {
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("state", "LEFT").into());
    }
    let unit = member.unit_id;
    // A restore from an older backup must not open the account again, nor bring the name back.
    let rows = vec![Rows { table: "staff".to_owned(), ids: vec![id.0] }];
    let intent = app.ledger.intent(now, door::STAFF, rows, &[]).await?;
    door::clear_staff(&tx, member, now).await?;
    claim.done(&tx, now, &[id.0], None).await?;
    audit::record(&tx, now, actor, "staff.leave", ("staff", Some(id.0)), json!({})).await?;
    let row = Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    app.ledger.settled(now, intent, unit.as_slice()).await?;
    Ok(row)
}
