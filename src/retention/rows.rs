//! What the check needs to know of a row, read from any table through the data map.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::UnitId;
use entity::map::Table;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use super::paths;
use crate::db;
use crate::error::Result;

/// A row as retention sees it. No content.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// Its data type.
    pub data_type: DataType,
    /// The erasure unit that seals it.
    pub unit: Option<UnitId>,
    /// When its period began; none while it has not.
    pub start: Option<DateTime<Utc>>,
    /// Never deleted before.
    pub not_before: Option<DateTime<Utc>>,
    /// A hold covers it.
    pub held: bool,
    /// Its processing is restricted.
    pub restricted: bool,
    /// Work still runs on it.
    pub open: bool,
    /// Its blob, if it has one.
    pub blob: Option<String>,
    /// Only a bare id is left.
    pub bare: bool,
}

/// Reads rows of `t` that meet `condition` over the alias `t`.
///
/// # Errors
/// The database cannot be read.
pub async fn read(db: &impl ConnectionTrait, t: &Table, condition: &str, values: Vec<Value>) -> Result<Vec<Row>> {
    let column = |name: &str| if t.has(name) { format!("t.{name}") } else { "NULL".to_owned() };
    let sql = format!(
        "SELECT t.id, {}, {}, {}, {}, {}, {}, {}, {}, {} FROM {} t WHERE {condition}",
        column("data_type"),
        column("unit_id"),
        t.start.map_or_else(|| "NULL".to_owned(), |s| format!("t.{s}")),
        column("not_before"),
        paths::is_held(t),
        paths::is_restricted(t),
        paths::is_open(t),
        column("blob"),
        column("erased_at"),
        t.name,
    );
    let only = t.types.first().copied().unwrap_or(DataType::R00);
    let row = |r: &QueryResult| -> Result<Row> {
        let data_type = if t.types.len() > 1 { r.try_get_by_index::<DataType>(1)? } else { only };
        Ok(Row {
            id: r.try_get_by_index(0)?,
            data_type,
            unit: r.try_get_by_index::<Option<Uuid>>(2)?.map(UnitId),
            start: r.try_get_by_index(3)?,
            not_before: r.try_get_by_index(4)?,
            held: r.try_get_by_index(5)?,
            restricted: r.try_get_by_index(6)?,
            open: r.try_get_by_index(7)?,
            blob: r.try_get_by_index(8)?,
            bare: r.try_get_by_index::<Option<DateTime<Utc>>>(9)?.is_some(),
        })
    };
    db::rows(db, &sql, values).await?.iter().map(row).collect()
}

/// Reads these rows.
///
/// # Errors
/// The database cannot be read.
pub async fn read_ids(db: &impl ConnectionTrait, t: &Table, ids: &[Uuid]) -> Result<Vec<Row>> {
    let condition = db::is_any(db.get_database_backend(), "t.id", 1);
    read(db, t, &condition, vec![db::id_list(ids.iter().copied())]).await
}
