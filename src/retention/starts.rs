//! Start events: the moments at which a retention period begins, written where the moment happens.

use chrono::{DateTime, TimeDelta, Utc};
use entity::DataType;
use entity::ids::{CaseId, CustomerId, OrderId, ParcelId};
use sea_orm::{DatabaseTransaction, Value};

use super::holds::Scope;
use crate::db;
use crate::error::Result;
use crate::policy::rules::{Event, RuleId};
use crate::state::App;

/// How long an order counts as on its way if nobody reports its delivery: neither a rule nor an erasure takes it meanwhile.
const ON_ITS_WAY: TimeDelta = TimeDelta::days(90);

const NO_OPEN_CASE: &str =
    "NOT EXISTS (SELECT 1 FROM cases c WHERE c.state NOT IN ('CLOSED', 'CANCELLED', 'MERGED', 'ERASED') AND c.";

/// What lives as long as the header of its case (R26).
const WITH_THE_HEADER: [&str; 3] = ["timers", "tasks", "case_transitions"];

/// Returns that led to no booking; with a booking their period runs already.
const RETURNS: &str = "UPDATE returns SET start_at = $2 WHERE case_id = $1 AND data_type = 'R02b'";
const RETURN_LINES: &str = "UPDATE return_lines SET start_at = $2 WHERE data_type = 'R02b' \
                            AND return_id IN (SELECT r.id FROM returns r WHERE r.case_id = $1)";
/// Parcels of a case whose end nobody has reported.
const PARCELS: &str = "UPDATE parcels SET start_at = $2 WHERE case_id = $1 AND state IN ('ANNOUNCED', 'IN_TRANSIT')";

/// What carriers reported of them, which never lives longer than its parcel (R08).
const EVENTS: &str = "UPDATE carrier_events SET start_at = $2 WHERE parcel_id IN \
                      (SELECT p.id FROM parcels p WHERE p.case_id = $1 AND p.state IN ('ANNOUNCED', 'IN_TRANSIT'))";

/// Work, a hold or a restriction has ended that erasures may have waited for: the job `erasures` goes on with them at its next
/// turn. Also with those of which a pass runs just now: it may have seen what has ended.
///
/// # Errors
/// The database fails.
pub(super) async fn wake_erasures(tx: &DatabaseTransaction, on: Scope, now: DateTime<Utc>) -> Result<()> {
    let (of, id) = match on {
        Scope::Customer(id) => (" AND customer_id = $2", Some(id.0)),
        Scope::Order(id) => (" AND customer_id IN (SELECT customer_id FROM orders WHERE id = $2)", Some(id.0)),
        Scope::Case(id) => (" AND customer_id IN (SELECT customer_id FROM cases WHERE id = $2)", Some(id.0)),
        Scope::Records(..) => ("", None),
    };
    let sql = format!("UPDATE erasures SET wake_at = $1 WHERE state <> 'SETTLED'{of}");
    db::run(tx, &sql, [now.into()].into_iter().chain(id.map(Value::from))).await?;
    Ok(())
}

/// A parcel leaves for a case. For one that is over, such as goods that go back after it was called off, its period begins
/// at once, until its arrival moves it: its case will not close again, and carriers do not always report.
///
/// # Errors
/// The database fails.
pub async fn parcel_sent(tx: &DatabaseTransaction, case: CaseId, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    let sql = "SELECT 1 FROM cases WHERE id = $1 AND start_at IS NOT NULL";
    Ok((!db::rows(tx, sql, [case.0.into()]).await?.is_empty()).then_some(now))
}

/// A parcel has been delivered or is lost: what its carrier reported begins its period (R08).
///
/// # Errors
/// The database fails.
pub async fn parcel_settled(tx: &DatabaseTransaction, parcel: ParcelId, at: DateTime<Utc>) -> Result<()> {
    let sql = "UPDATE carrier_events SET start_at = $1 WHERE parcel_id = $2";
    db::run(tx, sql, [at.into(), parcel.0.into()]).await?;
    Ok(())
}

/// When the period of a voucher or of a booked return begins: with the booking; under the one-stop shop with the supply,
/// which is when the payment was accepted (UStG § 22(1) sentence 4, Directive 2006/112/EC Art. 66a).
#[must_use]
pub fn booked(app: &App, data_type: DataType, ordered_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let from_supply = app.rules().get(&data_type).is_some_and(|rule| rule.from_supply);
    ordered_at.filter(|_| from_supply).unwrap_or(now)
}

/// Vouchers of the one-stop shop, with the instant of each: their period starts anew where that profile has been left.
const VOUCHERS: [(&str, &str); 4] = [
    ("refunds", "granted_at"),
    ("returns", "booked_at"),
    ("remedies", "ordered_at"),
    ("return_lines", "(SELECT r.booked_at FROM returns r WHERE r.id = t.return_id)"),
];

