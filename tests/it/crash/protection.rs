//! Killed while a hold or a restriction is placed, or while one ends: a restore may then protect too much, never too little.

use std::collections::BTreeSet;

use aftersales::clock::{Clock, FixedClock};
use aftersales::db::{self, Db, Place};
use aftersales::privacy::backup::{self, manifest::Blobs};
use aftersales::privacy::restore;
use aftersales::retention::ledger::{Entry, Ledger};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::victim::{self, Deed, End};
use crate::support::stores::{self, Stores};
use crate::support::{Caller, days, life};

/// How many protect at a moment: by the rows of the main database, by the last words of the ledger.
type Standing = (i64, usize);

/// Stores, a backup of them, and what is done to them afterwards.
struct Scene {
    stores: Stores,
    backup: tempfile::TempDir,
    at: DateTime<Utc>,
}

impl Scene {
    /// As a person with an order leaves them, after what `before` does as the officer. The backup is of before that.
    async fn new(stores: Stores, before: impl AsyncFnOnce(&Caller<'_>, &str) -> Deed) -> (Self, Deed) {
        let app = stores.begin().await;
        let known = life::order(&app, "erika@example.com", "T-1").await;
        let backup = tempfile::tempdir().unwrap();
        let options =
            backup::Options { folder: backup.path().join("all"), keys: None, key_days: 35, blobs: Blobs::Copy };
        backup::write(&app.state, &options).await.unwrap();
        app.advance(days(1));
        let deed = before(&app.dpo().await, &known.customer).await;
        app.advance(days(1));
        let at = app.now();
        (Self { stores: Stores::left(app).await, backup, at }, deed)
    }

    /// Kills the deed at every point, and puts the backup back over each state that was left.
    async fn kill_everywhere(self, deed: Deed, allowed: &[Standing]) {
        let (mut left, undisturbed) = (BTreeSet::new(), self.stores.copy());
        let End::Through(passed) = victim::run(&undisturbed, &deed, self.at, u64::MAX) else { panic!("killed") };
        self.look(undisturbed, allowed, &mut left).await;
        for point in passed.tried(&self.stores) {
            let dead = self.stores.copy();
            assert_eq!(victim::run(&dead, &deed, self.at, point), End::Killed);
            self.look(dead, allowed, &mut left).await;
        }
        assert_eq!(left, allowed.iter().copied().collect(), "every state that a death can leave");
        self.stores.remove();
    }

    async fn look(&self, dead: Stores, allowed: &[Standing], left: &mut BTreeSet<Standing>) {
        let found = standing(&dead).await;
        assert!(allowed.contains(&found), "{found:?}");
        if left.insert(found) {
            assert_eq!(self.restored(&dead).await, i64::try_from(found.1).unwrap(), "{found:?}");
        }
        dead.remove();
    }

    /// How many protect after the backup was put back. The ledger lies in a folder then, apart from what is restored.
    async fn restored(&self, dead: &Stores) -> i64 {
        let mut config = stores::config(dead.folder.path(), &dead.urls());
        let ledger = Ledger::find(&config.ledger).await.unwrap();
        let apart = tempfile::tempdir().unwrap();
        ledger.copy_to(apart.path()).await.unwrap();
        ledger.close().await;
        config.ledger = Place::File(apart.path().to_owned());
        let folder = self.backup.path().join("all");
        let options = restore::Options { folder, keys: None, replace: true, drill: false };
        let clock = Clock::Fixed(FixedClock::at(self.at));
        restore::run(config.clone(), clock, &options, |_| {}).await.unwrap();
        rows(&config.database).await
    }
}

async fn standing(stores: &Stores) -> Standing {
    let config = stores::config(stores.folder.path(), &stores.urls());
    let ledger = Ledger::find(&config.ledger).await.unwrap();
    let mut told = BTreeSet::new();
    for entry in ledger.entries().await.unwrap() {
        if let Entry::Protection { protection, .. } = serde_json::from_value(entry).unwrap() {
            if protection.ended_at.is_none() {
                told.insert(protection.id)
            } else {
                told.remove(&protection.id)
            };
        }
    }
    ledger.close().await;
    (rows(&config.database).await, told.len())
}

async fn rows(place: &Place) -> i64 {
    let db = Db::open(place).await.unwrap();
    let sql = "SELECT (SELECT COUNT(*) FROM holds WHERE released_at IS NULL) \
               + (SELECT COUNT(*) FROM restrictions WHERE lifted_at IS NULL)";
    let count = db::rows(db.write(), sql, []).await.unwrap()[0].try_get_by_index(0).unwrap();
    db.close().await;
    count
}

fn deed(mutation: &str, input_type: &str, mut input: Value) -> Deed {
    input["idempotencyKey"] = json!("the deed");
    Deed::Protect(mutation.to_owned(), input_type.to_owned(), input)
}

fn hold(customer: &str) -> Value {
    json!({ "customerId": customer, "reason": "LEGAL_CLAIM", "note": "Akte", "reviewOn": "2014-06-01" })
}

fn restriction(customer: &str) -> Value {
    json!({ "customerId": customer, "ground": "NEEDED_FOR_CLAIMS", "reviewOn": "2014-06-01" })
}

/// What is placed is in the ledger before it stands: never only in the main database.
const PLACED: [Standing; 3] = [(0, 0), (0, 1), (1, 1)];
/// What has ended is in the ledger afterwards: the ledger never ends what stands.
const ENDED: [Standing; 3] = [(1, 1), (0, 1), (0, 0)];

async fn every_death(on_postgres: bool) {
    let stores = || Stores::new(on_postgres);
    let Some(empty) = stores() else { return };
    let (scene, place) = Scene::new(empty, async |_, person| deed("holdPlace", "HoldPlaceInput", hold(person))).await;
    scene.kill_everywhere(place, &PLACED).await;
    let place =
        async |_: &Caller<'_>, person: &str| deed("restrictionPlace", "RestrictionPlaceInput", restriction(person));
    let (scene, place) = Scene::new(stores().unwrap(), place).await;
    scene.kill_everywhere(place, &PLACED).await;
    let release = async |officer: &Caller<'_>, person: &str| {
        let placed = officer.done("holdPlace", "HoldPlaceInput", hold(person), "hold { id }").await;
        deed("holdRelease", "HoldReleaseInput", json!({ "id": placed["hold"]["id"] }))
    };
    let (scene, release) = Scene::new(stores().unwrap(), release).await;
    scene.kill_everywhere(release, &ENDED).await;
    let lift = async |officer: &Caller<'_>, person: &str| {
        let input = restriction(person);
        let placed = officer.done("restrictionPlace", "RestrictionPlaceInput", input, "restriction { id }").await;
        let id = placed["restriction"]["id"].clone();
        let tell = json!({ "id": id, "toldBy": "PHONE" });
        officer.done("restrictionTell", "RestrictionTellInput", tell, "restriction { id }").await;
        deed("restrictionLift", "RestrictionLiftInput", json!({ "id": id }))
    };
    let (scene, lift) = Scene::new(stores().unwrap(), lift).await;
    scene.kill_everywhere(lift, &ENDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_never_loses_a_protection_on_sqlite() {
    every_death(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_never_loses_a_protection_on_postgres() {
    every_death(true).await;
}
