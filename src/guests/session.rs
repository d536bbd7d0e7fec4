//! From the link to the bearer token, and how it is renewed and revoked.

use chrono::{DateTime, Utc};
use entity::ids::TokenId;
use entity::tokens::{Entity, Kind, Model};
use sea_orm::{DatabaseTransaction, EntityTrait as _};
use serde_json::json;
use uuid::Uuid;

use super::{RENEWABLE_FOR, SESSION_LASTS};
use crate::auth::{Actor, Guest, Permission, Scope};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::state::App;
use crate::{audit, db};

/// A guest's access, as handed out.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its record.
    pub token: Model,
    /// The bearer token itself.
    pub bearer: String,
}

impl Session {
    /// Until when it can be renewed.
    #[must_use]
    pub fn renewable_until(&self) -> DateTime<Utc> {
        self.token.created_at + RENEWABLE_FOR
    }
}

/// Opens a link, once. A replay under the same key signs the same bearer token again.
///
/// # Errors
/// Refused: a link that is forged, over, opened before, or revoked.
pub async fn redeem(app: &App, link: &str, key: &str) -> Result<Session> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, &Actor::Anonymous, "guestAccessRedeem", key, &link).await? {
        Outcome::Replay(ids) => {
            let id = TokenId(*ids.first().ok_or(Error::NotFound)?);
            let token = load(&tx, id).await?.filter(|t| t.revoked_at.is_none() && t.expires_at > now);
            return signed(app, token.ok_or_else(invalid)?);
        }
        Outcome::First(claim) => claim,
    };
    let payload = app.signing.open_link(link).ok_or_else(invalid)?;
    let id = payload.strip_prefix(b"G").and_then(|id| Uuid::from_slice(id).ok()).map(TokenId).ok_or_else(invalid)?;
    let sql = "UPDATE tokens SET used_at = $1, expires_at = $2 WHERE id = $3 AND kind = 'GUEST' AND used_at IS NULL \
               AND revoked_at IS NULL AND expires_at > $1";
    if db::run(&tx, sql, [now.into(), (now + SESSION_LASTS).into(), id.0.into()]).await? == 0 {
        return Err(invalid());
    }
    let token = load(&tx, id).await?.ok_or_else(invalid)?;
    claim.done(&tx, now, &[id.0], Some(token.customer_id)).await?;
    audit::record(&tx, now, &Actor::Anonymous, "guest.redeem", ("tokens", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    signed(app, token)
}

/// Moves the end of the guest's own access on, never beyond thirty days after the link was asked for.
///
/// # Errors
/// Refused: an access that has come to its last day.
pub async fn renew(app: &App, actor: &Actor, key: &str) -> Result<Session> {
    let id = own(actor)?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let Outcome::First(claim) = idempotency::claim(app, &tx, actor, "guestAccessRenew", key, &id).await? else {
        return signed(app, load(&tx, id).await?.ok_or(Error::NotFound)?);
    };
    let token = load(&tx, id).await?.ok_or(Error::NotFound)?;
    let until = (now + SESSION_LASTS).min(token.created_at + RENEWABLE_FOR);
    if until <= token.expires_at {
        let refusal = Refusal::at(Code::TransitionNotAllowed, &["input"]).with("state", "LAST_DAY");
        return Err(refusal.with("expiresAt", token.expires_at).into());
    }
    let sql = "UPDATE tokens SET expires_at = $1 WHERE id = $2 AND revoked_at IS NULL AND expires_at > $3";
    if db::run(&tx, sql, [until.into(), id.0.into(), now.into()]).await? == 0 {
        return Err(Error::Unauthenticated("the bearer token has expired or been revoked"));
    }
    claim.done(&tx, now, &[id.0], actor.customer()).await?;
    audit::record(&tx, now, actor, "guest.renew", ("tokens", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    signed(app, Model { expires_at: until, ..token })
}

/// Ends the guest's own access: from the next request on it is refused.
///
/// # Errors
/// The database fails.
pub async fn revoke(app: &App, actor: &Actor, key: &str) -> Result<()> {
    let id = own(actor)?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let Outcome::First(claim) = idempotency::claim(app, &tx, actor, "guestAccessRevoke", key, &id).await? else {
        return Ok(());
    };
    let sql = "UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
    db::run(&tx, sql, [now.into(), id.0.into()]).await?;
    claim.done(&tx, now, &[id.0], actor.customer()).await?;
    audit::record(&tx, now, actor, "guest.revoke", ("tokens", Some(id.0)), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

fn own(actor: &Actor) -> Result<TokenId> {
    actor.require(Permission::KeepAccess)?;
    match actor {
        Actor::Guest(guest) => Ok(guest.token),
        _ => Err(Error::Forbidden),
    }
}

fn invalid() -> Error {
    Refusal::at(Code::LinkInvalid, &["input", "token"]).into()
}

async fn load(tx: &DatabaseTransaction, id: TokenId) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(id).one(tx).await?.filter(|t| t.kind == Kind::Guest))
}

fn signed(app: &App, token: Model) -> Result<Session> {
    let scope = token.order_id.map(Scope::Order).or(token.case_id.map(Scope::Case)).ok_or(Error::NotFound)?;
    let guest = Guest { token: token.id, customer: token.customer_id, scope };
    let bearer = app.signing.bearer(&Actor::Guest(guest), token.id, token.created_at, token.expires_at)?;
    Ok(Session { token, bearer })
}
