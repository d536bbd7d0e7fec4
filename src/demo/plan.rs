//! What happens when: twelve years of a shop, drawn from a fixed seed and laid out before anything is done, so that the
//! clock of the replay only ever goes forward.

use chrono::{DateTime, Datelike as _, Months, TimeDelta, Utc, Weekday};
use entity::cases::{Channel, Kind, Reason};
use entity::staff::Role;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::goods::Article;
use super::life::{Brief, Until};
use super::people::{Person, pick};
use super::safety::Incident;
use crate::cases::Decision;
use crate::cases::machine::Deed;
use crate::orders::{Delivery, NewOrder};
use crate::policy::calendar;
use crate::refunds::Step;

const SEED: u64 = 20_180_525;
const YEARS: u32 = 12;
const CASES_WITH_ORDER: usize = 352;
const CASES_WITHOUT_ORDER: usize = 58;

/// Who does a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The customer of this place in the list.
    Customer(usize),
    /// Whoever is the agent then.
    Agent,
    /// Finance.
    Finance,
}

/// Something that happens. Customers, orders, cases and refunds go by their place in the plan.
#[derive(Debug)]
pub(super) enum What {
    /// Somebody takes over a role; a predecessor leaves.
    Join(Role),
    /// The shop registers an order.
    Register { order: usize, person: usize, new: Box<NewOrder> },
    /// A parcel arrives.
    Deliver(Delivery),
    /// The shop mints a token for a customer.
    SignIn { person: usize },
    /// A case is opened.
    Open { case: usize, by: By, person: usize, order: Option<usize>, opening: Opening },
    /// Staff looks into a case.
    Look { case: usize, by: By },
    /// A photo is uploaded.
    Photo { case: usize, by: By, name: String, seed: u64 },
    /// A message or note is written.
    Write { case: usize, by: By, body: String, internal: bool },
    /// A case is decided.
    Decide { case: usize, decision: Decision },
    /// A refund is granted, of so many cents.
    Grant { case: usize, refund: usize, amount: i64 },
    /// A refund goes a step on.
    Step { refund: usize, step: Step, reference: Option<String> },
    /// Something of the gallery is done; a merged case goes on as another one.
    Deed { case: usize, person: usize, deed: Deed, into: Option<usize> },
    /// A replacement is arranged and sent.
    Replace { case: usize },
    /// The customer is told the result.
    Notify { case: usize, text: String },
    /// An entry in the register of product safety is made.
    Safety(Incident),
    /// A case is closed.
    Close { case: usize, advice_only: bool },
}

/// How a case begins.
#[derive(Debug)]
pub(super) struct Opening {
    /// What the customer wants.
    pub kind: Kind,
    /// In the customer's words.
    pub description: String,
    /// Why.
    pub reason: Option<Reason>,
    /// How it arrives.
    pub channel: Channel,
}

/// Something and its instant.
#[derive(Debug)]
pub(super) struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// An order as far as its cases need to know.
#[derive(Debug)]
pub(super) struct Placed {
    /// Whose.
    pub person: usize,
    /// The shop's number.
    pub number: String,
    /// When the shop registers it.
    pub registered: DateTime<Utc>,
    /// When the last parcel arrives, if that is not in the future.
    pub delivered: Option<DateTime<Utc>>,
    /// The article of the first line.
    pub article: Article,
    /// What was captured, in cents.
    pub captured: i64,
    /// A case of it has a refund; no second one gets any.
    pub is_refunded: bool,
}

/// The plan while it is being made.
pub(super) struct Plan {
    /// Draws everything.
    pub rng: ChaCha8Rng,
    /// Where the present is.
    pub now: DateTime<Utc>,
    /// The customers.
    pub people: Vec<Person>,
    /// The orders.
    pub orders: Vec<Placed>,
    /// How many cases there are.
    pub cases: usize,
    /// How many refunds there are.
    pub refunds: usize,
    /// Cases that others give rise to.
    pub later: Vec<Brief>,
    events: Vec<Event>,
}

impl Plan {
    /// The whole plan up to `now`, in order of time.
    pub(super) fn make(now: DateTime<Utc>) -> (Vec<Person>, Vec<Event>) {
        let rng = ChaCha8Rng::seed_from_u64(SEED);
        let (people, orders, later) = (Vec::new(), Vec::new(), Vec::new());
        let mut plan = Self { rng, now, people, orders, cases: 0, refunds: 0, later, events: Vec::new() };
        plan.staff();
        plan.customers_and_orders();
        plan.cases_of_the_past();
        plan.cases_of_these_days();
        while let Some(brief) = plan.later.pop() {
            plan.live(brief);
        }
        plan.well_known();
        let gallery = plan.cases;
        plan.gallery();
        plan.safety(gallery);
        plan.events.sort_by_key(|event| event.at);
        (plan.people, plan.events)
    }

