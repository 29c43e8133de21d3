use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use redlock_core::route::Rejection;

/// A [`Rejection`] as an error of actix-web: answered with its status, `Retry-After`, a problem of RFC 9457 for a body,
/// and the rejection in the response's extensions.
///
/// A handler that takes further locks itself may return it with `?`.
#[derive(Debug, Clone)]
pub struct LockRejection(pub Rejection);

impl fmt::Display for LockRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Errors of handlers end up in bodies: the cause stays in the extensions.
        f.write_str(self.0.detail())
    }
}

impl std::error::Error for LockRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl ResponseError for LockRejection {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = problem(&self.0);
        response.extensions_mut().insert(self.0.clone());
        response
    }
}

/// The response of a rejected request unless it is to look different.
pub(crate) fn problem(rejection: &Rejection) -> HttpResponse {
    let status = StatusCode::from_u16(rejection.status());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response.insert_header((CONTENT_TYPE, "application/problem+json"));
    if let Some(seconds) = rejection.retry_after_seconds() {
        response.insert_header((RETRY_AFTER, seconds));
    }
    response.body(rejection.problem_json())
}
