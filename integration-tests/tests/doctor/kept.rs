//! Locks that are kept from others after their end.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use redlock_core::node::Holder;
use redlock_core::{LockOptions, LockState, Release};

use crate::setup::*;

const KEY: &str = "report:nightly";

/// Takes it, and is done at once; tells who kept it.
async fn keep(client: Client, servers: &Servers) -> Holder {
    let redlock = other(client, &servers.urls());
    let options = LockOptions::new().at_least(LIMIT / 2).label("me@here");
    let guard = redlock.try_lock_with(KEY, &options).await.unwrap();
    until_on_all(servers, KEY).await;
    assert_eq!(guard.release().await.unwrap(), Release::Kept);
    until_kept_on_all(servers).await;
    match redlock.inspect(KEY).await.unwrap().state {
        LockState::Kept { holder, .. } => holder,
        other => panic!("{other:?}"),
    }
}

async fn until_kept_on_all(servers: &Servers) {
    for server in servers.iter() {
        let kept = async || server.get(KEY).await.is_some_and(|value| value.starts_with("kept:"));
        until("kept on all", kept).await;
    }
}

async fn what_is_kept_shows_as_kept_and_as_no_leader(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let holder = keep(client, &servers).await;
    let shown = run(client, &urls, &["inspect", KEY]).await.expect(0);
    assert!(shown.out.starts_with(&format!("{KEY}: kept by {holder}, ")), "{}", shown.out);
    assert_eq!(shown.out.matches(&format!("  kept   {holder}  ")).count(), 3, "{}", shown.out);
    let json = run(client, &urls, &["inspect", "--json", KEY]).await.expect(0).json().remove(0);
    assert_eq!((&json["state"], &json["holder"]), (&"kept".into(), &holder.to_string().into()));
    let led = run(client, &urls, &["leader", KEY]).await.expect(0);
    assert_eq!(led.out, format!("{KEY}: no leader\n"));
}

async fn force_says_that_it_is_kept_and_frees_it_when_its_key_was_typed(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let holder = keep(client, &servers).await;
    let wrong = answer(client, &urls, KEY, "yes").await.expect(1);
    assert!(wrong.err.starts_with(&format!("{KEY}: kept by {holder}, ")), "{}", wrong.err);
    let asks = "Its holder is done, and wanted nobody else to have it until then: a job that is due once may run \
                twice.\nType the key to take it away: ";
    assert!(wrong.err.ends_with(asks), "{}", wrong.err);
    let mark = Some(format!("kept:{holder}"));
    assert_eq!(servers[0].get(KEY).await, mark);

    let right = answer(client, &urls, KEY, KEY).await.expect(0);
    assert_eq!(right.out, format!("{KEY}: taken away, on 3 of 3 nodes\n"));
    let again = other(client, &urls).try_lock(KEY).await.unwrap();
    assert_eq!(again.release().await.unwrap(), Release::Released);
}

/// A node that the keep did not reach has the token still.
async fn force_frees_what_is_kept_where_a_node_still_has_the_token(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    let options = LockOptions::new().at_least(LIMIT / 2);
    let guard = other(client, &urls).try_lock_with(KEY, &options).await.unwrap();
    until_on_all(&servers, KEY).await;
    let token = servers[2].get(KEY).await.unwrap();
    guard.release().await.unwrap();
    until_kept_on_all(&servers).await;
    servers[2].exec(&["SET", KEY, &token, "PX", "60000"]).await;
    let taken = run(client, &urls, &["release", "--force", "--yes", KEY]).await.expect(0);
    assert_eq!(taken.out, format!("{KEY}: taken away, on 3 of 3 nodes\n"));
    for server in servers.iter() {
        assert_eq!(server.get(KEY).await, None);
    }
}

integration_tests::with_both_clients! {
    what_is_kept_shows_as_kept_and_as_no_leader
    force_says_that_it_is_kept_and_frees_it_when_its_key_was_typed
    force_frees_what_is_kept_where_a_node_still_has_the_token
}
