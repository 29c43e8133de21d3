use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError};
use redlock_core::Lease;
use redlock_core::route::{HeldAs, HeldLocks};

/// Extracts the lease of the handler's lock: until when it is valid, and whether it is lost.
///
/// ```
/// use redlock_actix::Locked;
///
/// async fn pay(Locked(lease): Locked) -> String {
///     format!("held for {:?} more", lease.remaining())
/// }
/// # actix_web::web::post().to(pay);
/// ```
///
/// It owns nothing: the middleware releases, however long the handler keeps a lease. A handler that may run without a
/// lock ([`NoQuorum::Allow`](redlock_core::route::NoQuorum::Allow), methods that are not locked) extracts
/// `Option<Locked>`.
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
/// use redlock_actix::Held;
/// use redlock_actix::redlock_core::route::HeldAs;
///
/// async fn invoice(Held(held): Held) -> &'static str {
///     if held == HeldAs::Share { "others may read beside\n" } else { "nobody else is at it\n" }
/// }
/// # actix_web::web::route().to(invoice);
/// ```
///
/// Where there may be no lock: `Option<Held>`.
///
/// # Errors
///
/// [`NotLocked`] where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held(pub HeldAs);

/// The request is handled without a lock: no middleware is around the handler, or it let the request pass. Answered
/// with 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLocked;

impl fmt::Display for NotLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no lock")
    }
}

impl std::error::Error for NotLocked {}

impl ResponseError for NotLocked {}

macro_rules! extract {
    ($($extractor:ty: $of:expr),*) => {$(
        impl FromRequest for $extractor {
            type Error = NotLocked;
            type Future = Ready<Result<Self, NotLocked>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(request.extensions().get().and_then($of).ok_or(NotLocked))
            }
        }
    )*};
}

extract! {
    Locked: |held: &HeldLocks| held.lease().cloned().map(Locked),
    Held: |held: &HeldLocks| held.held_as().map(Held)
}
