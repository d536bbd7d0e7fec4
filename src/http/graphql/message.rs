//! What a client sends and what it accepts: the JSON body of a POST, the query
//! string of a GET, the two headers that decide the media types. Pure functions.

use std::cmp::Ordering;

use async_graphql::Variables;
use axum::extract::Query;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use serde_json::{Map, Value};

/// The parameters of a GraphQL request.
#[derive(Debug)]
pub struct Message {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub extensions: Map<String, Value>,
}

/// A request that carries no usable parameters.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the {0} is not valid JSON: {1}")]
    Json(&'static str, String),
    #[error("the body must be one JSON object, not {0}; batches are not supported")]
    Body(&'static str),
    #[error("the query string cannot be read: {0}")]
    QueryString(String),
    #[error("the parameter \"{0}\" is given more than once")]
    Repeated(String),
    #[error("the parameter \"query\" is missing or empty; it holds the GraphQL document")]
    NoQuery,
    /// Apollo clients look for exactly this text, then send the whole document.
    #[error("PersistedQueryNotSupported")]
    PersistedQuery,
    #[error("the parameter \"{name}\" must be {expected}, not {found}")]
    Type { name: &'static str, expected: &'static str, found: &'static str },
}

impl Malformed {
    pub fn code(&self) -> &'static str {
        match self {
            Self::PersistedQuery => "PERSISTED_QUERY_NOT_SUPPORTED",
            _ => "BAD_USER_INPUT",
        }
    }
}

impl Message {
    pub fn from_body(body: &[u8]) -> Result<Self, Malformed> {
        match parse("body", body)? {
            Value::Object(fields) => Self::from_fields(fields),
            other => Err(Malformed::Body(kind(&other))),
        }
    }

    pub fn from_uri(uri: &Uri) -> Result<Self, Malformed> {
        let mut fields = Map::new();
        for (name, value) in pairs(uri)? {
            let value = match name.as_str() {
                "variables" | "extensions" if value.is_empty() => Value::Null,
                "variables" => parse("parameter \"variables\"", value.as_bytes())?,
                "extensions" => parse("parameter \"extensions\"", value.as_bytes())?,
                "query" | "operationName" => Value::String(value),
                _ => continue,
            };
            if fields.contains_key(&name) {
                return Err(Malformed::Repeated(name));
            }
            fields.insert(name, value);
        }
        Self::from_fields(fields)
    }

    fn from_fields(mut fields: Map<String, Value>) -> Result<Self, Malformed> {
        let query = text(&mut fields, "query")?;
        let operation_name = text(&mut fields, "operationName")?;
        let variables = object(&mut fields, "variables")?;
        let extensions = object(&mut fields, "extensions")?;
        let query = match query {
            Some(query) => query,
            None if extensions.contains_key("persistedQuery") => {
                return Err(Malformed::PersistedQuery);
            }
            None => return Err(Malformed::NoQuery),
        };
        let variables = Variables::from_json(Value::Object(variables));
        Ok(Self { query, operation_name, variables, extensions })
    }
}

fn parse(what: &'static str, bytes: &[u8]) -> Result<Value, Malformed> {
    serde_json::from_slice(bytes).map_err(|error| Malformed::Json(what, error.to_string()))
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Malformed> {
    Query::try_from_uri(uri).map(|Query(pairs)| pairs).map_err(|error| Malformed::QueryString(error.to_string()))
}

fn text(fields: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, Malformed> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(other) => Err(Malformed::Type { name, expected: "a string", found: kind(&other) }),
    }
}

fn object(fields: &mut Map<String, Value>, name: &'static str) -> Result<Map<String, Value>, Malformed> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(other) => Err(Malformed::Type { name, expected: "an object", found: kind(&other) }),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether a body is JSON by its own account. Anything a browser could send
/// from a foreign page without a preflight is not.
pub fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
        && parts.filter(|part| !part.is_empty()).all(is_utf8)
}

fn is_utf8(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset")
            && (value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"))
    })
}

/// The media type of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// `application/graphql-response+json`
    Response,
    /// `application/json`
    Json,
}

impl Reply {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// `None` if the client accepts neither type.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let response = rate(&ranges, "application/graphql-response+json");
        let json = rate(&ranges, "application/json");
        match response.cmp(&json) {
            Ordering::Greater => Some(Self::Response),
            Ordering::Less => Some(Self::Json),
            // Named side by side the newer type wins; a wildcard means the older one.
            Ordering::Equal => match json {
                Some((_, Specificity::Exact)) => Some(Self::Response),
                Some(_) => Some(Self::Json),
                None => None,
            },
        }
    }
}

