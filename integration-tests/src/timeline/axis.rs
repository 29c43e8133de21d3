//! From time to place. What is long and empty is left out.

/// How wide a part is that was left out.
const CUT: f64 = 64.0;
/// Between two labels, at the least.
const APART: f64 = 84.0;
/// A gap is left out that is more than so many percent of what is shown.
const TOO_LONG: u64 = 60;

/// The axis of time.
#[derive(Debug, Clone)]
pub struct Axis {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    from: u64,
    to: u64,
    x: f64,
    width: f64,
    cut: bool,
}

impl Axis {
    /// One that shows all `points` between `x` and `x + width`.
    pub fn new(mut points: Vec<u64>, x: f64, width: f64) -> Self {
        points.sort_unstable();
        points.dedup();
        let (first, last) =
            (points.first().copied().unwrap_or(0), points.last().copied().unwrap_or(0));
        let last = last.max(first + 1);
        let cuts = cuts(&points);
        let left_out: u64 = cuts.iter().map(|(from, to)| to - from).sum();
        let shown = (last - first - left_out).max(1) as f64;
        let scale = (width - CUT * cuts.len() as f64) / shown;
        let (mut pieces, mut from, mut at) = (Vec::new(), first, x);
        for (begin, end) in cuts.into_iter().chain([(last, last)]) {
            let width = (begin - from) as f64 * scale;
            pieces.push(Piece { from, to: begin, x: at, width, cut: false });
            at += width;
            if end > begin {
                pieces.push(Piece { from: begin, to: end, x: at, width: CUT, cut: true });
                at += CUT;
            }
            from = end;
        }
        Self { pieces }
    }

    /// Where a time is; what is before or after is at the edge.
    pub fn at(&self, time: u64) -> f64 {
        let last = self.pieces.last().map_or(0.0, |piece| piece.x + piece.width);
        let Some(piece) = self.pieces.iter().find(|piece| time <= piece.to) else { return last };
        let part = time.saturating_sub(piece.from) as f64 / (piece.to - piece.from).max(1) as f64;
        piece.x + part * piece.width
    }

    /// Whether a time is not before and not after what is shown.
    pub fn shows(&self, time: u64) -> bool {
        let (first, last) = (self.pieces.first(), self.pieces.last());
        first.is_some_and(|piece| piece.from <= time) && last.is_some_and(|piece| time <= piece.to)
    }

    /// Round times with their places, in what is not left out.
    pub fn ticks(&self) -> Vec<(u64, f64)> {
        let shown = || self.pieces.iter().filter(|piece| !piece.cut);
        let time: u64 = shown().map(|piece| piece.to - piece.from).sum();
        let width: f64 = shown().map(|piece| piece.width).sum();
        let step = round_step(time as f64 / width.max(1.0) * APART);
        let mut ticks = Vec::new();
        for piece in shown() {
            let mut tick = piece.from.div_ceil(step) * step;
            while tick <= piece.to {
                let x = self.at(tick);
                // What is left out has a label as well.
                if self.cuts().all(|(cut, width, _)| x < cut - CUT / 2.0 || x > cut + width * 1.5) {
                    ticks.push((tick, x));
                }
                tick += step;
            }
        }
        ticks
    }

    /// Place, width and length in microseconds of what is left out.
    pub fn cuts(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        let cuts = self.pieces.iter().filter(|piece| piece.cut);
        cuts.map(|piece| (piece.x, piece.width, piece.to - piece.from))
    }
}

/// Gaps of sorted points that would be most of the picture, less a margin on either side.
fn cuts(points: &[u64]) -> Vec<(u64, u64)> {
    let mut gaps: Vec<(u64, u64)> = points.windows(2).map(|pair| (pair[0], pair[1])).collect();
    gaps.sort_by_key(|(from, to)| std::cmp::Reverse(to - from));
    let mut total = points.last().unwrap_or(&0) - points.first().unwrap_or(&0);
    let mut long = Vec::new();
    // Two moments are no run.
    for (from, to) in gaps.into_iter().filter(|_| points.len() > 8) {
        if (to - from) * 100 <= total * TOO_LONG {
            break;
        }
        total -= to - from;
        long.push((from, to));
    }
    let margin = total / 50;
    let mut cuts: Vec<_> = long.iter().map(|(from, to)| (from + margin, to - margin)).collect();
    cuts.retain(|(from, to)| from < to);
    cuts.sort_unstable();
    cuts
}

/// The next one, two or five with zeros behind it, of whole milliseconds where they will do.
fn round_step(least: f64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if (power * factor) as f64 >= least {
                return power * factor;
            }
        }
        power *= 10;
    }
}

/// Microseconds as milliseconds, with a comma at thousands.
pub fn grouped(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000, micros % 1_000);
    let digits = whole.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if rest > 0 {
        text += format!(".{rest:03}").trim_end_matches('0');
    }
    text
}
