//! What belongs to a person, by the data map: found once, from the person downwards.
//!
//! A table's rows are then asked for by the ids of what they hang on. Conditions that climb from each row to its person
//! would be planned anew for every table, and take longer to plan than to answer.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::cases::OVER;
use entity::ids::{CustomerId, first_at};
use entity::map::{Subject, Table, table, tables};
use entity::refunds::RUNNING;
use sea_orm::{ConnectionTrait, DbBackend, Value};
use uuid::Uuid;

use super::rows::{self, Answer, Marks, Row};
use crate::db;
use crate::error::Result;

/// A person, with the rows of theirs that others hang on.
#[derive(Debug)]
pub struct Person {
    id: CustomerId,
    backend: DbBackend,
    /// The ids of those rows, by table: none of a table without any.
    stems: Vec<(&'static str, Vec<Uuid>)>,
    /// The tables with rows of the person, in the order of the map.
    tables: Vec<&'static Table>,
    /// What can be true of a row of theirs.
    marks: Marks,
    /// The first id of what belongs to new business and is left out; none: there is none, or it is not left out.
    since: Option<Uuid>,
}

/// What stands on something of the person, as [`Person::look`] tells it: these are no numbers of tables.
const HELD: i32 = -1;
const RESTRICTED: i32 = -2;
const OPEN: i32 = -3;

impl Person {
    /// Looks at every personal table, in two statements.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(db: &impl ConnectionTrait, customer: CustomerId) -> Result<Self> {
        Self::find_without(db, customer, None).await
    }

