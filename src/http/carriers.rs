//! `POST /webhooks/carriers/{carrier}`: what carriers report, signed with HMAC-SHA-256 (F42).
//!
//! `X-Signature: t=<seconds>,v1=<hex>` signs `<seconds>.<body>`. A signature is good for five minutes, so a request that
//! somebody has recorded is of no use later; within them the id of an event lets it count once.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use tokio::time::timeout;

use super::Served;
use super::files::{language, refused};
use crate::error::{Code, Error, Refusal, Result};
use crate::returns::carrier::{self, Report, Taken};
use crate::state::App;

/// Largest body in bytes.
const LARGEST: usize = 64 << 10;
/// How long a body may take.
const LASTS: Duration = Duration::from_secs(20);
/// How far, in seconds, the time of a signature may be from now.
const TOLERANCE: i64 = 300;

#[derive(Deserialize)]
struct Reports {
    events: Vec<Report>,
}

/// Answers each event with what became of it, in order; an unknown number is no error.
pub async fn events(
    State(served): State<Served>,
    Path(carrier): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let language = language(&headers);
    let signature = headers.get("x-signature").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let taken = async {
        // One that does not arrive in time is none.
        let Ok(body) = timeout(LASTS, axum::body::to_bytes(body, LARGEST)).await else {
            return Err(Error::Unauthenticated("the body did not arrive in time"));
        };
        let body = body.map_err(|_| Refusal::at(Code::TooLarge, &["body"]).with("maximum", LARGEST))?;
        verify(&served.app, &signature, &body)?;
        // No detail of the parser: it quotes what it read.
        let reports: Reports = serde_json::from_slice(&body).map_err(|_| {
            Refusal::at(Code::Invalid, &["body"]).with("expected", "JSON with id, trackingNumber, status, occurredAt")
        })?;
        // In a task of its own: a client that goes away must not cut the work between two stores.
        let app = Arc::clone(&served.app);
        let taking = tokio::spawn(async move { carrier::take(&app, &carrier, reports.events).await });
        taking.await.map_err(|died| anyhow::anyhow!("taking events died: {died}"))?
    };
    match taken.await {
        Ok(taken) => {
            let one = |(id, outcome): (String, Taken)| json!({ "id": id, "outcome": outcome });
            Json(json!({ "events": taken.into_iter().map(one).collect::<Vec<_>>() })).into_response()
        }
        Err(error) => {
            let mut response = refused(&error, language);
            if matches!(error, Error::Unauthenticated(_)) {
                *response.status_mut() = StatusCode::UNAUTHORIZED;
            }
            response
        }
    }
}

/// Whether the body was signed by one who knows the secret, and not long ago.
fn verify(app: &App, header: &str, body: &[u8]) -> Result<()> {
    let Some(secret) = &app.config.carrier_secret else {
        return Err(Refusal::at(Code::NotFound, &["carrier"]).with("missing", "AFTERSALES_CARRIER_SECRET").into());
    };
    let invalid = Error::Unauthenticated("the signature is not valid, or older than five minutes");
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) => time = seconds.parse::<i64>().ok().map(|t| (t, seconds)),
            Some(("v1", hex)) => signatures.extend(bytes_of(hex)),
            _ => {}
        }
    }
    let Some((time, seconds)) = time else { return Err(invalid) };
    if app.clock.now().timestamp().abs_diff(time) > TOLERANCE.unsigned_abs() {
        return Err(invalid);
    }
    let mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .map_err(|e| anyhow::anyhow!("carrier secret: {e}"))?;
    let mac = mac.chain_update(seconds).chain_update(b".").chain_update(body);
    if signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()) { Ok(()) } else { Err(invalid) }
}

/// Hexadecimal digits as bytes.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::bytes_of;

    #[test]
    fn hexadecimal_is_read_whole_or_not_at_all() {
        assert_eq!(bytes_of("00fFa1"), Some(vec![0, 255, 161]));
        assert_eq!(bytes_of(""), Some(Vec::new()));
        for bad in ["0", "0g", "é0", "+1"] {
            assert_eq!(bytes_of(bad), None, "{bad}");
        }
    }
}
