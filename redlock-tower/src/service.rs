use std::fmt;
use std::task::{Context, Poll};

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use redlock_core::LockKey;
use redlock_core::route::middleware::{Admission, RouteLock, Tenure, joined};
use redlock_core::route::{HeldLocks, KeyTemplate, Rejection};
use tower_service::Service;

use crate::body::LockedBody;
use crate::{BoxError, KeyExtractor, OnReject, ProblemJson, ResponseFuture};

/// What [`LockLayer`](crate::LockLayer) makes of a service.
///
/// No lock is asked for in `poll_ready`: the response future does it, and drops what it asked for when it is dropped.
#[derive(Clone)]
pub struct LockService<S, K = KeyTemplate, R = ProblemJson> {
    inner: S,
    lock: RouteLock,
    key: K,
    on_reject: R,
}

impl<S, K, R> LockService<S, K, R> {
    pub(crate) fn new(inner: S, lock: RouteLock, key: K, on_reject: R) -> Self {
        Self { inner, lock, key, on_reject }
    }
}

impl<S, K, R, ReqBody, ResBody> Service<Request<ReqBody>> for LockService<S, K, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    K: KeyExtractor,
    R: OnReject,
    ReqBody: Send + 'static,
    ResBody: Body + Send + 'static,
    ResBody::Data: Send,
    ResBody::Error: Into<BoxError>,
{
    type Response = Response<LockedBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if !self.lock.policy().locks(request.method().as_str()) {
            return ResponseFuture::passing(self.inner.call(request));
        }
        let (mut parts, body) = request.into_parts();
        let key = self.lock.key(self.key.key(&mut parts));
        let mut request = Request::from_parts(parts, body);
        match key {
            Ok(None) => {
                if let Some(held) = request.extensions().get::<HeldLocks>().map(HeldLocks::passed) {
                    request.extensions_mut().insert(held);
                }
                ResponseFuture::passing(self.inner.call(request))
            }
            Ok(Some(key)) => {
                // The one that was polled ready is used, its clone stays.
                let clone = self.inner.clone();
                let ready = std::mem::replace(&mut self.inner, clone);
                let (lock, on_reject) = (self.lock.clone(), self.on_reject.clone());
                ResponseFuture::locking(serve(lock, key, on_reject, ready, request))
            }
            Err(rejection) => {
                // Readied and not called: what it reserved goes with it.
                let clone = self.inner.clone();
                drop(std::mem::replace(&mut self.inner, clone));
                let response = rejected(&self.on_reject, rejection);
                ResponseFuture::locking(std::future::ready(Ok(response)))
            }
        }
    }
}

async fn serve<S, R, ReqBody, ResBody>(
    lock: RouteLock,
    key: LockKey,
    on_reject: R,
    mut inner: S,
    mut request: Request<ReqBody>,
) -> Result<Response<LockedBody<ResBody>>, S::Error>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: OnReject,
    ResBody: Body + Send + 'static,
    ResBody::Data: Send,
    ResBody::Error: Into<BoxError>,
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
        Err(rejection) => return Ok(rejected(&on_reject, rejection)),
    };
    request.extensions_mut().insert(tenure.held_locks());
    let bodyless = method == Method::HEAD;
    let completes = lock.policy().runs_to_completion();
    let work = hold(lock.clone(), tenure, inner.call(request), bodyless, on_reject.clone());
    let done = if completes { joined(tokio::spawn(lock.track(work))).await } else { work.await };
    done.unwrap_or_else(|rejection| Ok(rejected(&on_reject, rejection)))
}

/// Runs the handler under its lock, and sees to the release.
async fn hold<F, R, ResBody, E>(
    lock: RouteLock,
    tenure: Tenure,
    handler: F,
    bodyless: bool,
    on_reject: R,
) -> Result<Result<Response<LockedBody<ResBody>>, E>, Rejection>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
    R: OnReject,
    ResBody: Body,
    ResBody::Error: Into<BoxError>,
{
    let policy = lock.policy();
    let mut response = match tenure.run(handler).await? {
        Ok(response) => response,
        Err(error) => {
            tenure.release().await;
            return Ok(Err(error));
        }
    };
    if let Some(lost) = tenure.lost() {
        response.extensions_mut().insert(lost);
    }
    // What follows a 101 is no body of HTTP.
    let ended = bodyless
        || response.status() == StatusCode::SWITCHING_PROTOCOLS
        || response.body().is_end_stream();
    if policy.holds_until_body_end() && !ended {
        let (head, body) = response.into_parts();
        let length = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length = length.and_then(|length| length.parse().ok());
        let body = LockedBody::held(body, length, tenure, policy, on_reject).await;
        return Ok(Ok(Response::from_parts(head, body)));
    }
    tenure.release().await;
    Ok(Ok(free(response)))
}

fn free<B: Body>(response: Response<B>) -> Response<LockedBody<B>> {
    response.map(LockedBody::free)
}

fn rejected<B: Body>(on_reject: &impl OnReject, rejection: Rejection) -> Response<LockedBody<B>> {
    let mut response = on_reject.response(&rejection).map(LockedBody::rejected);
    response.extensions_mut().insert(rejection);
    response
}

impl<S: fmt::Debug, K: fmt::Debug, R> fmt::Debug for LockService<S, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockService")
            .field("inner", &self.inner)
            .field("lock", &self.lock)
            .field("key", &self.key)
            .finish()
    }
}
