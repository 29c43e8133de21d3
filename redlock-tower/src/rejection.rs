use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use redlock_core::route::Rejection;

/// Makes the response of a rejected request: a closure over the [`Rejection`], or one of this crate's types.
///
/// The layer puts the rejection itself into the response's extensions.
pub trait OnReject: Clone + Send + Sync + 'static {
    /// The response.
    fn response(&self, rejection: &Rejection) -> Response<Bytes>;
}

impl<F> OnReject for F
where
    F: Fn(&Rejection) -> Response<Bytes> + Clone + Send + Sync + 'static,
{
    fn response(&self, rejection: &Rejection) -> Response<Bytes> {
        self(rejection)
    }
}

/// The default: the rejection's status, `Retry-After`, and a problem of RFC 9457.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProblemJson;

impl OnReject for ProblemJson {
    fn response(&self, rejection: &Rejection) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(rejection.problem_json()));
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
/// `INTERNAL` for a set-up that is wrong. `grpc-retry-pushback-ms` says when to try again.
#[cfg(feature = "tonic")]
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcStatus;

#[cfg(feature = "tonic")]
impl OnReject for GrpcStatus {
    fn response(&self, rejection: &Rejection) -> Response<Bytes> {
        use redlock_core::route::RejectionKind;
        use tonic::{Code, Status};

        let code = match rejection.kind() {
            RejectionKind::Contended | RejectionKind::Lost => Code::Aborted,
            RejectionKind::Overloaded => Code::ResourceExhausted,
            RejectionKind::NoQuorum | RejectionKind::Closed => Code::Unavailable,
            RejectionKind::BadRequest => Code::InvalidArgument,
            _ => Code::Internal,
        };
        let mut response = Status::new(code, rejection.detail()).into_http::<Bytes>();
        if let Some(after) = rejection.retry_after() {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            response.headers_mut().insert("grpc-retry-pushback-ms", HeaderValue::from(millis));
        }
        response
    }
}
