//! What two transactions at the same time get, by their isolation level.

use std::time::Duration;

use redlock_core::{Fence, InMemoryNode, LockGuard, Redlock};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::time::timeout;

use crate::fenced::{WriteError, claim_balance, set_balance, transfer, while_held};
use crate::setup::{Database, fences, pool};

const READ_COMMITTED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const REPEATABLE_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ";
const SERIALIZABLE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";

/// The first one's write stands uncommitted when the second one writes. The second one's outcome, what the same
/// transaction gets once more, and the row.
async fn overlapping(
    begin: &'static str,
    first: Fence,
    second: Fence,
) -> (Result<(), WriteError>, Result<(), WriteError>, (i64, i64)) {
    let database = Database::with_accounts([(1, 0)]).await;
    let mut tx = database.pool.begin_with(begin).await.unwrap();
    set_balance(&mut tx, 1, 10, first).await.unwrap();
    let waiting = tokio::spawn(write(database.pool.clone(), begin, second));
    database.until_waiting(1).await;
    tx.commit().await.unwrap();
    let outcome = waiting.await.unwrap();
    let again = write(database.pool.clone(), begin, second).await;
    (outcome, again, database.account(1).await)
}

async fn write(pool: PgPool, begin: &'static str, fence: Fence) -> Result<(), WriteError> {
    let mut tx = pool.begin_with(begin).await?;
    set_balance(&mut tx, 1, 20, fence).await?;
    Ok(tx.commit().await?)
}

fn refused(outcome: &Result<(), WriteError>) -> bool {
    matches!(outcome, Err(WriteError::Refused(_)))
}

fn is_serialization_failure(outcome: &Result<(), WriteError>) -> bool {
    matches!(outcome, Err(WriteError::Database(error))
        if error.as_database_error().unwrap().code().as_deref() == Some("40001"))
}

#[tokio::test]
async fn at_read_committed_who_waited_is_measured_by_what_was_committed() {
    let [earlier, later] = fences();
    let (stale, again, row) = overlapping(READ_COMMITTED, later, earlier).await;
    assert!(refused(&stale) && refused(&again), "{stale:?} {again:?}");
    assert_eq!(row, (10, later.as_i64()));
    let (fresh, again, row) = overlapping(READ_COMMITTED, earlier, later).await;
    assert!(fresh.is_ok() && again.is_ok(), "{fresh:?} {again:?}");
    assert_eq!(row, (20, later.as_i64()));
}

#[tokio::test]
async fn a_claim_that_waited_reads_what_was_committed() {
    let database = Database::with_accounts([(1, 100)]).await;
    let [earlier, later] = fences();
    let mut tx = database.pool.begin_with(READ_COMMITTED).await.unwrap();
    set_balance(&mut tx, 1, 110, earlier).await.unwrap();
    let mut db = database.pool.acquire().await.unwrap();
    let claim = tokio::spawn(async move { claim_balance(&mut db, 1, later).await });
    database.until_waiting(1).await;
    tx.commit().await.unwrap();
    assert_eq!(claim.await.unwrap().unwrap(), 110);
}

#[tokio::test]
async fn at_the_stricter_levels_who_waited_has_to_begin_again_and_is_measured_then() {
    let [earlier, later] = fences();
    for begin in [REPEATABLE_READ, SERIALIZABLE] {
        let (stale, again, row) = overlapping(begin, later, earlier).await;
        assert!(is_serialization_failure(&stale), "{begin}: {stale:?}");
        assert!(refused(&again), "{begin}: {again:?}");
        assert_eq!(row, (10, later.as_i64()));
        let (fresh, again, row) = overlapping(begin, earlier, later).await;
        assert!(is_serialization_failure(&fresh), "{begin}: {fresh:?}");
        assert!(fresh.unwrap_err().is_retryable() && again.is_ok(), "{begin}: {again:?}");
        assert_eq!(row, (20, later.as_i64()));
    }
}

/// What looks as good: to read the fence, compare, and write.
async fn naive(begin: &'static str, select: &'static str) -> (Result<(), sqlx::Error>, i64) {
    let database = Database::with_accounts([(1, 100)]).await;
    let [earlier, later] = fences();
    let mut tx = database.pool.begin_with(begin).await.unwrap();
    let fence: i64 = sqlx::query_scalar(select).fetch_one(&mut *tx).await.unwrap();
    assert!(fence <= earlier.as_i64(), "so it may write");

    let mut db = database.pool.acquire().await.unwrap();
    let mut write = tokio::spawn(async move { set_balance(&mut db, 1, 150, later).await });
    let has_to_wait = select.ends_with("FOR UPDATE");
    if has_to_wait {
        database.until_waiting(1).await;
    } else {
        (&mut write).await.unwrap().unwrap();
    }
    let outcome = write_unguarded(tx, earlier).await;
    if has_to_wait {
        write.await.unwrap().unwrap();
    }
    (outcome, database.balance(1).await)
}

async fn write_unguarded(
    mut tx: sqlx::Transaction<'_, sqlx::Postgres>,
    fence: Fence,
) -> Result<(), sqlx::Error> {
    let write = sqlx::query("UPDATE accounts SET balance = 110, fence = $1 WHERE id = 1");
    write.bind(fence.as_i64()).execute(&mut *tx).await?;
    tx.commit().await
}

