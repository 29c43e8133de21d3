//! A row that has the fence of whoever wrote it last.

use redlock_core::Fence;

use crate::fenced::{WriteError, claim_balance, set_balance};
use crate::setup::{Database, fences};

fn refused<T: std::fmt::Debug>(write: Result<T, WriteError>) -> bool {
    matches!(write.unwrap_err(), WriteError::Refused(_))
}

#[tokio::test]
async fn a_stale_write_changes_no_row_and_an_equal_fence_passes_again() {
    let database = Database::with_accounts([(1, 100), (2, 7)]).await;
    let mut db = database.pool.acquire().await.unwrap();
    let [earlier, later] = fences();
    set_balance(&mut db, 1, 110, earlier).await.unwrap();
    set_balance(&mut db, 1, 160, later).await.unwrap();
    assert!(refused(set_balance(&mut db, 1, 120, earlier).await));
    assert!(refused(claim_balance(&mut db, 1, earlier).await));
    assert_eq!(database.account(1).await, (160, later.as_i64()));
    set_balance(&mut db, 1, 170, later).await.unwrap();
    assert_eq!(claim_balance(&mut db, 1, later).await.unwrap(), 170);
    assert_eq!(database.account(1).await, (170, later.as_i64()));
    assert_eq!(database.account(2).await, (7, 0));
}

#[tokio::test]
async fn a_row_that_is_not_there_is_refused() {
    let database = Database::create().await;
    let mut db = database.pool.acquire().await.unwrap();
    let [fence, _] = fences();
    assert!(refused(claim_balance(&mut db, 1, fence).await));
    assert!(refused(set_balance(&mut db, 1, 110, fence).await));
}

#[tokio::test]
async fn a_largest_fence_is_exact_and_a_missing_one_changes_nothing() {
    let database = Database::with_accounts([(1, 100)]).await;
    let mut db = database.pool.acquire().await.unwrap();
    let largest = Fence::try_from((1_u64 << 53) - 1).unwrap();
    let last_but_one = Fence::try_from((1_u64 << 53) - 2).unwrap();
    set_balance(&mut db, 1, 110, largest).await.unwrap();
    assert!(refused(set_balance(&mut db, 1, 120, last_but_one).await));
    // Of a handle without fencing.
    let missing: Option<Fence> = None;
    let write = sqlx::query("UPDATE accounts SET balance = 0 WHERE id = 1 AND fence <= $1");
    let done = write.bind(missing.map(i64::from)).execute(&mut *db).await.unwrap();
    assert_eq!(done.rows_affected(), 0);
    assert_eq!(database.account(1).await, (110, largest.as_i64()));
}

#[tokio::test]
async fn a_row_whose_fence_is_null_refuses_everybody() {
    let database = Database::with_accounts([(1, 100)]).await;
    let mut db = database.pool.acquire().await.unwrap();
    let alter = "ALTER TABLE accounts ALTER fence DROP NOT NULL";
    for sql in [alter, "UPDATE accounts SET fence = NULL"] {
        sqlx::query(sql).execute(&mut *db).await.unwrap();
    }
    for fence in fences() {
        assert!(refused(claim_balance(&mut db, 1, fence).await));
        assert!(refused(set_balance(&mut db, 1, 110, fence).await));
    }
    assert_eq!(database.balance(1).await, 100);
}

/// The earlier holder's write is under way while the later one begins: it comes before or after the claim.
async fn later_holder(claims: bool, late_write_passes: bool) -> i64 {
    let database = Database::with_accounts([(1, 100)]).await;
    let mut db = database.pool.acquire().await.unwrap();
    let [earlier, later] = fences();
    let read = claim_balance(&mut db, 1, earlier).await.unwrap();
    let seen = if claims {
        claim_balance(&mut db, 1, later).await.unwrap()
    } else {
        database.balance(1).await
    };
    let late = set_balance(&mut db, 1, read + 10, earlier).await;
    assert_eq!(late.is_ok(), late_write_passes);
    set_balance(&mut db, 1, seen + 50, later).await.unwrap();
    database.balance(1).await
}

#[tokio::test]
async fn who_claims_the_row_before_reading_it_overwrites_nothing() {
    assert_eq!(later_holder(true, false).await, 150, "and the earlier holder knows that he failed");
}

#[tokio::test]
async fn who_reads_without_a_claim_overwrites_what_came_late_and_was_let_in() {
    assert_eq!(later_holder(false, true).await, 150, "the earlier holder's ten are gone");
}
