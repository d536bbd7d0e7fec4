//! Lets the plan happen: every event goes through the domain function that a real one would go through, at its instant.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::Context as _;
use bytes::Bytes;
use chrono::TimeDelta;
use entity::cases::NoticeChannel;
use entity::ids::{CaseId, CustomerId, OrderId, RefundId};
use entity::staff::Role;

use super::Filled;
use super::people::Person;
use super::photo;
use super::plan::{By, Event, Opening, What};
use crate::auth::Actor;
use crate::cases::{self, Close, NewCase, NewMessage, Notice, access};
use crate::clock::FixedClock;
use crate::customers::access::NewToken;
use crate::error::{Error, Result};
use crate::evidence::{self, NewAttachment, receive};
use crate::orders::{self, NewOrder};
use crate::refunds::grant::Grant;
use crate::refunds::progress::Progress;
use crate::refunds::{self, Step};
use crate::returns::Shipment;
use crate::state::App;
use crate::{customers, staff};

/// The plan's places and the ids that they got.
pub(super) struct Replay<'a> {
    app: &'a App,
    clock: FixedClock,
    people: Vec<Person>,
    customers: HashMap<usize, CustomerId>,
    orders: HashMap<usize, OrderId>,
    cases: HashMap<usize, CaseId>,
    refunds: HashMap<usize, RefundId>,
    staff: HashMap<Role, Actor>,
    photos: usize,
    parcels: u64,
    keys: u64,
}

impl<'a> Replay<'a> {
    /// Begins with nothing.
    pub(super) fn new(app: &'a App, clock: FixedClock, people: Vec<Person>) -> Self {
        Self {
            app,
            clock,
            people,
            customers: HashMap::new(),
            orders: HashMap::new(),
            cases: HashMap::new(),
            refunds: HashMap::new(),
            staff: HashMap::new(),
            photos: 0,
            parcels: 0,
            keys: 0,
        }
    }

    /// Lets one event happen. The clock moves by a millisecond at least, so that ids sort by time.
    ///
    /// # Errors
    /// The event is refused or a store fails: the text says which event.
    pub(super) async fn apply(&mut self, event: Event) -> anyhow::Result<()> {
        self.clock.set(event.at.max(self.clock.now() + TimeDelta::milliseconds(1)));
        let what = name(&event.what);
        let done = self.happen(event.what).await.map_err(|error| match error {
            Error::Internal(cause) => cause,
            other => anyhow::anyhow!("{other}"),
        });
        done.with_context(|| format!("{what} at {}", self.clock.now().to_rfc3339()))
    }

    /// What there is now.
    pub(super) fn filled(&self) -> Filled {
        Filled {
            customers: self.customers.len(),
            orders: self.orders.len(),
            cases: self.cases.len(),
            refunds: self.refunds.len(),
            photos: self.photos,
        }
    }

    async fn happen(&mut self, what: What) -> Result<()> {
        let app = self.app;
        let key = self.key();
        match what {
            What::Join(role) => self.join(role, &key).await?,
            What::Register { order, person, new } => self.register(order, person, *new, &key).await?,
            What::Deliver(delivery) => {
                orders::deliver(app, &Actor::Shop, delivery, &key).await?;
            }
            What::SignIn { person } => {
                let new = NewToken { email: self.people[person].email.clone(), minutes: None };
                customers::access::create(app, &Actor::Shop, new, &key).await?;
            }
            What::Open { case, by, person, order, opening } => {
                self.open(case, by, person, order, opening, &key).await?
            }
            What::Look { case, by } => {
                access::open(app, &self.actor(by)?, known(&self.cases, case)?).await?;
            }
            What::Photo { case, by, name, seed } => self.photo(case, by, name, seed, &key).await?,
            What::Write { case, by, body, internal } => {
                let new = NewMessage { body, internal };
                cases::reply(app, &self.actor(by)?, known(&self.cases, case)?, new, &key).await?;
            }
            What::Decide { case, decision } => {
                cases::decide(app, &self.actor(By::Agent)?, known(&self.cases, case)?, decision, &key).await?;
            }
            What::Grant { case, refund, amount } => {
                let grant = Grant::Amount { amount_minor: amount, currency: "EUR".to_owned() };
                let agent = self.actor(By::Agent)?;
                let row = refunds::grant(app, &agent, known(&self.cases, case)?, grant, &key).await?;
                self.refunds.insert(refund, row.id);
            }
            What::Step { refund, step, reference } => {
                let (finance, refund) = (self.actor(By::Finance)?, known(&self.refunds, refund)?);
                let row = refunds::get(app.db.read(), &finance, refund).await?;
                if step == Step::Submit && refunds::lacks_approval(&row) {
                    // An agent has granted it, so finance is the second pair of eyes (F31).
                    let progress = Progress { reference: None, means: None, expected_version: None };
                    refunds::advance(app, &finance, refund, Step::Approve, progress, &format!("{key}-approval"))
                        .await?;
                }
                let progress = Progress { reference, means: None, expected_version: None };
                refunds::advance(app, &finance, refund, step, progress, &key).await?;
            }
            What::Deed { case, person, deed, into } => {
                let into = into.map(|into| known(&self.cases, into)).transpose()?;
                let case = known(&self.cases, case)?;
                self.deed(case, person, deed, into, &key).await?;
            }
            What::Replace { case } => {
                let case = known(&self.cases, case)?;
                self.replace(case, &key).await?;
            }
            What::Notify { case, text } => {
                let notice = Notice { channel: NoticeChannel::Email, text, expected_version: None };
                cases::notify(app, &self.actor(By::Agent)?, known(&self.cases, case)?, notice, &key).await?;
            }
            What::Safety(incident) => {
                let case = incident.case.map(|case| known(&self.cases, case)).transpose()?;
                self.incident(incident, case, &key).await?;
            }
            What::Close { case, advice_only } => {
                let close = Close { advice_only, expected_version: None };
                cases::close(app, &self.actor(By::Agent)?, known(&self.cases, case)?, close, &key).await?;
            }
        }
        Ok(())
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("demo-{}", self.keys)
    }

