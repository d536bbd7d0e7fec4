//! The books of the test: which records have to be there, which bare ids, and how the database compares.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aftersales::db;
use aftersales::keys::Place;
use aftersales::keys::lookup::Kind as Lookup;
use chrono::NaiveDate;
use entity::Sealed;
use entity::ids::UnitId;
use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use uuid::Uuid;

use super::figures::Figures;
use super::history::{History, Instant};
use super::observe::{Spec, TABLES, belong};
use super::oracle::{Record, is_suppressed, night};
use crate::support::App;

/// A sealed value as it once stood in the database.
struct Copy {
    place: Place,
    unit: Uuid,
    sealed: Sealed,
}

/// What has happened, and what has to be there because of it.
#[derive(Default)]
pub struct World {
    pub history: History,
    records: HashMap<Uuid, Record>,
    /// What has gone, for the words of a failure.
    past: HashMap<Uuid, Record>,
    /// Records of a person.
    of: HashMap<Uuid, Vec<Uuid>>,
    /// The days on which a record may have to go.
    agenda: BTreeMap<NaiveDate, Vec<Uuid>>,
    /// Rows that have to be there, by table, and those of them that are bare ids.
    rows: HashMap<&'static str, HashSet<Uuid>>,
    bare: HashMap<&'static str, HashSet<Uuid>>,
    /// How many rows name a row.
    named: HashMap<Uuid, usize>,
    /// Entries of the outbox and erasures that have not come to their end.
    unended: HashSet<Uuid>,
    figures: Figures,
    /// Numbers of orders, and the day on which the order went.
    numbers_gone: Vec<(String, NaiveDate)>,
    copies: Vec<Copy>,
    /// Comparisons of whole tables, id by id.
    compared: usize,
}

const OWNERS: [&str; 3] = ["cases", "orders", "customers"];

impl World {
    /// Takes new records into the books.
    pub fn keep(&mut self, made: Vec<Record>, today: NaiveDate) {
        for record in made {
            let id = record.id;
            assert!(self.rows.entry(record.table).or_default().insert(id), "{record:?} is new");
            for name in &record.names {
                *self.named.entry(*name).or_default() += 1;
            }
            if let Some(customer) = record.customer {
                self.of.entry(customer).or_default().push(id);
            }
            if ["outbox_entries", "erasures"].contains(&record.table) {
                self.unended.insert(id);
            }
            self.records.insert(id, record);
            self.schedule(id, today);
        }
    }

    fn schedule(&mut self, id: Uuid, today: NaiveDate) {
        if let Some(due) = self.history.due(&self.records[&id]) {
            self.agenda.entry(due.max(today.succ_opt().unwrap())).or_default().push(id);
        }
    }

    /// Finds what was made since an instant.
    async fn find(&mut self, app: &App, specs: impl Iterator<Item = &Spec>, since: Instant, today: NaiveDate) {
        for spec in specs {
            let mut new = Vec::new();
            for record in spec.made_since(app, since, &mut self.history).await {
                if self.rows.get(spec.name).is_some_and(|rows| rows.contains(&record.id)) {
                    continue;
                }
                self.copy(app, &record).await;
                let parent = record.via.and_then(|id| self.records.get(&id));
                new.push(belong(record, &self.history, parent));
            }
            self.keep(new, today);
        }
    }

    /// Finds what the day has made, and asks the oracle anew about everybody of whom something has changed.
    pub async fn after_the_day(&mut self, app: &App, since: Instant, today: NaiveDate) {
        self.find(app, TABLES.iter(), since, today).await;
        self.ended(app, today).await;
        for person in std::mem::take(&mut self.history.touched) {
            self.revive(person, since, today);
            for id in self.of.get(&person).cloned().unwrap_or_default() {
                if self.records.contains_key(&id) {
                    self.schedule(id, today);
                }
            }
        }
    }

    /// Whoever had become a bare id and orders again is a customer again.
    fn revive(&mut self, id: Uuid, since: Instant, today: NaiveDate) {
        let Some(person) = self.history.people.get(&id) else { return };
        let newest = person.orders.iter().map(|order| self.history.orders[order].registered).max();
        if let Some(made) = newest.filter(|at| *at >= since)
            && self.bare.get_mut("customers").is_some_and(|bare| bare.remove(&id))
        {
            let record = Record { made, ..self.past[&id].clone() };
            self.records.insert(id, record);
            self.schedule(id, today);
        }
    }

