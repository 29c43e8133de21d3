//! The example adapter, as it is run by hand.

#![allow(clippy::unwrap_used)]

// Its `main` is for those who run it.
#[allow(dead_code)]
#[path = "../examples/adapter.rs"]
mod adapter;

#[tokio::test(start_paused = true)]
async fn the_adapters_nodes_lock_and_release() {
    let lines = adapter::story().await.unwrap();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[1].contains("a held for 10s more"), "{lines:#?}");
    assert!(!lines.concat().contains("secret"), "{lines:#?}");
    assert_eq!(lines[2..], ["released: Released", "and free again"]);
}
