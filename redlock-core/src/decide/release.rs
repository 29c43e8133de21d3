/// What a release found. Whichever it is, nobody holds the lock any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// A majority of nodes held the lock until now. It is free.
    Released,
    /// A majority of nodes held the lock until now, and keeps it from everybody until
    /// [`at_least`](crate::LockOptions::at_least) is over.
    Kept,
    /// The lock had expired or was lost before. That is no error: it is free, or somebody else's.
    AlreadyGone,
    /// Whether a majority of nodes held the lock until now cannot be told: some did, some did not any more, and the rest
    /// did not answer.
    Uncertain,
}
