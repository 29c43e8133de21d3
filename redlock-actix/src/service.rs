use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpMessage};
use redlock_core::LockKey;
use redlock_core::route::middleware::{Admission, RouteLock, Tenure, joined};
use redlock_core::route::{HeldLocks, KeyTemplate, Rejection};

use crate::rejection::OnReject;
use crate::{KeyExtractor, LockRejection, LockedBody};

/// The response of a locked service: the handler's, or a rejection's.
pub type LockedResponse<B> = ServiceResponse<EitherBody<LockedBody<B>>>;

/// What [`LockMiddleware`](crate::LockMiddleware) makes of a service.
pub struct LockService<S, K = KeyTemplate> {
    inner: Rc<S>,
    lock: RouteLock,
    key: K,
    on_reject: OnReject,
}

impl<S, K> LockService<S, K> {
    pub(crate) fn new(inner: S, lock: RouteLock, key: K, on_reject: OnReject) -> Self {
        Self { inner: Rc::new(inner), lock, key, on_reject }
    }
}

impl<S, K, B> Service<ServiceRequest> for LockService<S, K>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    K: KeyExtractor,
    B: MessageBody + 'static,
{
    type Response = LockedResponse<B>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let key = match self.lock.policy().locks(request.method().as_str()) {
            true => self.lock.key(self.key.key(&request)),
            false => {
                let response = self.inner.call(request);
                return Box::pin(async move { response.await.map(free) });
            }
        };
        match key {
            Ok(Some(key)) => {
                let (lock, on_reject) = (self.lock.clone(), self.on_reject.clone());
                Box::pin(serve(lock, key, on_reject, Rc::clone(&self.inner), request))
            }
            Ok(None) => {
                let held = request.extensions().get::<HeldLocks>().map(HeldLocks::passed);
                if let Some(held) = held {
                    request.extensions_mut().insert(held);
                }
                let response = self.inner.call(request);
                Box::pin(async move { response.await.map(free) })
            }
            Err(rejection) => Box::pin(ready(Ok(rejected(request, &self.on_reject, rejection)))),
        }
    }
}

async fn serve<S, B>(
    lock: RouteLock,
    key: LockKey,
    on_reject: OnReject,
    inner: Rc<S>,
    request: ServiceRequest,
) -> Result<LockedResponse<B>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let outer = request.extensions().get::<HeldLocks>().cloned().unwrap_or_default();
    let method = request.method().clone();
    let tenure = match lock.admit(method.as_str(), key, &outer).await {
        Ok(Admission::Locked(tenure)) => tenure,
        Ok(Admission::Nested(held)) => {
            request.extensions_mut().insert(held);
            return inner.call(request).await.map(free);
        }
        Ok(Admission::Unlocked(unlocked, held)) => {
            request.extensions_mut().insert(unlocked);
            request.extensions_mut().insert(held);
            return inner.call(request).await.map(free);
        }
        Err(rejection) => return Ok(rejected(request, &on_reject, rejection)),
    };
    request.extensions_mut().insert(tenure.held_locks());
    let bodyless = method == Method::HEAD;
    let completes = lock.policy().runs_to_completion();
    let work = hold(lock.clone(), tenure, inner.call(request), bodyless);
    let done =
        if completes { joined(actix_web::rt::spawn(lock.track(work))).await } else { work.await };
    // The request went into the handler and, cloned, could not be routed: a lost lock is the handler's error.
    done.unwrap_or_else(|rejection| Err(LockRejection(rejection).into()))
}

/// Runs the handler under its lock, and sees to the release.
async fn hold<B: MessageBody + 'static>(
    lock: RouteLock,
    tenure: Tenure,
    handler: impl Future<Output = Result<ServiceResponse<B>, Error>>,
    bodyless: bool,
) -> Result<Result<LockedResponse<B>, Error>, Rejection> {
    let policy = lock.policy();
    let mut response = match tenure.run(handler).await? {
        Ok(response) => response,
        Err(error) => {
            tenure.release().await;
            return Ok(Err(error));
        }
    };
    if let Some(lost) = tenure.lost() {
        response.response_mut().extensions_mut().insert(lost);
    }
    // What follows a 101 is no body of HTTP.
    let ended = bodyless
        || response.status() == StatusCode::SWITCHING_PROTOCOLS
        || matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0));
    if policy.holds_until_body_end() && !ended {
        let (request, response) = response.into_parts();
        let (response, body) = response.into_parts();
        let body = LockedBody::held(body, tenure, policy).await;
        let response = response.set_body(EitherBody::left(body));
        return Ok(Ok(ServiceResponse::new(request, response)));
    }
    tenure.release().await;
    Ok(Ok(free(response)))
}

fn free<B: MessageBody>(response: ServiceResponse<B>) -> LockedResponse<B> {
    response.map_body(|_, body| EitherBody::left(LockedBody::free(body)))
}

fn rejected<B>(
    request: ServiceRequest,
    on_reject: &OnReject,
    rejection: Rejection,
) -> LockedResponse<B> {
    let mut response = on_reject(&rejection);
    response.extensions_mut().insert(rejection);
    request.into_response(response).map_into_right_body()
}

impl<S, K: fmt::Debug> fmt::Debug for LockService<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockService")
            .field("lock", &self.lock)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
