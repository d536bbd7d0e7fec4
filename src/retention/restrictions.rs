//! Restriction of processing (GDPR Art. 18): what it covers is stored, and staff sees and changes nothing of it.
//!
//! What the person asks for still goes through: their own access, a withdrawal, a refund that runs. Placing one locks the
//! person's row, as placing a hold does, so that nothing passes the door of deletion meanwhile. Lifting one tells the person
//! before, and is in `privacy::lifting`.

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::{CaseId, CustomerId, RestrictionId};
use entity::restrictions::{ActiveModel, Column, Entity, Ground, Model};
use entity::{DataType, cases, customers};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::Serialize;
use serde_json::json;

use super::holds::{self, Wanted};
use super::ledger::{Protection, Why};
use super::protections;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Error, Refusal, Result};
use crate::idempotency::{self, Outcome};
use crate::keys::{Place, UnitOf};
use crate::state::App;
use crate::{audit, db, input};

/// What a restriction covers, with all that hangs on it.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Scope {
    /// Everything of a person.
    Customer(CustomerId),
    /// A case, its messages, evidence, returns and refunds.
    Case(CaseId),
}

/// A restriction to be placed.
#[derive(Clone, Debug, Serialize)]
pub struct NewRestriction {
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub ground: Ground,
    /// In words; sealed.
    pub note: Option<String>,
    /// The day by which it is reviewed, at most six months ahead.
    pub review_on: NaiveDate,
}

/// Places a restriction.
///
/// # Errors
/// Refused: an unknown scope, a review day in the past or more than six months ahead, a note over 2,000 characters.
pub async fn place(app: &App, actor: &Actor, new: NewRestriction, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let now = app.clock.now();
    let customer = customer_of(app.db.read(), new.scope).await?;
    let tx = app.db.begin().await?;
    let claim = match idempotency::claim(app, &tx, actor, "restrictionPlace", key, &new).await? {
        Outcome::Replay(ids) => return by_id(&tx, RestrictionId(*ids.first().ok_or(Error::NotFound)?)).await,
        Outcome::First(claim) => claim,
    };
    db::lock(&tx, "customers", customer.0).await?;
    // Whoever had the lock before may have taken the last of it.
    customer_of(&tx, new.scope).await?;
    holds::check_review(new.review_on, now)?;
    let id = RestrictionId::new(now);
    let on = match new.scope {
        Scope::Customer(id) => holds::Scope::Customer(id),
        Scope::Case(id) => holds::Scope::Case(id),
    };
    let placed = Protection::placed(id.0, Why::Restriction(new.ground), on, actor.staff(), now, new.review_on);
    let mut row = protections::restriction_row(&placed, new.ground);
    if let Some(text) = input::optional(new.note.as_deref(), &["input", "note"], 2000)? {
        let unit = UnitOf { owner: customer.0, data_type: DataType::R32, year: 0, subject: Some(customer.0) };
        let unit = app.keys.ensure(unit, now).await?;
        row.note = Set(Some(unit.key.seal(Place { table: "restrictions", column: "note", row: id.0 }, &text)?));
        row.unit_id = Set(Some(unit.id));
    }
    let row = row.insert(&tx).await?;
    let details = json!({ "ground": row.ground.code(), "reviewOn": row.review_on });
    note(&tx, actor, claim, now, "restriction.place", &row, details).await?;
    protections::commit_placed(app, tx, placed).await?;
    Ok(row)
}

/// Reviews a restriction: it goes on until another day, at most six months ahead.
///
/// # Errors
/// Refused: unknown or lifted, a day in the past or more than six months ahead.
pub async fn review(app: &App, actor: &Actor, id: RestrictionId, review_on: NaiveDate, key: &str) -> Result<Model> {
    actor.require(Permission::ProtectData)?;
    let (tx, now) = (app.db.begin().await?, app.clock.now());
    let claim = match idempotency::claim(app, &tx, actor, "restrictionReview", key, &(id, review_on)).await? {
        Outcome::Replay(_) => return by_id(&tx, id).await,
        Outcome::First(claim) => claim,
    };
    let row = standing(&tx, id).await?;
    holds::check_review(review_on, now)?;
    let row = ActiveModel { review_on: Set(review_on), ..row.into() }.update(&tx).await?;
    note(&tx, actor, claim, now, "restriction.review", &row, json!({ "reviewOn": review_on })).await?;
    changed(app, tx, row).await
}

/// Ends a mutation of a restriction but for its commit: its outcome and its entry in the audit.
pub(crate) async fn note(
    tx: &DatabaseTransaction,
    actor: &Actor,
    claim: Box<idempotency::Claim>,
    now: DateTime<Utc>,
    action: &'static str,
    row: &Model,
    details: serde_json::Value,
) -> Result<()> {
    claim.done(tx, now, &[row.id.0], None).await?;
    audit::record(tx, now, actor, action, ("restrictions", Some(row.id.0)), details).await
}

