use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use redlock_core::route::{KeyError, LockPolicy, Rejection};
use redlock_core::{ConfigError, ExtendError, LockError, Lost};

/// A [`Rejection`] as an error of a handler: what a lock has to say, by `?`, answered as the middleware answers it, with the
/// rejection in the response's extensions.
///
/// For keys that only the handler knows, such as one out of the request's body:
///
/// ```
/// use actix_web::web::{Data, Json};
/// use redlock_actix::LockRejection;
/// use redlock_core::Redlock;
///
/// async fn pay(redlock: Data<Redlock>, order: Json<String>) -> Result<String, LockRejection> {
///     let guard = redlock.try_lock(format!("order:{}", *order)).await?; // 409 while another has it
///     // … what nobody else may do meanwhile …
///     guard.release().await?;
///     Ok("paid".to_owned())
/// }
/// # actix_web::web::post().to(pay);
/// ```
///
/// | from | answer |
/// |---|---|
/// | [`LockError`] | that of the [policy](LockPolicy)'s defaults, without the holder's label; another by [`of`](Self::of) |
/// | [`ExtendError`], [`Lost`] | 503 without `Retry-After`: what was done stays done |
/// | [`KeyError`] of a template | 400 for a value that makes no key, 500 for names that are not the template's |
/// | [`ConfigError`] | 500 |
#[derive(Debug, Clone)]
pub struct LockRejection(pub Rejection);

impl LockRejection {
    /// What a lock that was not had means under a policy: its status, `Retry-After`, and whether the holder is named.
    ///
    /// ```
    /// # use redlock_actix::LockRejection;
    /// # use redlock_core::route::{ContendedStatus, LockPolicy};
    /// # use redlock_core::{LockGuard, Redlock};
    /// # async fn take(redlock: Redlock) -> Result<LockGuard, LockRejection> {
    /// let policy = LockPolicy::new().contended_status(ContendedStatus::Locked).names_holder(true);
    /// let guard = redlock.try_lock("import").await.map_err(|error| LockRejection::of(error, &policy))?;
    /// # Ok(guard)
    /// # }
    /// ```
    pub fn of(error: LockError, policy: &LockPolicy) -> Self {
        Self(Rejection::of_lock_error(error, policy))
    }
}

macro_rules! from {
    ($($error:ty),*) => {$(
        impl From<$error> for LockRejection {
            fn from(error: $error) -> Self {
                Self(error.into())
            }
        }
    )*};
}

from!(LockError, ExtendError, Lost, KeyError, ConfigError, Rejection);

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

/// Makes the response of a rejected request.
pub(crate) type OnReject = Arc<dyn Fn(&Rejection) -> HttpResponse + Send + Sync>;

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
