//! The key store: one data key per erasure unit, wrapped by the master key, in a database of its own.
//!
//! What disappears together has one key. Destroying it makes every older backup of the main database unreadable for
//! that unit as soon as the key store's own backups have rolled over.

pub mod lookup;
pub mod master;
pub mod seal;
pub mod stream;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{UnitId, uuid_at};
use entity::{DataType, Purpose};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::db::{self, Db};
use crate::error::{Code, Refusal, Result};
use master::MasterKey;
pub use seal::{Personal, Place, UnitKey};

/// What an erasure unit is: what disappears together.
#[derive(Clone, Copy, Debug)]
pub struct UnitOf {
    /// The row that owns it: a customer, an order, a case, an attachment.
    pub owner: Uuid,
    /// The data type of what is sealed with it.
    pub data_type: DataType,
    /// Calendar year (Berlin) of the start event where the period starts per item, else 0.
    pub year: i32,
    /// The person whose data it is; none for staff.
    pub subject: Option<Uuid>,
}

/// An erasure unit with its key at hand.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its id, stored in the rows that it seals.
    pub id: UnitId,
    /// Its key.
    pub key: Arc<UnitKey>,
}

/// A unit, and the row that owns it.
#[derive(Clone, Copy, Debug)]
pub struct Owned {
    /// Its id.
    pub id: UnitId,
    /// The owner.
    pub owner: Uuid,
}

/// How long archives of the key store live at most: afterwards every older backup of the main database is unreadable for what was
/// erased (docs/operations.md demands the cycle).
pub const BACKUPS_LIVE: TimeDelta = TimeDelta::days(35);

/// The tables of the key store of which rows disappear.
pub const TABLES: [&str; 2] = ["units", "lookups"];

/// Opened keys, kept for at most this long (design: a command beside a running server must be noticed at once, which
/// the generation number does; this bounds what a memory dump finds).
const CACHED_FOR: TimeDelta = TimeDelta::seconds(60);

/// A unit asked for by a writer counts as used for this long at least, which is half of the reaper's grace.
const TOUCHED_AFTER: TimeDelta = TimeDelta::hours(12);

#[derive(Default)]
struct Cache {
    generation: i64,
    keys: HashMap<UnitId, (Arc<UnitKey>, DataType, DateTime<Utc>)>,
}

/// The key store.
pub struct Keys {
    db: Db,
    wrapping: Aes256Gcm,
    index: Zeroizing<[u8; 32]>,
    cache: Mutex<Cache>,
}

