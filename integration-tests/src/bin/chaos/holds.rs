//! Pure: holds as a history tells of them.

use std::collections::HashMap;

use crate::history::{Event, HoldId, Micros, Mode};

/// A hold as far as its holder can have used it.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    pub(crate) id: HoldId,
    /// In which it was granted.
    pub(crate) mode: Mode,
    pub(crate) key: &'a str,
    pub(crate) fence: Option<u64>,
    pub(crate) asked: Micros,
    pub(crate) begin: Micros,
    /// By the lease.
    pub(crate) until: Micros,
    /// The holder gave up the lock, or was killed.
    pub(crate) ended: Option<Micros>,
    /// The holder was alone until then.
    pub(crate) downgraded: Option<Micros>,
    pub(crate) event: &'a Event,
}

/// A part of a hold in which the holder was alone, or was not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    pub(crate) hold: &'a Hold<'a>,
    pub(crate) alone: bool,
    pub(crate) begin: Micros,
    pub(crate) end: Micros,
}

impl Hold<'_> {
    fn end(&self) -> Micros {
        self.ended.map_or(self.until, |ended| ended.min(self.until))
    }

    /// Whether there was any time to use it: a process may be stopped before it learns of its own lock.
    pub(crate) fn was_usable(&self) -> bool {
        self.end() > self.begin
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = Span<'_>> {
        let (begin, end) = (self.begin, self.end());
        let alone = if self.mode == Mode::Reader { begin } else { self.downgraded.unwrap_or(end) };
        let part = |alone, begin, end| Span { hold: self, alone, begin, end };
        [part(true, begin, alone.min(end)), part(false, alone, end)]
            .into_iter()
            .filter(|span| span.end > span.begin)
    }
}

/// All of a history.
pub(crate) fn holds(events: &[Event]) -> Vec<Hold<'_>> {
    let mut holds: Vec<Hold<'_>> = Vec::new();
    let mut index: HashMap<HoldId, usize> = HashMap::new();
    for event in events {
        let (id, tell): (_, &dyn Fn(&mut Hold<'_>)) = match event {
            Event::Held { hold: id, mode, key, fence, asked, begin, until } => {
                index.insert(*id, holds.len());
                let (id, mode, fence, asked, begin, until) =
                    (*id, *mode, *fence, *asked, *begin, *until);
                let (ended, downgraded) = (None, None);
                holds.push(Hold {
                    id,
                    mode,
                    key,
                    fence,
                    asked,
                    begin,
                    until,
                    ended,
                    downgraded,
                    event,
                });
                continue;
            }
            Event::Renewed { hold, until } => (hold, &|hold| hold.until = hold.until.max(*until)),
            Event::Ended { hold, at } => (hold, &|hold| hold.ended = Some(*at)),
            Event::Downgraded { hold, at } => (hold, &|hold| hold.downgraded = Some(*at)),
            _ => continue,
        };
        if let Some(at) = index.get(id) {
            tell(&mut holds[*at]);
        }
    }
    for event in events {
        if let Event::Killed { worker, life, at } = event {
            let of_the_dead = |hold: &&mut Hold<'_>| {
                (hold.id.worker, hold.id.life) == (*worker, *life) && hold.ended.is_none()
            };
            holds.iter_mut().filter(of_the_dead).for_each(|hold| hold.ended = Some(*at));
        }
    }
    holds
}
