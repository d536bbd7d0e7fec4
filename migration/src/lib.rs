//! Forward lists of migrations for the main database and the key store.
//!
//! The SQL is the same text on SQLite and PostgreSQL wherever the engines allow it: SQLite reads `uuid`, `bytea` and
//! `timestamptz` as names without meaning, and sqlx binds the same values on both. Only triggers differ.
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// SQL that runs in one transaction, with an engine's own part where needed.
struct Step {
    name: &'static str,
    both: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    /// Without this, SQLite would keep half of a failed migration.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let own = match manager.get_database_backend() {
            DbBackend::Sqlite => self.sqlite,
            _ => self.postgres,
        };
        for sql in [self.both, own] {
            if !sql.is_empty() {
                db.execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }
}

/// The main database.
pub struct Main;

#[async_trait::async_trait]
impl MigratorTrait for Main {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Step {
                name: "m20261129_000001_create_tables",
                both: include_str!("main_store/m20261129_000001_create_tables.sql"),
                sqlite: "",
                postgres: "",
            }),
            Box::new(Step {
                name: "m20261129_000002_statements",
                both: "",
                sqlite: include_str!("main_store/m20261129_000002_statements.sqlite.sql"),
                postgres: include_str!("main_store/m20261129_000002_statements.postgres.sql"),
            }),
            Box::new(Step {
                name: "m20261130_000001_reports",
                both: "",
                sqlite: "",
                postgres: include_str!("main_store/m20261130_000001_reports.postgres.sql"),
            }),
        ]
    }
}

/// The key store: wrapped data keys and blind indexes.
pub struct KeyStore;

#[async_trait::async_trait]
impl MigratorTrait for KeyStore {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Step {
            name: "m20261122_000001_create_units_and_lookups",
            both: include_str!("key_store/m20261122_000001_create_units_and_lookups.sql"),
            sqlite: "",
            postgres: "",
        })]
    }
}
