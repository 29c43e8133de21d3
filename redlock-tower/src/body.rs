use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use redlock_core::route::Tail;

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
        last: Option<Last<B::Data>>,
    }
}

/// What is given out after the release: a frame, an error, or the end.
type Last<D> = Option<Result<Frame<D>, BoxError>>;

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Inner { #[pin] body: B },
        Problem { text: Option<Bytes> },
    }
}

impl<B: Body> LockedBody<B> {
    /// A body that holds no lock.
    pub(crate) fn free(body: B) -> Self {
        Self { source: Source::Inner { body }, tail: None, last: None }
    }

    pub(crate) fn held(body: B, tail: Tail) -> Self {
        Self { source: Source::Inner { body }, tail: Some(tail), last: None }
    }

    pub(crate) fn problem(text: Bytes) -> Self {
        let text = (!text.is_empty()).then_some(text);
        Self { source: Source::Problem { text }, tail: None, last: None }
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
            let (frame, ended) = match this.source.as_mut().project() {
                SourceProjection::Problem { text } => {
                    let frame = text.take().map(|text| Ok(Frame::data(text.into())));
                    return Poll::Ready(frame);
                }
                SourceProjection::Inner { mut body } => {
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
        self.last.is_none()
            && match &self.source {
                Source::Inner { body } => body.is_end_stream(),
                Source::Problem { text } => text.is_none(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = match &self.source {
            Source::Inner { body } => body.size_hint(),
            Source::Problem { text } => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        };
        let kept = match &self.last {
            Some(Some(Ok(frame))) => frame.data_ref().map_or(0, |data| data.remaining() as u64),
            _ => 0,
        };
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