    /// When entries of the outbox and erasures came to their end: that is not retention's doing.
    async fn ended(&mut self, app: &App, today: NaiveDate) {
        if self.unended.is_empty() {
            return;
        }
        for (table, column) in [("outbox_entries", "done_at"), ("erasures", "settled_at")] {
            let sql = format!("SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL");
            for row in db::rows(app.state.db.write(), &sql, []).await.unwrap() {
                let id: Uuid = row.try_get_by_index(0).unwrap();
                if self.unended.remove(&id) {
                    self.history.ended.insert(id, row.try_get_by_index(1).unwrap());
                    self.schedule(id, today);
                }
            }
        }
    }

    /// The job that releases the holds of disputes whose limitation is over.
    pub async fn timers(&mut self, app: &App) {
        app.run_job("timers").await;
        let sql = "SELECT id, released_at FROM holds WHERE released_at IS NOT NULL";
        for row in db::rows(app.state.db.write(), sql, []).await.unwrap() {
            let id: Uuid = row.try_get_by_index(0).unwrap();
            if self.history.holds[&id].released.is_none() {
                self.history.released(id, row.try_get_by_index(1).unwrap());
            }
        }
    }

    /// What has to have gone in a night has gone, and nothing else.
    pub async fn after_the_night(&mut self, app: &App, today: NaiveDate) {
        let by_night = TABLES.iter().filter(|spec| spec.grows_at_night());
        self.find(app, by_night, night(today), today).await;
        self.ended(app, today).await;
        let (mut changed, mut due) = (BTreeSet::new(), Vec::new());
        while let Some(entry) = self.agenda.first_entry().filter(|entry| *entry.key() <= today) {
            due.extend(entry.remove());
        }
        for id in due {
            let Some(record) = self.records.get(&id) else { continue };
            match self.history.due(record) {
                Some(day) if day <= today => {
                    changed.insert(record.table);
                    self.goes(id, today);
                }
                Some(day) => self.agenda.entry(day).or_default().push(id),
                None => {}
            }
        }
        if !changed.is_empty() {
            self.drop_bare(&mut changed);
        }
        self.compare(app, today, &changed).await;
    }

    fn goes(&mut self, id: Uuid, today: NaiveDate) {
        let record = self.records.remove(&id).unwrap();
        self.figures.gone(&self.history, &record);
        if let Some(number) = self.history.numbered.get(&id) {
            self.numbers_gone.push((number.clone(), self.history.went_on(&record, today)));
        }
        if OWNERS.contains(&record.table) {
            // What it names is named until the bare id has gone, too.
            self.bare.entry(record.table).or_default().insert(id);
        } else {
            self.rows.get_mut(record.table).unwrap().remove(&id);
            self.unname(&record.names);
        }
        self.past.insert(id, record);
    }

    fn unname(&mut self, names: &[Uuid]) {
        for name in names {
            *self.named.get_mut(name).unwrap() -= 1;
        }
    }

    /// Bare ids stay exactly as long as something names them.
    fn drop_bare(&mut self, changed: &mut BTreeSet<&'static str>) {
        for table in OWNERS {
            let is_free = |id: &Uuid| self.named.get(id).copied().unwrap_or_default() == 0;
            let free: Vec<Uuid> = self.bare.get(table).into_iter().flatten().copied().filter(is_free).collect();
            for id in free {
                self.bare.get_mut(table).unwrap().remove(&id);
                self.rows.get_mut(table).unwrap().remove(&id);
                let names = self.past[&id].names.clone();
                self.unname(&names);
                changed.insert(table);
            }
        }
    }

