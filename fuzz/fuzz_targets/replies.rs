//! Whatever a server answers, no verb panics, and no answer is read as more than it says.
//!
//! Input: replies, in the encoding that [`Script::reply`] reads.

#![no_main]

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use redlock_core::backend::LARGEST;
use redlock_core::node::{Claim, Expiry, Fault, FenceTerms, NodeError, Placed, Terms, Vote};
use redlock_protocol::{Arg, CallError, Reply, ServerNode, Wire};
use redlock_core::{Label, LockKey, LockNode, MAX_LABEL_BYTES, Token};

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233";

/// A server that answers what the input says.
#[derive(Debug)]
struct Script(Mutex<Vec<u8>>);

impl Script {
    fn reply(bytes: &mut impl Iterator<Item = u8>, depth: usize) -> Reply {
        let text = |bytes: &mut dyn Iterator<Item = u8>| {
            let len = bytes.next().unwrap_or(0);
            bytes.take(len.into()).collect()
        };
        match bytes.next().unwrap_or(0) % 8 {
            0 => Reply::Nil,
            1 => Reply::Int(i64::from(bytes.next().unwrap_or(0)) - 2),
            2 => Reply::Int(i64::from_le_bytes([(); 8].map(|()| bytes.next().unwrap_or(0)))),
            3 => Reply::Bytes(TOKEN.into()),
            4 => Reply::Bytes(text(bytes)),
            _ if depth == 0 => Reply::Nil,
            len => Reply::List((0..len - 3).map(|_| Self::reply(bytes, depth - 1)).collect()),
        }
    }
}

impl Wire for Script {
    async fn call(
        &self,
        _name: &'static str,
        _args: &[Arg<'_>],
        _timeout: Duration,
    ) -> Result<Reply, CallError> {
        let mut rest = self.0.lock().map_err(|_| NodeError::from(Fault::Unexpected))?;
        let bytes = std::mem::take(&mut *rest);
        let mut bytes = bytes.into_iter();
        let answer = match bytes.next().unwrap_or(0) % 8 {
            0 => {
                let len = bytes.next().unwrap_or(0).into();
                let text: Vec<u8> = bytes.by_ref().take(len).collect();
                Err(CallError::Server(String::from_utf8_lossy(&text).into_owned()))
            }
            1 => Err(NodeError::from(Fault::ConnectionLost).into()),
            // INFO is one long text.
            2 => Ok(Reply::Bytes(bytes.by_ref().take_while(|byte| *byte != 0).collect())),
            _ => Ok(Self::reply(&mut bytes, 2)),
        };
        *rest = bytes.collect();
        answer
    }
}

/// The verbs wait for nothing but the wire, which is always ready.
fn now<T>(verb: impl Future<Output = Result<T, NodeError>>) -> Option<T> {
    match pin!(verb).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(answer)) => Some(answer),
        Poll::Ready(Err(error)) => {
            assert!(error.detail().len() <= 200);
            assert!(!error.to_string().contains(char::is_control), "{error}");
            if error.fault() == Fault::Authentication {
                assert_eq!(error.detail(), "");
            }
            None
        }
        Poll::Pending => panic!("a verb waits for something else"),
    }
}

/// A label can be shown as it is, whatever it was read from.
fn printable(label: Option<&Label>) {
    let text = label.map_or("", Label::as_str);
    assert!(text.len() <= MAX_LABEL_BYTES && !text.contains(char::is_control), "{text:?}");
    assert!(label.is_none_or(|label| Label::new(text).as_ref() == Ok(label)));
}

