//! Steps about money: orders with figures, what comes back, a second person in finance, and consents.

use aftersales::auth::Actor;
use entity::ids::{CaseId, CustomerId, OrderId, OrderLineId, ReturnId, ReturnLineId, StaffId, TokenId, WithdrawalId};
use entity::staff::Role;
use entity::{DataType, proposals, return_lines, returns, staff, withdrawals};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set};
use serde_json::{Value, json};

use super::{App, Caller, days, life};

/// An order with figures of its own.
pub struct Bought {
    pub known: life::Known,
    /// The lines, by position.
    pub lines: Vec<String>,
}

/// Registers and delivers an order: lines of quantity, unit price and tax, and what delivery cost and would have cost.
pub async fn order(app: &App, number: &str, lines: &[(i32, i64, i32)], shipping: Option<(i64, i64)>) -> Bought {
    let email = "max@example.com";
    let goods: i64 = lines.iter().map(|(n, price, _)| i64::from(*n) * price).sum();
    let line = |(n, price, tax): &(i32, i64, i32)| {
        json!({
            "sku": "W-100", "productGroup": "KITCHEN", "title": "Wasserkocher", "quantity": n, "unitPriceMinor": price,
            "taxBasisPoints": tax,
        })
    };
    let delivery = shipping.map(
        |(charged, standard)| json!({ "chargedMinor": charged, "standardMinor": standard, "taxBasisPoints": 1900 }),
    );
    let captured = goods + shipping.map_or(0, |(charged, _)| charged);
    let input = json!({
        "number": number, "orderedAt": app.now(), "paymentMethod": "VISA",
        "customer": { "email": email, "name": "Max Mustermann", "locale": "DE" },
        "captured": { "amountMinor": captured, "currency": "EUR" }, "shipping": delivery,
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "parcels": [{ "carrier": "DHL", "trackingNumber": format!("track-{number}") }],
    });
    let selection = "order { id lines { id } }";
    let order = app.shop().done("orderRegister", "OrderRegisterInput", input, selection).await["order"].clone();
    let me = app.customer(email).await.data("{ viewer { customerId } }", json!({})).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let known = life::Known {
        email: email.to_owned(),
        number: number.to_owned(),
        order: text(&order["id"]),
        customer: text(&me["viewer"]["customerId"]),
    };
    life::delivered(app, &known).await;
    Bought { known, lines: order["lines"].as_array().unwrap().iter().map(|l| text(&l["id"])).collect() }
}

/// A case of a kind on an order.
pub async fn case(app: &App, bought: &Bought, kind: &str) -> String {
    let customer = app.customer(&bought.known.email).await;
    life::open(&customer, kind, Some(&bought.known.order), "Defekt.").await
}

/// Puts a case where another room would have brought it.
pub async fn set_case(app: &App, case: &str, set: &str) {
    let sql = format!("UPDATE cases SET {set} WHERE id = $1");
    aftersales::db::run(app.state.db.write(), &sql, [life::row(case).into()]).await.unwrap();
}

