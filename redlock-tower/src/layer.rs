use http::request::Parts;
use redlock_core::route::middleware::RouteLock;
use redlock_core::route::{IntoRouteKey, KeyTemplate, LockPolicy, Rejection};
use redlock_core::{ConfigError, Redlock};
use tower_layer::Layer;

use crate::{IntoRejected, KeyExtractor, LockService, OnReject, ProblemJson};

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
    /// Locks by a [template](KeyTemplate) such as `order:{id}`, as text or as one that was parsed, to
    /// [render](KeyTemplate::render) the same keys elsewhere.
    ///
    /// # Errors
    ///
    /// When the template or the policy breaks a rule, or the policy does not fit the handle: its node timeout, its
    /// `max_waiters`, or its fencing, of which the policy says nothing. Also when the template has path parameters and this build has no feature that knows them (`axum`), or `{route}` and neither
    /// `axum` nor `tonic`.
    pub fn new(
        redlock: &Redlock,
        template: impl AsRef<str>,
        policy: LockPolicy,
    ) -> Result<Self, ConfigError> {
        let template = KeyTemplate::parse(template.as_ref())?;
        let refuse = |rule| Err(ConfigError::new("key template", template.to_string(), rule));
        if cfg!(not(feature = "axum")) && template.params().next().is_some() {
            return refuse("must have no path parameters without the feature `axum`");
        }
        if cfg!(not(any(feature = "axum", feature = "tonic"))) && template.has_route() {
            return refuse("must not have `{route}` without the feature `axum` or `tonic`");
        }
        LockLayer::with_extractor(redlock, template, policy)
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
    /// When the route lacks a parameter of the template, or has more than one of the name.
    pub fn for_route(self, pattern: &str) -> Result<Self, ConfigError> {
        self.key.check_route(pattern)?;
        Ok(self)
    }
}

impl<K> LockLayer<K> {
    /// Locks by the key that a closure makes of the request's [`Parts`]: whatever [names a lock](IntoRouteKey), `None` to let
    /// the request pass, or a `Result` of these.
    ///
    /// ```
    /// # fn main() -> Result<(), redlock_core::ConfigError> {
    /// # use redlock_core::{InMemoryNode, Redlock, route::{KeyError, LockPolicy}};
    /// # use redlock_tower::LockLayer;
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
    /// let lock = LockLayer::with_key(
    ///     &redlock,
    ///     |parts| {
    ///         let tenant = parts.extensions.get::<String>().ok_or(KeyError::missing("tenant"))?;
    ///         Ok(format!("tenant:{tenant}"))
    ///     },
    ///     LockPolicy::new(),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the policy breaks a rule, or does not fit the handle; see [`new`](LockLayer::new).
    pub fn with_key<T>(redlock: &Redlock, key: K, policy: LockPolicy) -> Result<Self, ConfigError>
    where
        K: Fn(&Parts) -> T + Clone + Send + Sync + 'static,
        T: IntoRouteKey,
    {
        Self::with_extractor(redlock, key, policy)
    }

    /// Locks by the key that a [`KeyExtractor`] of your own makes of the request.
    ///
    /// # Errors
    ///
    /// When the policy breaks a rule, or does not fit the handle; see [`new`](LockLayer::new).
    pub fn with_extractor(
        redlock: &Redlock,
        key: K,
        policy: LockPolicy,
    ) -> Result<Self, ConfigError>
    where
        K: KeyExtractor,
    {
        Ok(Self { lock: RouteLock::new(redlock, policy)?, key, on_reject: ProblemJson })
    }
}

impl<K, R> LockLayer<K, R> {
    /// Answers rejected requests by a closure over the [`Rejection`], which gives an `http::Response` or, with the feature
    /// `axum`, whatever axum calls a response. Default: [`ProblemJson`].
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # fn main() -> Result<(), redlock_core::ConfigError> {
    /// # use redlock_core::{InMemoryNode, Redlock, route::LockPolicy};
    /// # use redlock_tower::LockLayer;
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
    /// use axum::http::StatusCode;
    ///
    /// let lock = LockLayer::new(&redlock, "order:{int:id}", LockPolicy::new())?
    ///     .reject_with(|rejection| (StatusCode::CONFLICT, rejection.detail()));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "axum"))]
    /// # fn main() {}
    /// ```
    pub fn reject_with<F, T>(self, on_reject: F) -> LockLayer<K, F>
    where
        F: Fn(&Rejection) -> T + Clone + Send + Sync + 'static,
        T: IntoRejected,
    {
        self.on_reject(on_reject)
    }

    /// Answers rejected requests by one of this crate's types, such as `GrpcStatus`, or one of your own. Default:
    /// [`ProblemJson`].
    pub fn on_reject<R2: OnReject>(self, on_reject: R2) -> LockLayer<K, R2> {
        LockLayer { lock: self.lock, key: self.key, on_reject }
    }
}

impl<S, K: Clone, R: Clone> Layer<S> for LockLayer<K, R> {
    type Service = LockService<S, K, R>;

    fn layer(&self, inner: S) -> Self::Service {
        LockService::new(inner, self.lock.clone(), self.key.clone(), self.on_reject.clone())
    }
}
