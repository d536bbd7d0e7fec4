//! What the check needs to know of a row, read from any table through the data map.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::{CustomerId, UnitId};
use entity::map::Table;
use sea_orm::{ConnectionTrait, DbBackend, Value};
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

/// Rows of one table, each column of all of them in one value: a driver pays per row and per value, and to make JSON of them takes the
/// databases longer than to find them. What no row can have is none.
#[derive(Debug)]
pub struct Answer {
    table: &'static Table,
    ids: Vec<u8>,
    types: Option<String>,
    units: Option<Vec<u8>>,
    customers: Option<Vec<u8>>,
    starts: Option<Times>,
    not_before: Option<Times>,
    marks: Option<String>,
    blobs: Option<String>,
}

/// Instants one after the other, as the engine keeps them.
#[derive(Debug)]
enum Times {
    /// RFC 3339, by line; empty where there is none.
    Sqlite(String),
    /// Microseconds since 2000, eight bytes each; the least where there is none.
    Postgres(Vec<u8>),
}

impl Times {
    /// 2000-01-01T00:00:00Z in microseconds of the Unix epoch.
    const POSTGRES_EPOCH: i64 = 946_684_800_000_000;

    fn each(&self) -> Result<Vec<Option<DateTime<Utc>>>> {
        match self {
            Self::Sqlite(lines) => {
                let parsed = |line: &str| line.parse().map_err(|e| anyhow::anyhow!("the instant {line}: {e}"));
                Ok(lines.split(LINE).map(|line| some(line).map(parsed).transpose()).collect::<Result<_, _>>()?)
            }
            Self::Postgres(bytes) => {
                let micros = bytes.as_chunks().0.iter().map(|bytes| i64::from_be_bytes(*bytes));
                let instant = |micros: i64| {
                    let instant = micros.checked_add(Self::POSTGRES_EPOCH).and_then(DateTime::from_timestamp_micros);
                    instant.ok_or_else(|| anyhow::anyhow!("{micros} µs after 2000 are no instant"))
                };
                Ok(micros.map(|it| (it != i64::MIN).then(|| instant(it)).transpose()).collect::<Result<_, _>>()?)
            }
        }
    }
}

/// Between the texts of rows. No code, instant or name of a blob has one.
const LINE: char = '\n';
const LINES: &str = "string_agg(COALESCE(x.#, ''), '\n')";
/// What stands for no mark.
const UNMARKED: u8 = b'A';

fn some(line: &str) -> Option<&str> {
    Some(line).filter(|line| !line.is_empty())
}

fn uuids(bytes: &[u8]) -> Vec<Option<Uuid>> {
    bytes.as_chunks().0.iter().map(|bytes| Some(Uuid::from_bytes(*bytes)).filter(|id| !id.is_nil())).collect()
}

impl Answer {
    /// The table.
    #[must_use]
    pub const fn table(&self) -> &'static Table {
        self.table
    }

    /// The rows.
    ///
    /// # Errors
    /// It is not what was asked for.
    pub fn rows(self) -> Result<Vec<Row>> {
        let (t, ids) = (self.table, uuids(&self.ids).into_iter().flatten().collect::<Vec<Uuid>>());
        let only = t.types.first().copied().unwrap_or(DataType::R00);
        let known =
            |code: &str| DataType::from_code(code).ok_or_else(|| anyhow::anyhow!("the data type {code} in {}", t.name));
        let types = self.types.map(|lines| lines.split(LINE).map(|line| some(line).map(known).transpose()).collect());
        let types = types.transpose()?;
        let blobs = self.blobs.map(|lines| lines.split(LINE).map(|line| some(line).map(str::to_owned)).collect());
        let marks = self.marks.map(|marks| marks.bytes().map(|mark| mark.checked_sub(UNMARKED)).collect());
        let mut types = column(t, &ids, types)?;
        let mut blobs = column(t, &ids, blobs)?;
        let mut marks = column(t, &ids, marks)?;
        let mut units = column(t, &ids, self.units.as_deref().map(uuids))?;
        let mut customers = column(t, &ids, self.customers.as_deref().map(uuids))?;
        let mut starts = column(t, &ids, self.starts.map(|times| times.each()).transpose()?)?;
        let mut not_before = column(t, &ids, self.not_before.map(|times| times.each()).transpose()?)?;
        let row = |id: Uuid| {
            let marks = marks.next().flatten().unwrap_or_default();
            Row {
                id,
                data_type: types.next().flatten().unwrap_or(only),
                unit: units.next().flatten().map(UnitId),
                customer: customers.next().flatten().map(CustomerId),
                start: starts.next().flatten(),
                not_before: not_before.next().flatten(),
                held: marks & HELD > 0,
                restricted: marks & RESTRICTED > 0,
                open: marks & OPEN > 0,
                blob: blobs.next().flatten(),
                bare: marks & BARE > 0,
            }
        };
        Ok(ids.iter().copied().map(row).collect())
    }
}

