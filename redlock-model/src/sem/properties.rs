//! What must never be, and what must be possible lest the rest be true of nothing.

use stateright::Property;

use super::state::{Node, State};
use super::{AGAIN, EXTRA, FULL, MAX, MOVED, ORDER, RAISED, RESTARTED, Rule, Setting, UNIQUE};
use crate::report::World;
use crate::talk::Phase;

pub(super) fn of(setting: &Setting) -> Vec<Property<Setting>> {
    let mut all = vec![
        Property::<Setting>::always(MAX, |setting: &Setting, state: &State| {
            state.holds().count() <= setting.max()
        }),
        Property::<Setting>::always(UNIQUE, |_, state: &State| {
            let slots = state.holds().fold(0_u8, |slots, (slot, _)| slots | 1 << slot);
            state.holds().count() == slots.count_ones() as usize
        }),
        Property::<Setting>::always(ORDER, |_, state: &State| !state.disorder),
        Property::<Setting>::sometimes(FULL, Setting::is_full),
        Property::<Setting>::sometimes(EXTRA, |_, state: &State| has_extra(state)),
    ];
    if setting.fencing {
        all.push(Property::<Setting>::sometimes(RAISED, |_, state: &State| {
            state.holds().any(|(_, hold)| hold.raised)
        }));
    }
    if setting.rule == Rule::Settles {
        all.push(Property::<Setting>::sometimes(MOVED, |_, state: &State| {
            state.holds().any(|(_, hold)| hold.moved)
        }));
    }
    if setting.resent != 0 {
        all.push(Property::<Setting>::sometimes(AGAIN, was_again));
    }
    if setting.crashes > 0 {
        all.push(Property::<Setting>::sometimes(RESTARTED, |setting, state: &State| {
            state.crashes < setting.crashes && setting.is_full(state)
        }));
    }
    all
}

impl World for Setting {
    const PROPERTIES: &'static [&'static str] =
        &[MAX, UNIQUE, ORDER, FULL, EXTRA, RAISED, MOVED, AGAIN, RESTARTED];
}

impl Setting {
    /// The largest number of permits that somebody believes in.
    fn max(&self) -> usize {
        self.permits.iter().copied().max().map_or(0, usize::from)
    }

    fn is_full(&self, state: &State) -> bool {
        state.holds().count() == self.max()
    }
}

fn has_extra(state: &State) -> bool {
    let mut clients = state.clients.iter().enumerate().filter(|(_, c)| c.hold().is_some());
    clients.any(|(index, _)| {
        let held = state.chosen[index].map(usize::from);
        state.nodes.iter().filter_map(|node| node.place_of(index)).any(|at| Some(at) != held)
    })
}

fn was_again(setting: &Setting, state: &State) -> bool {
    let sent = (0..state.clients.len()).filter(|client| setting.resent >> client & 1 == 1);
    let mut over = sent.filter(|client| state.clients[*client].phase == Phase::Over);
    let again = over.any(|client| {
        let stands = |node: &Node| node.place_of(client).is_some();
        state.nodes.iter().any(|node| stands(node) && node.again >> client & 1 == 0)
    });
    again && state.holds().count() > 0
}
