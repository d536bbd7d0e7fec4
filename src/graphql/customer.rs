//! Customers: masked by default; full contact data is a field of its own that names a purpose.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::customers::Model;
use entity::ids::CustomerId;
use entity::{DataType, Sealed};

use super::codes::{AccessPurpose, Locale};
use super::error::{ApiResult, nullable};
use super::node;
use super::page::{Page, page, wanted};
use super::retention::{Retention, retention};
use super::session::ContextExt as _;
use crate::auth::{Actor, Permission};
use crate::customers;
use crate::error::{Code, Error, Refusal};
use crate::keys::Place;

/// A customer.
pub struct Customer {
    row: Model,
    /// Reached through an opened case, whose opening was logged.
    opened: bool,
}

impl Customer {
    /// A customer reached through an opened case.
    #[must_use]
    pub const fn opened(row: Model) -> Self {
        Self { row, opened: true }
    }

    /// A customer in a list.
    #[must_use]
    pub const fn listed(row: Model) -> Self {
        Self { row, opened: false }
    }

    async fn text(
        &self,
        ctx: &Context<'_>,
        column: &'static str,
        sealed: Option<&Sealed>,
    ) -> ApiResult<Option<String>> {
        let place = Place { table: "customers", column, row: self.row.id.0 };
        Ok(ctx.session().open(self.row.unit_id, place, sealed).await?)
    }
}

/// Full contact data.
#[derive(SimpleObject)]
pub struct Contact {
    /// Name.
    name: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Telephone.
    phone: Option<String>,
    /// Postal address, a line per line.
    address: Option<String>,
}

#[Object]
impl Customer {
    /// The opaque id.
    pub(super) async fn id(&self) -> ID {
        node::id("Customer", self.row.id.0)
    }

    /// The name; for staff in a list, and for a guest, initials.
    async fn display_name(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        let name = self.text(ctx, "name", self.row.name.as_ref()).await?;
        let full = self.opened || matches!(ctx.actor(), Actor::Customer(_));
        Ok(name.map(|name| if full { name } else { initials(&name) }))
    }

    /// The e-mail address with all but its first letter and its domain hidden.
    async fn email_masked(&self, ctx: &Context<'_>) -> ApiResult<Option<String>> {
        Ok(self.text(ctx, "email", self.row.email.as_ref()).await?.map(|email| masked(&email)))
    }

    /// Full contact data: your own, with an account; through an opened case; elsewhere for staff that may, with a purpose, and logged.
    async fn contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is needed for; staff has to say outside an opened case.")] purpose: Option<
            AccessPurpose,
        >,
    ) -> ApiResult<Option<Contact>> {
        if matches!(ctx.actor(), Actor::Guest(_)) {
            return Err(Error::Forbidden.into());
        }
        if !self.opened && ctx.actor().customer() != Some(self.row.id) {
            ctx.actor().require(Permission::RevealContact)?;
            let missing = || Error::from(Refusal::at(Code::Required, &["purpose"]));
            let purpose = purpose.ok_or_else(missing)?;
            customers::log_reveal(ctx.app(), ctx.actor(), self.row.id, purpose.into()).await?;
        }
        Ok(Some(Contact {
            name: self.text(ctx, "name", self.row.name.as_ref()).await?,
            email: self.text(ctx, "email", self.row.email.as_ref()).await?,
            phone: self.text(ctx, "phone", self.row.phone.as_ref()).await?,
            address: self.text(ctx, "address", self.row.address.as_ref()).await?,
        }))
    }

    /// The language that the customer is written to in.
    async fn locale(&self) -> Option<Locale> {
        self.row.locale.map(Into::into)
    }

    /// When the customer was first registered, UTC.
    async fn registered_at(&self) -> Option<DateTime<Utc>> {
        self.row.created_at
    }

    /// Why the contact record is still here, and until when.
    async fn retention(&self, ctx: &Context<'_>) -> Option<Retention> {
        retention(ctx.app(), ("customers", self.row.id.0), DataType::R21, self.row.start_at)
    }
}

fn initials(name: &str) -> String {
    let letters = name.split_whitespace().filter_map(|word| word.chars().next());
    letters.map(|c| format!("{c}.")).collect::<Vec<_>>().join(" ")
}

fn masked(email: &str) -> String {
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    format!("{}…@{domain}", local.chars().next().unwrap_or('…'))
}

/// Finding customers.
#[derive(Default)]
pub struct CustomerQuery;

#[Object]
impl CustomerQuery {
    /// A customer; null with `NOT_FOUND` if it does not exist or is not visible to you.
    async fn customer(&self, ctx: &Context<'_>, id: ID) -> ApiResult<Option<Customer>> {
        let found = async {
            ctx.actor().require(Permission::ReadCases)?;
            let id = node::parse("Customer", &id).ok_or(Error::NotFound)?;
            Ok(Customer::listed(customers::get(ctx.app(), ctx.actor(), CustomerId(id)).await?))
        };
        nullable(ctx, found.await)
    }

    /// The customers that you may see, in order of registration.
    async fn customers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 where left out.")] first: Option<i32>,
        #[graphql(desc = "The `endCursor` of the page before.")] after: Option<String>,
    ) -> ApiResult<Page<Customer>> {
        ctx.actor().require(Permission::ReadCases)?;
        let wanted = wanted(first, after.as_deref())?;
        let rows = customers::page(ctx.app(), ctx.actor(), wanted.after.map(CustomerId), wanted.first).await?;
        ctx.session().ring.load(ctx.app(), rows.iter().map(|r| r.unit_id)).await?;
        Ok(page(wanted, rows, |c| c.id.0, Customer::listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_little() {
        assert_eq!(masked("erika.mustermann@example.com"), "e…@example.com");
        assert_eq!(initials("Erika Mustermann"), "E. M.");
    }
}