/// A value for each of the rows; none where no row has one.
fn column<T: Clone>(
    t: &Table,
    ids: &[Uuid],
    values: Option<Vec<Option<T>>>,
) -> Result<impl Iterator<Item = Option<T>> + use<T>> {
    let values = values.unwrap_or_else(|| vec![None; ids.len()]);
    if values.len() != ids.len() {
        return Err(anyhow::anyhow!("{} rows of {} have {} values", ids.len(), t.name, values.len()).into());
    }
    Ok(values.into_iter())
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
    let is_postgres = db.get_database_backend() == DbBackend::Postgres;
    let mark = |is: &str, value: u8| format!("CASE WHEN {is} THEN {value} ELSE 0 END");
    let mut marks = Vec::new();
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
    let marks = Some(marks.join(" + ")).filter(|marks| !marks.is_empty());
    let customer = paths::customer_of(t).filter(|_| is_postgres && asked.whose && t.is_personal());
    let own = |name: &'static str| t.has(name).then(|| format!("t.{name}"));
    let data_type = (t.types.len() > 1).then(|| "t.data_type".to_owned());
    let start = t.start.map(|start| format!("t.{start}"));
    // What is asked of each row, and how all of it becomes one value.
    let (uuids, instants, marked) = if is_postgres {
        (
            "string_agg(COALESCE(uuid_send(x.#), '\\x00000000000000000000000000000000'), '')",
            "string_agg(COALESCE(timestamptz_send(x.#), '\\x8000000000000000'), '')",
            format!("string_agg(chr({UNMARKED} + x.#), '')"),
        )
    } else {
        (
            "CAST(string_agg(COALESCE(x.#, zeroblob(16)), '') AS BLOB)",
            LINES,
            format!("string_agg(char({UNMARKED} + x.#), '')"),
        )
    };
    let columns = [
        ("id", own("id"), uuids),
        ("type", data_type, LINES),
        ("unit", own("unit_id"), uuids),
        ("customer", customer, uuids),
        ("start", start, instants),
        ("until", own("not_before"), instants),
        ("marks", marks, marked.as_str()),
        ("blob", own("blob"), LINES),
    ];
    let (mut each, mut all) = (Vec::new(), Vec::new());
    for (name, of_row, together) in columns {
        all.push(of_row.as_ref().map_or_else(|| "NULL".to_owned(), |_| together.replace('#', name)));
        each.extend(of_row.map(|of_row| format!("{of_row} AS {name}")));
    }
    let (all, each, name) = (all.join(", "), each.join(", "), t.name);
    let sql = format!("SELECT {all} FROM (SELECT {each} FROM {name} t WHERE {condition}) x");
    let found = db::rows(db, &sql, values).await?;
    let row = found.first().ok_or_else(|| anyhow::anyhow!("no rows of {name} in one"))?;
    let times = |at: usize| -> Result<Option<Times>> {
        Ok(match is_postgres {
            true => row.try_get_by_index::<Option<Vec<u8>>>(at)?.map(Times::Postgres),
            false => row.try_get_by_index::<Option<String>>(at)?.map(Times::Sqlite),
        })
    };
    Ok(Answer {
        table: t,
        ids: row.try_get_by_index::<Option<Vec<u8>>>(0)?.unwrap_or_default(),
        types: row.try_get_by_index(1)?,
        units: row.try_get_by_index(2)?,
        customers: row.try_get_by_index(3)?,
        starts: times(4)?,
        not_before: times(5)?,
        marks: row.try_get_by_index(6)?,
        blobs: row.try_get_by_index(7)?,
    })
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
