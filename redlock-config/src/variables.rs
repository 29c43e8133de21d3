//! The variables that are read. A table with examples is in `docs/CONFIGURATION.md`.
//!
//! One that is set and cannot be used (empty, no UTF-8, a value that breaks its rule) is an error that names it; only
//! [`USERNAME`] and [`PASSWORD`] may be set to nothing, for a service that needs no login.

/// The nodes, separated by commas: `redis://a,redis://b,redis://c`.
pub const NODES: &str = "REDLOCK_NODES";

/// The user of those nodes whose URL has no login of its own. Of no use without [`PASSWORD`].
pub const USERNAME: &str = "REDLOCK_USERNAME";

/// The password of those nodes whose URL has none.
pub const PASSWORD: &str = "REDLOCK_PASSWORD";

/// Which library speaks to the servers: `redis` (the default) or `fred`.
pub const CLIENT: &str = "REDLOCK_CLIENT";

/// Put before every key on the nodes.
pub const KEY_PREFIX: &str = "REDLOCK_KEY_PREFIX";

/// The longest time to live that any client of these nodes uses, where the restart guard is to be on: `60s`.
pub const RESTART_GUARD: &str = "REDLOCK_RESTART_GUARD";

/// The time to live: `10s`.
pub const TTL: &str = "REDLOCK_TTL";

/// The file, in place of the usual ones.
pub const CONFIG: &str = "REDLOCK_CONFIG";
