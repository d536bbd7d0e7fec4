//! What the check needs to know of a row, read from any table through the data map.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CustomerId, UnitId};
use entity::map::Table;
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
    /// Whose it is, where that is known or a lock is needed before it goes: SQLite has one writer.
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

/// What is asked of a row besides its columns.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    /// Whether a hold covers it.
    pub held: bool,
    /// Whether its processing is restricted.
    pub restricted: bool,
    /// Whether work still runs on it.
    pub open: bool,
    /// Whose it is.
    pub whose: bool,
}

impl Marks {
    /// Everything.
    pub const ALL: Self = Self { held: true, restricted: true, open: true, whose: true };
}

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

/// Reads rows of `t` that meet `condition` over the alias `t`, which may end with an order and a limit; they come in no order. A
/// mark that is not asked for is not on them.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    db: &impl ConnectionTrait,
    t: &'static Table,
    asked: Marks,
    condition: &str,
    values: Vec<Value>,
) -> Result<Vec<Row>> {
    answer(db, t, asked, condition, values).await?.rows()
}

/// Rows of one table in one JSON text: a driver pays per row and per column, so that it is read several times faster than what it
/// is made of.
#[derive(Debug)]
pub struct Answer {
    table: &'static Table,
    text: String,
}

impl Answer {
    /// The table.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// The rows, which takes about as long as it took the database to find them.
    ///
    /// # Errors
    /// It is not what was asked for.
    pub fn rows(self) -> Result<Vec<Row>> {
        let Self { table, text } = self;
        let told: Vec<Told> =
            serde_json::from_str(&text).map_err(|e| anyhow::anyhow!("rows of {}: {e}", table.name))?;
        Ok(told.into_iter().map(|told| told.row(table)).collect())
    }
}

/// As [`read`], for whoever can do something else between asking and reading the answer.
///
/// # Errors
/// The database cannot be read.
pub async fn answer(
    db: &impl ConnectionTrait,
    t: &'static Table,
    asked: Marks,
    condition: &str,
    values: Vec<Value>,
) -> Result<Answer> {
    let column = |name: &str| if t.has(name) { format!("t.{name}") } else { "NULL".to_owned() };
    let data_type = if t.types.len() > 1 { "t.data_type" } else { "NULL" };
    let start = t.start.map_or_else(|| "NULL".to_owned(), |start| format!("t.{start}"));
    let mark = |is: &str, value: u8| format!("CASE WHEN {is} THEN {value} ELSE 0 END");
    let mut marks = vec!["0".to_owned()];
    if asked.held {
        marks.push(mark(&paths::is_held(t), HELD));
    }
    if asked.restricted {
        marks.push(mark(&paths::is_restricted(t), RESTRICTED));
    }
    if asked.open {
        marks.push(mark(&paths::is_open(t), OPEN));
    }
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
        customer = paths::customer_of(t).filter(|_| asked.whose && t.is_personal());
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
    Ok(Answer { table: t, text })
}

/// Reads these rows.
///
/// # Errors
/// The database cannot be read.
pub async fn read_ids(db: &impl ConnectionTrait, t: &'static Table, ids: &[Uuid]) -> Result<Vec<Row>> {
    let backend = db.get_database_backend();
    let condition = db::is_any(backend, "t.id", 1);
    read(db, t, Marks::ALL, &condition, vec![db::id_list(backend, ids.iter().copied())]).await
}
