//! What happens when the customer does not agree: proposals first (S44, S78), then conciliation or court (S79, S80), and
//! the documents for them (S81, S82).

pub mod archive;
pub mod close;
pub mod dossier;
pub mod limitation;
mod notice;
pub mod open;
pub mod proceed;
pub mod proposals;
pub mod release;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::cases;
use entity::disputes::{Column, Entity, Model};
use entity::ids::{CaseId, DisputeId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use crate::auth::Actor;
use crate::cases as case_room;
use crate::db;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::{Place, Unit, UnitOf};
use crate::state::App;

pub use close::{Close, close};
pub use open::{NewDispute, open};
pub use proceed::{Proceed, Way, proceed};
pub use proposals::{Answer, NewProposal, answer, record};

const CASE: &[&str] = &["input", "caseId"];
const DISPUTE: &[&str] = &["input", "disputeId"];

/// Where a sealed text of a dispute lies.
#[must_use]
pub const fn place(column: &'static str, id: DisputeId) -> Place {
    Place { table: "disputes", column, row: id.0 }
}

/// The unit of the dispute files of a case (R19).
async fn unit(app: &App, case: &cases::Model, now: DateTime<Utc>) -> Result<Unit> {
    let unit = UnitOf { owner: case.id.0, data_type: DataType::R19, year: 0, subject: Some(case.customer_id.0) };
    app.keys.ensure(unit, now).await
}

/// The disputes of a case, oldest first; the last one is the one that counts.
///
/// # Errors
/// The database cannot be read.
pub async fn of_case(db: &impl ConnectionTrait, case: CaseId) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(Column::CaseId.eq(case)).order_by_asc(Column::Id).all(db).await?)
}

/// A dispute as it is before the change, with its case, for the keys that the change will need.
async fn seen(app: &App, actor: &Actor, id: DisputeId) -> Result<(Model, cases::Model)> {
    let unknown = || Error::from(Refusal::at(Code::NotFound, DISPUTE));
    let row = Entity::find_by_id(id).one(app.db.read()).await?.ok_or_else(unknown)?;
    match case_room::get(app.db.read(), actor, row.case_id).await {
        Err(Error::NotFound) => Err(unknown()),
        found => Ok((row, found?)),
    }
}

/// A dispute and its case for a change: person, case and dispute are locked, in the order of a hold that is placed.
async fn for_change(tx: &DatabaseTransaction, actor: &Actor, row: &Model) -> Result<(Model, cases::Model)> {
    db::lock(tx, "customers", row.customer_id.0).await?;
    let case = case_room::for_change(tx, actor, row.case_id, DISPUTE).await?;
    let row = Entity::find_by_id(row.id).one(tx).await?;
    Ok((row.ok_or_else(|| Refusal::at(Code::NotFound, DISPUTE))?, case))
}
