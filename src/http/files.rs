//! Large bytes: uploads by ticket, downloads, exports and dossiers by signed link. All of it streams.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde_json::json;
use tokio::io::DuplexStream;
use tokio_util::io::{ReaderStream, SyncIoBridge};

use super::Served;
use crate::disputes;
use crate::error::{Code, Error, Language, Refusal};
use crate::evidence::{receive, serve};
use crate::privacy::{archive, export};

/// `PUT /attachments/uploads/{ticket}`: 201 with the attachment's size, or a typed error.
pub async fn upload(
    State(served): State<Served>,
    Path(ticket): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let language = language(&headers);
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    // In a task of its own: a client that goes away must not cut the work between two stores.
    let app = Arc::clone(&served.app);
    let receiving =
        tokio::spawn(async move { receive::receive(&app, &ticket, announced, body.into_data_stream()).await });
    match receiving.await {
        Ok(Ok(attachment)) => {
            let answer = json!({
                "id": crate::graphql::node::id("Attachment", attachment.id.0).0,
                "state": "AVAILABLE",
                "byteSize": attachment.byte_size,
            });
            (StatusCode::CREATED, Json(answer)).into_response()
        }
        Ok(Err(error)) => refused(&error, language),
        Err(died) => refused(&Error::Internal(anyhow::anyhow!("an upload died: {died}")), language),
    }
}

/// `GET /attachments/{link}`.
pub async fn download(State(served): State<Served>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let answer = async {
        let found = serve::open_link(&served.app, &link).await?;
        let bytes = serve::bytes(&served.app, &found.attachment).await?;
        let name = found.file_name.map_or_else(|| "attachment".to_owned(), crate::keys::Personal::reveal);
        let mut response = Response::new(Body::from_stream(bytes));
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(found.attachment.media_type.mime()));
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(found.attachment.byte_size));
        guard(out, &name);
        Ok(response)
    };
    answer.await.unwrap_or_else(|error| refused(&error, language(&headers)))
}

/// `GET /exports/{link}`: the archive, made while it is read.
pub async fn export(State(served): State<Served>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let answer = async {
        let (actor, customer) = export::open_link(&served.app, &link).await?;
        let collected = export::collect(&served.app, &actor, customer).await?;
        Ok(zip("export.zip", |sink| archive::write(Arc::clone(&served.app), collected, sink)))
    };
    answer.await.unwrap_or_else(|error| refused(&error, language(&headers)))
}

/// `GET /dossiers/{link}`: the dossier of a case, made while it is read; each download is logged.
pub async fn dossier(State(served): State<Served>, Path(link): Path<String>, headers: HeaderMap) -> Response {
    let answer = async {
        let dossier = disputes::dossier::open_link(&served.app, &link).await?;
        let name = format!("{}.zip", dossier.case_number);
        Ok(zip(&name, |sink| disputes::archive::write(Arc::clone(&served.app), dossier, sink)))
    };
    answer.await.unwrap_or_else(|error| refused(&error, language(&headers)))
}

/// An archive that is written while it is read.
fn zip<F>(name: &str, write: impl FnOnce(SyncIoBridge<DuplexStream>) -> F) -> Response
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (out, into) = tokio::io::duplex(256 << 10);
    let writing = tokio::spawn(write(SyncIoBridge::new(into)));
    // The stream ends with an error, not with a whole-looking file, if the archive does not come to its end.
    let end = futures::stream::once(async move {
        match writing.await {
            Ok(Ok(())) => Ok(bytes::Bytes::new()),
            Ok(Err(error)) => {
                tracing::error!(cause = format!("{error:#}"), "an archive broke off");
                Err(std::io::Error::other("the archive broke off"))
            }
            Err(died) => Err(std::io::Error::other(died)),
        }
    });
    let mut response = Response::new(Body::from_stream(ReaderStream::new(out).chain(end)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    guard(response.headers_mut(), name);
    response
}

/// Never shown in place, never cached, never run.
fn guard(headers: &mut HeaderMap, name: &str) {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect();
    let encoded: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b".-_".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    let policy = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-site"));
}

fn language(headers: &HeaderMap) -> Language {
    Language::from_accept_language(headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()))
}

/// A typed error: `{"error":{"code","path","message","details"}}`.
fn refused(error: &Error, language: Language) -> Response {
    let (status, body) = match error {
        Error::Refused(refusal) => (
            status(refusal),
            json!({
                "code": refusal.code.as_str(),
                "path": refusal.field,
                "message": refusal.code.text(language),
                "details": refusal.details.iter().map(|(n, v)| json!({ "name": n, "value": v })).collect::<Vec<_>>(),
            }),
        ),
        Error::Internal(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "a file route failed");
            let body = json!({ "code": error.code(), "path": [], "message": "internal error", "details": [] });
            (StatusCode::INTERNAL_SERVER_ERROR, body)
        }
        Error::Unavailable => {
            let body = json!({ "code": error.code(), "path": [], "message": error.to_string(), "details": [] });
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
        other => {
            let body = json!({ "code": other.code(), "path": [], "message": other.to_string(), "details": [] });
            (StatusCode::FORBIDDEN, body)
        }
    };
    (status, Json(json!({ "error": body }))).into_response()
}

const fn status(refusal: &Refusal) -> StatusCode {
    match refusal.code {
        Code::LinkInvalid | Code::NotFound => StatusCode::NOT_FOUND,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::TypeMismatch | Code::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