/// Commits what changed a restriction, and tells the ledger.
pub(crate) async fn changed(app: &App, tx: DatabaseTransaction, row: Model) -> Result<Model> {
    protections::commit_changed(app, tx, Some(protections::of_restriction(&row)?)).await?;
    Ok(row)
}

/// A restriction that stands, locked.
pub(crate) async fn standing(tx: &DatabaseTransaction, id: RestrictionId) -> Result<Model> {
    db::lock(tx, "restrictions", id.0).await?;
    let row = by_id(tx, id).await.map_err(|_| Refusal::at(Code::NotFound, &["input", "id"]))?;
    if row.lifted_at.is_some() {
        return Err(Refusal::at(Code::TransitionNotAllowed, &["input", "id"]).with("state", "LIFTED").into());
    }
    Ok(row)
}

pub(crate) async fn by_id(tx: &DatabaseTransaction, id: RestrictionId) -> Result<Model> {
    Entity::find_by_id(id).one(tx).await?.ok_or(Error::NotFound)
}

/// Whose data a restriction covers.
pub(crate) async fn customer_of(db: &impl sea_orm::ConnectionTrait, scope: Scope) -> Result<CustomerId> {
    let (found, field) = match scope {
        Scope::Customer(id) => (customers::Entity::find_by_id(id).one(db).await?.map(|c| c.id), "customerId"),
        Scope::Case(id) => (cases::Entity::find_by_id(id).one(db).await?.map(|c| c.customer_id), "caseId"),
    };
    found.ok_or_else(|| Refusal::at(Code::NotFound, &["input", field]).into())
}

/// A page of restrictions before an id, newest first, one more than asked for.
///
/// # Errors
/// `FORBIDDEN`; the database cannot be read.
pub async fn page(
    app: &App,
    actor: &Actor,
    wanted: Wanted,
    before: Option<RestrictionId>,
    most: u64,
) -> Result<Vec<Model>> {
    actor.require(Permission::ProtectData)?;
    let mut rows = Entity::find().order_by_desc(Column::Id).limit(most + 1);
    if wanted != Wanted::All {
        rows = rows.filter(Column::LiftedAt.is_null());
    }
    if let Wanted::ReviewedBy(day) = wanted {
        rows = rows.filter(Column::ReviewOn.lte(day));
    }
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    Ok(rows.all(app.db.read()).await?)
}

/// The restrictions that stand on a person.
///
/// # Errors
/// The database cannot be read.
pub async fn on_person(app: &App, customer: CustomerId) -> Result<Vec<Model>> {
    let own = Entity::find().filter(Column::LiftedAt.is_null()).filter(Column::CustomerId.eq(customer));
    let mut found = own.all(app.db.read()).await?;
    let cases = cases::Entity::find().select_only().column(cases::Column::Id);
    let cases = sea_orm::QueryTrait::into_query(cases.filter(cases::Column::CustomerId.eq(customer)));
    let of_cases = Entity::find().filter(Column::LiftedAt.is_null()).filter(Column::CaseId.in_subquery(cases));
    found.extend(of_cases.all(app.db.read()).await?);
    Ok(found)
}

/// Since when staff may not work on a case.
///
/// # Errors
/// The database cannot be read.
pub async fn since(
    db: &impl sea_orm::ConnectionTrait,
    case: CaseId,
    customer: CustomerId,
) -> Result<Option<DateTime<Utc>>> {
    let on = sea_orm::Condition::any().add(Column::CaseId.eq(case)).add(Column::CustomerId.eq(customer));
    let found = Entity::find().filter(Column::LiftedAt.is_null()).filter(on).order_by_asc(Column::PlacedAt);
    Ok(found.one(db).await?.map(|r| r.placed_at))
}

/// The case `sc` is a withdrawal that is not over: it goes through a restriction (GDPR Art. 18(2)).
pub const WITHDRAWING: &str = "(sc.kind = 'WITHDRAWAL' AND sc.state NOT IN ('CLOSED', 'CANCELLED', 'MERGED'))";

/// No restriction stands on the person whose id `column` holds.
#[must_use]
pub fn none_on_person(column: &str) -> SimpleExpr {
    Expr::cust(format!(
        "NOT EXISTS (SELECT 1 FROM restrictions rp WHERE rp.lifted_at IS NULL AND rp.customer_id = {column})"
    ))
}

/// No restriction stands on the case whose id `column` holds.
#[must_use]
pub fn none_on_case(column: &str) -> SimpleExpr {
    Expr::cust(format!(
        "NOT EXISTS (SELECT 1 FROM restrictions rc WHERE rc.lifted_at IS NULL AND rc.case_id = {column})"
    ))
}
