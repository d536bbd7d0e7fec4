//! Steps of goods on their way back, through the API, each by the actor whose step it is.

use axum::body::Body;
use axum::http::Request;
use entity::staff::Role;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{App, Caller, Reply, life};

/// What carriers sign with in tests.
pub const SECRET: &str = "a secret of carriers";

/// An order of five kettles and two toasters in one parcel, delivered now.
pub async fn order(app: &App, email: &str, number: &str, locale: &str) -> life::Known {
    let input = json!({
        "number": number, "orderedAt": app.now(), "captured": { "amountMinor": 69750, "currency": "EUR" },
        "customer": { "email": email, "name": "Erika Mustermann", "address": "Heidestraße 17", "locale": locale },
        "paymentMethod": "VISA",
        "lines": [
            { "sku": "W-100", "productGroup": "KITCHEN", "title": "Wasserkocher Elbe", "quantity": 5,
              "unitPriceMinor": 11990, "taxBasisPoints": 1900 },
            { "sku": "T-200", "productGroup": "KITCHEN", "title": "Toaster Saale", "quantity": 2,
              "unitPriceMinor": 4900, "taxBasisPoints": 1900 },
        ],
        "parcels": [{ "carrier": "DHL", "trackingNumber": format!("track-{number}") }],
    });
    let done = app.shop().done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
    let order = done["order"]["id"].as_str().unwrap().to_owned();
    let me = app.customer(email).await.data("{ viewer { customerId } }", json!({})).await;
    let customer = me["viewer"]["customerId"].as_str().unwrap().to_owned();
    let known = life::Known { email: email.to_owned(), number: number.to_owned(), order, customer };
    life::delivered(app, &known).await;
    known
}

/// A case about an order, under review.
pub async fn case(app: &App, known: &life::Known, kind: &str) -> String {
    let case = life::open(&app.customer(&known.email).await, kind, Some(&known.order), "Bitte zurücknehmen.").await;
    let input = json!({ "caseId": case });
    app.agent().await.done("serviceCaseReview", "ServiceCaseStepInput", input, "serviceCase { state }").await;
    case
}

/// What is asked for where nothing else is said.
pub fn instruction(case: &str, lines: &Value) -> Value {
    json!({ "caseId": case, "lines": lines, "notes": "Bitte das Zubehör beilegen.", "label": "LABEL-77" })
}

/// An agent instructs; returns the id of the return.
pub async fn instruct(app: &App, case: &str, lines: Value) -> String {
    let input = instruction(case, &lines);
    let done = app.agent().await.done("returnInstruct", "ReturnInstructInput", input, "return { id }").await;
    done["return"]["id"].as_str().unwrap().to_owned()
}

/// The customer sends the goods off with a parcel.
pub async fn dispatch(app: &App, known: &life::Known, id: &str, tracking: &str) {
    let input = json!({ "returnId": id, "carrier": "DHL", "trackingNumber": tracking });
    let customer = app.customer(&known.email).await;
    customer.done("returnDispatch", "ReturnDispatchInput", input, "return { state }").await;
}

/// Somebody from the warehouse.
pub async fn warehouse(app: &App) -> Caller<'_> {
    app.staff(Role::Warehouse).await
}

/// The warehouse counts.
pub async fn receive(app: &App, id: &str, lines: Value) {
    let input = json!({ "returnId": id, "lines": lines });
    warehouse(app).await.done("returnReceive", "ReturnReceiveInput", input, "return { state }").await;
}

/// The warehouse begins to inspect.
pub async fn begin(app: &App, id: &str) {
    let input = json!({ "returnId": id });
    warehouse(app).await.done("returnInspectionBegin", "ReturnStepInput", input, "return { state }").await;
}

/// What an inspection of the first line found, with reasons against it.
pub fn inspection(id: &str, accepted: i32, reason: &str, basis: &str) -> Value {
    json!({
        "returnId": id, "finding": "Kratzer am Boden, MARKE-BEFUND.", "reason": reason, "legalBasis": basis,
        "text": "Wir haben das Gerät geprüft.",
        "lines": [{
            "position": 1, "accepted": accepted, "grade": "DEFECTIVE", "finding": "Boden undicht, MARKE-ZEILE.",
            "disposition": if accepted > 0 { "REFURBISH" } else { "SEND_BACK" },
        }],
    })
}

