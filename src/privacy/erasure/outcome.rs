//! What becomes of every record: one function for the dry run and for the run, so that they cannot say different things.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::CustomerId;
use entity::map::{Table, table, tables};
use entity::retention_rules::Action;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::Record;
use crate::db::{id_list, is_any};
use crate::error::Result;
use crate::policy::calendar;
use crate::retention::door::{self, Ground, Verdict};
use crate::retention::paths;
use crate::retention::person::Person;
use crate::retention::rows::{self, Row};
use crate::state::App;

/// A record of the person, and what becomes of it.
#[derive(Debug)]
pub(super) struct Fate {
    /// Its table.
    pub table: &'static Table,
    /// The outcome.
    pub record: Record,
    /// As it was when that was found.
    pub row: Row,
}

impl Fate {
    /// The door has said what really became of it.
    pub(super) fn settle(&mut self, app: &App, verdict: Verdict) {
        let why = if self.row.open { Why::Case } else { Why::Way };
        self.record = record(app, self.table, &self.row, verdict, why);
    }
}

/// What an open record waits for.
#[derive(Clone, Copy)]
enum Why {
    Case,
    Refund,
    Way,
}

/// What becomes of every record of the person that was there when the erasure was decided.
pub(super) async fn fates(
    app: &App,
    db: &impl ConnectionTrait,
    person: &Person,
    decided: DateTime<Utc>,
) -> Result<Vec<Fate>> {
    let (now, ground) = (app.clock.now(), Ground::Erasure(entity::ids::ErasureId(Uuid::nil())));
    let mut fates = Vec::new();
    for t in person.tables().iter().copied().rev() {
        let (theirs, values) = person.rows_of(t, 1);
        let found = rows::read(db, t, person.marks(), &theirs, values).await?;
        let is_old = |r: &Row| !r.bare && !came_later(r.id, decided) && !is_own_file(t, r.id, r.data_type, decided);
        let live: Vec<Row> = found.into_iter().filter(is_old).collect();
        // Whoever orders again after asking is a customer again: that is new data, and needs the contact.
        let is_new_customer = t.name == "customers" && has_new_business(db, person.id(), decided).await?;
        let mut judged = Vec::with_capacity(live.len());
        for row in live {
            let Some(rule) = app.rules.get(&row.data_type) else { continue };
            let verdict = if is_new_customer { Verdict::NotDue } else { door::check(&row, rule, ground, now) };
            judged.push((row, verdict));
        }
        let waiting: Vec<Uuid> =
            judged.iter().filter(|(row, v)| *v == Verdict::Deferred && row.open).map(|(row, _)| row.id).collect();
        let cases = with_open_case(db, t, &waiting).await?;
        fates.extend(judged.into_iter().map(|(row, verdict)| {
            let why = match row.open {
                true if cases.contains(&row.id) => Why::Case,
                true => Why::Refund,
                false => Why::Way,
            };
            Fate { table: t, record: record(app, t, &row, verdict, why), row }
        }));
    }
    Ok(fates)
}

async fn with_open_case(db: &impl ConnectionTrait, t: &Table, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let [case, _] = paths::work(t);
    let any = is_any(db.get_database_backend(), "t.id", 1);
    let sql = format!("SELECT t.id FROM {} t WHERE {any} AND {case}", t.name);
    let rows = crate::db::rows(db, &sql, [id_list(db.get_database_backend(), ids.iter().copied())]).await?;
    rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
}

/// When the row of an id was made: ids carry the millisecond.
fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

pub(in crate::privacy) fn came_later(id: Uuid, decided: DateTime<Utc>) -> bool {
    made_at(id).is_some_and(|made| made > decided)
}

/// Whether a row came into being with the erasure itself: the request's file and answer, the recipients' notices. They
/// are kept as its proof, by rules of their own, and are not part of what was asked to be erased.
pub(in crate::privacy) fn is_own_file(t: &Table, id: Uuid, data_type: DataType, decided: DateTime<Utc>) -> bool {
    let millisecond = DateTime::from_timestamp_millis(decided.timestamp_millis()).unwrap_or(decided);
    let of_it = match t.name {
        "subject_requests" | "recipient_notices" => true,
        "mails" => matches!(data_type, DataType::R14 | DataType::R30),
        _ => false,
    };
    of_it && made_at(id).is_some_and(|made| made >= millisecond)
}

