//! Everything that stores hold, byte by byte: what is compared before and after a death.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use aftersales::db::{self, Db};
use aftersales::retention::ledger::Ledger;
use aftersales::retention::person::Person;
use entity::ids::CustomerId;
use entity::map::{RowEnd, Table, tables};
use sea_orm::DbBackend;
use serde_json::Value;

use crate::support::stores::{self, Stores};
use crate::support::{App, life};

/// A table and an id.
pub type Key = (&'static str, String);

/// A stored row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Every column, sealed bytes included.
    pub text: String,
    /// Only a bare id is left.
    pub bare: bool,
    /// Its erasure unit.
    pub unit: Option<String>,
    /// What of a new row does not differ from run to run.
    pub mark: String,
}

/// What the stores hold at a moment.
#[derive(Debug)]
pub struct Image {
    pub rows: BTreeMap<Key, Stored>,
    pub units: BTreeMap<String, String>,
    pub lookups: BTreeSet<String>,
    pub blobs: BTreeSet<String>,
    pub ledger: Vec<Value>,
}

/// Tables that a removal only adds counts to.
pub const STATISTICS: [&str; 1] = ["service_statistics"];
/// Tables in which runs note how they stand.
pub const NOTES: [&str; 2] = ["jobs", "retention_control"];

/// Tables whose rows a pass of an erasure seals anew: their bytes differ from run to run.
const SEALED_ANEW: [&str; 2] = ["erasures", "subject_requests"];

fn text_of(backend: DbBackend, columns: &[&str]) -> String {
    match backend {
        DbBackend::Postgres => {
            format!("ROW({})::text", columns.iter().map(|c| format!("t.{c}")).collect::<Vec<_>>().join(", "))
        }
        _ => columns.iter().map(|c| format!("quote(t.{c})")).collect::<Vec<_>>().join(" || ',' || "),
    }
}

fn id_of(backend: DbBackend, column: &str) -> String {
    if backend == DbBackend::Postgres {
        format!("replace(t.{column}::text, '-', '')")
    } else {
        format!("lower(hex(t.{column}))")
    }
}

fn mark_of(backend: DbBackend, t: &Table) -> String {
    match t.name {
        "outbox_entries" => {
            "t.kind || t.state || CASE WHEN t.claimed_until IS NULL THEN '' ELSE ' CLAIMED' END".to_owned()
        }
        "jobs" => "CASE WHEN t.lease_owner IS NULL THEN 'FREE' ELSE 'LEASED' END".to_owned(),
        "suppressions" if backend == DbBackend::Postgres => "encode(t.hash, 'hex')".to_owned(),
        "suppressions" => "hex(t.hash)".to_owned(),
        "audit_entries" => "t.action || ' ' || t.table_name".to_owned(),
        "erasures" => {
            "t.state || ' ' || COALESCE(t.scan_state, '') || CASE WHEN t.wake_at IS NULL THEN '' ELSE ' WOKEN' END"
                .to_owned()
        }
        "subject_requests" => "CASE WHEN t.closed_at IS NULL THEN 'OPEN' ELSE 'CLOSED' END".to_owned(),
        _ if t.has("state") => "t.state".to_owned(),
        _ => "''".to_owned(),
    }
}

async fn rows_of(db: &Db, t: &'static Table) -> Vec<(Key, Stored)> {
    let backend = db.backend();
    let columns: Vec<&str> = t.columns.iter().map(|c| c.name).collect();
    let text = text_of(backend, &columns);
    let id = if t.has("id") { id_of(backend, "id") } else { text.clone() };
    let unit = if t.has("unit_id") { id_of(backend, "unit_id") } else { "NULL".to_owned() };
    let unit = if t.has("unit_id") { format!("CASE WHEN t.unit_id IS NULL THEN NULL ELSE {unit} END") } else { unit };
    let bare = if t.end == RowEnd::Bare { "t.erased_at IS NOT NULL" } else { "1 = 0" };
    let sql = format!("SELECT {id}, {text}, {bare}, {unit}, {} FROM {} t", mark_of(backend, t), t.name);
    let rows = db::rows(db.write(), &sql, []).await.unwrap();
    let stored = |row: &sea_orm::QueryResult| {
        let id: String = row.try_get_by_index(0).unwrap();
        let stored = Stored {
            text: row.try_get_by_index(1).unwrap(),
            bare: row.try_get_by_index(2).unwrap(),
            unit: row.try_get_by_index(3).unwrap(),
            mark: row.try_get_by_index(4).unwrap(),
        };
        // A job's row says little, and which instance has it differs from run to run.
        if t.name == "jobs" { (("jobs", stored.mark.clone()), stored) } else { ((t.name, id), stored) }
    };
    rows.iter().map(stored).collect()
}

impl Image {
    /// Of stores that nobody works with.
    pub async fn of(stores: &Stores) -> Self {
        let config = stores::config(stores.folder.path(), &stores.urls());
        let (main, keys) = (Db::open(&config.database).await.unwrap(), Db::open(&config.keystore).await.unwrap());
        let ledger = Ledger::open(&config.ledger, chrono::DateTime::UNIX_EPOCH).await.unwrap();
        let image = Self::read(&main, &keys, &ledger, &config.data.join("blobs")).await;
        main.close().await;
        keys.close().await;
        if let Ledger::Database(db) = ledger {
            db.close().await;
        }
        image
    }

