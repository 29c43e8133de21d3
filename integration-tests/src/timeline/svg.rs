//! What is written of an SVG, with every text escaped.

use std::fmt::Write;

/// On which side of its place a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is in the middle.
    Middle,
    /// It ends there.
    End,
}

/// Colours, for a light and for a dark page.
pub const COLOURS: &str = "
svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #d8dee4; --band: #f6f8fa; --bad: #cf222e; --warn: #9a6700;
  --c0: #0969da; --c1: #1a7f37; --c2: #8250df; --c3: #bc4c00; --c4: #1b7c83; --c5: #bf3989; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --grid: #30363d; --band: #151b23; --bad: #ff7b72; --warn: #d29922;
    --c0: #58a6ff; --c1: #3fb950; --c2: #bc8cff; --c3: #f0883e; --c4: #39c5cf; --c5: #f778ba; }
}
.paper { fill: var(--paper); }
text { font: 11px system-ui, sans-serif; fill: var(--ink); }
.title { font-weight: 600; font-size: 14px; }
.name { font-weight: 600; font-size: 12px; }
.faint { fill: var(--faint); }
.grid { stroke: var(--grid); fill: none; }
.c0 { --own: var(--c0); } .c1 { --own: var(--c1); } .c2 { --own: var(--c2); }
.c3 { --own: var(--c3); } .c4 { --own: var(--c4); } .c5 { --own: var(--c5); }
";

/// How many colours there are for what is told apart.
pub const DISTINCT: usize = 6;

/// A drawing, as far as it is made.
#[derive(Debug, Default)]
pub struct Svg(String);

impl Svg {
    /// A text at a place.
    pub fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), said: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            self.0,
            "<text class=\"{}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escape(class),
            escape(said)
        );
    }

    /// A text of parts, each with its class, whose spaces count.
    pub fn parts(&mut self, (x, y): (f64, f64), parts: &[(&str, &str)]) {
        let span = |(class, said): &(&str, &str)| {
            format!("<tspan class=\"{}\">{}</tspan>", escape(class), escape(said))
        };
        let spans: String = parts.iter().map(span).collect();
        let _ = writeln!(
            self.0,
            "<text xml:space=\"preserve\" x=\"{x:.1}\" y=\"{y:.1}\">{spans}</text>"
        );
    }

    /// A rectangle; `hint` is shown when it is pointed at.
    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (w, h): (f64, f64), hint: &str) {
        let (w, h) = (w.max(0.0), h.max(0.0));
        let size = format!("x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"");
        self.element("rect", class, &size, hint);
    }

    /// A path; `hint` is shown when it is pointed at.
    pub fn path(&mut self, class: &str, d: &str, hint: &str) {
        self.element("path", class, &format!("d=\"{}\"", escape(d)), hint);
    }

    fn element(&mut self, name: &str, class: &str, attributes: &str, hint: &str) {
        let class = escape(class);
        let _ = match hint {
            "" => writeln!(self.0, "<{name} class=\"{class}\" {attributes}/>"),
            hint => writeln!(
                self.0,
                "<{name} class=\"{class}\" {attributes}><title>{}</title></{name}>",
                escape(hint)
            ),
        };
    }

    /// Opens a group, which what is drawn until [`close`](Self::close) belongs to.
    pub fn open(&mut self, class: &str, id: &str) {
        let _ = writeln!(self.0, "<g class=\"{}\" data-name=\"{}\">", escape(class), escape(id));
    }

    /// Closes the group.
    pub fn close(&mut self) {
        self.0 += "</g>\n";
    }

    /// The whole. `style` comes on top of the colours.
    pub fn finish(self, title: &str, style: &str, (width, height): (f64, f64)) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
             <title>{}</title>\n<style>{COLOURS}{style}</style>\n\
             <rect class=\"paper\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n{}</svg>\n",
            escape(title),
            self.0
        )
    }
}

/// For text and attributes. What no document of XML may hold is left out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// How wide a text is about, rather too wide than too narrow: fonts differ.
pub fn width_of(text: &str) -> f64 {
    text.chars().count() as f64 * 6.6
}
