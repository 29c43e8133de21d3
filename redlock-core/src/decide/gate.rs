//! Pure: what a resource checks the fences of readers and writers with.

use std::sync::{Mutex, PoisonError};

use super::fence::{Fence, StaleFence};

/// What a resource in this process checks its [readers](crate::Redlock::read) and writers with; one for each resource. For
/// writers alone there is [`FenceGate`](crate::FenceGate).
///
/// A reader's fence is greater than that of every writer before, and a writer's than that of every reader before; readers
/// between two writers may have the same one. So a writer is stale once a later reader or writer was admitted, and a reader
/// once a later writer was. A writer that [became a reader](crate::LockGuard::downgrade) reads on with its fence.
///
/// Between the check and what follows no other check may pass: hold the lock that guards the data over both.
///
/// ```
/// use redlock_core::{Fence, RwFenceGate};
///
/// let gate = RwFenceGate::new();
/// let [writer, reader, next] = [40_u64, 41, 42].map(|number| Fence::try_from(number).unwrap());
/// assert!(gate.admit_write(writer).is_ok());
/// assert!(gate.admit_read(writer).is_ok()); // downgraded
/// assert!(gate.admit_read(reader).is_ok() && gate.admit_read(reader).is_ok());
/// assert_eq!(gate.admit_write(writer).unwrap_err().highest(), reader); // paused, and too late
/// assert!(gate.admit_write(next).is_ok());
/// assert_eq!(gate.admit_read(reader).unwrap_err().highest(), next);
/// ```
#[derive(Debug, Default)]
pub struct RwFenceGate(Mutex<Highest>);

#[derive(Debug, Default, Clone, Copy)]
struct Highest {
    writer: Option<Fence>,
    any: Option<Fence>,
}

impl RwFenceGate {
    /// A gate that has seen nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a writer pass unless a later reader or writer was there before.
    ///
    /// # Errors
    ///
    /// When a larger fence was admitted: the lock of this one is over.
    pub fn admit_write(&self, fence: Fence) -> Result<(), StaleFence> {
        self.with(|seen| {
            above(fence, seen.any)?;
            *seen = Highest { writer: Some(fence), any: Some(fence) };
            Ok(())
        })
    }

    /// Lets a reader pass unless a later writer was there before.
    ///
    /// # Errors
    ///
    /// When a writer with a larger fence was admitted: the share of this one is over.
    pub fn admit_read(&self, fence: Fence) -> Result<(), StaleFence> {
        self.with(|seen| {
            above(fence, seen.writer)?;
            seen.any = seen.any.max(Some(fence));
            Ok(())
        })
    }

    fn with<T>(&self, check: impl FnOnce(&mut Highest) -> T) -> T {
        // Nothing panics while it is locked.
        check(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn above(fence: Fence, seen: Option<Fence>) -> Result<(), StaleFence> {
    match seen {
        Some(highest) if highest > fence => Err(StaleFence::new(fence, highest)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fence(number: u64) -> Fence {
        Fence::try_from(number).unwrap()
    }

    #[test]
    fn readers_of_one_phase_never_refuse_each_other() {
        let gate = RwFenceGate::new();
        for number in [3, 5, 3, 4] {
            assert!(gate.admit_read(fence(number)).is_ok());
        }
        assert_eq!(gate.admit_write(fence(4)).unwrap_err().highest(), fence(5));
        assert!(gate.admit_write(fence(6)).is_ok());
        assert_eq!(gate.admit_read(fence(5)).unwrap_err().highest(), fence(6));
        assert!(gate.admit_write(fence(6)).is_ok() && gate.admit_read(fence(6)).is_ok());
    }

    proptest! {
        #[test]
        fn nobody_passes_behind_who_excludes_it(
            steps in prop::collection::vec((any::<bool>(), 1_u64..20), 1..50),
        ) {
            let gate = RwFenceGate::new();
            let mut passed: Vec<(bool, u64)> = Vec::new();
            for (writes, number) in steps {
                let stale = passed.iter().any(|(wrote, before)| *before > number && (writes || *wrote));
                let fence = fence(number);
                let ok = if writes { gate.admit_write(fence) } else { gate.admit_read(fence) }.is_ok();
                prop_assert_eq!(ok, !stale);
                if ok {
                    passed.push((writes, number));
                }
            }
        }
    }
}
