use std::borrow::Cow;

use http::request::Parts;
use redlock_core::LockKey;
use redlock_core::route::middleware::{Header, RouteContext};
use redlock_core::route::{IntoRouteKey, KeyError, KeyTemplate};

/// Makes a request's key: a [`KeyTemplate`], a closure over [`Parts`] that gives anything that is [`IntoRouteKey`]
/// ([`LockLayer::with_key`](crate::LockLayer::with_key)), or a type of your own
/// ([`with_extractor`](crate::LockLayer::with_extractor)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no key of a request",
    note = "it is a `KeyTemplate`, a closure `|parts| …` over `&http::request::Parts`, or a type that implements `KeyExtractor`, and `Clone + Send + Sync + 'static`"
)]
pub trait KeyExtractor: Clone + Send + Sync + 'static {
    /// The key; `None` lets the request pass without a lock.
    ///
    /// # Errors
    ///
    /// When the request has no valid key.
    fn key(&self, parts: &mut Parts) -> Result<Option<LockKey>, KeyError>;
}

impl KeyExtractor for KeyTemplate {
    fn key(&self, parts: &mut Parts) -> Result<Option<LockKey>, KeyError> {
        let params = Params::of(parts);
        self.key_of(&Context { parts, params }).map(Some)
    }
}

impl<F, K> KeyExtractor for F
where
    F: Fn(&Parts) -> K + Clone + Send + Sync + 'static,
    K: IntoRouteKey,
{
    fn key(&self, parts: &mut Parts) -> Result<Option<LockKey>, KeyError> {
        self(parts).into_route_key()
    }
}

/// A request as a template sees it.
struct Context<'a> {
    parts: &'a Parts,
    params: Params,
}

impl RouteContext for Context<'_> {
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        #[cfg(feature = "axum")]
        if let Some(path) = self.parts.extensions.get::<axum::extract::MatchedPath>() {
            return Some(Cow::Borrowed(path.as_str()));
        }
        // The path of a gRPC request names the method and nothing else.
        #[cfg(feature = "tonic")]
        if is_grpc(self.parts) {
            return Some(Cow::Borrowed(self.parts.uri.path()));
        }
        None
    }

    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        self.params.get(name)
    }

    fn header(&self, name: &str) -> Header<'_> {
        Header::of(self.parts.headers.get_all(name).iter().map(http::HeaderValue::as_bytes))
    }
}

#[cfg(feature = "tonic")]
fn is_grpc(parts: &Parts) -> bool {
    let content_type = parts.headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// The path parameters that the router found.
#[cfg(feature = "axum")]
enum Params {
    Found(axum::extract::RawPathParams),
    NotUtf8,
    None,
}

#[cfg(feature = "axum")]
impl Params {
    fn of(parts: &mut Parts) -> Self {
        use std::future::Future;
        use std::task::{Context, Poll, Waker};

        use axum::extract::FromRequestParts;
        use axum::extract::rejection::RawPathParamsRejection;

        // It looks into the extensions and waits for nothing.
        let looked_up =
            std::pin::pin!(axum::extract::RawPathParams::from_request_parts(parts, &()))
                .poll(&mut Context::from_waker(Waker::noop()));
        match looked_up {
            Poll::Ready(Ok(params)) => Self::Found(params),
            Poll::Ready(Err(RawPathParamsRejection::InvalidUtf8InPathParam(_))) => Self::NotUtf8,
            Poll::Ready(Err(_)) | Poll::Pending => Self::None,
        }
    }

    fn get(&self, name: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        match self {
            Self::Found(params) => {
                let mut values = params.iter().filter(|(param, _)| *param == name);
                match (values.next(), values.next()) {
                    (_, Some(_)) => Err(KeyError::repeated_param(name)),
                    (value, None) => Ok(value.map(|(_, value)| Cow::Borrowed(value))),
                }
            }
            Self::NotUtf8 => Err(KeyError::not_utf8()),
            Self::None => Ok(None),
        }
    }
}

#[cfg(not(feature = "axum"))]
struct Params;

#[cfg(not(feature = "axum"))]
impl Params {
    fn of(_: &mut Parts) -> Self {
        Self
    }

    fn get(&self, _: &str) -> Result<Option<Cow<'_, str>>, KeyError> {
        Ok(None)
    }
}
