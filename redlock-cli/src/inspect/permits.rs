//! The permits of a semaphore, each of which is a lock: that of its slot.

use serde::Serialize;

use super::lock::{Lock, LockJson};
use crate::exit::Failure;
use crate::look::{NodeState, State, remaining};
use crate::output::{self, count, plain};

/// One semaphore, by what was seen of its slots, in their order.
pub(super) struct Permits<'a> {
    pub(super) name: &'a str,
    pub(super) slots: &'a [Lock<'a>],
}

impl<'a> Permits<'a> {
    pub(super) fn said(&self, json: bool) -> Result<String, Failure> {
        if json { output::json(&self.json()) } else { Ok(self.text()) }
    }

    fn free(&self) -> usize {
        self.slots.iter().filter(|slot| slot.view.state == State::Free).count()
    }

    fn unknown(&self) -> usize {
        self.slots.iter().filter(|slot| slot.view.state == State::Unknown).count()
    }

    fn taken(&self) -> usize {
        self.slots.len() - self.free() - self.unknown()
    }

    /// How many are taken, and a row for each slot.
    fn text(&self) -> String {
        let unknown = match self.unknown() {
            0 => String::new(),
            unknown => format!(", {unknown} unknown"),
        };
        let all = count(self.slots.len(), "permit");
        let mut table = output::table(&["SLOT", "STATE", "HOLDER", "LEFT", ""]);
        for (slot, Lock { view, .. }) in self.slots.iter().enumerate() {
            let (holder, left) = holder(&view.state);
            let differing: Vec<_> = view.differing().into_iter().map(NodeState::text).collect();
            let slot = slot.to_string();
            table.add_row([&slot, view.state.word(), &holder, &left, &differing.join(", ")]);
        }
        let rows = output::rows(&table, "  ");
        format!("{}: {} of {all} taken{unknown}\n{rows}", plain(self.name), self.taken())
    }

    fn json(&self) -> PermitsJson<'a> {
        PermitsJson {
            name: self.name,
            permits: self.slots.len(),
            taken: self.taken(),
            free: self.free(),
            unknown: self.unknown(),
            slots: self.slots.iter().map(Lock::json).collect(),
        }
    }
}

/// By whom a slot is taken, and for how long.
fn holder(state: &State) -> (String, String) {
    let nobody = || ("-".to_owned(), "-".to_owned());
    match state {
        State::Held(hold) | State::Kept(hold) => (hold.who(), remaining(hold.expiry)),
        State::Shared(sharing) => (count(sharing.holders, "holder"), remaining(sharing.expiry)),
        State::Free | State::Unknown => nobody(),
    }
}

/// The fields are stable: `name`, `permits`, how many there are, of which so many are `taken`, `free` and `unknown`, and
/// `slots`, an object for each as of any lock.
#[derive(Debug, Serialize)]
struct PermitsJson<'a> {
    name: &'a str,
    permits: usize,
    taken: usize,
    free: usize,
    unknown: usize,
    slots: Vec<LockJson<'a>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::View;
    use crate::look::view::tests::{hold, view};

    fn seen() -> Vec<View> {
        let (a, b) = (hold("a", 8_123), hold("b", 90_000));
        let kept = hold(&format!("kept:{}", a.holder), 1_000);
        let unsure =
            view(State::Unknown, &[Ok(None), Err("no answer in time"), Ok(Some(a.clone()))]);
        let mut views = vec![
            view(State::Held(b.clone()), &[Ok(Some(b.clone())), Ok(Some(b)), Ok(None)]),
            view(State::Free, &[Ok(None), Ok(None), Ok(None)]),
            view(
                State::Kept(a.clone()),
                &[Ok(Some(kept.clone())), Ok(Some(kept.clone())), Ok(Some(kept))],
            ),
            unsure,
        ];
        for (slot, view) in views.iter_mut().enumerate() {
            view.key = format!("exports/{slot}");
        }
        views
    }

    fn locks(views: &[View]) -> Vec<Lock<'_>> {
        views.iter().map(|view| Lock { view, fence: None, permits: None }).collect()
    }

    #[test]
    fn people_get_how_many_are_taken_and_who_has_each_slot() {
        let views = seen();
        assert_eq!(
            Permits { name: "exports", slots: &locks(&views) }.text(),
            "exports: 2 of 4 permits taken, 1 unknown\n\
             \x20 SLOT  STATE    HOLDER            LEFT\n\
             \x20 0     held     af63df4c8601f1a5  1m 30s  n2:6379 (free)\n\
             \x20 1     free     -                 -\n\
             \x20 2     kept     af63dc4c8601ec8c  8.1 s\n\
             \x20 3     unknown  -                 -       n0:6379 (free), n1:6379 (no answer in time), \
             n2:6379 (held by af63dc4c8601ec8c)"
        );
        let free = Permits { name: "exports", slots: &locks(&views)[1..2] }.text();
        assert!(free.starts_with("exports: 0 of 1 permit taken\n"), "{free}");
    }

    #[test]
    fn programs_get_the_numbers_and_an_object_for_each_slot() {
        let views = seen();
        let json = Permits { name: "exports", slots: &locks(&views) }.said(true).unwrap();
        let head = r#"{"name":"exports","permits":4,"taken":2,"free":1,"unknown":1,"slots":[{"key":"exports/0","state":"held","#;
        assert!(json.starts_with(head), "{json}");
        assert_eq!(json.matches(r#""fence":null}"#).count(), 4, "{json}");
    }
}
