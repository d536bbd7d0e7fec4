//! Rules as versioned rows: the first policy makes version 1; a changed rule supersedes the last version.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::EntryId;
use entity::retention_rules::{ActiveModel, Column, Entity, Model};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::db::Db;
use crate::policy::retention::Rule;

/// Brings the stored versions in line with the rules of the policy and returns those in force.
///
/// # Errors
/// The database cannot be read or written.
pub async fn sync(db: &Db, rules: Vec<Rule>, now: DateTime<Utc>) -> anyhow::Result<HashMap<DataType, Rule>> {
    if !is_current(&current(db.read()).await?, &rules) {
        let tx = db.begin().await?;
        let stored = current(&tx).await?;
        for rule in &rules {
            let before = stored.iter().find(|s| s.data_type == rule.data_type);
            if before.is_some_and(|s| says_the_same(s, rule)) {
                continue;
            }
            if let Some(before) = before {
                ActiveModel { id: Set(before.id), superseded_at: Set(Some(now)), ..Default::default() }
                    .update(&tx)
                    .await?;
            }
            row(rule, before.map_or(1, |b| b.version + 1), now).insert(&tx).await?;
        }
        tx.commit().await?;
    }
    Ok(rules.into_iter().map(|rule| (rule.data_type, rule)).collect())
}

/// The versions in force.
///
/// # Errors
/// The database cannot be read.
pub async fn current(db: &impl sea_orm::ConnectionTrait) -> Result<Vec<Model>, sea_orm::DbErr> {
    Entity::find().filter(Column::SupersededAt.is_null()).all(db).await
}

fn is_current(stored: &[Model], rules: &[Rule]) -> bool {
    rules.iter().all(|rule| stored.iter().any(|s| s.data_type == rule.data_type && says_the_same(s, rule)))
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

fn row(rule: &Rule, version: i32, now: DateTime<Utc>) -> ActiveModel {
    ActiveModel {
        id: Set(EntryId::new(now)),
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
        valid_from: Set(now),
        superseded_at: Set(None),
    }
}
