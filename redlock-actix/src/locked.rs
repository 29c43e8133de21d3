use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError};
use redlock_core::Lease;
use redlock_core::route::HeldLocks;

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

impl FromRequest for Locked {
    type Error = NotLocked;
    type Future = Ready<Result<Self, NotLocked>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let lease = extensions.get::<HeldLocks>().and_then(HeldLocks::lease).cloned();
        ready(lease.map(Locked).ok_or(NotLocked))
    }
}
