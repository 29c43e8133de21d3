//! In-memory nodes, and bodies that are read by hand.
#![allow(dead_code, clippy::unwrap_used)]

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
use redlock_core::faults::{Faulty, Misbehaviour, Verb};
use redlock_core::{InMemoryNode, LockNode, Redlock};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tower::{Service, service_fn};

/// Three nodes and a handle.
pub(crate) struct Nodes {
    pub(crate) redlock: Redlock,
    nodes: Vec<Arc<Faulty<InMemoryNode>>>,
}

pub(crate) fn nodes() -> Nodes {
    let nodes: Vec<_> =
        ["a", "b", "c"].map(|name| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(name))))).into();
    let shared = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
    let redlock = Redlock::builder().nodes(shared).ttl(Duration::from_secs(3)).build().unwrap();
    Nodes { redlock, nodes }
}

impl Nodes {
    /// How many nodes hold anything.
    pub(crate) fn holding(&self) -> usize {
        self.nodes.iter().filter(|node| !node.inner().keys().is_empty()).count()
    }

    /// All keys that stand on the first node.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.nodes[0].inner().keys();
        keys.into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
    }

    /// From now on a release takes so long on its way to a node.
    pub(crate) fn slow_release(&self, by: Duration) {
        let slow =
            |node: &Arc<Faulty<_>>| node.on(Verb::Release).always(Misbehaviour::SlowRequest(by));
        self.nodes.iter().for_each(slow);
    }

    /// The nodes forget everything.
    pub(crate) fn clear(&self) {
        self.nodes.iter().for_each(|node| node.inner().clear());
    }

    /// The nodes forget one key.
    pub(crate) fn remove(&self, key: &str) {
        for node in &self.nodes {
            node.inner().remove(key);
        }
    }

    /// Waits for what is released in the background, on paused time.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Nothing is left anywhere.
    pub(crate) async fn assert_clean(&self) {
        self.settle().await;
        assert_eq!(self.holding(), 0, "{:?}", self.keys());
    }
}

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