    /// The first instant of the plan.
    pub(super) fn start(now: DateTime<Utc>) -> DateTime<Utc> {
        now - Months::new(YEARS * 12)
    }

    /// Adds what has happened by now; `None` once the present is reached.
    pub(super) fn add(&mut self, at: DateTime<Utc>, what: What) -> Option<()> {
        let has_happened = at < self.now - TimeDelta::minutes(1);
        has_happened.then(|| self.push(at, what))
    }

    /// The first line of an order is of two pieces.
    pub(super) fn in_pairs(&mut self, order: usize) {
        for event in &mut self.events {
            if let What::Register { order: of, new, .. } = &mut event.what
                && *of == order
                && let Some(line) = new.lines.first_mut()
            {
                new.captured_minor += line.unit_price_minor * i64::from(2 - line.quantity);
                line.quantity = 2;
            }
        }
    }

    /// Adds an event without looking at the clock.
    pub(super) fn push(&mut self, at: DateTime<Utc>, what: What) {
        self.events.push(Event { at, what });
    }

    /// The next moment in service hours (Monday to Friday, 9:00 to 12:30 and 14:00 to 18:00 in Berlin) after an instant.
    pub(super) fn office(&mut self, after: DateTime<Utc>) -> DateTime<Utc> {
        let mut day = calendar::day_of(after);
        loop {
            let minute = self.rng.random_range(0..450);
            let lunch = if minute < 210 { 0 } else { 90 };
            let at = calendar::start_of(day) + TimeDelta::minutes(9 * 60 + minute + lunch);
            if at > after && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
                return at + TimeDelta::seconds(self.rng.random_range(0..60));
            }
            day = calendar::plus_days(day, 1);
        }
    }

    /// A moment between seven and eleven on the Berlin day of an instant.
    pub(super) fn daytime(&mut self, day: DateTime<Utc>) -> DateTime<Utc> {
        calendar::start_of(calendar::day_of(day)) + TimeDelta::seconds(self.rng.random_range(7 * 3600..23 * 3600))
    }

    /// A span between two numbers of hours.
    pub(super) fn hours(&mut self, from: i64, to: i64) -> TimeDelta {
        TimeDelta::minutes(self.rng.random_range(from * 60..=to * 60))
    }

    fn staff(&mut self) {
        let start = Self::start(self.now);
        self.push(start, What::Join(Role::Finance));
        for years in [0, 5, 10] {
            self.push(start + Months::new(years * 12), What::Join(Role::Agent));
        }
    }

    fn cases_of_the_past(&mut self) {
        while self.cases < CASES_WITH_ORDER {
            let order = self.rng.random_range(0..self.orders.len());
            let kind = self.kind();
            let Some((from, to)) = window(kind) else { continue };
            let day = match (kind, self.orders[order].delivered) {
                (Kind::LogisticsQuery, _) => self.orders[order].registered + self.hours(2, 60),
                (_, Some(delivered)) => delivered + self.hours(from * 24, to * 24),
                (_, None) => continue,
            };
            let opened = if kind == Kind::LogisticsQuery { day } else { self.daytime(day) };
            if opened < self.now - TimeDelta::days(1) {
                let person = self.orders[order].person;
                self.live(Brief { person, order: Some(order), kind, opened, until: Until::Closed });
            }
        }
        for _ in 0..CASES_WITHOUT_ORDER {
            let earlier = self.rng.random_range(0..self.orders.len());
            let (person, since) = (self.orders[earlier].person, self.orders[earlier].registered);
            let opened = self.growing(since + TimeDelta::days(1));
            if opened < self.now {
                let kind = self.kind_without_order();
                self.live(Brief { person, order: None, kind, opened, until: Until::Closed });
            }
        }
    }

    /// What lies on the desk today, in every state.
    fn cases_of_these_days(&mut self) {
        use Until::{Decided, Failed, Granted, Received, Submitted, UnderReview};
        let desk = [
            (Received, 1, 70, 9),
            (UnderReview, 5 * 24, 16 * 24, 12),
            (Decided, 22 * 24, 38 * 24, 7),
            (Granted, 22 * 24, 36 * 24, 6),
            (Submitted, 26 * 24, 40 * 24, 7),
            (Failed, 31 * 24, 45 * 24, 3),
        ];
        for (until, from, to, count) in desk {
            for _ in 0..count {
                let opened = self.now - self.hours(from, to);
                let wanted = if until >= Granted {
                    pick(&mut self.rng, &[Kind::Return, Kind::WarrantyClaim])
                } else {
                    self.kind()
                };
                let found = self.order_for(wanted, opened).map(|order| (wanted, order));
                let found = found.or_else(|| Some((Kind::WarrantyClaim, self.order_for(Kind::WarrantyClaim, opened)?)));
                let Some((kind, order)) = found else { continue };
                let person = self.orders[order].person;
                self.live(Brief { person, order: Some(order), kind, opened, until });
            }
        }
    }

    /// An order without a refund that a customer could come with at this instant.
    fn order_for(&mut self, kind: Kind, opened: DateTime<Utc>) -> Option<usize> {
        let (from, to) = window(kind)?;
        let (latest, earliest) = (opened - TimeDelta::days(from), opened - TimeDelta::days(to));
        let fits = |o: &Placed| {
            let since = if kind == Kind::LogisticsQuery { Some(o.registered) } else { o.delivered };
            !o.is_refunded && since.is_some_and(|since| since > earliest && since < latest)
        };
        let fitting: Vec<usize> = (0..self.orders.len()).filter(|o| fits(&self.orders[*o])).collect();
        (!fitting.is_empty()).then(|| pick(&mut self.rng, &fitting))
    }

    fn kind(&mut self) -> Kind {
        match self.rng.random_range(0..100) {
            0..30 => Kind::Return,
            30..50 => Kind::WarrantyClaim,
            50..64 => Kind::Exchange,
            64..77 => Kind::LogisticsQuery,
            77..87 => Kind::UsageGuidance,
            87..93 => Kind::OrderAdvice,
            _ => Kind::Complaint,
        }
    }

    fn kind_without_order(&mut self) -> Kind {
        match self.rng.random_range(0..10) {
            0..5 => Kind::UsageGuidance,
            5..8 => Kind::OrderAdvice,
            _ => Kind::Complaint,
        }
    }
}

