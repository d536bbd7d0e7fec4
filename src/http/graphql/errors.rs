//! Codes of top-level errors, and the sweep that lets no other text out.

use async_graphql::{ServerError, Value};

use crate::error::PUBLIC_CODES;

pub(super) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
pub(super) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";
pub(super) const BAD_USER_INPUT: &str = "BAD_USER_INPUT";
pub(super) const INTERNAL: &str = "INTERNAL_SERVER_ERROR";
pub(super) const UNAVAILABLE: &str = "SERVICE_UNAVAILABLE";

/// The last look at an error before it leaves: a code of ours stays, a client's mistake gets one, all else is masked.
pub(super) fn sweep(error: ServerError, never_ran: bool, request_id: &str) -> ServerError {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    // An error with a source came through `?` in a resolver: its text is not ours.
    let ours = code.is_none() && error.source.is_none();
    match code {
        Some(Value::String(code)) if PUBLIC_CODES.contains(&code.as_str()) => return error,
        _ if ours && is_coercion(&error.message) => {
            let argument = argument(&error.message).map(str::to_owned);
            let mut error = coded(error, BAD_USER_INPUT);
            if let (Some(argument), Some(extensions)) = (argument, &mut error.extensions) {
                extensions.set("argument", argument);
            }
            return error;
        }
        _ if ours && never_ran => return coded(error, VALIDATION_FAILED),
        _ => {}
    }
    tracing::error!(%request_id, path = ?error.path, error = %error.message, "masked an error");
    ServerError { path: error.path, locations: error.locations, ..masked(request_id) }
}

/// async-graphql gives coercion errors no code, only these beginnings.
fn is_coercion(message: &str) -> bool {
    const BEGINNINGS: [&str; 4] = [
        "Invalid value for argument \"",
        "Invalid default value for argument: \"",
        "Failed to parse \"",
        "Expected input type \"",
    ];
    BEGINNINGS.iter().any(|beginning| message.starts_with(beginning))
}

/// `input.kind` out of `Invalid value for argument "input.kind", expected ...`.
fn argument(message: &str) -> Option<&str> {
    let (_, rest) = message.strip_prefix("Invalid ")?.split_once('"')?;
    rest.split_once('"').map(|(path, _)| path)
}

pub(super) fn coded(mut error: ServerError, code: &str) -> ServerError {
    error.extensions.get_or_insert_default().set("code", code);
    error
}

pub(super) fn masked(request_id: &str) -> ServerError {
    let mut error = coded(ServerError::new("internal error", None), INTERNAL);
    error.extensions.get_or_insert_default().set("requestId", request_id);
    error
}
