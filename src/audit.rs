//! The audit: one row per change, written in its transaction. Ids and codes, never content.

use chrono::{DateTime, Utc};
use entity::audit_entries;
use entity::ids::EntryId;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
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
    audit_entries::ActiveModel {
        id: Set(EntryId::new(now)),
        at: Set(now),
        actor_kind: Set(actor.kind()),
        actor_id: Set(actor.id()),
        action: Set(action.to_owned()),
        table_name: Set(row.0.to_owned()),
        row_id: Set(row.1),
        details: Set(details.to_string()),
    }
    .insert(tx)
    .await?;
    Ok(())
}
