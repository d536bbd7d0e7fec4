//! Steps of a case's life, through the API, each by the actor whose step it is.

use aftersales::keys::UnitOf;
use aftersales::mail::{self, Content, Letter, letter::Message};
use aftersales::state::AppState;
use entity::DataType;
use entity::codes::Locale;
use entity::ids::{CaseId, CustomerId, MailId};
use serde_json::{Value, json};

use super::{App, Caller};

/// What a test knows of a customer with an order.
pub struct Known {
    pub email: String,
    pub number: String,
    pub order: String,
    pub customer: String,
}

/// Registers an order of 119.90 EUR with one parcel for a new or known customer.
pub async fn order(app: &App, email: &str, number: &str) -> Known {
    order_with(app, email, number, 1, 11990).await
}

/// Registers an order of so many pieces for 10.00 EUR each.
pub async fn order_of(app: &App, email: &str, number: &str, pieces: i32) -> Known {
    order_with(app, email, number, pieces, 1000).await
}

async fn order_with(app: &App, email: &str, number: &str, pieces: i32, price: i64) -> Known {
    let input = json!({
        "number": number,
        "orderedAt": app.now(),
        "customer": {
            "email": email, "name": "Erika Mustermann", "phone": "030 23125 101",
            "address": "Heidestraße 17\n51147 Köln", "locale": "DE",
        },
        "captured": { "amountMinor": price * i64::from(pieces), "currency": "EUR" },
        "paymentMethod": "VISA",
        "paymentReference": format!("pay-{number}"),
        "lines": [{
            "sku": "W-100", "productGroup": "KITCHEN", "title": "Wasserkocher Modell Elbe", "quantity": pieces,
            "unitPriceMinor": price, "taxBasisPoints": 1900,
        }],
        "parcels": [{ "carrier": "DHL", "trackingNumber": format!("track-{number}") }],
    });
    let shop = app.shop();
    let done = shop.done("orderRegister", "OrderRegisterInput", input, "order { id }").await;
    let order = done["order"]["id"].as_str().unwrap().to_owned();
    let me = app.customer(email).await.data("{ viewer { customerId } }", json!({})).await;
    let customer = me["viewer"]["customerId"].as_str().unwrap().to_owned();
    Known { email: email.to_owned(), number: number.to_owned(), order, customer }
}

/// The parcel of an order arrives now.
pub async fn delivered(app: &App, known: &Known) {
    let input = json!({
        "orderNumber": known.number, "carrier": "DHL", "trackingNumber": format!("track-{}", known.number),
        "deliveredAt": app.now(),
    });
    app.shop().done("parcelDeliver", "ParcelDeliverInput", input, "parcel { deliveredAt }").await;
}

/// Opens a case; returns its id. A withdrawal is declared, in its two steps.
pub async fn open(caller: &Caller<'_>, kind: &str, order: Option<&str>, text: &str) -> String {
    if kind == "WITHDRAWAL" {
        let token =
            super::intake::prepare(caller, json!({ "orderId": order, "concerns": text })).await["token"].clone();
        let number = super::intake::confirm(caller, &token).await["number"].clone();
        let query = "query($n: String!) { serviceCaseByNumber(number: $n) { id } }";
        let found = caller.data(query, json!({ "n": number })).await;
        return found["serviceCaseByNumber"]["id"].as_str().unwrap().to_owned();
    }
    let input = json!({ "kind": kind, "description": text, "orderId": order });
    let done = caller.done("serviceCaseOpen", "ServiceCaseOpenInput", input, "serviceCase { id }").await;
    done["serviceCase"]["id"].as_str().unwrap().to_owned()
}

/// Writes a message.
pub async fn say(caller: &Caller<'_>, case: &str, text: &str) -> Value {
    let input = json!({ "caseId": case, "body": text });
    caller.done("messageAdd", "MessageAddInput", input, "message { id } serviceCase { state waitingFor }").await
}

/// An agent decides.
pub async fn decide(app: &App, case: &str, outcome: &str) {
    let basis = if outcome == "SOLVED_DIRECTLY" { "NONE" } else { "WARRANTY" };
    let input = json!({
        "caseId": case, "outcome": outcome, "reason": "QUALITY_DEFECT", "legalBasis": basis,
        "text": "Sehr geehrte Frau Mustermann, wir haben Ihr Anliegen geprüft.",
    });
    app.agent().await.done("serviceCaseDecide", "ServiceCaseDecideInput", input, "serviceCase { state }").await;
}

