use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use redlock_core::route::{LockPolicy, Tail, Tenure};

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

pin_project! {
    /// The response's body, which holds the lock until it ends.
    ///
    /// The lock is released before the last piece is given out, so that a client that has its whole answer finds it
    /// free. Dropped half-read, it releases in the background. When the lock is lost and the policy says to cancel, it
    /// ends with the [`Rejection`](redlock_core::route::Rejection) for an error, and the connection is broken off.
    pub struct LockedBody<B>
    where
        B: Body,
    {
        #[pin]
        source: Source<B>,
        tail: Option<Tail>,
        first: Option<Frame<B::Data>>,
        last: Option<Last<B::Data>>,
    }
}

/// What is given out after the release: a frame, an error, or the end.
type Last<D> = Option<Result<Frame<D>, BoxError>>;

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Free { #[pin] body: B },
        Held { body: Pin<Box<B>> },
        Problem { text: Option<Bytes> },
    }
}

impl<B: Body> LockedBody<B> {
    fn new(source: Source<B>) -> Self {
        Self { source, tail: None, first: None, last: None }
    }

    /// A body that holds no lock.
    pub(crate) fn free(body: B) -> Self {
        Self::new(Source::Free { body })
    }

    pub(crate) fn problem(text: Bytes) -> Self {
        Self::new(Source::Problem { text: (!text.is_empty()).then_some(text) })
    }

    /// A body under a lock. If all of it is there, the lock is released here: the head then goes out together with the
    /// body, and not a release's round trip before it.
    pub(crate) async fn held(body: B, tenure: Tenure, policy: &LockPolicy) -> Self
    where
        B::Error: Into<BoxError>,
    {
        let mut body = Box::pin(body);
        let begun =
            poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx).map_err(Into::into))).await;
        let ended = body.is_end_stream();
        let mut held = Self::new(Source::Held { body });
        match begun {
            Poll::Ready(Some(Ok(first))) if !ended => held.first = Some(first),
            Poll::Ready(last) => {
                tenure.release().await;
                held.last = Some(last);
                return held;
            }
            Poll::Pending => {}
        }
        held.tail = Some(tenure.into_tail(policy));
        held
    }

    fn kept(&self) -> u64 {
        let bytes =
            |frame: &Frame<B::Data>| frame.data_ref().map_or(0, |data| data.remaining() as u64);
        let last = match &self.last {
            Some(Some(Ok(frame))) => bytes(frame),
            _ => 0,
        };
        last + self.first.as_ref().map_or(0, bytes)
    }
}

impl<B> Body for LockedBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        loop {
            if let Some(last) = this.last.take() {
                if let Some(tail) = this.tail
                    && tail.poll_release(cx).is_pending()
                {
                    *this.last = Some(last);
                    return Poll::Pending;
                }
                *this.tail = None;
                return Poll::Ready(last);
            }
            // The loss first: after a long pause of the process no further piece may be made.
            let lost = this.tail.as_mut().map(|tail| tail.poll_lost(cx));
            if let Some(Poll::Ready(rejection)) = lost {
                *this.tail = None;
                this.source.set(Source::Problem { text: None });
                return Poll::Ready(Some(Err(rejection.into())));
            }
            if let Some(first) = this.first.take() {
                return Poll::Ready(Some(Ok(first)));
            }
            let (frame, ended) = match this.source.as_mut().project() {
                SourceProjection::Problem { text } => {
                    let frame = text.take().map(|text| Ok(Frame::data(text.into())));
                    return Poll::Ready(frame);
                }
                SourceProjection::Free { body } => {
                    return body.poll_frame(cx).map_err(Into::into);
                }
                SourceProjection::Held { body } => {
                    let frame = ready!(body.as_mut().poll_frame(cx));
                    let ended = !matches!(frame, Some(Ok(_))) || body.is_end_stream();
                    (frame.map(|frame| frame.map_err(Into::into)), ended)
                }
            };
            if !ended || this.tail.is_none() {
                return Poll::Ready(frame);
            }
            *this.last = Some(frame);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none()
            && self.last.is_none()
            && match &self.source {
                Source::Free { body } => body.is_end_stream(),
                Source::Held { body } => body.is_end_stream(),
                Source::Problem { text } => text.is_none(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = match &self.source {
            Source::Free { body } => body.size_hint(),
            Source::Held { body } => body.size_hint(),
            Source::Problem { text } => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        };
        let kept = self.kept();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + kept);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + kept);
        }
        hint
    }
}

impl<B: Body> fmt::Debug for LockedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedBody").field("tail", &self.tail).finish_non_exhaustive()
    }
}
