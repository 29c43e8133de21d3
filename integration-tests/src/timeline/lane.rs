//! What is drawn in one lane: where each thing is, then the drawing.

use super::axis::{Axis, grouped};
use super::bars::{Bar, short};
use super::marks::{End, Mark, Mode, What};
use super::rows::Rows;
use super::svg::{Anchor, Svg, width_of};

pub(super) const ROW: f64 = 21.0;
const BAR: f64 = 15.0;
const MARGIN: f64 = 5.0;
/// Where ticks of messages are.
const TICKS: f64 = 12.0;
/// Bars of a lane that are too many for labels with all in them.
const DENSE: usize = 14;

/// What all lanes have in common.
pub(super) struct Frame<'a> {
    pub(super) axis: &'a Axis,
    /// The last place that a label may reach to.
    pub(super) right: f64,
    /// Every key of the run, which has the colour of its place.
    pub(super) keys: Vec<&'a str>,
    pub(super) fences: Vec<u64>,
}

/// A lane with everything in its place.
pub(super) struct Laid<'a> {
    items: Vec<(Item<'a>, usize)>,
    shades: Vec<(f64, f64, String)>,
    ticks: Vec<(f64, bool, &'a str)>,
    /// By hold.
    writes: Vec<(usize, f64)>,
    pub(super) height: f64,
}

struct Item<'a> {
    /// What it covers, with its label.
    covers: (f64, f64),
    x: (f64, f64),
    label: (f64, Anchor, String),
    sort: Sort<'a>,
}

enum Sort<'a> {
    Bar(&'a Bar<'a>),
    Strip,
    Sign,
    Refused,
}

impl<'a> Frame<'a> {
    /// The class of a key's colour.
    pub(super) fn colour(&self, keys: &[String]) -> String {
        let place = keys.first().and_then(|first| self.keys.iter().position(|key| key == first));
        format!("c{}", place.unwrap_or(0) % super::svg::DISTINCT)
    }

    fn item(&self, x: (f64, f64), label: String, inside: bool, sort: Sort<'a>) -> Item<'a> {
        let wide = width_of(&label);
        let (covers, place, anchor) = if inside {
            (x, x.0 + 5.0, Anchor::Start)
        } else if x.1 + 9.0 + wide <= self.right {
            ((x.0, x.1 + 9.0 + wide), x.1 + 9.0, Anchor::Start)
        } else {
            ((x.0 - 5.0 - wide, x.1), x.0 - 5.0, Anchor::End)
        };
        Item { covers, x, label: (place, anchor, label), sort }
    }

    /// `dense` leaves the fence to whom points at the bar, unless there is room.
    fn bar(&self, bar: &'a Bar<'a>, dense: bool) -> Item<'a> {
        let begin = self.axis.at(bar.begin);
        let end = bar.end.map_or(self.right, |(at, _)| self.axis.at(at)).max(begin + 3.0);
        let last = end.max(self.axis.at(bar.last()));
        let name = format!("#{} {}", bar.hold, bar.keys.join("+"));
        let fence = bar.fence.map(|fence| short(fence, &self.fences));
        let long = fence.as_ref().map_or(name.clone(), |fence| format!("{name} · fence {fence}"));
        if width_of(&long) + 10.0 <= end - begin {
            return self.item((begin, last), long, true, Sort::Bar(bar));
        }
        let fence = fence.filter(|_| !dense);
        let brief = fence.map_or(name.clone(), |fence| format!("{name} · {fence}"));
        let inside = width_of(&brief) + 10.0 <= end - begin;
        self.item((begin, last), brief, inside, Sort::Bar(bar))
    }

    /// Finds a place for all that is in a lane.
    pub(super) fn lay(&self, lane: usize, bars: &'a [Bar<'a>], marks: &[&'a Mark]) -> Laid<'a> {
        let of_lane = |hold: usize| bars.iter().any(|bar| bar.hold == hold && bar.lane == lane);
        let own: Vec<_> = bars.iter().filter(|bar| bar.lane == lane).collect();
        let dense = own.len() > DENSE;
        let mut items: Vec<Item<'_>> = own.iter().map(|bar| self.bar(bar, dense)).collect();
        let (mut shades, mut ticks, mut writes) = (Vec::new(), Vec::new(), Vec::new());
        for mark in marks {
            let x = self.axis.at(mark.at);
            match &mark.what {
                What::Trouble { lane: of, what, until, whole } if *of == lane => {
                    let end = self.axis.at(*until);
                    let said = format!(
                        "{what} {} ms",
                        grouped(until.saturating_sub(mark.at) / 1_000 * 1_000)
                    );
                    if *whole {
                        shades.push((x, end, said.clone()));
                    }
                    let inside = width_of(&said) + 10.0 <= end - x;
                    items.push(self.item((x, end), said, inside, Sort::Strip));
                }
                What::Happened { lane: of, what } if *of == lane => {
                    items.push(self.item((x - 5.0, x + 5.0), what.clone(), false, Sort::Sign));
                }
                What::Wrote { hold } if of_lane(*hold) => writes.push((*hold, x)),
                What::Refused { hold, what } if of_lane(*hold) => {
                    let said = format!("#{hold} {what}");
                    items.push(self.item((x - 5.0, x + 5.0), said, false, Sort::Refused));
                }
                What::Message { lane: of, slow, what } if *of == lane => {
                    ticks.push((x, *slow, what.as_str()));
                }
                _ => {}
            }
        }
        items.sort_by(|a, b| a.covers.0.total_cmp(&b.covers.0));
        let mut rows = Rows::default();
        let place = |item: Item<'a>| {
            let row = rows.place(item.covers.0, item.covers.1);
            (item, row)
        };
        let items: Vec<_> = items.into_iter().map(place).collect();
        let below = if ticks.is_empty() { 0.0 } else { TICKS };
        let rows = (ROW * rows.count() as f64 + below).max(ROW);
        let height = MARGIN * 2.0 + rows;
        Laid { items, shades, ticks, writes, height }
    }
}

