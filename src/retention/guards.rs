//! Below the code: triggers that refuse to delete, clear or lower a row while a hold or a restriction stands on it.
//!
//! They are written from the data map, so that a new table is guarded without anybody remembering it, and put right
//! again at every start.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entity::DataType;
use entity::map::{Column, RowEnd, Table, Whose, tables};
use sea_orm::{ConnectionTrait as _, DbBackend};

use super::paths;
use crate::db::{self, Db};

/// Every guard by its name, with the statements that make it.
fn guards(backend: DbBackend) -> BTreeMap<String, String> {
    let of = |t: &Table| {
        let mut found = vec![(format!("{}_guard_delete", t.name), on_delete(t, backend))];
        found.extend(on_clear(t, backend).map(|sql| (format!("{}_guard_clear", t.name), sql)));
        found.extend(on_truncate(t, backend).map(|sql| (format!("{}_guard_truncate", t.name), sql)));
        found
    };
    tables().iter().filter(|t| paths::can_be_protected(t)).flat_map(of).collect()
}

fn protected(t: &Table, alias: &str) -> String {
    format!("{} OR {}", paths::is_held_as(t, alias), paths::is_restricted_as(t, alias))
}

fn refusal(t: &Table) -> String {
    format!("row of {} is under a legal hold or a restriction of processing", t.name)
}

fn on_delete(t: &Table, backend: DbBackend) -> String {
    let (name, refusal) = (t.name, refusal(t));
    if backend != DbBackend::Postgres {
        return format!(
            "CREATE TRIGGER {name}_guard_delete BEFORE DELETE ON {name} WHEN {} \
             BEGIN SELECT RAISE(ABORT, '{refusal}'); END",
            protected(t, "OLD")
        );
    }
    // Once per statement: asking row by row would cost more than deleting.
    format!(
        "CREATE OR REPLACE FUNCTION {name}_guard_delete() RETURNS trigger LANGUAGE plpgsql AS $guard$ BEGIN \
         IF EXISTS (SELECT 1 FROM gone t WHERE {}) THEN \
         RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation'; END IF; \
         RETURN NULL; END $guard$; \
         DROP TRIGGER IF EXISTS {name}_guard_delete ON {name}; \
         CREATE TRIGGER {name}_guard_delete AFTER DELETE ON {name} REFERENCING OLD TABLE AS gone \
         FOR EACH STATEMENT EXECUTE FUNCTION {name}_guard_delete()",
        protected(t, "t")
    )
}

/// `TRUNCATE`, which SQLite does not have, asks no row: while anything stands, no table is emptied.
fn on_truncate(t: &Table, backend: DbBackend) -> Option<String> {
    let name = t.name;
    (backend == DbBackend::Postgres).then(|| {
        format!(
            "CREATE OR REPLACE FUNCTION {name}_guard_truncate() RETURNS trigger LANGUAGE plpgsql AS $guard$ BEGIN \
             IF EXISTS (SELECT 1 FROM holds WHERE released_at IS NULL) OR \
             EXISTS (SELECT 1 FROM restrictions WHERE lifted_at IS NULL) THEN \
             RAISE EXCEPTION 'a legal hold or a restriction of processing stands: {name} cannot be emptied' \
             USING ERRCODE = 'integrity_constraint_violation'; END IF; \
             RETURN NULL; END $guard$; \
             DROP TRIGGER IF EXISTS {name}_guard_truncate ON {name}; \
             CREATE TRIGGER {name}_guard_truncate BEFORE TRUNCATE ON {name} \
             FOR EACH STATEMENT EXECUTE FUNCTION {name}_guard_truncate()"
        )
    })
}

/// What somebody wrote or is, the file, and what a case is known by; codes and dates change as the work goes on.
fn tells(column: &Column) -> bool {
    (column.meaning.sealed && column.meaning.whose == Whose::Customer)
        || matches!(column.name, "blob" | "number" | "kind")
}