    /// As [`Person::find`], as an erasure that was decided at an instant sees them. Whoever orders or opens a case afterwards is
    /// a customer again: that, what hangs on it, and what was since made for the person alone, is new data. What is added to an older
    /// case or order is a part of that.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn as_of(db: &impl ConnectionTrait, customer: CustomerId, decided: DateTime<Utc>) -> Result<Self> {
        // Ids carry the millisecond, so that the decision's own is not after it.
        let since = first_at(decided + TimeDelta::milliseconds(1));
        let newer = "SELECT 1 WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = $1 AND id >= $2) \
                     OR EXISTS (SELECT 1 FROM cases WHERE customer_id = $1 AND id >= $2)";
        let is_again = !db::rows(db, newer, [customer.0.into(), since.into()]).await?.is_empty();
        Self::find_without(db, customer, is_again.then_some(since)).await
    }

    async fn find_without(db: &impl ConnectionTrait, customer: CustomerId, since: Option<Uuid>) -> Result<Self> {
        let mut person = Self {
            id: customer,
            backend: db.get_database_backend(),
            stems: vec![("customers", vec![customer.0])],
            tables: Vec::new(),
            marks: Marks { held: false, restricted: false, open: false, whose: false },
            since,
        };
        let values = [customer.0.into()].into_iter().chain(since.map(Value::from));
        for row in db::rows(db, &stems(person.backend, since.is_some()), values).await? {
            let (name, ids): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let Some(t) = table(&name) else { continue };
            let ids = serde_json::from_str(&ids).map_err(|e| anyhow::anyhow!("ids of {name}: {e}"))?;
            person.stems.push((t.name, ids));
        }
        let lists = person.stems.iter().map(|(_, ids)| person.list(ids)).collect::<Vec<_>>();
        let mut found: Vec<i32> = Vec::new();
        for row in db::rows(db, &person.look(), lists).await? {
            found.push(row.try_get_by_index(0)?);
        }
        found.sort_unstable();
        for what in found {
            match what {
                HELD => person.marks.held = true,
                RESTRICTED => person.marks.restricted = true,
                OPEN => person.marks.open = true,
                _ => person.tables.extend(usize::try_from(what).ok().and_then(|at| tables().get(at))),
            }
        }
        Ok(person)
    }

    /// The customer.
    #[must_use]
    pub const fn id(&self) -> CustomerId {
        self.id
    }

    /// Whether they have ordered or opened a case since, which is left out.
    #[must_use]
    pub const fn is_again(&self) -> bool {
        self.since.is_some()
    }

    /// The personal tables with rows of the person, in the order of the map.
    #[must_use]
    pub fn tables(&self) -> &[&'static Table] {
        &self.tables
    }

    /// Asks for the person's rows of `t`. On what nothing stands, no row is asked.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn ask(&self, db: &impl ConnectionTrait, t: &'static Table) -> Result<Answer> {
        let (theirs, values) = self.rows_of(t, 1);
        rows::answer(db, t, self.marks, &theirs, values).await
    }

    /// The rows that were asked for.
    ///
    /// # Errors
    /// It is not what was asked for.
    pub fn rows(&self, answer: Answer) -> Result<Vec<Row>> {
        let mut rows = answer.rows()?;
        for row in &mut rows {
            row.customer = Some(self.id);
        }
        Ok(rows)
    }

    /// `t` is the person's, with the ids bound as `$n` and the numbers after it.
    #[must_use]
    pub fn rows_of(&self, t: &Table, n: usize) -> (String, Vec<Value>) {
        let ways: Vec<_> = self.ways(t).collect();
        let to = |stem: usize| self.stems[stem].0;
        let since = self.since.filter(|_| ways.iter().any(|(_, stem)| older(t, to(*stem), "t", 0).is_some()));
        let way = |alias: &str, i: usize, column: &str| {
            let any = db::is_any(self.backend, &format!("{alias}.{column}"), n + i);
            match since.and_then(|_| older(t, to(ways[i].1), alias, n + ways.len())) {
                Some(older) => format!("{any} AND {older}"),
                None => any,
            }
        };
        let condition = match ways.as_slice() {
            [] => "1 = 0".to_owned(),
            [(only, _)] => way("t", 0, only),
            several => {
                // Each way by its index: with `OR` between them PostgreSQL reads the whole table.
                let each = several.iter().enumerate();
                let each = each.map(|(i, (c, _))| format!("SELECT w.id FROM {} w WHERE {}", t.name, way("w", i, c)));
                format!("t.id IN ({})", each.collect::<Vec<_>>().join(" UNION "))
            }
        };
        let lists = ways.iter().filter_map(|(_, at)| self.stems.get(*at)).map(|(_, ids)| self.list(ids));
        (condition, lists.chain(since.map(Value::from)).collect())
    }

    /// Of these rows of `t`, those of the person.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn among(&self, db: &impl ConnectionTrait, t: &Table, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        let (theirs, values) = self.rows_of(t, 2);
        let any = db::is_any(self.backend, "t.id", 1);
        let sql = format!("SELECT t.id FROM {} t WHERE {any} AND {theirs}", t.name);
        let rows = db::rows(db, &sql, [self.list(ids)].into_iter().chain(values)).await?;
        rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
    }

    fn list(&self, ids: &[Uuid]) -> Value {
        db::id_list(self.backend, ids.iter().copied())
    }

    /// The columns by which a row of `t` can hang on something of the person, and on which of the stems.
    fn ways(&self, t: &Table) -> impl Iterator<Item = (&'static str, usize)> {
        let links: &'static [_] = if t.subject == Subject::Itself { &[("id", "customers")] } else { t.links() };
        links.iter().filter_map(|(column, to)| Some((*column, self.stems.iter().position(|(name, _)| name == to)?)))
    }

    /// The second statement of [`Person::find`], with the stems' ids bound in their order. A row tells the number of a table
    /// with rows of the person in the map, or what stands on something of theirs.
    fn look(&self) -> String {
        let is_postgres = self.backend == DbBackend::Postgres;
        let some = |t: &Table, also: &str| {
            let way = |(column, stem): (&str, usize)| match is_postgres {
                true => format!("EXISTS (SELECT 1 FROM {} t WHERE t.{column} = ANY(${}){also})", t.name, stem + 1),
                false => format!(
                    "EXISTS (SELECT 1 FROM stem_{stem} s CROSS JOIN {} t WHERE t.{column} = s.id{also})",
                    t.name
                ),
            };
            let ways: Vec<String> = self.ways(t).map(way).collect();
            if ways.is_empty() { "1 = 0".to_owned() } else { ways.join(" OR ") }
        };
        let personal = tables().iter().enumerate().filter(|(_, t)| t.is_personal());
        let mut looks: Vec<String> = personal.map(|(i, t)| format!("SELECT {i} WHERE {}", some(t, ""))).collect();
        let standing = |on: &str, also: &str| table(on).map_or_else(|| "1 = 0".to_owned(), |t| some(t, also));
        // A hold on records of a data type and year may cover any of them.
        let on_records = "EXISTS (SELECT 1 FROM holds t WHERE t.released_at IS NULL AND t.data_type IS NOT NULL)";
        looks.push(format!("SELECT {HELD} WHERE {on_records} OR {}", standing("holds", " AND t.released_at IS NULL")));
        looks.push(format!("SELECT {RESTRICTED} WHERE {}", standing("restrictions", " AND t.lifted_at IS NULL")));
        looks.push(format!(
            "SELECT {OPEN} WHERE {} OR {}",
            standing("cases", &format!(" AND t.state NOT IN {OVER}")),
            standing("refunds", &format!(" AND t.state IN {RUNNING}"))
        ));
        let mut look = looks.join(" UNION ALL ");
        if !is_postgres {
            // Otherwise each list would be read anew for every table.
            let list =
                |stem| format!("stem_{stem}(id) AS MATERIALIZED (SELECT unhex(value) FROM json_each(${}))", stem + 1);
            let lists: Vec<String> = (0..self.stems.len()).map(list).collect();
            look.insert_str(0, &format!("WITH {} ", lists.join(", ")));
        }
        look
    }
}

