//! Broken rules: their text above the lanes, a line through all of them, and the time in which two held at once.

use super::axis::{Axis, grouped};
use std::collections::BTreeSet;

use super::bars::Bar;
use super::marks::{Mark, What};
use super::svg::{Anchor, Svg, width_of};

/// Texts above the lanes, at the most.
const SHOWN: usize = 5;
const LINE: f64 = 15.0;
/// Lines of one text, at the most.
const LINES: usize = 2;
/// How wide a line may be.
const WIDE: f64 = 640.0;

struct Note<'a> {
    /// Notes of one rule and the same holds are told once.
    of: (&'a str, &'a [usize]),
    x: f64,
    promised: bool,
    lines: Vec<String>,
    whole: String,
}

/// What stands above the lanes.
pub(super) struct Notes<'a> {
    told: Vec<Note<'a>>,
    untold: Vec<Note<'a>>,
}

pub(super) fn notes<'a>(axis: &Axis, marks: &[&'a Mark]) -> Notes<'a> {
    let note = |mark: &&'a Mark| {
        let What::Broken { rule, message, promised, holds } = &mark.what else { return None };
        let head = if *promised { "" } else { "not promised here: " };
        let whole = format!("{head}{rule} at {} ms: {message}", grouped(mark.at));
        let x = axis.at(mark.at);
        let of = (rule.as_str(), holds.as_slice());
        Some(Note { of, x, promised: *promised, lines: wrapped(&whole), whole })
    };
    let mut notes: Vec<_> = marks.iter().filter_map(note).collect();
    // What was promised comes first, and so is never what is left out.
    notes.sort_by_key(|note| !note.promised);
    let (mut told, mut untold): (Vec<Note<'_>>, Vec<Note<'_>>) = Default::default();
    for note in notes {
        let again = told.iter().any(|earlier| earlier.of == note.of);
        let place = if again || told.len() >= SHOWN { &mut untold } else { &mut told };
        place.push(note);
    }
    Notes { told, untold }
}

/// At most so many lines, of whole words where they are short enough.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|line| {
            !line.is_empty() && width_of(line) + width_of(word) > WIDE - width_of(" …")
        });
        if full && lines.len() == LINES {
            lines[LINES - 1] += " …";
            break;
        }
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            *line += if line.is_empty() { "" } else { " " };
            line.extend(word.chars().take(90));
        }
    }
    lines
}

impl Notes<'_> {
    pub(super) fn height(&self) -> f64 {
        let told = self.told.iter().map(|note| note.lines.len() as f64 * LINE + 5.0);
        let more = if self.untold.is_empty() { 0.0 } else { LINE };
        told.sum::<f64>() + more
    }

    /// Texts from `top` on, each with a line down to `bottom`.
    pub(super) fn draw(&self, svg: &mut Svg, (left, right): (f64, f64), top: f64, bottom: f64) {
        let line = |svg: &mut Svg, note: &Note<'_>, from: f64, again: &str| {
            let class = if note.promised { "broken" } else { "broken unpromised" };
            svg.path(
                &format!("{class}{again}"),
                &format!("M{:.1} {from:.1}V{bottom:.1}", note.x),
                &note.whole,
            );
        };
        for note in &self.untold {
            line(svg, note, top + self.height(), " again");
        }
        let mut y = top;
        for note in &self.told {
            line(svg, note, y, "");
            let text = if note.promised { "violation" } else { "violation unpromised" };
            let (x, anchor) = if note.x - left < (right - left) / 2.0 {
                (note.x + 6.0, Anchor::Start)
            } else {
                (note.x - 6.0, Anchor::End)
            };
            for line in &note.lines {
                svg.text(text, anchor, (x, y + 11.0), line);
                y += LINE;
            }
            y += 5.0;
        }
        if !self.untold.is_empty() {
            let more = format!("and {} more", self.untold.len());
            svg.text("violation", Anchor::Start, (left, y + 11.0), &more);
        }
    }
}

/// Shades the time in which two holds that a broken rule names stood at once.
pub(super) fn overlaps(
    svg: &mut Svg,
    axis: &Axis,
    bars: &[Bar<'_>],
    marks: &[&Mark],
    (top, bottom): (f64, f64),
) {
    let mut shaded = BTreeSet::new();
    for mark in marks {
        let What::Broken { holds, promised: true, .. } = &mark.what else { continue };
        let named: Vec<_> = bars.iter().filter(|bar| holds.contains(&bar.hold)).collect();
        let begin = named.iter().map(|bar| bar.begin).max();
        let end = named.iter().filter_map(|bar| bar.end).map(|(at, _)| at).min();
        if let (2.., Some(begin), Some(end)) = (named.len(), begin, end)
            && begin < end
            && shaded.insert((begin, end))
        {
            let (from, to) = (axis.at(begin), axis.at(end));
            svg.rect("overlap", (from, top), (to - from, bottom - top), "both hold");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_in_dots_after_two_lines_and_a_short_one_stays() {
        assert_eq!(wrapped("two hold"), ["two hold"]);
        let long = wrapped(&"holder ".repeat(100));
        assert_eq!(long.len(), 2);
        assert!(long[0].ends_with("holder") && long[1].ends_with(" …"), "{long:?}");
        assert!(long.iter().all(|line| width_of(line) <= WIDE), "{long:?}");
    }
}
