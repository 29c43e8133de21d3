//! Pure: what the store may have let through, by its own rule reckoned once more.

use std::collections::HashMap;

use crate::checker::Checker;
use crate::history::{Event, HoldId, Micros};
use crate::holds::Hold;

/// The largest fences that a key's gate let through, of writers and of anybody.
#[derive(Clone, Copy, Default)]
struct Seen<'a> {
    writer: Option<(u64, &'a Event)>,
    any: Option<(u64, &'a Event)>,
}

/// Who passed later, and so makes this fence stale.
fn later(seen: Option<(u64, &Event)>, fence: u64) -> Option<&Event> {
    seen.filter(|(highest, _)| fence < *highest).map(|(_, event)| event)
}

impl<'a> Seen<'a> {
    fn note(&mut self, fence: u64, writes: bool, event: &'a Event) {
        let above = |seen: Option<(u64, &Event)>| seen.is_none_or(|(highest, _)| fence > highest);
        if writes && above(self.writer) {
            self.writer = Some((fence, event));
        }
        if above(self.any) {
            self.any = Some((fence, event));
        }
    }
}

impl Checker {
    /// What the store took is in the order of fences, each value follows the one before, and none changed under who shared.
    /// Events of the store are in its own order.
    pub(crate) fn store(&mut self, events: &[Event], holds: &[Hold<'_>]) {
        let until: HashMap<HoldId, Micros> = holds.iter().map(|h| (h.id, h.until)).collect();
        let mut gates: HashMap<&str, Seen<'_>> = HashMap::new();
        let mut written: HashMap<&str, (u64, &Event)> = HashMap::new();
        let mut looked: HashMap<HoldId, (u64, &Event)> = HashMap::new();
        for event in events {
            let (key, fence, accepted, writes) = match event {
                Event::Read { key, fence, accepted, .. }
                | Event::Write { key, fence, accepted, .. } => (key, *fence, *accepted, true),
                Event::Look { key, fence, accepted, .. } => (key, *fence, *accepted, false),
                _ => continue,
            };
            let gate = gates.entry(key).or_default();
            let stale = later(if writes { gate.any } else { gate.writer }, fence);
            if accepted {
                gate.note(fence, writes, event);
            }
            match event {
                Event::Write { hold, value, at, .. } => {
                    let late = until.get(hold).is_some_and(|until| at > until);
                    self.write(event, stale, accepted, late);
                    if accepted {
                        let before = written.insert(key, (*value, event));
                        if before.map_or(0, |(value, _)| value) + 1 != *value {
                            let events = before.map(|(_, event)| event).into_iter().chain([event]);
                            self.violate("an update was lost", events);
                        }
                    }
                }
                Event::Look { hold, value, .. } => {
                    self.look(event, stale, accepted);
                    if accepted
                        && let Some((before, first)) = looked.insert(*hold, (*value, event))
                        && before != *value
                    {
                        self.violate("what a reader saw changed under its share", [first, event]);
                    }
                }
                _ => {}
            }
        }
    }

    fn write(&mut self, event: &Event, stale: Option<&Event>, accepted: bool, late: bool) {
        self.counts.writes += 1;
        match (stale, accepted) {
            (Some(later), true) => {
                self.counts.stale_accepted += 1;
                self.violate("a stale write was let through", [later, event]);
            }
            (Some(_), false) => self.counts.stale_refused += 1,
            (None, false) => self.violate("a write that was not stale was refused", [event]),
            (None, true) => self.counts.late_accepted += u64::from(late),
        }
    }

    fn look(&mut self, event: &Event, stale: Option<&Event>, accepted: bool) {
        self.counts.looks += 1;
        match (stale, accepted) {
            (Some(later), true) => self.violate("a stale look was let through", [later, event]),
            (Some(_), false) => self.counts.stale_looks_refused += 1,
            (None, false) => self.violate("a look that was not stale was refused", [event]),
            (None, true) => {}
        }
    }
}
