//! What must hold in every run.
//!
//! | invariant | where it comes from | also outside the assumptions |
//! |---|---|---|
//! | [mutual exclusion](exclusion) | Redis docs, "Distributed Locks with Redis", safety property | no |
//! | [continuity](continuity) | the same; an extension must not bridge a gap in a hold | no |
//! | [validity](validity) | the same, "MIN_VALIDITY" | no |
//! | [fence order](fences) | `fence.rs`: unique, and increasing in real time | yes |
//! | [hold order](hold_order) | `fence.rs`: increasing from holder to holder | no |
//! | [continuation](continuation) | `handover.rs`: a hold is continued only where nobody was in between | no |
//! | [stale writes](gate) | Kleppmann, "How to do distributed locking", fencing tokens | yes |
//! | [leaders](leaders) | `Leader`: terms grow, one at a time, no work and no silence at the end | no |
//! | [announced loss](announced) | `Lease::lost`: at the exact local deadline | no |
//! | [foreign keys](foreign) | contract of `LockNode`, compare before change | yes |
//! | [leftovers](leftovers) | Redis docs, liveness property A; nothing stays behind | yes |
//! | [progress](progress) | Redis docs, liveness property B | yes |
//! | [bounded calls](bounded) | docs of each method | yes |
//! | [at least](at_least) | `LockOptions::at_least`: nobody else before | no |
//! | [permits](permits) | `Semaphore`: at most so many in use, and one holder a slot | no |
//! | [command order](order) | contract of `LockNode`, order: no acquire behind its release | yes |
//! | [answers](answers) | the adapters: what a node answers reaches who asked | where nothing is lost |
//! | [outlived](outlived) | the driver: what is released goes, whatever becomes of the first release | yes |
//! | [meeting](meeting) | `NodeSet`: a node is asked once it has said who it is, and a server over one node | yes |
//! | [admission](admission) | `LockOptions::writer_intent`: a writer among endless readers gets in | where nothing fails |

mod admission;
mod announced;
mod answers;
mod at_least;
mod bounded;
mod continuation;
mod continuity;
mod exclusion;
mod fences;
mod foreign;
mod gate;
mod hold_order;
mod leaders;
mod leftovers;
mod meeting;
mod order;
mod outlived;
mod permits;
mod progress;
mod validity;

use super::ledger::Ledger;
use super::world::World;

pub(crate) enum Event {
    /// A hold was given out.
    Granted(usize),
    /// A holder, which may have extended or been renewed, is looked at.
    Looked(usize),
    /// A leader's work makes a step.
    Worked(usize),
    Wrote {
        hold: usize,
        key: usize,
        passed: bool,
    },
    /// A call came back; times in microseconds.
    Called {
        what: &'static str,
        took: u64,
        bound: u64,
    },
    /// All is well again and a newcomer wanted a lock.
    Progress {
        key: usize,
        failure: Option<String>,
    },
    /// A writer waited among readers who always come again, for so many microseconds, and had the lock or not.
    Waited {
        micros: u64,
        failure: Option<String>,
    },
    /// A node is about to do an acquire whose release it did before, both over one connection.
    Behind {
        process: usize,
        node: usize,
        awaited: bool,
    },
    /// A caller's time limit passed.
    Unanswered {
        process: usize,
        node: usize,
    },
    /// Nothing fails any more, nothing is under way, and no lock has ended by itself.
    Quiet,
    /// A node is asked for a lock that has not said who it is; or that is the server of this one, which was asked for the
    /// same one.
    Asked {
        process: usize,
        entry: usize,
        twin: Option<usize>,
    },
    /// All handles were closed.
    Closed,
    /// The last lock must have expired.
    Expired,
    /// The last counter must be forgotten.
    Forgotten,
}

type Check = fn(&World, &Ledger, &Event) -> Result<(), String>;

pub(crate) struct Invariant {
    pub(crate) name: &'static str,
    /// Whether it holds in runs that break the assumptions, too.
    pub(crate) always: bool,
    pub(crate) check: Check,
}

pub(crate) const EXCLUSION: &str = "mutual exclusion";

pub(crate) const ALL: &[Invariant] = &[
    promised(EXCLUSION, exclusion::check),
    promised("continuity", continuity::check),
    promised("validity", validity::check),
    always("fence order", fences::check),
    promised("hold order", hold_order::check),
    always("stale writes", gate::check),
    promised("announced loss", announced::check),
    promised("leaders", leaders::check),
    always("foreign keys", foreign::check),
    always("leftovers", leftovers::check),
    always("progress", progress::check),
    always("bounded calls", bounded::check),
    promised("at least", at_least::check),
    promised("continuation", continuation::check),
    promised("permits", permits::check),
    always("command order", order::check),
    always("answers", answers::check),
    always("outlived", outlived::check),
    always("meeting", meeting::check),
    promised("admission", admission::check),
];

const fn promised(name: &'static str, check: Check) -> Invariant {
    Invariant { name, always: false, check }
}

const fn always(name: &'static str, check: Check) -> Invariant {
    Invariant { name, always: true, check }
}
