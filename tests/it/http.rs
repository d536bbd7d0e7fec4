//! The endpoint itself: methods, media types, sizes, costs, introspection, and what it says when something breaks.

use std::sync::Arc;

use aftersales::clock::Clock;
use aftersales::db;
use aftersales::state::{App as State, AppState};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::on_both_engines;
use crate::support::{App, Reply, life};

const VALIDATION: &str = "GRAPHQL_VALIDATION_FAILED";

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post("/graphql")
        .header("content-type", content_type)
        .header("accept", "application/graphql-response+json");
    request.body(body.into()).unwrap()
}

async fn ask(app: &App, body: Value) -> Reply {
    app.send(post("application/json", body.to_string())).await
}

/// A request that never ran: 400, this code, no data.
async fn refused(app: &App, body: Value, code: &str) -> String {
    let reply = ask(app, body).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, code), "{:#}", reply.json());
    assert!(reply.json().get("data").is_none());
    reply.json()["errors"][0]["message"].as_str().unwrap().to_owned()
}

/// Another instance on the same databases, with other settings.
async fn second(app: &App, introspection: bool) -> (AppState, Router) {
    let mut config = app.state.config.clone();
    config.introspection = introspection;
    let state = State::open(config, Clock::Fixed(app.clock.clone())).await.unwrap();
    (Arc::clone(&state), aftersales::http::router(state))
}

async fn send(router: &Router, request: Request<Body>) -> Reply {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    Reply { status: parts.status, headers: parts.headers, bytes }
}

/// The request of a case as the query string of a GET.
const OPEN_BY_GET: &str = "/graphql?query=mutation%7BserviceCaseOpen(input:%7Bkind:COMPLAINT,description:%22a%22,\
                           idempotencyKey:%22k%22%7D)%7BuserErrors%7Bcode%7D%7D%7D";

