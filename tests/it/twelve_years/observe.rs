//! Finds the records that a day has made. What they are and what they hang on is read once, when they appear; when they
//! have to go is the oracle's business.

use aftersales::db;
use chrono::{DateTime, TimeDelta};
use entity::ids::first_at;
use uuid::Uuid;

use super::history::{History, Instant};
use super::oracle::{Near, Record};
use crate::support::App;

/// A table with its links, by the columns that make them.
pub struct Spec {
    pub name: &'static str,
    case: Option<&'static str>,
    order: Option<&'static str>,
    customer: Option<&'static str>,
    /// A parent that is no owner: its column and table.
    via: Option<(&'static str, &'static str)>,
    near: Near,
    sealed: bool,
}

const fn spec(name: &'static str, near: Near) -> Spec {
    let (case, order, customer, via) = (None, None, None, None);
    Spec { name, case, order, customer, via, near, sealed: true }
}

const CASE: Option<&str> = Some("case_id");
const ORDER: Option<&str> = Some("order_id");
const CUSTOMER: Option<&str> = Some("customer_id");

/// Parents before what hangs on them.
pub const TABLES: &[Spec] = &[
    spec("customers", Near::Person),
    Spec { customer: CUSTOMER, ..spec("orders", Near::Order) },
    Spec { order: ORDER, ..spec("order_lines", Near::Order) },
    Spec { customer: CUSTOMER, order: ORDER, sealed: false, ..spec("cases", Near::Case) },
    Spec { case: CASE, sealed: false, ..spec("case_transitions", Near::Case) },
    Spec { case: CASE, ..spec("messages", Near::Case) },
    Spec { case: CASE, customer: CUSTOMER, ..spec("mails", Near::Case) },
    Spec { case: CASE, customer: CUSTOMER, ..spec("inbound_mails", Near::Nothing) },
    Spec { case: CASE, order: ORDER, customer: CUSTOMER, ..spec("withdrawals", Near::Case) },
    Spec { case: CASE, order: ORDER, customer: CUSTOMER, ..spec("returns", Near::Case) },
    Spec { via: Some(("return_id", "returns")), ..spec("return_lines", Near::Case) },
    Spec { case: CASE, order: ORDER, ..spec("parcels", Near::Order) },
    Spec { via: Some(("parcel_id", "parcels")), ..spec("carrier_events", Near::Order) },
    Spec { case: CASE, order: ORDER, customer: CUSTOMER, ..spec("remedies", Near::Case) },
    Spec { case: CASE, order: ORDER, customer: CUSTOMER, ..spec("refunds", Near::Case) },
    Spec { case: CASE, ..spec("inquiry_entries", Near::Case) },
    Spec { case: CASE, customer: CUSTOMER, ..spec("consents", Near::Case) },
    Spec { case: CASE, ..spec("proposals", Near::Case) },
    Spec { case: CASE, customer: CUSTOMER, ..spec("disputes", Near::Case) },
    Spec { case: CASE, customer: CUSTOMER, sealed: false, ..spec("disclosures", Near::Nothing) },
    Spec { case: CASE, ..spec("attachments", Near::Case) },
    Spec { case: CASE, sealed: false, ..spec("timers", Near::Case) },
    Spec { case: CASE, sealed: false, ..spec("tasks", Near::Case) },
    Spec { case: CASE, order: ORDER, customer: CUSTOMER, ..spec("holds", Near::Nothing) },
    Spec { case: CASE, customer: CUSTOMER, ..spec("restrictions", Near::Nothing) },
    Spec { case: CASE, customer: CUSTOMER, sealed: false, ..spec("access_entries", Near::Nothing) },
    Spec { customer: CUSTOMER, sealed: false, ..spec("tokens", Near::Nothing) },
    Spec { customer: CUSTOMER, sealed: false, ..spec("idempotency_keys", Near::Nothing) },
    spec("staff", Near::Nothing),
    Spec { sealed: false, ..spec("erasures", Near::Nothing) },
    Spec { sealed: false, ..spec("audit_entries", Near::Nothing) },
    Spec { sealed: false, ..spec("job_runs", Near::Nothing) },
    Spec { sealed: false, ..spec("retention_runs", Near::Nothing) },
    Spec { sealed: false, ..spec("outbox_entries", Near::Nothing) },
    Spec { sealed: false, ..spec("suppressions", Near::Nothing) },
];

impl Spec {
    /// Whether a unit seals its rows.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Whether the nightly run itself writes into it.
    pub fn grows_at_night(&self) -> bool {
        ["audit_entries", "job_runs", "outbox_entries", "retention_runs", "suppressions"].contains(&self.name)
    }

    /// The records made since an instant, oldest first.
    pub async fn made_since(&self, app: &App, since: Instant, history: &mut History) -> Vec<Record> {
        let or_null = |column: Option<&'static str>| column.unwrap_or("NULL");
        let extra = match self.name {
            "tokens" => "kind",
            "mails" => "data_type",
            _ => "NULL",
        };
        let sql = format!(
            "SELECT id, {}, {}, {}, {}, {extra} FROM {} WHERE id >= $1 ORDER BY id",
            or_null(self.case),
            or_null(self.order),
            or_null(self.customer),
            or_null(self.via.map(|(column, _)| column)),
            self.name
        );
        let rows = db::rows(app.state.db.write(), &sql, [first_at(since).into()]).await.unwrap();
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: Uuid = row.try_get_by_index(0).unwrap();
            let link = |i: usize, column: Option<&str>| -> Option<Uuid> {
                column.and_then(|_| row.try_get_by_index::<Option<Uuid>>(i).unwrap())
            };
            let text = || row.try_get_by_index::<Option<String>>(5).unwrap().unwrap_or_default();
            let (case, order, customer) = (link(1, self.case), link(2, self.order), link(3, self.customer));
            let made = made(id);
            if self.name == "tokens" {
                let minutes = if text() == "CUSTOMER_ACCESS" { 1440 } else { 30 };
                history.ended.insert(id, made + TimeDelta::minutes(minutes));
            }
            records.push(Record {
                table: self.name,
                id,
                made,
                case,
                order,
                customer,
                near: self.near,
                via: link(4, self.via.map(|(column, _)| column)),
                receipt: self.name == "mails" && text() == "R05",
                names: [case, order, customer].into_iter().flatten().collect(),
            });
        }
        records
    }
}

/// The instant in an id: every id is made from the clock.
pub fn made(id: Uuid) -> Instant {
    let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).unwrap(), nanos).unwrap()
}

/// Completes what a record belongs to: a message belongs to the order and the person of its case.
pub fn belong(mut r: Record, history: &History, parent: Option<&Record>) -> Record {
    if let Some(parent) = parent {
        (r.case, r.order, r.customer) = (parent.case, parent.order, parent.customer);
    }
    match r.table {
        "customers" => r.customer = Some(r.id),
        "orders" => r.order = Some(r.id),
        "cases" => r.case = Some(r.id),
        _ => {}
    }
    if let Some(case) = r.case.map(|id| &history.cases[&id]) {
        r.order = r.order.or(case.order);
        r.customer = r.customer.or(Some(case.customer));
    }
    if let Some(order) = r.order.map(|id| &history.orders[&id]) {
        r.customer = r.customer.or(Some(order.customer));
    }
    r
}
