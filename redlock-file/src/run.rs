//! A run of the node: from the first use of a directory after it was made, or after the machine started, for as long as
//! both last. What the restart guard goes by, for a directory that is new may stand where one with locks was removed.

use std::time::Duration;

use crate::clock::{Boot, Times};
use crate::record::{Garbled, Reader, seal, unseal};

pub(crate) const MAGIC: &[u8; 4] = b"RLR1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) id: u128,
    pub(crate) boot: Boot,
    /// On the boot-time clock.
    started: u64,
}

impl Run {
    pub(crate) fn new(id: u128, boot: Boot, now: Times) -> Self {
        Self { id, boot, started: now.boot }
    }

    pub(crate) fn uptime(&self, now: Times) -> Duration {
        Duration::from_nanos(now.boot.saturating_sub(self.started))
    }

    /// Whether the machine was not started since, as far as can be told.
    pub(crate) fn lasts(&self, boot: &Boot, now: Times) -> bool {
        self.boot.id == boot.id && self.started <= now.boot
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.boot.id);
        out.extend_from_slice(&self.boot.namespace.to_le_bytes());
        out.extend_from_slice(&self.started.to_le_bytes());
        seal(out)
    }

    pub(crate) fn decode(content: &[u8]) -> Result<Self, Garbled> {
        let mut rest = Reader(unseal(content)?);
        if rest.array::<4>()? != *MAGIC {
            return Err(Garbled);
        }
        let id = u128::from_le_bytes(rest.array()?);
        let boot = Boot { id: rest.array()?, namespace: rest.u64()? };
        let started = rest.u64()?;
        if rest.0.is_empty() { Ok(Self { id, boot, started }) } else { Err(Garbled) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_reads_as_it_was_written_and_nothing_else_does() {
        let boot = Boot { id: [7; 16], namespace: 9 };
        let (then, now) = (Times { boot: 5, wall: 0 }, Times { boot: 1_000_000_005, wall: 0 });
        let run = Run::new(3, boot, then);
        let content = run.encode();
        assert_eq!(Run::decode(&content), Ok(run));
        assert_eq!(run.uptime(now), Duration::from_secs(1));
        assert!(run.lasts(&boot, now) && !run.lasts(&Boot { id: [8; 16], ..boot }, now));
        for len in 0..content.len() {
            assert_eq!(Run::decode(&content[..len]), Err(Garbled));
        }
    }
}
