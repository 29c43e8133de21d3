//! Every error reply of the shared table means the same through both clients, whichever verb meets it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration_tests::nodes::Client;
use redlock_core::node::{Claim, Fault, FaultClass, Identity, LockNode, NodeError, Terms};
use redlock_core::{LockErrorKind, LockKey, NodeOutcome, Redlock, Token};
use redlock_protocol::ERROR_REPLIES;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

const LIMIT: Duration = Duration::from_secs(5);
/// A server that says this may be asked with every command there is.
const ABLE: &str = "redis_version:7.2.4\r\nvalkey_version:9.1.2\r\nrun_id:abc\r\n";

/// Lets everybody in, and answers every command of a lock with one and the same error.
struct Canned {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Canned {
    /// Without `info`, the question who it is gets the error as well.
    async fn start(error: &'static str, info: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, error, info, Arc::clone(&log)));
            }
        });
        Self { url, seen, task }
    }

    /// The commands that came behind the handshake, since the last time.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    error: &'static str,
    info: Option<&'static str>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(command) = next(&mut stream).await {
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let answer = match command[0].as_str() {
            "HELLO" | "AUTH" | "SELECT" | "PING" => "+OK\r\n".to_owned(),
            "CLIENT" => ":7\r\n".to_owned(),
            // With a section it is a client's own question.
            "INFO" if command.len() > 1 => bulk(ABLE),
            name => {
                seen.lock().unwrap().push(verb(&command).to_owned());
                match info {
                    Some(text) if name == "INFO" => bulk(text),
                    _ => format!("-{error}\r\n"),
                }
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A command's name; of a script what it does.
fn verb(command: &[String]) -> &str {
    let does = [
        ("freed", "release shared"),
        ("longer", "extend shared"),
        ("join", "share"),
        ("'MGET'", "place"),
        ("spoilt", "raise"),
        ("rest", "keep"),
        ("'SET'", "acquire"),
        ("'PEXPIRE'", "extend"),
        ("'DEL'", "release"),
        ("'SCAN'", "scan"),
        ("", "inspect"),
    ];
    match command[0].as_str() {
        "EVAL" => does.iter().find(|(mark, _)| command[1].contains(mark)).unwrap().1,
        name => name,
    }
}

async fn next(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut command = Vec::new();
    for _ in 0..header(stream, '*').await? {
        let mut word = vec![0; header(stream, '$').await? + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        command.push(String::from_utf8_lossy(&word).into_owned());
    }
    // What a script does shows in its text.
    if command[0] == "EVALSHA"
        && let Some(text) = redlock_protocol::script_text(command[1].as_bytes())
    {
        (command[0], command[1]) = ("EVAL".to_owned(), text.to_owned());
    }
    Some(command)
}

async fn header(stream: &mut BufReader<TcpStream>, kind: char) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.trim_end().strip_prefix(kind)?.parse().ok()
}

fn claim(resources: &[&str]) -> Claim {
    Claim::new(LockKey::all(resources).unwrap(), Token::random().unwrap())
}

/// What each verb meets, one after the other over one connection.
async fn every_verb(node: &Arc<dyn LockNode>) -> Vec<(&'static str, Result<String, NodeError>)> {
    fn say<T: std::fmt::Debug>(result: Result<T, NodeError>) -> Result<String, NodeError> {
        result.map(|answer| format!("{answer:?}"))
    }
    let (one, two) = (claim(&["k"]), claim(&["a", "b"]));
    let (shared, slots) = (claim(&["k"]).shared(), claim(&["a", "b"]));
    let terms = Terms::new(Duration::from_secs(60));
    let node = || Arc::clone(node);
    vec![
        ("acquire", say(node().acquire(one.clone(), terms, LIMIT).await)),
        ("acquire several", say(node().acquire(two.clone(), terms, LIMIT).await)),
        ("take over", say(node().acquire(one.clone().succeeding(*b"former"), terms, LIMIT).await)),
        ("extend", say(node().extend(one.clone(), terms, LIMIT).await)),
        ("extend several", say(node().extend(two.clone(), terms, LIMIT).await)),
        ("release", say(node().release(one.clone(), LIMIT).await)),
        ("release several", say(node().release(two, LIMIT).await)),
        ("inspect", say(node().inspect(one.key().clone(), LIMIT).await)),
        ("counters", say(node().inspect_counters(one.key().clone(), LIMIT).await)),
        ("scan", say(node().scan((*b"k").into(), 0, LIMIT).await)),
        ("keep", say(node().keep(one.clone(), LIMIT, LIMIT).await)),
        ("raise", say(node().raise(one, 8, LIMIT, LIMIT).await)),
        ("share", say(node().acquire(shared.clone(), terms, LIMIT).await)),
        ("extend a share", say(node().extend(shared.clone(), terms, LIMIT).await)),
        ("raise a share", say(node().raise(shared.clone(), 8, LIMIT, LIMIT).await)),
        ("release a share", say(node().release(shared, LIMIT).await)),
        ("a slot", say(node().acquire_any(slots, terms, 0, LIMIT).await)),
    ]
}

async fn every_verb_meets_the_fault_of_the_table(client: Client) {
    let mut wrong = Vec::new();
    for &(text, fault) in ERROR_REPLIES {
        for asked in [true, false] {
            let server = Canned::start(text, Some(ABLE)).await;
            let node = client.node(&server.url);
            if asked {
                Arc::clone(&node).identity(LIMIT).await.unwrap();
            }
            for (verb, result) in every_verb(&node).await {
                match result {
                    Err(error) if (error.fault(), error.class()) == (fault, fault.class()) => {}
                    other => wrong.push(format!("{verb}, asked {asked}: {text} -> {other:?}")),
                }
            }
            // Nothing is sent twice.
            let (ask, acquire, release): (&[&str], _, &[&str]) = if asked {
                (&["INFO"], "SET", &["DELIFEQ", "release"])
            } else {
                (&[], "acquire", &["release"])
            };
            // What is of another type may be shares.
            let look: &[&str] = if asked && fault == Fault::WrongType { &["inspect"] } else { &[] };
            let one_each = ["acquire", "acquire", "extend", "extend"];
            let rest = ["release", "inspect", "inspect", "scan", "keep", "raise"];
            let modes = ["share", "extend shared", "raise", "release shared", "place"];
            let sent = [ask, &[acquire], look, &one_each, release, &rest, &modes].concat();
            let seen = server.seen();
            let is_left = matches!(
                fault,
                Fault::Replica
                    | Fault::TooManyClients
                    | Fault::Authentication
                    | Fault::ProtectedMode
            );
            // fred leaves it by itself.
            let is_left =
                is_left || matches!(client, Client::Fred) && text.starts_with("CLUSTERDOWN");
            let as_wanted = if is_left {
                // What comes in the pause before the next connection is not sent. Of the next one it is not known what it
                // can do.
                let release = |name: &str| name == "DELIFEQ" || name == "release";
                let mut sent = sent.iter();
                seen.iter()
                    .all(|seen| sent.any(|sent| seen == sent || release(seen) && release(sent)))
            } else {
                seen == sent
            };
            if !as_wanted {
                wrong.push(format!("asked {asked}: {text} -> sent {seen:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

async fn a_handle_says_whether_it_is_out_of_reach_or_set_up_wrongly(client: Client) {
    for &(text, fault) in ERROR_REPLIES {
        let server = Canned::start(text, Some(ABLE)).await;
        let error = refused(client, &server).await;
        let kind = match fault.class() {
            FaultClass::Misconfigured => LockErrorKind::Misconfigured,
            FaultClass::Unknown | FaultClass::NotApplied => LockErrorKind::Unreachable,
        };
        assert_eq!(error.0, kind, "{text}");
        assert_eq!(error.1, Some(fault), "{text}");
    }
}

async fn the_question_who_a_server_is_meets_the_same_faults(client: Client) {
    for &(text, fault) in ERROR_REPLIES {
        let server = Canned::start(text, None).await;
        let identity = client.node(&server.url).identity(LIMIT).await;
        match fault {
            // A service may hide INFO, and is then taken as it is.
            Fault::Permission | Fault::Unsupported => {
                assert_eq!(identity, Ok(Identity::unknown()), "{text}");
            }
            _ => assert_eq!(identity.map_err(|error| error.fault()), Err(fault), "{text}"),
        }
        // A server that did not say who it is is not asked for a lock, unless it hides that.
        server.seen();
        assert_eq!(refused(client, &server).await.1, Some(fault), "{text}");
        let asked = server.seen().iter().any(|name| name == "SET" || name == "acquire");
        let hides = matches!(fault, Fault::Permission | Fault::Unsupported);
        assert_eq!(asked, hides, "{text}");
    }
}

/// Why a handle over a node of its own gets no lock, and what the node said.
async fn refused(client: Client, server: &Canned) -> (LockErrorKind, Option<Fault>) {
    let builder = Redlock::builder().nodes([client.node(&server.url)]);
    let redlock = builder.ttl(Duration::from_secs(60)).node_timeout(LIMIT).build().unwrap();
    let error = redlock.try_lock("k").await.unwrap_err();
    redlock.close().await;
    let fault = match &error.nodes()[0].outcome {
        NodeOutcome::Failed(error) => Some(error.fault()),
        _ => None,
    };
    (error.kind(), fault)
}

integration_tests::with_both_clients! {
    every_verb_meets_the_fault_of_the_table
    a_handle_says_whether_it_is_out_of_reach_or_set_up_wrongly
    the_question_who_a_server_is_meets_the_same_faults
}