/// Finance grants a refund; returns its id.
pub async fn grant(app: &App, case: &str, minor: i64) -> String {
    let input = json!({ "caseId": case, "amount": { "amountMinor": minor, "currency": "EUR" } });
    let done = app.finance().await.done("refundGrant", "RefundGrantInput", input, "refund { id }").await;
    done["refund"]["id"].as_str().unwrap().to_owned()
}

/// Finance takes a refund one step on.
pub async fn step(app: &App, mutation: &str, refund: &str) {
    let input = json!({ "refundId": refund, "reference": "74987500000000000000001" });
    app.finance().await.done(mutation, "RefundStepInput", input, "refund { state }").await;
}

/// A refund that has come to its end.
pub async fn refunded(app: &App, case: &str, minor: i64) -> String {
    let refund = grant(app, case, minor).await;
    step(app, "refundSubmit", &refund).await;
    step(app, "refundCredit", &refund).await;
    refund
}

/// An agent tells the customer the result.
pub async fn notify(app: &App, case: &str) {
    let input = json!({ "caseId": case, "channel": "EMAIL", "text": "Ihr Vorgang ist abgeschlossen." });
    app.agent().await.done("serviceCaseNotify", "ServiceCaseNotifyInput", input, "serviceCase { state }").await;
}

/// An agent tells the customer the result and closes.
pub async fn close(app: &App, case: &str) {
    notify(app, case).await;
    let input = json!({ "caseId": case });
    app.agent().await.done("serviceCaseClose", "ServiceCaseCloseInput", input, "serviceCase { state }").await;
}

/// Uploads bytes to a case as a file of this type; returns the attachment's id.
pub async fn upload(caller: &Caller<'_>, case: &str, name: &str, media_type: &str, bytes: &[u8]) -> String {
    let input = json!({ "caseId": case, "fileName": name, "mediaType": media_type, "byteSize": bytes.len() });
    let selection = "attachment { id } upload { url method }";
    let done = caller.done("attachmentUploadCreate", "AttachmentUploadCreateInput", input, selection).await;
    let path = done["upload"]["url"].as_str().unwrap().trim_start_matches("http://test").to_owned();
    let request = axum::http::Request::put(path).header("content-length", bytes.len());
    let reply = caller.app.send(request.body(axum::body::Body::from(bytes.to_vec())).unwrap()).await;
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.bytes));
    done["attachment"]["id"].as_str().unwrap().to_owned()
}

/// The whole life of a warranty case with a photo and a refund, closed. Returns case, refund and attachment.
pub async fn whole_case(app: &App, known: &Known) -> (String, String, String) {
    let customer = app.customer(&known.email).await;
    let case = open(&customer, "WARRANTY_CLAIM", Some(&known.order), "Der Wasserkocher leckt am Boden.").await;
    let photo = upload(&customer, &case, "boden.jpg", "image/jpeg", &super::media::jpeg()).await;
    say(&app.agent().await, &case, "Vielen Dank, wir prüfen Ihr Anliegen.").await;
    decide(app, &case, "ELIGIBLE").await;
    let refund = refunded(app, &case, 11990).await;
    close(app, &case).await;
    (case, refund, photo)
}

/// A letter about a case (R03), in German, by opaque ids.
pub fn letter(customer: &str, case: &str, to: &str, body: &str) -> Letter {
    Letter {
        content: Content::Message(Message { body: body.to_owned() }),
        locale: Locale::De,
        recipient: to.to_owned(),
        name: Some("Erika Mustermann".to_owned()),
        case: Some(CaseId(row(case))),
        customer: CustomerId(row(customer)),
        data_type: DataType::R03,
        number: Some("AS-2014-ABCDEFG".to_owned()),
        link: None,
    }
}

/// Queues a letter, in the unit that its data type asks for.
pub async fn queue(state: &AppState, letter: Letter) -> MailId {
    let now = state.clock.now();
    let owner = letter.case.map_or(letter.customer.0, |case| case.0);
    let year = if letter.data_type == DataType::R06 { 0 } else { 2014 };
    let unit = UnitOf { owner, data_type: letter.data_type, year, subject: Some(letter.customer.0) };
    let unit = state.keys.ensure(unit, now).await.unwrap();
    let tx = state.db.begin().await.unwrap();
    let id = mail::queue(state, &tx, &unit, letter, now).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// The row id in an opaque id.
pub fn row(id: &str) -> uuid::Uuid {
    use base64::Engine as _;
    let text = String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(id).unwrap()).unwrap();
    text.split_once(':').unwrap().1.parse().unwrap()
}