/// How many days after delivery customers come with such a case; a question about a refund follows the refund.
const fn window(kind: Kind) -> Option<(i64, i64)> {
    match kind {
        Kind::Return => Some((1, 52)),
        Kind::Exchange => Some((1, 40)),
        Kind::WarrantyClaim => Some((25, 760)),
        Kind::LogisticsQuery => Some((0, 3)),
        Kind::UsageGuidance => Some((1, 200)),
        Kind::OrderAdvice => Some((1, 30)),
        Kind::Complaint => Some((8, 90)),
        Kind::Withdrawal => Some((0, 14)),
        Kind::OrderCancellation => Some((0, 1)),
        Kind::Feedback => Some((3, 60)),
        Kind::RefundTracking => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const NOWS: [&str; 6] = [
        "2026-11-22T11:00:00Z",
        "2026-12-31T23:00:00Z",
        "2026-12-31T23:00:30Z",
        "2027-01-04T08:00:00Z",
        "2027-03-28T01:30:00Z",
        "2028-02-29T12:00:00Z",
    ];

    fn nows() -> impl Iterator<Item = DateTime<Utc>> {
        NOWS.into_iter().map(|now| now.parse().unwrap())
    }

    #[test]
    fn nothing_happens_in_the_future_or_before_what_it_refers_to() {
        for now in nows() {
            let (mut orders, mut cases, mut refunds) = (HashSet::new(), HashSet::new(), HashSet::new());
            for event in Plan::make(now).1 {
                assert!(event.at >= Plan::start(now) && event.at <= now, "{event:?} at {now}");
                let known = match &event.what {
                    What::Register { order, .. } => orders.insert(*order),
                    What::Open { case, order, .. } => {
                        cases.insert(*case) && order.as_ref().is_none_or(|order| orders.contains(order))
                    }
                    What::Grant { case, refund, .. } => cases.contains(case) && refunds.insert(*refund),
                    What::Step { refund, .. } => refunds.contains(refund),
                    What::Look { case, .. }
                    | What::Photo { case, .. }
                    | What::Write { case, .. }
                    | What::Decide { case, .. }
                    | What::Notify { case, .. }
                    | What::Deed { case, .. }
                    | What::Replace { case }
                    | What::Close { case, .. } => cases.contains(case),
                    What::Safety(incident) => incident.case.is_none_or(|case| cases.contains(&case)),
                    What::Join(_) | What::Deliver(_) | What::SignIn { .. } => true,
                };
                assert!(known, "{event:?} at {now}");
            }
        }
    }

    #[test]
    fn the_same_now_gives_the_same_plan() {
        for now in nows() {
            assert_eq!(format!("{:?}", Plan::make(now)), format!("{:?}", Plan::make(now)));
        }
    }

    #[test]
    fn max_has_a_refund_credited_this_year() {
        for now in nows() {
            let (_, events) = Plan::make(now);
            let is_credit = |e: &&Event| matches!(&e.what, What::Step { step: Step::Credit, reference: Some(r), .. } if r == "ARN00000471100");
            let credit = events.iter().find(is_credit).unwrap();
            assert_eq!(calendar::day_of(credit.at).year(), calendar::day_of(now).year());
        }
    }
}
