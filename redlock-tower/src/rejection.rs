use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use redlock_core::route::Rejection;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes the response of a rejected request: a closure over the [`Rejection`]
/// ([`LockLayer::reject_with`](crate::LockLayer::reject_with)), or one of this crate's types
/// ([`on_reject`](crate::LockLayer::on_reject)).
///
/// The layer puts the rejection itself into the response's extensions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` answers no rejected request",
    note = "a closure `|rejection| …` goes to `reject_with`; a type that implements `OnReject` is also `Clone + Send + Sync + 'static`"
)]
pub trait OnReject: Clone + Send + Sync + 'static {
    /// The response's body.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// The response.
    fn response(&self, rejection: &Rejection) -> Response<Self::Body>;

    /// What ends a body that streams when its lock is lost: trailers, for protocols that tell their outcome there, or `None`,
    /// the default, for an error, by which the connection or the stream is broken off.
    fn trailers(&self, rejection: &Rejection) -> Option<HeaderMap> {
        let _ = rejection;
        None
    }
}

impl<F, T> OnReject for F
where
    F: Fn(&Rejection) -> T + Clone + Send + Sync + 'static,
    T: IntoRejected,
{
    type Body = T::Body;

    fn response(&self, rejection: &Rejection) -> Response<T::Body> {
        self(rejection).into_rejected()
    }
}

/// What a closure may answer a rejected request with: an `http::Response` over any body of bytes, such as `String`; with the
/// feature `axum` whatever axum calls a response, which that is too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no response to a rejected request",
    label = "not a response",
    note = "it is an `http::Response<String>` or one over another `http_body::Body` of `Bytes`; with the feature `axum` of redlock-tower anything that is `axum::response::IntoResponse`",
    note = "what borrows from the rejection cannot be given: make it owned"
)]
pub trait IntoRejected {
    /// Its body.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// The response.
    fn into_rejected(self) -> Response<Self::Body>;
}

#[cfg(not(feature = "axum"))]
impl<B> IntoRejected for Response<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;

    fn into_rejected(self) -> Self {
        self
    }
}

#[cfg(feature = "axum")]
impl<T: axum::response::IntoResponse> IntoRejected for T {
    type Body = axum::body::Body;

    fn into_rejected(self) -> axum::response::Response {
        self.into_response()
    }
}

/// The default: the rejection's status, `Retry-After`, and a problem of RFC 9457.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProblemJson;

impl OnReject for ProblemJson {
    type Body = String;

    fn response(&self, rejection: &Rejection) -> Response<String> {
        let mut response = Response::new(rejection.problem_json());
        *response.status_mut() =
            StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = rejection.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A gRPC status in place of an HTTP one: `ABORTED` when somebody else has the lock or it was lost, `RESOURCE_EXHAUSTED`
/// when too many wait, `UNAVAILABLE` without a quorum or while shutting down, `INVALID_ARGUMENT` without a key,
/// `INTERNAL` for a set-up that is wrong. `grpc-retry-pushback-ms` says when to try again. A stream whose lock is lost ends
/// with `ABORTED` in its trailers.
#[cfg(feature = "tonic")]
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcStatus;

#[cfg(feature = "tonic")]
impl GrpcStatus {
    fn status(rejection: &Rejection) -> tonic::Status {
        use redlock_core::route::RejectionKind;
        use tonic::{Code, Status};

        let code = match rejection.kind() {
            RejectionKind::Contended | RejectionKind::Lost => Code::Aborted,
            RejectionKind::Overloaded => Code::ResourceExhausted,
            RejectionKind::NoQuorum | RejectionKind::Closed => Code::Unavailable,
            RejectionKind::BadRequest => Code::InvalidArgument,
            _ => Code::Internal,
        };
        Status::new(code, rejection.detail())
    }
}

#[cfg(feature = "tonic")]
impl OnReject for GrpcStatus {
    /// Always empty: the status is in the headers.
    type Body = String;

    fn response(&self, rejection: &Rejection) -> Response<String> {
        let mut response = Self::status(rejection).into_http::<String>();
        if let Some(after) = rejection.retry_after() {
            let millis = u64::try_from(after.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
            response.headers_mut().insert("grpc-retry-pushback-ms", HeaderValue::from(millis));
        }
        response
    }

    fn trailers(&self, rejection: &Rejection) -> Option<HeaderMap> {
        let mut trailers = HeaderMap::new();
        Self::status(rejection).add_header(&mut trailers).ok().map(|()| trailers)
    }
}
