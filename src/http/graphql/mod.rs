//! GraphQL over HTTP: one endpoint, GET for queries, POST for everything.
//! The order is fixed: negotiate, authenticate, read, parse, guard, select, run,
//! and a last sweep over the errors before anything leaves the process.

mod errors;
pub mod guard;
pub mod message;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use async_graphql::http::GraphiQLSource;
use async_graphql::{Request, ServerError, Value};
use async_graphql_parser::types::{ExecutableDocument, OperationType};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_LANGUAGE, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use futures::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use tracing::Instrument;

use self::errors::{BAD_USER_INPUT, INTERNAL, PARSE_FAILED, UNAVAILABLE, VALIDATION_FAILED, coded, masked, sweep};
use self::guard::{Limits, Refusal};
use self::message::{Malformed, Message, Reply};
use crate::auth::Actor;
use crate::error::Language;
use crate::graphql::Session;
use crate::http::Served;
use crate::state::AppState;

const BODY_BYTES: usize = 256 * 1024;
const DOCUMENT_BYTES: usize = 32 * 1024;
/// Errors listed for a document that never ran; one per bad field otherwise.
const ERRORS_LISTED: usize = 20;

/// How long a query may run, and how long the rest of a body may keep us waiting.
const QUERY_LASTS: std::time::Duration = std::time::Duration::from_secs(20);
const BODY_LASTS: std::time::Duration = std::time::Duration::from_secs(20);

/// GraphiQL and React come from unpkg, its start script stands in the page.
const PAGE_POLICY: &str = "default-src 'none'; script-src https://unpkg.com 'unsafe-inline'; \
    style-src https://unpkg.com 'unsafe-inline'; font-src https://unpkg.com data:; \
    img-src 'self' https://graphql.org data:; connect-src 'self'; worker-src blob:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    NotAcceptable,
    NotJson,
    TooLarge,
    Unauthenticated,
    Malformed,
    MutationByGet,
    Refused,
    Executed,
    TooSlow,
    TookTooLong,
    Crashed,
}

