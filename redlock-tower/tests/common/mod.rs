//! In-memory nodes, and bodies that are read by hand.
#![allow(dead_code, clippy::unwrap_used)]

mod nodes;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tower::{Service, service_fn};

pub(crate) use nodes::*;

/// What the layer is put around.
pub(crate) trait Handler:
    Service<Request<()>, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S> Handler for S where
    S: Service<Request<()>, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static
{
}

/// A handler of ten seconds that tells how often it began and came to its end.
pub(crate) fn slow() -> ([Arc<AtomicUsize>; 2], impl Handler<Response = Response<Full<Bytes>>>) {
    let counts: [Arc<AtomicUsize>; 2] = Default::default();
    let [begun, finished] = counts.clone();
    let handler = service_fn(move |_: Request<()>| {
        let (begun, finished) = (begun.clone(), finished.clone());
        async move {
            begun.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_secs(10)).await;
            finished.fetch_add(1, Ordering::SeqCst);
            Ok(Response::new(Full::from("done")))
        }
    });
    (counts, handler)
}

/// A body that a test feeds.
pub(crate) struct Fed {
    frames: mpsc::UnboundedReceiver<Result<Frame<Bytes>, std::io::Error>>,
    hint: SizeHint,
}

pub(crate) type Feed = mpsc::UnboundedSender<Result<Frame<Bytes>, std::io::Error>>;

pub(crate) fn fed(hint: SizeHint) -> (Feed, Fed) {
    let (feed, frames) = mpsc::unbounded_channel();
    (feed, Fed { frames, hint })
}

pub(crate) fn data(text: &'static str) -> Result<Frame<Bytes>, std::io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

impl Body for Fed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.frames.poll_recv(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_closed() && self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}
