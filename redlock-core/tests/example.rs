//! The example of fencing, as it is run by hand.

#![allow(clippy::unwrap_used)]

// Its `main` is for those who run it.
#[allow(dead_code)]
#[path = "../examples/fencing.rs"]
mod fencing;

use fencing::{Row, story};

#[tokio::test(start_paused = true)]
async fn the_table_refuses_the_paused_holders_write() {
    let story = story().await.unwrap();
    let [ada, bob] = story.fences;
    assert!(ada < bob);
    assert_eq!(story.written, [1, 1, 0]);
    assert_eq!(story.row, Row { balance: 150, fence: bob });
    assert_eq!(story.lines.last().map(String::as_str), Some("the balance is 150"));
}
