//! Bad input: every refusal names what is wrong and where, and nothing has changed. Bad credentials open nothing.

use aftersales::db::{Db, Place};
use aftersales::error::Error;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::staff::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::on_both_engines;
use crate::support::{App, Caller, Reply, days, life};

/// An input with another value at a place.
fn with(input: &Value, place: &str, value: &Value) -> Value {
    let (parent, key) = place.rsplit_once('/').unwrap();
    let mut changed = input.clone();
    changed.pointer_mut(parent).unwrap()[key] = value.clone();
    changed
}

/// An input that is right but for the value at a place is refused with this code, at this path, in words; returns the
/// errors, so that facts can be looked at. Nothing changes.
async fn refuses(caller: &Caller<'_>, mutation: &str, right: &Value, rows: &[(&str, Value, &str, &str)]) -> Vec<Value> {
    let before = caller.app.counts().await;
    let input_type = match mutation {
        "refundSubmit" => "RefundStepInput".to_owned(),
        _ => format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]),
    };
    let (mut errors, mut wrong) = (Vec::new(), Vec::new());
    for (place, value, code, field) in rows {
        let payload = caller.mutate(mutation, &input_type, with(right, place, value), "").await;
        let found = payload["userErrors"].as_array().unwrap().clone();
        let path: Vec<&str> = field.split('.').collect();
        let fine = found.len() == 1
            && (&found[0]["code"], &found[0]["field"]) == (&json!(code), &json!(path))
            && found[0]["message"].as_str().is_some_and(|m| m.ends_with('.'));
        if !fine {
            let value: String = value.to_string().chars().take(40).collect();
            wrong.push(format!("{mutation} with {place} = {value}: expected {code} at {field}, found {found:?}"));
        }
        errors.extend(found);
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(caller.app.counts().await, before, "nothing has changed");
    errors
}

fn too_long() -> Value {
    json!("ä".repeat(10_001))
}

/// An id of this kind that leads nowhere.
fn none(kind: &str) -> Value {
    json!(aftersales::graphql::node::id(kind, uuid::Uuid::nil()).0)
}

fn order_input(app: &App) -> Value {
    json!({
        "number": "B-9", "orderedAt": app.now(), "captured": { "amountMinor": 100, "currency": "EUR" },
        "customer": { "email": "max@example.com", "name": "Max Mustermann" }, "paymentMethod": "VISA",
        "lines": [line()], "parcels": [{ "carrier": "DHL", "trackingNumber": "1" }],
    })
}

fn line() -> Value {
    json!({ "sku": "S", "productGroup": "G", "title": "T", "quantity": 1, "unitPriceMinor": 100, "taxBasisPoints": 1900 })
}

/// A request that would open a case, with an `Authorization` header as it is.
async fn open_with(app: &App, authorization: &str) -> Reply {
    let query = r#"mutation { serviceCaseOpen(input: {kind: COMPLAINT, description: "a", idempotencyKey: "k"}) { userErrors { code } } }"#;
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "application/graphql-response+json")
        .header("authorization", authorization);
    app.send(request.body(Body::from(json!({ "query": query }).to_string())).unwrap()).await
}

/// Such credentials are refused before anything is looked at.
async fn is_nobody(app: &App, authorization: &str, why: &str) {
    let reply = open_with(app, authorization).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{why}");
    assert_eq!(reply.headers["www-authenticate"], "Bearer", "{why}");
    assert!(reply.json().get("data").is_none(), "{why}");
    assert_eq!(app.count("cases", "1 = 1").await, 0, "{why}");
}