impl Laid<'_> {
    pub(super) fn draw(&self, svg: &mut Svg, frame: &Frame<'_>, top: f64) {
        for (from, to, said) in &self.shades {
            svg.rect("shade", (*from, top), ((to - from).max(2.0), self.height), said);
        }
        for (x, slow, what) in &self.ticks {
            let class = if *slow { "tick slow" } else { "tick lost" };
            let bottom = top + self.height - 2.0;
            svg.path(class, &format!("M{x:.1} {bottom:.1}v-{:.1}", TICKS - 4.0), what);
        }
        for (item, row) in &self.items {
            let y = top + MARGIN + ROW * *row as f64;
            let (middle, (from, to)) = (y + BAR / 2.0, item.x);
            let class = match item.sort {
                Sort::Bar(bar) => {
                    draw_bar(svg, frame, bar, (from, to), y);
                    for (_, x) in self.writes.iter().filter(|(hold, _)| *hold == bar.hold) {
                        svg.path("wrote", &written(*x, y + BAR), "the resource let it write");
                    }
                    if bar.accused { "bad" } else { "" }
                }
                Sort::Strip => {
                    svg.rect("strip", (from, y), ((to - from).max(2.0), BAR), &item.label.2);
                    "warn"
                }
                Sort::Sign => {
                    let d = format!("M{from:.1} {middle:.1}l5 -5 5 5 -5 5z");
                    svg.path("sign", &d, &item.label.2);
                    "warn"
                }
                Sort::Refused => {
                    let (left, above) = (from + 1.0, middle - 4.0);
                    let d = format!("M{left:.1} {above:.1}l8 8m0 -8l-8 8");
                    svg.path("refused", &d, &item.label.2);
                    "refusal"
                }
            };
            let (x, anchor, said) = &item.label;
            svg.text(class, *anchor, (*x, y + 11.5), said);
        }
    }
}

/// The class of how a lock is had.
pub(super) fn of_mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Alone => "alone",
        Mode::Share => "share",
        Mode::Permit => "permit",
        Mode::Plain => "plain",
    }
}

fn draw_bar(svg: &mut Svg, frame: &Frame<'_>, bar: &Bar<'_>, (from, last): (f64, f64), y: f64) {
    let end = bar.end.map_or(last, |(at, _)| frame.axis.at(at)).max(from + 3.0);
    let accused = if bar.accused { " accused" } else { "" };
    let until = match bar.end {
        None => "the end of the picture".to_owned(),
        Some((at, how)) => format!("{} ms: {}", grouped(at), told(how)),
    };
    let fence = bar.fence.map_or(String::new(), |fence| format!(", fence {fence}"));
    let hint = format!(
        "hold {} of {}{fence}, from {} ms to {until}",
        bar.hold,
        bar.keys.join(" and "),
        grouped(bar.begin)
    );
    let shared = bar.shared.map_or(end, |at| frame.axis.at(at).clamp(from, end));
    // It became one before the picture begins, so there is nothing else of it to be seen.
    let (mode, shared) = if shared > from { (bar.mode, shared) } else { (Mode::Share, end) };
    let class = format!("hold {} {}{accused}", of_mode(mode), frame.colour(bar.keys));
    svg.rect(&class, (from, y), (shared - from, BAR), &hint);
    if shared < end {
        let class = format!("rest share {}{accused}", frame.colour(bar.keys));
        svg.rect(&class, (shared, y), (end - shared, BAR), "a share from here on");
    }
    if last > end + 1.0 {
        let d = format!("M{end:.1} {:.1}H{last:.1}", y + BAR / 2.0);
        svg.path("tail", &d, "the lease is over, and its holder has not let go");
    }
    if let Some((at, how)) = bar.end
        && frame.axis.shows(at)
    {
        draw_end(svg, how, end, y);
    }
}

pub(super) fn draw_end(svg: &mut Svg, how: End, x: f64, y: f64) {
    let d = match how {
        End::Released | End::Downgraded => format!("M{x:.1} {:.1}v{:.1}", y - 2.0, BAR + 4.0),
        End::Lost => format!("M{x:.1} {:.1}l-3 3.5 6 3.5 -6 3.5 6 3.5 -3 3.5", y - 1.0),
        End::HandedOver => format!("M{x:.1} {y:.1}l7 {h:.1} -7 {h:.1}z", h = BAR / 2.0),
        End::Killed => {
            let (left, top) = (x - 4.0, y + 3.5);
            format!("M{left:.1} {top:.1}l8 8m0 -8l-8 8")
        }
    };
    let class = match how {
        End::Lost => "end over",
        End::HandedOver => "end passed",
        End::Killed => "refused",
        End::Released | End::Downgraded => "end",
    };
    svg.path(class, &d, told(how));
}

/// A triangle that points to what is below.
pub(super) fn written(x: f64, y: f64) -> String {
    format!("M{:.1} {:.1}h8l-4 5z", x - 4.0, y - 2.0)
}

/// In words.
pub(super) fn told(how: End) -> &'static str {
    match how {
        End::Released => "released or dropped",
        End::Lost => "lease over",
        End::HandedOver => "handed over",
        End::Downgraded => "downgraded",
        End::Killed => "process killed",
    }
}