/// The statement of withdrawal behind a case, received now.
pub async fn withdrawn(app: &App, bought: &Bought, case: &str) {
    let row = withdrawals::ActiveModel {
        id: Set(WithdrawalId::new(app.now())),
        customer_id: Set(CustomerId(life::row(&bought.known.customer))),
        order_id: Set(Some(OrderId(life::row(&bought.known.order)))),
        case_id: Set(Some(CaseId(life::row(case)))),
        unit_id: Set(None),
        name: Set(None),
        contract: Set(None),
        receipt_to: Set(None),
        statement: Set(None),
        received_at: Set(app.now()),
        dispatched_at: Set(None),
        receipt_id: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(app.state.db.write()).await.unwrap();
}

/// How a return stands: whether its dispatch is proved, and whether it has arrived.
#[derive(Clone, Copy)]
pub struct Parcel {
    pub dispatched: bool,
    pub received: bool,
}

/// A return of a case: per line how many pieces came and how many of them were accepted.
pub async fn came_back(app: &App, bought: &Bought, case: &str, parcel: Parcel, lines: &[(usize, i32, Option<i32>)]) {
    let (id, now) = (ReturnId::new(app.now()), app.now());
    let row = returns::ActiveModel {
        id: Set(id),
        case_id: Set(CaseId(life::row(case))),
        order_id: Set(OrderId(life::row(&bought.known.order))),
        customer_id: Set(CustomerId(life::row(&bought.known.customer))),
        unit_id: Set(None),
        data_type: Set(DataType::R02b),
        number: Set(format!("RA-{}", id.0.simple())),
        state: Set(returns::State::Received),
        bearer: Set(returns::Bearer::Customer),
        address: Set("128 DREAM CT".to_owned()),
        notes: Set(None),
        label: Set(None),
        instructed_at: Set(now),
        return_by: Set(now + days(14)),
        dispatched_at: Set(parcel.dispatched.then_some(now)),
        dispatch_proof: Set(None),
        received_at: Set(parcel.received.then_some(now)),
        received_by: Set(None),
        inspected_at: Set(None),
        inspected_by: Set(None),
        finding: Set(None),
        booked_at: Set(None),
        version: Set(1),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(app.state.db.write()).await.unwrap();
    for (line, received, accepted) in lines {
        let row = return_lines::ActiveModel {
            id: Set(ReturnLineId::new(now)),
            return_id: Set(id),
            order_line_id: Set(OrderLineId(life::row(&bought.lines[*line]))),
            unit_id: Set(None),
            data_type: Set(DataType::R02b),
            quantity: Set(*received),
            reason: Set(None),
            detail: Set(None),
            received: Set(parcel.received.then_some(*received)),
            wrong: Set(0),
            accepted: Set(*accepted),
            grade: Set(None),
            finding: Set(None),
            disposition: Set(None),
            start_at: Set(None),
            not_before: Set(None),
        };
        row.insert(app.state.db.write()).await.unwrap();
    }
}

/// A proposal on a case.
pub async fn proposed(app: &App, case: &str, state: proposals::State) {
    let row = proposals::ActiveModel {
        id: Set(entity::ids::ProposalId::new(app.now())),
        case_id: Set(CaseId(life::row(case))),
        unit_id: Set(None),
        state: Set(state),
        text: Set(None),
        amount_minor: Set(None),
        currency: Set(None),
        offered_by: Set(entity::codes::ActorKind::Staff),
        offered_by_id: Set(None),
        offered_at: Set(app.now()),
        answered_at: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(app.state.db.write()).await.unwrap();
}

/// Another member of finance than [`App::finance`].
pub async fn second_finance(app: &App) -> Caller<'_> {
    // Later than the first, whom `App::finance` finds.
    let id = StaffId::new(app.now() + days(1));
    let row = staff::ActiveModel {
        id: Set(id),
        unit_id: Set(None),
        name: Set(None),
        email: Set(None),
        role: Set(Role::Finance),
        created_at: Set(app.now()),
        left_at: Set(None),
        start_at: Set(None),
        not_before: Set(None),
    };
    row.insert(app.state.db.write()).await.unwrap();
    let (now, token) = (app.now(), TokenId::new(app.now()));
    let actor = Actor::Staff(id, Role::Finance);
    let token = app.state.signing.bearer(&actor, token, now, now + chrono::TimeDelta::hours(12)).unwrap();
    Caller { app, token: Some(token) }
}

/// Asks what a refund would come to; `arguments` beside the case are written as GraphQL.
pub async fn preview(caller: &Caller<'_>, case: &str, arguments: &str) -> Value {
    let query = format!(
        "query($case: ID!) {{ refundPreview(caseId: $case, {arguments}) {{ userErrors {{ code field message \
         details {{ name value }} }} calculation {{ total {{ amountMinor currency }} deduction {{ amountMinor }} \
         ceiling {{ amountMinor }} ceilingReason ceilingLabel shipping {{ gross {{ amountMinor }} tax {{ amountMinor }} \
         rule norm }} lines {{ orderLineId quantity gross {{ amountMinor }} tax {{ amountMinor }} taxBasisPoints }} \
         tax {{ taxBasisPoints net {{ amountMinor }} tax {{ amountMinor }} gross {{ amountMinor }} }} \
         steps {{ code what orderLineId amount {{ amountMinor }} norm }} notes {{ code what norm }} }} }} }}"
    );
    caller.data(&query, json!({ "case": case })).await["refundPreview"].clone()
}

/// Finance takes a refund one step on, with an input of its own beside the refund.
pub async fn step(app: &App, mutation: &str, refund: &str, mut input: Value) -> Value {
    input["refundId"] = json!(refund);
    let selection = "refund { state means version }";
    app.finance().await.done(mutation, "RefundStepInput", input, selection).await["refund"].clone()
}

/// The customer agrees to a bank transfer.
pub async fn agree(app: &App, refund: &str) {
    let input = json!({ "refundId": refund, "consent": "Am Telefon: Überweisung, ohne Kosten." });
    let selection = "refund { state }";
    let agent = app.agent().await;
    let done = agent.done("refundAgreeAlternative", "RefundAgreeAlternativeInput", input, selection).await;
    assert_eq!(done["refund"]["state"], "ALTERNATIVE_AGREED");
}
