//! What both pictures have in common: the scale, numbers, captions, colours.

use super::simulation::timeline::grouped;
use super::simulation::timeline::svg::{Anchor, Svg, width_of};

pub(crate) const BAR: f64 = 17.0;
const WIDTH: f64 = 960.0;
const LEFT: f64 = 96.0;
const RIGHT: f64 = WIDTH - 24.0;
const STEP: u64 = 100;
/// Between two lines of captions.
const LINE: f64 = 16.0;

pub(crate) const STYLE: &str = "
text { font-size: 12px; } .small { font-size: 11px; }
.strong { font-weight: 600; } .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; }
.lane { fill: var(--band); }
.hold { fill: var(--own); fill-opacity: .3; stroke: var(--own); stroke-width: 1.5; }
.key { fill: var(--own); fill-opacity: .18; stroke: var(--own); stroke-width: .7; }
.message { stroke: var(--own); stroke-width: 1.2; fill: none; } .answer { stroke-dasharray: 3 3; } .dot { fill: var(--own); }
.faintly { opacity: .35; } .longer { stroke: var(--c0); stroke-width: 3; }
.lost, .refused { stroke: var(--bad); stroke-width: 2; fill: none; } .bad { fill: var(--bad); font-weight: 600; }
.validity { stroke: var(--c0); fill: none; } .waits { stroke: var(--faint); stroke-dasharray: 4 4; fill: none; }
.frozen { fill: var(--warn); fill-opacity: .2; } .warn { fill: var(--warn); font-weight: 600; }
.number { fill: var(--ink); } .digit { fill: var(--paper); font-weight: 700; font-size: 11px; }
";

/// Milliseconds from left to right.
pub(crate) struct Sheet {
    end: u64,
}

impl Sheet {
    pub(crate) fn new(end: u64) -> Self {
        Self { end }
    }

    pub(crate) fn width(&self) -> f64 {
        WIDTH
    }

    pub(crate) fn at(&self, ms: u64) -> f64 {
        LEFT + (RIGHT - LEFT) * ms as f64 / self.end as f64
    }

    /// The lines of the scale, and its numbers at their lower end.
    pub(crate) fn scale(&self, svg: &mut Svg, (top, bottom): (f64, f64)) {
        svg.open("scale", "scale");
        for ms in (0..=self.end).step_by(STEP as usize) {
            let x = self.at(ms);
            svg.path("grid", &format!("M{x:.1} {top:.1}V{:.1}", bottom - 12.0), "");
            svg.text("faint small", Anchor::Middle, (x, bottom), &grouped(ms * 1_000));
        }
        svg.text("faint small", Anchor::Start, (8.0, bottom), "ms");
        svg.close();
    }

    /// A number in a circle, to which a caption belongs.
    pub(crate) fn number(&self, svg: &mut Svg, number: usize, place: (f64, f64)) {
        circle(svg, number, place);
    }
}

fn circle(svg: &mut Svg, number: usize, (x, y): (f64, f64)) {
    svg.path("number", &format!("M{:.1} {y:.1}a8 8 0 1 0 16 0a8 8 0 1 0 -16 0", x - 8.0), "");
    svg.text("digit", Anchor::Middle, (x, y + 4.0), &number.to_string());
}

/// What a number means, in as many lines as it takes from `y` on; returns where the next one begins.
pub(crate) fn caption(svg: &mut Svg, number: usize, y: f64, said: &str) -> f64 {
    circle(svg, number, (20.0, y));
    let (mut line, mut at) = (String::new(), y + 4.0);
    for word in said.split(' ') {
        if width_of(&line) + width_of(word) > WIDTH - 20.0 {
            svg.text("", Anchor::Start, (36.0, at), &line);
            (line, at) = (String::new(), at + LINE);
        }
        line += if line.is_empty() { "" } else { " " };
        line += word;
    }
    svg.text("", Anchor::Start, (36.0, at), &line);
    at + LINE + 2.0
}
