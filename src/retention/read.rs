//! Reads any table through the map, with sealed columns opened where their key still exists.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::UnitId;
use entity::map::{Column, Table};
use entity::{Purpose, Sealed};
use sea_orm::{ColumnType, QueryResult, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::db;
use crate::error::Result;
use crate::keys::{Place, UnitKey};
use crate::state::App;

/// A row with every column of the map.
#[derive(Debug)]
pub struct Record {
    /// Its primary key, if that is a UUID.
    pub id: Option<Uuid>,
    /// Its columns, in the map's order: name and value. A sealed value is opened, or null where its key has gone.
    pub values: Vec<(&'static Column, Json)>,
}

impl Record {
    /// The value of a column.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<&Json> {
        self.values.iter().find(|(c, _)| c.name == column).map(|(_, v)| v)
    }
}

/// Reads the rows of `t` that meet `condition` over the alias `t`.
///
/// # Errors
/// The database or the key store cannot be read.
pub async fn records(app: &App, t: &'static Table, condition: &str, values: Vec<Value>) -> Result<Vec<Record>> {
    let names: Vec<String> = t.columns.iter().map(|c| format!("t.{}", c.name)).collect();
    let sql = format!("SELECT {} FROM {} t WHERE {condition} ORDER BY 1", names.join(", "), t.name);
    let rows = db::rows(app.db.read(), &sql, values).await?;
    let mut units = Vec::new();
    if let Some(at) = t.columns.iter().position(|c| c.name == "unit_id") {
        for row in &rows {
            units.extend(row.try_get_by_index::<Option<Uuid>>(at)?.map(UnitId));
        }
        units.sort_unstable();
        units.dedup();
    }
    let mut keys = HashMap::new();
    for some in units.chunks(500) {
        keys.extend(app.keys.load(some, Purpose::DataProtection, app.clock.now()).await?);
    }
    rows.iter().map(|row| record(t, row, &keys)).collect()
}

fn record(t: &'static Table, row: &QueryResult, keys: &HashMap<UnitId, Arc<UnitKey>>) -> Result<Record> {
    let plain: Vec<Plain> = (0..).zip(&t.columns).map(|(i, c)| plain(row, i, c)).collect::<Result<_>>()?;
    let uuid = |name| {
        t.columns.iter().zip(&plain).find_map(|(c, p)| match p {
            Plain::Id(id) if c.name == name => Some(*id),
            _ => None,
        })
    };
    let (id, unit) = (uuid("id"), uuid("unit_id").map(UnitId));
    let values = t.columns.iter().zip(plain).map(|(column, plain)| {
        let value = match plain {
            Plain::Json(value) => value,
            Plain::Id(id) => json!(id),
            Plain::Bytes(bytes) if column.meaning.sealed => {
                let place = id.map(|row| Place { table: t.name, column: column.name, row });
                let key = unit.and_then(|u| keys.get(&u));
                let text = place.zip(key).and_then(|(place, key)| key.open(place, &Sealed(bytes)));
                json!(text.map(crate::keys::Personal::reveal))
            }
            Plain::Bytes(bytes) => json!(bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        };
        (column, value)
    });
    Ok(Record { id, values: values.collect() })
}

enum Plain {
    Json(Json),
    Id(Uuid),
    Bytes(Vec<u8>),
}

fn plain(row: &QueryResult, i: usize, column: &Column) -> Result<Plain> {
    Ok(match &column.ty {
        ColumnType::Uuid => row.try_get_by_index::<Option<Uuid>>(i)?.map_or(Plain::Json(Json::Null), Plain::Id),
        ColumnType::BigInteger => Plain::Json(json!(row.try_get_by_index::<Option<i64>>(i)?)),
        ColumnType::Integer => Plain::Json(json!(row.try_get_by_index::<Option<i32>>(i)?)),
        ColumnType::Boolean => Plain::Json(json!(row.try_get_by_index::<Option<bool>>(i)?)),
        ColumnType::Date => Plain::Json(json!(row.try_get_by_index::<Option<NaiveDate>>(i)?)),
        ColumnType::TimestampWithTimeZone => Plain::Json(json!(row.try_get_by_index::<Option<DateTime<Utc>>>(i)?)),
        ColumnType::Text | ColumnType::String(_) => Plain::Json(json!(row.try_get_by_index::<Option<String>>(i)?)),
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => {
            row.try_get_by_index::<Option<Vec<u8>>>(i)?.map_or(Plain::Json(Json::Null), Plain::Bytes)
        }
        other => {
            return Err(anyhow::anyhow!("column {} has a type that the map cannot read: {other:?}", column.name).into());
        }
    })
}
