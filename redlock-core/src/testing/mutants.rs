//! Internal: deliberate breaks of this crate, each of which the simulator or a directed test must notice.
//!
//! Without the feature `mutants` none of this exists, and every hook is the constant `false`. With it nothing is broken
//! before a thread asks for it. Never turn it on in anything that is deployed.

use std::cell::Cell;
use std::time::Duration;

use crate::node::Terms;
use crate::node::token::Token;

macro_rules! mutants {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A rule that is left out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Mutant {
            $($(#[$doc])* $name,)*
        }

        impl Mutant {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

mutants! {
    /// A node whose fate is unknown counts as a grant.
    TimeoutIsYes,
    /// Release deletes whatever stands there.
    BlindDel,
    /// One less than a majority suffices.
    QuorumHalf,
    /// The clock is read at the last answer instead of before the first request.
    StartLate,
    /// What the round took is not taken off the validity.
    NoElapsed,
    /// An extension counts from its end.
    ExtendFromEnd,
    /// Extending sets the time to live whatever is left of it.
    ExtendMayShorten,
    /// A restarted node grants at once.
    NoGuard,
    /// Deadlines are reckoned by the wall clock.
    WallClock,
    /// A repair writes over whoever stands there.
    RepairNotNx,
    /// One node that extended suffices.
    ExtendIgnoresQuorum,
    /// All attempts of a process have one token.
    ReuseToken,
    /// The restart guard lasts half a time to live.
    GuardShort,
    /// No break of the code: the nodes' clocks are beyond the drift allowance.
    ClockTooFast,
    /// Extending brings back what is gone.
    ExtendRecreates,
    /// No allowance for drift.
    NoDrift,
    /// A node is raised whoever holds it.
    RaiseUnconditional,
    /// The fence is given out before a majority stands at it.
    NoWriteBack,
    /// A majority of the replies suffices for leaving out the second round.
    SkipOnReplies,
    /// The fence is the smallest number of the granting nodes.
    LowestFence,
    /// A counter is forgotten at once.
    CounterForgotten,
    /// A node takes the client's clock as it comes.
    HintNotClamped,
    /// A grant does not look at the counter.
    CounterNotKept,
    /// Of several resources only the first one's counter is looked at.
    FirstCounterOnly,
    /// An extension that comes back after the deadline counts.
    LateExtension,
    /// A grant that comes back to a claim that was released stays.
    LateGrantKept,
    /// A failed attempt does not release where it does not know.
    ReleaseOnlyGranted,
    /// An attempt that its caller left is not released.
    DropNotSwept,
    /// A hold and its renewal go on after the guard has gone.
    RenewalGoesOn,
    /// Those who wait for the loss are told a second late.
    LostLate,
    /// The deadline is not looked at after the last round.
    ValidityUnchecked,
    /// One server that is listed twice counts twice.
    TwinCounts,
    /// Who says after the first contact that it is the server of another node is asked beside that one.
    LateTwinPasses,
    /// The wait budget is ignored for ten times as long.
    WaitsOn,
    /// A release that failed is not tried again.
    ReleaseNotRetried,
    /// A majority that says the lock is gone is taken for no answer.
    TheftUnnoticed,
    /// Of what stands under a resource the token alone is compared.
    LabelNotCompared,
    /// Who takes over goes on under the giver's token.
    TakeOverSameToken,
    /// The giver's hold goes on beside the text.
    GiverGoesOn,
    /// That the giver's value stands there suffices for a hold to be continued.
    ContinuedByToken,
    /// A keep cuts the time of the token and leaves it there.
    KeepTokenStays,
    /// The lease goes on when its lock is kept.
    KeepLeaseGoesOn,
    /// A keep that failed is tried again as a release.
    KeepRetriedPlainly,
    /// A keep gives what it keeps all of the rest, whatever was left.
    KeepLengthens,
    /// A release ends all shares of the resource.
    ShareReleaseDels,
    /// A resource lives as long as the share that came last.
    ShareKeyLivesAsLast,
    /// Extending a share sets its end whatever it was.
    ShareExtendShortens,
    /// The fence of a share is given out before a majority stands at it.
    ShareNoRaise,
    /// A share has the number of the exclusive grant before it.
    ShareSameNumber,
    /// A restarted node gives shares at once.
    ShareUnguarded,
    /// A downgrade gives the lock up before it takes the share.
    DowngradeTwoSteps,
    /// An exclusive grant does not look at shares.
    ExclusiveOverShares,
    /// An intent has no end.
    IntentForEver,
    /// An intent stops extensions of shares.
    IntentStopsExtension,
    /// A majority of grants of whatever slots gives a permit.
    SlotAny,
    /// A slot under which something stands that no lock made is given all the same.
    SlotOverJunk,
    /// Other slots that nodes gave to a permit stay taken.
    SlotExtrasKept,
    /// Everybody asks for the lowest slot first.
    SlotsFromLowest,
    /// Work under a lease makes a step before the loss is looked at.
    WorkGoesOn,
    /// A leader is told to step down when it has lost already.
    StepsDownLate,
    /// A leader resigns before its work has ended.
    ResignsEarly,
}

thread_local! {
    static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Breaks this thread, or mends it.
pub fn set(mutant: Option<Mutant>) {
    ACTIVE.with(|active| active.set(mutant));
}

/// What this thread breaks.
pub fn active() -> Option<Mutant> {
    ACTIVE.with(Cell::get)
}

pub(crate) fn is_active(mutant: Mutant) -> bool {
    active() == Some(mutant)
}

/// The one token of whatever lives at `address`.
pub(crate) fn token_of(address: usize) -> Option<Token> {
    Token::parse(&format!("{address:040x}")).ok()
}

/// Marks the terms of a repair that is to write over whoever stands there.
pub(crate) fn overwriting(terms: Terms) -> Terms {
    terms.with_guard(Some(Duration::ZERO))
}

/// Whether terms are so marked.
pub(crate) fn overwrites(terms: &Terms) -> bool {
    terms.guard == Some(Duration::ZERO)
}