/// The warehouse records an inspection.
pub async fn inspect(app: &App, input: Value) {
    let selection = "return { state }";
    let done = warehouse(app).await;
    done.done("returnInspectionRecord", "ReturnInspectionRecordInput", input, selection).await;
}

/// From the instruction to a recorded inspection of pieces of the first line. Returns the return.
pub async fn inspected(app: &App, case: &str, pieces: i32, accepted: i32, reason: &str, basis: &str) -> String {
    let id = instruct(app, case, json!([{ "position": 1, "quantity": pieces, "reason": "QUALITY_DEFECT" }])).await;
    receive(app, &id, json!([{ "position": 1, "received": pieces }])).await;
    begin(app, &id).await;
    inspect(app, inspection(&id, accepted, reason, basis)).await;
    id
}

/// An agent arranges a remedy for one piece of the first line; returns its id.
pub async fn arrange(app: &App, case: &str, kind: &str) -> String {
    let input = json!({ "caseId": case, "kind": kind, "position": 1, "quantity": 1 });
    let done = app.agent().await.done("remedyArrange", "RemedyArrangeInput", input, "remedy { id }").await;
    done["remedy"]["id"].as_str().unwrap().to_owned()
}

/// The warehouse sends a remedy.
pub async fn ship(app: &App, remedy: &str, tracking: &str) {
    let input = json!({ "remedyId": remedy, "carrier": "DHL", "trackingNumber": tracking });
    warehouse(app).await.done("remedyShip", "RemedyShipInput", input, "remedy { state }").await;
}

/// An event of a parcel, now.
pub fn event(app: &App, id: &str, tracking: &str, status: &str) -> Value {
    json!({ "id": id, "trackingNumber": tracking, "status": status, "occurredAt": app.now() })
}

/// The signature of a body at a second.
pub fn signature(second: i64, body: &str, secret: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{second}.{body}")).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={second},v1={hex}")
}

/// A request of a carrier with a signature as given.
pub async fn post(app: &App, carrier: &str, body: &str, signature: &str) -> Reply {
    let request = Request::post(format!("/webhooks/carriers/{carrier}")).header("x-signature", signature);
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// A carrier reports; returns what became of each event.
pub async fn report(app: &App, events: Value) -> Vec<String> {
    let body = json!({ "events": events }).to_string();
    let reply = post(app, "dhl", &body, &signature(app.now().timestamp(), &body, SECRET)).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.bytes));
    let events = reply.json()["events"].as_array().unwrap().clone();
    events.iter().map(|event| event["outcome"].as_str().unwrap().to_owned()).collect()
}

/// What staff sees of a case.
pub async fn seen(app: &App, case: &str, selection: &str) -> Value {
    let query = format!("query($id: ID!) {{ serviceCase(id: $id) {{ {selection} }} }}");
    app.agent().await.data(&query, json!({ "id": case })).await["serviceCase"].clone()
}

/// The kinds of the open tasks of a case, sorted.
pub async fn tasks(app: &App, case: &str) -> Vec<String> {
    let query = "{ tasks(first: 100) { nodes { kind serviceCase { id } } } }";
    let found = app.agent().await.data(query, json!({})).await;
    let of_case = found["tasks"]["nodes"].as_array().unwrap().iter().filter(|t| t["serviceCase"]["id"] == case);
    let mut kinds: Vec<String> = of_case.map(|t| t["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    kinds
}

/// The text of the last message of a form.
pub async fn letter(app: &App, case: &str, form: &str) -> String {
    let found = seen(app, case, "messages(first: 100) { nodes { form body } }").await;
    let nodes = found["messages"]["nodes"].as_array().unwrap().clone();
    let last = nodes.iter().rev().find(|m| m["form"] == form).unwrap_or_else(|| panic!("no {form}: {nodes:#?}"));
    last["body"].as_str().unwrap().to_owned()
}
