//! Lives by the thousand: rows as production code writes them when they are made, and start events by the functions that
//! production calls. Only the way through the API is left out.

use aftersales::cases::correspondence;
use aftersales::db;
use aftersales::keys::lookup::{Entry, Kind as Lookup};
use aftersales::keys::{Place, Unit, UnitOf};
use aftersales::retention::starts;
use chrono::{Datelike as _, TimeDelta};
use entity::DataType;
use entity::ids::{CaseId, CustomerId, OrderId, ParcelId, uuid_at};
use sea_orm::{DatabaseTransaction, Iterable as _, Value};
use uuid::Uuid;

use super::history::{History, Instant};
use super::observe::belong;
use super::oracle::{Near, Record, day};
use super::plan::Chance;
use crate::support::App;

const KINDS: [&str; 9] = [
    "ORDER_ADVICE",
    "USAGE_GUIDANCE",
    "RETURN",
    "EXCHANGE",
    "WARRANTY_CLAIM",
    "REFUND_TRACKING",
    "LOGISTICS_QUERY",
    "COMPLAINT",
    "FEEDBACK",
];
const CHANNELS: [&str; 5] = ["PORTAL", "PHONE", "EMAIL", "LETTER", "WEB_FORM"];
const GROUPS: [&str; 4] = ["KITCHEN", "GARDEN", "BATH", "OFFICE"];

/// A person with one order and at most one case, on the way into the database.
struct Writer<'a> {
    app: &'a App,
    tx: &'a DatabaseTransaction,
    history: &'a mut History,
    made: Vec<Record>,
}

/// Writes so many lives that were over before `until`. Returns their records.
pub async fn live(app: &App, history: &mut History, chance: &mut Chance, people: usize, until: Instant) -> Vec<Record> {
    // Keys come first, each committed on its own, as production does it.
    let mut begun = Vec::with_capacity(people);
    for _ in 0..people {
        let at = until - TimeDelta::days(65) + TimeDelta::minutes(i64::try_from(chance.below(20 * 1440)).unwrap());
        begun.push((uuid_at(at), at));
    }
    let tx = app.state.db.begin().await.unwrap();
    let mut writer = Writer { app, tx: &tx, history, made: Vec::new() };
    for (customer, at) in begun {
        writer.person(customer, at, chance).await;
    }
    let made = writer.made;
    tx.commit().await.unwrap();
    made
}

fn hours(n: u64) -> TimeDelta {
    TimeDelta::hours(i64::try_from(n).unwrap())
}

