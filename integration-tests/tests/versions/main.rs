//! The version before shares and permits beside this one, on real servers: its scripts as they were, and its commands.
//!
//! Neither version may grant what the other one gave, and nothing of either's may be changed by the other. What the former
//! says at a shared key, *key of another type*, is what `docs/OPERATIONS.md` tells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::resp::Reply;
use integration_tests::{Kind, Server, Servers};
use redlock_core::node::{Claim, Expiry, Fault, LockNode, Removal, Terms, Vote};
use redlock_core::{LockErrorKind, LockKey, LockOptions, Redlock, Release, Token};

const LIMIT: Duration = Duration::from_secs(5);
const TTL: Duration = Duration::from_secs(60);

/// What the version before sent whole, letter for letter.
const ACQUIRE: &str = include_str!("before/acquire.lua");
const ACQUIRE_FENCED: &str = include_str!("before/acquire_fenced.lua");
const EXTEND: &str = include_str!("before/extend.lua");
const RAISE: &str = include_str!("before/raise.lua");
const RELEASE: &str = include_str!("before/release.lua");
const RELEASE_TELL: &str = include_str!("before/release_tell.lua");
const RELEASE_TELL_ONE: &str = include_str!("before/release_tell_one.lua");
const INSPECT: &str = include_str!("before/inspect.lua");

const LIFE: &str = "600000";
const NUMBER: &str = "4503599627370495";
const CHANNEL: &str = "redlock:released";

/// A process of the version before.
struct Before<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Before<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, token: Token::random().unwrap().expose().to_owned() }
    }

    async fn sent(&self, command: &[&str]) -> Reply {
        self.server.command(command).await.unwrap()
    }

    async fn eval(&self, script: &str, keys: &[&str], values: &[&str]) -> Reply {
        let number = keys.len().to_string();
        let head = ["EVAL", script, &number];
        self.sent(&[&head, keys, &[&self.token], values].concat()).await
    }

    /// By the command of servers that have it.
    async fn set_get(&self, key: &str) -> Reply {
        self.sent(&["SET", key, &self.token, "NX", "PX", "60000", "GET"]).await
    }

    async fn acquire(&self, keys: &[&str]) -> Reply {
        self.eval(ACQUIRE, keys, &["60000"]).await
    }

    async fn acquire_fenced(&self, keys: &[&str]) -> Reply {
        let counters: Vec<_> = keys.iter().map(|key| format!("redlock:fence:{key}")).collect();
        let all: Vec<_> = keys.iter().copied().chain(counters.iter().map(String::as_str)).collect();
        self.eval(ACQUIRE_FENCED, &all, &["60000", "0", LIFE, "0"]).await
    }

    /// Everything that changes what stands under a resource.
    async fn changes(&self, key: &str) -> Vec<Reply> {
        let counter = format!("redlock:fence:{key}");
        vec![
            self.eval(EXTEND, &[key], &["90000"]).await,
            self.eval(EXTEND, &[key, &counter], &["90000", LIFE]).await,
            self.eval(RAISE, &[key, &counter], &[NUMBER, LIFE]).await,
            self.eval(RELEASE, &[key], &[]).await,
            self.eval(RELEASE_TELL, &[key], &[CHANNEL]).await,
            self.eval(RELEASE_TELL_ONE, &[key], &[CHANNEL]).await,
        ]
    }
}

/// It was told that what stands there is of another type, which it reports as a node that is set up wrongly.
fn assert_wrong_type(reply: &Reply) {
    let said = reply.error().unwrap_or_else(|| panic!("expected an error, got {reply}"));
    assert!(said.contains("WRONGTYPE"), "{said}");
    // Its table of replies and this one's agree on both forms of it.
    let known = redlock_protocol::ERROR_REPLIES.iter();
    assert!(
        known.filter(|(text, _)| text.contains("WRONGTYPE")).all(|(_, f)| *f == Fault::WrongType)
    );
}

