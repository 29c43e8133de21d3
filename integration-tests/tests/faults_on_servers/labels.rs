//! Servers on which somebody else's value stands, of whatever shape, where a holder's label would be.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::{Kind, Servers};
use redlock_core::node::{FenceTerms, Holder, Vote};
use redlock_core::{Label, LockErrorKind, LockState, MAX_LABEL_BYTES, Redlock, Release, Token};

use crate::setup::*;

const TOKEN: &str = "0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b";

/// Values of other programs, and what their holders call themselves.
fn values() -> Vec<(String, Option<Label>)> {
    let label = |label: &str| format!("{TOKEN} {label}");
    let longest = "x".repeat(MAX_LABEL_BYTES);
    let good = ["me@here", "Grüße, 世界", &longest];
    let good = good.map(|text| (label(text), Some(Label::new(text).unwrap())));
    let others = [
        TOKEN.to_owned(),
        label(&format!("{longest}x")),
        // A character that is cut in the middle where a script cuts a long value.
        label(&format!("{}é", "x".repeat(158))),
        label(&"canary".repeat(1_700)),
        label("\x1b[2J\x1b]0;canary\x07"),
        label("canary\r\nredlock: free"),
        label("\u{202e}canary"),
        label("canary\0"),
        label(" canary"),
        label("canary "),
        label(""),
        format!("{TOKEN}canary"),
        format!("{TOKEN}\tcanary"),
        format!(" {TOKEN} canary"),
        format!("{} canary", TOKEN.to_uppercase()),
        "canary".to_owned(),
        String::new(),
    ];
    good.into_iter().chain(others.map(|value| (value, None))).collect()
}

async fn a_label_is_read_where_it_is_one_and_else_shown_nowhere(client: Client, kind: Kind) {
    let servers = start(kind, &[]).await;
    let url = servers[0].url();
    // One that may use the newer commands, and one that keeps to scripts.
    let nodes = [met(client, &url).await, client.node(&url)];
    for (value, label) in values() {
        servers[0].exec(&["SET", "k", &value, "PX", "3600000"]).await;
        for node in &nodes {
            for resources in [&["k"][..], &["a", "k", "b"]] {
                let fenced = FenceTerms { hint: 0, life: Duration::from_secs(60) };
                for terms in [terms(), terms().with_fencing(Some(fenced))] {
                    let claim = claim(resources);
                    let vote = Arc::clone(node).acquire(claim.clone(), terms, LIMIT).await;
                    let Ok(Vote::Held { label: read, .. }) = vote else { panic!("{vote:?}") };
                    assert_eq!(read, label, "{value:?}");
                }
                let seen = Arc::clone(node).inspect(claim(resources).key().clone(), LIMIT).await;
                let holding = seen.unwrap().into_iter().flatten().next().unwrap();
                assert_eq!(holding.label, label, "{value:?}");
            }
            let error = refused_lock(node, LIMIT).await;
            assert_eq!((error.kind(), error.holder()), (LockErrorKind::Contended, label.as_ref()));
            for shown in [error.to_string(), format!("{error:#?}")] {
                assert!(!shown.contains("canary") && !shown.contains("0a0b"), "{shown}");
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
                assert!(shown.len() < 2_000, "{}", shown.len());
            }
        }
        assert_eq!(servers[0].get("k").await, Some(value), "it is left alone");
    }
    assert_eq!(servers[0].keys().await, ["k"]);
}

/// As where one of them was set by hand, or restored from a copy.
async fn a_label_on_some_nodes_and_none_on_others_is_another_holder_there(
    client: Client,
    kind: Kind,
) {
    let servers = Servers::builder().kind(kind).count(3).start().await;
    let nodes = client.nodes(servers.urls());
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(60));
    let redlock = builder.node_timeout(LIMIT).build().unwrap();
    let labelled = format!("{TOKEN} me@here");
    for (with, named, majority) in [(1, false, TOKEN), (2, true, labelled.as_str())] {
        for (index, server) in servers.iter().enumerate() {
            let value = if index < with { labelled.as_str() } else { TOKEN };
            server.exec(&["SET", "k", value, "PX", "3600000"]).await;
        }
        let error = redlock.try_lock("k").await.unwrap_err();
        assert_eq!(error.kind(), LockErrorKind::Contended);
        // Where it is the majority's, the two that answered first may still differ.
        assert!(named || error.holder().is_none(), "{error}");
        let state = redlock.inspect("k").await.unwrap().state;
        let LockState::Held { holder, label, .. } = state else { panic!("{state:?}") };
        assert_eq!(holder, Holder::of(majority.as_bytes()));
        assert_eq!(label.is_some(), named);
        // Whoever has the token frees it wherever it stands, whatever it is called there.
        let token = Token::parse(TOKEN).unwrap();
        assert_eq!(redlock.release("k", &token).await.unwrap(), Release::Released);
        for server in servers.iter() {
            until_only(server, &[]).await;
        }
    }
    redlock.close().await;
}

integration_tests::with_both_clients_on_every_kind! {
    a_label_is_read_where_it_is_one_and_else_shown_nowhere
    a_label_on_some_nodes_and_none_on_others_is_another_holder_there
}