impl Keys {
    /// Opens a migrated key store and proves that `master` is its key; an empty store adopts it.
    ///
    /// # Errors
    /// The key is not the one that the store was made with: nothing is changed, and the text says what to do.
    pub async fn open(db: Db, master: &MasterKey) -> anyhow::Result<Self> {
        let wrapping = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*master.derive("aftersales wrap v1")));
        let id = master.derive("aftersales master key id v1")[..16].to_vec();
        let check = master.derive("aftersales master key check v1").to_vec();
        let found = db::rows(db.read(), "SELECT master_key_id, master_key_check FROM store", []).await?;
        if let Some(row) = found.first() {
            let stored: (Vec<u8>, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if stored != (id, check) {
                bail!(
                    "the master key is not the one that this key store was made with: every stored text would be \
                     unreadable. Give the right key (AFTERSALES_MASTER_KEY or AFTERSALES_MASTER_KEY_FILE). \
                     Nothing has been changed."
                );
            }
        } else {
            let sql = "INSERT INTO store (id, generation, master_key_id, master_key_check) VALUES (1, 0, $1, $2)";
            db::run(db.write(), sql, [id.into(), check.into()]).await?;
        }
        let index = master.derive("aftersales blind index v1");
        Ok(Self { db, wrapping, index, cache: Mutex::default() })
    }

    /// The database of the key store.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// The unit with its key, made and committed if it does not exist: keys come before the rows that need them.
    ///
    /// # Errors
    /// The key store cannot be read or written.
    pub async fn ensure(&self, unit: UnitOf, now: DateTime<Utc>) -> Result<Unit> {
        if let Some(found) = self.find(unit, now).await? {
            return Ok(found);
        }
        let id = UnitId(uuid_at(now));
        let mut data = Zeroizing::new([0; 32]);
        getrandom::fill(data.as_mut_slice()).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        let sql = "INSERT INTO units (id, owner_id, data_type, year, subject_id, wrapped_key, used_at) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (owner_id, data_type, year) DO NOTHING";
        let values = [
            id.0.into(),
            unit.owner.into(),
            unit.data_type.code().into(),
            i64::from(unit.year).into(),
            unit.subject.into(),
            self.wrap(id, &data)?.into(),
            now.into(),
        ];
        if db::run(self.db.write(), sql, values).await? == 1 {
            return Ok(Unit { id, key: Arc::new(UnitKey::new(data)) });
        }
        self.find(unit, now)
            .await?
            .context("a unit made elsewhere at the same moment has gone again")
            .map_err(Into::into)
    }

    async fn find(&self, unit: UnitOf, now: DateTime<Utc>) -> Result<Option<Unit>> {
        let sql = "SELECT id, wrapped_key, used_at FROM units WHERE owner_id = $1 AND data_type = $2 AND year = $3";
        let values = [unit.owner.into(), unit.data_type.code().into(), i64::from(unit.year).into()];
        let Some(row) = db::rows(self.db.read(), sql, values).await?.into_iter().next() else { return Ok(None) };
        let id = UnitId(row.try_get_by_index(0)?);
        let key = self.unwrap(id, &row.try_get_by_index::<Vec<u8>>(1)?)?;
        if row.try_get_by_index::<DateTime<Utc>>(2)? < now - TOUCHED_AFTER {
            // A row may be about to use it: the reaper has to see that.
            let sql = "UPDATE units SET used_at = $1 WHERE id = $2";
            if db::run(self.db.write(), sql, [now.into(), id.0.into()]).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(Unit { id, key: Arc::new(key) }))
    }

    /// The keys of many units in one statement. A destroyed unit is missing from the answer.
    ///
    /// The statement also reads the generation: where another process has destroyed keys, the cache is dropped first.
    ///
    /// # Errors
    /// Refused with `PURPOSE_NOT_ALLOWED`: data of one of the units may not be opened for this purpose. The key store
    /// cannot be read, or a key does not unwrap.
    pub async fn load(
        &self,
        ids: &[UnitId],
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<HashMap<UnitId, Arc<UnitKey>>> {
        let keys = self.keys_of(ids, now).await?;
        keys.into_iter().map(|(id, (key, data_type))| Ok((id, allowed(key, data_type, purpose)?))).collect()
    }

    /// As [`Keys::load`], with a refusal of its own for each unit that may not be opened.
    ///
    /// # Errors
    /// The key store cannot be read, or a key does not unwrap.
    pub async fn load_each(
        &self,
        ids: &[UnitId],
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<HashMap<UnitId, Result<Arc<UnitKey>, Refusal>>> {
        let keys = self.keys_of(ids, now).await?;
        Ok(keys.into_iter().map(|(id, (key, data_type))| (id, allowed(key, data_type, purpose))).collect())
    }

    async fn keys_of(&self, ids: &[UnitId], now: DateTime<Utc>) -> Result<HashMap<UnitId, (Arc<UnitKey>, DataType)>> {
        let mut found = HashMap::with_capacity(ids.len());
        let known_generation = {
            let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            for id in ids {
                if let Some((key, data_type, at)) = cache.keys.get(id)
                    && now - *at <= CACHED_FOR
                {
                    found.insert(*id, (Arc::clone(key), *data_type));
                }
            }
            cache.generation
        };
        let (generation, mut rows) = self.read(ids.iter().filter(|id| !found.contains_key(id))).await?;
        if generation != known_generation && !found.is_empty() {
            found.clear();
            rows = self.read(ids.iter()).await?.1;
        }
        let mut fresh = Vec::with_capacity(rows.len());
        for (id, data_type, wrapped) in rows {
            fresh.push((id, data_type, Arc::new(self.unwrap(id, &wrapped)?)));
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if generation != cache.generation {
            cache.keys.clear();
            cache.generation = generation;
        }
        cache.keys.retain(|_, (_, _, at)| now - *at <= CACHED_FOR);
        for (id, data_type, key) in fresh {
            cache.keys.insert(id, (Arc::clone(&key), data_type, now));
            found.insert(id, (key, data_type));
        }
        Ok(found)
    }

    async fn read(&self, ids: impl Iterator<Item = &UnitId>) -> Result<(i64, Vec<(UnitId, DataType, Vec<u8>)>)> {
        let is_any = db::is_any(self.db.backend(), "u.id", 1);
        let sql =
            format!("SELECT s.generation, u.id, u.wrapped_key, u.data_type FROM store s LEFT JOIN units u ON {is_any}");
        let rows = db::rows(self.db.read(), &sql, [db::id_list(self.db.backend(), ids.map(|id| id.0))]).await?;
        let mut generation = 0;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            generation = row.try_get_by_index(0)?;
            if let (Some(id), Some(wrapped)) = (row.try_get_by_index::<Option<Uuid>>(1)?, row.try_get_by_index(2)?) {
                keys.push((UnitId(id), row.try_get_by_index(3)?, wrapped));
            }
        }
        Ok((generation, keys))
    }

    /// Destroys those of the units that no row of the main database names, and returns them.
    ///
    /// The persons concerned are locked meanwhile: whoever is about to give one of these units a row again holds that
    /// lock from before asking for the unit until after the commit.
    ///
    /// # Errors
    /// A database fails.
    pub async fn destroy_unused(&self, main: &Db, units: &[UnitId]) -> Result<Vec<UnitId>> {
        if units.is_empty() {
            return Ok(Vec::new());
        }
        let tx = main.begin().await?;
        if main.backend() == DbBackend::Postgres {
            let is_any = db::is_any(self.db.backend(), "id", 1);
            let sql = format!("SELECT DISTINCT subject_id FROM units WHERE {is_any} AND subject_id IS NOT NULL");
            let subjects =
                db::rows(self.db.read(), &sql, [db::id_list(self.db.backend(), units.iter().map(|u| u.0))]).await?;
            let subjects: Vec<Uuid> = subjects.iter().map(|r| r.try_get_by_index(0)).collect::<Result<_, _>>()?;
            let sql = format!(
                "SELECT id FROM customers WHERE {} ORDER BY id FOR NO KEY UPDATE",
                db::is_any(main.backend(), "id", 1)
            );
            db::rows(&tx, &sql, [db::id_list(main.backend(), subjects)]).await?;
        }
        let unused = self.unused(&tx, units).await?;
        self.destroy(&unused).await?;
        tx.rollback().await?;
        Ok(unused)
    }

    /// Those of the units that no row of the main database names, seen from inside one of its transactions.
    ///
    /// # Errors
    /// A database fails.
    pub async fn unused(&self, main: &DatabaseTransaction, units: &[UnitId]) -> Result<Vec<UnitId>> {
        let sql = format!("SELECT id, data_type FROM units WHERE {}", db::is_any(self.db.backend(), "id", 1));
        let found = db::rows(self.db.read(), &sql, [db::id_list(self.db.backend(), units.iter().map(|u| u.0))]).await?;
        // What has no key any more has none to end.
        let mut unused: HashSet<UnitId> = units.iter().copied().collect();
        let mut by_type: HashMap<DataType, Vec<UnitId>> = HashMap::new();
        for row in found {
            let unit = UnitId(row.try_get_by_index(0)?);
            unused.remove(&unit);
            by_type.entry(row.try_get_by_index(1)?).or_default().push(unit);
        }
        let mut unused = Vec::from_iter(unused);
        // Each is looked for only where its data type can be.
        for (data_type, units) in by_type {
            unused.extend(without_rows(main, &units, &[data_type]).await?);
        }
        Ok(unused)
    }

    /// Destroys keys, with the look-ups that go with them, and lets every cache know. Destroying twice is fine.
    ///
    /// # Errors
    /// The key store cannot be written; nothing is half done.
    pub async fn destroy(&self, ids: &[UnitId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let tx = self.db.begin().await?;
        let list = || [db::id_list(self.db.backend(), ids.iter().map(|id| id.0))];
        let any = |column| db::is_any(self.db.backend(), column, 1);
        lookup::forget_persons_without_units(&tx, &any("u.id"), list()).await?;
        db::run(&tx, &format!("DELETE FROM units WHERE {}", any("id")), list()).await?;
        db::run(&tx, "UPDATE store SET generation = generation + 1", []).await?;
        tx.commit().await?;
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).keys.clear();
        Ok(())
    }

    /// Units last used before `before`, in order of id, after `after`: what the reaper compares with the rows.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn idle_since(&self, before: DateTime<Utc>, after: UnitId, most: u32) -> Result<Vec<UnitId>> {
        let sql = format!("SELECT id FROM units WHERE used_at < $1 AND id > $2 ORDER BY id LIMIT {most}");
        let rows = db::rows(self.db.read(), &sql, [before.into(), after.0.into()]).await?;
        rows.iter().map(|r| Ok(UnitId(r.try_get_by_index(0)?))).collect()
    }

    /// Those of the units that have a key.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn existing(&self, ids: &[UnitId]) -> Result<Vec<UnitId>> {
        let sql = format!("SELECT id FROM units WHERE {}", db::is_any(self.db.backend(), "id", 1));
        let rows = db::rows(self.db.read(), &sql, [db::id_list(self.db.backend(), ids.iter().map(|id| id.0))]).await?;
        rows.iter().map(|r| Ok(UnitId(r.try_get_by_index(0)?))).collect()
    }

    /// The units of a person.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn units_of(&self, subject: Uuid) -> Result<Vec<Owned>> {
        let sql = "SELECT id, owner_id FROM units WHERE subject_id = $1";
        let rows = db::rows(self.db.read(), sql, [subject.into()]).await?;
        rows.iter().map(|r| Ok(Owned { id: UnitId(r.try_get_by_index(0)?), owner: r.try_get_by_index(1)? })).collect()
    }

    fn wrap(&self, id: UnitId, data: &[u8; 32]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(|e| anyhow::anyhow!("no randomness: {e}"))?;
        let payload = Payload { msg: data, aad: id.0.as_bytes() };
        let wrapped =
            self.wrapping.encrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow::anyhow!("wrapping failed"))?;
        Ok([&nonce[..], &wrapped].concat())
    }

    fn unwrap(&self, id: UnitId, wrapped: &[u8]) -> anyhow::Result<UnitKey> {
        let damaged = || format!("the key of unit {id} does not unwrap: the key store is damaged");
        let (nonce, body) = wrapped.split_at_checked(12).with_context(damaged)?;
        let nonce: [u8; 12] = nonce.try_into().with_context(damaged)?;
        let payload = Payload { msg: body, aad: id.0.as_bytes() };
        let plain = self.wrapping.decrypt(&Nonce::from(nonce), payload).map_err(|_| anyhow::anyhow!(damaged()))?;
        let plain = Zeroizing::new(plain);
        let key: [u8; 32] = plain.as_slice().try_into().with_context(damaged)?;
        Ok(UnitKey::new(Zeroizing::new(key)))
    }
}