    /// What it happens to.
    pub(super) const fn app(&self) -> &'a App {
        self.app
    }

    /// A parcel with a number of its own.
    pub(super) fn shipment(&mut self) -> Shipment {
        self.parcels += 1;
        Shipment { carrier: "DHL".to_owned(), tracking_number: format!("0034043416{:010}", self.parcels) }
    }

    /// The warehouse, which joins when it is first needed.
    pub(super) async fn warehouse(&mut self) -> Result<Actor> {
        if !self.staff.contains_key(&Role::Warehouse) {
            self.join(Role::Warehouse, "").await?;
        }
        known(&self.staff, Role::Warehouse)
    }

    /// An agent who is not the first one: whoever decided does not examine again.
    pub(super) async fn second_agent(&mut self) -> Result<Actor> {
        let first = self.actor(By::Agent)?;
        for _ in 0..2 {
            let open = staff::list(self.app, &Actor::System).await?;
            let other = open.iter().find(|m| m.role == Role::Agent && first.staff() != Some(m.id));
            if let Some(member) = other {
                return Ok(Actor::Staff(member.id, Role::Agent));
            }
            staff::another_token(self.app, Role::Agent).await?;
        }
        Err(Error::NotFound)
    }

    pub(super) fn actor(&self, by: By) -> Result<Actor> {
        match by {
            By::Customer(person) => Ok(Actor::Customer(known(&self.customers, person)?)),
            By::Agent => known(&self.staff, Role::Agent),
            By::Finance => known(&self.staff, Role::Finance),
        }
    }

    async fn join(&mut self, role: Role, key: &str) -> Result<()> {
        if let Some(Actor::Staff(predecessor, _)) = self.staff.get(&role) {
            staff::leave(self.app, &Actor::System, *predecessor, key).await?;
        }
        // Asking for a token is what opens an account; nobody uses this one.
        staff::token(self.app, role).await?;
        let open = staff::list(self.app, &Actor::System).await?;
        let member = open.iter().find(|member| member.role == role).ok_or(Error::NotFound)?;
        self.staff.insert(role, Actor::Staff(member.id, role));
        Ok(())
    }

    async fn register(&mut self, order: usize, person: usize, new: NewOrder, key: &str) -> Result<()> {
        let row = orders::register(self.app, &Actor::Shop, new, key).await?;
        self.orders.insert(order, row.id);
        self.customers.insert(person, row.customer_id);
        Ok(())
    }

    async fn open(
        &mut self,
        case: usize,
        by: By,
        person: usize,
        order: Option<usize>,
        opening: Opening,
        key: &str,
    ) -> Result<()> {
        let Opening { kind, description, reason, channel } = opening;
        let order = order.map(|order| known(&self.orders, order)).transpose()?;
        let customer = Some(known(&self.customers, person)?);
        let new = NewCase { kind, description, order, reason, customer, channel: Some(channel) };
        let row = cases::open(self.app, &self.actor(by)?, new, key).await?;
        self.cases.insert(case, row.id);
        Ok(())
    }

    async fn photo(&mut self, case: usize, by: By, file_name: String, seed: u64, key: &str) -> Result<()> {
        let jpeg = photo::picture(seed)?;
        let too_large = |e| anyhow::anyhow!("a picture too large: {e}");
        let byte_size = i64::try_from(jpeg.len()).map_err(too_large)?;
        let announced = u64::try_from(jpeg.len()).map_err(too_large)?;
        let new = NewAttachment { file_name, media_type: "image/jpeg".to_owned(), byte_size, of_return: None };
        let ticket = evidence::ticket(self.app, &self.actor(by)?, known(&self.cases, case)?, new, key).await?;
        let link = ticket.url.rsplit('/').next().unwrap_or_default();
        let body = futures::stream::iter([Ok::<_, Infallible>(Bytes::from(jpeg))]);
        receive::receive(self.app, link, Some(announced), body).await?;
        self.photos += 1;
        Ok(())
    }
}

/// What a place in the plan has become.
fn known<K: Eq + std::hash::Hash, V: Copy>(ids: &HashMap<K, V>, place: K) -> Result<V> {
    ids.get(&place).copied().ok_or_else(|| anyhow::anyhow!("the plan refers to something that has not happened").into())
}

const fn name(what: &What) -> &'static str {
    match what {
        What::Join(_) => "somebody joins",
        What::Register { .. } => "an order is registered",
        What::Deliver(_) => "a parcel arrives",
        What::SignIn { .. } => "a customer signs in",
        What::Open { .. } => "a case is opened",
        What::Look { .. } => "staff looks into a case",
        What::Photo { .. } => "a photo is uploaded",
        What::Write { .. } => "a message is written",
        What::Decide { .. } => "a case is decided",
        What::Grant { .. } => "a refund is granted",
        What::Step { step: Step::Submit, .. } => "a refund is submitted",
        What::Step { step: Step::Credit, .. } => "a refund is credited",
        What::Step { step: Step::Fail, .. } => "a refund fails",
        What::Deed { .. } => "something is done with a case",
        What::Replace { .. } => "a replacement is sent",
        What::Notify { .. } => "the result is told",
        What::Step { .. } => "a refund moves on",
        What::Safety(_) => "a danger is registered",
        What::Close { .. } => "a case is closed",
    }
}
