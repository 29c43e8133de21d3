//! Both HTTP middlewares over real sockets: one suite, run with axum and with actix-web.
//!
//! Every test has five in-memory nodes of its own and ends when none of them stores a key. The locks live for a minute
//! unless a test is about losing one, so a key that is gone was released and did not expire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

/// Two tests of each `async fn(Stack)`: `axum` and `actix`, in a module named after it.
macro_rules! on_both_stacks {
    ($($test:ident)*) => {
        $(mod $test {
            use $crate::site::Stack;
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn axum() {
                super::$test(Stack::Axum).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn actix() {
                super::$test(Stack::Actix).await;
            }
        })*
    };
}

mod actix_app;
mod axum_app;
mod backend;
mod client;
mod disconnects;
mod endings;
mod exclusion;
mod handler;
mod keys;
mod lost;
mod outage;
mod probe;
mod shutdown;
mod site;
mod storm;
mod waiting;