/// Purpose limitation, where nothing can be opened without passing it (GDPR Art. 5(1)(b)).
fn allowed(key: Arc<UnitKey>, data_type: DataType, purpose: Purpose) -> Result<Arc<UnitKey>, Refusal> {
    if data_type.serves(purpose) {
        return Ok(key);
    }
    let refusal = Refusal::at(Code::PurposeNotAllowed, &[]);
    Err(refusal.with("dataType", data_type.code()).with("purpose", purpose.code()))
}

/// Which of these units, of the given data types, no row of the main database names any more, seen from inside a
/// transaction. A unit seals rows of tables alone that can have its data type.
///
/// # Errors
/// The statement fails.
pub async fn without_rows(tx: &DatabaseTransaction, units: &[UnitId], types: &[DataType]) -> Result<Vec<UnitId>> {
    let mut unused: Vec<UnitId> = units.to_vec();
    unused.sort_unstable();
    unused.dedup();
    let backend = tx.get_database_backend();
    let is_any = db::is_any(backend, "unit_id", 1);
    let used: Vec<String> = entity::map::tables()
        .iter()
        .filter(|t| t.has("unit_id") && t.types.iter().any(|of| types.contains(of)))
        .map(|t| format!("SELECT unit_id FROM {} WHERE {is_any}", t.name))
        .collect();
    if unused.is_empty() || used.is_empty() {
        return Ok(unused);
    }
    let rows = db::rows(tx, &used.join(" UNION "), [db::id_list(backend, unused.iter().map(|u| u.0))]).await?;
    let used = rows.iter().map(|r| Ok(UnitId(r.try_get_by_index(0)?))).collect::<Result<HashSet<_>>>()?;
    unused.retain(|unit| !used.contains(unit));
    Ok(unused)
}
