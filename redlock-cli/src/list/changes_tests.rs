use redlock_core::faults::{Misbehaviour, Verb};
use redlock_core::node::Fault;

use super::super::rows::tests::{list, nodes, put};
use super::*;

fn events(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|change| match change {
            Change::Of(_, row) => format!("{} {}", change.name(), row.view.key),
            Change::Cut(more) => format!("cut {more}"),
            Change::Nodes(failed) => format!("nodes {}", failed.len()),
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_lock_that_comes_passes_on_or_goes_is_a_line() {
    let (nodes, redlock) = nodes(3);
    let mut changes = Changes::default();
    put(&nodes, "a", "x", 9_000);
    put(&nodes[..1], "coming", "x", 9_000);
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), ["seen a"]);
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), [""; 0], "time passes");
    put(&nodes, "coming", "x", 9_000);
    put(&nodes, "b", "x", 9_000);
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), ["taken b", "taken coming"]);
    put(&nodes, "a", "y", 9_000);
    nodes.iter().for_each(|node| assert!(node.inner().remove("b")));
    put(&nodes, "coming", "kept:af63dc4c8601ec8c", 9_000);
    let said = changes.step(list(&redlock, 9).await);
    assert_eq!(events(&said), ["passed a", "kept coming", "freed b"]);
    let freed = said[2].text("T");
    assert_eq!(freed, "T  freed    b: free");
    let json = crate::output::json(&said[2].json("T")).unwrap();
    assert_eq!(
        json,
        r#"{"at":"T","event":"freed","key":"b","bytes":null,"state":"free","mode":"unknown","holder":null,"label":null,"#
            .to_owned()
            + r#""expiry":null,"remaining_ms":null,"on":0,"of":3,"error":null}"#
    );
    // One that is on a node alone is in nobody's hands, and comes and goes unseen.
    put(&nodes[..1], "c", "x", 9_000);
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_tells_any_more_is_not_free() {
    let (nodes, redlock) = nodes(3);
    let mut changes = Changes::default();
    put(&nodes, "a", "x", 9_000);
    changes.step(list(&redlock, 9).await);
    for node in &nodes[..2] {
        node.on(Verb::Scan).always(Misbehaviour::Failing(Fault::Refused.into()));
    }
    let said = changes.step(list(&redlock, 9).await);
    assert_eq!(events(&said), ["nodes 2", "unclear a"]);
    assert_eq!(said[0].text("T"), "T  nodes    n0 (no connection), n1 (no connection)");
    assert_eq!(said[1].text("T"), "T  unclear  a: unknown");
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), [""; 0]);
    nodes[2].on(Verb::Scan).always(Misbehaviour::Refused);
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), ["nodes 3"]);
    nodes.iter().for_each(|node| node.heal());
    assert_eq!(events(&changes.step(list(&redlock, 9).await)), ["nodes 0", "clear a"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_pushed_out_of_the_list_is_not_free() {
    let (nodes, redlock) = nodes(3);
    let mut changes = Changes::default();
    put(&nodes, "b", "x", 9_000);
    put(&nodes, "c", "x", 9_000);
    assert_eq!(events(&changes.step(list(&redlock, 2).await)), ["seen b", "seen c"]);
    put(&nodes, "a", "x", 9_000);
    let said = changes.step(list(&redlock, 2).await);
    assert_eq!(events(&said), ["cut 1", "taken a"]);
    assert_eq!(said[0].text("T"), "T  cut      about 1 more are not followed (--limit)");
    nodes.iter().for_each(|node| assert!(node.inner().remove("a")));
    let said = changes.step(list(&redlock, 2).await);
    assert_eq!(events(&said), ["cut 0", "taken c", "freed a"]);
    assert_eq!(said[0].text("T"), "T  cut      all locks are followed");
}
