//! What keeps the house in order: who imports whom, the map against the databases, printed documents against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aftersales::db;
use aftersales::retention::paths::WITHOUT_KEY;
use entity::map::{RowEnd, tables};
use sea_orm::DbBackend;

use crate::on_both_engines;

/// Rooms in order; a room may name itself and those behind it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("policy", &[]),
    ("keys", &[]),
    ("audit", &[]),
    ("outbox", &["keys"]),
    ("mail", &["keys", "policy", "audit", "outbox"]),
    ("retention", &["keys", "outbox", "audit", "policy"]),
    ("staff", &["retention", "audit"]),
    ("customers", &["retention", "keys", "audit", "policy"]),
    ("orders", &["customers", "retention", "keys", "audit", "policy"]),
    ("cases", &["customers", "retention", "mail", "keys", "outbox", "audit", "policy"]),
    ("guests", &["mail", "keys", "audit", "policy"]),
    ("withdrawals", &["orders", "customers", "cases", "retention", "mail", "keys", "audit", "policy"]),
    ("inbox", &["customers", "cases", "evidence", "mail", "retention", "keys", "audit", "policy"]),
    ("refunds", &["cases", "returns", "retention", "mail", "keys", "outbox", "audit", "policy"]),
    ("returns", &["cases", "orders", "mail", "retention", "keys", "outbox", "audit", "policy"]),
    ("evidence", &["cases", "retention", "keys", "outbox", "audit", "policy"]),
    ("disputes", &["cases", "evidence", "mail", "retention", "keys", "outbox", "audit", "policy"]),
    ("safety", &["cases", "customers", "keys", "audit", "policy"]),
    ("privacy", &["evidence", "mail", "retention", "keys", "outbox", "audit", "policy"]),
    (
        "jobs",
        &[
            "cases",
            "refunds",
            "returns",
            "disputes",
            "privacy",
            "mail",
            "retention",
            "keys",
            "outbox",
            "audit",
            "policy",
        ],
    ),
    (
        "graphql",
        &[
            "customers",
            "orders",
            "cases",
            "guests",
            "withdrawals",
            "refunds",
            "returns",
            "evidence",
            "disputes",
            "safety",
            "mail",
            "privacy",
            "retention",
            "keys",
            "jobs",
            "staff",
            "policy",
        ],
    ),
    ("http", &["graphql", "returns", "evidence", "inbox", "disputes", "privacy", "keys"]),
];

/// They serve all rooms.
const SERVE_ALL: &[&str] = &[
    "auth",
    "base32",
    "cards",
    "clock",
    "config",
    "db",
    "error",
    "idempotency",
    "input",
    "limits",
    "policies",
    "presence",
    "traffic",
    "state",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a text names after `crate::`, also in braces.
fn named(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let list = &list[..list.find("};").unwrap_or(list.len())];
            rooms.extend(list.split(',').map(|w| w.trim().split("::").next().unwrap_or_default().trim().to_owned()));
        } else {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
            rooms.insert(part[..end].to_owned());
        }
    }
    rooms
}

