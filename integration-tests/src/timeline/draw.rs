//! The whole of a picture: lanes below each other over one axis of time.

use super::axis::{Axis, grouped};
use super::bars::{Bar, bars};
use super::lane::Frame;
use super::marks::{Mark, Role, Timeline, What};
use super::svg::{Anchor, Svg};
use super::{broken, legend};

const WIDTH: f64 = 1_400.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = WIDTH - 24.0;
/// Of the axis, above and below.
const SCALE: f64 = 20.0;

const STYLE: &str = "
text { paint-order: stroke; stroke: var(--paper); stroke-width: 2.5px; stroke-linejoin: round; stroke-opacity: .92; }
.lane { fill: var(--band); } .lane.node { fill: none; stroke: var(--grid); stroke-dasharray: 2 4; }
.hold, .rest, .sample { stroke: var(--own); fill: var(--own); fill-opacity: .28; }
.share { fill-opacity: .10; stroke-dasharray: 5 3; } .permit { rx: 7px; fill-opacity: .16; stroke-width: 2; }
.plain { fill: none; stroke-width: 2; } .accused { stroke: var(--bad); stroke-width: 2.5; }
.tail { stroke: var(--faint); stroke-dasharray: 3 3; fill: none; }
.end { stroke: var(--ink); stroke-width: 1.5; fill: none; } .end.over { stroke: var(--warn); }
.end.passed { fill: var(--ink); stroke: none; }
.shade { fill: var(--warn); fill-opacity: .16; } .strip { fill: var(--warn); fill-opacity: .14; stroke: var(--warn); stroke-width: .6; }
.sign { fill: var(--warn); } .warn { fill: var(--warn); } .bad, .refusal { fill: var(--bad); }
.wrote { fill: var(--ink); }
.refused { stroke: var(--bad); stroke-width: 2; fill: none; }
.tick { stroke-width: 1.2; } .tick.lost { stroke: var(--bad); } .tick.slow { stroke: var(--faint); }
.cut { fill: var(--paper); } .overlap { fill: var(--bad); fill-opacity: .16; }
.broken { stroke: var(--bad); stroke-width: 2; } .violation { fill: var(--bad); font-weight: 600; font-size: 12px; }
.broken.again { stroke-width: 1; opacity: .6; }
.broken.unpromised { stroke: var(--warn); stroke-width: 1; stroke-dasharray: 4 3; } .violation.unpromised { fill: var(--warn); }
";

/// As SVG.
pub fn draw(timeline: &Timeline) -> String {
    let all = bars(&timeline.marks);
    let (from, to) = timeline.window.unwrap_or_else(|| range(&timeline.marks, &all));
    let seen: Vec<Bar<'_>> =
        all.iter().copied().filter(|bar| bar.begin <= to && bar.last() >= from).collect();
    let marks: Vec<&Mark> = timeline.marks.iter().filter(|mark| is_seen(mark, from, to)).collect();
    let axis = Axis::new(points(&seen, &marks, (from, to)), LEFT, RIGHT - LEFT);
    let mut keys: Vec<&str> = all.iter().flat_map(|bar| bar.keys).map(String::as_str).collect();
    keys.sort_unstable();
    keys.dedup();
    let fences = seen.iter().filter_map(|bar| bar.fence).collect();
    let frame = Frame { axis: &axis, right: RIGHT, keys, fences };
    let lanes: Vec<_> =
        (0..timeline.lanes.len()).map(|lane| frame.lay(lane, &seen, &marks)).collect();
    let (legend, notes) = (legend::legend(&seen, &marks), broken::notes(&axis, &marks));

    let mut svg = Svg::default();
    legend.draw(&mut svg, (8.0, RIGHT), 8.0);
    let above = 8.0 + legend.height(8.0, RIGHT) + 6.0;
    let first = above + notes.height() + SCALE;
    let gap = |place: usize| match place {
        0 => 0.0,
        place if timeline.lanes[place].role != timeline.lanes[place - 1].role => 10.0,
        _ => 2.0,
    };
    let bottom = first + lanes.iter().enumerate().map(|(i, l)| l.height + gap(i)).sum::<f64>();
    let mut top = first;
    for (place, (lane, laid)) in timeline.lanes.iter().zip(&lanes).enumerate() {
        top += gap(place);
        let class = if lane.role == Role::Client { "lane client" } else { "lane node" };
        svg.rect(class, (4.0, top), (WIDTH - 8.0, laid.height), "");
        top += laid.height;
    }
    scale(&mut svg, &axis, (first, bottom), &timeline.unit);
    broken::overlaps(&mut svg, &axis, &seen, &marks, (first, bottom));
    notes.draw(&mut svg, (LEFT, RIGHT), above, bottom);
    let mut top = first;
    for (place, (lane, laid)) in timeline.lanes.iter().zip(&lanes).enumerate() {
        top += gap(place);
        let kind = if lane.role == Role::Client { "client" } else { "node" };
        svg.open(kind, &lane.name);
        svg.text("name", Anchor::Start, (10.0, top + 17.0), &lane.name);
        laid.draw(&mut svg, &frame, top);
        svg.close();
        top += laid.height;
    }
    svg.finish(&timeline.title, STYLE, (WIDTH, bottom + SCALE + 8.0))
}

