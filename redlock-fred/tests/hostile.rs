//! What one server can do to the process that asks it.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{FakeServer, LONG, claim, reply, terms};
use redlock_fred::redlock_core::node::LockNode;

const CHILD: &str = "REDLOCK_TEST_HOSTILE_CHILD";
const NAME: &str = "deeply_nested_replies_end_the_process_until_fred_has_a_limit";

/// Nothing stands before fred's decoder. Once this fails fred has a limit, and the paragraph in `docs/SAFETY.md` can go.
#[test]
fn deeply_nested_replies_end_the_process_until_fred_has_a_limit() {
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = FakeServer::start(|_| reply("*1\r\n".repeat(100_000) + ":1\r\n")).await;
            let answer = server.node().acquire(claim(&["a", "b"]), terms(), LONG).await;
            println!("lives: {answer:?}");
        });
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", NAME, "--nocapture"]).env(CHILD, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("overflowed its stack"), "{output:?}");
    assert!(!output.status.success());
}
