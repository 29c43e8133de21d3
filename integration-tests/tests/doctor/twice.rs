//! A server that is listed under two names, to those who look: it has no two votes.

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Mode, Servers};
use redlock_core::Token;

use crate::setup::*;

const KEY: &str = "orders:42";

/// Two servers, and the first once more under another name.
fn twice(servers: &Servers) -> Vec<String> {
    let [first, second] = [&servers[0], &servers[1]];
    let twin = format!("redis://localhost:{}", first.port());
    vec![first.url(), twin, second.url()]
}

async fn a_server_with_two_names_is_a_failure_to_whoever_looks(client: Client) {
    let servers = Servers::start(2).await;
    let urls = twice(&servers);
    let token = Token::random().unwrap();
    servers[0].exec(&["SET", KEY, token.expose()]).await;
    let cases: [&[&str]; 8] = [
        &["inspect", KEY],
        &["list"],
        &["list", "--watch", "--interval", "20ms"],
        &["watch", KEY, "--interval", "20ms"],
        &["leader", KEY],
        &["release", KEY],
        &["release", KEY, "--token", token.expose()],
        &["release", KEY, "--force", "--yes"],
    ];
    for words in cases {
        let run = run(client, &urls, words).await.expect(125);
        // Whichever of the two is heard first.
        let said = "one server for two nodes: node ";
        assert!(run.err.contains(said), "{words:?}: {}", run.err);
        assert!(run.err.contains(" of 3 is the same server as node "), "{words:?}: {}", run.err);
        assert_eq!(run.out, "", "{words:?}");
        assert_eq!(servers[0].get(KEY).await.as_deref(), Some(token.expose()), "{words:?}");
    }
}

async fn servers_that_do_not_say_who_they_are_are_let_pass(client: Client) {
    let servers = Servers::start(2).await;
    for server in servers.iter() {
        server.exec(&["ACL", "SETUSER", "default", "-info"]).await;
        server.exec(&["SET", KEY, "x"]).await;
    }
    let shown = run(client, &twice(&servers), &["inspect", KEY]).await.expect(0);
    assert!(shown.out.starts_with(&format!("{KEY}: held by ")), "{}", shown.out);
}

async fn a_name_that_leads_to_another_s_server_later_ends_a_watch(client: Client) {
    let servers = Servers::start(3).await;
    let proxy = ChaosProxy::start(servers[2].addr()).await;
    proxy.set(Mode::Refuse).await;
    let urls = [servers[0].url(), servers[1].url(), proxy.url()];
    let mut watch = Running::start(client, &urls, &["watch", KEY, "--interval", "20ms"]);
    let _ = watch.line().await;
    proxy.lead_to(servers[0].addr());
    proxy.set(Mode::Pass).await;
    assert_eq!(watch.end().await.0, Some(125));
}

integration_tests::with_both_clients! {
    a_server_with_two_names_is_a_failure_to_whoever_looks
    servers_that_do_not_say_who_they_are_are_let_pass
    a_name_that_leads_to_another_s_server_later_ends_a_watch
}