fn on_clear(t: &Table, backend: DbBackend) -> Option<String> {
    let (name, refusal) = (t.name, refusal(t));
    let mut clears = String::new();
    for column in t.columns.iter().filter(|c| tells(c)) {
        let or = if clears.is_empty() { "" } else { " OR " };
        // What never came whole is no evidence: its upload begins again.
        let whole = if (name, column.name) == ("attachments", "blob") { " AND OLD.state = 'AVAILABLE'" } else { "" };
        let _ = write!(clears, "{or}(OLD.{0} IS NOT NULL AND NEW.{0} IS NULL{whole})", column.name);
    }
    if t.types.contains(&DataType::R03) && t.types.contains(&DataType::R06) {
        // Advice goes sooner than a letter.
        clears.push_str(" OR (OLD.data_type <> 'R06' AND NEW.data_type = 'R06')");
    }
    if t.end == RowEnd::Bare {
        clears.push_str(" OR (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL)");
    }
    if clears.is_empty() {
        return None;
    }
    let protected = protected(t, "OLD");
    // PostgreSQL tells the body alone of what is there: when it is asked stands in it, too.
    Some(if backend == DbBackend::Postgres {
        format!(
            "CREATE OR REPLACE FUNCTION {name}_guard_clear() RETURNS trigger LANGUAGE plpgsql AS $guard$ /* {clears} */ BEGIN \
             IF {protected} THEN \
             RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation'; END IF; \
             RETURN NEW; END $guard$; \
             DROP TRIGGER IF EXISTS {name}_guard_clear ON {name}; \
             CREATE TRIGGER {name}_guard_clear BEFORE UPDATE ON {name} FOR EACH ROW \
             WHEN ({clears}) EXECUTE FUNCTION {name}_guard_clear()"
        )
    } else {
        format!(
            "CREATE TRIGGER {name}_guard_clear BEFORE UPDATE ON {name} WHEN ({clears}) AND ({protected}) \
             BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
    })
}

/// What is there: each guard with the text that tells whether it is the one that should be.
async fn present(db: &Db) -> Result<BTreeMap<String, String>, sea_orm::DbErr> {
    let sql = if db.backend() == DbBackend::Postgres {
        "SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid \
         JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace \
         AND t.tgenabled = 'O' AND t.tgname LIKE '%\\_guard\\_%'"
    } else {
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%\\_guard\\_%' ESCAPE '\\'"
    };
    let rows = db::rows(db.write(), sql, []).await?;
    rows.iter().map(|r| Ok((r.try_get_by_index(0)?, r.try_get_by_index(1)?))).collect()
}

fn is_current(backend: DbBackend, wanted: &str, present: &str) -> bool {
    if backend == DbBackend::Postgres {
        wanted.split("$guard$").nth(1).is_some_and(|body| body == present)
    } else {
        wanted == present
    }
}

/// The guards that are missing or not as the map says.
///
/// # Errors
/// The database cannot be read.
pub async fn missing(db: &Db) -> Result<Vec<String>, sea_orm::DbErr> {
    let present = present(db).await?;
    let lacks =
        |(name, sql): &(String, String)| present.get(name).is_none_or(|there| !is_current(db.backend(), sql, there));
    Ok(guards(db.backend()).into_iter().filter(lacks).map(|(name, _)| name).collect())
}

/// Makes every guard that is missing or not as the map says. Those that are right are left alone, so that a start
/// beside a running server locks nothing.
///
/// # Errors
/// The database refuses.
pub async fn install(db: &Db) -> Result<(), sea_orm::DbErr> {
    let missing = missing(db).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = guards(db.backend());
    let tx = db.begin().await?;
    for name in missing {
        if db.backend() != DbBackend::Postgres {
            tx.execute_unprepared(&format!("DROP TRIGGER IF EXISTS {name}")).await?;
        }
        if let Some(sql) = wanted.get(&name) {
            tx.execute_unprepared(sql).await?;
        }
    }
    tx.commit().await
}
