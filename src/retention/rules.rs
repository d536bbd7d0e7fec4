//! Rules as versioned rows: the first policy makes version 1; a changed rule supersedes the last version, on the day on which its
//! policy comes into force.

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::EntryId;
use entity::retention_rules::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction,
    EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use crate::policies::Policies;
use crate::policy::retention::Rule;

/// Brings the stored versions in line with the policies that are in force or announced.
///
/// # Errors
/// The database cannot be read or written.
pub async fn sync(tx: &DatabaseTransaction, policies: &Policies, now: DateTime<Utc>) -> anyhow::Result<()> {
    let stored = Entity::find().order_by_asc(Column::Version).all(tx).await?;
    for data_type in policies.version_at(now).rules.keys() {
        let wanted = wanted(policies, *data_type, now);
        let versions: Vec<&Model> = stored.iter().filter(|s| s.data_type == *data_type).collect();
        let standing: Vec<&Model> = versions.iter().copied().filter(|s| ends_after(s, now.max(s.valid_from))).collect();
        let is_it = |(i, (from, rule)): (usize, &(DateTime<Utc>, &Rule))| {
            standing.get(i).is_some_and(|s| says_the_same(s, rule) && (i == 0 || s.valid_from == *from))
        };
        let fitting = wanted.iter().enumerate().take_while(|(i, one)| is_it((*i, one))).count();
        if fitting == wanted.len() && fitting == standing.len() {
            continue;
        }
        for (i, before) in standing.iter().enumerate() {
            let until = match wanted.get(i + 1) {
                next if i < fitting => next.map(|(from, _)| *from),
                // One that was announced and never came into force ends as it begins.
                _ => Some(now.max(before.valid_from)),
            };
            ActiveModel { id: Set(before.id), superseded_at: Set(until), ..Default::default() }.update(tx).await?;
        }
        let mut version = versions.last().map_or(0, |last| last.version);
        for (i, (from, rule)) in wanted.iter().enumerate().skip(fitting) {
            version += 1;
            let until = wanted.get(i + 1).map(|(from, _)| *from);
            ActiveModel { superseded_at: Set(until), ..row(rule, version, *from) }.insert(tx).await?;
        }
    }
    Ok(())
}

/// What is to rule a data type, and since when: from now on, and from every announced day on that changes it.
fn wanted(policies: &Policies, data_type: DataType, now: DateTime<Utc>) -> Vec<(DateTime<Utc>, &Rule)> {
    let from_now_on = [now].into_iter().chain(policies.all().iter().map(|v| v.valid_from).filter(|from| *from > now));
    let mut instants: Vec<DateTime<Utc>> = from_now_on.collect();
    instants.sort_unstable();
    let mut wanted: Vec<(DateTime<Utc>, &Rule)> = Vec::new();
    for at in instants {
        let Some(rule) = policies.version_at(at).rules.get(&data_type) else { continue };
        if wanted.last().is_none_or(|(_, before)| *before != rule) {
            wanted.push((at, rule));
        }
    }
    wanted
}

fn ends_after(stored: &Model, instant: DateTime<Utc>) -> bool {
    stored.superseded_at.is_none_or(|until| until > instant)
}

/// The versions in force at an instant.
///
/// # Errors
/// The database cannot be read.
pub async fn at(db: &impl ConnectionTrait, instant: DateTime<Utc>) -> Result<Vec<Model>, sea_orm::DbErr> {
    let stands = Condition::any().add(Column::SupersededAt.is_null()).add(Column::SupersededAt.gt(instant));
    Entity::find().filter(Column::ValidFrom.lte(instant)).filter(stands).all(db).await
}

fn says_the_same(stored: &Model, rule: &Rule) -> bool {
    let new = row(rule, stored.version, stored.valid_from);
    stored.start_event == rule.start_event.en
        && Set(stored.period_count) == new.period_count
        && stored.period_unit == rule.unit
        && stored.year_end == rule.year_end
        && stored.action == rule.action
        && stored.norm == rule.norm
        && stored.purpose == rule.purpose
        && stored.basis == rule.basis
}

fn row(rule: &Rule, version: i32, from: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        id: Set(EntryId::new(from)),
        data_type: Set(rule.data_type),
        version: Set(version),
        start_event: Set(rule.start_event.en.to_owned()),
        period_count: Set(i32::try_from(rule.count).unwrap_or(i32::MAX)),
        period_unit: Set(rule.unit),
        year_end: Set(rule.year_end),
        action: Set(rule.action),
        norm: Set(rule.norm.to_owned()),
        purpose: Set(rule.purpose.to_owned()),
        basis: Set(rule.basis.to_owned()),
        valid_from: Set(from),
        superseded_at: Set(None),
    }
}