/// Whether the person has ordered or opened a case since the erasure was decided.
async fn has_new_business(db: &impl ConnectionTrait, customer: CustomerId, decided: DateTime<Utc>) -> Result<bool> {
    for table in ["orders", "cases"] {
        let sql = format!("SELECT id FROM {table} WHERE customer_id = $1 ORDER BY id DESC LIMIT 1");
        let rows = crate::db::rows(db, &sql, [customer.0.into()]).await?;
        if let Some(newest) = rows.first()
            && came_later(newest.try_get_by_index(0)?, decided)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn record(app: &App, t: &Table, row: &Row, verdict: Verdict, why: Why) -> Record {
    let today = Some(calendar::day_of(app.clock.now()));
    let latest = row.not_before.map(calendar::day_of);
    let (outcome, on, until, because, article) = match (verdict, why) {
        (Verdict::Erased, _) => ("ERASED", today, None, None, Some("GDPR Art. 17(1)")),
        (Verdict::Anonymised, _) => ("ANONYMISED", today, None, None, Some("GDPR Art. 17(1), Rec. 26")),
        (Verdict::Kept { until, norm, article }, _) => ("KEPT", None, until, Some(norm), Some(article)),
        // Still necessary for what it is processed for.
        (Verdict::Deferred, Why::Case) => ("DEFERRED", None, None, Some("OPEN_CASE"), Some("GDPR Art. 17(1)(a)")),
        (Verdict::Deferred, Why::Refund) => {
            ("DEFERRED", None, None, Some("RUNNING_REFUND"), Some("GDPR Art. 17(1)(a)"))
        }
        (Verdict::Deferred, Why::Way) => {
            ("DEFERRED", None, latest, Some("ORDER_ON_ITS_WAY"), Some("GDPR Art. 17(1)(a)"))
        }
        (Verdict::Restricted, _) => ("RESTRICTED", None, None, Some("RESTRICTION"), Some("GDPR Art. 18")),
        (Verdict::Held, _) => ("HELD", None, None, Some("HOLD"), Some("GDPR Art. 17(3)(e)")),
        // The check never says so of an erasure; only new business does.
        (Verdict::NotDue, _) => ("KEPT", None, None, Some("NEW_BUSINESS"), Some("GDPR Art. 17(1)(a)")),
    };
    Record {
        table: t.name.to_owned(),
        id: row.id,
        data_type: row.data_type,
        outcome: outcome.to_owned(),
        on,
        until,
        because: because.map(str::to_owned),
        article: article.map(str::to_owned),
        waited: false,
    }
}

/// What was said before, with what is said now of those that are there. What is not there any more has gone: as it was
/// planned, or by its own rule since.
pub(super) fn merged(app: &App, before: Vec<Record>, now: &[Fate]) -> Vec<Record> {
    let mut now: HashMap<(&'static str, Uuid), &Record> =
        now.iter().map(|f| ((f.table.name, f.record.id), &f.record)).collect();
    let mut records = Vec::with_capacity(before.len().max(now.len()));
    for mut old in before {
        let name = table(&old.table).map_or("", |t| t.name);
        let waited = old.waited || old.waits();
        if let Some(new) = now.remove(&(name, old.id)) {
            records.push(Record { waited: waited && !new.waits(), ..new.clone() });
            continue;
        }
        if !old.is_gone() {
            let anonymised = app.rules.get(&old.data_type).is_some_and(|rule| rule.action == Action::Anonymise);
            old.outcome = if anonymised { "ANONYMISED" } else { "ERASED" }.to_owned();
            (old.on, old.until, old.because) = (Some(calendar::day_of(app.clock.now())), None, None);
            old.article = Some(if anonymised { "GDPR Art. 17(1), Rec. 26" } else { "GDPR Art. 17(1)" }.to_owned());
        }
        old.waited = waited;
        records.push(old);
    }
    let mut fresh: Vec<&Record> = now.into_values().collect();
    let place = |table: &str| tables().iter().position(|t| t.name == table);
    fresh.sort_by_key(|r| (std::cmp::Reverse(place(&r.table)), r.id));
    records.extend(fresh.into_iter().cloned());
    records
}