on_both_engines! {
    /// F102: GET is for queries; a link on a foreign page changes nothing.
    async fn a_mutation_by_get_is_refused(app) {
        let known = life::order(app, "max@example.com", "H-1").await;
        let token = app.customer(&known.email).await.token.unwrap();
        let get = async |uri: &str| {
            let request = Request::get(uri).header("authorization", format!("Bearer {token}"));
            app.send(request.body(Body::empty()).unwrap()).await
        };
        let reply = get(OPEN_BY_GET).await;
        assert_eq!((reply.status, reply.headers["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        assert_eq!(app.count("cases", "1 = 1").await, 0);
        let reply = get("/graphql?query=%7Bviewer%7Bkind%7D%7D").await;
        assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({ "data": { "viewer": { "kind": "CUSTOMER" } } })));
    }

    /// What a browser sends from a foreign page without asking first is not read.
    async fn only_json_is_read(app) {
        let body = r#"{"query":"{viewer{kind}}"}"#;
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", ""] {
            let reply = app.send(post(content_type, body)).await;
            assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
            assert!(reply.json().get("data").is_none(), "{content_type}");
        }
        let bare = app.send(Request::post("/graphql").body(Body::from(body)).unwrap()).await;
        assert_eq!(bare.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "no content type at all");
        assert_eq!(app.send(post("application/json; charset=utf-8", body)).await.status, StatusCode::OK);
        let request = Request::post("/graphql").header("content-type", "application/json").header("accept", "text/html");
        assert_eq!(app.send(request.body(Body::from(body)).unwrap()).await.status, StatusCode::NOT_ACCEPTABLE);
    }

    /// The type of the answer is the wanted one: plain JSON never uses a 4xx for what GraphQL itself refuses.
    async fn the_answer_has_the_wanted_type(app) {
        for (accept, content_type, status) in [
            ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8", 400),
            ("application/json", "application/json; charset=utf-8", 200),
            ("*/*", "application/json; charset=utf-8", 200),
        ] {
            let request = Request::post("/graphql").header("content-type", "application/json").header("accept", accept);
            let reply = app.send(request.body(Body::from(r#"{"query":"{nope}"}"#)).unwrap()).await;
            assert_eq!((reply.headers["content-type"].to_str().unwrap(), reply.status.as_u16()), (content_type, status));
            assert!(reply.json().get("data").is_none(), "{accept}");
        }
    }

    /// F102: 256 KiB, counted as they come.
    async fn a_large_body_is_refused(app) {
        let body = |size: usize| json!({ "query": "{viewer{kind}}", "variables": { "x": "a".repeat(size) } }).to_string();
        assert_eq!(app.send(post("application/json", body(250 << 10))).await.status, StatusCode::OK);
        let reply = app.send(post("application/json", body(300 << 10))).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "BAD_USER_INPUT"));
        let chunks: Vec<_> = body(300 << 10).into_bytes().chunks(10_000).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c))).collect();
        let chunked = Body::from_stream(futures::stream::iter(chunks));
        assert_eq!(app.send(post("application/json", chunked)).await.status, StatusCode::PAYLOAD_TOO_LARGE, "without a length");
    }

    /// F102: what a document would cost is known before anything walks it.
    async fn an_expensive_document_is_refused(app) {
        let mut bomb = "{ ...F0 }".to_owned();
        for n in 0..40 {
            bomb += &format!(" fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
        }
        bomb += " fragment F40 on Query { __typename }";
        let aliases: String = (0..100).map(|n| format!("a{n}: viewer {{ kind }} ")).collect();
        let deep = format!("{}a{}", "{ a ".repeat(30), " }".repeat(30));
        for (query, word) in [
            (bomb, "selections"),
            (format!("{{ {aliases} }}"), "aliases"),
            (format!("{{ viewer {{ kind {} }} }}", "@skip(if: false) ".repeat(60)), "directives"),
            ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(), "contains itself"),
            (format!("{{ viewer(a: {}) }}", "[".repeat(5000)), "nests"),
            (deep, "levels of fields"),
            ("{ viewer { kind } } #".to_owned() + &"a".repeat(40_000), "32768"),
            (format!("mutation {{ {} }}", "serviceCaseClose(input: {caseId: \"a\", idempotencyKey: \"k\"}) { userErrors { code } } ".repeat(6)), "root mutation fields"),
        ] {
            let message = refused(app, json!({ "query": query }), VALIDATION).await;
            assert!(message.contains(word), "{word}: {message}");
        }
    }

    /// What async-graphql would take for an uploaded file is a text like any other.
    async fn a_text_that_looks_like_an_upload_is_a_text(app) {
        let known = life::order(app, "max@example.com", "H-2").await;
        let customer = app.customer(&known.email).await;
        for text in ["#__graphql_file__:abc", "#__graphql_file__:99"] {
            let case = life::open(&customer, "COMPLAINT", None, text).await;
            let query = "query($id: ID!) { serviceCase(id: $id) { messages { nodes { body } } } }";
            let found = customer.data(query, json!({ "id": case })).await;
            assert_eq!(found["serviceCase"]["messages"]["nodes"], json!([{ "body": text }]));
            let number = "query($n: String!) { serviceCaseByNumber(number: $n) { id } }";
            assert_eq!(customer.gql(number, json!({ "n": text })).await.code(), "NOT_FOUND");
        }
    }

    /// F102: one request is one operation; a batch is not.
    async fn one_request_is_one_operation(app) {
        let batch = json!([{ "query": "{viewer{kind}}" }, { "query": "{viewer{kind}}" }]);
        assert!(refused(app, batch, "BAD_USER_INPUT").await.contains("batches"));
        let query = "query A { viewer { kind } } query B($id: ID!) { nonsense(id: $id) } query C { viewer { role } }";
        let message = refused(app, json!({ "query": query }), "BAD_USER_INPUT").await;
        assert!(message.ends_with("A, B, C"), "{message}");
        refused(app, json!({ "query": query, "operationName": "D" }), "BAD_USER_INPUT").await;
        refused(app, json!({ "query": "{ viewer { kind } }", "operationName": "A" }), "BAD_USER_INPUT").await;
        // The others need neither variables nor to be valid.
        let reply = ask(app, json!({ "query": query, "operationName": "A" })).await;
        assert_eq!(reply.json(), json!({ "data": { "viewer": { "kind": "ANONYMOUS" } } }));
    }

    /// Introspection is for those who switch it on; without it neither schema nor suggestion leaks a name.
    async fn introspection_can_be_switched_off(app) {
        let asked = ["{ __schema { queryType { name } } }", "{ __type(name: \"Query\") { name } }", "{ ...F } fragment F on Query { a: __schema { queryType { name } } }"];
        let (state, off) = second(app, false).await;
        for query in asked {
            let body = json!({ "query": query });
            let on = ask(app, body.clone()).await;
            assert_eq!((on.status, on.json().get("errors")), (StatusCode::OK, None), "{query}");
            let reply = send(&off, post("application/json", body.to_string())).await;
            assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, VALIDATION), "{query}");
            assert!(!String::from_utf8_lossy(&reply.bytes).contains("queryType"), "{query}");
        }
        let reply = send(&off, post("application/json", r#"{"query":"{ __typename viewer { kind __typename } }"}"#)).await;
        assert_eq!(reply.json()["data"]["viewer"], json!({ "kind": "ANONYMOUS", "__typename": "Viewer" }));
        state.db.clone().close().await;
        state.keys.db().clone().close().await;
    }

    /// A wrong name is not answered with the right one.
    async fn nothing_is_suggested(app) {
        for query in ["{ serviceCas { id } }", "{ viewer { kin } }", "{ refunds(firs: 1) { nodes { id } } }", "mutation { refundGran { x } }"] {
            let message = refused(app, json!({ "query": query }), VALIDATION).await;
            let leaks = ["Did you mean", "serviceCases", "kind", "first", "refundGrant"].iter().any(|word| message.contains(word));
            assert!(!leaks, "{message}");
        }
        assert_eq!(ask(app, json!({ "query": "{ viewer { kind }" })).await.code(), "GRAPHQL_PARSE_FAILED");
    }

    /// F107: a database that fails is our fault, and shows nothing of itself; what was under way can be sent again.
    async fn a_failing_database_shows_nothing(app) {
        let known = life::order(app, "max@example.com", "H-3").await;
        let case = life::open(&app.customer(&known.email).await, "RETURN", Some(&known.order), "Zu klein.").await;
        life::decide(app, &case, "ELIGIBLE").await;
        let finance = app.finance().await;
        let before = app.count("audit_entries", "1 = 1").await;
        db::run(app.state.db.write(), "ALTER TABLE refunds RENAME TO refunds_away", []).await.unwrap();
        let grant = "mutation($id: ID!) { refundGrant(input: {caseId: $id, amount: {amountMinor: 1, currency: \"EUR\"}, idempotencyKey: \"k\"}) { refund { state } userErrors { code } } }";
        for query in ["{ refunds { nodes { id } } }", "query($id: ID!) { serviceCase(id: $id) { refunds { id } } }", grant] {
            let reply = finance.gql(query, json!({ "id": case })).await;
            assert_eq!((reply.status, reply.code().as_str()), (StatusCode::OK, "INTERNAL_SERVER_ERROR"), "{query}");
            assert_eq!(reply.json()["errors"][0]["message"], "internal error");
            let text = String::from_utf8_lossy(&reply.bytes).to_lowercase();
            for word in ["table", "relation", "select", "sql", "database", "42p01", ".rs"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
        }
        db::run(app.state.db.write(), "ALTER TABLE refunds_away RENAME TO refunds", []).await.unwrap();
        assert_eq!(app.count("audit_entries", "1 = 1").await, before);
        let granted = finance.data(grant, json!({ "id": case })).await;
        assert_eq!(granted["refundGrant"], json!({ "refund": { "state": "GRANTED" }, "userErrors": [] }));
    }

    /// Headers that keep a browser from guessing, framing, caching and telling.
    async fn answers_carry_security_headers(app) {
        let graphql = ask(app, json!({ "query": "{ viewer { kind } }" })).await;
        let nowhere = app.send(Request::get("/nowhere").body(Body::empty()).unwrap()).await;
        let link = app.send(Request::get("/attachments/AAAA").body(Body::empty()).unwrap()).await;
        assert_eq!((nowhere.status, link.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
        for reply in [&graphql, &nowhere, &link] {
            for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY")] {
                assert_eq!(reply.headers.get(name).map(|v| v.to_str().unwrap()), Some(value), "{name}");
            }
        }
        assert_eq!(graphql.headers["cache-control"], "no-store");
        let foreign = Request::options("/graphql").header("origin", "https://evil.example").header("access-control-request-method", "POST");
        let answer = app.send(foreign.body(Body::empty()).unwrap()).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "no origin is allowed by default");
    }

    /// F106: alive is the process, ready are its databases.
    async fn it_says_whether_it_is_alive_and_ready(app) {
        let (state, router) = second(app, true).await;
        let get = async |path: &str| send(&router, Request::get(path).body(Body::empty()).unwrap()).await.status;
        assert_eq!((get("/livez").await, get("/readyz").await), (StatusCode::OK, StatusCode::OK));
        state.keys.db().clone().close().await;
        assert_eq!((get("/livez").await, get("/readyz").await), (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
        state.db.clone().close().await;
        assert_eq!((get("/livez").await, get("/readyz").await), (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
    }
}
