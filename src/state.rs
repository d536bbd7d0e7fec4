//! The one state of the application, the same in production and in tests.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use entity::DataType;
use entity::ids::uuid_at;
use migration::{KeyStore, Main};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use sea_orm::sqlx::sqlite::SqliteSynchronous;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::db::{self, Db, Place};
use crate::keys::Keys;
use crate::keys::master::MasterKey;
use crate::policy::retention::Rule;
use crate::retention::ledger::Ledger;

/// Shared by every request and job.
pub type AppState = Arc<App>;

/// What the program works with.
pub struct App {
    /// Settings.
    pub config: Config,
    /// The only source of time.
    pub clock: Clock,
    /// The main database.
    pub db: Db,
    /// The key store.
    pub keys: Keys,
    /// Sealed photos and videos.
    pub blobs: Arc<dyn ObjectStore>,
    /// The erasure ledger.
    pub ledger: Ledger,
    /// The retention rules in force, by data type.
    pub rules: HashMap<DataType, Rule>,
    /// Signs bearer tokens, links and tickets.
    pub signing: crate::auth::Signing,
    /// This process, as the lease of a job names it.
    pub instance: Uuid,
    /// What clients call the server; known once it listens.
    pub base_url: OnceLock<String>,
}

impl App {
    /// Opens everything and brings the databases up to date.
    ///
    /// # Errors
    /// A folder or database cannot be opened, or the master key is missing or wrong: nothing is made or overwritten.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<AppState> {
        Self::open_with(config, clock, SqliteSynchronous::Full).await
    }

    /// As [`App::open`], with SQLite's durability chosen: less than `Full` is for throwaway data.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open_with(config: Config, clock: Clock, durability: SqliteSynchronous) -> anyhow::Result<AppState> {
        let master = MasterKey::load(&config.master_key, !config.keystore_exists())?;
        let keystore = open_database(&config.keystore, &durability).await?;
        migrate::<KeyStore>(&keystore).await.context("cannot migrate the key store")?;
        let keys = Keys::open(keystore, &master).await?;
        let db = open_database(&config.database, &durability).await?;
        migrate::<Main>(&db).await.context("cannot migrate the main database")?;
        let folder = config.data.join("blobs");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let blobs = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true).with_automatic_cleanup(true);
        let ledger = Ledger::open(&config.ledger).await?;
        let rules = crate::retention::rules::sync(&db, clock.now()).await?;
        Ok(Arc::new(Self {
            signing: crate::auth::Signing::new(&master),
            instance: uuid_at(clock.now()),
            base_url: OnceLock::new(),
            config,
            clock,
            db,
            keys,
            blobs: Arc::new(blobs),
            ledger,
            rules,
        }))
    }

    /// What clients call the server, without a path.
    #[must_use]
    pub fn base_url(&self) -> String {
        if let Some(url) = &self.config.public_url {
            return url.clone();
        }
        self.base_url.get().cloned().unwrap_or_else(|| format!("http://{}", self.config.listen))
    }
}

async fn open_database(place: &Place, durability: &SqliteSynchronous) -> anyhow::Result<Db> {
    match place {
        Place::File(path) => Db::open_file(path, durability.clone()).await,
        Place::Postgres(_) => Db::open(place).await,
    }
}

/// Several instances may start at once: on PostgreSQL one of them migrates while the others wait.
async fn migrate<M: migration::MigratorTrait>(db: &Db) -> anyhow::Result<()> {
    if db.backend() == sea_orm::DbBackend::Postgres {
        let guard = db.begin().await?;
        db::rows(&guard, "SELECT pg_advisory_xact_lock(7170)", []).await?;
        M::up(db.write(), None).await?;
        guard.commit().await?;
    } else {
        M::up(db.write(), None).await?;
    }
    Ok(())
}
