use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// The runtime on which the locks of a middleware live: the one in which the middleware was made.
///
/// Each worker of a web server may have a runtime of its own. What a lock needs beyond the request, which is connections,
/// renewal and releases that nobody waits for, must neither stall with a busy worker nor end with one that stops.
#[derive(Clone)]
pub(super) struct Home(Option<Handle>);

impl Home {
    /// The runtime of this moment; outside of one, the runtime of each request.
    pub(super) fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    /// Does the work at home. `None` if home has ended.
    ///
    /// Dropped before it is done, it drops the work, if that was to be `abandoned` then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        abandoned: bool,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let here = Handle::try_current().ok()?.id();
        match &self.0 {
            Some(home) if home.id() != here => Away { task: home.spawn(work), abandoned }.await,
            _ => Some(work.await),
        }
    }
}

struct Away<T> {
    task: JoinHandle<T>,
    abandoned: bool,
}

impl<T> Future for Away<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // The work does not panic; it is cut short when its runtime ends.
        Poll::Ready(ready!(Pin::new(&mut self.task).poll(cx)).ok())
    }
}

impl<T> Drop for Away<T> {
    fn drop(&mut self) {
        if self.abandoned {
            self.task.abort();
        }
    }
}
