//! What the routes of both applications do.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use redlock_core::Lease;
use tokio::time::sleep;

use crate::probe::{Inside, Probe};

/// The header that says which of [`Does`] a handler is to do.
pub(crate) const DOES: &str = "x-does";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Works for a moment and answers with a text.
    Text,
    /// Works for a moment and answers with nothing.
    Empty,
    /// Answers with a text in pieces whose number is not announced, and works for a moment on each.
    Stream,
    /// Waits at the gate.
    Gate,
    /// Waits at the gate before each piece of its answer, of which there are very many.
    GatedStream,
    /// Waits for the loss of its lock.
    UntilLost,
    /// Waits for the loss of its lock between its first piece and its last.
    StreamUntilLost,
    Fail,
    Panic,
}

const MOMENT: Duration = Duration::from_millis(2);

const ALL: [Does; 9] = [
    Does::Text,
    Does::Empty,
    Does::Stream,
    Does::Gate,
    Does::GatedStream,
    Does::UntilLost,
    Does::StreamUntilLost,
    Does::Fail,
    Does::Panic,
];

impl Does {
    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    fn named(name: &str) -> Self {
        *ALL.iter().find(|does| does.name() == name).expect("a request says what to do")
    }
}

pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>>;

pub(crate) enum Reply {
    Text(String),
    Empty,
    Stream(Pieces),
    Failure,
}

/// The text of a handler: whether it has a lease, and whether that is lost.
pub(crate) fn text(lease: Option<&Lease>) -> String {
    match lease {
        Some(lease) if lease.is_lost() => "lost",
        Some(_) => "locked",
        None => "not locked",
    }
    .to_owned()
}

pub(crate) async fn handle(
    probe: Arc<Probe>,
    path: &str,
    does: &str,
    lease: Option<Lease>,
) -> Reply {
    let does = Does::named(does);
    let inside = probe.enter(path.rsplit('/').next().unwrap_or_default());
    match does {
        Does::Text | Does::Empty => sleep(MOMENT).await,
        Does::Gate => probe.pass_gate().await,
        Does::UntilLost => drop(lease.as_ref().unwrap().lost().await),
        Does::Panic => panic!("a handler panics on purpose"),
        Does::Stream | Does::GatedStream | Does::StreamUntilLost => {
            return Reply::Stream(pieces(does, inside, lease));
        }
        Does::Fail => {}
    }
    inside.finish();
    match does {
        Does::Empty => Reply::Empty,
        Does::Fail => Reply::Failure,
        _ => Reply::Text(text(lease.as_ref())),
    }
}

/// The handler stays inside until the last piece.
fn pieces(does: Does, inside: Inside, lease: Option<Lease>) -> Pieces {
    let count = match does {
        Does::GatedStream => 10_000,
        Does::StreamUntilLost => 2,
        _ => 3,
    };
    Box::pin(unfold((0, inside, lease), move |(given, inside, lease)| async move {
        match does {
            _ if given == count => {
                inside.finish();
                return None;
            }
            Does::GatedStream => inside.probe().pass_gate().await,
            Does::StreamUntilLost if given == 1 => drop(lease.as_ref().unwrap().lost().await),
            Does::Stream => sleep(MOMENT).await,
            _ => {}
        }
        Some((Ok(Bytes::from(text(lease.as_ref()))), (given + 1, inside, lease)))
    }))
}
