use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use pin_project_lite::pin_project;
use redlock_core::route::Tail;

pin_project! {
    /// The response's body, which holds the lock until it ends.
    ///
    /// The lock is released before the last piece is given out, so that a client that has its whole answer finds it
    /// free; a body of unknown size is released before its end is. Dropped half-read, it releases in the background.
    /// When the lock is lost and the policy says to cancel, it ends with the
    /// [`Rejection`](redlock_core::route::Rejection) for an error, and the connection is broken off.
    pub struct LockedBody<B> {
        #[pin]
        body: Option<B>,
        size: BodySize,
        left: Option<u64>,
        tail: Option<Tail>,
        last: Option<Last>,
    }
}

/// What is given out after the release: a piece, an error, or the end.
type Last = Option<Result<Bytes, Box<dyn Error>>>;

impl<B: MessageBody> LockedBody<B> {
    /// A body that holds no lock.
    pub(crate) fn free(body: B) -> Self {
        let size = body.size();
        Self { body: Some(body), size, left: None, tail: None, last: None }
    }

    pub(crate) fn held(body: B, tail: Tail) -> Self {
        let size = body.size();
        let left = match size {
            BodySize::Sized(left) => Some(left),
            _ => None,
        };
        Self { body: Some(body), size, left, tail: Some(tail), last: None }
    }
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
                this.body.set(None);
                return Poll::Ready(Some(Err(rejection.into())));
            }
            let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            let piece = ready!(body.poll_next(cx)).map(|piece| piece.map_err(Into::into));
            let mut ended = true;
            if let Some(Ok(bytes)) = &piece {
                *this.left = this.left.map(|left| left.saturating_sub(bytes.len() as u64));
                ended = *this.left == Some(0);
            }
            if !ended || this.tail.is_none() {
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
