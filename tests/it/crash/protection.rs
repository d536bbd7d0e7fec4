//! Killed while a hold or a restriction is placed, while one ends, or while an erasure is asked for of which nothing can go
//! yet: a restore may then protect too much, never too little, and forgets no erasure that anybody was told of.

use std::collections::BTreeSet;

use aftersales::clock::{Clock, FixedClock};
use aftersales::db::{self, Db, Place};
use aftersales::privacy::backup::{self, manifest::Blobs};
use aftersales::privacy::restore;
use aftersales::retention::ledger::{Entry, Ledger};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::victim::{self, Deed, End};
use crate::support::stores::{self, Stores};
use crate::support::{Caller, days, life};

/// How many stand at a moment: by the rows of the main database, by the last words of the ledger.
type Standing = (i64, usize);

/// What is counted.
#[derive(Clone, Copy)]
enum What {
    /// Holds and restrictions that have not ended.
    Protections,
    /// Erasures that were asked for.
    Erasures,
}

impl What {
    const fn rows(self) -> &'static str {
        match self {
            Self::Protections => {
                "SELECT (SELECT COUNT(*) FROM holds WHERE released_at IS NULL) \
                 + (SELECT COUNT(*) FROM restrictions WHERE lifted_at IS NULL)"
            }
            Self::Erasures => "SELECT COUNT(*) FROM erasures",
        }
    }
}

/// Stores, a backup of them, and what is done to them afterwards.
struct Scene {
    stores: Stores,
    backup: tempfile::TempDir,
    at: DateTime<Utc>,
    what: What,
}

impl Scene {
    /// As a person with an order leaves them, after what `before` does as the officer. The backup is of before that.
    async fn new(stores: Stores, what: What, before: impl AsyncFnOnce(&Caller<'_>, &str) -> Deed) -> (Self, Deed) {
        let app = stores.begin().await;
        let known = life::order(&app, "erika@example.com", "T-1").await;
        app.advance(days(15));
        // What the request has left would go at once; the order is on its way still.
        app.run_job("retention").await;
        let backup = tempfile::tempdir().unwrap();
        let options =
            backup::Options { folder: backup.path().join("all"), keys: None, key_days: 35, blobs: Blobs::Copy };
        backup::write(&app.state, &options).await.unwrap();
        app.advance(days(1));
        let deed = before(&app.dpo().await, &known.customer).await;
        app.advance(days(1));
        let at = app.now();
        (Self { stores: Stores::left(app).await, backup, at, what }, deed)
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
        let found = self.standing(&dead).await;
        assert!(allowed.contains(&found), "{found:?}");
        if !left.insert(found) {
            dead.remove();
            return;
        }
        if let What::Erasures = self.what {
            // What nobody was told of may be lost with the main database; where that lives, a job takes it up.
            let app = dead.copy().open(self.at + TimeDelta::minutes(11)).await;
            app.run_job("erasures").await;
            let alive = Stores::left(app).await;
            assert_eq!(self.standing(&alive).await, (found.0, usize::try_from(found.0).unwrap()), "{found:?}");
            alive.remove();
        }
        assert_eq!(self.restored(&dead).await, i64::try_from(found.1).unwrap(), "{found:?}");
        dead.remove();
    }

    /// How many stand after the backup was put back. The ledger lies in a folder then, apart from what is restored.
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
        self.rows(&config.database).await
    }

    async fn standing(&self, stores: &Stores) -> Standing {
        let config = stores::config(stores.folder.path(), &stores.urls());
        let ledger = Ledger::find(&config.ledger).await.unwrap();
        let mut told = BTreeSet::new();
        for entry in ledger.entries().await.unwrap() {
            match (self.what, serde_json::from_value(entry).unwrap()) {
                (What::Protections, Entry::Protection { protection, .. }) if protection.ended_at.is_none() => {
                    told.insert(protection.id);
                }
                (What::Protections, Entry::Protection { protection, .. }) => {
                    told.remove(&protection.id);
                }
                (What::Erasures, Entry::Asked { erasure, .. }) => {
                    told.insert(erasure.0);
                }
                (What::Erasures, Entry::Intent { ground, rows, .. }) => {
                    assert!(!ground.starts_with("ERASURE"), "its rows would tell as well: {rows:?}");
                }
                _ => {}
            }
        }
        ledger.close().await;
        (self.rows(&config.database).await, told.len())
    }

    async fn rows(&self, place: &Place) -> i64 {
        let db = Db::open(place).await.unwrap();
        let count = db::rows(db.write(), self.what.rows(), []).await.unwrap()[0].try_get_by_index(0).unwrap();
        db.close().await;
        count
    }
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

/// What is asked for stands before it is in the ledger: until then nobody has an answer.
const ASKED: [Standing; 3] = [(0, 0), (1, 0), (1, 1)];

async fn every_death(on_postgres: bool) {
    let stores = || Stores::new(on_postgres);
    let Some(empty) = stores() else { return };
    let what = What::Protections;
    let (scene, place) =
        Scene::new(empty, what, async |_, person| deed("holdPlace", "HoldPlaceInput", hold(person))).await;
    scene.kill_everywhere(place, &PLACED).await;
    let place =
        async |_: &Caller<'_>, person: &str| deed("restrictionPlace", "RestrictionPlaceInput", restriction(person));
    let (scene, place) = Scene::new(stores().unwrap(), what, place).await;
    scene.kill_everywhere(place, &PLACED).await;
    let release = async |officer: &Caller<'_>, person: &str| {
        let placed = officer.done("holdPlace", "HoldPlaceInput", hold(person), "hold { id }").await;
        deed("holdRelease", "HoldReleaseInput", json!({ "id": placed["hold"]["id"] }))
    };
    let (scene, release) = Scene::new(stores().unwrap(), what, release).await;
    scene.kill_everywhere(release, &ENDED).await;
    let lift = async |officer: &Caller<'_>, person: &str| {
        let input = restriction(person);
        let placed = officer.done("restrictionPlace", "RestrictionPlaceInput", input, "restriction { id }").await;
        let id = placed["restriction"]["id"].clone();
        let tell = json!({ "id": id, "toldBy": "PHONE" });
        officer.done("restrictionTell", "RestrictionTellInput", tell, "restriction { id }").await;
        deed("restrictionLift", "RestrictionLiftInput", json!({ "id": id }))
    };
    let (scene, lift) = Scene::new(stores().unwrap(), what, lift).await;
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

async fn every_death_of_one_that_waits(on_postgres: bool) {
    let Some(stores) = Stores::new(on_postgres) else { return };
    // All of her that there is hangs on an order on its way.
    let erase = async |_: &Caller<'_>, person: &str| {
        deed("subjectErase", "SubjectEraseInput", json!({ "customerId": person, "notify": true }))
    };
    let (scene, erase) = Scene::new(stores, What::Erasures, erase).await;
    scene.kill_everywhere(erase, &ASKED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_never_loses_an_erasure_that_waits_on_sqlite() {
    every_death_of_one_that_waits(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_never_loses_an_erasure_that_waits_on_postgres() {
    every_death_of_one_that_waits(true).await;
}
