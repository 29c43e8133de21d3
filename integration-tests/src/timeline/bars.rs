//! Holds, put together from marks.

use std::collections::HashMap;

use super::marks::{End, Mark, Mode, What};

/// A hold as it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar<'a> {
    pub(super) hold: usize,
    pub(super) lane: usize,
    pub(super) keys: &'a [String],
    pub(super) fence: Option<u64>,
    pub(super) mode: Mode,
    pub(super) begin: u64,
    /// It is a share from then on.
    pub(super) shared: Option<u64>,
    /// The end of its lease; `None` if the run does not tell.
    pub(super) end: Option<(u64, End)>,
    /// When the holder let go of what was over already.
    pub(super) noticed: Option<u64>,
    /// A broken rule names it.
    pub(super) accused: bool,
}

impl Bar<'_> {
    /// The last that there is of it.
    pub(super) fn last(&self) -> u64 {
        let end = self.end.map_or(self.begin, |(at, _)| at);
        self.noticed.map_or(end, |noticed| noticed.max(end))
    }
}

/// All of them, in the order in which they begin.
pub(super) fn bars(marks: &[Mark]) -> Vec<Bar<'_>> {
    let mut bars: Vec<Bar<'_>> = Vec::new();
    for mark in marks {
        if let What::Held { hold, lane, keys, fence, mode } = &mark.what {
            let (hold, lane, fence, mode, begin) = (*hold, *lane, *fence, *mode, mark.at);
            let (shared, end, noticed, accused) = (None, None, None, false);
            bars.push(Bar { hold, lane, keys, fence, mode, begin, shared, end, noticed, accused });
        }
    }
    let places: HashMap<usize, usize> =
        bars.iter().enumerate().map(|(place, bar)| (bar.hold, place)).collect();
    let mut ends: Vec<_> = marks.iter().filter_map(ended).collect();
    ends.sort_by_key(|(at, ..)| *at);
    for (at, hold, how) in ends {
        if let Some(bar) = places.get(&hold).and_then(|place| bars.get_mut(*place)) {
            match bar.end {
                None => bar.end = Some((at.max(bar.begin), how)),
                Some(_) => bar.noticed = Some(at),
            }
        }
    }
    for mark in marks {
        if let What::Shared { hold } = mark.what
            && let Some(place) = places.get(&hold)
        {
            bars[*place].shared = Some(mark.at);
        }
        if let What::Broken { holds, promised: true, .. } = &mark.what {
            for place in holds.iter().filter_map(|hold| places.get(hold)) {
                bars[*place].accused = true;
            }
        }
    }
    bars.sort_by_key(|bar| bar.begin);
    bars
}

fn ended(mark: &Mark) -> Option<(u64, usize, End)> {
    match mark.what {
        What::Ended { hold, how } => Some((mark.at, hold, how)),
        _ => None,
    }
}

/// A fence without the digits that all of the run have in common.
pub(super) fn short(fence: u64, fences: &[u64]) -> String {
    let text = fence.to_string();
    let same = |place: &usize| {
        let digit = text.as_bytes().get(*place);
        fences.iter().all(|other| {
            let other = other.to_string();
            other.len() == text.len() && other.as_bytes().get(*place) == digit
        })
    };
    let common = (0..text.len()).take_while(same).count();
    // Some are left, also where there is one fence alone.
    let common = common.min(text.len().saturating_sub(3));
    if common < 4 { text } else { format!("…{}", &text[common..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_shown_by_what_tells_them_apart() {
        let all = [1_700_000_003_365_040, 1_700_000_003_698_736];
        assert_eq!(short(all[0], &all), "…365040");
        assert_eq!(short(all[1], &all), "…698736");
        assert_eq!(short(all[0], &all[..1]), "…040");
        assert_eq!(short(7, &[7, 12]), "7");
        assert_eq!(short(1_200, &[1_200, 1_201]), "1200");
    }

    #[test]
    fn the_first_end_is_the_leases_and_the_last_the_holders() {
        let mark = |at, what| Mark { at, what };
        let held = What::Held { hold: 3, lane: 0, keys: vec![], fence: None, mode: Mode::Alone };
        let marks = [
            mark(900, What::Ended { hold: 3, how: End::Released }),
            mark(100, held),
            mark(500, What::Ended { hold: 3, how: End::Lost }),
        ];
        let bar = bars(&marks)[0];
        assert_eq!((bar.begin, bar.end, bar.noticed), (100, Some((500, End::Lost)), Some(900)));
        assert_eq!(bar.last(), 900);
    }
}
