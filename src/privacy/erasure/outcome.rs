//! What becomes of every record: one function for the dry run and for the run, so that they cannot say different things.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use entity::DataType;
use entity::holds::Reason;
use entity::ids::made_at;
use entity::map::{Table, table};
use entity::retention_rules::Action;
use futures::future::join;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::record::{HELD_BY_DUTY, HELD_FOR_ACCESS, NEW_BUSINESS};
use super::{Outcome, Record};
use crate::db::{id_list, is_any};
use crate::error::Result;
use crate::policy::calendar;
use crate::retention::door::{self, Ground, Verdict};
use crate::retention::paths;
use crate::retention::person::Person;
use crate::retention::rows::{Answer, Row};
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
    /// The door has let it go today.
    pub(super) fn went(&mut self, today: NaiveDate, verdict: Verdict) {
        self.record = record(today, self.table, &self.row, verdict, Why::Way);
    }
}

/// What a record waits for.
#[derive(Clone, Copy)]
enum Why {
    Case,
    Refund,
    Way,
    /// It is held for legal claims.
    Claims,
    /// The person has asked for access first.
    Access,
    /// Not claims, but a tax audit or an authority has it held.
    Duty,
}

/// What becomes of every record of the person, as the erasure sees them ([`Person::as_of`]): children first, by id. While the rows
/// of one table are judged, the database looks for those of the next. Also returns how many rows the erasure leaves out.
pub(super) async fn fates(
    app: &App,
    db: &impl ConnectionTrait,
    person: &Person,
    decided: DateTime<Utc>,
) -> Result<(Vec<Fate>, usize)> {
    let (mut fates, mut left_out, mut tables) = (Vec::new(), 0, person.tables().iter().copied().rev());
    let ask = async |t: Option<&'static Table>| match t {
        Some(t) => person.ask(db, t).await.map(Some),
        None => Ok(None),
    };
    let mut answer = ask(tables.next()).await?;
    while let Some(of_table) = answer {
        let (next, judged) = join(ask(tables.next()), judge(app, db, person, of_table, decided)).await;
        let (of_table, not_asked) = judged?;
        fates.extend(of_table);
        left_out += not_asked;
        answer = next?;
    }
    if fates.iter().any(|fate| fate.record.waits()) {
        // As long as somebody works on something of the person, or looks into it, whatever lets them in and shows who was in lives
        // by its own short period.
        let rules = app.rules();
        let is_in_use = |fate: &Fate| {
            let waits_for_work = rules.get(&fate.row.data_type).is_some_and(|rule| rule.waits_for_work);
            !waits_for_work && came_later(fate.row.id, decided)
        };
        fates.retain(|fate| !is_in_use(fate));
    }
    Ok((fates, left_out))
}

/// What becomes of the person's records in one table, by id, and how many rows of it are left out.
async fn judge(
    app: &App,
    db: &impl ConnectionTrait,
    person: &Person,
    answer: Answer,
    decided: DateTime<Utc>,
) -> Result<(Vec<Fate>, usize)> {
    let (now, ground) = (app.clock.now(), Ground::Erasure(entity::ids::ErasureId(Uuid::nil())));
    let (t, rules, today) = (answer.table(), app.rules(), calendar::day_of(now));
    let is_asked = |r: &Row| !r.bare && !is_own_file(t, r.id, r.data_type, decided);
    let found = person.rows(answer)?;
    let all = found.len();
    let mut live: Vec<Row> = found.into_iter().filter(is_asked).collect();
    live.sort_unstable_by_key(|row| row.id);
    // New business needs the contact.
    let is_new_customer = t.name == "customers" && person.is_again();
    let mut judged = Vec::with_capacity(live.len());
    for row in live {
        let Some(rule) = rules.get(&row.data_type) else { continue };
        let verdict = if is_new_customer { Verdict::NotDue } else { door::check(&row, rule, ground, now) };
        judged.push((row, verdict));
    }
    let left_out = all - judged.len();
    Ok((explained(db, t, judged, today).await?, left_out))
}

/// What is said of rows of one table by their verdicts. What those wait for that stay is looked up.
pub(super) async fn explained(
    db: &impl ConnectionTrait,
    t: &'static Table,
    judged: Vec<(Row, Verdict)>,
    today: NaiveDate,
) -> Result<Vec<Fate>> {
    let of = |which| judged.iter().filter(|(_, v)| *v == which).map(|(row, _)| row.id).collect::<Vec<Uuid>>();
    let (deferred, held) = (of(Verdict::Deferred), of(Verdict::Held));
    let [open_case, running_refund] = paths::work(t);
    let cases = that(db, t, &deferred, &open_case).await?;
    let refunds = that(db, t, &deferred, &running_refund).await?;
    let claimed = that(db, t, &held, &paths::is_held_because(t, Reason::LegalClaim)).await?;
    let asked = that(db, t, &held, &paths::is_held_because(t, Reason::AccessRequest)).await?;
    let fate = |(row, verdict): (Row, Verdict)| {
        let why = match &verdict {
            Verdict::Held if claimed.contains(&row.id) => Why::Claims,
            Verdict::Held if asked.contains(&row.id) => Why::Access,
            Verdict::Held => Why::Duty,
            _ if cases.contains(&row.id) => Why::Case,
            _ if refunds.contains(&row.id) => Why::Refund,
            _ => Why::Way,
        };
        Fate { table: t, record: record(today, t, &row, verdict, why), row }
    };
    Ok(judged.into_iter().map(fate).collect())
}

