//! Refunds: reckoned, granted, approved, paid, followed, traced. Never more than was captured, whatever happens at the same
//! moment.

mod arrival;
mod ceiling;
mod reckoning;
mod steps;

use serde_json::{Value, json};

use crate::support::money::{self, Bought};
use crate::support::{App, life};

async fn claim(app: &App, number: &str) -> (life::Known, String) {
    let known = life::order(app, "max@example.com", number).await;
    life::delivered(app, &known).await;
    let customer = app.customer(&known.email).await;
    let case = life::open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Defekt.").await;
    life::decide(app, &case, "ELIGIBLE").await;
    (known, case)
}

fn amount(case: &str, minor: i64) -> Value {
    json!({ "caseId": case, "amount": { "amountMinor": minor, "currency": "EUR" } })
}

/// A withdrawal with its statement on an order with two lines and express delivery.
async fn withdrawal(app: &App, number: &str) -> (Bought, String) {
    let bought = money::order(app, number, &[(2, 5000, 1900), (1, 1070, 700)], Some((990, 490))).await;
    let case = money::case(app, &bought, "WITHDRAWAL").await;
    money::withdrawn(app, &bought, &case).await;
    (bought, case)
}

fn lines(bought: &Bought, units: &[(usize, i32)]) -> String {
    let line = |(line, n): &(usize, i32)| format!("{{orderLineId: \"{}\", quantity: {n}}}", bought.lines[*line]);
    format!("lines: [{}]", units.iter().map(line).collect::<Vec<_>>().join(", "))
}

fn line_input(bought: &Bought, units: &[(usize, i32)]) -> Value {
    units.iter().map(|(line, n)| json!({ "orderLineId": bought.lines[*line], "quantity": n })).collect()
}

fn minor(value: &Value) -> i64 {
    value["amountMinor"].as_i64().unwrap()
}

fn codes(errors: &Value) -> Vec<&str> {
    errors.as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect()
}

fn detail<'a>(error: &'a Value, name: &str) -> &'a str {
    let found = error["details"].as_array().unwrap().iter().find(|d| d["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {error}"))["value"].as_str().unwrap()
}

async fn refused(app: &App, mutation: &str, refund: &str) -> (String, Value) {
    app.finance().await.refused(mutation, "RefundStepInput", json!({ "refundId": refund })).await
}
