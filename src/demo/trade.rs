//! Customers and their orders, with parcels and deliveries.

use chrono::{DateTime, Datelike as _, Months, TimeDelta, Utc};
use entity::codes::Locale;
use entity::orders::PaymentMethod;
use rand::RngExt as _;

use super::goods::{ARTICLES, Article, CARRIERS};
use super::people::{Person, pick};
use super::plan::{Placed, Plan, What};
use crate::customers::Contact;
use crate::orders::{Delivery, NewLine, NewOrder, NewParcel};
use crate::policy::calendar;

const PEOPLE: usize = 298;
const DELIVERED_ORDERS: usize = 412;
const ORDERS_ON_THEIR_WAY: usize = 5;

impl Plan {
    /// An instant since `from`: the shop grows, so later ones are likelier.
    pub(super) fn growing(&mut self, from: DateTime<Utc>) -> DateTime<Utc> {
        let span = (self.now - TimeDelta::days(2) - from).num_seconds().max(1);
        let (one, other) = (self.rng.random_range(0..span), self.rng.random_range(0..span));
        let at = if self.rng.random_bool(0.5) { one.max(other) } else { one };
        self.daytime(from + TimeDelta::seconds(at))
    }

    /// Everybody who buys, and everything that they buy.
    pub(super) fn customers_and_orders(&mut self) {
        let start = Self::start(self.now) + TimeDelta::days(1);
        let mut first = Vec::with_capacity(PEOPLE);
        for n in 0..PEOPLE {
            let person = Person::invent(&mut self.rng, n);
            self.people.push(person);
            first.push(self.growing(start));
            self.place(n, first[n]);
        }
        while self.orders.len() < DELIVERED_ORDERS {
            let person = self.rng.random_range(0..PEOPLE);
            let at = self.growing(first[person]);
            self.place(person, at);
        }
        let recent: Vec<usize> =
            self.orders.iter().filter(|o| o.registered > self.now - Months::new(10)).map(|o| o.person).collect();
        for _ in 0..ORDERS_ON_THEIR_WAY {
            let person = pick(&mut self.rng, &recent);
            let ordered = self.now - self.hours(22, 44);
            self.place(person, ordered);
        }
    }

    /// An order with its parcels and deliveries. It has to be at least a day old.
    pub(super) fn place(&mut self, person: usize, ordered: DateTime<Utc>) -> usize {
        let order = self.orders.len();
        let number = format!("SO-{}-{order:04}", calendar::day_of(ordered).format("%Y%m%d"));
        let registered = ordered + TimeDelta::hours(20);
        let article = pick(&mut self.rng, ARTICLES);
        let mut lines = vec![self.line(article, ordered)];
        for _ in 0..self.rng.random_range(0..=2) {
            let further = pick(&mut self.rng, ARTICLES);
            lines.push(self.line(further, ordered));
        }
        let goods: i64 = lines.iter().map(|l| l.unit_price_minor * i64::from(l.quantity)).sum();
        let captured = if goods < 5_000 { goods + 495 } else { goods };
        let (carrier, prefix) = pick(&mut self.rng, CARRIERS);
        let count = if lines.len() > 1 && self.rng.random_ratio(1, 5) { 2 } else { 1 };
        let parcels: Vec<NewParcel> = (0..count)
            .map(|_| NewParcel {
                carrier: carrier.to_owned(),
                tracking_number: format!("{prefix}{:09}", self.rng.random_range(0..1_000_000_000)),
                dispatched_at: Some(registered - TimeDelta::hours(1)),
            })
            .collect();
        let who = &self.people[person];
        let new = NewOrder {
            land: None,
            shipping: None,
            withdrawal_instructed: true,
            return_cost_told: true,
            number: number.clone(),
            ordered_at: ordered,
            customer: Contact {
                email: who.email.clone(),
                name: who.name.clone(),
                phone: who.phone.clone(),
                address: Some(who.address.clone()),
                locale: Locale::De,
            },
            currency: "EUR".to_owned(),
            captured_minor: captured,
            payment_method: pick(&mut self.rng, &[PaymentMethod::Visa, PaymentMethod::Mastercard]),
            payment_reference: Some(format!("PAY-{:010}", self.rng.random_range(0..10_000_000_000_u64))),
            lines,
            parcels: parcels.clone(),
        };
        self.push(registered, What::Register { order, person, new: Box::new(new) });
        let delivered = self.deliver(&number, registered, parcels);
        let is_refunded = false;
        self.orders.push(Placed { person, number, registered, delivered, article, captured, is_refunded });
        order
    }

    fn deliver(&mut self, number: &str, registered: DateTime<Utc>, parcels: Vec<NewParcel>) -> Option<DateTime<Utc>> {
        let mut day = registered;
        let mut last = None;
        for parcel in parcels {
            day += self.hours(24, 72);
            let delivered_at = self.daytime(day);
            let delivery = Delivery {
                order_number: number.to_owned(),
                carrier: parcel.carrier,
                tracking_number: parcel.tracking_number,
                delivered_at,
            };
            self.add(delivered_at + TimeDelta::minutes(35), What::Deliver(delivery))?;
            last = Some(delivered_at);
        }
        last
    }

    fn line(&mut self, article: Article, ordered: DateTime<Utc>) -> NewLine {
        let day = calendar::day_of(ordered);
        // Value added tax was lower in the second half of 2020 (UStG § 28).
        let tax_basis_points = match (article.reduced, day.year() == 2020 && day.month() >= 7) {
            (false, false) => 1900,
            (false, true) => 1600,
            (true, false) => 700,
            (true, true) => 500,
        };
        NewLine {
            serial_number: None,
            withdrawal_exclusion: None,
            guarantee_months: None,
            sku: article.sku.to_owned(),
            product_group: article.group.to_owned(),
            title: article.title.to_owned(),
            quantity: if self.rng.random_ratio(1, 6) { 2 } else { 1 },
            unit_price_minor: article.price,
            tax_basis_points,
        }
    }
}