/// Those of these rows that meet a condition.
async fn that(db: &impl ConnectionTrait, t: &Table, ids: &[Uuid], condition: &str) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let any = is_any(db.get_database_backend(), "t.id", 1);
    let sql = format!("SELECT t.id FROM {} t WHERE {any} AND {condition}", t.name);
    let rows = crate::db::rows(db, &sql, [id_list(db.get_database_backend(), ids.iter().copied())]).await?;
    rows.iter().map(|r| Ok(r.try_get_by_index(0)?)).collect()
}

/// Whether a row was made after the decision.
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

fn record(today: NaiveDate, t: &Table, row: &Row, verdict: Verdict, why: Why) -> Record {
    let latest = row.not_before.map(calendar::day_of);
    let (outcome, on, until, because, article) = match (verdict, why) {
        (Verdict::Erased, _) => (Outcome::Erased, Some(today), None, None, ERASED),
        (Verdict::Anonymised, _) => (Outcome::Anonymised, Some(today), None, None, ANONYMISED),
        (Verdict::Kept { until, norm, article }, _) => (Outcome::Kept, None, until, Some(norm), article),
        // Still necessary for what it is processed for.
        (Verdict::Deferred, Why::Case) => (Outcome::Deferred, None, None, Some("OPEN_CASE"), "GDPR Art. 17(1)(a)"),
        (Verdict::Deferred, Why::Refund) => {
            (Outcome::Deferred, None, None, Some("RUNNING_REFUND"), "GDPR Art. 17(1)(a)")
        }
        (Verdict::Deferred, _) => (Outcome::Deferred, None, latest, Some("ORDER_ON_ITS_WAY"), "GDPR Art. 17(1)(a)"),
        (Verdict::Restricted, _) => (Outcome::Restricted, None, None, Some("RESTRICTION"), "GDPR Art. 18"),
        (Verdict::Held, Why::Access) => (Outcome::Held, None, None, Some("HOLD"), HELD_FOR_ACCESS),
        (Verdict::Held, Why::Duty) => (Outcome::Held, None, None, Some("HOLD"), HELD_BY_DUTY),
        (Verdict::Held, _) => (Outcome::Held, None, None, Some("HOLD"), "GDPR Art. 17(3)(e)"),
        // The check never says so of an erasure; only new business does.
        (Verdict::NotDue, _) => (Outcome::Kept, None, None, Some(NEW_BUSINESS), "GDPR Art. 17(1)(a)"),
    };
    Record {
        table: Cow::Borrowed(t.name),
        id: row.id,
        data_type: row.data_type,
        outcome,
        on,
        until,
        because: because.map(Cow::Borrowed),
        article: Some(Cow::Borrowed(article)),
        waited: false,
    }
}

/// Why it has gone.
const ERASED: &str = "GDPR Art. 17(1)";
/// Anonymous data is outside the regulation.
const ANONYMISED: &str = "GDPR Art. 17(1), Rec. 26";

/// The outcome of what has gone by the rule of its data type, and its article.
pub(super) fn gone(app: &App, data_type: DataType) -> (Outcome, &'static str) {
    let anonymised = app.rules().get(&data_type).is_some_and(|rule| rule.action == Action::Anonymise);
    if anonymised { (Outcome::Anonymised, ANONYMISED) } else { (Outcome::Erased, ERASED) }
}

/// What was said before, with what is said now of those that are there. What is not there any more has gone: as it was
/// planned, or by its own rule since. `told` is when the erasure was decided, where the person has been told of an earlier pass.
pub(super) fn merged(app: &App, before: Vec<Record>, fates: &[Fate], told: Option<DateTime<Utc>>) -> Vec<Record> {
    let mut now = fates.iter().peekable();
    let mut rest: HashMap<(Uuid, &str), &Fate> = HashMap::new();
    let mut records = Vec::with_capacity(before.len().max(fates.len()));
    for mut old in before {
        // Mostly both are in the same order.
        let new = match now.next_if(|fate| fate.record.id == old.id && fate.table.name == old.table) {
            Some(fate) => Some(fate),
            None => {
                rest.extend(now.by_ref().map(|fate| ((fate.record.id, fate.table.name), fate)));
                rest.remove(&(old.id, table(&old.table).map_or("", |t| t.name)))
            }
        };
        let had_no_day = |old: &Record| old.outcome == Outcome::Kept && old.until.is_none() && !old.is_in_use();
        let has_begun = had_no_day(&old) && new.is_none_or(|fate| !had_no_day(&fate.record));
        let waited = old.waited || told.is_some() && (old.waits() || has_begun);
        if let Some(Fate { record: new, .. }) = new {
            records.push(Record { waited: waited && !new.waits(), ..new.clone() });
            continue;
        }
        if !old.is_gone() {
            let (outcome, article) = gone(app, old.data_type);
            (old.outcome, old.article) = (outcome, Some(Cow::Borrowed(article)));
            (old.on, old.until, old.because) = (Some(calendar::day_of(app.clock.now())), None, None);
        }
        old.waited = waited;
        records.push(old);
    }
    let is_new = |fate: &&Fate| rest.contains_key(&(fate.record.id, fate.table.name));
    // What has been added since was not in that answer.
    let is_added = |id| told.is_some_and(|decided| came_later(id, decided));
    let added =
        |fate: &Fate| Record { waited: is_added(fate.record.id) && !fate.record.waits(), ..fate.record.clone() };
    records.extend(fates.iter().filter(is_new).chain(now).map(added));
    records
}