/// The one place where statuses are decided. Audit names are those of the
/// graphql-http suite.
fn status(outcome: Outcome, reply: Reply) -> StatusCode {
    match (outcome, reply) {
        // none; RFC 9110, 15.5.7
        (Outcome::NotAcceptable, _) => StatusCode::NOT_ACCEPTABLE,
        // 9ABE
        (Outcome::NotJson, _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        // none; RFC 9110, 15.5.14
        (Outcome::TooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
        // none; the suite leaves BC58 open
        (Outcome::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        // A5BF 423L LKJ0-3 6C00-3 4760-3 58B0-3 B6DC BCF8 B7N8 8764 3E3A
        (Outcome::Malformed, _) => StatusCode::BAD_REQUEST,
        // none; RFC 9110, 15.5.9 and 15.6.4
        (Outcome::TooSlow, _) => StatusCode::REQUEST_TIMEOUT,
        (Outcome::TookTooLong, _) => StatusCode::SERVICE_UNAVAILABLE,
        // 9C48
        (Outcome::MutationByGet, _) => StatusCode::METHOD_NOT_ALLOWED,
        // parsing 865D 556A, validation 51FE 74FF, coercion 86EE (bodies D586 5E5B)
        (Outcome::Refused, Reply::Response) => StatusCode::BAD_REQUEST,
        // parsing 572B, validation FDE2, coercion 7B9B
        (Outcome::Refused, Reply::Json) => StatusCode::OK,
        // 22EB 4655 47DE 80D8 82A3 BF61 78D5 2C94 5A70 03D4 34A2 13EE 8161 B8B3
        // 94B0-2 0220-2 2EA1 28B9 D6D5 6A70 428F 1B7A
        (Outcome::Executed, _) => StatusCode::OK,
        // none; nothing but a masked error is known
        (Outcome::Crashed, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Errors first, so that they are seen in a long answer; `data` only if it ran.
#[derive(Debug, Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Value>,
}

#[derive(Debug)]
struct Failure {
    outcome: Outcome,
    errors: Vec<ServerError>,
}

impl Failure {
    fn new(outcome: Outcome, code: &str, message: impl Into<String>) -> Self {
        Self { outcome, errors: vec![coded(ServerError::new(message, None), code)] }
    }

    fn crashed(request_id: &str) -> Self {
        Self { outcome: Outcome::Crashed, errors: vec![masked(request_id)] }
    }
}

impl From<Malformed> for Failure {
    fn from(error: Malformed) -> Self {
        Self::new(Outcome::Malformed, error.code(), error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(Outcome::Refused, VALIDATION_FAILED, refusal.to_string())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Post,
}

struct Caller {
    actor: Actor,
    language: Language,
}

pub async fn get(State(served): State<Served>, uri: Uri, headers: HeaderMap) -> Response {
    if served.app.config.graphiql && message::wants_page(&headers, &uri) {
        let page = GraphiQLSource::build().endpoint(uri.path()).finish();
        let policy = [(CONTENT_SECURITY_POLICY, PAGE_POLICY), (CACHE_CONTROL, "no-store")];
        return (policy, Html(page)).into_response();
    }
    let Some(reply) = Reply::negotiate(&headers) else {
        return not_acceptable();
    };
    respond(reply, answer_get(served, &uri, &headers).await)
}

pub async fn post(State(served): State<Served>, headers: HeaderMap, body: Body) -> Response {
    let Some(reply) = Reply::negotiate(&headers) else {
        return not_acceptable();
    };
    respond(reply, answer_post(served, &headers, body).await)
}

async fn answer_get(served: Served, uri: &Uri, headers: &HeaderMap) -> Result<Answer, Failure> {
    let caller = caller(&served.app, headers).await?;
    execute(served, caller, Message::from_uri(uri)?, Verb::Get).await
}

async fn answer_post(served: Served, headers: &HeaderMap, body: Body) -> Result<Answer, Failure> {
    if !message::is_json(headers) {
        let text = "send the request as content-type: application/json, in UTF-8";
        return Err(Failure::new(Outcome::NotJson, BAD_USER_INPUT, text));
    }
    let caller = caller(&served.app, headers).await?;
    let body = read(body).await?;
    execute(served, caller, Message::from_body(&body)?, Verb::Post).await
}

/// A header that is not readable as text is a token that is not valid, not a missing one.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or("unreadable"))
}

async fn caller(app: &AppState, headers: &HeaderMap) -> Result<Caller, Failure> {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::from_accept_language(accepted);
    match crate::auth::authenticate(app, authorization(headers)).await {
        Ok(actor) => Ok(Caller { actor, language }),
        // A database that does not answer must not look like a bad token.
        Err(error) if [INTERNAL, UNAVAILABLE].contains(&error.code()) => {
            let request_id = app.clock.request_id();
            tracing::error!(%request_id, %error, "authentication failed internally");
            Err(Failure::crashed(&request_id))
        }
        Err(error) => {
            let text = "the credentials in the Authorization header are not valid";
            Err(Failure::new(Outcome::Unauthenticated, error.code(), text))
        }
    }
}

/// Counts what arrives, because a chunked body announces no length.
async fn read(body: Body) -> Result<bytes::Bytes, Failure> {
    let late = |_| Failure::new(Outcome::TooSlow, BAD_USER_INPUT, "the body did not arrive in time");
    match tokio::time::timeout(BODY_LASTS, Limited::new(body, BODY_BYTES).collect()).await.map_err(late)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let text = format!("the body is larger than {BODY_BYTES} bytes");
            Err(Failure::new(Outcome::TooLarge, BAD_USER_INPUT, text))
        }
        Err(_) => Err(Failure::new(Outcome::Malformed, BAD_USER_INPUT, "the body ended too early")),
    }
}

/// Runs in a task of its own: a client that hangs up must not cut a mutation in half.
async fn execute(served: Served, caller: Caller, message: Message, verb: Verb) -> Result<Answer, Failure> {
    let request_id = served.app.clock.request_id();
    let work = perform(served, caller, message, verb, request_id.clone());
    let guarded = AssertUnwindSafe(work).catch_unwind().instrument(tracing::Span::current());
    match tokio::spawn(guarded).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => {
            tracing::error!(%request_id, panic = panic_text(&*panic), "a request panicked");
            Err(Failure::crashed(&request_id))
        }
        Err(error) => {
            tracing::error!(%request_id, %error, "a request was cancelled");
            Err(Failure::crashed(&request_id))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

async fn perform(
    served: Served,
    caller: Caller,
    message: Message,
    verb: Verb,
    request_id: String,
) -> Result<Answer, Failure> {
    let Served { app, schema, .. } = served;
    let document = prepare(&message, verb)?;
    if !app.config.introspection && guard::introspects(&document) {
        let text = "introspection is switched off on this server";
        return Err(Failure::new(Outcome::Refused, VALIDATION_FAILED, text));
    }
    let session = Session::new(app.clone(), caller.actor, caller.language);
    let mut request = Request::new("").variables(message.variables).data(session);
    if let Some(name) = message.operation_name {
        request = request.operation_name(name);
    }
    if !app.config.introspection {
        request = request.disable_introspection();
    }
    let is_query = !is_mutation(&document);
    request.set_parsed_query(document);
    let execution = schema.execute(request);
    if !is_query {
        return settle(execution.await, &request_id);
    }
    // A query that takes this long holds connections that others wait for; a mutation is never cut.
    match tokio::time::timeout(QUERY_LASTS, execution).await {
        Ok(response) => settle(response, &request_id),
        Err(_) => Err(Failure::new(Outcome::TookTooLong, UNAVAILABLE, "the query took too long; ask for less")),
    }
}

fn is_mutation(document: &ExecutableDocument) -> bool {
    document.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation)
}

/// Parses once and keeps exactly one operation that may run.
fn prepare(message: &Message, verb: Verb) -> Result<ExecutableDocument, Failure> {
    if message.query.len() > DOCUMENT_BYTES {
        let text = format!(
            "the document has {} bytes, the limit is {DOCUMENT_BYTES}; send values as variables",
            message.query.len()
        );
        return Err(Failure::new(Outcome::Refused, VALIDATION_FAILED, text));
    }
    guard::check_source(&message.query)?;
    let document = async_graphql_parser::parse_query(&message.query).map_err(|error| {
        // The parser draws the offending line, which may be the whole document.
        let text = error.to_string();
        let reason = text.rsplit_once("= ").map_or(text.as_str(), |(_, reason)| reason);
        let mut located = ServerError::new(format!("syntax error: {}", reason.trim()), None);
        located.locations = error.positions().collect();
        Failure { outcome: Outcome::Refused, errors: vec![coded(located, PARSE_FAILED)] }
    })?;
    guard::check(&document, &message.variables, &Limits::default())?;
    let document = guard::select(document, message.operation_name.as_deref())
        .map_err(|error| Failure::new(Outcome::Refused, BAD_USER_INPUT, error.to_string()))?;
    match document.operations.iter().next().map(|(_, operation)| operation.node.ty) {
        Some(OperationType::Mutation) if verb == Verb::Get => {
            let text = "mutations are only accepted by POST";
            return Err(Failure::new(Outcome::MutationByGet, BAD_USER_INPUT, text));
        }
        Some(OperationType::Subscription) => {
            let text = "subscriptions are not offered by this endpoint";
            return Err(Failure::new(Outcome::Refused, VALIDATION_FAILED, text));
        }
        _ => {}
    }
    let missing = guard::missing_variables(&document, &message.variables);
    if missing.is_empty() {
        return Ok(document);
    }
    let errors = missing.into_iter().take(ERRORS_LISTED);
    let errors = errors.map(|(text, pos)| coded(ServerError::new(text, Some(pos)), BAD_USER_INPUT)).collect();
    Err(Failure { outcome: Outcome::Refused, errors })
}

/// Tells a request that never ran from one that ran, and sweeps the errors.
fn settle(response: async_graphql::Response, request_id: &str) -> Result<Answer, Failure> {
    let async_graphql::Response { data, extensions, mut errors, .. } = response;
    let never_ran =
        !errors.is_empty() && matches!(data, Value::Null) && errors.iter().all(|error| error.path.is_empty());
    if never_ran {
        errors.truncate(ERRORS_LISTED);
    }
    let errors = errors.into_iter().map(|error| sweep(error, never_ran, request_id)).collect();
    if never_ran {
        return Err(Failure { outcome: Outcome::Refused, errors });
    }
    Ok(Answer { errors, data: Some(data), extensions })
}

fn not_acceptable() -> Response {
    let text = "accept application/graphql-response+json or application/json";
    respond(Reply::Json, Err(Failure::new(Outcome::NotAcceptable, BAD_USER_INPUT, text)))
}

fn respond(reply: Reply, result: Result<Answer, Failure>) -> Response {
    let (outcome, answer) = match result {
        Ok(answer) => (Outcome::Executed, answer),
        Err(Failure { outcome, errors }) => (outcome, Answer { errors, ..Answer::default() }),
    };
    let (status, bytes) = match serde_json::to_vec(&answer) {
        Ok(bytes) => (status(outcome, reply), bytes),
        Err(error) => {
            tracing::error!(%error, "an answer could not be serialised");
            let body = br#"{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;
            (self::status(Outcome::Crashed, reply), body.to_vec())
        }
    };
    let fixed = [(CONTENT_TYPE, reply.content_type()), (CACHE_CONTROL, "no-store")];
    let mut response = (status, fixed, bytes).into_response();
    let extra = match outcome {
        Outcome::Unauthenticated => Some((WWW_AUTHENTICATE, "Bearer")),
        Outcome::MutationByGet => Some((ALLOW, "POST")),
        _ => None,
    };
    if let Some((name, value)) = extra {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
