//! The data-protection officer's tools: what is stored of a person, export, erasure, scan. All of it executes the map.

pub mod archive;
pub mod backup;
pub mod concept;
pub mod erasure;
pub mod export;
pub mod extract;
pub mod lifting;
pub mod map;
pub mod restore;
pub mod scan;

use entity::ids::CustomerId;

use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::input;
use crate::keys::lookup::Kind;
use crate::state::App;

/// The person behind an e-mail address; found as long as anything of the person is kept.
///
/// # Errors
/// Refused: not an address, or nobody is known by it.
pub async fn find(app: &App, actor: &Actor, email: &str) -> Result<CustomerId> {
    actor.require(Permission::ProtectData)?;
    let email = input::email(email, &["input", "email"])?;
    let found = app.keys.look_up(Kind::Email, &email).await?;
    found.map(CustomerId).ok_or_else(|| Refusal::at(Code::NotFound, &["input", "email"]).into())
}
