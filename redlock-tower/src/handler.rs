use std::fmt;

use axum::response::{IntoResponse, Response};
use redlock_core::route::{KeyError, LockPolicy, Rejection};
use redlock_core::{ConfigError, ExtendError, LockError, Lost};

use crate::{OnReject, ProblemJson};

/// A [`Rejection`] as an error of a handler: what a lock has to say, by `?`, answered as the layer answers it, with the
/// rejection in the response's extensions.
///
/// For keys that only the handler knows, such as one out of the request's body:
///
/// ```
/// use axum::Json;
/// use axum::extract::State;
/// use redlock_core::Redlock;
/// use redlock_tower::LockRejection;
///
/// async fn pay(State(redlock): State<Redlock>, Json(order): Json<String>) -> Result<(), LockRejection> {
///     let guard = redlock.try_lock(format!("order:{order}")).await?; // 409 while another has it
///     // … what nobody else may do meanwhile …
///     guard.release().await?;
///     Ok(())
/// }
/// # axum::Router::<Redlock>::new().route("/", axum::routing::post(pay));
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
    /// # use redlock_core::{LockError, LockGuard, Redlock};
    /// # use redlock_core::route::{ContendedStatus, LockPolicy};
    /// # use redlock_tower::LockRejection;
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

/// What a client may know; the cause is the [source](std::error::Error::source).
impl fmt::Display for LockRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.detail())
    }
}

impl std::error::Error for LockRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl IntoResponse for LockRejection {
    fn into_response(self) -> Response {
        let mut response = ProblemJson.response(&self.0).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}
