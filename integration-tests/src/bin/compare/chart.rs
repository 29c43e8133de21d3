//! The picture of a run: cycles by tasks, and waits in a crowd.

use std::fmt::Write;

/// What a client reached with so many tasks on keys of their own.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Tasks, and cycles per second; the tasks rise.
    pub(crate) points: Vec<(usize, f64)>,
}

/// How long the tasks of a crowd waited.
pub(crate) struct Wait {
    pub(crate) name: &'static str,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Where the lines are.
const LEFT: Plot = Plot { x: 58.0, y: 62.0, width: 330.0, height: 226.0 };
/// Where the bars are, right of their names.
const RIGHT: Plot = Plot { x: 640.0, y: 62.0, width: 190.0, height: 226.0 };
/// Between two labels, at the least.
const LABEL: f64 = 15.0;

struct Plot {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Fit for a light and for a dark page.
const STYLE: &str = "
  svg { --ink: #1f2328; --faint: #59636e; --grid: #d8dee4; --c0: #0969da; --c1: #59636e; --c2: #1a7f37; --c3: #9a6700; --c4: #cf222e; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e6edf3; --faint: #9198a1; --grid: #30363d; --c0: #58a6ff; --c1: #9198a1; --c2: #3fb950; --c3: #d29922; --c4: #ff7b72; }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--ink); }
  .title { font-weight: 600; font-size: 13px; }
  .faint { fill: var(--faint); }
  .grid { stroke: var(--grid); }
  .line { fill: none; stroke-width: 2; }
";

/// Both as one SVG.
pub(crate) fn svg(lines: &[Line], waits: &[Wait]) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 330\" role=\"img\">\n\
         <title>Cycles per second by tasks, and waits of 16 tasks on one key</title>\n<style>{STYLE}</style>\n"
    );
    draw_lines(&mut svg, lines);
    draw_waits(&mut svg, waits);
    svg + "</svg>\n"
}

fn text(svg: &mut String, class: &str, anchor: &str, (x, y): (f64, f64), said: &str) {
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{said}</text>"
    );
}

fn draw_lines(svg: &mut String, lines: &[Line]) {
    let Plot { x, y, width, height } = LEFT;
    let points = || lines.iter().flat_map(|line| &line.points);
    let top = round_up(points().map(|point| point.1).fold(1.0, f64::max));
    let most = points().map(|point| point.0).max().unwrap_or(2).max(2);
    let at = |tasks: usize, rate: f64| {
        (x + width * (tasks as f64).log2() / (most as f64).log2(), y + height * (1.0 - rate / top))
    };
    text(svg, "title", "start", (8.0, 22.0), "Acquire + release, cycles per second");
    text(
        svg,
        "faint",
        "start",
        (8.0, 40.0),
        "tasks of one thread, each on a key of its own; five nodes",
    );
    for part in 0..=4 {
        let rate = top * f64::from(part) / 4.0;
        let (_, height) = at(1, rate);
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{x:.1} {height:.1}h{width:.1}\"/>");
        text(svg, "faint", "end", (x - 6.0, height + 4.0), &format!("{rate:.0}"));
    }
    if let Some(line) = lines.first() {
        for (tasks, _) in &line.points {
            let (across, _) = at(*tasks, 0.0);
            text(svg, "faint", "middle", (across, y + height + 18.0), &tasks.to_string());
        }
    }
    text(svg, "faint", "middle", (x + width / 2.0, y + height + 36.0), "tasks");
    let ends = lines.iter().map(|line| line.points.last().map_or(0.0, |last| at(last.0, last.1).1));
    for ((index, line), label) in lines.iter().enumerate().zip(apart(&ends.collect::<Vec<_>>())) {
        let places = line.points.iter().map(|(tasks, rate)| at(*tasks, *rate));
        let path: Vec<_> = places.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<path class=\"line\" stroke=\"var(--c{index})\" d=\"M{}\"/>\n\
             <text style=\"fill: var(--c{index})\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            path.join("L"),
            x + width + 8.0,
            label + 4.0,
            line.name
        );
    }
}

fn draw_waits(svg: &mut String, waits: &[Wait]) {
    let Plot { x, y, width, height } = RIGHT;
    let longest = waits.iter().map(|wait| wait.p99_ms).fold(1.0, f64::max);
    let start = x - 150.0;
    text(svg, "title", "start", (start, 22.0), "16 tasks on one key, held 1 ms");
    text(svg, "faint", "start", (start, 40.0), "wait in ms: median and 99th percentile");
    let step = height / waits.len().max(1) as f64;
    for (index, wait) in waits.iter().enumerate() {
        let row = y + step * index as f64;
        text(svg, "", "start", (start, row + 30.0), wait.name);
        for (bar, (value, opacity)) in [(wait.p50_ms, 1), (wait.p99_ms, 0)].iter().enumerate() {
            let (top, wide) = (row + 10.0 + 18.0 * bar as f64, width * value / longest);
            let fill = if *opacity == 1 { "var(--c0)" } else { "var(--c1)" };
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"13\" fill=\"{fill}\"/>"
            );
            text(svg, "faint", "start", (x + wide + 6.0, top + 11.0), &format!("{value:.0}"));
        }
    }
}

/// The next one, two or five with zeros behind it.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= value);
    factor.unwrap_or(10.0) * power
}

/// The heights, moved down as far as needed that no two labels cover one another.
fn apart(heights: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let (mut moved, mut free) = (heights.to_vec(), f64::MIN);
    for index in order {
        moved[index] = moved[index].max(free);
        free = moved[index] + LABEL;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_order_and_cover_no_other() {
        assert_eq!(apart(&[50.0, 10.0, 12.0, 90.0]), [50.0, 10.0, 25.0, 90.0]);
        assert_eq!(apart(&[5.0, 5.0, 5.0]), [5.0, 20.0, 35.0]);
        assert_eq!(apart(&[]), [0.0; 0]);
    }

    #[test]
    fn a_scale_ends_at_a_round_number() {
        for (value, end) in [(1.0, 1.0), (1.1, 2.0), (20_001.0, 50_000.0), (50_001.0, 100_000.0)] {
            assert_eq!(round_up(value), end);
        }
    }

    #[test]
    fn more_is_higher_and_longer_is_wider() {
        let lines = [
            Line { name: "quick", points: vec![(1, 100.0), (4, 200.0)] },
            Line { name: "slow", points: vec![(1, 50.0), (4, 100.0)] },
        ];
        let waits = [
            Wait { name: "brief", p50_ms: 10.0, p99_ms: 20.0 },
            Wait { name: "long", p50_ms: 20.0, p99_ms: 40.0 },
        ];
        let svg = svg(&lines, &waits);
        // 200 is the top, 100 half of it, and the tasks are half and all of the way.
        assert!(svg.contains("d=\"M58.0 175.0L388.0 62.0\""), "{svg}");
        assert!(svg.contains("d=\"M58.0 231.5L388.0 175.0\""), "{svg}");
        for width in ["47.5", "95.0", "190.0"] {
            assert!(svg.contains(&format!("width=\"{width}\"")), "{width}: {svg}");
        }
        assert!(svg.ends_with("</svg>\n") && svg.contains(">quick</text>"), "{svg}");
    }
}
