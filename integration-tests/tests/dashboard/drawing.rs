//! The panels as one picture, three beside one another.

use integration_tests::timeline::svg::{Anchor, DISTINCT, Svg, width_of};

const WIDTH: f64 = 960.0;
const COLUMNS: usize = 3;
const CELL: (f64, f64) = (WIDTH / COLUMNS as f64, 132.0);
const MARGIN: f64 = 10.0;
/// Where the lines are, from the top of the cell.
const PLOT: (f64, f64) = (26.0, 58.0);
/// Rows of names below.
const ROWS: usize = 3;
const ROW: f64 = 12.0;

const STYLE: &str = "
text { font-size: 10px; } .name { font-size: 11px; }
.line { fill: none; stroke: var(--own); stroke-width: 1.3; } .key { fill: var(--own); }
.lane { fill: var(--band); }
";

/// A panel with its data.
pub(crate) struct Drawn {
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) is_table: bool,
    /// By name, with values that are as many seconds after the first as they say.
    pub(crate) series: Vec<(String, Vec<(f64, f64)>)>,
}

pub(crate) fn draw(panels: &[Drawn], seconds: f64) -> String {
    let mut svg = Svg::default();
    for (place, panel) in panels.iter().enumerate() {
        let (column, row) = (place % COLUMNS, place / COLUMNS);
        let corner = (CELL.0 * column as f64, CELL.1 * row as f64);
        svg.open("panel", &panel.title);
        svg.rect("lane", (corner.0 + 3.0, corner.1 + 3.0), (CELL.0 - 6.0, CELL.1 - 6.0), "");
        svg.text("name", Anchor::Start, (corner.0 + MARGIN, corner.1 + 18.0), &panel.title);
        match panel.is_table {
            true => table(&mut svg, panel, corner),
            false => graph(&mut svg, panel, corner, seconds),
        }
        svg.close();
    }
    let rows = panels.len().div_ceil(COLUMNS) as f64;
    svg.finish("The panels of the Grafana dashboard, with data", STYLE, (WIDTH, CELL.1 * rows))
}

fn table(svg: &mut Svg, panel: &Drawn, (x, y): (f64, f64)) {
    let mut line = y + 38.0;
    for (name, values) in &panel.series {
        let last = values.last().map_or(0.0, |(_, value)| *value);
        svg.text("", Anchor::End, (x + CELL.0 - MARGIN, line), &told(last, &panel.unit));
        // Two labels in a line.
        let labels: Vec<&str> = name.split(", ").collect();
        for labels in labels.chunks(2) {
            svg.text("", Anchor::Start, (x + MARGIN, line), &labels.join(", "));
            line += 14.0;
        }
    }
}

fn graph(svg: &mut Svg, panel: &Drawn, (x, y): (f64, f64), seconds: f64) {
    let values = panel.series.iter().flat_map(|(_, values)| values);
    let most = values.map(|(_, value)| *value).fold(0.0, f64::max);
    let (top, left, wide) = (y + PLOT.0, x + MARGIN, CELL.0 - 2.0 * MARGIN);
    svg.path("grid", &format!("M{left:.1} {:.1}h{wide:.1}", top + PLOT.1), "");
    svg.text(
        "faint",
        Anchor::End,
        (left + wide, y + 18.0),
        &format!("up to {}", told(most, &panel.unit)),
    );
    let (mut names, mut row) = (left, 0);
    for (place, (name, values)) in panel.series.iter().enumerate() {
        let colour = format!("c{}", place % DISTINCT);
        let at = |(when, value): &(f64, f64)| {
            let height = if most > 0.0 { value / most } else { 0.0 };
            format!("{:.0} {:.1}", left + wide * when / seconds, top + PLOT.1 * (1.0 - height))
        };
        let points: Vec<_> = values.iter().map(at).collect();
        svg.path(&format!("line {colour}"), &format!("M{}", points.join("L")), "");
        let name = cut(name, wide - 12.0);
        let length = width_of(&name) + 22.0;
        if names > left && names + length > left + wide {
            (names, row) = (left, row + 1);
        }
        if row < ROWS {
            let line = top + PLOT.1 + 13.0 + ROW * row as f64;
            svg.rect(&format!("key {colour}"), (names, line - 7.0), (8.0, 8.0), "");
            svg.text("", Anchor::Start, (names + 11.0, line), &name);
            names += length;
        }
    }
}

/// As much of a text as there is room for.
fn cut(text: &str, room: f64) -> String {
    if width_of(text) <= room {
        return text.to_owned();
    }
    let dots = |length: &usize| {
        width_of(text) * *length as f64 / text.chars().count() as f64 + 10.0 > room
    };
    let length = (1..text.chars().count()).find(dots).unwrap_or(1);
    text.chars().take(length).chain("…".chars()).collect()
}

/// A value in its unit.
fn told(value: f64, unit: &str) -> String {
    let number = |value: f64| match value {
        10.0.. => format!("{value:.0}"),
        _ => format!("{}", (value * 100.0).round() / 100.0),
    };
    match unit {
        "s" if value < 1.0 => format!("{} ms", number(value * 1_000.0)),
        "s" => format!("{} s", number(value)),
        "ops" => format!("{}/s", number(value)),
        "percentunit" => format!("{} %", number(value * 100.0)),
        _ => number(value),
    }
}

#[test]
fn values_have_units_and_names_end_in_dots() {
    assert_eq!(told(0.0123, "s"), "12 ms");
    assert_eq!(told(1.25, "s"), "1.25 s");
    assert_eq!(told(3.333, "ops"), "3.33/s");
    assert_eq!(told(0.5, "percentunit"), "50 %");
    assert_eq!(told(12.0, "short"), "12");
    assert_eq!(cut("short", 100.0), "short");
    assert!(cut("a rather long name", 60.0).ends_with('…'));
    assert!(width_of(&cut("a rather long name", 60.0)) <= 60.0);
}

#[test]
fn more_is_higher_and_every_panel_and_series_is_named() {
    let panel = |title: &str, is_table| Drawn {
        title: title.to_owned(),
        unit: "ops".to_owned(),
        is_table,
        series: vec![("one".to_owned(), vec![(0.0, 0.0), (5.0, 2.0), (10.0, 4.0)])],
    };
    let svg = draw(&[panel("a <b>", false), panel("c", true)], 10.0);
    assert!(svg.contains("d=\"M10 84.0L160 55.0L310 26.0\""), "{svg}");
    for part in
        [">a &lt;b&gt;</text>", ">c</text>", ">one</text>", ">up to 4/s</text>", ">4/s</text>"]
    {
        assert!(svg.contains(part), "{part}: {svg}");
    }
}
