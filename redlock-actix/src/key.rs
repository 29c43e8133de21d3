use std::borrow::Cow;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderValue;
use percent_encoding::percent_decode_str;
use redlock_core::LockKey;
use redlock_core::route::middleware::{Header, RouteContext};
use redlock_core::route::{IntoRouteKey, KeyError, KeyTemplate};

/// Makes a request's key: a [`KeyTemplate`], a closure over [`ServiceRequest`] that gives anything that is
/// [`IntoRouteKey`] ([`LockMiddleware::with_key`](crate::LockMiddleware::with_key)), or a type of your own
/// ([`with_extractor`](crate::LockMiddleware::with_extractor)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no key of a request",
    note = "it is a `KeyTemplate`, a closure `|request| …` over `&actix_web::dev::ServiceRequest`, or a type that implements `KeyExtractor`, and `Clone + 'static`"
)]
pub trait KeyExtractor: Clone + 'static {
    /// The key; `None` lets the request pass without a lock.
    ///
    /// # Errors
    ///
    /// When the request has no valid key.
    fn key(&self, request: &ServiceRequest) -> Result<Option<LockKey>, KeyError>;
}

impl KeyExtractor for KeyTemplate {
    fn key(&self, request: &ServiceRequest) -> Result<Option<LockKey>, KeyError> {
        self.key_of(&Request(request)).map(Some)
    }
}

impl<F, K> KeyExtractor for F
where
    F: Fn(&ServiceRequest) -> K + Clone + 'static,
    K: IntoRouteKey,
{
    fn key(&self, request: &ServiceRequest) -> Result<Option<LockKey>, KeyError> {
        self(request).into_route_key()
    }
}

/// A request as a template sees it.
struct Request<'a>(&'a ServiceRequest);

impl RouteContext for Request<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        // Around a scope or an application the route is not chosen yet: what actix-web would guess there goes by the path
        // as it was sent, and the router by the decoded one.
        let routed = self.0.match_info().unprocessed().is_empty();
        routed.then(|| self.0.match_pattern()).flatten().map(Cow::Owned)
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        // The router has put U+FFFD where a path is not UTF-8; the request line tells.
        percent_decode_str(self.0.uri().path()).decode_utf8().map_err(|_| KeyError::not_utf8())?;
        // It has decoded all but `%25`, `%2B` and `%2F`, so that decoding once more does not decode twice.
        let mut values = self.0.match_info().iter().filter(|(param, _)| *param == name);
        let value = match (values.next(), values.next()) {
            (_, Some(_)) => return Err(KeyError::repeated_param(name)),
            (value, None) => value.map(|(_, value)| percent_decode_str(value).decode_utf8()),
        };
        value.transpose().map_err(|_| KeyError::not_utf8())
    }

    fn header(&self, name: &str) -> Header<'_> {
        Header::of(self.0.headers().get_all(name).map(HeaderValue::as_bytes))
    }
}
