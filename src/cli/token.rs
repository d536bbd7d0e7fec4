//! `aftersales token`: a bearer token of the built-in issuer, alone on stdout.

use clap::{Args, ValueEnum};
use entity::ids::TokenId;
use entity::staff::Role;

use super::said;
use crate::auth::{Actor, STAFF_TOKEN_LASTS};
use crate::customers::access::{self, NewToken};
use crate::staff;
use crate::state::{App, AppState};

/// Whose token.
#[derive(Args)]
pub struct Options {
    /// The role.
    #[arg(long, value_enum)]
    role: Whose,
    /// The customer's e-mail address, for the role customer.
    #[arg(long, value_name = "EMAIL", required_if_eq("role", "customer"))]
    customer: Option<String>,
    /// A further account of the role, for what needs two people.
    #[arg(long)]
    another: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whose {
    Customer,
    Agent,
    Warehouse,
    Finance,
    Dpo,
    Admin,
    Shop,
}

impl Options {
    /// What is wrong with options that clap cannot tell.
    pub(super) fn misused(&self) -> Option<&'static str> {
        let idle = self.customer.is_some() && self.role != Whose::Customer;
        if idle {
            return Some("--customer goes with --role customer only");
        }
        let nobody = self.another && matches!(self.role, Whose::Customer | Whose::Shop);
        nobody.then_some("--another goes with a role of staff only")
    }

    pub(super) async fn bearer(self, app: &AppState) -> anyhow::Result<String> {
        let role = match self.role {
            Whose::Customer => return customer(app, self.customer.unwrap_or_default()).await,
            Whose::Shop => return shop(app),
            Whose::Agent => Role::Agent,
            Whose::Warehouse => Role::Warehouse,
            Whose::Finance => Role::Finance,
            Whose::Dpo => Role::Dpo,
            Whose::Admin => Role::Admin,
        };
        let token = if self.another { staff::another_token(app, role).await } else { staff::token(app, role).await };
        token.map_err(said)
    }
}

/// A token for a customer, as the shop's backend would mint it.
pub(super) async fn customer(app: &App, email: String) -> anyhow::Result<String> {
    let key = format!("cli:{}", app.clock.request_id());
    let new = NewToken { email, minutes: Some(12 * 60) };
    Ok(access::create(app, &Actor::System, new, &key).await.map_err(said)?.bearer)
}

/// A token for the shop's backend.
pub(super) fn shop(app: &App) -> anyhow::Result<String> {
    let now = app.clock.now();
    app.signing.bearer(&Actor::Shop, TokenId::new(now), now, now + STAFF_TOKEN_LASTS).map_err(said)
}
