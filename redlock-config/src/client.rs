use std::fmt;

/// Which library speaks to the servers. Each needs the feature of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientKind {
    /// The `redis` crate. The default, whatever features there are.
    #[default]
    Redis,
    /// The `fred` crate.
    Fred,
}

impl ClientKind {
    /// As it is written in settings: `redis` or `fred`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Fred => "fred",
        }
    }
}

impl fmt::Display for ClientKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
