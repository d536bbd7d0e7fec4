//! Short tokens for customers, minted, renewed and revoked by the shop's backend (R27).

use chrono::TimeDelta;
use entity::customers;
use entity::ids::{CustomerId, TokenId};
use entity::tokens::{ActiveModel, Entity, Kind, Model};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde::Serialize;
use serde_json::json;

use crate::auth::{Actor, CUSTOMER_TOKEN_LASTS, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::lookup::Kind as Lookup;
use crate::state::App;
use crate::{audit, db, input};

/// A token to be minted.
#[derive(Clone, Debug, Serialize)]
pub struct NewToken {
    /// Whose, by e-mail address.
    pub email: String,
    /// For how many minutes, 1 to 1,440; an hour where unset.
    pub minutes: Option<i64>,
}

/// A token as handed out once.
#[derive(Clone, Debug)]
pub struct Minted {
    /// Its record.
    pub token: Model,
    /// The bearer token itself.
    pub bearer: String,
}

/// Mints a token for a customer. A replay signs the same token again.
///
/// # Errors
/// Refused: no such customer, a duration out of range.
pub async fn create(app: &App, actor: &Actor, new: NewToken, key: &str) -> Result<Minted> {
    actor.require(Permission::RunShop)?;
    let lasts = lasts(new.minutes)?;
    let email = input::email(&new.email, &["input", "email"])?;
    let unknown = || Error::from(Refusal::at(Code::NotFound, &["input", "email"]));
    let customer = app.keys.look_up(Lookup::Email, &email).await?.map(CustomerId).ok_or_else(unknown)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "customerAccessTokenCreate", key, &new).await? {
        Outcome::Replay(ids) => {
            let id = TokenId(*ids.first().ok_or(Error::NotFound)?);
            let token = Entity::find_by_id(id).one(&tx).await?.ok_or(Error::NotFound)?;
            return minted(app, token);
        }
        Outcome::First(claim) => claim,
    };
    let found = customers::Entity::find_by_id(customer).one(&tx).await?;
    found.filter(|c| c.erased_at.is_none()).ok_or_else(unknown)?;
    let token = ActiveModel {
        id: Set(TokenId::new(now)),
        customer_id: Set(customer),
        kind: Set(Kind::CustomerAccess),
        attachment_id: Set(None),
        order_id: Set(None),
        case_id: Set(None),
        created_at: Set(now),
        expires_at: Set(now + lasts),
        revoked_at: Set(None),
        used_at: Set(None),
    };
    let token = token.insert(&tx).await?;
    claim.done(&tx, now, &[token.id.0], Some(customer)).await?;
    audit::record(&tx, now, actor, "token.create", ("tokens", Some(token.id.0)), json!({})).await?;
    tx.commit().await?;
    minted(app, token)
}

/// Moves the end of a token on: from now, by `minutes`. The bearer token changes, its id stays.
///
/// # Errors
/// Refused: unknown, revoked or expired.
pub async fn renew(app: &App, actor: &Actor, id: TokenId, minutes: Option<i64>, key: &str) -> Result<Minted> {
    actor.require(Permission::RunShop)?;
    let lasts = lasts(minutes)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let input = json!({ "id": id, "minutes": minutes });
    let claim = match idempotency::claim(app, &tx, actor, "customerAccessTokenRenew", key, &input).await? {
        Outcome::Replay(_) => return minted(app, token(&tx, id).await?),
        Outcome::First(claim) => claim,
    };
    let before = token(&tx, id).await?;
    if before.revoked_at.is_some() || before.expires_at <= now {
        let state = if before.revoked_at.is_some() { "REVOKED" } else { "EXPIRED" };
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("state", state).into());
    }
    let customer = before.customer_id;
    let mut row: ActiveModel = before.into();
    row.expires_at = Set(now + lasts);
    let row = row.update(&tx).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    audit::record(&tx, now, actor, "token.renew", ("tokens", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    minted(app, row)
}

/// Revokes a token: from the next request on it is refused. Revoking twice is fine.
///
/// # Errors
/// Refused: unknown.
pub async fn revoke(app: &App, actor: &Actor, id: TokenId, key: &str) -> Result<Model> {
    actor.require(Permission::RunShop)?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let claim = match idempotency::claim(app, &tx, actor, "customerAccessTokenRevoke", key, &id).await? {
        Outcome::Replay(_) => return token(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    let before = token(&tx, id).await?;
    let customer = before.customer_id;
    let sql = "UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
    db::run(&tx, sql, [now.into(), id.0.into()]).await?;
    let row = token(&tx, id).await?;
    claim.done(&tx, now, &[id.0], Some(customer)).await?;
    audit::record(&tx, now, actor, "token.revoke", ("tokens", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

async fn token(tx: &sea_orm::DatabaseTransaction, id: TokenId) -> Result<Model> {
    let found = Entity::find_by_id(id).one(tx).await?.filter(|t| t.kind == Kind::CustomerAccess);
    found.ok_or_else(|| Refusal::at(Code::NotFound, &["input", "id"]).into())
}

fn lasts(minutes: Option<i64>) -> Result<TimeDelta> {
    let Some(minutes) = minutes else { return Ok(CUSTOMER_TOKEN_LASTS) };
    input::positive(minutes, &["input", "minutes"], 24 * 60).map(TimeDelta::minutes)
}

fn minted(app: &App, token: Model) -> Result<Minted> {
    let bearer =
        app.signing.bearer(&Actor::Customer(token.customer_id), token.id, token.created_at, token.expires_at)?;
    Ok(Minted { token, bearer })
}