#[test]
fn rooms_import_downwards_only() {
    let rules: BTreeMap<&str, &[&str]> = MAY_NAME.iter().copied().collect();
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let mut wrong = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let room = path.strip_prefix("src").unwrap().components().next().unwrap();
        let room = room.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if let Some(allowed) = rules.get(room.as_str()) {
            for other in named(&text).into_iter().filter(|o| rules.contains_key(o.as_str())) {
                if other != room && !allowed.contains(&other.as_str()) {
                    wrong.push(format!("{} names {other}", path.display()));
                }
            }
        }
        if !matches!(room.as_str(), "graphql" | "http" | "cli") {
            for word in ["axum::", "async_graphql::"] {
                if text.contains(word) {
                    wrong.push(format!("{} names {word}", path.display()));
                }
            }
        }
        let known = rules.contains_key(room.as_str()) || SERVE_ALL.contains(&room.as_str());
        assert!(known || ["lib", "main", "cli", "demo"].contains(&room.as_str()), "no rule for the room {room}");
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn only_the_door_deletes_or_clears_personal_rows() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    for path in files.iter().filter(|p| !p.ends_with("retention/door/statements.rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        for word in ["DELETE FROM", "delete_many", "delete_by_id", ".delete(&tx", ".delete(tx"] {
            let allowed = path.starts_with("src/keys") || path.starts_with("src/retention/ledger");
            // Statistics are nobody's.
            let allowed = allowed || path.ends_with("retention/anonymise.rs");
            assert!(allowed || !text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn schema_graphql_is_current() {
    let committed = std::fs::read_to_string("schema.graphql").unwrap();
    assert!(
        committed == aftersales::graphql::sdl(),
        "run `cargo run -- schema > schema.graphql`, and name a breaking change in the CHANGELOG"
    );
}

#[test]
fn the_printed_data_map_is_current() {
    let committed = std::fs::read_to_string("docs/data-map.md").unwrap();
    assert!(committed == aftersales::privacy::map::markdown(), "run `cargo run -- privacy map > docs/data-map.md`");
}

/// F97: the deletion concept is printed from the live rules.
#[test]
fn the_printed_deletion_concept_is_current() {
    let committed = std::fs::read_to_string("docs/deletion-concept.md").unwrap();
    let printed = aftersales::privacy::concept::markdown(aftersales::policy::shop::Policy::shipped());
    assert!(committed == printed, "run `cargo run -- privacy concept > docs/deletion-concept.md`");
}

on_both_engines! {
    /// F95: entities, map and migrated database name the same tables and columns, both ways.
    async fn the_map_is_the_database(app) {
        let sql = if app.state.db.backend() == DbBackend::Postgres {
            "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'"
        } else {
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        };
        let mut stored = BTreeSet::new();
        for row in db::rows(app.state.db.read(), sql, []).await.unwrap() {
            let (table, column): (String, String) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
            if table != "seaql_migrations" && !table.starts_with("sqlite_") {
                stored.insert((table, column));
            }
        }
        let mapped = tables().iter().flat_map(|t| t.columns.iter().map(|c| (t.name.to_owned(), c.name.to_owned())));
        assert_eq!(stored, mapped.collect::<BTreeSet<_>>());
    }

    /// What points to a row that may leave a bare id does so by a foreign key, or is looked for whenever such a row goes.
    async fn a_link_is_a_foreign_key_or_looked_for(app) {
        let sql = if app.state.db.backend() == DbBackend::Postgres {
            "SELECT conrelid::regclass::text, a.attname::text, confrelid::regclass::text FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'"
        } else {
            "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
        };
        let mut keys = BTreeSet::new();
        for row in db::rows(app.state.db.read(), sql, []).await.unwrap() {
            let column = |i| row.try_get_by_index::<String>(i).unwrap();
            keys.insert((column(0), column(1), column(2)));
        }
        let bare: Vec<&str> = tables().iter().filter(|t| t.end == RowEnd::Bare).map(|t| t.name).collect();
        let mut without = BTreeSet::new();
        for t in tables() {
            for (column, to) in t.links().iter().filter(|(_, to)| bare.contains(to)) {
                if !keys.contains(&(t.name.to_owned(), (*column).to_owned(), (*to).to_owned())) {
                    without.insert(t.name);
                }
            }
        }
        assert_eq!(without, BTreeSet::from(WITHOUT_KEY));
    }
}

/// docs/promises.md proves nothing with a test that is not there.
#[test]
fn the_promises_name_what_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests/it"), &mut files);
    let mut known: BTreeSet<String> = BTreeSet::new();
    for file in files {
        let parts = file.strip_prefix(root).unwrap().with_extension("");
        known.extend(parts.iter().map(|part| part.to_string_lossy().into_owned()));
        let text = std::fs::read_to_string(&file).unwrap();
        let named = text.split("fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap_or_default());
        known.extend(named.map(str::to_owned));
    }
    let text = std::fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("| ")).collect();
    let proofs = rows.iter().flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|code| code.contains("::"));
    let unknown: Vec<&str> = proofs.filter(|path| !path.split("::").all(|part| known.contains(part))).collect();
    assert!(rows.len() > 150, "{}", rows.len());
    assert_eq!(unknown, Vec::<&str>::new());
}
