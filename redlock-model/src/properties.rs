//! What must never be, and what must be possible lest the rest be true of nothing.

use stateright::Property;

use crate::setting::Setting;
use crate::state::{Phase, State};

/// No two attempts hold the lock at a time. Needs sound timing.
pub const MUTEX: &str = "mutual exclusion";
/// Fences grow in the order in which holders get them. Needs sound timing.
pub const ORDER: &str = "grant order";
/// An attempt that began after a fence was returned gets a larger one.
pub const REAL_TIME: &str = "real time";
/// No two attempts get the same fence.
pub const UNIQUE: &str = "unique";
/// Every attempt held, one after the other.
pub const ALL_HELD: &str = "all held";
/// An attempt held by its second phase.
pub const RAISED: &str = "second phase";
/// A node that had lost its memory took part in a hold.
pub const RESTARTED: &str = "after a crash";

/// All of them, in the order of the table.
pub(crate) const ALL: &[&str] = &[MUTEX, ORDER, REAL_TIME, UNIQUE, ALL_HELD, RAISED, RESTARTED];

pub(crate) fn of(setting: &Setting) -> Vec<Property<Setting>> {
    let mut all = vec![
        Property::<Setting>::always(MUTEX, |_, state: &State| state.holders().nth(1).is_none()),
        Property::<Setting>::always(ORDER, |_, state: &State| !state.faults.grant_order),
        Property::<Setting>::always(REAL_TIME, |_, state: &State| !state.faults.real_time),
        Property::<Setting>::always(UNIQUE, |_, state: &State| !state.faults.unique),
        Property::<Setting>::sometimes(ALL_HELD, |setting, state: &State| {
            state.attempts[..setting.attempts].iter().all(|attempt| attempt.fence().is_some())
        }),
        Property::<Setting>::sometimes(RAISED, |_, state: &State| {
            let raised = |phase: &Phase| matches!(phase, Phase::Held { raised: true, .. });
            state.attempts.iter().any(|attempt| raised(&attempt.phase))
        }),
    ];
    if setting.crashes > 0 {
        all.push(Property::<Setting>::sometimes(RESTARTED, |_, state: &State| {
            let again = |holder: usize| {
                let holds = |lock: usize| lock == holder;
                state.nodes.iter().any(|node| {
                    node.restarted.is_some() && node.lock.map(usize::from).is_some_and(holds)
                })
            };
            state.holders().any(again)
        }));
    }
    all
}
