//! A holder that is stopped past its lock, by a signal, and writes when it goes on.

use std::time::Duration;

use integration_tests::nodes::Client;
use integration_tests::store::{CLAIM, WRITE};
use integration_tests::{Servers, resp};
use redlock_core::{Fence, LockOptions, Redlock, Renewal, RetryPolicy};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::child::{self, Process, say};
use crate::fenced::{WriteError, claim_balance, set_balance};
use crate::setup::Database;

const KEY: &str = "account:1";

/// Where the holder writes, and whether it shows its fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Postgres,
    PostgresWithoutFence,
    Redis,
}

impl Store {
    const ALL: [Self; 3] = [Self::Postgres, Self::PostgresWithoutFence, Self::Redis];
}

/// Adds ten to the balance, slowly, and looks at its lease no more: no look is late enough.
#[tokio::test]
#[ignore = "a process that the other tests start"]
async fn holder() {
    let (store, address) = (child::given("TEST_STORE"), child::given("TEST_STORE_ADDRESS"));
    let store = Store::ALL.into_iter().find(|known| format!("{known:?}") == store).unwrap();
    let builder = Redlock::builder().nodes(Client::from_environment().unwrap());
    let redlock = builder.ttl(Duration::from_secs(5)).fencing(true).build().unwrap();
    let options = LockOptions::new().renewal(Renewal::Off).wait_for(Duration::from_secs(60));
    let guard = redlock.lock_with(KEY, &options).await.unwrap();
    let fence = guard.fence().unwrap();
    let written = match store {
        Store::Redis => redis(&address, fence).await,
        Store::Postgres | Store::PostgresWithoutFence => {
            let mut db = PgConnection::connect(&address).await.unwrap();
            let balance = claim_balance(&mut db, 1, fence).await.unwrap();
            say(format_args!("read {balance}"));
            child::until_told();
            match store {
                Store::PostgresWithoutFence => unfenced(&mut db, balance + 10).await,
                _ => set_balance(&mut db, 1, balance + 10, fence).await,
            }
            .map_err(|error| error.to_string())
        }
    };
    match written {
        Ok(()) => say("written"),
        Err(why) => say(format_args!("refused: {why}")),
    }
    say(format_args!("its lock is lost: {}", guard.is_lost()));
}

async fn redis(address: &str, fence: Fence) -> Result<(), String> {
    let (address, fence) = (address.parse().unwrap(), fence.to_string());
    let read = resp::call(address, &["EVAL", CLAIM, "1", KEY, &fence]).await.unwrap().to_string();
    let balance = read.strip_prefix("1\n").unwrap();
    say(format_args!("read {balance}"));
    child::until_told();
    let balance = (balance.parse::<i64>().unwrap() + 10).to_string();
    let write = ["EVAL", WRITE, "1", KEY, &balance, &fence];
    match resp::call(address, &write).await.unwrap().to_string().as_str() {
        "1" => Ok(()),
        other => Err(other.to_owned()),
    }
}

async fn unfenced(db: &mut PgConnection, balance: i64) -> Result<(), WriteError> {
    let write = sqlx::query("UPDATE accounts SET balance = $1 WHERE id = 1").bind(balance);
    write.execute(db).await?;
    Ok(())
}

/// A holder that has read 100 and stands still, until it is let go on.
async fn stopped(client: Client, servers: &Servers, store: Store, address: &str) -> Process {
    let mut holder = Process::start(
        "paused::holder",
        &[
            ("REDLOCK_NODES", servers.urls().join(",")),
            ("REDLOCK_CLIENT", client.name().to_owned()),
            ("TEST_STORE", format!("{store:?}")),
            ("TEST_STORE_ADDRESS", address.to_owned()),
        ],
    );
    assert_eq!(holder.line().await, "read 100");
    holder.stop().await;
    holder
}

/// Has the lock once it has expired, adds fifty by `write`, and lets the holder go on with the lock in hand.
async fn overtake(
    client: Client,
    servers: &Servers,
    holder: &mut Process,
    write: impl AsyncFnOnce(Fence),
) {
    let builder = Redlock::builder().nodes(client.nodes(servers.urls()));
    let builder = builder.ttl(Duration::from_secs(60)).node_timeout(Duration::from_secs(10));
    let redlock = builder.fencing(true).build().unwrap();
    let retry = RetryPolicy::uniform(Duration::from_millis(20), Duration::from_millis(60)).unwrap();
    let patient = LockOptions::new().wait_for(Duration::from_secs(90)).retry(retry);
    let guard = redlock.lock_with(KEY, &patient).await.expect("its time has passed");
    write(guard.fence().unwrap()).await;
    holder.tell().await;
    holder.go_on();
}

async fn in_postgres(client: Client, store: Store) -> (Process, Database) {
    let servers = Servers::start(3).await;
    let database = Database::with_accounts([(1, 100)]).await;
    let mut holder = stopped(client, &servers, store, &database.url).await;
    overtake(client, &servers, &mut holder, async |fence| {
        let mut db = database.pool.acquire().await.unwrap();
        let balance = claim_balance(&mut db, 1, fence).await.unwrap();
        set_balance(&mut db, 1, balance + 50, fence).await.unwrap();
    })
    .await;
    (holder, database)
}

async fn a_holder_that_was_stopped_past_its_time_changes_no_row(client: Client) {
    let (mut holder, database) = in_postgres(client, Store::Postgres).await;
    let said = holder.line().await;
    assert!(said.starts_with("refused: the fence ") && said.contains("stale"), "{said}");
    assert_eq!(holder.line().await, "its lock is lost: true");
    assert_eq!(database.balance(1).await, 150);
}

async fn a_holder_that_was_stopped_and_shows_no_fence_undoes_what_came_after_it(client: Client) {
    let (mut holder, database) = in_postgres(client, Store::PostgresWithoutFence).await;
    assert_eq!(holder.line().await, "written");
    assert_eq!(holder.line().await, "its lock is lost: true");
    assert_eq!(database.balance(1).await, 110);
}

async fn a_script_refuses_a_holder_that_was_stopped_past_its_time(client: Client) {
    let (servers, stores) = (Servers::start(3).await, Servers::start(1).await);
    let store = &stores[0];
    store.exec(&["HSET", KEY, "value", "100"]).await;
    let mut holder = stopped(client, &servers, Store::Redis, &store.addr().to_string()).await;
    overtake(client, &servers, &mut holder, async |fence| {
        let fence = fence.to_string();
        assert_eq!(store.exec(&["EVAL", CLAIM, "1", KEY, &fence]).await, "1\n100");
        assert_eq!(store.exec(&["EVAL", WRITE, "1", KEY, "150", &fence]).await, "1");
    })
    .await;
    assert_eq!(holder.line().await, "refused: 0");
    assert_eq!(holder.line().await, "its lock is lost: true");
    assert_eq!(store.exec(&["HGET", KEY, "value"]).await, "150");
}

integration_tests::with_both_clients! {
    a_holder_that_was_stopped_past_its_time_changes_no_row
    a_holder_that_was_stopped_and_shows_no_fence_undoes_what_came_after_it
    a_script_refuses_a_holder_that_was_stopped_past_its_time
}
