//! Finding cases: every condition is one that an index answers, and what is sealed is found by its keyed look-up.

use chrono::{DateTime, Utc};
use entity::cases::{Column, Entity, Kind, Model, State};
use entity::ids::{CaseId, CustomerId, OrderId, StaffId, first_at};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select};

use super::visible_to;
use crate::auth::{Actor, Permission};
use crate::error::{Error, Result};
use crate::keys::lookup::Kind as LookUp;
use crate::state::App;

/// What is looked for; all conditions hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The number of the case.
    pub number: Option<String>,
    /// The number of the order that it is about.
    pub order_number: Option<String>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of this customer.
    pub customer: Option<CustomerId>,
    /// Opened at or after this instant, to the millisecond.
    pub opened_from: Option<DateTime<Utc>>,
    /// Opened before this instant, to the millisecond.
    pub opened_to: Option<DateTime<Utc>>,
    /// Assigned to this member of staff; for staff.
    pub assignee: Option<StaffId>,
    /// Assigned to nobody; for staff.
    pub unassigned: bool,
}

/// What a list of cases is narrowed to, with every look-up done.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    number: Option<String>,
    order: Option<OrderId>,
    state: Option<State>,
    kind: Option<Kind>,
    /// By id and by address, which may be two.
    customers: Vec<CustomerId>,
    opened_from: Option<DateTime<Utc>>,
    opened_to: Option<DateTime<Utc>>,
    assignee: Option<StaffId>,
    unassigned: bool,
}

/// Looks up what is looked up; none where nothing can be found. Who works on a case is not for customers to find out.
///
/// # Errors
/// `FORBIDDEN`; the key store cannot be read.
pub async fn resolve(app: &App, actor: &Actor, wanted: Wanted) -> Result<Option<Filter>> {
    actor.require(Permission::ReadCases)?;
    if actor.staff().is_none() && (wanted.assignee.is_some() || wanted.unassigned) {
        return Err(Error::Forbidden);
    }
    let number = wanted.number.map(|n| n.trim().to_uppercase());
    if number.as_ref().is_some_and(|n| n.chars().any(|c| !c.is_ascii_graphic())) {
        return Ok(None);
    }
    let mut customers: Vec<CustomerId> = wanted.customer.into_iter().collect();
    if let Some(email) = &wanted.email {
        let Some(found) = app.keys.look_up(LookUp::Email, email).await? else { return Ok(None) };
        customers.push(CustomerId(found));
    }
    let mut order = None;
    if let Some(number) = &wanted.order_number {
        let Some(found) = app.keys.look_up(LookUp::OrderNumber, number).await? else { return Ok(None) };
        order = Some(OrderId(found));
    }
    Ok(Some(Filter {
        number,
        order,
        customers,
        state: wanted.state,
        kind: wanted.kind,
        opened_from: wanted.opened_from,
        opened_to: wanted.opened_to,
        assignee: wanted.assignee,
        unassigned: wanted.unassigned,
    }))
}

/// The cases that an actor may see and that meet a filter.
#[must_use]
pub fn matching(actor: &Actor, filter: &Filter) -> Select<Entity> {
    let mut rows = visible_to(actor);
    if let Some(number) = &filter.number {
        rows = rows.filter(Column::Number.eq(number));
    }
    if let Some(order) = filter.order {
        rows = rows.filter(Column::OrderId.eq(order));
    }
    if let Some(state) = filter.state {
        rows = rows.filter(Column::State.eq(state));
    }
    if let Some(kind) = filter.kind {
        rows = rows.filter(Column::Kind.eq(kind));
    }
    for customer in &filter.customers {
        rows = rows.filter(Column::CustomerId.eq(*customer));
    }
    // An id begins with the instant at which the case was opened.
    if let Some(from) = filter.opened_from {
        rows = rows.filter(Column::Id.gte(CaseId(first_at(from))));
    }
    if let Some(to) = filter.opened_to {
        rows = rows.filter(Column::Id.lt(CaseId(first_at(to))));
    }
    if let Some(assignee) = filter.assignee {
        rows = rows.filter(Column::AssignedTo.eq(assignee));
    }
    if filter.unassigned {
        rows = rows.filter(Column::AssignedTo.is_null());
    }
    rows
}

/// A page of cases before an id, newest first, one more than asked for.
///
/// # Errors
/// The database cannot be read.
pub async fn page(app: &App, actor: &Actor, filter: &Filter, before: Option<CaseId>, most: u64) -> Result<Vec<Model>> {
    let mut rows = matching(actor, filter).order_by_desc(Column::Id).limit(most + 1);
    if let Some(before) = before {
        rows = rows.filter(Column::Id.lt(before));
    }
    Ok(rows.all(app.db.read()).await?)
}

/// How many cases are counted at most.
pub const COUNTED: u64 = 10_000;

/// How many cases meet a filter, by state and by kind (F11).
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// There are more than [`COUNTED`]: only so many were counted, the newest.
    pub more: bool,
    /// By state, only those with any.
    pub by_state: Vec<(State, u64)>,
    /// By kind, only those with any.
    pub by_kind: Vec<(Kind, u64)>,
}

/// Counts the cases that meet a filter, for staff.
///
/// # Errors
/// Not for customers; the database cannot be read.
pub async fn counts(app: &App, actor: &Actor, filter: &Filter) -> Result<Counts> {
    actor.require(Permission::ReadCases)?;
    if actor.staff().is_none() {
        return Err(Error::Forbidden);
    }
    let rows = matching(actor, filter)
        .select_only()
        .columns([Column::State, Column::Kind])
        .order_by_desc(Column::Id)
        .limit(COUNTED + 1)
        .into_tuple::<(State, Option<Kind>)>()
        .all(app.db.read())
        .await?;
    let most = usize::try_from(COUNTED).unwrap_or(usize::MAX);
    let mut counts = Counts { more: rows.len() > most, ..Counts::default() };
    for (state, kind) in rows.into_iter().take(most) {
        counts.total += 1;
        add(&mut counts.by_state, state);
        if let Some(kind) = kind {
            add(&mut counts.by_kind, kind);
        }
    }
    Ok(counts)
}

fn add<T: PartialEq>(counts: &mut Vec<(T, u64)>, value: T) {
    match counts.iter_mut().find(|(known, _)| *known == value) {
        Some((_, count)) => *count += 1,
        None => counts.push((value, 1)),
    }
}