    /// Compares every table by its count, and row by row wherever something had to go or the count is another one.
    async fn compare(&mut self, app: &App, today: NaiveDate, changed: &BTreeSet<&'static str>) {
        let count = |table: &str, of: &str| format!("(SELECT CAST(COUNT(*) AS bigint) FROM {table}{of})");
        let counts = TABLES.iter().map(|spec| count(spec.name, ""));
        let bare = OWNERS.iter().map(|table| count(table, " WHERE erased_at IS NOT NULL"));
        let sql = format!("SELECT {}", counts.chain(bare).collect::<Vec<_>>().join(", "));
        let row = db::rows(app.state.db.read(), &sql, []).await.unwrap().remove(0);
        let found = |i: usize| usize::try_from(row.try_get_by_index::<i64>(i).unwrap()).unwrap();
        let mut wrong = Vec::new();
        let none = HashSet::new();
        for (i, spec) in TABLES.iter().enumerate() {
            let expected = self.rows.get(spec.name).unwrap_or(&none);
            if found(i) != expected.len() || changed.contains(spec.name) {
                self.compared += 1;
                self.differences(expected, &ids(app, spec.name, "").await, spec.name, &mut wrong);
            }
        }
        for (i, table) in OWNERS.iter().enumerate() {
            let expected = self.bare.get(table).unwrap_or(&none);
            if found(TABLES.len() + i) != expected.len() || changed.contains(table) {
                self.compared += 1;
                let found = ids(app, table, " WHERE erased_at IS NOT NULL").await;
                self.differences(expected, &found, &format!("bare {table}"), &mut wrong);
            }
        }
        assert!(wrong.is_empty(), "the night of {today}, {} differences:\n{}", wrong.len(), first(&wrong));
    }

    fn differences(&self, expected: &HashSet<Uuid>, found: &HashSet<Uuid>, what: &str, wrong: &mut Vec<String>) {
        let tell = |id: &Uuid| match self.records.get(id).or_else(|| self.past.get(id)) {
            Some(r) => format!("{} {r:?}, due {:?}", self.history.code(r), self.history.due(r)),
            None => format!("{id}, which nobody knows"),
        };
        wrong.extend(found.difference(expected).map(|id| format!("{what}: is there, should not be: {}", tell(id))));
        wrong.extend(expected.difference(found).map(|id| format!("{what}: is not there, should be: {}", tell(id))));
    }

    /// Keeps a copy of some letters as they stand now, to try later whether they still open.
    async fn copy(&mut self, app: &App, record: &Record) {
        let column = match record.table {
            "messages" => "body",
            "refunds" => "payee",
            _ => return,
        };
        let sql = format!("SELECT unit_id, {column} FROM {} WHERE id = $1", record.table);
        let rows = db::rows(app.state.db.read(), &sql, [record.id.into()]).await.unwrap();
        let place = Place { table: record.table, column, row: record.id };
        let sealed = Sealed(rows[0].try_get_by_index(1).unwrap());
        self.copies.push(Copy { place, unit: rows[0].try_get_by_index(0).unwrap(), sealed });
    }

