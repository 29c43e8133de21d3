use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use redlock_core::Redlock;
use redlock_core::route::LockPolicy;
use redlock_tower::{LockLayer, Locked};

use crate::handler::{self, DOES, Reply};
use crate::probe::Probe;
use crate::site::IMPATIENCE;

pub(crate) fn router(redlock: &Redlock, policy: &LockPolicy, probe: Arc<Probe>) -> Router {
    let lock = |template| LockLayer::new(redlock, template, policy.clone()).unwrap();
    let route = |path, template| Router::new().route(path, post(handle).layer(lock(template)));
    let all = |template| LockLayer::new(redlock, template, policy.clone().all_methods()).unwrap();
    let things = Router::new().nest("/v1", route("/things/{id}", "{method} {route}:{id}"));
    Router::new()
        .merge(route("/orders/{id}", "order:{id}"))
        .merge(route("/tenants", "tenant:{header:x-tenant}"))
        .merge(route("/numbers/{id}", "number:{int:id}"))
        .route("/looks/{id}", get(handle).layer(all("look:{id}")))
        // `layer` on a method router covers its answer to other methods too.
        .route("/routed/{id}", post(handle).route_layer(lock("order:{id}")))
        .route("/strict/{id}", post(strict).layer(lock("order:{id}")))
        .merge(route("/impatient/{id}", "order:{id}").layer(from_fn(impatient)))
        .merge(route("/twice/{id}", "order:{id}").layer(lock("order:{id}")))
        .merge(route("/both/{id}", "order:{id}").layer(lock("invoice:{id}")))
        .nest("/api", things)
        .with_state(probe)
}

async fn handle(
    State(probe): State<Arc<Probe>>,
    locked: Option<Locked>,
    request: Request,
) -> Response {
    let does = request.headers()[DOES].to_str().unwrap();
    let lease = locked.map(|Locked(lease)| lease);
    match handler::handle(probe, request.uri().path(), does, lease).await {
        Reply::Text(text) => text.into_response(),
        Reply::Empty => ().into_response(),
        Reply::Stream(pieces) => Body::from_stream(pieces).into_response(),
        Reply::Failure => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An extractor that likes no request.
struct Refused;

impl<S: Sync> FromRequestParts<S> for Refused {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        Err(StatusCode::UNPROCESSABLE_ENTITY)
    }
}

async fn strict(_: Refused) {}

async fn impatient(request: Request, next: Next) -> Response {
    match tokio::time::timeout(Duration::from_millis(IMPATIENCE), next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}
