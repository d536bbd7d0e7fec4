//! Reads any table through the map, with sealed columns opened where their key still exists.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use entity::ids::UnitId;
use entity::map::{Column, Table};
use entity::{DataType, Purpose, Sealed};
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

    /// The data type of this row of `t`: the column of that name says so where a table holds several, and something else where
    /// it holds one, such as what a hold covers.
    #[must_use]
    pub fn data_type(&self, t: &Table) -> Option<DataType> {
        match t.types {
            [only] => Some(*only),
            types => {
                let own = self.value("data_type").and_then(|v| serde_json::from_value(v.clone()).ok());
                own.or_else(|| types.first().copied())
            }
        }
    }
}

/// Reads the rows of `t` that meet `condition` over the alias `t`, as far as data of their type may be opened for `purpose`.
///
/// # Errors
/// The database or the key store cannot be read.
pub async fn records(
    app: &App,
    t: &'static Table,
    purpose: Purpose,
    condition: &str,
    values: Vec<Value>,
) -> Result<Vec<Record>> {
    let Some(serving) = serving(t, purpose) else { return Ok(Vec::new()) };
    let all: Vec<&Column> = t.columns.iter().collect();
    opened(app, t, &all, purpose, &format!("({condition}) AND {serving} ORDER BY 1"), values).await
}

/// The rows of a table whose data type serves the purpose; none where no type of it does.
fn serving(t: &Table, purpose: Purpose) -> Option<String> {
    let served: Vec<_> = t.types.iter().filter(|d| d.serves(purpose)).map(|d| format!("'{}'", d.code())).collect();
    match (served.len(), t.types.len()) {
        (0, _) => None,
        (n, all) if n == all => Some("1 = 1".to_owned()),
        _ => Some(format!("t.data_type IN ({})", served.join(", "))),
    }
}

/// Where a table has been read up to.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    /// Up to this id.
    Id(Uuid),
    /// So many rows: the few tables without an id, which are short.
    Rows(u64),
}

/// The next rows of a table in order of id, and where to go on; none: that was the last page. Memory does not grow with
/// the table.
///
/// # Errors
/// The database or the key store cannot be read.
pub async fn page(
    app: &App,
    t: &'static Table,
    after: Option<Mark>,
    most: usize,
) -> Result<(Vec<Record>, Option<Mark>)> {
    let all: Vec<&Column> = t.columns.iter().collect();
    let (rows, mark) = if t.column("id").is_some_and(|c| c.ty == ColumnType::Uuid) {
        let after = if let Some(Mark::Id(id)) = after { id } else { Uuid::nil() };
        let condition = format!("t.id > $1 ORDER BY t.id LIMIT {most}");
        let rows = columns(app, t, &all, &condition, vec![after.into()]).await?;
        let last = rows.last().and_then(|r| r.id).map(Mark::Id);
        (rows, last)
    } else {
        let before = if let Some(Mark::Rows(n)) = after { n } else { 0 };
        let order: Vec<String> = (1..=all.len()).map(|n| n.to_string()).collect();
        let condition = format!("1 = 1 ORDER BY {} LIMIT {most} OFFSET {before}", order.join(", "));
        let rows = columns(app, t, &all, &condition, Vec::new()).await?;
        let read = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        (rows, Some(Mark::Rows(before.saturating_add(read))))
    };
    let more = rows.len() == most;
    Ok((rows, mark.filter(|_| more)))
}

/// Reads some columns of the rows of `t` that meet `condition`, which may end with an order and a limit, for data protection. A sealed
/// one opens only where `id` and `unit_id` are read with it.
///
/// # Errors
/// The database or the key store cannot be read.
pub async fn columns(
    app: &App,
    t: &'static Table,
    columns: &[&'static Column],
    condition: &str,
    values: Vec<Value>,
) -> Result<Vec<Record>> {
    opened(app, t, columns, Purpose::DataProtection, condition, values).await
}

async fn opened(
    app: &App,
    t: &'static Table,
    columns: &[&'static Column],
    purpose: Purpose,
    condition: &str,
    values: Vec<Value>,
) -> Result<Vec<Record>> {
    let names: Vec<String> = columns.iter().map(|c| format!("t.{}", c.name)).collect();
    let sql = format!("SELECT {} FROM {} t WHERE {condition}", names.join(", "), t.name);
    let rows = db::rows(app.db.read(), &sql, values).await?;
    let mut units = Vec::new();
    if let Some(at) = columns.iter().position(|c| c.name == "unit_id") {
        for row in &rows {
            units.extend(row.try_get_by_index::<Option<Uuid>>(at)?.map(UnitId));
        }
        units.sort_unstable();
        units.dedup();
    }
    let mut keys = HashMap::new();
    for some in units.chunks(500) {
        keys.extend(app.keys.load(some, purpose, app.clock.now()).await?);
    }
    rows.iter().map(|row| record(t, columns, row, &keys)).collect()
}

fn record(
    t: &'static Table,
    columns: &[&'static Column],
    row: &QueryResult,
    keys: &HashMap<UnitId, Arc<UnitKey>>,
) -> Result<Record> {
    let plain: Vec<Plain> = (0..).zip(columns).map(|(i, c)| plain(row, i, c)).collect::<Result<_>>()?;
    let uuid = |name| {
        columns.iter().zip(&plain).find_map(|(c, p)| match p {
            Plain::Id(id) if c.name == name => Some(*id),
            _ => None,
        })
    };
    let (id, unit) = (uuid("id"), uuid("unit_id").map(UnitId));
    let values = columns.iter().copied().zip(plain).map(|(column, plain)| {
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
