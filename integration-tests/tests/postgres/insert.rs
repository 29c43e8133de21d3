//! A row that may not be there yet.

use crate::fenced::{WriteError, claim, put_balance};
use crate::setup::{Database, fences};

#[tokio::test]
async fn an_insert_over_a_later_holders_row_changes_nothing() {
    let database = Database::create().await;
    let mut db = database.pool.acquire().await.unwrap();
    let [earlier, later] = fences();
    put_balance(&mut db, 1, 10, earlier).await.unwrap();
    put_balance(&mut db, 1, 20, earlier).await.unwrap();
    put_balance(&mut db, 1, 30, later).await.unwrap();
    let stale = put_balance(&mut db, 1, 40, earlier).await.unwrap_err();
    assert!(matches!(stale, WriteError::Refused(_)), "{stale}");
    assert_eq!(database.account(1).await, (30, later.as_i64()));
}

/// Both insert a row that is not there; the second one waits for the first one's transaction.
async fn at_once(later_first: bool) -> (Result<(), WriteError>, (i64, bool)) {
    let database = Database::create().await;
    let [earlier, later] = fences();
    let (first, second) = if later_first { (later, earlier) } else { (earlier, later) };
    let mut tx = database.pool.begin().await.unwrap();
    put_balance(&mut tx, 1, 10, first).await.unwrap();
    let mut db = database.pool.acquire().await.unwrap();
    let waiting = tokio::spawn(async move { put_balance(&mut db, 1, 20, second).await });
    database.until_waiting(1).await;
    tx.commit().await.unwrap();
    let outcome = waiting.await.unwrap();
    let (balance, fence) = database.account(1).await;
    (outcome, (balance, fence == later.as_i64()))
}

#[tokio::test]
async fn of_two_inserts_at_once_the_later_holders_stands() {
    let (stale, row) = at_once(true).await;
    assert!(matches!(stale, Err(WriteError::Refused(_))), "{stale:?}");
    assert_eq!(row, (10, true));
    let (fresh, row) = at_once(false).await;
    fresh.unwrap();
    assert_eq!(row, (20, true));
}

#[tokio::test]
async fn a_deleted_row_forgets_its_fence_and_the_table_of_fences_does_not() {
    let database = Database::create().await;
    let mut db = database.pool.acquire().await.unwrap();
    let [earlier, later] = fences();
    claim(&mut db, &["account:1".to_owned()], later).await.unwrap();
    put_balance(&mut db, 1, 10, later).await.unwrap();
    sqlx::query("DELETE FROM accounts WHERE id = 1").execute(&mut *db).await.unwrap();
    put_balance(&mut db, 1, 20, earlier).await.expect("nothing stands in its way");
    let stale = claim(&mut db, &["account:1".to_owned()], earlier).await.unwrap_err();
    assert!(matches!(stale, WriteError::Refused(_)), "{stale}");
}
