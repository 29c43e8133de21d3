use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;
use redlock_core::route::LockPolicy;
use redlock_core::route::middleware::{Tail, Tenure};

pin_project! {
    /// The response's body, which holds the lock until it ends.
    ///
    /// The lock is released before the last piece is given out, so that a client that has its whole answer finds it
    /// free; a body of unknown size is released before its end is. Dropped half-read, it releases in the background.
    /// When the lock is lost and the policy says to cancel, it ends with the
    /// [`Rejection`](redlock_core::route::Rejection) for an error, and the connection is broken off.
    pub struct LockedBody<B> {
        #[pin]
        source: Source<B>,
        size: BodySize,
        left: Option<u64>,
        tail: Option<Tail>,
        first: Option<Bytes>,
        last: Option<Last>,
    }
}

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Free { #[pin] body: B },
        Held { body: Pin<Box<B>> },
        None,
    }
}

/// What is given out after the release: a piece, an error, or the end.
type Last = Option<Result<Bytes, Box<dyn Error>>>;

impl<B: MessageBody> LockedBody<B> {
    fn new(size: BodySize, source: Source<B>) -> Self {
        let left = match size {
            BodySize::Sized(left) => Some(left),
            _ => None,
        };
        Self { source, size, left, tail: None, first: None, last: None }
    }

    /// A body that holds no lock.
    pub(crate) fn free(body: B) -> Self {
        Self::new(body.size(), Source::Free { body })
    }

    /// A body under a lock. If all of it is there, the lock is released here: the head then goes out together with the
    /// body, and not a release's round trip before it.
    pub(crate) async fn held(body: B, tenure: Tenure, policy: &LockPolicy) -> Self
    where
        B: 'static,
    {
        // Asked for before the body is: what it gave out does not count any more.
        let size = body.size();
        let mut body = Box::pin(body);
        let begun = poll_fn(|cx| Poll::Ready(body.as_mut().poll_next(cx))).await;
        let mut held = Self::new(size, Source::Held { body });
        match begun {
            Poll::Ready(Some(Ok(first))) if !count(&mut held.left, &first) => {
                held.first = Some(first)
            }
            Poll::Ready(last) => {
                tenure.release().await;
                held.last = Some(last.map(|piece| piece.map_err(Into::into)));
                return held;
            }
            Poll::Pending => {}
        }
        held.tail = Some(tenure.into_tail(policy));
        held
    }
}

/// Counts a piece; tells whether it is known to be the last one.
fn count(left: &mut Option<u64>, piece: &Bytes) -> bool {
    *left = left.map(|left| left.saturating_sub(piece.len() as u64));
    *left == Some(0)
}

impl<B> MessageBody for LockedBody<B>
where
    B: MessageBody,
    B::Error: 'static,
{
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut this = self.project();
        loop {
            if this.last.is_some()
                && let Some(tail) = this.tail
            {
                ready!(tail.poll_release(cx));
                *this.tail = None;
            }
            if let Some(last) = this.last.take() {
                if last.is_none() {
                    // Whoever asks once more after the end is not passed on: the source may not like it.
                    this.source.set(Source::None);
                }
                return Poll::Ready(last);
            }
            // The loss first: after a long pause of the process no further piece may be made.
            let lost = this.tail.as_mut().map(|tail| tail.poll_lost(cx));
            if let Some(Poll::Ready(rejection)) = lost {
                // A piece that was read ahead is not given out any more.
                (*this.tail, *this.first) = (None, None);
                this.source.set(Source::None);
                return Poll::Ready(Some(Err(rejection.into())));
            }
            if let Some(first) = this.first.take() {
                return Poll::Ready(Some(Ok(first)));
            }
            let piece = match this.source.as_mut().project() {
                SourceProjection::Free { body } => {
                    return body.poll_next(cx).map_err(Into::into);
                }
                SourceProjection::Held { body } => ready!(body.as_mut().poll_next(cx)),
                SourceProjection::None => return Poll::Ready(None),
            };
            let ended = match &piece {
                Some(Ok(piece)) => count(this.left, piece),
                _ => true,
            };
            let piece = piece.map(|piece| piece.map_err(Into::into));
            if !ended || this.tail.is_none() && piece.is_some() {
                return Poll::Ready(piece);
            }
            *this.last = Some(piece);
        }
    }
}

impl<B> fmt::Debug for LockedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockedBody").field("tail", &self.tail).finish_non_exhaustive()
    }
}
