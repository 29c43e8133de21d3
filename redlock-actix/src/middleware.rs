use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use redlock_core::route::middleware::RouteLock;
use redlock_core::route::{IntoRouteKey, KeyTemplate, LockPolicy, Rejection};
use redlock_core::{ConfigError, Redlock};

use crate::rejection::{OnReject, problem};
use crate::service::LockService;
use crate::{KeyExtractor, LockedResponse};

/// Locks the routes that it is wrapped around, each request by its key. See the [crate's documentation](crate).
///
/// Make it once, outside of the application factory, and clone it into each worker's application: clones share the
/// policy's bounds on waiters and holders.
#[derive(Clone)]
#[must_use]
pub struct LockMiddleware<K = KeyTemplate> {
    lock: RouteLock,
    key: K,
    on_reject: OnReject,
}

impl LockMiddleware {
    /// Locks by a [template](KeyTemplate) such as `order:{id}`, as text or as one that was parsed, to
    /// [render](KeyTemplate::render) the same keys elsewhere.
    ///
    /// # Errors
    ///
    /// When the template or the policy breaks a rule, or the policy does not fit the handle: its node timeout, its
    /// `max_waiters`, or its fencing, of which the policy says nothing.
    pub fn new(
        redlock: &Redlock,
        template: impl AsRef<str>,
        policy: LockPolicy,
    ) -> Result<Self, ConfigError> {
        LockMiddleware::with_extractor(redlock, KeyTemplate::parse(template.as_ref())?, policy)
    }

    /// The same, having checked that the template fits a route with this pattern: a middleware cannot see the route that
    /// it will stand on, and finds a template that does not fit by the first request (500).
    ///
    /// ```
    /// # fn main() -> Result<(), redlock_core::ConfigError> {
    /// # use redlock_core::{InMemoryNode, Redlock, route::LockPolicy};
    /// # use redlock_actix::LockMiddleware;
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
    /// let lock = LockMiddleware::new(&redlock, "order:{int:order_id}", LockPolicy::new())?;
    /// assert!(lock.for_route("/orders/{id}/pay").is_err());
    /// # Ok(())
    /// # }
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

impl<K> LockMiddleware<K> {
    /// Locks by the key that a closure makes of the [`ServiceRequest`]: whatever [names a lock](IntoRouteKey), `None` to let
    /// the request pass, or a `Result` of these.
    ///
    /// ```
    /// # fn main() -> Result<(), redlock_core::ConfigError> {
    /// # use redlock_core::{InMemoryNode, Redlock, route::{KeyError, LockPolicy}};
    /// # use redlock_actix::LockMiddleware;
    /// # let redlock = Redlock::builder().node(InMemoryNode::new("a")).ttl(std::time::Duration::from_secs(10)).build()?;
    /// let lock = LockMiddleware::with_key(
    ///     &redlock,
    ///     |request| {
    ///         let host = request.uri().host().ok_or(KeyError::missing("host"))?;
    ///         Ok(format!("host:{host}"))
    ///     },
    ///     LockPolicy::new(),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the policy breaks a rule, or does not fit the handle; see [`new`](LockMiddleware::new).
    pub fn with_key<T>(redlock: &Redlock, key: K, policy: LockPolicy) -> Result<Self, ConfigError>
    where
        K: Fn(&ServiceRequest) -> T + Clone + 'static,
        T: IntoRouteKey,
    {
        Self::with_extractor(redlock, key, policy)
    }

    /// Locks by the key that a [`KeyExtractor`] of your own makes of the request.
    ///
    /// # Errors
    ///
    /// When the policy breaks a rule, or does not fit the handle; see [`new`](LockMiddleware::new).
    pub fn with_extractor(
        redlock: &Redlock,
        key: K,
        policy: LockPolicy,
    ) -> Result<Self, ConfigError>
    where
        K: KeyExtractor,
    {
        Ok(Self { lock: RouteLock::new(redlock, policy)?, key, on_reject: Arc::new(problem) })
    }

    /// Answers rejected requests by a closure over the [`Rejection`], which gives an [`HttpResponse`], or what is made of: a
    /// builder, or an `actix_web::Error`. Default: the status, `Retry-After`, and a problem of RFC 9457.
    ///
    /// A handler that is stopped because its lock was lost is answered by [`LockRejection`](crate::LockRejection) in any
    /// case: it is an error of the handler, and passes the middlewares around it as one.
    pub fn reject_with<T: Into<HttpResponse>>(
        mut self,
        on_reject: impl Fn(&Rejection) -> T + Send + Sync + 'static,
    ) -> Self {
        self.on_reject = Arc::new(move |rejection| on_reject(rejection).into());
        self
    }
}

impl<S, K, B> Transform<S, ServiceRequest> for LockMiddleware<K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    S::Future: 'static,
    K: KeyExtractor,
    B: MessageBody + 'static,
{
    type Response = LockedResponse<B>;
    type Error = actix_web::Error;
    type Transform = LockService<S, K>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        let (lock, key, on_reject) = (self.lock.clone(), self.key.clone(), self.on_reject.clone());
        ready(Ok(LockService::new(inner, lock, key, on_reject)))
    }
}

impl<K: fmt::Debug> fmt::Debug for LockMiddleware<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockMiddleware").field("lock", &self.lock).field("key", &self.key).finish()
    }
}
