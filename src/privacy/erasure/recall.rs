//! After a restore: erasures that the backup does not know, or knows as they stood then, are on record again.

use std::borrow::Cow;
use std::collections::HashSet;

use entity::erasures::{Entity, State};
use entity::ids::{CustomerId, ErasureId, made_at};
use entity::{DataType, customers};
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::{Record, outcome, report, stored, suppress, text};
use crate::db;
use crate::error::Result;
use crate::policy::calendar;
use crate::state::App;

/// What a restore has done about an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::privacy) enum Recalled {
    /// It is on record again, and goes on.
    Again,
    /// The backup has it as it stood last.
    Known,
    /// Nothing of it has gone, and nothing is there of the person.
    Nobody,
}

/// Puts an erasure back: what went again is on record as gone; what waited follows with [`super::resume`]. Nothing is put back
/// of a person whom the database does not know.
///
/// # Errors
/// The database fails.
pub(in crate::privacy) async fn recall(
    app: &App,
    id: ErasureId,
    customer: Option<CustomerId>,
    gone: &[(&'static str, Uuid, DataType)],
) -> Result<Recalled> {
    let known = Entity::find_by_id(id).one(app.db.read()).await?;
    let Some(customer) = known.as_ref().map(|row| row.customer_id).or(customer) else {
        return Ok(Recalled::Nobody);
    };
    if gone.is_empty() {
        if known.is_some() {
            return Ok(Recalled::Known);
        }
        if customers::Entity::find_by_id(customer).one(app.db.read()).await?.is_none() {
            return Ok(Recalled::Nobody);
        }
    }
    let before = known.as_ref().map(stored).transpose()?;
    let (records, recipients) = before.map(|r| (r.records, r.recipients)).unwrap_or_default();
    let named: HashSet<(&str, Uuid)> = gone.iter().map(|(table, id, _)| (*table, *id)).collect();
    let (replaced, mut records): (Vec<Record>, Vec<Record>) =
        records.into_iter().partition(|r| named.contains(&(r.table.as_ref(), r.id)));
    let waited = replaced.iter().filter(|r| r.waited || r.waits());
    let waited: HashSet<(&str, Uuid)> = waited.map(|r| (r.table.as_ref(), r.id)).collect();
    let now = app.clock.now();
    let requested = made_at(id.0).unwrap_or(now);
    for (table, row, data_type) in gone {
        let (outcome, article) = outcome::gone(app, *data_type);
        records.push(Record {
            table: Cow::Borrowed(table),
            id: *row,
            data_type: *data_type,
            outcome,
            on: Some(calendar::day_of(requested)),
            until: None,
            because: None,
            article: Some(Cow::Borrowed(article)),
            waited: waited.contains(&(*table, *row)),
        });
    }
    let mut report = report(app, Some(id), customer, records, recipients);
    report.state = State::Deferred;
    let sql = "INSERT INTO erasures (id, customer_id, state, requested_at, report) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (id) DO UPDATE SET state = excluded.state, report = excluded.report, settled_at = NULL, \
               certificate = NULL, certificate_hash = NULL";
    let values =
        [id.0.into(), customer.0.into(), State::Deferred.code().into(), requested.into(), text(&report)?.into()];
    let tx = app.db.begin().await?;
    if known.is_none() {
        suppress(app, &tx, customer, requested).await?;
    }
    db::run(&tx, sql, values).await?;
    tx.commit().await?;
    Ok(Recalled::Again)
}
