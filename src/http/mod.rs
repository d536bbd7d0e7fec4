//! HTTP: the router, and the layers around it. The same router serves production and tests.

pub mod carriers;
pub mod files;
pub mod graphql;
pub mod serve;
pub mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::graphql::Schema;
use crate::state::AppState;

/// What the routes work with.
#[derive(Clone)]
pub struct Served {
    /// The application.
    pub app: AppState,
    /// The schema.
    pub schema: Schema,
}

/// The whole router.
pub fn router(app: AppState) -> Router {
    let origins: Vec<HeaderValue> = app.config.cors_origins.iter().filter_map(|o| o.parse().ok()).collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT_LANGUAGE]);
    let set = |name: HeaderName, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post))
        .route("/attachments/uploads/{ticket}", put(files::upload))
        .route("/attachments/{link}", get(files::download))
        .route("/exports/{link}", get(files::export))
        .route("/dossiers/{link}", get(files::dossier))
        .route("/webhooks/carriers/{carrier}", post(carriers::events))
        .route("/webhooks/mail", post(webhook::mail))
        .route_layer(from_fn_with_state(Arc::clone(&app), note_traffic))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .layer(DefaultBodyLimit::disable())
        .layer(cors)
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .layer(set(header::X_FRAME_OPTIONS, "DENY"))
        .layer(CatchPanicLayer::new())
        .with_state(Served { schema: crate::graphql::schema(), app: Arc::clone(&app) })
}

/// Whoever can wait makes room from the request to its answer.
async fn note_traffic(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let _serving = app.traffic.serve();
    next.run(request).await
}

/// Ready: both databases answer.
async fn ready(State(served): State<Served>) -> (StatusCode, &'static str) {
    let app = &served.app;
    let main = crate::db::rows(app.db.read(), "SELECT 1", []).await;
    let keys = crate::db::rows(app.keys.db().read(), "SELECT generation FROM store", []).await;
    if main.is_ok() && keys.is_ok() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    }
}