/// Whether this GET is a person opening the endpoint in a browser.
pub fn wants_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let html = rate(&ranges(headers), "text/html");
    matches!(html, Some((_, Specificity::Exact)))
        && pairs(uri).is_ok_and(|pairs| pairs.iter().all(|(name, _)| name != "query"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Any,
    Type,
    Exact,
}

/// Media ranges with their weights in thousandths, so that they have an order.
/// A range that cannot be read or asks for another charset stays, with weight 0
/// and no name: it must not turn into "accepts anything".
fn ranges(headers: &HeaderMap) -> Vec<(String, u16)> {
    let mut ranges = Vec::new();
    for value in headers.get_all(ACCEPT) {
        let value = String::from_utf8_lossy(value.as_bytes());
        for range in value.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            ranges.push(weigh(range).unwrap_or_default());
        }
    }
    ranges
}

fn weigh(range: &str) -> Option<(String, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next()?.to_ascii_lowercase();
    let mut weight = 1000;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if name.trim().eq_ignore_ascii_case("q") {
            let quality: f32 = value.trim().parse().ok()?;
            if !(0.0..=1.0).contains(&quality) {
                return None;
            }
            weight = (quality * 1000.0).round() as u16;
        } else if name.trim().eq_ignore_ascii_case("charset") && !is_utf8(part) {
            return None;
        }
    }
    Some((essence, weight))
}

/// The weight of a media type under its most specific range (RFC 9110, 12.5.1).
fn rate(ranges: &[(String, u16)], media: &str) -> Option<(u16, Specificity)> {
    let (main, _) = media.split_once('/')?;
    ranges
        .iter()
        .filter_map(|(range, weight)| {
            let specificity = match range.as_str() {
                "*/*" => Specificity::Any,
                range if range == media => Specificity::Exact,
                range if range.strip_suffix("/*") == Some(main) => Specificity::Type,
                _ => return None,
            };
            Some((specificity, *weight))
        })
        .max()
        .filter(|(_, weight)| *weight > 0)
        .map(|(specificity, weight)| (weight, specificity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, axum::http::HeaderValue::from_static(value))])
    }

    #[test]
    fn accept_is_negotiated() {
        let cases = [
            ("", Some(Reply::Json)),
            ("*/*", Some(Reply::Json)),
            ("application/*", Some(Reply::Json)),
            ("application/json", Some(Reply::Json)),
            ("application/graphql-response+json", Some(Reply::Response)),
            ("application/graphql-response+json,application/json;q=0.9", Some(Reply::Response)),
            ("application/graphql-response+json, application/json", Some(Reply::Response)),
            ("application/graphql-response+json;q=0.5, application/json", Some(Reply::Json)),
            ("application/json, */*;q=0.1", Some(Reply::Json)),
            ("application/json;q=0, */*", Some(Reply::Response)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Reply::Json)),
            ("application/json; charset=UTF-8", Some(Reply::Json)),
            ("application/json; charset=latin1", None),
            ("application/json;q=nonsense", None),
            ("text/html", None),
            ("*/*;q=0", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(Reply::negotiate(&headers(ACCEPT, accept)), expected, "{accept}");
        }
        assert_eq!(Reply::negotiate(&HeaderMap::new()), Some(Reply::Json));
    }

    #[test]
    fn only_json_bodies_are_read() {
        for good in ["application/json", "Application/JSON; charset=\"utf-8\"", "application/json;"] {
            assert!(is_json(&headers(CONTENT_TYPE, good)), "{good}");
        }
        for bad in ["text/plain", "application/json; charset=latin1", "application/jsonx", ""] {
            assert!(!is_json(&headers(CONTENT_TYPE, bad)), "{bad}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn bodies_are_strict() {
        let good = br#"{"query":"{a}","operationName":null,"variables":null,"extensions":null}"#;
        assert!(Message::from_body(good).is_ok());
        let bad: [&[u8]; 9] = [
            b"",
            b"{ \"not a JSON",
            b"[{\"query\":\"{a}\"}]",
            b"{}",
            b"{\"query\":\"\"}",
            b"{\"query\":[\"a\"]}",
            b"{\"query\":\"{a}\",\"operationName\":0}",
            b"{\"query\":\"{a}\",\"variables\":\"{}\"}",
            b"{\"query\":\"{a}\",\"extensions\":[]}",
        ];
        for body in bad {
            assert!(Message::from_body(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        let hashed = br#"{"extensions":{"persistedQuery":{"version":1}}}"#;
        assert_eq!(Message::from_body(hashed).unwrap_err(), Malformed::PersistedQuery);
    }

    #[test]
    fn query_strings_carry_the_same_parameters() {
        let uri = "/graphql?query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=&other=1";
        let message = Message::from_uri(&Uri::from_static(uri)).unwrap();
        assert_eq!((message.query.as_str(), message.operation_name), ("{a}", None));
        assert_eq!(message.variables.len(), 1);
        for bad in ["/graphql", "/graphql?query=a&query=b", "/graphql?query=a&variables=%5B%5D"] {
            assert!(Message::from_uri(&Uri::from_static(bad)).is_err(), "{bad}");
        }
    }
}
