//! How well the shop keeps its promises: per kind and month, in service minutes, without a word about who (S20, S74, S88).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::cases::{self, Kind};
use entity::ids::{CaseId, first_at};
use entity::timers::{self, State};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::timers::interruptions;
use crate::auth::{Actor, Permission};
use crate::error::{Code, Refusal, Result};
use crate::policy::rules::RuleId;
use crate::policy::{calendar, measure};
use crate::state::App;

/// How a promise was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Kept in time.
    pub met: u64,
    /// Not kept in time.
    pub breached: u64,
    /// Still running or waiting.
    pub open: u64,
    minutes: Vec<i64>,
}

impl Kept {
    /// So many per cent were done within so many service minutes, pauses left out; none before anything was done.
    #[must_use]
    pub fn within(&self, percent: usize) -> Option<i64> {
        measure::percentile(&mut self.minutes.clone(), percent)
    }
}

/// The cases of a kind that were opened in a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// How many.
    pub cases: u64,
    /// First responses; one more for each objection.
    pub first_response: Kept,
    /// Reviews; one more for each objection.
    pub review: Kept,
    /// How often they were taken up again.
    pub reopenings: u64,
    /// Closed ones.
    pub closed: u64,
    /// Of these, those whose customer was told the result.
    pub closed_with_notice: u64,
}

/// The longest range of one query, in months.
pub const LONGEST: u32 = 13;

/// Cases read at once.
const BATCH: u64 = 2000;

/// The quality of service for cases opened from one day to another, both included (Berlin), by month and kind.
///
/// # Errors
/// For administrators, agents and finance. Refused: a range that ends before it begins or is longer than 13 months.
pub async fn quality(
    app: &App,
    actor: &Actor,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<BTreeMap<(String, &'static str), (Kind, Quality)>> {
    actor.require(Permission::ReadQuality)?;
    let latest = calendar::plus_months(from, LONGEST);
    if to < from || to >= latest {
        let refusal = Refusal::at(Code::Invalid, &["to"]).with("earliest", from);
        return Err(refusal.with("latest", latest.pred_opt().unwrap_or(latest)).into());
    }
    let end = CaseId(first_at(calendar::start_of(calendar::plus_days(to, 1))));
    let mut after = CaseId(first_at(calendar::start_of(from)));
    let mut found = BTreeMap::new();
    loop {
        let rows = cases::Entity::find()
            .filter(cases::Column::Id.gt(after))
            .filter(cases::Column::Id.lt(end))
            .filter(cases::Column::State.ne(cases::State::Erased))
            .order_by_asc(cases::Column::Id)
            .limit(BATCH)
            .all(app.db.read())
            .await?;
        let Some(last) = rows.last().map(|case| case.id) else { return Ok(found) };
        let mut of_case: BTreeMap<CaseId, Vec<timers::Model>> = BTreeMap::new();
        for timer in promises(app, after, last).await? {
            of_case.entry(timer.case_id).or_default().push(timer);
        }
        for case in rows {
            let Some((kind, opened_at)) = case.kind.zip(case.opened_at) else { continue };
            let key = (calendar::month_of(opened_at), kind.code());
            let (_, quality) = found.entry(key).or_insert_with(|| (kind, Quality::default()));
            quality.cases += 1;
            quality.reopenings += u64::try_from(case.reopenings).unwrap_or(0);
            quality.closed += u64::from(case.closed_at.is_some());
            quality.closed_with_notice += u64::from(case.closed_at.is_some() && case.notified_at.is_some());
            for timer in of_case.remove(&case.id).unwrap_or_default() {
                let first = timer.rule == RuleId::FirstResponse.to_string();
                count(app, if first { &mut quality.first_response } else { &mut quality.review }, &timer);
            }
        }
        after = last;
    }
}

/// The first responses and reviews of a range of cases.
async fn promises(app: &App, after: CaseId, last: CaseId) -> Result<Vec<timers::Model>> {
    let rules = [RuleId::FirstResponse.to_string(), RuleId::Review.to_string()];
    let rows = timers::Entity::find()
        .filter(timers::Column::CaseId.gt(after))
        .filter(timers::Column::CaseId.lte(last))
        .filter(timers::Column::Rule.is_in(rules));
    Ok(rows.all(app.db.read()).await?)
}

fn count(app: &App, kept: &mut Kept, timer: &timers::Model) {
    match timer.state {
        State::Met => kept.met += 1,
        State::Breached => kept.breached += 1,
        State::Running | State::Paused => kept.open += 1,
        // Replaced by an announced day, or without an object any more: no promise that was kept or broken.
        State::Superseded => return,
    }
    let Some(settled) = timer.settled_at else { return };
    let pauses: Vec<_> =
        interruptions(timer).iter().map(|pause| measure::ended(pause.from, pause.to, settled)).collect();
    let policy = app.policies.at(timer.started_at);
    kept.minutes.push(measure::service_minutes(&policy.calendars(), (timer.started_at, settled), &pauses));
}
