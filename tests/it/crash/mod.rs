//! The program killed at every statement of an erasure and of a nightly run, and started again: what it had begun is
//! brought to its end, once, and nobody else's data is touched.

mod image;
mod lives;
mod protection;
mod victim;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aftersales::auth::Actor;
use aftersales::privacy::scan::scan;
use aftersales::retention::read;
use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::map::tables;
use futures::StreamExt as _;
use serde_json::{Value, json};

use self::image::{Image, Key, NOTES, STATISTICS};
use self::lives::{Part, Person};

use self::victim::{Deed, End};
use crate::support::stores::Stores;
use crate::support::{App, days, life};

/// Stores with a graph of data, and what is known of them before anything dies.
struct Scene {
    stores: Stores,
    people: Vec<Person>,
    at: DateTime<Utc>,
    deed: Deed,
    before: Image,
    /// What the deed is about; none: everybody.
    whose: Option<BTreeSet<Key>>,
    /// What of everybody else opens, by place.
    opened: BTreeMap<(Key, &'static str), Value>,
}

impl Scene {
    async fn erasure(stores: Stores, seed: u64, more: usize) -> Self {
        let app = stores.begin().await;
        let people = lives::grow(&app, seed, 2, &[Part::Claim], more).await;
        let whose = image::of_person(&app, &people[0].known).await;
        let deed = Deed::Erase(people[0].known.customer.clone());
        Self::of(app, people, deed, Some(whose)).await
    }

    /// An erasure that was answered, and whose open case has closed since.
    async fn closing(stores: Stores, seed: u64) -> Self {
        let app = stores.begin().await;
        let people = lives::grow(&app, seed, 2, &[Part::Claim], 0).await;
        let known = &people[0].known;
        let text = format!("Es geht um {}.", people[0].word);
        let case = life::open(&app.customer(&known.email).await, "COMPLAINT", Some(&known.order), &text).await;
        let input = json!({ "customerId": known.customer, "notify": true });
        let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, "erasure { id state }").await;
        assert_eq!(done["erasure"]["state"], "DEFERRED");
        app.run_job("erasures").await;
        app.advance(days(1));
        life::decide(&app, &case, "NOT_ELIGIBLE").await;
        life::close(&app, &case).await;
        let mut whose = image::of_person(&app, known).await;
        let erasure = life::row(done["erasure"]["id"].as_str().unwrap());
        whose.insert(("erasures", erasure.simple().to_string()));
        Self::of(app, people, Deed::GoOn, Some(whose)).await
    }

    async fn sweep(stores: Stores, seed: u64, more: usize) -> Self {
        let app = stores.begin().await;
        let people = lives::grow(&app, seed, 1, &[Part::Claim], more).await;
        // By now everything but vouchers, letters and what is held or open is due.
        app.at("2018-01-02T02:15:00Z");
        Self::of(app, people, Deed::Sweep, None).await
    }

    async fn of(app: App, people: Vec<Person>, deed: Deed, whose: Option<BTreeSet<Key>>) -> Self {
        app.dpo().await;
        app.run_job("outbox").await;
        let (before, at) = (Image::at_rest(&app).await, app.now());
        let mut opened = opened(&app).await;
        opened.retain(|(key, _), _| whose.as_ref().is_some_and(|whose| !whose.contains(key)));
        Self { stores: Stores::left(app).await, people, at, deed, before, whose, opened }
    }

