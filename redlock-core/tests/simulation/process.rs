//! How a process, or one of its callers, may stand still.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Keeps all tasks of a process from being polled, as SIGSTOP does.
#[derive(Debug)]
pub(crate) struct Gate(Mutex<Instant>);

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Instant::now())))
    }

    pub(crate) fn freeze(&self, duration: Duration) {
        let mut thaw = self.0.lock().unwrap();
        *thaw = (Instant::now() + duration).max(*thaw);
    }

    /// When the process goes on, or did last.
    pub(crate) fn thaw(&self) -> Instant {
        *self.0.lock().unwrap()
    }

    /// What is to run within the process.
    pub(crate) fn wrap<T>(
        self: &Arc<Self>,
        task: Pin<Box<dyn Future<Output = T> + Send>>,
    ) -> Gated<T> {
        Gated { gate: Arc::clone(self), task, frozen: None }
    }
}

pub(crate) struct Gated<T> {
    gate: Arc<Gate>,
    task: Pin<Box<dyn Future<Output = T> + Send>>,
    frozen: Option<Pin<Box<Sleep>>>,
}

impl<T> Future for Gated<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        loop {
            let thaw = self.gate.thaw();
            if Instant::now() >= thaw {
                self.frozen = None;
                return self.task.as_mut().poll(cx);
            }
            let frozen = self.frozen.get_or_insert_with(|| Box::pin(sleep_until(thaw)));
            if frozen.deadline() != thaw {
                frozen.as_mut().reset(thaw);
            }
            ready!(frozen.as_mut().poll(cx));
        }
    }
}

/// What a caller does with a future.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    Plain,
    /// After so many polls it does not poll for a while.
    Pause(u32, Duration),
    /// After so many polls it leaves.
    Leave(u32),
}

/// Polls a future so; nothing if it was left. `told` hears for how long it will not be polled.
pub(crate) async fn behave<T>(
    future: impl Future<Output = T>,
    how: Behaviour,
    told: impl Fn(Duration),
) -> Option<T> {
    let mut future = pin!(future);
    let (mut polls, mut paused) = (0, false);
    let mut pause: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|cx| {
        loop {
            if let Some(sleep) = &mut pause {
                ready!(sleep.as_mut().poll(cx));
                pause = None;
            }
            match how {
                Behaviour::Leave(after) if polls >= after => return Poll::Ready(None),
                Behaviour::Pause(after, duration) if polls >= after && !paused => {
                    paused = true;
                    told(duration);
                    pause = Some(Box::pin(sleep(duration)));
                    continue;
                }
                _ => {}
            }
            polls += 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(value) => return Poll::Ready(Some(value)),
                Poll::Pending => match how {
                    Behaviour::Leave(after) if polls >= after => return Poll::Ready(None),
                    _ => return Poll::Pending,
                },
            }
        }
    })
    .await
}
