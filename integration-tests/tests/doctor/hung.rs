//! One of three servers takes connections, reads, and says nothing: nobody waits for it twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use integration_tests::Servers;
use integration_tests::nodes::Client;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::setup::*;

/// The address of such a server, and how many connections it had: every one was waited for in vain.
async fn deaf() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let met = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&met);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        }
    });
    (url, met)
}

#[tokio::test]
async fn no_tool_comes_back_to_a_server_that_gave_no_answer() {
    let servers = Servers::start(2).await;
    let token = other(Client::Redis, &servers.urls()).lock("held").await.unwrap().leak();
    let token = token.expose().to_owned();
    // How many connections each may make there: one to ask, and one with which locks are taken.
    let cases: [(&[&str], i32, usize); 5] = [
        (&["inspect", "k"], 0, 1),
        (&["inspect", "a", "b", "c"], 0, 1),
        (&["doctor", "--timeout", "5s"], 2, 2),
        // To release, and to look who holds what this token does not.
        (&["release", "held", "x", "y", "--token", &token], 1, 2),
        (&["release", "--force", "--yes", "j", "k"], 0, 1),
    ];
    for (words, code, connections) in cases {
        let (url, met) = deaf().await;
        let urls = [servers.urls(), vec![url]].concat();
        for key in ["j", "k"] {
            servers[0].exec(&["SET", key, "somebody", "PX", "1000000"]).await;
            servers[1].exec(&["SET", key, "somebody", "PX", "1000000"]).await;
        }
        run(Client::Redis, &urls, words).await.expect(code);
        let met = met.load(Ordering::SeqCst);
        assert!(met <= connections, "{words:?}: {met} connections");
    }
}

#[tokio::test]
async fn doctor_says_of_a_hung_server_what_it_is_and_of_the_others_all_the_rest() {
    let servers = Servers::start(2).await;
    servers[1].exec(&["SET", "redlock:doctor", "no key of doctor's"]).await;
    let (url, _) = deaf().await;
    let urls = [servers.urls(), vec![url.clone()]].concat();
    let words = ["doctor", "--json", "--timeout", "5s"];
    let report = run(Client::Redis, &urls, &words).await.expect(2).json().remove(0);
    let of = |check: &str| -> Vec<&Value> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["check"] == check).collect()
    };
    let [silent] = of("reachable")[..] else { panic!("{report:#}") };
    assert_eq!(silent["nodes"][0], url.strip_prefix("redis://").unwrap());
    assert!(silent["remedy"].as_str().unwrap().contains("hangs"), "{silent}");
    for check in ["masters", "version", "rights", "wake-ups"] {
        assert!(of(check).iter().all(|finding| finding["level"] == "ok"), "{report:#}");
    }
    assert!(report["latency"]["rounds"].as_u64() > Some(0), "{report:#}");
    assert_eq!(servers[0].keys().await, [""; 0], "what it made it removes");
    assert_eq!(servers[1].keys().await, ["redlock:doctor"]);
}