fn numbers(reply: &Reply) -> Vec<i64> {
    let Reply::Array(items) = reply else { panic!("{reply}") };
    let number = |item: &Reply| match item {
        Reply::Int(number) => *number,
        other => panic!("{other}"),
    };
    items.iter().map(number).collect()
}

/// What stands on the server, but for the time that goes on.
async fn standing(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for key in server.keys().await {
        let kind = server.exec(&["TYPE", &key]).await;
        let holds = match &*kind {
            "zset" => server.exec(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await,
            _ => server.get(&key).await.unwrap(),
        };
        let left: i64 = server.exec(&["PTTL", &key]).await.parse().unwrap();
        assert!(left > 0, "{key} has no end");
        // A key outlives its last share by a millisecond.
        all.push(format!("{key} {kind} {holds} {}", (left - 2) / 20_000));
    }
    all
}

fn handle(node: &Arc<dyn LockNode>) -> Redlock {
    let builder = Redlock::builder().nodes([Arc::clone(node)]).ttl(TTL);
    builder.node_timeout(LIMIT).build().unwrap()
}

fn slots(name: &str) -> Claim {
    let key = LockKey::all((0..3).map(|slot| format!("{name}/{slot}"))).unwrap();
    Claim::new(key, Token::random().unwrap())
}

async fn the_version_before_takes_shares_for_another_type_and_leaves_them_alone(
    client: Client,
    kind: Kind,
) {
    let servers = Servers::start_kind(kind, 1).await;
    let server = &servers[0];
    let redlock = handle(&client.node(&server.url()));
    let fenced = LockOptions::new().fencing(true);
    let one = redlock.read_with("k", &fenced).await.unwrap();
    let other = redlock.read("k").await.unwrap();
    let made = redlock.lock_with("made", &fenced).await.unwrap().downgrade();
    made.extend(TTL).await.unwrap();
    let stood = standing(server).await;
    let before = Before::new(server);
    for key in ["k", "made"] {
        if kind != Kind::Redis62 {
            assert_wrong_type(&before.set_get(key).await);
        }
        let plain = before.sent(&["SET", key, &before.token, "NX", "PX", "60000"]).await;
        assert_eq!(plain, Reply::Bulk(None));
        for keys in [&[key][..], &["beside", key], &[key, "beside"]] {
            assert_wrong_type(&before.acquire(keys).await);
            assert_wrong_type(&before.acquire_fenced(keys).await);
        }
        // Of another type is somebody else's, not an error.
        assert_eq!(before.changes(key).await, [const { Reply::Int(0) }; 6]);
        assert_wrong_type(&before.eval(INSPECT, &[key], &[]).await);
        if kind == Kind::Valkey91 {
            // It then goes by the script.
            assert_wrong_type(&before.sent(&["DELIFEQ", key, &before.token]).await);
        }
    }
    assert_eq!(standing(server).await, stood);
    for reader in [one, other, made] {
        reader.extend(TTL).await.unwrap();
        assert_eq!(reader.release().await.unwrap(), Release::Released);
    }
    // An intent is nothing to it.
    let late = redlock.read("k").await.unwrap();
    let intent = Terms::new(TTL).with_intent(Some(TTL));
    let writer = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
    let vote = client.node(&server.url()).acquire(writer, intent, LIMIT).await.unwrap();
    assert!(matches!(vote, Vote::Shared { .. }), "{vote:?}");
    late.release().await.unwrap();
    assert_eq!(numbers(&before.acquire(&["k"]).await), [1, 0]);
}

async fn slots_are_locks_to_the_version_before(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let (server, node) = (&servers[0], client.node(&servers[0].url()));
    let permit = slots("n");
    let terms = Terms::new(TTL);
    let placed = Arc::clone(&node).acquire_any(permit.clone(), terms, 1, LIMIT).await.unwrap();
    assert_eq!(placed.slot, Some(1));
    let stood = standing(server).await;
    let before = Before::new(server);
    if kind != Kind::Redis62 {
        assert_eq!(before.set_get("n/1").await.text().as_deref(), Some(permit.token().expose()));
    }
    for held in [before.acquire(&["n/1"]).await, before.acquire(&["n/0", "n/1"]).await] {
        let [0, left] = numbers(&held)[..] else { panic!("{held}") };
        assert!((1..=60_000).contains(&left), "{left}");
    }
    assert_eq!(numbers(&before.acquire_fenced(&["n/1"]).await)[0], 0);
    assert_eq!(before.changes("n/1").await, [const { Reply::Int(0) }; 6]);
    assert_eq!(standing(server).await, stood);

    // What it locks is no slot for anybody.
    for (key, slot) in [("n/2", Some(0)), ("n/0", None)] {
        assert_eq!(numbers(&before.acquire(&[key]).await), [1, 0]);
        let other = slots("n");
        let placed = Arc::clone(&node).acquire_any(other.clone(), terms, 2, LIMIT).await.unwrap();
        assert_eq!(placed.slot, slot);
        if slot.is_none() {
            let Vote::Held { expiry: Expiry::In(left), .. } = placed.vote else {
                panic!("{placed:?}")
            };
            assert!(left <= TTL && placed.taken == 0b111, "{placed:?}");
        }
        let released = Arc::clone(&node).release(other, LIMIT).await;
        assert_eq!(released, Ok(Removal::Foreign));
        assert_eq!(server.get(key).await, Some(before.token.clone()));
    }
    // Its name alone is none of its slots.
    assert_eq!(numbers(&before.acquire(&["n"]).await), [1, 0]);
    assert_eq!(before.changes("n/1").await, [const { Reply::Int(0) }; 6]);
    assert_eq!(Arc::clone(&node).release(permit, LIMIT).await, Ok(Removal::Foreign));
    assert_eq!(server.keys().await, ["n", "n/0", "n/2"]);
}

async fn locks_of_the_version_before_refuse_readers(client: Client, kind: Kind) {
    let servers = Servers::start_kind(kind, 1).await;
    let server = &servers[0];
    let redlock = handle(&client.node(&server.url()));
    let before = Before::new(server);
    let [1, number] = numbers(&before.acquire_fenced(&["k"]).await)[..] else { panic!("no grant") };
    let stood = standing(server).await;
    for names in [vec!["k"], vec!["k", "other"]] {
        let error = redlock.try_read(names.clone()).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
        assert!(error.retry_after().is_some_and(|left| left <= TTL), "{error}");
        let error = redlock.try_lock(names).await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Contended, "{error}");
    }
    redlock.close().await;
    assert_eq!(standing(server).await, stood);
    // It still has its lock, and lets go of it itself.
    let counter = "redlock:fence:k";
    assert_eq!(before.eval(EXTEND, &["k", counter], &["60000", LIFE]).await, Reply::Int(1));
    assert_eq!(before.eval(RELEASE_TELL_ONE, &["k"], &[CHANNEL]).await, Reply::Int(1));
    let redlock = handle(&client.node(&server.url()));
    let fenced = LockOptions::new().fencing(true);
    let reader = redlock.read_with("k", &fenced).await.unwrap();
    // Its numbers are any, so a reader's may equal the one before.
    let share = reader.fence().unwrap().get();
    assert!(share % 2 == 1 && share >= number.unsigned_abs(), "{share} after {number}");
    reader.release().await.unwrap();
    let [1, next] = numbers(&before.acquire_fenced(&["k"]).await)[..] else { panic!("no grant") };
    assert!(next.unsigned_abs() > share, "{next} after {share}");
}

#[test]
fn the_document_tells_what_the_version_before_says() {
    let document = include_str!("../../../docs/OPERATIONS.md");
    let upgrade = document.split("**Upgrade order.**").nth(1).expect("a paragraph of it");
    let upgrade = upgrade.split("\n\n").next().unwrap().replace('\n', " ");
    assert!(upgrade.contains(&Fault::WrongType.to_string()), "{upgrade}");
}

integration_tests::with_both_clients_on_every_kind! {
    the_version_before_takes_shares_for_another_type_and_leaves_them_alone
    slots_are_locks_to_the_version_before
    locks_of_the_version_before_refuse_readers
}
