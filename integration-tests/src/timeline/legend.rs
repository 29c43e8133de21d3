//! What the signs mean: those that occur.

use super::bars::Bar;
use super::lane::{draw_end, of_mode, told};
use super::marks::{End, Mark, Mode, What};
use super::svg::{Anchor, Svg, width_of};

const ROW: f64 = 20.0;

enum Sign {
    Hold(Mode),
    Tail,
    End(End),
    Path(&'static str, &'static str),
    Box(&'static str),
}

/// The entries, each with its text.
pub(super) struct Legend(Vec<(Sign, &'static str)>);

/// What is needed for these.
pub(super) fn legend(bars: &[Bar<'_>], marks: &[&Mark]) -> Legend {
    let mut entries = Vec::new();
    for (mode, said) in [
        (Mode::Alone, "holds alone"),
        (Mode::Share, "shares"),
        (Mode::Permit, "has a permit"),
        (Mode::Plain, "plain client, no fence"),
    ] {
        let shared = |bar: &Bar<'_>| mode == Mode::Share && bar.shared.is_some();
        if bars.iter().any(|bar| bar.mode == mode || shared(bar)) {
            entries.push((Sign::Hold(mode), said));
        }
    }
    for how in [End::Released, End::Lost, End::HandedOver, End::Killed] {
        if bars.iter().any(|bar| bar.end.is_some_and(|(_, end)| end == how)) {
            entries.push((Sign::End(how), told(how)));
        }
    }
    if bars.iter().any(|bar| bar.end.is_some() && bar.noticed.is_some()) {
        entries.push((Sign::Tail, "not noticed yet"));
    }
    let any = |is: fn(&What) -> bool| marks.iter().any(|mark| is(&mark.what));
    if any(|what| matches!(what, What::Trouble { whole: true, .. })) {
        entries.push((Sign::Box("shade"), "stands still"));
    }
    if any(|what| matches!(what, What::Happened { .. })) {
        entries.push((Sign::Path("sign", "l5 -5 5 5 -5 5z"), "goes wrong"));
    }
    if any(|what| matches!(what, What::Message { slow: false, .. })) {
        entries.push((Sign::Path("tick lost", "m5 -5v9"), "message lost or cut"));
    }
    if any(|what| matches!(what, What::Message { slow: true, .. })) {
        entries.push((Sign::Path("tick slow", "m5 -5v9"), "message late"));
    }
    if any(|what| matches!(what, What::Wrote { .. })) {
        entries.push((Sign::Path("wrote", "m1 -2h8l-4 5z"), "writes or reads"));
    }
    if any(|what| matches!(what, What::Refused { .. })) {
        entries.push((Sign::Path("refused", "m1 -4l8 8m0 -8l-8 8"), "refused by its fence"));
    }
    if any(|what| matches!(what, What::Broken { promised: true, .. })) {
        entries.push((Sign::Path("broken", "m5 -7v14"), "a rule is broken"));
    }
    Legend(entries)
}

impl Legend {
    fn width(said: &str) -> f64 {
        34.0 + width_of(said) + 14.0
    }

    /// How high it is between both places.
    pub(super) fn height(&self, left: f64, right: f64) -> f64 {
        self.places(left, right).last().map_or(0.0, |(_, y)| y + ROW)
    }

    fn places(&self, left: f64, right: f64) -> Vec<(f64, f64)> {
        let (mut x, mut y, mut places) = (left, 0.0, Vec::new());
        for (_, said) in &self.0 {
            if x > left && x + Self::width(said) > right {
                (x, y) = (left, y + ROW);
            }
            places.push((x, y));
            x += Self::width(said);
        }
        places
    }

    pub(super) fn draw(&self, svg: &mut Svg, (left, right): (f64, f64), top: f64) {
        svg.open("legend", "legend");
        for ((sign, said), (x, y)) in self.0.iter().zip(self.places(left, right)) {
            let y = top + y;
            match sign {
                Sign::Hold(mode) => {
                    let class = format!("sample {} c0", of_mode(*mode));
                    svg.rect(&class, (x, y), (28.0, 13.0), "");
                }
                Sign::Tail => svg.path("tail", &format!("M{x:.1} {:.1}h28", y + 7.0), ""),
                Sign::End(how) => {
                    svg.rect("sample alone c0", (x + 4.0, y), (12.0, 13.0), "");
                    draw_end(svg, *how, x + 16.0, y - 1.0);
                }
                Sign::Path(class, d) => {
                    svg.path(class, &format!("M{:.1} {:.1}{d}", x + 9.0, y + 7.0), "");
                }
                Sign::Box(class) => svg.rect(class, (x, y), (28.0, 13.0), ""),
            }
            svg.text("faint", Anchor::Start, (x + 34.0, y + 10.5), said);
        }
        svg.close();
    }
}
