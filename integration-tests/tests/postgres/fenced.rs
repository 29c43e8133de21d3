//! How a service writes to PostgreSQL under a lock. `docs/SAFETY.md` shows this code, and `document.rs` compares.

use std::str::FromStr;
use std::time::Duration;

use redlock_core::{Fence, Lease};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};

#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("the fence {0} is stale, or there is no such row")]
    Refused(Fence),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl WriteError {
    /// PostgreSQL undid the transaction for the sake of another one: the same again may pass.
    pub(crate) fn is_retryable(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        matches!(error.code().as_deref(), Some("40001" | "40P01")) // serialization failure, deadlock
    }
}

fn admitted(rows: u64, wanted: usize, fence: Fence) -> Result<(), WriteError> {
    if rows == wanted as u64 { Ok(()) } else { Err(WriteError::Refused(fence)) }
}

/// Reads the balance. From here on nobody who held the lock before can change it.
pub(crate) async fn claim_balance(
    db: &mut PgConnection,
    id: i64,
    fence: Fence,
) -> Result<i64, WriteError> {
    let sql = "UPDATE accounts SET fence = $1 WHERE id = $2 AND fence <= $1 RETURNING balance";
    let claim = sqlx::query_scalar(sql).bind(fence.as_i64()).bind(id);
    claim.fetch_optional(db).await?.ok_or(WriteError::Refused(fence))
}

pub(crate) async fn set_balance(
    db: &mut PgConnection,
    id: i64,
    balance: i64,
    fence: Fence,
) -> Result<(), WriteError> {
    let sql = "UPDATE accounts SET balance = $2, fence = $1 WHERE id = $3 AND fence <= $1";
    let write = sqlx::query(sql).bind(fence.as_i64()).bind(balance).bind(id);
    admitted(write.execute(db).await?.rows_affected(), 1, fence)
}

pub(crate) async fn put_balance(
    db: &mut PgConnection,
    id: i64,
    balance: i64,
    fence: Fence,
) -> Result<(), WriteError> {
    let sql = "INSERT INTO accounts AS a (id, balance, fence) VALUES ($3, $2, $1)
               ON CONFLICT (id) DO UPDATE SET balance = EXCLUDED.balance, fence = EXCLUDED.fence
               WHERE a.fence <= EXCLUDED.fence";
    let write = sqlx::query(sql).bind(fence.as_i64()).bind(balance).bind(id);
    admitted(write.execute(db).await?.rows_affected(), 1, fence)
}

/// Comes first in a transaction, before it reads anything.
pub(crate) async fn claim(
    tx: &mut PgConnection,
    resources: &[String],
    fence: Fence,
) -> Result<(), WriteError> {
    // Sorted: who claims the same ones in another order waits, where there would be a deadlock.
    let sql = "INSERT INTO fences AS f (resource, fence)
               SELECT resource, $1 FROM unnest($2::text[]) AS resource ORDER BY resource
               ON CONFLICT (resource) DO UPDATE SET fence = EXCLUDED.fence
               WHERE f.fence <= EXCLUDED.fence";
    let claim = sqlx::query(sql).bind(fence.as_i64()).bind(resources);
    admitted(claim.execute(tx).await?.rows_affected(), resources.len(), fence)
}

pub(crate) async fn transfer(
    db: &PgPool,
    [from, to]: [i64; 2],
    amount: i64,
    fence: Fence,
) -> Result<(), WriteError> {
    let mut tx = db.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
    claim(&mut tx, &[from, to].map(|id| format!("account:{id}")), fence).await?;
    let sql = "UPDATE accounts SET balance = balance + $1 WHERE id = $2";
    for (id, amount) in [(from, -amount), (to, amount)] {
        let done = sqlx::query(sql).bind(amount).bind(id).execute(&mut *tx).await?;
        admitted(done.rows_affected(), 1, fence)?;
    }
    Ok(tx.commit().await?)
}

/// The same fence again: what was computed under this lock is not written under another one.
pub(crate) async fn while_held<T, F: Future<Output = Result<T, WriteError>>>(
    lease: &Lease,
    mut work: impl FnMut() -> F,
) -> Result<T, WriteError> {
    loop {
        match work().await {
            Err(error) if error.is_retryable() && !lease.is_lost() => {}
            outcome => return outcome,
        }
    }
}

/// A holder that is stopped within a transaction keeps its rows locked, until the server ends the session.
pub(crate) fn connect_options(url: &str, idle: Duration) -> Result<PgConnectOptions, sqlx::Error> {
    let idle = format!("{}ms", idle.as_millis());
    Ok(PgConnectOptions::from_str(url)?.options([("idle_in_transaction_session_timeout", idle)]))
}
