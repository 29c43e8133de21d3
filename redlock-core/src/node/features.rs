//! What a node can do.

/// What a backend can do beyond locking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Features {
    /// It keeps fencing counters: rule 8 of the [contract](crate::node::LockNode#contract).
    pub fencing: bool,
    /// It keeps out of votes after a restart: rule 9.
    pub restart_guard: bool,
    /// It tells and hears of releases: rule 10.
    pub wake_ups: bool,
    /// It swaps a former value for the claim's: rule 11.
    pub swapping: bool,
    /// It keeps resources from everybody for a while after their hold: rule 12.
    pub keeping: bool,
    /// It shares resources among those who ask for that: rules 14 and 15.
    pub shared: bool,
    /// It gives one of several resources: rule 17.
    pub slots: bool,
    /// It tells all that stands on it: rule 16.
    pub scanning: bool,
}

impl Features {
    /// All that this version has verbs for.
    pub fn all() -> Self {
        Self {
            fencing: true,
            restart_guard: true,
            wake_ups: true,
            swapping: true,
            keeping: true,
            shared: true,
            slots: true,
            scanning: true,
        }
    }
}
