//! The harness's own runtime: tests each have a runtime that ends with them, possibly with a paused clock, while
//! containers, their client and the shared servers outlive any one test.

use std::cell::Cell;
use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

thread_local! {
    static IS_BACKGROUND: Cell<bool> = const { Cell::new(false) };
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("harness")
            .enable_all()
            .on_thread_start(|| IS_BACKGROUND.set(true))
            .build()
            .expect("a tokio runtime for the harness")
    })
}

/// Runs `work` on the harness's runtime. It goes on to its end if the returned future is dropped.
pub(crate) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match runtime().spawn(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Starts `work` without waiting for it; for `drop`.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    runtime().spawn(work);
}

/// Whether this thread belongs to the harness's runtime, and so must not wait for it.
pub(crate) fn is_current() -> bool {
    IS_BACKGROUND.get()
}