    /// Once a year: keys, statistics, suppressions and blobs, against the books.
    pub async fn take_stock(&self, app: &App, today: NaiveDate) {
        let mut used = HashSet::new();
        for spec in TABLES.iter().filter(|spec| spec.is_sealed()) {
            let sql = format!("SELECT DISTINCT unit_id FROM {} WHERE unit_id IS NOT NULL", spec.name);
            let rows = db::rows(app.state.db.read(), &sql, []).await.unwrap();
            used.extend(rows.iter().map(|row| row.try_get_by_index::<Uuid>(0).unwrap()));
        }
        let rows = db::rows(app.state.keys.db().read(), "SELECT id, data_type, owner_id FROM units", []).await.unwrap();
        // What was sealed anew leaves a key until no archive of keys is older.
        let left = aftersales::outbox::left_keys(&app.state).await.unwrap();
        let is_kept = |unit: &Uuid| used.contains(unit) || left.contains_key(&entity::ids::UnitId(*unit));
        let mut kept = 0;
        for row in &rows {
            let unit: Uuid = row.try_get_by_index(0).unwrap();
            let (data_type, owner): (String, Uuid) =
                (row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
            assert!(is_kept(&unit), "no row names the key {unit} of {data_type}, {owner}");
            kept += usize::from(used.contains(&unit));
        }
        assert_eq!(kept, used.len(), "a key for every unit that a row names");
        for copy in self.copies.iter().filter(|copy| !is_kept(&copy.unit)) {
            assert!(!self.opens(app, copy).await, "{:?} has gone and still opens", copy.place);
        }
        let watched = |t: &&entity::map::Table| TABLES.iter().any(|spec| spec.name == t.name);
        for t in entity::map::tables().iter().filter(|t| !watched(t)) {
            let Some(start) = t.start else { continue };
            assert_eq!(app.count(t.name, &format!("{start} IS NOT NULL")).await, 0, "nobody watches {}", t.name);
        }
        self.figures.check(app, &self.history, self.records.values(), today).await;
        self.suppressions(app, today).await;
        for (table, cleared) in [("customers", "email"), ("orders", "ordered_at"), ("cases", "kind")] {
            let not_bare = format!("erased_at IS NOT NULL AND {cleared} IS NOT NULL");
            assert_eq!(app.count(table, &not_bare).await, 0, "{table} is bare and has {cleared}");
        }
        let blobs: Vec<_> = app.state.blobs.list(None).try_collect().await.unwrap();
        let live = |r: &&Record| self.history.uploaded.contains(&r.id) || r.table == "inbound_mails";
        let with_blob = self.records.values().filter(live).filter(|r| !self.history.without_blob.contains(&r.id));
        assert_eq!(blobs.len(), with_blob.count(), "a blob for every file, and no other");
    }

    /// What the shop may send again is known by its hash: the number of every order that went, and the address of
    /// everybody who was erased, for ten years.
    async fn suppressions(&self, app: &App, today: NaiveDate) {
        let hash = |kind, text: &String| app.state.keys.blind_index(kind, text);
        let erased = self.history.addresses_erased.iter();
        let numbers = self.numbers_gone.iter().map(|(number, on)| (hash(Lookup::OrderNumber, number), *on));
        let all = numbers.chain(erased.map(|(address, on)| (hash(Lookup::Email, address), *on)));
        let expected: HashSet<Vec<u8>> =
            all.filter(|(_, on)| is_suppressed(*on, today)).map(|(hash, _)| hash).collect();
        let rows = db::rows(app.state.db.read(), "SELECT hash FROM suppressions", []).await.unwrap();
        let found: Vec<Vec<u8>> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let (missing, wrong) = (
            expected.iter().filter(|hash| !found.contains(hash)).count(),
            found.iter().filter(|hash| !expected.contains(*hash)).count(),
        );
        assert_eq!(
            (missing, wrong),
            (0, 0),
            "suppressions on {today}: missing, and not to be there; of {}",
            found.len()
        );
    }

    async fn opens(&self, app: &App, copy: &Copy) -> bool {
        let unit = UnitId(copy.unit);
        let keys = app.state.keys.load(&[unit], entity::Purpose::DataProtection, app.now()).await.unwrap();
        keys.get(&unit).and_then(|key| key.open(copy.place, &copy.sealed)).is_some()
    }

    /// After the longest period: no row of a person, no key, no look-up, and no letter of all those years opens.
    pub async fn nothing_personal_is_left(&self, app: &App) {
        for table in entity::map::tables().iter().filter(|t| t.is_personal()) {
            assert_eq!(app.count(table.name, "1 = 1").await, 0, "{}", table.name);
        }
        for sql in ["SELECT id FROM units WHERE subject_id IS NOT NULL", "SELECT hash FROM lookups"] {
            assert_eq!(db::rows(app.state.keys.db().read(), sql, []).await.unwrap().len(), 0, "{sql}");
        }
        for copy in &self.copies {
            assert!(!self.opens(app, copy).await, "{:?} still opens", copy.place);
        }
    }

    /// How much was proved.
    pub fn tally(&self) -> String {
        let people = self.history.people.len();
        let (cases, gone, compared) = (self.history.cases.len(), self.past.len(), self.compared);
        let (left, years) = (self.records.len(), self.figures.years());
        format!(
            "{people} people, {cases} cases, {gone} records gone, {left} left, {compared} tables compared row by row, \
             {years} years of figures"
        )
    }
}

async fn ids(app: &App, table: &str, of: &str) -> HashSet<Uuid> {
    let rows = db::rows(app.state.db.read(), &format!("SELECT id FROM {table}{of}"), []).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

fn first(wrong: &[String]) -> String {
    wrong.iter().take(12).map(String::as_str).collect::<Vec<_>>().join("\n")
}