    /// A copy of the stores in which the deed died at a point, and how it ended.
    async fn dead_at(&self, point: u64) -> (Stores, End) {
        let (copy, deed, at) = (self.stores.copy(), self.deed.clone(), self.at);
        let run = move || {
            let end = victim::run(&copy, &deed, at, point);
            (copy, end)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// The program starts again, and whoever got no answer asks again: everything comes to its end.
    async fn recover(&self, dead: Stores) -> Recovered {
        // What the dead had claimed is free again after two minutes.
        let app = dead.open(self.at + TimeDelta::minutes(3)).await;
        app.run_job("outbox").await;
        app.advance(days(1));
        if matches!(self.deed, Deed::GoOn) {
            app.run_job("erasures").await;
        }
        app.run_job("retention").await;
        let mut report = Value::Null;
        if matches!(self.deed, Deed::GoOn) {
            let query = "{ erasures { nodes { id state records { table rowId outcome } } } }";
            report = app.dpo().await.data(query, json!({})).await["erasures"]["nodes"][0].clone();
            let answers = "answer IS NOT NULL AND closing IS NOT NULL AND closed_at IS NOT NULL";
            let letters = app.count("mails", "template = 'ERASURE_CLOSING'").await;
            assert_eq!((letters, app.count("subject_requests", answers).await), (1, 1), "answered once more, once");
            app.advance(TimeDelta::minutes(3));
            app.run_job("outbox").await;
        }
        if let Deed::Erase(customer) = &self.deed {
            let input = json!({ "customerId": customer, "idempotencyKey": "the erasure" });
            let selection = "erasure { state records { table rowId outcome } }";
            let done = app.dpo().await.done("subjectErase", "SubjectEraseInput", input, selection).await;
            report = done["erasure"].clone();
            // One that had not been decided yet is scanned for only now.
            app.run_job("erasures").await;
            app.advance(TimeDelta::minutes(3));
            app.run_job("outbox").await;
        }
        Recovered { image: Image::at_rest(&app).await, report, app }
    }

    /// Kills the deed at every point in turn.
    async fn kill_everywhere(&self) {
        let (undisturbed, End::Through(passed)) = self.dead_at(u64::MAX).await else { panic!("killed at no point") };
        let reference = self.recover(undisturbed).await;
        self.check(&reference, &reference, "undisturbed").await;
        let points = passed.points;
        assert!(points > 100, "a deed of {points} points is none");
        let tried = passed.tried(&self.stores);
        let shapes: Arc<Mutex<BTreeSet<u64>>> = Arc::default();
        let begun = std::time::Instant::now();
        let deaths = tried.len();
        futures::stream::iter(tried)
            .map(|point| {
                let (shapes, reference) = (Arc::clone(&shapes), &reference);
                async move {
                    let (dead, end) = self.dead_at(point).await;
                    assert_eq!(end, End::Killed, "point {point} of {points} was not reached");
                    // What starts on the same stores does the same, so one recovery stands for all with one shape.
                    let shape = Image::of(&dead).await.shape(&self.before);
                    let fresh = shapes.lock().unwrap().insert(shape);
                    if !fresh {
                        dead.remove();
                        return;
                    }
                    let recovered = self.recover(dead).await;
                    self.check(&recovered, reference, &format!("killed at {point} of {points}")).await;
                    recovered.app.finish().await;
                }
            })
            .buffer_unordered(2)
            .collect::<Vec<()>>()
            .await;
        let shapes = shapes.lock().unwrap().len();
        println!("{deaths} deaths at {points} points, {shapes} different states, {:?}", begun.elapsed());
        // Request, plan, word, removal, its end, answer, claim, keys, done: so many commits at least leave so many states.
        assert!(shapes >= 9, "only {shapes} different states were left by {deaths} deaths");
        reference.app.finish().await;
    }

    /// What has to hold after a death and a recovery, whatever the point.
    async fn check(&self, found: &Recovered, reference: &Recovered, case: &str) {
        let (app, image) = (&found.app, &found.image);
        self.rows(image, &reference.image, case);
        self.bookkeeping(image, &reference.image, case);
        self.ledger(image, case);
        assert_eq!(image::dangling(app).await, Vec::<String>::new(), "{case}");
        let mut after = opened(app).await;
        after.retain(|place, _| self.opened.contains_key(place));
        assert!(after == self.opened, "{case}: something of somebody else does not open any more");
        if self.whose.is_some() {
            self.report(found, reference, case).await;
        }
    }

    /// Everybody else's rows are the same bit by bit; what of the person is left is what an undisturbed run leaves.
    fn rows(&self, image: &Image, reference: &Image, case: &str) {
        for (key, row) in &self.before.rows {
            let after = image.rows.get(key);
            if NOTES.contains(&key.0) || STATISTICS.contains(&key.0) {
                continue;
            }
            if self.whose.as_ref().is_some_and(|whose| !whose.contains(key)) {
                assert_eq!(after, Some(row), "{case}: {key:?} is somebody else's");
            }
            let left = |row: Option<&image::Stored>| row.map(|r| r.bare);
            assert_eq!(left(after), left(reference.rows.get(key)), "{case}: {key:?}");
            // A disclosure notes by which notice its recipient was told; the file of the request gets its last answer.
            let noted = ["disclosures", "subject_requests", "erasures"].contains(&key.0);
            if let Some(after) = after.filter(|after| !after.bare && !noted) {
                assert_eq!(after, row, "{case}: {key:?} is kept, and changed");
            }
        }
        let new = |image: &Image, table: &str| {
            image.rows.keys().filter(|k| k.0 == table && !self.before.rows.contains_key(*k)).count()
        };
        for t in tables().iter().filter(|t| t.is_personal()) {
            assert_eq!(new(image, t.name), new(reference, t.name), "{case}: new rows of {}", t.name);
        }
    }

    /// Counted once, suppressed, one erasure, nothing waits; keys, look-ups and blobs are those of an undisturbed run.
    fn bookkeeping(&self, image: &Image, reference: &Image, case: &str) {
        for table in STATISTICS {
            let of = |image: &Image| image.rows.keys().filter(|k| k.0 == table).cloned().collect::<Vec<_>>();
            assert_eq!(of(image), of(reference), "{case}: {table}");
        }
        for table in ["suppressions", "erasures", "jobs"] {
            assert_eq!(image.marks(table), reference.marks(table), "{case}: {table}");
        }
        // Keys that living rows have left end later; whose rows have gone, with these: below, by the keys that are left.
        let of = |image: &Image| {
            let all = image.marks("outbox_entries").into_iter().filter(|m| !m.ends_with("DONE"));
            all.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(image), of(reference), "{case}: the outbox");
        assert!(of(reference).iter().all(|mark| mark == "DESTROY_KEYPENDING"), "{case}: {:?}", of(reference));
        let old = |image: &Image| {
            let units = image.units.iter().filter(|(id, _)| self.before.units.contains_key(*id));
            units.map(|(id, unit)| (id.clone(), unit.clone())).collect::<Vec<_>>()
        };
        assert_eq!(old(image), old(reference), "{case}: keys");
        // One that was made for papers whose transaction never came is the reaper's, a day later.
        let papers = reference.units.len()..=reference.units.len() + 1;
        assert!(papers.contains(&image.units.len()), "{case}: {} keys, {papers:?}", image.units.len());
        assert_eq!(image.lookups, reference.lookups, "{case}: look-ups");
        assert_eq!(image.blobs, reference.blobs, "{case}: blobs");
    }

    /// Every intent has one end or none. Without an end are those that the death cut off, the batch that went and the one that was
    /// announced meanwhile: their transactions went through or not, and a restore has to take their rows through the check again,
    /// which lets go only what has to go. So whatever is
    /// gone, rows and keys, is named by an intent that was settled or is open, and nothing that is settled is still there.
    fn ledger(&self, image: &Image, case: &str) {
        let (mut intents, mut ended) = (BTreeMap::new(), BTreeMap::new());
        for entry in image.ledger.iter().filter(|entry| !entry["intent"].is_null()) {
            let id = entry["intent"].as_str().unwrap();
            if entry["event"] == "INTENT" {
                assert!(intents.insert(id, entry).is_none(), "{case}: {entry}");
            } else {
                assert!(intents.contains_key(id), "{case}: an end without an intent: {entry}");
                assert!(ended.insert(id, entry).is_none(), "{case}: two ends: {entry}");
            }
        }
        let open: Vec<&&Value> = intents.iter().filter(|(id, _)| !ended.contains_key(*id)).map(|(_, e)| e).collect();
        assert!(open.len() <= 2, "{case}: one death leaves two intents open at most: {open:?}");
        let ids = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|id| id.as_str().unwrap().replace('-', "")).collect()
        };
        let keys = |intent: &Value| -> Vec<Key> {
            let of = |part: &Value| {
                let table = entity::map::table(part["table"].as_str().unwrap()).unwrap().name;
                ids(&part["ids"]).into_iter().map(move |id| (table, id))
            };
            intent["rows"].as_array().unwrap().iter().flat_map(of).collect()
        };
        let is_gone = |key: &Key| image.rows.get(key).is_none_or(|row| row.bare);
        let (mut named, mut units) = (BTreeSet::new(), BTreeSet::new());
        for end in ended.values().filter(|e| e["event"] == "SETTLED") {
            for key in keys(intents[end["intent"].as_str().unwrap()]) {
                assert!(is_gone(&key), "{case}: {key:?} is settled, and there");
                named.insert(key);
            }
            units.extend(ids(&end["units"]));
        }
        for intent in open {
            for key in keys(intent) {
                units.extend(self.before.rows.get(&key).and_then(|row| row.unit.clone()));
                named.insert(key);
            }
        }
        for (key, _) in self.before.rows.iter().filter(|(key, row)| !row.bare && !NOTES.contains(&key.0)) {
            assert!(
                !is_gone(key) || STATISTICS.contains(&key.0) || named.contains(key),
                "{case}: {key:?} went unnamed"
            );
        }
        for unit in self.before.units.keys().filter(|unit| !image.units.contains_key(*unit)) {
            assert!(units.contains(unit), "{case}: the key {unit} went unnamed");
        }
    }

