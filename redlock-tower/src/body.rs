use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use redlock_core::route::middleware::{Tail, Tenure};
use redlock_core::route::{LockPolicy, Rejection};

use crate::rejection::{BoxError, OnReject};

pin_project! {
    /// The response's body, which holds the lock until it ends.
    ///
    /// The lock is released before the last piece is given out, so that a client that has its whole answer finds it
    /// free. The last piece is the one that the source calls its last, or the one that completes the length that its size
    /// hint or the response's `Content-Length` announced: servers read no further. Dropped half-read, it releases in the
    /// background. When the lock is lost and the policy says to cancel, it ends with the
    /// [`Rejection`](redlock_core::route::Rejection) for an error, and the connection is broken off; or with the
    /// [trailers](crate::OnReject::trailers) that the layer's [`OnReject`](crate::OnReject) makes of it.
    ///
    /// By [`Default`] it is empty and holds no lock, which is what layers such as `TimeoutLayer` and `CorsLayer` answer with.
    pub struct LockedBody<B>
    where
        B: Body,
    {
        #[pin]
        source: Source<B>,
        // What is still to be given out, if the source announced it.
        left: Option<u64>,
        // What the source still owes, if anybody announced it.
        due: Option<u64>,
        tail: Option<Tail>,
        lost: Option<LostTrailers>,
        first: Option<Frame<B::Data>>,
        last: Option<Last<B::Data>>,
    }
}

/// What is given out after the release: a frame, an error, or the end.
type Last<D> = Option<Result<Frame<D>, BoxError>>;

/// The trailers to end with when the lock is lost, if any.
type LostTrailers = Box<dyn Fn(&Rejection) -> Option<HeaderMap> + Send>;

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Free { #[pin] body: B },
        Held { body: Pin<Box<B>> },
        Rejected { body: RejectedBody },
    }
}

/// The body of a rejection's response. `None` is an empty one, or one that has ended.
type RejectedBody = Option<Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>>;

pin_project! {
    /// A body, whose error is any.
    struct AnyError<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for AnyError<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body> LockedBody<B> {
    fn new(source: Source<B>) -> Self {
        Self { source, left: None, due: None, tail: None, lost: None, first: None, last: None }
    }

    /// A body that holds no lock.
    pub(crate) fn free(body: B) -> Self {
        Self::new(Source::Free { body })
    }

    /// The body of a rejection's response.
    pub(crate) fn rejected<R>(body: R) -> Self
    where
        R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self::new(Source::Rejected { body: Some(Box::pin(AnyError { body })) })
    }

    fn empty() -> Self {
        Self::new(Source::Rejected { body: None })
    }

    /// A body under a lock. If all of it is there, the lock is released here: the head then goes out together with the
    /// body, and not a release's round trip before it.
    pub(crate) async fn held(
        body: B,
        length: Option<u64>,
        tenure: Tenure,
        policy: &LockPolicy,
        on_reject: impl OnReject,
    ) -> Self
    where
        B::Error: Into<BoxError>,
    {
        // Asked for before the body is: what it gave out does not count any more.
        let exact = body.size_hint().exact();
        let mut due = length.or(exact);
        let mut body = Box::pin(body);
        let begun =
            poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx).map_err(Into::into))).await;
        let mut ended = body.is_end_stream();
        if let Poll::Ready(Some(Ok(first))) = &begun {
            ended |= completes(&mut due, first);
        }
        let mut held = Self { left: exact, due, ..Self::new(Source::Held { body }) };
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
        held.lost = Some(Box::new(move |rejection| on_reject.trailers(rejection)));
        held
    }

    fn kept(&self) -> u64 {
        let last = match &self.last {
            Some(Some(Ok(frame))) => bytes(frame),
            _ => 0,
        };
        self.first.as_ref().map_or(0, bytes).saturating_add(last)
    }
}

fn bytes<D: Buf>(frame: &Frame<D>) -> u64 {
    frame.data_ref().map_or(0, |data| data.remaining() as u64)
}

/// Counts a piece; tells whether it completes what was announced.
fn completes<D: Buf>(due: &mut Option<u64>, frame: &Frame<D>) -> bool {
    *due = due.map(|due| due.saturating_sub(bytes(frame)));
    frame.is_data() && *due == Some(0)
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
            if this.last.is_some()
                && let Some(tail) = this.tail
            {
                ready!(tail.poll_release(cx));
                *this.tail = None;
            }
            if let Some(last) = this.last.take() {
                match &last {
                    Some(Ok(frame)) => _ = completes(this.left, frame),
                    Some(Err(_)) => {}
                    // Some layers, such as those that compress, ask once more after the end; the source may not like it.
                    None => this.source.set(Source::Rejected { body: None }),
                }
                return Poll::Ready(last);
            }
            // The loss first: after a long pause of the process no further piece may be made.
            let lost = this.tail.as_mut().map(|tail| tail.poll_lost(cx));
            if let Some(Poll::Ready(rejection)) = lost {
                *this.tail = None;
                this.source.set(Source::Rejected { body: None });
                // A piece that was read ahead is not given out any more.
                (*this.first, *this.left) = (None, None);
                let trailers = this.lost.take().and_then(|lost| lost(&rejection));
                let end = trailers.map(|end| Ok(Frame::trailers(end)));
                let end = end.unwrap_or_else(|| Err(rejection.into()));
                return Poll::Ready(Some(end));
            }
            if let Some(first) = this.first.take() {
                completes(this.left, &first);
                return Poll::Ready(Some(Ok(first)));
            }
            let (frame, ended) = match this.source.as_mut().project() {
                SourceProjection::Rejected { body } => {
                    let Some(body) = body else { return Poll::Ready(None) };
                    let frame = body.as_mut().poll_frame(cx);
                    return frame.map_ok(|frame| frame.map_data(Into::into));
                }
                SourceProjection::Free { body } => {
                    return body.poll_frame(cx).map_err(Into::into);
                }
                SourceProjection::Held { body } => {
                    let frame = ready!(body.as_mut().poll_frame(cx));
                    let ended = match &frame {
                        Some(Ok(frame)) => completes(this.due, frame) || body.is_end_stream(),
                        _ => true,
                    };
                    (frame.map(|frame| frame.map_err(Into::into)), ended)
                }
            };
            if ended && (this.tail.is_some() || frame.is_none()) {
                *this.last = Some(frame);
                continue;
            }
            if let Some(Ok(frame)) = &frame {
                completes(this.left, frame);
            }
            return Poll::Ready(frame);
        }
    }

    fn is_end_stream(&self) -> bool {
        // Whoever holds a lock has to be polled until it is released.
        self.tail.is_none()
            && self.first.is_none()
            && self.last.is_none()
            && match &self.source {
                Source::Free { body } => body.is_end_stream(),
                Source::Held { body } => body.is_end_stream(),
                Source::Rejected { body } => body.as_ref().is_none_or(|body| body.is_end_stream()),
            }
    }

    fn size_hint(&self) -> SizeHint {
        if let Some(left) = self.left {
            return SizeHint::with_exact(left);
        }
        let rest = match &self.source {
            Source::Free { body } => body.size_hint(),
            Source::Held { body } => body.size_hint(),
            Source::Rejected { body } => {
                body.as_ref().map_or_else(|| SizeHint::with_exact(0), |body| body.size_hint())
            }
        };
        let kept = self.kept();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(kept));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(kept));
        }
        hint
    }
}

impl<B: Body> Default for LockedBody<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B: Body> fmt::Debug for LockedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedBody").field("tail", &self.tail).finish_non_exhaustive()
    }
}
