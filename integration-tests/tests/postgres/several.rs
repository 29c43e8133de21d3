//! Several rows in one transaction, which a table of fences guards.

use crate::fenced::{WriteError, claim, transfer};
use crate::setup::{Database, fences};

fn resources<const N: usize>(ids: [i64; N]) -> [String; N] {
    ids.map(|id| format!("account:{id}"))
}

#[tokio::test]
async fn a_stale_transaction_changes_none_of_its_rows() {
    let database = Database::with_accounts([(1, 100), (2, 100), (3, 100)]).await;
    let [earlier, later] = fences();
    transfer(&database.pool, [1, 2], 10, earlier).await.unwrap();
    transfer(&database.pool, [2, 3], 10, later).await.unwrap();
    transfer(&database.pool, [2, 3], 10, later).await.unwrap();
    // It may write the first of its rows, and no longer the second one.
    let stale = transfer(&database.pool, [1, 2], 10, earlier).await.unwrap_err();
    assert!(matches!(stale, WriteError::Refused(fence) if fence == earlier), "{stale}");
    let balances = [1, 2, 3].map(|id| database.balance(id));
    assert_eq!(futures_util::future::join_all(balances).await, [90, 90, 120]);
    assert_eq!(database.fence("account:1").await, Some(earlier.as_i64()));
    assert_eq!(database.fence("account:2").await, Some(later.as_i64()));
}

#[tokio::test]
async fn a_transaction_whose_second_row_is_not_there_changes_nothing() {
    let database = Database::with_accounts([(1, 100)]).await;
    let [fence, _] = fences();
    let outcome = transfer(&database.pool, [1, 2], 10, fence).await;
    assert!(matches!(outcome, Err(WriteError::Refused(_))), "{outcome:?}");
    assert_eq!(database.account(1).await, (100, 0));
}

#[tokio::test]
async fn a_claim_that_is_refused_leaves_nothing_of_itself() {
    let database = Database::create().await;
    let [earlier, later] = fences();
    let mut tx = database.pool.begin().await.unwrap();
    claim(&mut tx, &resources([2]), later).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = database.pool.begin().await.unwrap();
    assert!(claim(&mut tx, &resources([1, 2]), earlier).await.is_err());
    drop(tx);
    assert_eq!(database.fence("account:1").await, None);
    assert_eq!(database.fence("account:2").await, Some(later.as_i64()));
}

#[tokio::test]
async fn claims_in_any_order_do_not_wait_for_each_other_in_a_circle() {
    let database = Database::create().await;
    let [fence, _] = fences();
    let mut db = database.pool.acquire().await.unwrap();
    claim(&mut db, &resources([1, 2]), fence).await.unwrap();
    let mut first = database.pool.begin().await.unwrap();
    claim(&mut first, &resources([1]), fence).await.unwrap();
    let mut claims = Vec::new();
    for (waiting, ids) in [(1, [1, 2]), (2, [2, 1])] {
        let pool = database.pool.clone();
        claims.push(tokio::spawn(async move {
            let mut tx = pool.begin().await?;
            claim(&mut tx, &resources(ids), fence).await?;
            Ok::<_, WriteError>(tx.commit().await?)
        }));
        database.until_waiting(waiting).await;
    }
    // Its rows are as before, so those who wait for one have it in the order in which they came.
    first.rollback().await.unwrap();
    for claim in claims {
        claim.await.unwrap().expect("no deadlock");
    }
}
