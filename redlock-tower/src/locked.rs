use std::convert::Infallible;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use redlock_core::Lease;
use redlock_core::route::{HeldAs, HeldLocks};

/// Extracts the lease of the handler's lock: until when it is valid, and whether it is lost.
///
/// ```
/// use redlock_tower::Locked;
///
/// async fn pay(Locked(lease): Locked) -> String {
///     format!("held for {:?} more", lease.remaining())
/// }
/// # axum::Router::<()>::new().route("/", axum::routing::post(pay));
/// ```
///
/// It owns nothing: the layer releases, however long the handler keeps a lease. A handler that may run without a lock
/// ([`NoQuorum::Allow`](redlock_core::route::NoQuorum::Allow), methods that are not locked) extracts `Option<Locked>`.
///
/// # Errors
///
/// [`NotLocked`] where there is none.
#[derive(Debug, Clone)]
pub struct Locked(pub Lease);

impl Deref for Locked {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.0
    }
}

/// Extracts how the handler's lock is held: alone, shared, or as one of so many, and then as which.
///
/// ```
/// use redlock_tower::Held;
/// use redlock_tower::redlock_core::route::HeldAs;
///
/// async fn invoice(Held(held): Held) -> &'static str {
///     if held == HeldAs::Share { "others may read beside\n" } else { "nobody else is at it\n" }
/// }
/// # axum::Router::<()>::new().route("/", axum::routing::any(invoice));
/// ```
///
/// Where there may be no lock: `Option<Held>`.
///
/// # Errors
///
/// [`NotLocked`] where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held(pub HeldAs);

/// The request is handled without a lock: no layer is around the handler, or it let the request pass. Answered with 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLocked;

impl std::fmt::Display for NotLocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the request has no lock; extract Option<Locked> where that may be")
    }
}

impl std::error::Error for NotLocked {}

impl IntoResponse for NotLocked {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

macro_rules! extract {
    ($($extractor:ty: $of:expr),*) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $extractor {
            type Rejection = NotLocked;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotLocked> {
                parts.extensions.get().and_then($of).ok_or(NotLocked)
            }
        }

        impl<S: Send + Sync> OptionalFromRequestParts<S> for $extractor {
            type Rejection = Infallible;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, Infallible> {
                Ok(parts.extensions.get().and_then($of))
            }
        }
    )*};
}

extract! {
    Locked: |held: &HeldLocks| held.lease().cloned().map(Locked),
    Held: |held: &HeldLocks| held.held_as().map(Held)
}
