//! The contract that every backend keeps.

mod answers;
mod claim;
pub(crate) mod config_error;
mod fault;
mod features;
mod into_key;
mod into_node;
pub mod key;
pub mod label;
mod listener;
mod scan;
mod terms;
pub mod token;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub(crate) use answers::fingerprint;
pub use answers::{
    Expiry, Extension, Holder, Holding, Identity, Placed, Removal, Share, Shares, Vote,
};
pub use claim::{Claim, Mode};
pub use fault::{Fault, FaultClass, NodeError};
pub use features::Features;
pub use into_node::IntoLockNode;
pub use listener::Listener;
pub use scan::{Found, Page};
pub use terms::{FenceTerms, Terms, millis};

use crate::node::key::LockKey;

/// One independent lock server.
///
/// A node is a master of its own, never a replica of another node in the set: the quorum's safety rests
/// on N nodes being N separate memories. Implementations translate; every decision is the caller's.
///
/// # Contract
///
/// 1. **Atomic.** Each verb looks at and changes all of the claim's resources in one step. All reads, and
///    everything that can fail, come before the first write.
/// 2. **Acquire is idempotent, and says so.** Where every resource is free or holds this very [value](Claim::value), the free
///    ones are taken and the others' time to live is left alone. The answer is [`Vote::Granted`] only if all
///    were free; if one held the value it is [`Vote::AlreadyOurs`], for an attempt asks each node once, and one
///    server that answers for two nodes must not count twice. Otherwise nothing is written.
/// 3. **Compare before change.** Extend and release touch a resource only while it holds the claim's value, compared as
///    a whole: the same token with another label is somebody else's. Extend never shortens a time to live and never
///    re-creates a resource that is gone; one that holds the value without a time to live (somebody took it away) is given one.
/// 4. **Time to live.** A granted resource lives at least [`Terms::ttl`] from the moment of the grant on the
///    node's own clock, and frees itself soon after. A time to live is relative: no wall clock of the
///    client is ever sent.
/// 5. **Order.** What one caller sends is applied in the order sent, as on one connection. A release can
///    then not overtake the late acquire that it makes up for. What was refused for another's sake, as a part of what was
///    sent together, may be sent again: an acquire only while its caller waits and nothing was sent on its resources since.
/// 6. **Sent once.** A command is not sent again on the node's own accord after its fate became unknown,
///    unless sending it twice changes nothing.
/// 7. **Truthful errors.** [`FaultClass::NotApplied`] and [`FaultClass::Misconfigured`] are answered only when
///    nothing was changed. Whatever may have been applied is [`FaultClass::Unknown`].
/// 8. **Counters** ([`Features::fencing`]). A grant with [`Terms::fencing`] gives every resource's counter the number
///    that [`next`](crate::backend::next) makes of the largest of them, before the resources are taken, in the same
///    step. A counter never falls, and is kept for [`FenceTerms::life`] from its last grant, raise or extension.
///    A refusal tells the largest counter.
/// 9. **Restart guard** ([`Features::restart_guard`]). With [`Terms::guard`] a node that has run for less than that,
///    by its own clock, answers [`Vote::Warming`] where it would grant, and changes nothing. It is decided at the server
///    and in the same step as the grant: a client may not notice in time that the server behind its connection is a
///    new one.
/// 10. **Wake-ups** ([`Features::wake_ups`]). [`release_and_tell`](Self::release_and_tell) tells each listener of each
///     resource that it freed, and of no other, after it is free. A lost notification breaks no rule; telling must never
///     make a release fail. A node whose telling was heard by nobody may keep silent for 50 ms: a listener that begins
///     meanwhile elsewhere misses so much at most, and one of its own nothing.
/// 11. **Swap** ([`Features::swapping`]). To an acquire of a claim with a [former value](Claim::succeeding) a resource that
///     holds exactly that value is free: it is taken in its place, with a time to live and a number of its own. The answer
///     is then [`Vote::Swapped`], which tells how many resources were swapped and the largest counter before. Nothing but
///     acquire looks at it.
/// 12. **Keeping** ([`Features::keeping`]). [`keep`](Self::keep) puts the claim's [mark](Claim::mark) in the place of its
///     value, for the rest of the time or what the value had left, whichever is shorter; a value without a time to live
///     leaves a mark with one. A mark is nobody's value: no extension, release or raise fits it, an acquire is refused. One
///     that stands is left as it is and counts as the claim's. A refusal by a mark says so ([`Vote::Held`]). Listeners are told
///     nothing.
/// 13. **Labels.** A refusal and an inspection tell [`Label::of_value`](label::Label::of_value) of what stands under a resource, and nothing else
///     of it that could be read.
/// 14. **Shares** ([`Features::shared`]). Under a resource stands one value, whole, or any number of shares, never both. A
///     [shared claim](Claim::shared) takes a share of each resource that is free or shared, and is refused where a value
///     stands; any other claim is refused where shares stand, which is [`Vote::Shared`] if nothing else is in its way.
///     Each share has a time to live of its own, for which rules 2 to 4, 8 and 9 hold as for a value: one that is over is
///     gone, even before anybody looks, and no share's end is brought nearer by another's. The resource frees itself with
///     its last share. Where the value of a shared claim stands whole, that is the claim's as well: an acquire finds it,
///     a raise and a release take it, and an extension makes a share of it that ends no sooner, all of them or none. An
///     exclusive grant's number is even and a share's odd ([`fence::next_shared`](crate::decide::fence::next_shared)). A
///     shared claim is not [kept](Self::keep). Listeners are told of a resource when its last share is released, and with
///     [`Terms::tells`] when a value became a share.
/// 15. **Intents** ([`Features::shared`]). An exclusive acquire with [`Terms::intent`] that is refused by shares alone keeps
///     new shares off the claim's resources for so long. Where that lasts a shared acquire with [`Terms::heeds`] is
///     refused, unless it has its share already; nothing else looks at it. A later one is in its place. It goes by itself,
///     and when an acquire with an intent is granted.
/// 16. **Scan** ([`Features::scanning`]). From page to page [`scan`](Self::scan) tells what stands under names that begin with
///     the prefix, byte by byte, and changes nothing. What stands from before the first page until after the last one is in
///     one of them at least; what comes or goes meanwhile may be. Names that no [`LockKey`] can have, counters' among them,
///     are left out. A page is small: neither the node nor anybody else who asks it waits for long.
/// 17. **Slots** ([`Features::slots`]). Of the resources of an exclusive claim [`acquire_any`](Self::acquire_any) takes one: the
///     first that is free from the one at `first` on, and behind the last from the one at the front on. Rules 1, 4, 8 and 9
///     hold for that one as for a claim on it alone; no other resource, no other counter is changed. Where one of them holds
///     the claim's value already, that is the one, as rule 2 has it, and nothing is written. Whatever else stands under a
///     resource, a mark, shares and what is no lock's too, takes it.
///
/// The `testing` feature exports a suite that checks all this; see `CONTRIBUTING.md`, "A new backend".
///
/// # Timeouts
///
/// Every verb is given its time limit, because only the client library can give a command up without
/// leaving it queued. A verb must answer [`Fault::Timeout`] when the limit has passed and must then not
/// send the command any more, if it can still be called back.
///
/// # Cancellation
///
/// The verbs take the node by `Arc` and own their arguments, so their futures borrow nothing. This crate
/// never drops one before it is done while the runtime lives: when a caller leaves, the future moves to a
/// background task. A future that has not been polled has sent nothing. [`listen`](Self::listen) is the exception: it is
/// dropped to end it.
///
/// # Clone and share
///
/// One node value may serve any number of [`Redlock`](crate::Redlock) handles, but no two entries of one
/// handle may be the same server.
#[async_trait]
pub trait LockNode: fmt::Debug + Send + Sync + 'static {
    /// A name for reports, unique in its set and free of secrets, such as `10.0.0.1:6379`.
    fn name(&self) -> &str;

    /// Who the server is. Asked at first contact and again after a fault, to find a server that is listed
    /// twice, a replica, a cluster member.
    async fn identity(self: Arc<Self>, timeout: Duration) -> Result<Identity, NodeError>;

    /// Takes all of the claim's resources, or none.
    async fn acquire(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Vote, NodeError>;

    /// Takes one of the claim's resources, the slots, of which the one at `first` (from 0) is looked at first: rule 17 of the
    /// [contract](Self#contract). No intent is left and no former value swapped. A backend without slots keeps this default,
    /// which answers [`Fault::Unsupported`].
    async fn acquire_any(
        self: Arc<Self>,
        _slots: Claim,
        _terms: Terms,
        _first: usize,
        _timeout: Duration,
    ) -> Result<Placed, NodeError> {
        Err(NodeError::new(Fault::Unsupported, "this backend gives no slots"))
    }

    /// Lengthens the claim's hold to [`Terms::ttl`] from now, if all of its resources still hold its value.
    async fn extend(
        self: Arc<Self>,
        claim: Claim,
        terms: Terms,
        timeout: Duration,
    ) -> Result<Extension, NodeError>;

    /// Frees those of the claim's resources that hold its value.
    async fn release(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError>;

    /// Ends the claim's hold, and keeps those of its resources that hold its token from everybody for `rest` more: rule 11
    /// of the [contract](Self#contract). Answers as [`release`](Self::release), where a mark that stands already counts
    /// as the token's. A backend that cannot keep this default, which answers [`Fault::Unsupported`].
    async fn keep(
        self: Arc<Self>,
        _claim: Claim,
        _rest: Duration,
        _timeout: Duration,
    ) -> Result<Removal, NodeError> {
        Err(NodeError::new(Fault::Unsupported, "this backend keeps nothing after its release"))
    }

    /// As [`release`](Self::release), and tells every listener of each resource that this call freed.
    ///
    /// Where telling is not possible the answer is that of the release alone. A backend without listeners keeps this
    /// default, which tells nobody.
    async fn release_and_tell(
        self: Arc<Self>,
        claim: Claim,
        timeout: Duration,
    ) -> Result<Removal, NodeError> {
        self.release(claim, timeout).await
    }

    /// Tells `listener` of releases for as long as the future is polled. Connecting and subscribing have `timeout`, the
    /// listening has no end of its own.
    ///
    /// Ends with the reason when the subscription cannot be made or broke; to listen again is the caller's business. A
    /// backend without listeners keeps this default, which ends at once with [`Fault::Unsupported`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unsubscribes. A notification that is on its way may still be heard.
    async fn listen(
        self: Arc<Self>,
        _listener: Arc<dyn Listener>,
        _timeout: Duration,
    ) -> NodeError {
        NodeError::new(Fault::Unsupported, "this backend tells nobody of releases")
    }

    /// Looks who holds the resources, changing nothing. One entry per resource, in the key's order.
    async fn inspect(
        self: Arc<Self>,
        key: LockKey,
        timeout: Duration,
    ) -> Result<Vec<Option<Holding>>, NodeError>;

    /// Lifts the resources' fencing counters to at least `fence` and keeps them for `life`, if all of them still hold
    /// the claim's value; the second phase of a fenced acquire. A backend without fencing keeps this default, which
    /// answers [`Fault::Unsupported`].
    async fn raise(
        self: Arc<Self>,
        _claim: Claim,
        _fence: u64,
        _life: Duration,
        _timeout: Duration,
    ) -> Result<Extension, NodeError> {
        Err(NodeError::new(Fault::Unsupported, "this backend has no fencing counters"))
    }

    /// Tells the resources' fencing counters, changing nothing. One entry per resource, in the key's order; `None` where there
    /// is no counter. A backend without fencing keeps this default, which answers [`Fault::Unsupported`].
    async fn inspect_counters(
        self: Arc<Self>,
        _key: LockKey,
        _timeout: Duration,
    ) -> Result<Vec<Option<u64>>, NodeError> {
        Err(NodeError::new(Fault::Unsupported, "this backend has no fencing counters"))
    }

    /// Tells a page of what stands under names that begin with `prefix`: rule 16 of the [contract](Self#contract). `from` is 0
    /// for the first one, and for each further one the [`Page::next`] of the one before. A backend that cannot tell keeps this
    /// default, which answers [`Fault::Unsupported`].
    async fn scan(
        self: Arc<Self>,
        _prefix: Arc<[u8]>,
        _from: u64,
        _timeout: Duration,
    ) -> Result<Page, NodeError> {
        Err(NodeError::new(Fault::Unsupported, "this backend does not tell all that it holds"))
    }

    /// What this backend can do beyond locking. Default: nothing. A handle that is told to use what one of its nodes
    /// lacks cannot be built.
    fn features(&self) -> Features {
        Features::default()
    }
}

const _: fn(&dyn LockNode) = |_| ();
