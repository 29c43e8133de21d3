use redlock_core::route::{KeyTemplate, LockPolicy, RouteLock};
use redlock_core::{ConfigError, Redlock};
use tower_layer::Layer;

use crate::{KeyExtractor, LockService, OnReject, ProblemJson};

/// Locks the services behind it, each request by its key. See the [crate's documentation](crate).
///
/// Clones, and the services they make, share the policy's bounds on waiters and holders.
#[derive(Debug, Clone)]
#[must_use]
pub struct LockLayer<K = KeyTemplate, R = ProblemJson> {
    lock: RouteLock,
    key: K,
    on_reject: R,
}

impl LockLayer {
    /// Locks by a [template](KeyTemplate) such as `order:{id}`.
    ///
    /// # Errors
    ///
    /// When the template or the policy breaks a rule, or the policy does not fit the handle's node timeout.
    pub fn new(redlock: &Redlock, template: &str, policy: LockPolicy) -> Result<Self, ConfigError> {
        LockLayer::with_key(redlock, KeyTemplate::parse(template)?, policy)
    }
}

impl<K: KeyExtractor> LockLayer<K> {
    /// Locks by a key of your own making, such as a closure over [`Parts`](http::request::Parts).
    ///
    /// # Errors
    ///
    /// When the policy breaks a rule, or does not fit the handle's node timeout.
    pub fn with_key(redlock: &Redlock, key: K, policy: LockPolicy) -> Result<Self, ConfigError> {
        Ok(Self { lock: RouteLock::new(redlock, policy)?, key, on_reject: ProblemJson })
    }
}

impl<K, R> LockLayer<K, R> {
    /// Answers rejected requests differently. Default: [`ProblemJson`].
    pub fn reject_with<R2: OnReject>(self, on_reject: R2) -> LockLayer<K, R2> {
        LockLayer { lock: self.lock, key: self.key, on_reject }
    }
}

impl<S, K: Clone, R: Clone> Layer<S> for LockLayer<K, R> {
    type Service = LockService<S, K, R>;

    fn layer(&self, inner: S) -> Self::Service {
        LockService::new(inner, self.lock.clone(), self.key.clone(), self.on_reject.clone())
    }
}
