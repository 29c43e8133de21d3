use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::body::LockedBody;

type Locking<B, E> = Pin<Box<dyn Future<Output = Result<Response<LockedBody<B>>, E>> + Send>>;

pin_project! {
    /// The response of a [`LockService`](crate::LockService).
    ///
    /// Dropped while it waits for the lock, it takes back what it asked for; dropped while the handler runs, it drops
    /// the handler and releases in the background, unless the policy runs handlers to completion.
    pub struct ResponseFuture<F, B, E>
    where
        B: Body,
    {
        #[pin]
        state: State<F, Locking<B, E>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, L> {
        Passing { #[pin] inner: F },
        Locking { serve: L },
    }
}

impl<F, B: Body, E> ResponseFuture<F, B, E> {
    /// Without a lock.
    pub(crate) fn passing(inner: F) -> Self {
        Self { state: State::Passing { inner } }
    }

    pub(crate) fn locking(
        serve: impl Future<Output = Result<Response<LockedBody<B>>, E>> + Send + 'static,
    ) -> Self {
        Self { state: State::Locking { serve: Box::pin(serve) } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<LockedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Passing { inner } => {
                inner.poll(cx).map_ok(|response| response.map(LockedBody::free))
            }
            StateProjection::Locking { serve } => serve.as_mut().poll(cx),
        }
    }
}

impl<F, B: Body, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Passing { .. } => "ResponseFuture(passing)",
            State::Locking { .. } => "ResponseFuture(locking)",
        })
    }
}