/// That a row of `t`, called `alias`, which hangs on one of `to`, is none of the new business that begins with the id `$n`; none
/// where it cannot be. A case begins something new, and so does what hangs on the person alone, or on a case as well as on an older
/// order.
fn older(t: &Table, to: &str, alias: &str, n: usize) -> Option<String> {
    match to {
        _ if t.name == "cases" => Some(format!("{alias}.id < ${n}")),
        "customers" => Some(format!("{alias}.id < ${n}")),
        "orders" if t.has("case_id") => Some(format!("({alias}.id < ${n} OR {alias}.case_id IS NULL)")),
        _ => None,
    }
}

/// The first statement of [`Person::find`]: the customer is `$1`; where new business is left out, its first id is `$2`. A row
/// tells a table on whose rows others can hang, and the ids of those that are the person's, as JSON.
fn stems(backend: DbBackend, is_bounded: bool) -> String {
    let (mut with, mut lists) = (Vec::new(), Vec::new());
    let list = match backend {
        DbBackend::Postgres => "json_agg(id)::text",
        _ => "json_group_array(hex(id))",
    };
    let these = |to: &str| match (to, backend) {
        ("customers", _) => "= $1".to_owned(),
        (_, DbBackend::Postgres) => format!("= ANY(ARRAY(SELECT id FROM {to}_of))"),
        _ => format!("IN (SELECT id FROM {to}_of)"),
    };
    let is_stem = |t: &&Table| tables().iter().any(|other| other.links().iter().any(|(_, to)| *to == t.name));
    for t in tables().iter().filter(|t| t.is_personal() && t.subject != Subject::Itself).filter(is_stem) {
        let way = |(column, to): &(&str, &str)| {
            let older = older(t, to, "t", 2).filter(|_| is_bounded).map(|older| format!(" AND {older}"));
            format!("SELECT t.id FROM {} t WHERE t.{column} {}{}", t.name, these(to), older.unwrap_or_default())
        };
        let ways: Vec<String> = t.links().iter().map(way).collect();
        with.push(format!("{}_of AS MATERIALIZED ({})", t.name, ways.join(" UNION ")));
        lists.push(format!("SELECT '{0}', {list} FROM {0}_of HAVING COUNT(*) > 0", t.name));
    }
    format!("WITH {} {}", with.join(", "), lists.join(" UNION ALL "))
}