/// Where the one-stop shop has been left, the duty counts from the voucher (AO § 147(4)): what began with the supply, which was before
/// that, begins with the voucher now.
///
/// # Errors
/// The database fails.
pub(super) async fn leave_supply(app: &App) -> Result<()> {
    let vouchers = [DataType::R01, DataType::R02a];
    if vouchers.iter().any(|data_type| app.rules().get(data_type).is_none_or(|rule| rule.from_supply)) {
        return Ok(());
    }
    let ever = "SELECT 1 FROM retention_rules WHERE data_type = $1 AND start_event = $2 LIMIT 1";
    let supply = [DataType::R01.code().into(), Event::Supply.words().en.into()];
    if db::rows(app.db.read(), ever, supply).await?.is_empty() {
        return Ok(());
    }
    for (table, voucher) in VOUCHERS {
        let of_type = if table.starts_with("return") { " AND t.data_type = 'R02a'" } else { "" };
        let earlier = format!("t.start_at < {voucher}{of_type}");
        let any = format!("SELECT 1 FROM {table} t WHERE {earlier} LIMIT 1");
        if !db::rows(app.db.read(), &any, []).await?.is_empty() {
            let sql = format!("UPDATE {table} AS t SET start_at = {voucher} WHERE {earlier}");
            db::run(app.db.write(), &sql, []).await?;
        }
    }
    Ok(())
}

/// An order is registered: until a delivery or a case moves them on, its periods and that of the contact record count
/// from here, so that an order which is never reported delivered does not stay for ever.
///
/// # Errors
/// The database fails.
pub async fn order_registered(
    tx: &DatabaseTransaction,
    order: OrderId,
    customer: CustomerId,
    now: DateTime<Utc>,
) -> Result<()> {
    let on_its_way = now + ON_ITS_WAY;
    let values: [Value; 3] = [now.into(), order.0.into(), on_its_way.into()];
    db::run(tx, "UPDATE orders SET start_at = $1, not_before = $3 WHERE id = $2", values.clone()).await?;
    for table in ["order_lines", "parcels"] {
        let sql = format!("UPDATE {table} SET start_at = $1, not_before = $3 WHERE order_id = $2");
        db::run(tx, &sql, values.clone()).await?;
    }
    let sql = format!("UPDATE customers SET start_at = $1 WHERE id = $2 AND {NO_OPEN_CASE}customer_id = $2)");
    db::run(tx, &sql, [now.into(), customer.0.into()]).await?;
    let sql = "UPDATE customers SET not_before = $1, archived_at = NULL WHERE id = $2";
    db::run(tx, sql, [on_its_way.into(), customer.0.into()]).await?;
    Ok(())
}

/// A case opens: the contact record and the order are needed again, so their periods stop.
///
/// # Errors
/// The database fails.
pub async fn case_opened(tx: &DatabaseTransaction, customer: CustomerId, order: Option<OrderId>) -> Result<()> {
    let sql = "UPDATE customers SET start_at = NULL, archived_at = NULL WHERE id = $1";
    db::run(tx, sql, [customer.0.into()]).await?;
    if let Some(order) = order {
        let sql = "UPDATE orders SET start_at = NULL, archived_at = NULL WHERE id = $1";
        db::run(tx, sql, [order.0.into()]).await?;
        db::run(tx, "UPDATE order_lines SET start_at = NULL WHERE order_id = $1", [order.0.into()]).await?;
    }
    Ok(())
}

/// A closed case is taken up again: everything that its closing had started stops.
///
/// # Errors
/// The database fails.
pub async fn case_reopened(
    tx: &DatabaseTransaction,
    case: CaseId,
    customer: CustomerId,
    order: Option<OrderId>,
) -> Result<()> {
    db::run(tx, "UPDATE cases SET start_at = NULL, archived_at = NULL WHERE id = $1", [case.0.into()]).await?;
    // Whatever it had been accepted for, it is evidence of a claim again.
    let sql = "UPDATE attachments SET start_at = NULL, data_type = 'R09b' WHERE case_id = $1 AND state = 'AVAILABLE'";
    db::run(tx, sql, [case.0.into()]).await?;
    for table in ["messages", "mails"] {
        let sql = format!("UPDATE {table} SET start_at = NULL WHERE case_id = $1 AND data_type = 'R06'");
        db::run(tx, &sql, [case.0.into()]).await?;
    }
    for table in WITH_THE_HEADER {
        db::run(tx, &format!("UPDATE {table} SET start_at = NULL WHERE case_id = $1"), [case.0.into()]).await?;
    }
    for sql in [RETURNS, RETURN_LINES, PARCELS, EVENTS] {
        db::run(tx, &sql.replace("$2", "NULL"), [case.0.into()]).await?;
    }
    case_opened(tx, customer, order).await
}

