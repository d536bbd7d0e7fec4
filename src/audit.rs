//! The audit: one row per change, written in its transaction. Ids and codes, never content.

use chrono::{DateTime, Utc};
use entity::audit_entries;
use entity::ids::EntryId;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use uuid::Uuid;

use crate::auth::Actor;
use crate::error::Result;

/// What was done to a row, oldest first.
///
/// # Errors
/// The database cannot be read.
pub async fn of(db: &impl ConnectionTrait, table: &'static str, row: Uuid) -> Result<Vec<audit_entries::Model>> {
    let of_row = audit_entries::Entity::find().filter(audit_entries::Column::RowId.eq(row));
    let entries = of_row.filter(audit_entries::Column::TableName.eq(table)).order_by_asc(audit_entries::Column::Id);
    Ok(entries.all(db).await?)
}

/// Records that `actor` did `action` (such as `case.close`) to a row. `details` are codes and ids.
///
/// # Errors
/// The row cannot be written, and then the change must not be either.
pub async fn record(
    tx: &DatabaseTransaction,
    now: DateTime<Utc>,
    actor: &Actor,
    action: &'static str,
    row: (&'static str, Option<Uuid>),
    details: serde_json::Value,
) -> Result<()> {
    record_each(tx, now, actor, action, [(row, details)]).await
}

/// Records that `actor` did the same to several rows, in one statement.
///
/// # Errors
/// As [`record`].
pub async fn record_each(
    tx: &DatabaseTransaction,
    now: DateTime<Utc>,
    actor: &Actor,
    action: &'static str,
    rows: impl IntoIterator<Item = ((&'static str, Option<Uuid>), serde_json::Value)>,
) -> Result<()> {
    let entry =
        |((table, row), details): ((&'static str, Option<Uuid>), serde_json::Value)| audit_entries::ActiveModel {
            id: Set(EntryId::new(now)),
            at: Set(now),
            actor_kind: Set(actor.kind()),
            actor_id: Set(actor.id()),
            action: Set(action.to_owned()),
            table_name: Set(table.to_owned()),
            row_id: Set(row),
            details: Set(details.to_string()),
        };
    audit_entries::Entity::insert_many(rows.into_iter().map(entry)).exec_without_returning(tx).await?;
    Ok(())
}
