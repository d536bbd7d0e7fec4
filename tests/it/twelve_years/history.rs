//! What happened in the simulated shop, as the test knows it because it did it: nothing here is read from a column that
//! retention writes.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

pub type Instant = DateTime<Utc>;

/// A person, from the first order on.
#[derive(Default, Debug)]
pub struct Person {
    pub orders: Vec<Uuid>,
    pub cases: Vec<Uuid>,
    /// When erasure was asked for and decided.
    pub erasures: Vec<Instant>,
}

#[derive(Debug)]
pub struct Order {
    pub customer: Uuid,
    pub registered: Instant,
    /// When the last of its parcels arrived.
    pub delivered: Option<Instant>,
    pub cases: Vec<Uuid>,
}

#[derive(Debug)]
pub struct Case {
    pub customer: Uuid,
    pub order: Option<Uuid>,
    pub kind: &'static str,
    /// When it was closed, called off or merged; taken up again, it is not over.
    pub over: Option<Instant>,
    /// Accepted in full, or solved: its evidence is R09a.
    pub settled: bool,
    /// Closed as mere advice.
    pub advice: bool,
    /// When its return was booked: by a refund, a replacement or a write-off.
    pub booked: Option<Instant>,
}

#[derive(Debug)]
pub struct Refund {
    pub case: Uuid,
    pub running: bool,
}

/// A hold, or a restriction of processing: nothing goes under either.
#[derive(Debug)]
pub struct Hold {
    /// The person, order or case that it was placed on.
    pub on: Uuid,
    pub released: Option<Instant>,
}

/// Everything that has happened.
#[derive(Default, Debug)]
pub struct History {
    pub people: HashMap<Uuid, Person>,
    pub orders: HashMap<Uuid, Order>,
    pub cases: HashMap<Uuid, Case>,
    pub refunds: HashMap<Uuid, Refund>,
    pub holds: HashMap<Uuid, Hold>,
    /// When a parcel was delivered or lost.
    pub parcels: HashMap<Uuid, Instant>,
    pub disputes_ended: HashMap<Uuid, Instant>,
    /// The last use of a consent.
    pub consents_used: HashMap<Uuid, Instant>,
    /// Files whose bytes have come.
    pub uploaded: HashSet<Uuid>,
    /// Files of which only the row was written.
    pub without_blob: HashSet<Uuid>,
    /// Numbers that lead to their orders.
    pub numbered: HashMap<Uuid, String>,
    /// Addresses of people who were erased, and the day.
    pub addresses_erased: Vec<(String, NaiveDate)>,
    /// When a member of staff left.
    pub left: HashMap<Uuid, Instant>,
    /// When a token, an entry of the outbox or an erasure ended.
    pub ended: HashMap<Uuid, Instant>,
    /// People of whom anything has changed since the oracle was asked last.
    pub touched: HashSet<Uuid>,
}

impl History {
    pub fn ordered(&mut self, customer: Uuid, order: Uuid, at: Instant) {
        self.people.entry(customer).or_default().orders.push(order);
        self.orders.insert(order, Order { customer, registered: at, delivered: None, cases: Vec::new() });
        self.touched.insert(customer);
    }

    pub fn delivered(&mut self, order: Uuid, at: Instant) {
        let order = self.orders.get_mut(&order).unwrap();
        order.delivered = Some(at);
        self.touched.insert(order.customer);
    }

    pub fn opened(&mut self, customer: Uuid, order: Option<Uuid>, case: Uuid, kind: &'static str) {
        self.people.entry(customer).or_default().cases.push(case);
        if let Some(order) = order {
            self.orders.get_mut(&order).unwrap().cases.push(case);
        }
        let new = Case { customer, order, kind, over: None, settled: false, advice: false, booked: None };
        self.cases.insert(case, new);
        self.touched.insert(customer);
    }

    /// Changes a case.
    pub fn case(&mut self, case: Uuid) -> &mut Case {
        let case = self.cases.get_mut(&case).unwrap();
        self.touched.insert(case.customer);
        case
    }

    pub fn booked(&mut self, case: Uuid, at: Instant) {
        let case = self.case(case);
        case.booked = case.booked.or(Some(at));
    }

    pub fn parcel(&mut self, customer: Uuid, parcel: Uuid, at: Instant) {
        self.parcels.insert(parcel, at);
        self.touched.insert(customer);
    }

    pub fn refund(&mut self, case: Uuid, refund: Uuid, running: bool) {
        self.refunds.insert(refund, Refund { case, running });
        let customer = self.cases[&case].customer;
        self.touched.insert(customer);
    }

    pub fn held(&mut self, customer: Uuid, hold: Uuid, on: Uuid) {
        self.holds.insert(hold, Hold { on, released: None });
        self.touched.insert(customer);
    }

    pub fn released(&mut self, hold: Uuid, at: Instant) {
        let hold = self.holds.get_mut(&hold).unwrap();
        hold.released = Some(at);
        let on = hold.on;
        let whose = self.cases.get(&on).map(|c| c.customer).or_else(|| self.orders.get(&on).map(|o| o.customer));
        self.touched.insert(whose.unwrap_or(on));
    }

    /// Whether any of these cases is under way, or money of one.
    pub fn work_on(&self, cases: &[Uuid]) -> bool {
        cases.iter().any(|case| self.cases[case].over.is_none())
            || self.refunds.values().any(|refund| refund.running && cases.contains(&refund.case))
    }
}