on_both_engines! {
    /// F100: opening a case.
    async fn a_wrong_case_is_refused(app) {
        let known = life::order(app, "max@example.com", "B-1").await;
        let foreign = life::order(app, "erika@example.com", "B-2").await;
        let customer = app.customer(&known.email).await;
        let right = json!({ "kind": "RETURN", "description": "Zu klein." });
        let errors = refuses(&customer, "serviceCaseOpen", &right, &[
            ("/description", too_long(), "TOO_LONG", "input.description"),
            ("/description", json!(""), "REQUIRED", "input.description"),
            ("/description", json!(" \n\t "), "REQUIRED", "input.description"),
            ("/description", json!("a\u{7}b"), "INVALID", "input.description"),
            ("/description", json!("a\u{0}b"), "INVALID", "input.description"),
            ("/orderId", none("Order"), "NOT_FOUND", "input.orderId"),
            ("/orderId", json!("nonsense"), "NOT_FOUND", "input.orderId"),
            ("/orderId", json!(known.customer), "NOT_FOUND", "input.orderId"),
            ("/orderId", json!(foreign.order), "NOT_FOUND", "input.orderId"),
            ("/customerId", json!(foreign.customer), "NOT_FOUND", "input.customerId"),
            ("/channel", json!("PHONE"), "INVALID", "input.channel"),
            ("/idempotencyKey", json!(""), "REQUIRED", "input.idempotencyKey"),
            ("/idempotencyKey", json!("k".repeat(201)), "TOO_LONG", "input.idempotencyKey"),
        ]).await;
        let facts = json!([{ "name": "maximum", "value": "10000" }, { "name": "actual", "value": "10001" }]);
        assert_eq!(errors[0]["details"], facts);
        let right = json!({ "kind": "RETURN", "description": "Zu klein.", "customerId": known.customer, "channel": "PHONE" });
        refuses(&app.agent().await, "serviceCaseOpen", &right, &[
            ("/customerId", Value::Null, "REQUIRED", "input.customerId"),
            ("/customerId", none("Customer"), "NOT_FOUND", "input.customerId"),
            ("/channel", Value::Null, "REQUIRED", "input.channel"),
            ("/orderId", json!(foreign.order), "NOT_FOUND", "input.orderId"),
        ]).await;
    }

    /// Limits are counted in characters, as the schema says, and what is just within them is accepted.
    async fn what_is_just_short_enough_is_accepted(app) {
        let known = life::order(app, "max@example.com", "B-3").await;
        let input = json!({ "kind": "RETURN", "description": "ä".repeat(10_000), "idempotencyKey": "ä".repeat(200) });
        let customer = app.customer(&known.email).await;
        customer.done("serviceCaseOpen", "ServiceCaseOpenInput", input, "serviceCase { id }").await;
        assert_eq!(app.count("cases", "1 = 1").await, 1);
    }

    /// F100: writing, deciding and adding evidence.
    async fn a_wrong_message_decision_or_file_is_refused(app) {
        let known = life::order(app, "max@example.com", "B-4").await;
        let foreign = life::order(app, "erika@example.com", "B-5").await;
        let case = life::open(&app.customer(&known.email).await, "RETURN", Some(&known.order), "Zu klein.").await;
        let right = json!({ "caseId": case, "body": "Guten Tag." });
        refuses(&app.customer(&known.email).await, "messageAdd", &right, &[
            ("/body", too_long(), "TOO_LONG", "input.body"),
            ("/body", json!(""), "REQUIRED", "input.body"),
            ("/body", json!("a\u{1b}[2J"), "INVALID", "input.body"),
            ("/caseId", none("ServiceCase"), "NOT_FOUND", "input.caseId"),
        ]).await;
        let other = app.customer(&foreign.email).await;
        refuses(&other, "messageAdd", &right, &[("/body", json!("Guten Tag."), "NOT_FOUND", "input.caseId")]).await;
        let right = json!({ "caseId": case, "fileName": "a.jpg", "mediaType": "image/jpeg", "byteSize": 100 });
        refuses(&other, "attachmentUploadCreate", &right, &[("/byteSize", json!(1), "NOT_FOUND", "input.caseId")]).await;
        let errors = refuses(&app.customer(&known.email).await, "attachmentUploadCreate", &right, &[
            ("/byteSize", json!((25 << 20) + 1), "TOO_LARGE", "input.byteSize"),
            ("/byteSize", json!(1_u64 << 60), "TOO_LARGE", "input.byteSize"),
            ("/byteSize", json!(0), "NOT_POSITIVE", "input.byteSize"),
            ("/byteSize", json!(-1), "NOT_POSITIVE", "input.byteSize"),
            ("/mediaType", json!("image/gif"), "UNSUPPORTED_TYPE", "input.mediaType"),
            ("/fileName", json!(""), "REQUIRED", "input.fileName"),
            ("/fileName", json!("ä".repeat(301)), "TOO_LONG", "input.fileName"),
        ]).await;
        assert_eq!(errors[0]["details"], json!([{ "name": "maximum", "value": "26214400" }]));
        let right = json!({
            "caseId": case, "outcome": "ELIGIBLE", "reason": "DAMAGED", "legalBasis": "WARRANTY", "text": "Wir erstatten.",
        });
        refuses(&app.agent().await, "serviceCaseDecide", &right, &[
            ("/text", too_long(), "TOO_LONG", "input.text"),
            ("/text", json!(""), "REQUIRED", "input.text"),
            ("/legalBasis", json!("NONE"), "REQUIRED", "input.legalBasis"),
            ("/caseId", none("ServiceCase"), "NOT_FOUND", "input.caseId"),
            ("/caseId", json!(known.order), "NOT_FOUND", "input.caseId"),
            ("/expectedVersion", json!(1_u64 << 60), "VERSION_CONFLICT", "input.expectedVersion"),
        ]).await;
    }

    /// F33, F100: amounts.
    async fn a_wrong_amount_is_refused(app) {
        let known = life::order(app, "max@example.com", "B-6").await;
        let case = life::open(&app.customer(&known.email).await, "RETURN", Some(&known.order), "Zu klein.").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let finance = app.finance().await;
        let right = json!({ "caseId": case, "amount": { "amountMinor": 100, "currency": "EUR" } });
        let errors = refuses(&finance, "refundGrant", &right, &[
            ("/amount/amountMinor", json!(11991), "AMOUNT_EXCEEDS_CAPTURED", "input.amount.amountMinor"),
            ("/amount/currency", json!("USD"), "CURRENCY_MISMATCH", "input.amount.currency"),
            ("/amount/currency", json!("eur"), "CURRENCY_MISMATCH", "input.amount.currency"),
            ("/amount/amountMinor", json!(1_i64 << 53), "AMOUNT_EXCEEDS_CAPTURED", "input.amount.amountMinor"),
            ("/amount/amountMinor", json!(0), "NOT_POSITIVE", "input.amount.amountMinor"),
            ("/amount/amountMinor", json!(-1), "NOT_POSITIVE", "input.amount.amountMinor"),
            ("/caseId", none("ServiceCase"), "NOT_FOUND", "input.caseId"),
        ]).await;
        assert_eq!(errors[0]["details"], json!([{ "name": "largestAmountMinor", "value": "11990" }]));
        assert_eq!(errors[1]["details"], json!([{ "name": "currency", "value": "EUR" }]));
        let refund = life::grant(app, &case, 90).await;
        let errors = refuses(&finance, "refundGrant", &right, &[
            ("/amount/amountMinor", json!(11990), "AMOUNT_EXCEEDS_CAPTURED", "input.amount.amountMinor"),
        ]).await;
        assert_eq!(errors[0]["details"], json!([{ "name": "largestAmountMinor", "value": "11900" }]));
        refuses(&finance, "refundSubmit", &json!({ "refundId": refund }), &[
            ("/refundId", none("Refund"), "NOT_FOUND", "input.refundId"),
            ("/refundId", json!(case), "NOT_FOUND", "input.refundId"),
            ("/reference", json!("1".repeat(121)), "TOO_LONG", "input.reference"),
        ]).await;
    }

    /// F100: orders and deliveries.
    async fn a_wrong_order_is_refused(app) {
        life::order(app, "max@example.com", "B-7").await;
        let shop = app.shop();
        let errors = refuses(&shop, "orderRegister", &order_input(app), &[
            ("/lines", json!(vec![line(); 201]), "TOO_LARGE", "input.lines"),
            ("/lines", json!([]), "REQUIRED", "input.lines"),
            ("/number", json!(""), "REQUIRED", "input.number"),
            ("/number", json!("B-7"), "ALREADY_EXISTS", "input.number"),
            ("/number", json!("9".repeat(81)), "TOO_LONG", "input.number"),
            ("/customer/email", json!("max"), "INVALID", "input.customer.email"),
            ("/customer/email", json!("max@example"), "INVALID", "input.customer.email"),
            ("/customer/email", json!("max@@example.com"), "INVALID", "input.customer.email"),
            ("/customer/email", json!("max muster@example.com"), "INVALID", "input.customer.email"),
            ("/customer/name", json!("  "), "REQUIRED", "input.customer.name"),
            ("/captured/amountMinor", json!(-1), "INVALID", "input.captured.amountMinor"),
            ("/captured/currency", json!("Euro"), "INVALID", "input.captured.currency"),
            ("/parcels/0/carrier", json!("Die Post"), "INVALID", "input.parcels.0.carrier"),
            ("/parcels", json!(vec![json!({ "carrier": "DHL", "trackingNumber": "1" }); 101]), "TOO_LARGE", "input.parcels"),
        ]).await;
        assert_eq!(errors[0]["details"], json!([{ "name": "maximum", "value": "200" }]));
        let right = json!({ "orderNumber": "B-7", "carrier": "DHL", "trackingNumber": "track-B-7", "deliveredAt": app.now() });
        refuses(&shop, "parcelDeliver", &right, &[
            ("/orderNumber", json!("unknown"), "NOT_FOUND", "input.orderNumber"),
            ("/deliveredAt", json!(app.now() + days(1)), "INVALID", "input.deliveredAt"),
            ("/trackingNumber", json!(""), "REQUIRED", "input.trackingNumber"),
        ]).await;
    }

    /// F100: tokens, holds and erasures.
    async fn a_wrong_token_hold_or_erasure_is_refused(app) {
        let known = life::order(app, "max@example.com", "B-8").await;
        refuses(&app.shop(), "customerAccessTokenCreate", &json!({ "email": known.email }), &[
            ("/email", json!("max"), "INVALID", "input.email"),
            ("/email", json!("nobody@example.com"), "NOT_FOUND", "input.email"),
            ("/minutes", json!(0), "NOT_POSITIVE", "input.minutes"),
            ("/minutes", json!(1441), "TOO_LARGE", "input.minutes"),
        ]).await;
        let dpo = app.dpo().await;
        let right = json!({ "customerId": known.customer, "reason": "LEGAL_CLAIM", "reviewOn": "2014-04-01" });
        refuses(&dpo, "holdPlace", &right, &[
            ("/reviewOn", json!("2014-03-09"), "INVALID", "input.reviewOn"),
            ("/reviewOn", json!("2014-09-11"), "INVALID", "input.reviewOn"),
            ("/note", json!("ä".repeat(2001)), "TOO_LONG", "input.note"),
            ("/customerId", Value::Null, "INVALID", "input"),
            ("/orderId", json!(known.order), "INVALID", "input"),
            ("/customerId", none("Customer"), "NOT_FOUND", "input.customerId"),
        ]).await;
        let right = json!({ "customerId": known.customer });
        let told = json!({ "id": none("RecipientNotice"), "acknowledged": false });
        refuses(&dpo, "recipientTold", &told, &[("/id", none("RecipientNotice"), "NOT_FOUND", "input.id")]).await;
        refuses(&dpo, "subjectErase", &right, &[("/customerId", none("Customer"), "NOT_FOUND", "input.customerId")]).await;
        let found = dpo.gql("{ dataSubject(email: \"max\") { customerId } }", json!({})).await;
        assert_eq!(found.code(), "BAD_USER_INPUT");
    }

    /// F100: what is not of its type never reaches the domain; the error says which argument.
    async fn a_value_of_the_wrong_type_is_refused(app) {
        let known = life::order(app, "max@example.com", "B-10").await;
        let case = life::open(&app.customer(&known.email).await, "RETURN", Some(&known.order), "Zu klein.").await;
        let (customer, shop, finance) = (app.customer(&known.email).await, app.shop(), app.finance().await);
        let open = json!({ "kind": "RETURN", "description": "a", "idempotencyKey": "k" });
        let register = with(&order_input(app), "/idempotencyKey", &json!("k"));
        let grant = json!({ "caseId": case, "amount": { "amountMinor": 1, "currency": "EUR" }, "idempotencyKey": "k" });
        let before = app.counts().await;
        for (caller, mutation, input, word) in [
            (&customer, "serviceCaseOpen", with(&open, "/kind", &json!("NONSENSE")), "ServiceCaseKind"),
            (&customer, "serviceCaseOpen", with(&open, "/kind", &json!(7)), "ServiceCaseKind"),
            (&customer, "serviceCaseOpen", with(&open, "/kind", &Value::Null), "ServiceCaseKind"),
            (&customer, "serviceCaseOpen", with(&open, "/description", &json!(7)), "String"),
            (&customer, "serviceCaseOpen", with(&open, "/unknown", &json!("a")), "unknown"),
            (&customer, "serviceCaseOpen", json!({ "kind": "RETURN", "idempotencyKey": "k" }), "description"),
            (&shop, "orderRegister", with(&register, "/orderedAt", &json!("yesterday")), "DateTime"),
            (&shop, "orderRegister", with(&register, "/orderedAt", &json!("2014-02-30T09:00:00Z")), "DateTime"),
            (&shop, "orderRegister", with(&register, "/lines/0/quantity", &json!(1_u64 << 40)), "Int"),
            (&finance, "refundGrant", with(&grant, "/amount/amountMinor", &json!(1_u64 << 60)), "MinorUnits"),
            (&finance, "refundGrant", with(&grant, "/amount/amountMinor", &json!(u64::MAX)), "MinorUnits"),
            (&finance, "refundGrant", with(&grant, "/amount/amountMinor", &json!(1.5)), "MinorUnits"),
            (&finance, "refundGrant", with(&grant, "/amount/amountMinor", &json!("1")), "MinorUnits"),
        ] {
            let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
            let query = format!("mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ userErrors {{ code }} }} }}");
            let reply = caller.gql(&query, json!({ "input": input })).await;
            let (answer, code) = (reply.json(), reply.code());
            assert_eq!(code, "BAD_USER_INPUT", "{input}: {answer}");
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(word), "{input}: {answer}");
            // What never ran has no data; what ran into it has its place.
            let never_ran = reply.status == StatusCode::BAD_REQUEST && answer.get("data").is_none();
            let at = reply.status == StatusCode::OK && answer["errors"][0]["path"] == json!([mutation]);
            assert!(never_ran || at, "{}: {answer}", reply.status);
        }
        let query = "query($kind: ServiceCaseKind!) { serviceCases(filter: {kind: $kind}) { nodes { id } } }";
        let answer = customer.gql(query, json!({ "kind": "NONSENSE" })).await.json();
        assert_eq!(answer["errors"][0]["extensions"]["argument"], "filter.kind");
        assert_eq!(customer.gql(query, json!({})).await.code(), "BAD_USER_INPUT", "a variable is missing");
        assert_eq!(app.counts().await, before);
    }

    /// What no database can hold is not found; it is not our fault.
    async fn a_number_with_a_zero_byte_is_not_found(app) {
        let query = "query($n: String!) { serviceCaseByNumber(number: $n) { id } }";
        let reply = app.agent().await.gql(query, json!({ "n": "AS-2014-\u{0}" })).await;
        assert_eq!(reply.code(), "NOT_FOUND");
    }

    /// A body that is no JSON, and JSON that is no request.
    async fn a_malformed_body_is_refused(app) {
        for body in ["", "{", "{\"query\":", "7", "null", "{}", "{\"query\":7}", "{\"query\":\"{viewer{kind}}\",\"variables\":[]}"] {
            let request = Request::post("/graphql").header("content-type", "application/json");
            let reply = app.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{body}");
        }
    }

    /// A disk that takes no writes: a typed error with its path, nothing half done, and the same request works later.
    async fn a_storage_that_takes_no_changes_says_so(app) {
        if app.state.db.backend() == sea_orm::DbBackend::Postgres {
            // Its sessions are asked to be read-only when they begin, so a further connection shows what it answers.
            let Place::Postgres(url) = &app.state.config.database else { panic!("on PostgreSQL") };
            let option = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{option}options[default_transaction_read_only]=on");
            let read_only = Db::open(&Place::Postgres(url)).await.unwrap();
            let refused = aftersales::db::run(read_only.write(), "DELETE FROM jobs", []).await.unwrap_err();
            assert!(matches!(Error::from(refused), Error::Unavailable));
            read_only.close().await;
            return;
        }
        let known = life::order(app, "max@example.com", "BI-9").await;
        let customer = app.customer(&known.email).await;
        let query = "mutation($input: ServiceCaseOpenInput!) { serviceCaseOpen(input: $input) { serviceCase { id } } }";
        let input = json!({ "input": { "kind": "COMPLAINT", "description": "x", "idempotencyKey": "once" } });
        aftersales::db::run(app.state.db.write(), "PRAGMA query_only = ON", []).await.unwrap();
        let refused = customer.gql(query, input.clone()).await;
        aftersales::db::run(app.state.db.write(), "PRAGMA query_only = OFF", []).await.unwrap();
        assert_eq!(refused.code(), "SERVICE_UNAVAILABLE");
        let error = &refused.json()["errors"][0];
        assert_eq!(error["path"], json!(["serviceCaseOpen"]));
        assert!(error["message"].as_str().unwrap().contains("nothing has been changed"), "{error}");
        assert_eq!(app.count("cases", "1 = 1").await, 0);
        assert!(!customer.data(query, input).await["serviceCaseOpen"]["serviceCase"].is_null());
    }

    /// S69: tokens that are expired, forged, revoked, or of somebody who has left.
    async fn bad_credentials_open_nothing(app) {
        let known = life::order(app, "max@example.com", "B-11").await;
        let token = app.customer(&known.email).await.token.unwrap();
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let changed = if &signature[9..10] == "A" { "B" } else { "A" };
        let forged = format!("{header}.{claims}.{}{changed}{}", &signature[..9], &signature[10..]);
        is_nobody(app, &format!("Bearer {forged}"), "another signature").await;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let shop = URL_SAFE_NO_PAD.encode(text.replace("CUSTOMER", "SHOP"));
        is_nobody(app, &format!("Bearer {header}.{shop}.{signature}"), "another role").await;
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        is_nobody(app, &format!("Bearer {unsigned}.{claims}."), "no signature").await;
        let claims: Value = serde_json::from_str(&text).unwrap();
        let key = EncodingKey::from_secret(b"aftersales");
        let foreign = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        is_nobody(app, &format!("Bearer {foreign}"), "another key").await;
        for header in [format!("Basic {token}").as_str(), token.as_str(), "Bearer", "Bearer ", "Bearer a b", ""] {
            is_nobody(app, header, header).await;
        }

        let minted = app.shop().done("customerAccessTokenCreate", "CustomerAccessTokenCreateInput", json!({ "email": known.email }), "customerAccessToken { id bearer }").await;
        let (id, bearer) = (&minted["customerAccessToken"]["id"], minted["customerAccessToken"]["bearer"].as_str().unwrap());
        app.shop().done("customerAccessTokenRevoke", "CustomerAccessTokenRevokeInput", json!({ "id": id }), "customerAccessToken { revokedAt }").await;
        is_nobody(app, &format!("Bearer {bearer}"), "revoked").await;

        let agent = app.agent().await.token.unwrap();
        let admin = app.staff(Role::Admin).await;
        let members = admin.data("{ staffMembers { id role } }", json!({})).await["staffMembers"].as_array().unwrap().clone();
        let member = members.iter().find(|m| m["role"] == "AGENT").unwrap();
        assert_eq!(open_with(app, &format!("Bearer {agent}")).await.status, StatusCode::OK);
        admin.done("staffMemberLeave", "StaffMemberLeaveInput", json!({ "id": member["id"] }), "staffMember { leftAt }").await;
        is_nobody(app, &format!("Bearer {agent}"), "has left").await;

        app.advance(days(2));
        is_nobody(app, &format!("Bearer {token}"), "expired").await;
        let fresh = app.customer(&known.email).await.token.unwrap();
        assert_eq!(open_with(app, &format!("Bearer {fresh}")).await.status, StatusCode::OK);
        assert_eq!(app.count("cases", "1 = 1").await, 1, "a good token opens one");
    }
}
