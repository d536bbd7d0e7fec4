//! The register of product safety (R20; Regulation (EU) 2023/988 Art. 9(12), 11): what was complained of or happened, what was
//! done, and whether the authority was told. An entry goes five years after it was made, whatever its case does.

mod record;
mod update;

use entity::access_entries::Purpose;
use entity::ids::SafetyEntryId;
use entity::safety_entries::{Column, Entity, Harm, Model};
use entity::staff::Role;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use crate::auth::{Actor, Permission};
use crate::customers;
use crate::error::{Error, Result};
use crate::keys::Place;
use crate::state::App;

pub use record::{NewEntry, record};
pub use update::{Change, update};

/// Where a sealed text of an entry lies.
#[must_use]
pub const fn place(column: &'static str, id: SafetyEntryId) -> Place {
    Place { table: "safety_entries", column, row: id.0 }
}

/// The entries that an actor may see: whoever reads the register all of them, nobody else any.
#[must_use]
pub fn visible_to(actor: &Actor) -> Select<Entity> {
    if actor.may(Permission::ReadSafety) {
        return Entity::find();
    }
    Entity::find().filter(sea_orm::sea_query::Expr::cust("1 = 0"))
}

/// One entry.
///
/// # Errors
/// `NOT_FOUND` for an unknown or invisible id.
pub async fn get(db: &impl ConnectionTrait, actor: &Actor, id: SafetyEntryId) -> Result<Model> {
    visible_to(actor).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)
}

/// Opens an entry: what is written in it is shown, and where it is about a customer, that is logged (R12).
///
/// # Errors
/// `NOT_FOUND`; the log cannot be written, and then the entry stays shut.
pub async fn open(app: &App, actor: &Actor, id: SafetyEntryId) -> Result<Model> {
    actor.require(Permission::ReadSafety)?;
    let row = get(app.db.read(), actor, id).await?;
    log(app, actor, &row).await?;
    Ok(row)
}

/// Logs that `actor` has seen what is written in an entry.
///
/// # Errors
/// The log cannot be written.
pub async fn log(app: &App, actor: &Actor, row: &Model) -> Result<()> {
    let Some(customer) = row.customer_id else { return Ok(()) };
    let purpose = match actor {
        Actor::Staff(_, Role::Dpo) => Purpose::DataProtection,
        _ => Purpose::CaseHandling,
    };
    customers::log_reveal(app, actor, customer, purpose).await
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this article.
    pub sku: Option<String>,
    /// With this harm.
    pub harm: Option<Harm>,
    /// Whether the authority was told.
    pub reported: Option<bool>,
}

/// A page of entries before an id, newest first, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(
    app: &App,
    actor: &Actor,
    filter: Filter,
    before: Option<SafetyEntryId>,
    most: u64,
) -> Result<Vec<Model>> {
    actor.require(Permission::ReadSafety)?;
    let mut rows = visible_to(actor).order_by_desc(Column::Id).limit(most + 1);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    if let Some(sku) = filter.sku {
        rows = rows.filter(Column::Sku.eq(sku.trim()));
    }
    if let Some(harm) = filter.harm {
        rows = rows.filter(Column::Harm.eq(harm));
    }
    rows = match filter.reported {
        Some(true) => rows.filter(Column::ReportedAt.is_not_null()),
        Some(false) => rows.filter(Column::ReportedAt.is_null()),
        None => rows,
    };
    Ok(rows.all(app.db.read()).await?)
}