    /// The report has an outcome for every record, as an undisturbed one; what still opens is what it lists as kept.
    async fn report(&self, found: &Recovered, reference: &Recovered, case: &str) {
        assert_eq!(found.report["state"], reference.report["state"], "{case}");
        let outcomes = |report: &Value| {
            let records = report["records"].as_array().unwrap().iter();
            let text = |r: &Value| format!("{} {} {}", r["table"], r["rowId"], r["outcome"]);
            records.map(text).collect::<BTreeSet<_>>()
        };
        assert_eq!(outcomes(&found.report), outcomes(&reference.report), "{case}: an outcome for every record");
        let word = &self.people[0].word;
        let stays = |table: &str, row: &str| {
            if ["recipient_notices", "subject_requests"].contains(&table) {
                return true; // The papers of the erasure itself.
            }
            found.report["records"].as_array().unwrap().iter().any(|r| {
                let outcome = r["outcome"].as_str().unwrap();
                r["table"] == table && r["rowId"] == row && !matches!(outcome, "ERASED" | "ANONYMISED")
            })
        };
        let decided = found.report["id"].as_str().map(|id| life::row(id).to_string());
        let came_later = |id: &String| decided.as_ref().is_some_and(|decided| id > decided);
        for finding in scan(&found.app.state, &Actor::System, word).await.unwrap().findings {
            let table = if finding.place == "blob" { "attachments" } else { finding.place.split('.').next().unwrap() };
            // The answers are the erasure's own, and what came after the decision is not what it is about.
            let is_answer = finding.data_type == Some(DataType::R14);
            let listed = is_answer || came_later(&finding.at) || stays(table, &finding.at);
            assert!(finding.sealed && listed, "{case}: {finding:?} is not listed as kept");
        }
        assert_eq!(found.image.in_plain(word), Vec::<String>::new(), "{case}");
    }
}

