use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use redlock_core::route::{KeyTemplate, LockPolicy, Rejection, RouteLock};
use redlock_core::{ConfigError, Redlock};

use crate::rejection::problem;
use crate::service::LockService;
use crate::{KeyExtractor, LockedResponse};

pub(crate) type OnReject = Arc<dyn Fn(&Rejection) -> HttpResponse + Send + Sync>;

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
    /// Locks by a [template](KeyTemplate) such as `order:{id}`.
    ///
    /// # Errors
    ///
    /// When the template or the policy breaks a rule, or the policy does not fit the handle's node timeout.
    pub fn new(redlock: &Redlock, template: &str, policy: LockPolicy) -> Result<Self, ConfigError> {
        LockMiddleware::with_key(redlock, KeyTemplate::parse(template)?, policy)
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
    /// When the route lacks a parameter of the template.
    pub fn for_route(self, pattern: &str) -> Result<Self, ConfigError> {
        self.key.check_route(pattern)?;
        Ok(self)
    }
}

impl<K: KeyExtractor> LockMiddleware<K> {
    /// Locks by a key of your own making, such as a closure over [`ServiceRequest`].
    ///
    /// # Errors
    ///
    /// When the policy breaks a rule, or does not fit the handle's node timeout.
    pub fn with_key(redlock: &Redlock, key: K, policy: LockPolicy) -> Result<Self, ConfigError> {
        Ok(Self { lock: RouteLock::new(redlock, policy)?, key, on_reject: Arc::new(problem) })
    }
}

impl<K> LockMiddleware<K> {
    /// Answers rejected requests differently. Default: the status, `Retry-After`, and a problem of RFC 9457.
    ///
    /// A handler that is stopped because its lock was lost is answered by [`LockRejection`](crate::LockRejection) in any
    /// case: it is an error of the handler, and passes the middlewares around it as one.
    pub fn reject_with(
        mut self,
        on_reject: impl Fn(&Rejection) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        self.on_reject = Arc::new(on_reject);
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
