//! What is sent for a release that tells, and what is said where a server does not let it tell.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redlock_core::node::{Claim, Fault, Identity, Listener, LockNode, NodeError, Removal};
use redlock_core::{LockKey, Token};
use redlock_protocol::{Arg, CallError, Reply, ServerNode, Wire, script_text};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const LIMIT: Duration = Duration::from_secs(1);
const SECRET: &str = "canary-key";
const REFUSAL: &[u8] = b"NOPERM User canary has no permissions to run the 'publish' command";

/// A server of a newer version whose user may not publish.
#[derive(Debug, Default)]
struct Forbidding {
    sent: Mutex<Vec<&'static str>>,
    broken: Mutex<bool>,
}

impl Wire for Forbidding {
    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        _: Duration,
    ) -> Result<Reply, CallError> {
        self.sent.lock().unwrap().push(match args.first() {
            Some(Arg::Text(script)) if text(script).contains("PUBLISH") => "tell",
            _ => name,
        });
        if std::mem::take(&mut *self.broken.lock().unwrap()) {
            return Err(NodeError::from(Fault::ConnectionLost).into());
        }
        match self.sent.lock().unwrap().last() {
            Some(&"tell") => Ok(Reply::List(vec![Reply::Int(1), Reply::Bytes(REFUSAL.into())])),
            Some(&"INFO") => Ok(Reply::Bytes(b"valkey_version:9.0.0".into())),
            _ => Ok(Reply::Int(1)),
        }
    }
}

/// The text of a script, by whichever it is called.
fn text(script: &'static str) -> &'static str {
    script_text(script.as_bytes()).unwrap_or(script)
}

#[tokio::test(start_paused = true)]
async fn who_may_not_tell_is_said_so_once_and_releases_by_the_plain_command() {
    let log = Log::default();
    let _log = tracing::subscriber::set_default(log.clone());
    let node = Arc::new(ServerNode::new("10.0.0.1:6379", Forbidding::default()));
    let claim = Claim::new(LockKey::new(SECRET).unwrap(), Token::random().unwrap());
    let release = async || Arc::clone(&node).release_and_tell(claim.clone(), LIMIT).await;
    let sent = || std::mem::take(&mut *node.wire().sent.lock().unwrap());
    assert_eq!(Arc::clone(&node).identity(LIMIT).await, Ok(Identity::unknown()));
    for _ in 0..3 {
        assert_eq!(release().await, Ok(Removal::Removed));
    }
    assert_eq!(sent(), ["INFO", "tell", "DELIFEQ", "DELIFEQ"]);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(release().await, Ok(Removal::Removed));
    assert_eq!(release().await, Ok(Removal::Removed));
    assert_eq!(sent(), ["tell", "DELIFEQ"]);
    *node.wire().broken.lock().unwrap() = true;
    assert_eq!(release().await.unwrap_err().fault(), Fault::ConnectionLost);
    assert_eq!(release().await, Ok(Removal::Removed));
    assert_eq!(release().await, Ok(Removal::Removed));
    assert_eq!(sent(), ["DELIFEQ", "tell", "EVAL"]);

    let said = log.0.lock().unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    for part in ["WARN", "10.0.0.1:6379", "missing right", "+publish &redlock:released"] {
        assert!(said[0].contains(part), "{said:?}");
    }
    assert!(!said[0].contains("canary") && !said[0].contains(claim.token().expose()), "{said:?}");
}

/// A server of a newer version on which nobody listens, or somebody does.
#[derive(Debug, Default)]
struct Heard {
    sent: Mutex<Vec<&'static str>>,
    by: Mutex<bool>,
}

impl Wire for Heard {
    const LISTENS: bool = true;

    async fn call(
        &self,
        name: &'static str,
        args: &[Arg<'_>],
        _: Duration,
    ) -> Result<Reply, CallError> {
        let tells =
            matches!(args.first(), Some(Arg::Text(script)) if text(script).contains("PUBLISH"));
        self.sent.lock().unwrap().push(if tells { "tell" } else { name });
        Ok(match name {
            "INFO" => Reply::Bytes(b"valkey_version:9.0.0".into()),
            _ if tells && !*self.by.lock().unwrap() => {
                Reply::List(vec![Reply::Int(1), Reply::Int(0)])
            }
            _ => Reply::Int(1),
        })
    }

    async fn listen(&self, _: &'static str, listener: Arc<dyn Listener>, _: Duration) -> NodeError {
        listener.listening();
        NodeError::from(Fault::ConnectionLost)
    }
}

struct Nobody;

impl Listener for Nobody {
    fn listening(&self) {}
    fn released(&self, _: &[u8]) {}
}

#[tokio::test(start_paused = true)]
async fn where_nobody_hears_releases_go_by_the_native_command_and_are_told_again_after_a_moment() {
    let node = Arc::new(ServerNode::new("10.0.0.1:6379", Heard::default()));
    let claim = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
    let release = async || {
        let removal = Arc::clone(&node).release_and_tell(claim.clone(), LIMIT).await;
        assert_eq!(removal, Ok(Removal::Removed));
    };
    let sent = || std::mem::take(&mut *node.wire().sent.lock().unwrap());
    Arc::clone(&node).identity(LIMIT).await.unwrap();
    for _ in 0..3 {
        release().await;
    }
    assert_eq!(sent(), ["INFO", "tell", "DELIFEQ", "DELIFEQ"]);
    // Somebody listens from now on, in another process, and misses what is released within the moment.
    *node.wire().by.lock().unwrap() = true;
    tokio::time::advance(Duration::from_millis(49)).await;
    release().await;
    tokio::time::advance(Duration::from_millis(1)).await;
    for _ in 0..2 {
        release().await;
    }
    assert_eq!(sent(), ["DELIFEQ", "tell", "tell"]);
    // Of what listens in this process it knows at once.
    *node.wire().by.lock().unwrap() = false;
    release().await;
    release().await;
    let _ = Arc::clone(&node).listen(Arc::new(Nobody), LIMIT).await;
    release().await;
    assert_eq!(sent(), ["tell", "DELIFEQ", "tell"]);
}

/// Notes events as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