/// From the first thing that happens to a little after the last hold or broken rule.
fn range(marks: &[Mark], bars: &[Bar<'_>]) -> (u64, u64) {
    let of_note = |mark: &&Mark| !matches!(mark.what, What::Message { .. } | What::Ended { .. });
    let first = marks.iter().filter(of_note).map(|mark| mark.at).min().unwrap_or(0);
    let counts = |mark: &&Mark| matches!(mark.what, What::Broken { .. } | What::Refused { .. });
    let told = marks.iter().filter(counts).map(|mark| mark.at);
    let last = bars.iter().map(Bar::last).chain(told).max().unwrap_or(first).max(first);
    // Of what is most often the whole; after a long rest it would be much.
    let margin = ((last - first) / 40).clamp(1_000, 100_000);
    (first.saturating_sub(margin), last + margin)
}

fn is_seen(mark: &Mark, from: u64, to: u64) -> bool {
    match mark.what {
        What::Trouble { until, .. } => mark.at <= to && until >= from,
        _ => (from..=to).contains(&mark.at),
    }
}

/// When something is to be seen.
fn points(bars: &[Bar<'_>], marks: &[&Mark], (from, to): (u64, u64)) -> Vec<u64> {
    let mut points = vec![from, to];
    for bar in bars {
        points.extend([bar.begin, bar.last()]);
        points.extend(bar.end.map(|(at, _)| at));
    }
    for mark in marks {
        points.push(mark.at);
        if let What::Trouble { until, .. } = mark.what {
            points.push(until);
        }
    }
    points.iter().map(|point| (*point).clamp(from, to)).collect()
}

fn scale(svg: &mut Svg, axis: &Axis, (top, bottom): (f64, f64), unit: &str) {
    svg.open("scale", "scale");
    for (time, x) in axis.ticks() {
        svg.path("grid", &format!("M{x:.1} {top:.1}V{bottom:.1}"), "");
        svg.text("faint", Anchor::Middle, (x, top - 6.0), &grouped(time));
        svg.text("faint", Anchor::Middle, (x, bottom + 14.0), &grouped(time));
    }
    svg.text("faint", Anchor::Start, (10.0, bottom + 14.0), unit);
    for (x, width, length) in axis.cuts() {
        let (x, width) = (x + 4.0, width - 8.0);
        let said = format!("{} ms left out", grouped(length / 1_000 * 1_000));
        svg.rect("cut", (x, top), (width, bottom - top), &said);
        for x in [x, x + width] {
            let mut d = format!("M{x:.1} {top:.1}");
            let mut y = top;
            while y + 12.0 <= bottom {
                d += "l3 3 -6 6 3 3";
                y += 12.0;
            }
            svg.path("grid", &d, &said);
        }
        let middle = x + width / 2.0;
        svg.text("faint", Anchor::Middle, (middle, bottom + 14.0), &brief(length));
        svg.text("faint", Anchor::Middle, (middle, top - 6.0), &brief(length));
    }
    svg.close();
}

/// A length that need not be exact.
fn brief(micros: u64) -> String {
    match micros / 1_000 {
        ms @ ..10_000 => format!("⋯ {ms} ms"),
        ms => format!("⋯ {} s", ms / 1_000),
    }
}
