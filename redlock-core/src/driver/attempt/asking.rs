//! What an attempt is made with.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::handover::Former;
use crate::decide::lease::Moment;
use crate::node::key::LockKey;
use crate::node::label::Label;
use crate::node::token::Token;
use crate::node::{Claim, Mode, NodeError};

/// What an attempt is made with, beside what its plan says.
pub(crate) struct Asking<'a> {
    pub(crate) label: Option<&'a Label>,
    /// From whom it takes over.
    pub(crate) former: Option<&'a Former>,
    /// Nodes that are not asked.
    pub(crate) barred: &'a [Barred],
    /// For how long it keeps new shares off where it meets nothing but shares.
    pub(crate) intent: Option<Duration>,
    /// It takes any one of the resources, and this one, from 0, before others.
    pub(crate) first: Option<usize>,
}

/// How long a call does not ask a node again that is set up wrongly. Somebody may mend it while the call waits.
pub(super) const BARRED_FOR: Duration = Duration::from_secs(1);

/// A node that is set up wrongly, as it said itself.
#[derive(Debug, Clone)]
pub(crate) struct Barred {
    pub(super) index: usize,
    pub(super) error: NodeError,
    pub(super) until: Moment,
}

/// The claim of an attempt, under a token of its own.
pub(super) fn claim(key: &LockKey, token: Token, mode: Mode, asking: &Asking<'_>) -> Claim {
    let former = asking.former;
    let token = mutant!(TakeOverSameToken, former.and_then(Former::token).unwrap_or(token), token);
    let claim = Claim::new(key.clone(), token).with_label(asking.label.cloned());
    match (mode, former) {
        (Mode::Shared, _) => claim.shared(),
        (Mode::Exclusive, Some(former)) => claim.succeeding(Arc::clone(&former.value)),
        (Mode::Exclusive, None) => claim,
    }
}