/// A case closes: its header (R24), timers and tasks (R26), its evidence (R09a, R09b), its advice (R06), its returns that led
/// to no booking (R02b), its parcels of which nobody reported an end, with their events (R07, R08), and, where it was the last open one, the order (R25) and the contact record (R21) begin their periods.
///
/// # Errors
/// The database fails.
pub async fn case_closed(
    tx: &DatabaseTransaction,
    case: CaseId,
    customer: CustomerId,
    order: Option<OrderId>,
    evidence: DataType,
    now: DateTime<Utc>,
) -> Result<()> {
    db::run(tx, "UPDATE cases SET start_at = $1 WHERE id = $2", [now.into(), case.0.into()]).await?;
    case_counted(tx, case).await?;
    let sql = "UPDATE attachments SET start_at = $1, data_type = $2 WHERE case_id = $3 AND state = 'AVAILABLE'";
    db::run(tx, sql, [now.into(), evidence.code().into(), case.0.into()]).await?;
    for table in ["messages", "mails"] {
        let sql = format!("UPDATE {table} SET start_at = $1 WHERE case_id = $2 AND data_type = 'R06'");
        db::run(tx, &sql, [now.into(), case.0.into()]).await?;
    }
    for table in WITH_THE_HEADER {
        let sql = format!("UPDATE {table} SET start_at = $1 WHERE case_id = $2");
        db::run(tx, &sql, [now.into(), case.0.into()]).await?;
    }
    for sql in [RETURNS, RETURN_LINES, PARCELS, EVENTS] {
        db::run(tx, sql, [case.0.into(), now.into()]).await?;
    }
    if let Some(order) = order {
        let values: [Value; 2] = [now.into(), order.0.into()];
        let sql = format!("UPDATE orders SET start_at = $1 WHERE id = $2 AND {NO_OPEN_CASE}order_id = $2)");
        db::run(tx, &sql, values.clone()).await?;
        let sql = format!("UPDATE order_lines SET start_at = $1 WHERE order_id = $2 AND {NO_OPEN_CASE}order_id = $2)");
        db::run(tx, &sql, values).await?;
    }
    let sql = format!("UPDATE customers SET start_at = $1 WHERE id = $2 AND {NO_OPEN_CASE}customer_id = $2)");
    db::run(tx, &sql, [now.into(), customer.0.into()]).await?;
    wake_erasures(tx, Scope::Customer(customer), now).await
}

/// How the promises of a case were kept and what was paid back: its timers go before its header, and its refunds may, so
/// the header itself has to say it when it is anonymised.
async fn case_counted(tx: &DatabaseTransaction, case: CaseId) -> Result<()> {
    let kept = |n| {
        format!(
            "(SELECT CASE WHEN SUM(CASE WHEN t.state = 'BREACHED' THEN 1 ELSE 0 END) > 0 THEN 'OVER' \
             WHEN COUNT(*) > 0 THEN 'WITHIN' END FROM timers t \
             WHERE t.case_id = $1 AND t.rule = ${n} AND t.state IN ('MET', 'BREACHED'))"
        )
    };
    let sql = format!(
        "UPDATE cases SET first_response = {}, review = {}, refunded_minor = (SELECT CAST(SUM(r.amount_minor) AS bigint) \
         FROM refunds r WHERE r.case_id = $1 AND r.state = 'CREDITED') WHERE id = $1",
        kept(2),
        kept(3)
    );
    let rules = [RuleId::FirstResponse, RuleId::Review].map(|rule| rule.to_string());
    let [first_response, review] = rules;
    db::run(tx, &sql, [case.0.into(), first_response.into(), review.into()]).await?;
    Ok(())
}

/// The last parcel of an order is delivered: an order without any case begins its period then; one whose cases are all
/// closed, and the contact record of a customer without an open case, are moved on by it, never back.
///
/// # Errors
/// The database fails.
pub async fn order_delivered(
    tx: &DatabaseTransaction,
    order: OrderId,
    customer: CustomerId,
    at: DateTime<Utc>,
) -> Result<()> {
    let values: [Value; 2] = [at.into(), order.0.into()];
    let begins = format!(
        "(NOT EXISTS (SELECT 1 FROM cases c WHERE c.order_id = $2) OR (start_at < $1 AND {NO_OPEN_CASE}order_id = $2)))"
    );
    db::run(tx, &format!("UPDATE orders SET start_at = $1 WHERE id = $2 AND {begins}"), values.clone()).await?;
    db::run(tx, &format!("UPDATE order_lines SET start_at = $1 WHERE order_id = $2 AND {begins}"), values).await?;
    db::run(tx, "UPDATE orders SET not_before = NULL, archived_at = NULL WHERE id = $1", [order.0.into()]).await?;
    for table in ["order_lines", "parcels"] {
        db::run(tx, &format!("UPDATE {table} SET not_before = NULL WHERE order_id = $1"), [order.0.into()]).await?;
    }
    let sql = "UPDATE customers SET not_before = \
               (SELECT MAX(o.not_before) FROM orders o WHERE o.customer_id = $1) WHERE id = $1";
    db::run(tx, sql, [customer.0.into()]).await?;
    let sql = format!(
        "UPDATE customers SET start_at = $1 WHERE id = $2 AND (start_at IS NULL OR start_at < $1) \
         AND {NO_OPEN_CASE}customer_id = $2)"
    );
    db::run(tx, &sql, [at.into(), customer.0.into()]).await?;
    wake_erasures(tx, Scope::Customer(customer), at).await
}
