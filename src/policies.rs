//! Versions of the shop's policy: what was loaded becomes a row with its validity, and the one of any day can be had.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::DataType;
use entity::ids::EntryId;
use entity::policy_versions::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    QueryFilter as _, QueryOrder as _,
};

use crate::db::Db;
use crate::error::{Code, Error, Refusal};
use crate::policy::calendar;
use crate::policy::retention::Rule;
use crate::policy::shop::{self, Policy};

/// A version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Counted from 1.
    pub number: i32,
    /// First instant of validity, UTC.
    pub valid_from: DateTime<Utc>,
    /// First instant after it; none: open.
    pub valid_until: Option<DateTime<Utc>>,
    /// The policy.
    pub policy: Policy,
    /// The retention rules that follow from it.
    pub rules: HashMap<DataType, Rule>,
}

/// All versions, oldest first; there is always one.
#[derive(Clone, Debug)]
pub struct Policies(Vec<Version>);

impl Policies {
    /// The version in force at an instant. What happened before the first version follows the first.
    #[must_use]
    pub fn version_at(&self, instant: DateTime<Utc>) -> &Version {
        let in_force = |v: &&Version| v.valid_from <= instant && v.valid_until.is_none_or(|until| instant < until);
        let was_ever = |v: &&Version| v.valid_until.is_none_or(|until| v.valid_from < until);
        self.0.iter().rev().find(in_force).or_else(|| self.0.iter().find(was_ever)).unwrap_or_else(|| self.latest())
    }

    /// The policy in force at an instant.
    #[must_use]
    pub fn at(&self, instant: DateTime<Utc>) -> &Policy {
        &self.version_at(instant).policy
    }

    /// The latest version: the policy of the settings.
    #[must_use]
    pub fn latest(&self) -> &Version {
        &self.0[self.0.len() - 1]
    }

    /// All versions, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Version] {
        &self.0
    }
}

/// Makes the loaded policy the latest version, unless it is already, and returns all of them, with the numbers of those whose
/// announcement it takes back. In force it is with the commit.
///
/// # Errors
/// The database fails, or holds a version that cannot be read.
pub async fn sync(
    tx: &DatabaseTransaction,
    loaded: &Policy,
    now: DateTime<Utc>,
) -> anyhow::Result<(Policies, Vec<i32>)> {
    let mut taken_back = Vec::new();
    let document = loaded.text();
    let stored = Entity::find().order_by_asc(Column::Version).all(tx).await?;
    let latest = stored.last();
    if latest.is_none_or(|latest| latest.document != document) {
        // A day that has begun already was not announced: the version is valid from now on.
        let valid_from = loaded.valid_from.map_or(now, calendar::start_of).max(now);
        for before in stored.iter().filter(|v| v.superseded_at.is_none_or(|until| until > valid_from)) {
            // One that was announced and never came into force ends as it begins.
            let until = valid_from.max(before.valid_from);
            let was_to_come = before.valid_from > now && before.superseded_at.is_none_or(|u| before.valid_from < u);
            if was_to_come && before.valid_from >= valid_from {
                taken_back.push(before.version);
            }
            ActiveModel { id: Set(before.id), superseded_at: Set(Some(until)), ..Default::default() }
                .update(tx)
                .await?;
        }
        let row = ActiveModel {
            id: Set(EntryId::new(now)),
            version: Set(latest.map_or(1, |l| l.version + 1)),
            document: Set(document),
            valid_from: Set(valid_from),
            superseded_at: Set(None),
        };
        row.insert(tx).await?;
    }
    let rows = Entity::find().order_by_asc(Column::Version).all(tx).await?;
    let policies = Policies(rows.into_iter().map(version).collect::<anyhow::Result<_>>()?);
    Ok((policies, taken_back))
}

/// Refuses to judge by a policy that another process has replaced since these were loaded.
///
/// # Errors
/// Refused with `POLICY_SUPERSEDED`; the database cannot be read.
pub async fn require_current(db: &Db, policies: &Policies) -> Result<(), Error> {
    let number = policies.latest().number;
    let newer = Entity::find().filter(Column::Version.gt(number)).one(db.read()).await?;
    match newer {
        Some(_) => Err(Refusal::at(Code::PolicySuperseded, &[]).with("version", number).into()),
        None => Ok(()),
    }
}

/// Whether a version has been put in force or announced, and not only been judged by.
///
/// # Errors
/// The database cannot be read.
pub async fn is_stored(db: &Db, number: i32) -> Result<bool, DbErr> {
    Ok(Entity::find().filter(Column::Version.eq(number)).one(db.read()).await?.is_some())
}

fn version(row: Model) -> anyhow::Result<Version> {
    let policy = shop::parse(Some(&row.document)).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        anyhow::anyhow!("version {} of the policy cannot be read: {first}", row.version)
    })?;
    let rules = policy.retention_rules().into_iter().map(|rule| (rule.data_type, rule)).collect();
    Ok(Version { number: row.version, valid_from: row.valid_from, valid_until: row.superseded_at, policy, rules })
}
