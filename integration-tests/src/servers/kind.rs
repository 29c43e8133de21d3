//! The servers the tests know.

use std::path::{Path, PathBuf};

/// Which server to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The system's `redis-server`; 7.0 on Debian 12.
    Redis70,
    /// Valkey 9.1.
    Valkey91,
    /// Redis 6.2: no `SET NX GET`.
    Redis62,
}

impl Kind {
    /// Every kind, for tests that run on all of them.
    pub const ALL: [Kind; 3] = [Kind::Redis70, Kind::Valkey91, Kind::Redis62];

    /// The name `scripts/test-image` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Redis70 => "redis",
            Kind::Valkey91 => "valkey",
            Kind::Redis62 => "redis62",
        }
    }

    /// How it is had.
    pub(super) fn wanted(self) -> Wanted {
        let image_variable = match self {
            Kind::Redis70 => "REDLOCK_TEST_IMAGE",
            Kind::Valkey91 => "REDLOCK_TEST_IMAGE_VALKEY",
            Kind::Redis62 => "REDLOCK_TEST_IMAGE_REDIS62",
        };
        Wanted { image: self.name(), image_variable, binary: self.binary() }
    }

    /// Where its binary is, or how to get it.
    pub(super) fn binary(self) -> Result<PathBuf, String> {
        let unpacked = repository().join("target/test-servers");
        let (candidates, remedy) = match self {
            Kind::Redis70 => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                let found = std::env::split_paths(&path).map(|dir| dir.join("redis-server"));
                (found.collect(), "`./scripts/test-servers` or `apt-get install -y redis-server`")
            }
            Kind::Valkey91 => {
                (vec![unpacked.join("valkey/valkey-server")], "`./scripts/test-servers`")
            }
            Kind::Redis62 => {
                (vec![unpacked.join("redis62/redis-server")], "`./scripts/test-servers`")
            }
        };
        candidates
            .into_iter()
            .find(|path| path.is_file())
            .ok_or_else(|| format!("no server binary for {self:?}; run {remedy}"))
    }
}

/// A server that may be a container or a local process.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The name that `scripts/test-image` knows it by.
    pub(super) image: &'static str,
    /// The variable that names another image.
    pub(super) image_variable: &'static str,
    /// Where its binary is, or how to get it.
    pub(super) binary: Result<PathBuf, String>,
}

pub(super) fn repository() -> PathBuf {
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_directory.parent().unwrap_or(crate_directory).to_owned()
}
