//! A row in Redis, which scripts guard.

use integration_tests::store::{CLAIM, WRITE};
use integration_tests::{Kind, Server, Servers, shared};
use redlock_core::Fence;

use crate::setup::fences;

async fn write(store: &Server, row: &str, value: &str, fence: Fence) -> String {
    store.exec(&["EVAL", WRITE, "1", row, value, &fence.to_string()]).await
}

async fn claim(store: &Server, row: &str, fence: Fence) -> String {
    store.exec(&["EVAL", CLAIM, "1", row, &fence.to_string()]).await
}

#[tokio::test]
async fn a_stale_write_changes_nothing_and_an_equal_fence_passes_again() {
    let [earlier, later] = fences();
    for kind in Kind::ALL {
        let (store, row) = (shared(kind).await, "row:written");
        assert_eq!(write(store, row, "a", earlier).await, "1");
        assert_eq!(write(store, row, "b", later).await, "1");
        assert_eq!(write(store, row, "c", earlier).await, "0");
        assert_eq!(store.exec(&["HGET", row, "value"]).await, "b");
        assert_eq!(store.exec(&["HGET", row, "fence"]).await, later.to_string());
        assert_eq!(write(store, row, "d", later).await, "1");
    }
}

#[tokio::test]
async fn who_claims_the_row_before_reading_it_overwrites_nothing() {
    let [earlier, later] = fences();
    for kind in Kind::ALL {
        let (store, row) = (shared(kind).await, "row:claimed");
        assert_eq!(claim(store, row, earlier).await, "1\n(nil)");
        assert_eq!(write(store, row, "a", earlier).await, "1");
        assert_eq!(claim(store, row, later).await, "1\na");
        assert_eq!(write(store, row, "b", earlier).await, "0");
        assert_eq!(claim(store, row, earlier).await, "0");
        assert_eq!(claim(store, row, later).await, "1\na");
    }
}

#[tokio::test]
async fn the_largest_fences_are_told_apart() {
    let [last_but_one, last] = [2, 1].map(|less| Fence::try_from((1_u64 << 53) - less).unwrap());
    for kind in Kind::ALL {
        let (store, row) = (shared(kind).await, "row:largest");
        assert_eq!(write(store, row, "a", last).await, "1");
        assert_eq!(write(store, row, "b", last_but_one).await, "0");
        assert_eq!(claim(store, row, last_but_one).await, "0");
    }
}

#[tokio::test]
async fn a_deleted_row_forgets_its_fence_and_so_does_a_server_that_restarts_empty() {
    let [earlier, later] = fences();
    let servers = Servers::start(1).await;
    let (store, row) = (&servers[0], "row:forgotten");
    assert_eq!(write(store, row, "a", later).await, "1");
    store.exec(&["DEL", row]).await;
    assert_eq!(write(store, row, "b", earlier).await, "1");
    assert_eq!(write(store, row, "c", later).await, "1");
    store.restart().await;
    assert_eq!(write(store, row, "d", earlier).await, "1");
}
