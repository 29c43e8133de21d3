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
    /// When the template or the policy breaks a rule, or the policy does not fit the handle's node timeout. Also when the
    /// template has path parameters and this build has no feature that knows them (`axum`), or `{route}` and neither
    /// `axum` nor `tonic`.
    pub fn new(redlock: &Redlock, template: &str, policy: LockPolicy) -> Result<Self, ConfigError> {
        let template = KeyTemplate::parse(template)?;
        let refuse = |rule| Err(ConfigError::new("key template", template.to_string(), rule));
        if cfg!(not(feature = "axum")) && template.params().next().is_some() {
            return refuse("must have no path parameters without the feature `axum`");
        }
        if cfg!(not(any(feature = "axum", feature = "tonic"))) && template.has_route() {
            return refuse("must not have `{route}` without the feature `axum` or `tonic`");
        }
        LockLayer::with_key(redlock, template, policy)
    }

    /// The same, having checked that the template fits a route with this pattern: a layer cannot see the route that it
    /// will stand on, and finds a template that does not fit by the first request (500).
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # fn main() -> Result<(), redlock_core::ConfigError> {
    /// # use redlock_core::{InMemoryNode, Redlock, route::LockPolicy};
    /// # use redlock_tower::LockLayer;
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
    /// let lock = LockLayer::new(&redlock, "order:{int:order_id}", LockPolicy::new())?;
    /// assert!(lock.for_route("/orders/{id}/pay").is_err());
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "axum"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// When the route lacks a parameter of the template.
    pub fn for_route(self, pattern: &str) -> Result<Self, ConfigError> {
        self.key.check_route(pattern)?;
        Ok(self)
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
