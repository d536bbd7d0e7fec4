//! What carriers report: kept as it came, once, and only ever forward (F41 to F44, N4).

use chrono::{DateTime, TimeDelta, Utc};
use entity::carrier_events::{self, Status};
use entity::ids::EntryId;
use entity::parcels::{self, Model, Purpose, State};
use entity::{DataType, cases, orders, returns, tasks};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::dispatch::leave;
use crate::auth::Actor;
use crate::cases::machine::Deed;
use crate::cases::tasks as filing;
use crate::error::{Code, Error, Refusal, Result};
use crate::keys::{Place, UnitOf};
use crate::orders::track;
use crate::state::App;
use crate::{audit, db, input};

/// Most events of one request.
pub const MOST: usize = 100;

/// How far a carrier's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// An event as a carrier sends it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The carrier's id of the event: the same one counts once.
    pub id: String,
    /// The carrier's number of the parcel.
    pub tracking_number: String,
    /// What happened, as a code.
    pub status: String,
    /// When, with a zone.
    pub occurred_at: DateTime<Utc>,
    /// In words.
    pub detail: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Taken {
    /// Stored, with what followed from it.
    Recorded,
    /// It has been stored before.
    Duplicate,
    /// No parcel has this number.
    Unknown,
}

struct Checked {
    id: String,
    number: String,
    status: Status,
    at: DateTime<Utc>,
    detail: Option<String>,
}

/// Takes the events of a carrier in their order, each in a transaction of its own, and says what became of each.
///
/// # Errors
/// Refused: a carrier or an event of the wrong form, more than [`MOST`]; then nothing is stored. A store fails: what was
/// stored by then stays, and the carrier sends the rest again.
pub async fn take(app: &App, carrier: &str, reports: Vec<Report>) -> Result<Vec<(String, Taken)>> {
    let carrier = input::code(carrier, &["carrier"])?;
    if reports.len() > MOST {
        return Err(Refusal::at(Code::TooLarge, &["events"]).with("maximum", MOST).into());
    }
    let latest = app.clock.now() + AHEAD;
    let mut events = Vec::with_capacity(reports.len());
    for (index, report) in reports.into_iter().enumerate() {
        let named = |error| match error {
            Error::Refused(refusal) => Error::Refused(refusal.element("events", index)),
            other => other,
        };
        events.push(check(report, latest).map_err(named)?);
    }
    let mut taken = Vec::with_capacity(events.len());
    for event in events {
        let outcome = record(app, &carrier, &event).await?;
        taken.push((event.id, outcome));
    }
    Ok(taken)
}

fn check(report: Report, latest: DateTime<Utc>) -> Result<Checked> {
    use sea_orm::Iterable as _;
    input::instant(report.occurred_at, &["events", "occurredAt"], latest)?;
    let status = Status::iter().find(|s| s.code() == report.status).ok_or_else(|| {
        let codes = Status::iter().map(Status::code).collect::<Vec<_>>().join(", ");
        Refusal::at(Code::Invalid, &["events", "status"]).with("expected", codes)
    })?;
    Ok(Checked {
        id: input::identifier(&report.id, &["events", "id"], 200)?,
        number: input::identifier(&report.tracking_number, &["events", "trackingNumber"], 80)?,
        status,
        at: report.occurred_at,
        detail: input::optional(report.detail.as_deref(), &["events", "detail"], input::SHORT_TEXT)?,
    })
}

/// Where a parcel goes from a state with an event. It only goes forward: what was delivered stays delivered, and what was
/// lost is at most delivered after all.
const fn forward(state: State, status: Status) -> Option<State> {
    match (state, status) {
        (State::Delivered, _) => None,
        (_, Status::Delivered) => Some(State::Delivered),
        (State::Announced | State::InTransit, Status::Lost) => Some(State::Lost),
        (State::Announced, Status::InTransit | Status::OutForDelivery) => Some(State::InTransit),
        _ => None,
    }
}

