//! What the check needs to know of a row, read from any table through the data map.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CustomerId, UnitId};
use entity::map::{Table, tables};
use sea_orm::{ConnectionTrait, DbBackend, Value};
use serde::Deserialize;
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
    /// Whose it is, where a lock is needed before it goes: SQLite has one writer and tells nobody's.
    pub customer: Option<CustomerId>,
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

/// A row as the database tells it: id, data type, unit, customer, start, not before, marks, blob.
#[derive(Deserialize)]
struct Told(
    Uuid,
    Option<DataType>,
    Option<UnitId>,
    Option<CustomerId>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    u8,
    Option<String>,
);

const HELD: u8 = 1;
const RESTRICTED: u8 = 2;
const OPEN: u8 = 4;
const BARE: u8 = 8;

impl Told {
    fn row(self, t: &Table) -> Row {
        let Self(id, data_type, unit, customer, start, not_before, marks, blob) = self;
        let only = t.types.first().copied().unwrap_or(DataType::R00);
        Row {
            id,
            data_type: data_type.unwrap_or(only),
            unit,
            customer,
            start,
            not_before,
            held: marks & HELD > 0,
            restricted: marks & RESTRICTED > 0,
            open: marks & OPEN > 0,
            blob,
            bare: marks & BARE > 0,
        }
    }
}

/// Reads rows of `t` that meet `condition` over the alias `t`, which may end with an order and a limit; they come in no order.
///
/// All rows are one JSON text: a driver pays per row and per column, so that it is read several times faster than what it is
/// made of.
///
/// # Errors
/// The database cannot be read.
pub async fn read(db: &impl ConnectionTrait, t: &Table, condition: &str, values: Vec<Value>) -> Result<Vec<Row>> {
    let column = |name: &str| if t.has(name) { format!("t.{name}") } else { "NULL".to_owned() };
    let data_type = if t.types.len() > 1 { "t.data_type" } else { "NULL" };
    let start = t.start.map_or_else(|| "NULL".to_owned(), |start| format!("t.{start}"));
    let mark = |is: &str, value: u8| format!("CASE WHEN {is} THEN {value} ELSE 0 END");
    let mut marks = vec![
        mark(&paths::is_held(t), HELD),
        mark(&paths::is_restricted(t), RESTRICTED),
        mark(&paths::is_open(t), OPEN),
    ];
    if t.has("erased_at") {
        marks.push(mark("t.erased_at IS NOT NULL", BARE));
    }
    let (marks, name) = (marks.join(" + "), t.name);
    let (unit, not_before, blob) = (column("unit_id"), column("not_before"), column("blob"));
    let (mut customer, mut list) = (
        None,
        "json_group_array(json_array(hex(x.id), x.type, nullif(hex(x.unit), ''), NULL, x.start, x.until, x.marks, x.blob))",
    );
    if db.get_database_backend() == DbBackend::Postgres {
        customer = paths::customer_of(t).filter(|_| t.is_personal());
        list = "COALESCE(json_agg(json_build_array(x.id, x.type, x.unit, x.customer, x.start, x.until, x.marks, \
                x.blob))::text, '[]')";
    }
    let customer = customer.as_deref().unwrap_or("NULL");
    let sql = format!(
        "SELECT {list} FROM (SELECT t.id AS id, {data_type} AS type, {unit} AS unit, {customer} AS customer, {start} AS start, \
         {not_before} AS until, {marks} AS marks, {blob} AS blob FROM {name} t WHERE {condition}) x"
    );
    let rows = db::rows(db, &sql, values).await?;
    let text: String = rows.first().map_or_else(|| Ok("[]".to_owned()), |row| row.try_get_by_index(0))?;
    let told: Vec<Told> = serde_json::from_str(&text).map_err(|e| anyhow::anyhow!("rows of {name}: {e}"))?;
    Ok(told.into_iter().map(|told| told.row(t)).collect())
}

/// Those of the tables that have a row which meets a condition over the alias `t`, in their order. Mostly few have, and to ask
/// all of them at once costs as much as reading one.
///
/// # Errors
/// The database cannot be read.
pub async fn tables_with(
    db: &impl ConnectionTrait,
    among: impl Iterator<Item = &'static Table>,
    condition: impl Fn(&Table) -> String,
    values: Vec<Value>,
) -> Result<Vec<&'static Table>> {
    let among: Vec<&Table> = among.collect();
    let look = |(i, t): (usize, &&Table)| {
        format!("SELECT {i} WHERE EXISTS (SELECT 1 FROM {} t WHERE {})", t.name, condition(t))
    };
    let looks: Vec<String> = among.iter().enumerate().map(look).collect();
    let found = db::rows(db, &looks.join(" UNION ALL "), values).await?;
    let mut found: Vec<i32> = found.iter().map(|r| r.try_get_by_index(0)).collect::<Result<_, _>>()?;
    found.sort_unstable();
    Ok(found.into_iter().filter_map(|i| among.get(usize::try_from(i).ok()?)).copied().collect())
}

/// The personal tables with rows of a person, in the order of the map.
///
/// # Errors
/// The database cannot be read.
pub async fn tables_of_person(db: &impl ConnectionTrait, customer: CustomerId) -> Result<Vec<&'static Table>> {
    let personal = tables().iter().filter(|t| t.is_personal());
    tables_with(db, personal, |t| paths::of_person(t, 1), vec![customer.0.into()]).await
}

/// Reads these rows.
///
/// # Errors
/// The database cannot be read.
pub async fn read_ids(db: &impl ConnectionTrait, t: &Table, ids: &[Uuid]) -> Result<Vec<Row>> {
    let condition = db::is_any(db.get_database_backend(), "t.id", 1);
    read(db, t, &condition, vec![db::id_list(ids.iter().copied())]).await
}
