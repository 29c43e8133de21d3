//! Will lock per route, as a tower layer over `redlock-core`.
//!
//! There is nothing here yet. Until there is, take the lock in the handler:
//! [`Redlock::try_lock`](https://docs.rs/redlock-core) at its start, and answer 409 when it is contended, 503 when
//! no majority of the nodes answers.