    /// Of an instance that is at rest.
    pub async fn at_rest(app: &App) -> Self {
        let state = &app.state;
        Self::read(&state.db, state.keys.db(), &state.ledger, &state.config.data.join("blobs")).await
    }

    async fn read(main: &Db, keys: &Db, ledger: &Ledger, blobs: &std::path::Path) -> Self {
        let mut rows = BTreeMap::new();
        for t in tables() {
            rows.extend(rows_of(main, t).await);
        }
        let backend = keys.backend();
        // When a key was last asked for differs with the moment of the recovery.
        let lasting = ["id", "owner_id", "data_type", "year", "subject_id", "wrapped_key"];
        let (id, text) = (id_of(backend, "id"), text_of(backend, &lasting));
        let mut units = BTreeMap::new();
        for row in db::rows(keys.write(), &format!("SELECT {id}, {text} FROM units t"), []).await.unwrap() {
            units.insert(row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
        }
        let text = text_of(backend, &["hash", "kind", "target_id", "subject_id"]);
        let found = db::rows(keys.write(), &format!("SELECT {text} FROM lookups t"), []).await.unwrap();
        let names = std::fs::read_dir(blobs).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        Self {
            rows,
            units,
            lookups: found.iter().map(|r| r.try_get_by_index(0).unwrap()).collect(),
            blobs: names.collect(),
            ledger: ledger.entries().await.unwrap(),
        }
    }

    /// What a program that starts on these stores can tell: rows that were there before by their bytes, new ones by their
    /// marks, since their ids and instants are of no consequence. Two deaths with one shape leave the same to be done.
    pub fn shape(&self, before: &Self) -> u64 {
        let mut lines: Vec<String> = self
            .rows
            .iter()
            .map(|(key, row)| match before.rows.get(key) {
                Some(_) if SEALED_ANEW.contains(&key.0) => format!("{key:?} {}", row.mark),
                Some(_) => format!("{key:?} {row:?}"),
                None => format!("{} {} {}", key.0, row.mark, row.bare),
            })
            .collect();
        lines
            .extend(self.units.keys().map(|id| if before.units.contains_key(id) { id } else { "new unit" }.to_owned()));
        lines.extend(self.blobs.iter().cloned());
        lines.extend(self.lookups.iter().cloned());
        lines.extend(self.ledger.iter().map(|e| format!("{} {}", e["event"], tables_of(e))));
        lines.sort();
        let mut hasher = DefaultHasher::new();
        lines.hash(&mut hasher);
        hasher.finish()
    }

    /// The marks of the rows of a table, sorted.
    pub fn marks(&self, table: &str) -> Vec<&str> {
        let mut marks: Vec<&str> =
            self.rows.iter().filter(|(k, _)| k.0 == table).map(|(_, r)| r.mark.as_str()).collect();
        marks.sort_unstable();
        marks
    }

    /// Where a text is in plain, in a column or as bytes.
    pub fn in_plain(&self, text: &str) -> Vec<String> {
        let bytes: String = text.bytes().map(|b| format!("{b:02x}")).collect();
        let has = |all: &str| {
            let all = all.to_lowercase();
            all.contains(text) || all.contains(&bytes)
        };
        let mut found: Vec<String> =
            self.rows.iter().filter(|(_, row)| has(&row.text)).map(|(key, _)| format!("{key:?}")).collect();
        found.extend(self.units.values().chain(&self.lookups).filter(|all| has(all)).cloned());
        found.extend(self.ledger.iter().map(Value::to_string).filter(|entry| has(entry)));
        found
    }
}

/// The tables that an entry of the ledger names.
fn tables_of(entry: &Value) -> String {
    let rows = entry["rows"].as_array().into_iter().flatten();
    rows.map(|rows| rows["table"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// The rows that are a person's, by the map.
pub async fn of_person(app: &App, known: &life::Known) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let db = &app.state.db;
    let person = Person::find(db.write(), CustomerId(life::row(&known.customer))).await.unwrap();
    for t in person.tables() {
        let (theirs, values) = person.rows_of(t, 1);
        let sql = format!("SELECT {} FROM {} t WHERE {theirs}", id_of(db.backend(), "id"), t.name);
        for row in db::rows(db.write(), &sql, values).await.unwrap() {
            found.insert((t.name, row.try_get_by_index::<String>(0).unwrap()));
        }
    }
    found
}

/// Links of the map that lead nowhere.
pub async fn dangling(app: &App) -> Vec<String> {
    let mut found = Vec::new();
    for t in tables() {
        for (column, to) in t.links() {
            let nowhere =
                format!("{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {to} p WHERE p.id = {}.{column})", t.name);
            if app.count(t.name, &nowhere).await > 0 {
                found.push(format!("{}.{column}", t.name));
            }
        }
    }
    found
}
