//! Where work goes on that its caller does not wait for.

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::telemetry;

/// A node's verb under way.
pub(crate) type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[cfg(feature = "testing")]
type Wrap = dyn Fn(Job<()>) -> Job<()> + Send + Sync;

/// What a test wraps the tasks of a handle in.
#[cfg(feature = "testing")]
#[derive(Clone, Default)]
pub(crate) struct Wrapper(pub(crate) Option<std::sync::Arc<Wrap>>);

#[cfg(feature = "testing")]
impl std::fmt::Debug for Wrapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Wrapper").field(&self.0.is_some()).finish()
    }
}

/// Where work goes on that its caller does not wait for.
#[derive(Clone, Debug)]
pub(crate) struct Background {
    tracker: TaskTracker,
    runtime: Handle,
    /// Where what must be done is begun anew when `runtime` ends before it is.
    home: Option<Handle>,
    #[cfg(feature = "testing")]
    wrapper: Wrapper,
}

impl Background {
    /// The runtime that polls the caller, if there is one.
    pub(crate) fn current(tracker: &TaskTracker, home: Option<&Handle>) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let home = home.filter(|home| home.id() != runtime.id()).cloned();
        Some(Self {
            tracker: tracker.clone(),
            runtime,
            home,
            #[cfg(feature = "testing")]
            wrapper: Wrapper::default(),
        })
    }

    /// Whether both are one runtime.
    pub(super) fn is_same_runtime(&self, other: &Self) -> bool {
        self.runtime.id() == other.runtime.id()
    }

    /// Where to begin anew, if there is such a place.
    pub(crate) fn at_home(&self) -> Option<Self> {
        let runtime = self.home.clone()?;
        Some(Self { runtime, home: None, ..self.clone() })
    }

    /// The same with all tasks wrapped.
    #[cfg(feature = "testing")]
    pub(crate) fn through(self, wrapper: Wrapper) -> Self {
        Self { wrapper, ..self }
    }

    /// Runs `work`, and lets `close` wait for it. Never blocks or panics, on whatever thread; on a runtime that
    /// is shut down the work is dropped.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = telemetry::in_background(work);
        #[cfg(feature = "testing")]
        if let Some(wrap) = &self.wrapper.0 {
            self.tracker.spawn_on(wrap(Box::pin(work)), &self.runtime);
            return;
        }
        self.tracker.spawn_on(work, &self.runtime);
    }

    /// Runs `work` for as long as the runtime lives, without `close` waiting for it.
    pub(crate) fn spawn_untracked(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::AbortHandle {
        #[cfg(feature = "testing")]
        if let Some(wrap) = &self.wrapper.0 {
            return self.runtime.spawn(wrap(Box::pin(work))).abort_handle();
        }
        self.runtime.spawn(work).abort_handle()
    }
}
