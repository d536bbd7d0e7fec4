//! Holds and restrictions in the ledger, so that a restore loses none: what an entry says of a row, and the order across the
//! two stores.
//!
//! What begins to protect is on disk in the ledger before it is committed, and so before anybody is told that it stands. Every
//! later change, its end above all, gets there after its commit. A death between the two leaves a protection that nobody was
//! told of, or one that has ended and stands again after a restore: too much, never too little. The data-protection officer
//! finds either among what stands.

use entity::ids::{HoldId, RestrictionId};
use entity::map::table;
use entity::{holds as rows, restrictions};
use sea_orm::{ActiveValue::Set, DatabaseTransaction};
use uuid::Uuid;

use super::holds::{self, Scope};
use super::ledger::{Protection, Telling, Why};
use super::{paths, starts};
use crate::db;
use crate::error::Result;
use crate::policy::calendar;
use crate::state::App;

/// Commits what places a hold or a restriction: the ledger has it first.
///
/// # Errors
/// The ledger cannot be written: then it does not stand. The commit fails.
pub(crate) async fn commit_placed(app: &App, tx: DatabaseTransaction, placed: Protection) -> Result<()> {
    app.ledger.protection(app.clock.now(), placed).await?;
    Ok(tx.commit().await?)
}

/// Commits what reviews, tells of or ends a hold or a restriction, if anything did: the ledger has it afterwards. An erasure
/// that may have waited for the end goes on.
///
/// # Errors
/// The commit fails. The ledger cannot be written: then the change holds, but a restore does not know of it.
pub(crate) async fn commit_changed(app: &App, tx: DatabaseTransaction, changed: Option<Protection>) -> Result<()> {
    if let Some(ended) = changed.as_ref().filter(|protection| protection.ended_at.is_some()) {
        starts::wake_erasures(&tx, ended.on, app.clock.now()).await?;
    }
    tx.commit().await?;
    match changed {
        Some(protection) => app.ledger.protection(app.clock.now(), protection).await,
        None => Ok(()),
    }
}

/// No hold on the records of a year is placed before the transaction ends. As at the door, this comes before the person is locked.
///
/// # Errors
/// The database fails.
pub(crate) async fn none_on_records_meanwhile(tx: &DatabaseTransaction) -> Result<()> {
    holds::lock_records(tx, holds::Lock::Shared).await
}