async fn record(app: &App, carrier: &str, event: &Checked) -> Result<Taken> {
    let now = app.clock.now();
    let Some(id) = track::look_up(app, carrier, &event.number).await? else { return Ok(Taken::Unknown) };
    let Some(seen) = parcels::Entity::find_by_id(id).one(app.db.read()).await? else { return Ok(Taken::Unknown) };
    let order = orders::Entity::find_by_id(seen.order_id).one(app.db.read()).await?.ok_or(Error::NotFound)?;
    let dedup = app.keys.keyed_hash("carrier event", format!("{carrier}\0{}", event.id).as_bytes());

    let tx = app.db.begin().await?;
    // The person first, as the door does: the periods of a parcel change here, and the key stays until the event is there.
    db::lock(&tx, "customers", order.customer_id.0).await?;
    if let Some(case) = seen.case_id {
        db::lock(&tx, "cases", case.0).await?;
    }
    track::lock(&tx, seen.order_id).await?;
    db::lock(&tx, "parcels", id.0).await?;
    let Some(parcel) = parcels::Entity::find_by_id(id).one(&tx).await? else { return Ok(Taken::Unknown) };
    let known = carrier_events::Entity::find().filter(carrier_events::Column::DedupKey.eq(dedup.clone()));
    if known.one(&tx).await?.is_some() {
        return Ok(Taken::Duplicate);
    }
    let entry = EntryId::new(now);
    let unit = match &event.detail {
        None => None,
        Some(_) => {
            let subject = Some(order.customer_id.0);
            Some(app.keys.ensure(UnitOf { owner: id.0, data_type: DataType::R08, year: 0, subject }, now).await?)
        }
    };
    let place = Place { table: "carrier_events", column: "detail", row: entry.0 };
    let detail = unit.as_ref().zip(event.detail.as_deref()).map(|(unit, detail)| unit.key.seal(place, detail));
    let row = carrier_events::ActiveModel {
        id: Set(entry),
        parcel_id: Set(id),
        unit_id: Set(unit.map(|unit| unit.id)),
        dedup_key: Set(dedup),
        status: Set(event.status),
        occurred_at: Set(event.at),
        received_at: Set(now),
        detail: Set(detail.transpose()?),
        // Never longer than its parcel, whose end moves it.
        start_at: Set(parcel.start_at),
        not_before: Set(None),
    };
    row.insert(&tx).await?;
    follow(&tx, parcel, event, now).await?;
    let details = json!({ "status": event.status.code(), "at": event.at });
    audit::record(&tx, now, &Actor::System, "parcel.event", ("parcels", Some(id.0)), details).await?;
    tx.commit().await?;
    Ok(Taken::Recorded)
}

/// What follows from an event, in its transaction.
async fn follow(tx: &DatabaseTransaction, parcel: Model, event: &Checked, now: DateTime<Utc>) -> Result<()> {
    if matches!(event.status, Status::Exception | Status::Lost) && parcel.state != State::Delivered {
        trace(tx, &parcel, now).await?;
    }
    if parcel.purpose == Purpose::Return && is_scan(event.status) {
        first_scan(tx, &parcel, event.at, now).await?;
    }
    match forward(parcel.state, event.status) {
        Some(State::Delivered) => track::arrive(tx, parcel, event.at).await.map(drop),
        Some(State::Lost) => track::lose(tx, parcel, event.at).await.map(drop),
        Some(state) => {
            let (version, dispatched) = (parcel.version, parcel.dispatched_at.or(Some(event.at)));
            let mut row: parcels::ActiveModel = parcel.into();
            row.state = Set(state);
            row.dispatched_at = Set(dispatched);
            row.version = Set(version + 1);
            row.update(tx).await?;
            Ok(())
        }
        None => Ok(()),
    }
}

const fn is_scan(status: Status) -> bool {
    matches!(status, Status::InTransit | Status::OutForDelivery | Status::Delivered)
}

/// The first scan of goods on their way back proves their dispatch.
async fn first_scan(tx: &DatabaseTransaction, parcel: &Model, at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    let Some(id) = parcel.return_id else { return Ok(()) };
    let row = returns::Entity::find_by_id(id).one(tx).await?;
    let Some(row) = row.filter(|r| r.state == returns::State::Instructed) else { return Ok(()) };
    let case = cases::Entity::find_by_id(row.case_id).one(tx).await?;
    let Some(case) = case.filter(|c| Deed::Dispatch.is_legal(c.state)) else { return Ok(()) };
    leave(tx, &Actor::System, case, row, at, now).await?.1.update(tx).await?;
    Ok(())
}

/// Somebody has to look for a parcel; on its case, or on the latest open case about its order.
async fn trace(tx: &DatabaseTransaction, parcel: &Model, now: DateTime<Utc>) -> Result<()> {
    let case = match parcel.case_id {
        Some(case) => cases::Entity::find_by_id(case).one(tx).await?.filter(|c| !c.state.is_over()),
        None => {
            let of_order = cases::Entity::find()
                .filter(cases::Column::OrderId.eq(parcel.order_id))
                .order_by_desc(cases::Column::Id);
            of_order.all(tx).await?.into_iter().find(|c| !c.state.is_over())
        }
    };
    let Some(case) = case.map(|c| c.id) else { return Ok(()) };
    if !filing::is_open(tx, case, tasks::Kind::TraceParcel).await? {
        filing::file(tx, case, None, tasks::Kind::TraceParcel, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F42: a parcel only goes forward.
    #[test]
    fn a_parcel_only_goes_forward() {
        use State as S;
        use Status as E;
        let all = [E::Announced, E::InTransit, E::OutForDelivery, E::Delivered, E::Exception, E::Lost];
        assert!(all.into_iter().all(|event| forward(S::Delivered, event).is_none()));
        for event in all {
            let expected = (event == E::Delivered).then_some(S::Delivered);
            assert_eq!(forward(S::Lost, event), expected);
        }
        assert_eq!(forward(S::Announced, E::OutForDelivery), Some(S::InTransit));
        assert_eq!(forward(S::InTransit, E::InTransit), None);
        assert_eq!(forward(S::InTransit, E::Lost), Some(S::Lost));
        assert_eq!(forward(S::InTransit, E::Exception), None);
    }
}