const SELECT: &str = "SELECT fence FROM accounts WHERE id = 1";
const SELECT_FOR_UPDATE: &str = "SELECT fence FROM accounts WHERE id = 1 FOR UPDATE";

#[tokio::test]
async fn to_look_and_then_write_lets_a_stale_write_in_at_read_committed() {
    let (written, balance) = naive(READ_COMMITTED, SELECT).await;
    written.expect("nothing stops it");
    assert_eq!(balance, 110, "the later holder's write is lost");
}

#[tokio::test]
async fn to_look_and_then_write_is_refused_at_the_stricter_levels() {
    for begin in [REPEATABLE_READ, SERIALIZABLE] {
        let (stale, balance) = naive(begin, SELECT).await;
        let stale = stale.map_err(WriteError::from);
        assert!(is_serialization_failure(&stale), "{begin}: {stale:?}");
        assert_eq!(balance, 150);
    }
}

#[tokio::test]
async fn a_look_that_locks_the_row_keeps_the_later_holder_waiting_until_the_write_is_done() {
    let (written, balance) = naive(READ_COMMITTED, SELECT_FOR_UPDATE).await;
    written.unwrap();
    assert_eq!(balance, 150, "the later holder's write came last");
}

async fn lock() -> LockGuard {
    let nodes = ["a", "b", "c"].map(InMemoryNode::new);
    let builder = Redlock::builder().nodes(nodes).ttl(Duration::from_secs(60));
    builder.fencing(true).build().unwrap().lock(["account:1", "account:2"]).await.unwrap()
}

async fn add(db: &mut PgConnection, amount: i64) {
    let sql = "UPDATE accounts SET balance = balance + $1 WHERE id = 1";
    sqlx::query(sql).bind(amount).execute(db).await.unwrap();
}

#[tokio::test]
async fn a_holder_repeats_what_was_undone_with_its_fence_until_it_passes() {
    let database = Database::with_accounts([(1, 100), (2, 100)]).await;
    let guard = lock().await;
    let (lease, fence) = (guard.lease(), guard.fence().unwrap());
    // Somebody who asks for no lock is in the middle of something.
    let mut tx = database.pool.begin().await.unwrap();
    add(&mut tx, 1).await;
    let pool = database.pool.clone();
    let waiting = tokio::spawn(async move {
        let mut tries = 0;
        let outcome = while_held(&lease, || {
            tries += 1;
            transfer(&pool, [1, 2], 10, fence)
        });
        (outcome.await, tries)
    });
    database.until_waiting(1).await;
    tx.commit().await.unwrap();
    let (outcome, tries) = waiting.await.unwrap();
    outcome.unwrap();
    assert_eq!(tries, 2);
    assert_eq!((database.balance(1).await, database.balance(2).await), (91, 110));
}

#[tokio::test]
async fn a_holder_that_lost_its_lock_repeats_nothing() {
    let database = Database::with_accounts([(1, 100), (2, 100)]).await;
    let guard = lock().await;
    let (lease, fence) = (guard.lease(), guard.fence().unwrap());
    let mut tx = database.pool.begin().await.unwrap();
    add(&mut tx, 1).await;
    let pool = database.pool.clone();
    let waiting =
        tokio::spawn(
            async move { while_held(&lease, || transfer(&pool, [1, 2], 10, fence)).await },
        );
    database.until_waiting(1).await;
    guard.release().await.unwrap();
    tx.commit().await.unwrap();
    let outcome = waiting.await.unwrap();
    assert!(is_serialization_failure(&outcome), "{outcome:?}");
    assert_eq!((database.balance(1).await, database.balance(2).await), (101, 100));
}

#[tokio::test]
async fn one_of_two_that_wait_for_each_other_is_undone_and_may_be_repeated() {
    let database = Database::with_accounts([(1, 100), (2, 100)]).await;
    let [fence, _] = fences();
    let [mut one, mut other] =
        [database.pool.begin().await.unwrap(), database.pool.begin().await.unwrap()];
    set_balance(&mut one, 1, 110, fence).await.unwrap();
    set_balance(&mut other, 2, 110, fence).await.unwrap();
    let waiting = tokio::spawn(async move {
        set_balance(&mut one, 2, 120, fence).await?;
        Ok(one.commit().await?)
    });
    database.until_waiting(1).await;
    let second = set_balance(&mut other, 1, 120, fence).await;
    drop(other);
    let outcomes = [waiting.await.unwrap(), second];
    let undone: Vec<WriteError> = outcomes.into_iter().filter_map(Result::err).collect();
    assert!(undone.len() == 1 && undone[0].is_retryable(), "{undone:?}");
}

#[tokio::test]
async fn a_transaction_that_is_left_alone_ends_and_lets_the_later_holder_on() {
    let database = Database::with_accounts([(1, 100)]).await;
    let [earlier, later] = fences();
    let left_alone = pool(&database.url, Duration::from_secs(5)).await;
    let mut tx = left_alone.begin().await.unwrap();
    set_balance(&mut tx, 1, 110, earlier).await.unwrap();
    let mut db = database.pool.acquire().await.unwrap();
    let write = set_balance(&mut db, 1, 150, later);
    timeout(Duration::from_secs(60), write).await.expect("in time").unwrap();
    assert!(set_balance(&mut tx, 1, 120, earlier).await.is_err(), "its session is over");
    assert_eq!(database.account(1).await, (150, later.as_i64()));
}
