//! What one request works with: who asks, in which language, the loaders and the keys opened so far.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, HashMapCache};
use entity::codes::Locale;
use entity::ids::UnitId;
use entity::{Purpose, Sealed};

use super::loaders::Loader;
use crate::auth::Actor;
use crate::error::{Language, Refusal, Result};
use crate::keys::{Place, UnitKey};
use crate::state::AppState;

/// A key of the ring: opened, refused for the purpose of the request, or destroyed.
type Held = Option<Result<Arc<UnitKey>, Refusal>>;

/// The keys that a request has opened, for one purpose; a destroyed one is remembered as none.
pub struct Ring {
    purpose: Purpose,
    keys: Mutex<HashMap<UnitId, Held>>,
}

impl Ring {
    fn new(purpose: Purpose) -> Self {
        Self { purpose, keys: Mutex::default() }
    }

    /// Loads, in one statement, the keys of these units that are not there yet.
    ///
    /// # Errors
    /// The key store cannot be read.
    pub async fn load(&self, app: &AppState, units: impl IntoIterator<Item = Option<UnitId>>) -> Result<()> {
        let missing: Vec<UnitId> = {
            let ring = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let mut missing: Vec<UnitId> = units.into_iter().flatten().filter(|u| !ring.contains_key(u)).collect();
            missing.sort_unstable();
            missing.dedup();
            missing
        };
        if missing.is_empty() {
            return Ok(());
        }
        let mut found = app.keys.load_each(&missing, self.purpose, app.clock.now()).await?;
        let mut ring = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for unit in missing {
            let key = found.remove(&unit);
            ring.insert(unit, key);
        }
        Ok(())
    }

    fn get(&self, unit: UnitId) -> Option<Held> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&unit).cloned()
    }
}

/// One request.
pub struct Session {
    /// The application.
    pub app: AppState,
    /// Who asks.
    pub actor: Actor,
    /// The language of messages and labels.
    pub language: Language,
    /// Keys opened so far.
    pub ring: Arc<Ring>,
    /// Rows in batches; made per request, so that nobody sees what was loaded for somebody else.
    pub loaders: DataLoader<Loader, HashMapCache>,
}

impl Session {
    /// Begins a request.
    #[must_use]
    pub fn new(app: AppState, actor: Actor, language: Language) -> Self {
        let ring = Arc::new(Ring::new(actor.purpose()));
        let loader = Loader { app: Arc::clone(&app), actor, ring: Arc::clone(&ring) };
        let loaders = DataLoader::with_cache(loader, tokio::spawn, HashMapCache::default()).delay(Duration::ZERO);
        Self { app, actor, language, ring, loaders }
    }

    /// Opens sealed text; none where it was erased.
    ///
    /// # Errors
    /// Refused with `PURPOSE_NOT_ALLOWED`. The key store cannot be read.
    pub async fn open(&self, unit: Option<UnitId>, place: Place, sealed: Option<&Sealed>) -> Result<Option<String>> {
        let Some((unit, sealed)) = unit.zip(sealed) else { return Ok(None) };
        let key = match self.ring.get(unit) {
            Some(key) => key,
            None => {
                self.ring.load(&self.app, [Some(unit)]).await?;
                self.ring.get(unit).flatten()
            }
        };
        let Some(key) = key else { return Ok(None) };
        Ok(key?.open(place, sealed).map(crate::keys::Personal::reveal))
    }
}

/// The locale of what is written to one who is answered in this language.
#[must_use]
pub const fn locale_of(language: Language) -> Locale {
    match language {
        Language::De => Locale::De,
        Language::En => Locale::En,
    }
}

/// Shortcuts for resolvers.
pub trait ContextExt {
    /// The request.
    fn session(&self) -> &Session;
    /// The application.
    fn app(&self) -> &AppState;
    /// Who asks.
    fn actor(&self) -> &Actor;
}

impl ContextExt for Context<'_> {
    fn session(&self) -> &Session {
        self.data_unchecked::<Session>()
    }

    fn app(&self) -> &AppState {
        &self.session().app
    }

    fn actor(&self) -> &Actor {
        &self.session().actor
    }
}
