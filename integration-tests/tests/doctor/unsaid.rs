//! `release` that is told neither a token nor to use force.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use redlock_core::node::Holder;

use crate::setup::*;

async fn it_shows_who_holds_the_locks_and_how_they_can_be_released(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let token = other(client, &urls).lock("a").await.unwrap().leak();
    until_on_all(&servers, "a").await;

    let unsaid = run(client, &urls, &["release", "a", "b"]).await.expect(2);
    let holder = Holder::of(token.as_bytes());
    assert!(unsaid.out.starts_with(&format!("a: held by {holder}, ")), "{}", unsaid.out);
    assert!(unsaid.out.ends_with(" left\nb: free\n"), "{}", unsaid.out);
    for way in ["nothing was released", "--token TOKEN", "--token -", "--force"] {
        assert!(unsaid.err.contains(way), "{way}: {}", unsaid.err);
    }
    assert!(servers[0].get("a").await.is_some(), "it is left alone");

    let free = run(client, &urls, &["release", "b"]).await.expect(2);
    assert_eq!(free.out, "b: free\n");
    assert!(
        free.err.contains("nothing to release") && !free.err.contains("--force"),
        "{}",
        free.err
    );
}

integration_tests::with_both_clients! {
    it_shows_who_holds_the_locks_and_how_they_can_be_released
}

#[tokio::test]
async fn that_no_nodes_are_named_is_said_once() {
    for words in [&["inspect", "k"] as &[_], &["list"], &["leader", "k"], &["release", "k"]] {
        let mut command = bare(&[], words);
        command.env_remove("REDLOCK_NODES").env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
        let run = ended(command.spawn().unwrap()).await;
        assert_eq!(run.err.matches("no nodes are named").count(), 1, "{words:?}: {}", run.err);
    }
}
