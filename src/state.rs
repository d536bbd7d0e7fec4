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
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::db::{self, Db, Place};
use crate::keys::Keys;
use crate::keys::master::MasterKey;
use crate::limits::Limits;
use crate::mail::smtp::Mailer;
use crate::mail::template::Templates;
use crate::policies::{self, Policies};
use crate::policy::retention::Rule;
use crate::presence::Presence;
use crate::retention::ledger::{self, Ledger};
use crate::traffic::Traffic;

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
    /// The versions of the shop's policy.
    pub policies: Policies,
    /// What mails say.
    pub templates: Templates,
    /// The mail server; none: mail waits.
    pub mailer: Option<Mailer>,
    /// Signs bearer tokens, links and tickets.
    pub signing: crate::auth::Signing,
    /// How often strangers may ask.
    pub limits: Limits,
    /// That somebody works on the stores.
    pub presence: Presence,
    /// Whether somebody is being served.
    pub traffic: Traffic,
    /// This process, as the lease of a job names it.
    pub instance: Uuid,
    /// What clients call the server; known once it listens.
    pub base_url: OnceLock<String>,
}

/// What opening the stores puts in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopting {
    /// The policy of the settings, where it is a new version.
    Policy,
    /// Nothing: the policy of the settings is judged by, and not stored.
    Nothing,
}

impl App {
    /// Opens everything, brings the databases up to date and puts the policy of the settings in force.
    ///
    /// # Errors
    /// A folder or database cannot be opened, or the master key is missing or wrong: nothing is made or overwritten.
    pub async fn open(config: Config, clock: Clock) -> anyhow::Result<AppState> {
        Self::open_with(config, clock, SqliteSynchronous::Full).await
    }

    /// As [`App::open`], to look at what is there as the policy of the settings would have it. It is not put in force.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn look(config: Config, clock: Clock) -> anyhow::Result<AppState> {
        make_private(&config.data)?;
        let presence = Presence::share(&config).await?;
        Self::open_in(config, clock, SqliteSynchronous::Full, presence, Adopting::Nothing).await
    }

    /// As [`App::open`], with SQLite's durability chosen: less than `Full` is for throwaway data.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open_with(config: Config, clock: Clock, durability: SqliteSynchronous) -> anyhow::Result<AppState> {
        make_private(&config.data)?;
        let presence = Presence::share(&config).await?;
        Self::open_in(config, clock, durability, presence, Adopting::Policy).await
    }

    /// As [`App::open_with`], for whoever has the stores already: a restore has them alone.
    ///
    /// # Errors
    /// As [`App::open`].
    pub async fn open_in(
        config: Config,
        clock: Clock,
        durability: SqliteSynchronous,
        presence: Presence,
        adopting: Adopting,
    ) -> anyhow::Result<AppState> {
        let policy = config.policy()?;
        let templates = Templates::load(config.mail.templates.as_deref())?;
        let mailer = Mailer::open(&config.mail)?;
        let has_keys = has_rows(&config.keystore, "store").await.context("the key store")?;
        if !has_keys && has_rows(&config.database, "customers").await.context("the main database")? {
            anyhow::bail!(
                "the main database holds data, but its key store is missing or empty, so that nothing in it could be \
                 opened. Put the key store back (the folder keys/, or the database of KEYSTORE_URL). Nothing has been \
                 changed."
            );
        }
        let master = MasterKey::load(&config.master_key, !has_keys)?;
        let keystore = open_database(&config.keystore, durability).await?;
        migrate::<KeyStore>(&keystore).await.context("cannot migrate the key store")?;
        let keys = Keys::open(keystore, &master).await?;
        let db = open_database(&config.database, durability).await?;
        migrate::<Main>(&db).await.context("cannot migrate the main database")?;
        crate::retention::guards::install(&db).await.context("cannot guard what is held")?;
        let folder = config.data.join("blobs");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let blobs = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true).with_automatic_cleanup(true);
        let ledger = ledger::known::open(&db, &config.ledger, clock.now()).await?;
        let tx = db.begin().await?;
        take_turn(&tx).await?;
        let (policies, taken_back) = policies::sync(&tx, &policy, clock.now()).await?;
        crate::retention::rules::sync(&tx, &policies, clock.now()).await?;
        match adopting {
            Adopting::Policy => {
                tx.commit().await?;
                for version in taken_back {
                    tracing::warn!(
                        version,
                        "the announcement of a policy is taken back: another was loaded before its day"
                    );
                }
            }
            Adopting::Nothing => tx.rollback().await?,
        }
        Ok(Arc::new(Self {
            signing: crate::auth::Signing::new(&master),
            limits: Limits::default(),
            traffic: Traffic::default(),
            instance: uuid_at(clock.now()),
            base_url: OnceLock::new(),
            config,
            clock,
            db,
            keys,
            blobs: Arc::new(blobs),
            ledger,
            policies,
            templates,
            mailer,
            presence,
        }))
    }

    /// The retention rules in force now, by data type.
    #[must_use]
    pub fn rules(&self) -> &HashMap<DataType, Rule> {
        &self.policies.version_at(self.clock.now()).rules
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

/// A folder for its owner alone, where it is new.
pub(crate) fn make_private(folder: &std::path::Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("cannot make the data folder {}", folder.display()))
}

/// Whether a database is there and a table of it has rows. Makes nothing.
async fn has_rows(place: &Place, table: &str) -> anyhow::Result<bool> {
    if let Place::File(path) = place
        && !path.exists()
    {
        return Ok(false);
    }
    let db = Db::open(place).await?;
    let known = if db.backend() == DbBackend::Postgres {
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1"
    } else {
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1"
    };
    let known = !db::rows(db.read(), known, [table.into()]).await?.is_empty();
    let found = known && !db::rows(db.read(), &format!("SELECT 1 FROM {table} LIMIT 1"), []).await?.is_empty();
    db.close().await;
    Ok(found)
}

async fn open_database(place: &Place, durability: SqliteSynchronous) -> anyhow::Result<Db> {
    match place {
        Place::File(path) => Db::open_file(path, durability).await,
        Place::Postgres(_) => Db::open(place).await,
    }
}

/// Several instances may start at once: on PostgreSQL one of them migrates while the others wait.
async fn migrate<M: migration::MigratorTrait>(db: &Db) -> anyhow::Result<()> {
    if db.backend() == DbBackend::Postgres {
        let guard = db.begin().await?;
        take_turn(&guard).await?;
        M::up(db.write(), None).await?;
        guard.commit().await?;
    } else {
        M::up(db.write(), None).await?;
    }
    Ok(())
}

/// Instances that start at once change what they share one after the other; SQLite's one writer sees to that by itself.
async fn take_turn(tx: &DatabaseTransaction) -> anyhow::Result<()> {
    if tx.get_database_backend() == DbBackend::Postgres {
        db::rows(tx, "SELECT pg_advisory_xact_lock(7170)", []).await?;
    }
    Ok(())
}
