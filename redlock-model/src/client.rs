//! What a client makes of its replies, as the product's driver does.

use redlock_core::decisions::fence::FenceRound;

use crate::setting::{Rule, Setting, small};
use crate::state::{Phase, State};
use crate::talk::{self, Mail};

/// The client has read the grants of the nodes in the mask, a majority.
pub(crate) fn decide(setting: &Setting, state: &mut State, attempt: usize, mask: u8) -> Option<()> {
    let numbers = talk::majority_of(&state.nodes, attempt, mask)?;
    let round = FenceRound::new(state.nodes.len(), &numbers, 0)?;
    let standing = numbers.iter().filter(|number| !round.must_raise(**number)).count();
    let at_once = match setting.rule {
        Rule::Final | Rule::Unconditional | Rule::LateAbove => round.verdict() == Some(true),
        Rule::NoSecondPhase => true,
        Rule::AnyMajority => standing == numbers.len(),
        Rule::MajorityOfReplies => 2 * standing > numbers.len(),
    };
    for (index, node) in state.nodes.iter_mut().enumerate() {
        let read = mask >> index & 1 == 1;
        node.mail[attempt] = match node.mail[attempt] {
            Mail::Granted(number) if read && round.must_raise(u64::from(number)) => {
                Mail::Raise(small(round.fence()))
            }
            Mail::Granted(_) if read => Mail::None,
            _ if setting.rule == Rule::AnyMajority && !at_once => Mail::Raise(small(round.fence())),
            other => other,
        };
    }
    if at_once {
        hold(state, attempt, round.fence(), false);
    } else {
        state.attempts[attempt].phase = Phase::Fencing(round);
    }
    Some(())
}

/// The fence, if the replies that are there now are enough. Those that are left unread could only be missed.
pub(crate) fn confirmed(setting: &Setting, state: &State, attempt: usize) -> Option<u64> {
    let mut round = state.attempts[attempt].round()?.clone();
    for node in &state.nodes {
        match node.mail[attempt] {
            Mail::Raised => round.raised(true),
            Mail::Granted(number) if !round.must_raise(u64::from(number)) => match setting.rule {
                Rule::LateAbove => round.raised(true),
                _ => round.granted(u64::from(number)),
            },
            _ => {}
        }
    }
    (round.verdict() == Some(true)).then_some(round.fence())
}

/// The attempt returns, and its fence is compared with what was returned before.
pub(crate) fn hold(state: &mut State, attempt: usize, fence: u64, raised: bool) {
    let fence = small(fence);
    state.faults.grant_order |= fence <= state.highest;
    state.faults.real_time |= fence <= state.attempts[attempt].floor;
    state.faults.unique |= state.attempts.iter().any(|other| other.fence() == Some(fence));
    state.highest = state.highest.max(fence);
    state.attempts[attempt].phase = Phase::Held { fence, raised };
}