/// An instance after a death and a recovery.
struct Recovered {
    app: App,
    image: Image,
    report: Value,
}

/// Every sealed value that opens, by row and column.
async fn opened(app: &App) -> BTreeMap<(Key, &'static str), Value> {
    let mut found = BTreeMap::new();
    for t in tables().iter().filter(|t| t.has("unit_id")) {
        for row in read::records(&app.state, t, entity::Purpose::DataProtection, "1 = 1", Vec::new()).await.unwrap() {
            let key = (t.name, row.id.unwrap().simple().to_string());
            for (column, value) in row.values.into_iter().filter(|(c, v)| c.meaning.sealed && !v.is_null()) {
                found.insert((key.clone(), column.name), value);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_survives_every_death_on_sqlite() {
    let scene = Scene::erasure(Stores::new(false).unwrap(), 1, 1).await;
    scene.kill_everywhere().await;
    scene.stores.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_survives_every_death_on_postgres() {
    let Some(stores) = Stores::new(true) else { return };
    let scene = Scene::erasure(stores, 2, 0).await;
    scene.kill_everywhere().await;
    scene.stores.remove();
}

/// The person is told once more when nothing waits any longer, and once, wherever the process dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_answer_survives_every_death_on_sqlite() {
    let scene = Scene::closing(Stores::new(false).unwrap(), 5).await;
    scene.kill_everywhere().await;
    scene.stores.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_answer_survives_every_death_on_postgres() {
    let Some(stores) = Stores::new(true) else { return };
    let scene = Scene::closing(stores, 6).await;
    scene.kill_everywhere().await;
    scene.stores.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nightly_run_survives_every_death_on_sqlite() {
    let scene = Scene::sweep(Stores::new(false).unwrap(), 3, 1).await;
    scene.kill_everywhere().await;
    scene.stores.remove();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nightly_run_survives_every_death_on_postgres() {
    let Some(stores) = Stores::new(true) else { return };
    let scene = Scene::sweep(stores, 4, 0).await;
    scene.kill_everywhere().await;
    scene.stores.remove();
}