impl Writer<'_> {
    async fn unit(&self, owner: Uuid, data_type: DataType, year: i32, subject: Uuid, now: Instant) -> Unit {
        let unit = UnitOf { owner, data_type, year, subject: Some(subject) };
        self.app.state.keys.ensure(unit, now).await.unwrap()
    }

    async fn put(&mut self, table: &'static str, near: Near, names: &[&str], columns: Vec<(&str, Value)>, of: Of) {
        let list: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        let sql = format!("INSERT INTO {table} ({}) VALUES ({})", list.join(", "), places.join(", "));
        let owner = |column: &str| {
            let id = match column {
                "case_id" => of.case,
                "order_id" => of.order,
                _ => of.customer,
            };
            id.filter(|_| names.contains(&column))
        };
        let record = Record {
            table,
            id: of.id,
            made: of.at,
            case: of.case,
            order: of.order,
            customer: of.customer,
            near,
            via: of.via,
            receipt: false,
            names: ["case_id", "order_id", "customer_id"].into_iter().filter_map(owner).collect(),
        };
        db::run(self.tx, &sql, columns.into_iter().map(|(_, value)| value)).await.unwrap();
        self.made.push(belong(record, self.history, None));
    }

    async fn person(&mut self, customer: Uuid, at: Instant, chance: &mut Chance) {
        let unit = self.unit(customer, DataType::R21, 0, customer, at).await;
        let seal = |column: &'static str, text: &str| -> Value {
            let place = Place { table: "customers", column, row: customer };
            unit.key.seal(place, text).unwrap().0.into()
        };
        let email = format!("{}@example.com", customer.simple());
        let entry = Entry { kind: Lookup::Email, text: &email, target: customer, subject: customer };
        assert!(self.app.state.keys.remember(entry).await.unwrap());
        let order = uuid_at(at);
        self.history.ordered(customer, order, at);
        let of = |id| Of { id, at, customer: Some(customer), order: Some(order), ..Of::default() };
        let columns = vec![
            ("id", customer.into()),
            ("unit_id", unit.id.0.into()),
            ("name", seal("name", "Max Mustermann")),
            ("email", seal("email", &email)),
            ("locale", "DE".into()),
            ("created_at", at.into()),
            ("version", 1_i64.into()),
        ];
        let himself = Of { order: None, ..of(customer) };
        self.put("customers", Near::Person, &[], columns, himself).await;
        let group = chance.of(&GROUPS);
        let columns = vec![
            ("id", order.into()),
            ("customer_id", customer.into()),
            ("ordered_at", at.into()),
            ("currency", "EUR".into()),
            ("captured_minor", 11_990_i64.into()),
            ("charged_back_minor", 0_i64.into()),
            ("shipping_minor", 0_i64.into()),
            ("payment_method", "VISA".into()),
            ("version", 1_i64.into()),
        ];
        self.put("orders", Near::Order, &["customer_id"], columns, of(order)).await;
        let (line, pieces) = (uuid_at(at), 1 + i32::try_from(chance.below(3)).unwrap());
        let columns = vec![
            ("id", line.into()),
            ("order_id", order.into()),
            ("position", 1.into()),
            ("sku", "W-100".into()),
            ("product_group", group.into()),
            ("quantity", pieces.into()),
            ("unit_price_minor", 1000_i64.into()),
            ("tax_basis_points", 1900.into()),
        ];
        self.put("order_lines", Near::Order, &["order_id"], columns, of(line)).await;
        let parcel = uuid_at(at);
        let columns = vec![
            ("id", parcel.into()),
            ("order_id", order.into()),
            ("purpose", "ORDER".into()),
            ("state", "ANNOUNCED".into()),
            ("carrier", "DHL".into()),
            ("version", 1_i64.into()),
        ];
        self.put("parcels", Near::Order, &["order_id"], columns, of(parcel)).await;
        starts::order_registered(self.tx, OrderId(order), CustomerId(customer), at).await.unwrap();
        let scanned = at + hours(20 + chance.below(30));
        let event = uuid_at(scanned);
        let columns = vec![
            ("id", event.into()),
            ("parcel_id", parcel.into()),
            ("dedup_key", event.as_bytes().to_vec().into()),
            ("status", "IN_TRANSIT".into()),
            ("occurred_at", scanned.into()),
            ("received_at", scanned.into()),
            ("start_at", at.into()),
        ];
        let scan = Of { at: scanned, via: Some(parcel), ..of(event) };
        self.put("carrier_events", Near::Order, &[], columns, scan).await;
        if !chance.one_in(12) {
            let arrived = scanned + hours(10 + chance.below(60));
            let sql = "UPDATE parcels SET state = 'DELIVERED', delivered_at = $1, start_at = $1 WHERE id = $2";
            db::run(self.tx, sql, [arrived.into(), parcel.into()]).await.unwrap();
            starts::parcel_settled(self.tx, ParcelId(parcel), arrived).await.unwrap();
            let sql = "UPDATE orders SET delivered_at = $1 WHERE id = $2";
            db::run(self.tx, sql, [arrived.into(), order.into()]).await.unwrap();
            starts::order_delivered(self.tx, OrderId(order), CustomerId(customer), arrived).await.unwrap();
            self.history.parcel(customer, parcel, arrived);
            self.history.delivered(order, arrived);
        }
        if !chance.one_in(12) {
            let opened = scanned + hours(100 + chance.below(150));
            self.case(customer, order, line, group, opened, chance).await;
        }
    }

    #[expect(clippy::too_many_lines, reason = "one life, in the order in which it is lived")]
    async fn case(
        &mut self,
        customer: Uuid,
        order: Uuid,
        line: Uuid,
        group: &str,
        opened: Instant,
        chance: &mut Chance,
    ) {
        let kind = chance.of(&KINDS);
        let about = !matches!(kind, "ORDER_ADVICE" | "FEEDBACK") || chance.one_in(2);
        let about = about.then_some(order);
        let case = uuid_at(opened);
        let (tx, who) = (self.tx, CustomerId(customer));
        self.history.opened(customer, about, case, kind);
        let of = |id, at| Of { id, at, customer: Some(customer), order: about, case: Some(case), ..Of::default() };
        let of_kind = entity::cases::Kind::iter().find(|k| k.code() == kind);
        let is_claim = ["RETURN", "EXCHANGE", "WARRANTY_CLAIM"].contains(&kind);
        let accepted = chance.one_in(2);
        let outcome = if !is_claim {
            "SOLVED_DIRECTLY"
        } else if accepted {
            "ELIGIBLE"
        } else {
            "NOT_ELIGIBLE"
        };
        let advice = kind == "LOGISTICS_QUERY" && chance.one_in(2);
        let code = if advice { DataType::R06 } else { correspondence(of_kind, about.is_some()) };
        let columns = vec![
            ("id", case.into()),
            ("customer_id", customer.into()),
            ("order_id", about.into()),
            ("number", format!("B-{}", case.simple()).into()),
            ("kind", kind.into()),
            ("channel", chance.of(&CHANNELS).into()),
            ("state", "RESULT_NOTIFIED".into()),
            ("outcome", outcome.into()),
            ("product_group", group.into()),
            ("waiting_for", "SHOP".into()),
            ("reopenings", 0.into()),
            ("opened_at", opened.into()),
            ("version", 4_i64.into()),
        ];
        self.put("cases", Near::Case, &["customer_id", "order_id"], columns, of(case, opened)).await;
        starts::case_opened(tx, who, about.map(OrderId)).await.unwrap();
        let decided = opened + hours(30 + chance.below(100));
        let closed = decided + hours(10 + chance.below(400));
        for (position, at, from, to) in [
            (1_i64, opened, None, "RECEIVED"),
            (2, decided, Some("RECEIVED"), "UNDER_REVIEW"),
            (3, closed, Some("RESULT_NOTIFIED"), "CLOSED"),
        ] {
            let id = uuid_at(at);
            let columns = vec![
                ("id", id.into()),
                ("case_id", case.into()),
                ("position", position.into()),
                ("from_state", from.into()),
                ("to_state", to.into()),
                ("at", at.into()),
                ("actor_kind", "SYSTEM".into()),
            ];
            self.put("case_transitions", Near::Case, &["case_id"], columns, of(id, at)).await;
        }
        for (form, at) in [("REQUEST", opened), ("DECISION", decided)] {
            let year = if code == DataType::R06 { 0 } else { day(at).year() };
            let unit = self.unit(case, code, year, customer, at).await;
            let id = uuid_at(at);
            let place = Place { table: "messages", column: "body", row: id };
            let start = (code != DataType::R06).then_some(at);
            let columns = vec![
                ("id", id.into()),
                ("case_id", case.into()),
                ("unit_id", unit.id.0.into()),
                ("data_type", code.code().into()),
                ("form", form.into()),
                ("author_kind", "SYSTEM".into()),
                ("body", unit.key.seal(place, "Ein Anliegen.").unwrap().0.into()),
                ("sent_at", at.into()),
                ("start_at", start.into()),
            ];
            self.put("messages", Near::Case, &["case_id"], columns, of(id, at)).await;
        }
        for rule in ["first-response", "review"] {
            let id = uuid_at(opened);
            let columns = vec![
                ("id", id.into()),
                ("case_id", case.into()),
                ("rule", rule.into()),
                ("state", "MET".into()),
                ("started_at", opened.into()),
                ("ends_at", decided.into()),
                ("announced", false.into()),
                ("pauses", "[]".into()),
            ];
            self.put("timers", Near::Case, &["case_id"], columns, of(id, opened)).await;
        }
        let seen = uuid_at(decided);
        let columns = vec![
            ("id", seen.into()),
            ("at", decided.into()),
            ("actor_kind", "STAFF".into()),
            ("actor_id", Uuid::nil().into()),
            ("case_id", case.into()),
            ("customer_id", customer.into()),
            ("purpose", "CASE_HANDLING".into()),
        ];
        self.put("access_entries", Near::Nothing, &["case_id", "customer_id"], columns, of(seen, decided)).await;
        if is_claim && chance.one_in(2) {
            let id = uuid_at(opened);
            let columns = vec![
                ("id", id.into()),
                ("case_id", case.into()),
                ("data_type", "R09b".into()),
                ("state", "AVAILABLE".into()),
                ("media_type", "JPEG".into()),
                ("byte_size", 9_i64.into()),
                ("uploaded_by", "CUSTOMER".into()),
                ("created_at", opened.into()),
                ("ready_at", opened.into()),
            ];
            self.history.uploaded.insert(id);
            self.history.without_blob.insert(id);
            self.put("attachments", Near::Case, &["case_id"], columns, of(id, opened)).await;
        }
        if is_claim && chance.one_in(3) {
            let booked = accepted.then_some(decided);
            let data_type = if accepted { "R02a" } else { "R02b" };
            let id = uuid_at(opened);
            let columns = vec![
                ("id", id.into()),
                ("case_id", case.into()),
                ("order_id", order.into()),
                ("customer_id", customer.into()),
                ("data_type", data_type.into()),
                ("number", format!("BR-{}", id.simple()).into()),
                ("state", "INSPECTED".into()),
                ("bearer", "SHOP".into()),
                ("address", "Lager".into()),
                ("instructed_at", opened.into()),
                ("return_by", decided.into()),
                ("booked_at", booked.into()),
                ("version", 3_i64.into()),
                ("start_at", booked.into()),
            ];
            self.put("returns", Near::Case, &["case_id", "order_id", "customer_id"], columns, of(id, opened)).await;
            let part = uuid_at(opened);
            let columns = vec![
                ("id", part.into()),
                ("return_id", id.into()),
                ("order_line_id", line.into()),
                ("data_type", data_type.into()),
                ("quantity", 1.into()),
                ("wrong", 0.into()),
                ("start_at", booked.into()),
            ];
            let inner = Of { via: Some(id), ..of(part, opened) };
            self.put("return_lines", Near::Case, &[], columns, inner).await;
            if let Some(at) = booked {
                self.history.booked(case, at);
            }
        }
        if accepted && is_claim {
            let unit = self.unit(case, DataType::R01, day(decided).year(), customer, decided).await;
            let id = uuid_at(decided);
            let payee = unit.key.seal(Place { table: "refunds", column: "payee", row: id }, "Max Mustermann").unwrap();
            let columns = vec![
                ("id", id.into()),
                ("case_id", case.into()),
                ("order_id", order.into()),
                ("customer_id", customer.into()),
                ("unit_id", unit.id.0.into()),
                ("state", "CREDITED".into()),
                ("kind", "GOODS".into()),
                ("means", "ORIGINAL".into()),
                ("amount_minor", 1000_i64.into()),
                ("currency", "EUR".into()),
                ("payee", payee.0.into()),
                ("granted_at", decided.into()),
                ("granted_by", Uuid::nil().into()),
                ("approval_needed", false.into()),
                ("version", 3_i64.into()),
                ("start_at", decided.into()),
            ];
            self.put("refunds", Near::Case, &["case_id", "order_id", "customer_id"], columns, of(id, decided)).await;
            self.history.refund(case, id, false);
            self.history.booked(case, decided);
        }
        let sql = "UPDATE cases SET state = 'CLOSED', waiting_for = 'NOBODY', closed_at = $1 WHERE id = $2";
        db::run(tx, sql, [closed.into(), case.into()]).await.unwrap();
        let settled = outcome != "NOT_ELIGIBLE";
        let evidence = if settled { DataType::R09a } else { DataType::R09b };
        starts::case_closed(tx, CaseId(case), who, about.map(OrderId), evidence, closed).await.unwrap();
        let known = self.history.case(case);
        (known.over, known.settled, known.advice) = (Some(closed), settled, advice);
    }
}

/// What a row belongs to.
#[derive(Default)]
struct Of {
    id: Uuid,
    at: Instant,
    case: Option<Uuid>,
    order: Option<Uuid>,
    customer: Option<Uuid>,
    via: Option<Uuid>,
}
