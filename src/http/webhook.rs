//! `POST /webhooks/mail`: the mail gateway delivers a mail as it came (RFC 5322), signed.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Served;
use crate::inbox::{self, Refused};

/// Mails under way at the same time: each may take 35 MiB, and more for being read.
const AT_ONCE: usize = 4;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);
/// How long a gateway may wait for its turn, and take to send a mail.
const LASTS: Duration = Duration::from_secs(60);
/// How long the next bytes of it may keep others waiting.
const IDLE: Duration = Duration::from_secs(3);

/// Reads a body that goes on arriving: whoever stops keeps nobody else's place.
async fn read(mut body: Body) -> Result<Vec<u8>, StatusCode> {
    let mut bytes = Vec::new();
    while let Some(frame) = timeout(IDLE, body.frame()).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)? {
        let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        if bytes.len() + data.len() > inbox::LARGEST {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// 200 with what became of the mail; 404 where none is received, 401 for a wrong signature, 408 for one that does not arrive in time,
/// 413 for too much, 503 where too many are under way or a store fails, so that the gateway delivers again.
pub async fn mail(State(served): State<Served>, headers: HeaderMap, body: Body) -> Response {
    if served.app.config.inbound_secret.is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let signature = headers.get("x-signature").and_then(|value| value.to_str().ok());
    if !inbox::is_of_now(&served.app, signature) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(Ok(room)) = timeout(LASTS, ROOM.acquire()).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let bytes = match timeout(LASTS, read(body)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(refused)) => return refused.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    match inbox::check(&served.app, signature, &bytes) {
        Ok(()) => {}
        Err(Refused::NotConfigured) => return StatusCode::NOT_FOUND.into_response(),
        Err(Refused::Signature) => return StatusCode::UNAUTHORIZED.into_response(),
    }
    // In a task of its own: a gateway that hangs up must not cut the work between two stores.
    let app = Arc::clone(&served.app);
    let filing = async move {
        let _room = room;
        inbox::deliver(&app, bytes).await
    };
    match tokio::spawn(filing).await {
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