fuzz_target!(|input: &[u8]| {
    printable(Label::of_value(input).as_ref());
    printable(Label::of_value(&[TOKEN.as_bytes(), b" ", input].concat()).as_ref());
    let Some((first, rest)) = input.split_first() else { return };
    let names: &[&str] = if first & 1 == 0 { &["a"] } else { &["a", "b"] };
    let (Ok(key), Ok(token)) = (LockKey::all(names), Token::parse(TOKEN)) else {
        panic!("the names and the token are good");
    };
    let limit = Duration::from_secs(1);
    let node = Arc::new(ServerNode::new("a", Script(Mutex::new(rest.to_vec()))));
    let claim = Claim::new(key.clone(), token);
    let fencing = FenceTerms { hint: 7, life: limit };
    for (fenced, guard) in [(false, false), (true, false), (false, true), (true, true)] {
        let terms = Terms::new(limit)
            .with_fencing(fenced.then_some(fencing))
            .with_guard(guard.then_some(limit));
        if *first & 2 == 0 {
            now(Arc::clone(&node).identity(limit));
        }
        match now(Arc::clone(&node).acquire(claim.clone(), terms, limit)) {
            Some(Vote::Granted { fence }) => {
                assert_eq!(fence.is_some(), fenced);
                assert_ne!(fence, Some(0));
            }
            Some(Vote::Held { expiry, fence, label, kept }) => {
                assert!(!kept || label.is_none());
                printable(label.as_ref());
                assert!(fence.is_none() || fenced && fence != Some(0));
                assert!(fence.is_none() || expiry != Expiry::Unknown);
            }
            Some(Vote::Swapped { fence, resources, counter }) => {
                assert_eq!(fence.is_some(), fenced);
                assert!(resources > 0 && fence != Some(0) && counter != Some(0));
            }
            Some(Vote::Warming { .. }) => assert!(fenced || guard),
            _ => {}
        }
        now(Arc::clone(&node).extend(claim.clone(), terms, limit));
    }
    now(Arc::clone(&node).raise(claim.clone(), 9, limit, limit));
    if let Some(holdings) = now(Arc::clone(&node).inspect(key.clone(), limit)) {
        assert_eq!(holdings.len(), names.len());
        holdings.iter().flatten().for_each(|holding| printable(holding.label.as_ref()));
    }
    // The second time it may know that it cannot tell.
    for _ in 0..2 {
        now(Arc::clone(&node).release_and_tell(claim.clone(), limit));
    }
    now(Arc::clone(&node).release(claim.clone(), limit));
    if let Some(counters) = now(Arc::clone(&node).inspect_counters(key, limit)) {
        assert_eq!(counters.len(), names.len());
        assert!(counters.iter().flatten().all(|counter| *counter < LARGEST));
    }
    if let Some(page) = now(Arc::clone(&node).scan((*b"a").into(), 0, limit)) {
        assert_ne!(page.next, Some(0), "there would be no end of pages");
        for holding in page.found.iter().flat_map(|found| &found.holding) {
            printable(holding.label.as_ref());
        }
    }
    slots(&node, token, fencing);
    shares(&node, &claim.shared(), fencing);
});

/// A slot is one that was asked for, and stands with the others as the answer has it.
fn slots(node: &Arc<ServerNode<Script>>, token: Token, fencing: FenceTerms) {
    let Ok(key) = LockKey::all(["n/0", "n/1", "n/2"]) else { panic!("the names are good") };
    let (claim, limit) = (Claim::new(key, token), fencing.life);
    for (fenced, guard) in [(false, false), (true, false), (false, true), (true, true)] {
        let terms = Terms::new(limit)
            .with_fencing(fenced.then_some(fencing))
            .with_guard(guard.then_some(limit));
        let placed = now(Arc::clone(node).acquire_any(claim.clone(), terms, 1, limit));
        let Some(Placed { vote, slot, taken }) = placed else { continue };
        assert!(taken <= 0b111);
        let was_taken = slot.map(|slot| {
            assert!(slot < 3);
            taken & 1 << slot != 0
        });
        match vote {
            Vote::Granted { fence } => {
                assert_eq!((was_taken, fence.is_some()), (Some(false), fenced));
                assert_ne!(fence, Some(0));
            }
            Vote::AlreadyOurs => assert_eq!(was_taken, Some(true)),
            Vote::Held { expiry, fence: None, label: None, kept: false } => {
                assert_eq!((was_taken, taken), (None, 0b111));
                assert_ne!(expiry, Expiry::Unknown);
            }
            Vote::Warming { .. } => assert!(was_taken.is_none() && taken < 0b111),
            vote => panic!("{vote:?}"),
        }
    }
}

/// A share is granted or refused, and swaps nothing.
fn shares(node: &Arc<ServerNode<Script>>, claim: &Claim, fencing: FenceTerms) {
    let limit = fencing.life;
    for fenced in [false, true] {
        let terms = Terms::new(limit).with_fencing(fenced.then_some(fencing)).telling(true);
        match now(Arc::clone(node).acquire(claim.clone(), terms, limit)) {
            Some(Vote::Granted { fence }) => assert_eq!(fence.is_some(), fenced),
            Some(Vote::Held { label, .. } | Vote::Shared { label, .. }) => printable(label.as_ref()),
            _ => {}
        }
        now(Arc::clone(node).extend(claim.clone(), terms, limit));
        now(Arc::clone(node).raise(claim.clone(), 9, limit, limit));
        now(Arc::clone(node).release_and_tell(claim.clone(), limit));
    }
}
