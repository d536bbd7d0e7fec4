//! `POST /webhooks/mail`: the mail gateway delivers a mail as it came (RFC 5322), signed.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Served;
use crate::inbox::{self, Refused};

/// 200 with what became of the mail; 404 where none is received, 401 for a wrong signature, 413 for too much, 503 where a
/// store fails, so that the gateway delivers again.
pub async fn mail(State(served): State<Served>, headers: HeaderMap, body: Body) -> Response {
    if served.app.config.inbound_secret.is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(bytes) = to_bytes(body, inbox::LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let signature = headers.get("x-signature").and_then(|value| value.to_str().ok());
    match inbox::check(&served.app, signature, &bytes) {
        Ok(()) => {}
        Err(Refused::NotConfigured) => return StatusCode::NOT_FOUND.into_response(),
        Err(Refused::Signature) => return StatusCode::UNAUTHORIZED.into_response(),
    }
    // In a task of its own: a gateway that hangs up must not cut the work between two stores.
    let app = Arc::clone(&served.app);
    match tokio::spawn(async move { inbox::deliver(&app, bytes.to_vec()).await }).await {
        Ok(Ok(state)) => Json(json!({ "state": state.code() })).into_response(),
        Ok(Err(error)) => {
            tracing::error!(cause = format!("{error:?}"), "a mail could not be filed");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(died) => {
            tracing::error!(%died, "filing a mail died");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
