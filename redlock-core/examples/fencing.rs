//! A holder is paused past its lock and writes all the same; the table refuses it by its fence.
//!
//! `cargo run -p redlock-core --example fencing`

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redlock_core::{Fence, InMemoryNode, LockOptions, Redlock, Renewal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Story { lines, written, fences: [ada, bob], row } = story().await?;
    for line in lines {
        println!("{line}");
    }
    println!(
        "the fences were {ada} and {bob}, the writes changed {written:?} rows, and there is {row:?}"
    );
    Ok(())
}

/// A table of one row, in place of a database:
///
/// ```sql
/// CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL, fence bigint NOT NULL DEFAULT 0);
/// ```
#[derive(Default)]
struct Account(Mutex<Row>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Row {
    pub(crate) balance: i64,
    pub(crate) fence: u64,
}

impl Account {
    fn select(&self) -> Row {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many rows it changed:
    ///
    /// ```sql
    /// UPDATE account SET balance = $2, fence = $1 WHERE id = 1 AND fence <= $1
    /// ```
    ///
    /// One statement, so nobody gets in between the comparison and the write.
    fn update(&self, fence: Fence, balance: i64) -> u64 {
        let mut row = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if row.fence > fence.get() {
            return 0;
        }
        *row = Row { balance, fence: fence.get() };
        1
    }
}

/// What happened, and what stands in the table in the end.
pub(crate) struct Story {
    pub(crate) lines: Vec<String>,
    /// Rows that ada's first write, bob's, and ada's late one changed.
    pub(crate) written: [u64; 3],
    pub(crate) fences: [u64; 2],
    pub(crate) row: Row,
}

pub(crate) async fn story() -> Result<Story, Box<dyn Error>> {
    let ttl = Duration::from_millis(150);
    let mut builder = Redlock::builder().ttl(ttl).node_timeout(Duration::from_millis(30));
    for name in ["a", "b", "c"] {
        builder = builder.node(InMemoryNode::new(name));
    }
    let redlock = builder.fencing(true).build()?;
    let account = Account::default();
    let options = LockOptions::new().renewal(Renewal::Off);
    let waiting = LockOptions::new().wait_for(Duration::from_secs(5));
    let no_fence = "fencing is on, and there is no fence";
    let mut lines = Vec::new();

    let ada = redlock.lock_with("account:1", &options).await?;
    let ada_fence = ada.fence().ok_or(no_fence)?;
    lines.push(format!("ada has the lock, her fence is {ada_fence}"));
    let first = account.update(ada_fence, 100);
    lines.push(format!("ada writes 100: {first} row"));
    let read = account.select().balance;
    lines.push(format!("ada reads {read}, is to add 10, and is paused"));

    // She looked at her lease before, and it was good then. Nothing tells a paused process that its time is over.
    let bob = redlock.lock_with("account:1", &waiting).await?;
    let bob_fence = bob.fence().ok_or(no_fence)?;
    lines.push(format!("her lock expires; bob has it, his fence is {bob_fence}"));
    let second = account.update(bob_fence, account.select().balance + 50);
    lines.push(format!("bob adds 50: {second} row"));
    bob.release().await?;

    let late = account.update(ada_fence, read + 10);
    lines.push(format!("ada goes on and writes {}: {late} rows, she is too late", read + 10));
    lines.push(format!("the balance is {}", account.select().balance));
    drop(ada);
    redlock.close().await;
    Ok(Story {
        lines,
        written: [first, second, late],
        fences: [ada_fence.get(), bob_fence.get()],
        row: account.select(),
    })
}
