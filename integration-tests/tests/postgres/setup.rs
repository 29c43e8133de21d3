//! A database of one's own, and what is looked up in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use integration_tests::postgres;
use redlock_core::Fence;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};

use crate::fenced::connect_options;

pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// Longer than anything here leaves a transaction alone.
const IDLE: Duration = Duration::from_secs(60);

pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) pool: PgPool,
}

impl Database {
    /// Empty tables.
    pub(crate) async fn create() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = postgres().await;
        let mut admin = PgConnection::connect(&server.url("postgres")).await.unwrap();
        admin.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
        let url = server.url(&name);
        let pool = pool(&url, IDLE).await;
        pool.execute(SCHEMA).await.unwrap();
        Self { url, pool }
    }

    pub(crate) async fn with_accounts<const N: usize>(balances: [(i64, i64); N]) -> Self {
        let database = Self::create().await;
        for (id, balance) in balances {
            let insert = sqlx::query("INSERT INTO accounts (id, balance) VALUES ($1, $2)");
            insert.bind(id).bind(balance).execute(&database.pool).await.unwrap();
        }
        database
    }

    pub(crate) async fn balance(&self, id: i64) -> i64 {
        let select = sqlx::query_scalar("SELECT balance FROM accounts WHERE id = $1");
        select.bind(id).fetch_one(&self.pool).await.unwrap()
    }

    /// Balance and fence.
    pub(crate) async fn account(&self, id: i64) -> (i64, i64) {
        let select = sqlx::query_as("SELECT balance, fence FROM accounts WHERE id = $1");
        select.bind(id).fetch_one(&self.pool).await.unwrap()
    }

    /// What the table of fences has for a resource.
    pub(crate) async fn fence(&self, resource: &str) -> Option<i64> {
        let select = sqlx::query_scalar("SELECT fence FROM fences WHERE resource = $1");
        select.bind(resource).fetch_optional(&self.pool).await.unwrap()
    }

    /// Waits until so many sessions wait for a lock of another one's.
    pub(crate) async fn until_waiting(&self, sessions: i64) {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting =
            async || sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.pool).await.unwrap();
        let begin = Instant::now();
        while waiting().await != sessions {
            assert!(begin.elapsed() < Duration::from_secs(60), "nobody waits");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) async fn pool(url: &str, idle: Duration) -> PgPool {
    PgPoolOptions::new().connect_with(connect_options(url, idle).unwrap()).await.unwrap()
}

/// The fence of an earlier holder and that of a later one.
pub(crate) fn fences() -> [Fence; 2] {
    [1_764_000_000_000_000_u64, 1_764_000_000_000_002].map(|number| number.try_into().unwrap())
}