/// Whether a hold or a restriction stands on any row of these tables that meets a condition over `t` and the id `$1`.
///
/// # Errors
/// The database fails.
pub(crate) async fn covers(tx: &DatabaseTransaction, tables: &[&str], condition: &str, id: Uuid) -> Result<bool> {
    for t in tables.iter().filter_map(|name| table(name)) {
        let stands = format!("({} OR {})", paths::is_held(t), paths::is_restricted(t));
        let sql = format!("SELECT 1 FROM {} t WHERE {condition} AND {stands} LIMIT 1", t.name);
        if !db::rows(tx, &sql, [id.into()]).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many holds and restrictions stand whose day of review is over.
///
/// # Errors
/// The database cannot be read.
pub async fn overdue(app: &App) -> Result<i64> {
    let sql = "SELECT (SELECT CAST(COUNT(*) AS bigint) FROM holds WHERE released_at IS NULL AND review_on < $1) \
               + (SELECT CAST(COUNT(*) AS bigint) FROM restrictions WHERE lifted_at IS NULL AND review_on < $1)";
    let rows = db::rows(app.db.read(), sql, [calendar::day_of(app.clock.now()).into()]).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// The row of a hold, without a note. Its period (R32) begins with the release.
#[must_use]
pub fn hold_row(hold: &Protection, reason: rows::Reason) -> rows::ActiveModel {
    let mut row = rows::ActiveModel {
        id: Set(HoldId(hold.id)),
        customer_id: Set(None),
        order_id: Set(None),
        case_id: Set(None),
        data_type: Set(None),
        year: Set(None),
        from_at: Set(None),
        to_at: Set(None),
        unit_id: Set(None),
        reason: Set(reason),
        note: Set(None),
        placed_at: Set(hold.placed_at),
        placed_by: Set(hold.placed_by),
        review_on: Set(hold.review_on),
        released_at: Set(hold.ended_at),
        released_by: Set(hold.ended_by),
        start_at: Set(hold.ended_at),
        not_before: Set(None),
    };
    match hold.on {
        Scope::Customer(id) => row.customer_id = Set(Some(id)),
        Scope::Order(id) => row.order_id = Set(Some(id)),
        Scope::Case(id) => row.case_id = Set(Some(id)),
        Scope::Records(data_type, year) => {
            row.data_type = Set(Some(data_type));
            row.year = Set(Some(year));
            row.from_at = Set(calendar::start_of_year(year));
            row.to_at = Set(calendar::start_of_year(year + 1));
        }
    }
    row
}

/// The row of a restriction, without a note. Its period (R32) begins with the lifting.
#[must_use]
pub fn restriction_row(restriction: &Protection, ground: restrictions::Ground) -> restrictions::ActiveModel {
    let (customer_id, case_id) = match restriction.on {
        Scope::Customer(id) => (Some(id), None),
        Scope::Case(id) => (None, Some(id)),
        Scope::Order(_) | Scope::Records(..) => (None, None),
    };
    restrictions::ActiveModel {
        id: Set(RestrictionId(restriction.id)),
        customer_id: Set(customer_id),
        case_id: Set(case_id),
        unit_id: Set(None),
        ground: Set(ground),
        note: Set(None),
        placed_at: Set(restriction.placed_at),
        placed_by: Set(restriction.placed_by),
        review_on: Set(restriction.review_on),
        told_at: Set(restriction.told.and_then(|told| told.at)),
        told_by: Set(restriction.told.map(|told| told.by)),
        mail_id: Set(restriction.told.and_then(|told| told.mail)),
        lift_on: Set(restriction.told.and_then(|told| told.lift_on)),
        lifted_at: Set(restriction.ended_at),
        lifted_by: Set(restriction.ended_by),
        start_at: Set(restriction.ended_at),
        not_before: Set(None),
    }
}

/// What the ledger says of a hold.
///
/// # Errors
/// It is on nothing, which the table refuses.
pub fn of_hold(row: &rows::Model) -> Result<Protection> {
    let on = row.customer_id.map(Scope::Customer).or(row.order_id.map(Scope::Order)).or(row.case_id.map(Scope::Case));
    let on = on.or(row.data_type.zip(row.year).map(|(data_type, year)| Scope::Records(data_type, year)));
    Ok(Protection {
        id: row.id.0,
        why: Why::Hold(row.reason),
        on: on.ok_or_else(|| anyhow::anyhow!("the hold {} is on nothing", row.id))?,
        placed_at: row.placed_at,
        placed_by: row.placed_by,
        review_on: row.review_on,
        told: None,
        ended_at: row.released_at,
        ended_by: row.released_by,
    })
}

/// What the ledger says of a restriction.
///
/// # Errors
/// It is on nothing, which the table refuses.
pub fn of_restriction(row: &restrictions::Model) -> Result<Protection> {
    let on = row.customer_id.map(Scope::Customer).or(row.case_id.map(Scope::Case));
    Ok(Protection {
        id: row.id.0,
        why: Why::Restriction(row.ground),
        on: on.ok_or_else(|| anyhow::anyhow!("the restriction {} is on nothing", row.id))?,
        placed_at: row.placed_at,
        placed_by: row.placed_by,
        review_on: row.review_on,
        told: row.told_by.map(|by| Telling { by, at: row.told_at, mail: row.mail_id, lift_on: row.lift_on }),
        ended_at: row.lifted_at,
        ended_by: row.lifted_by,
    })
}
