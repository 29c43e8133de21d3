//! A page of HTML around pictures. It needs nothing from elsewhere, and no script.

use super::svg::escape;

/// What is on the page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What to know of the run, one line each.
    pub facts: Vec<String>,
    /// Commands that make it anew.
    pub commands: Vec<String>,
    /// The pictures.
    pub sections: Vec<Section>,
    /// Every broken rule, in full.
    pub broken: Vec<String>,
    /// All that happened, one line each.
    pub log: Vec<String>,
}

/// A picture.
#[derive(Debug, Clone)]
pub struct Section {
    /// What stands above it; may be empty.
    pub heading: String,
    /// What [`draw`](super::draw) makes.
    pub svg: String,
}

const STYLE: &str = "
:root { color-scheme: light dark; --back: #ffffff; --fore: #1f2328; --dim: #59636e; --red: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --fore: #e6edf3; --dim: #9198a1; --red: #ff7b72; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 16px 20px; background: var(--back); color: var(--fore); }
h1 { font-size: 18px; margin: 0 0 6px; } h2 { font-size: 14px; margin: 18px 0 4px; }
p { margin: 2px 0; color: var(--dim); } .red { color: var(--red); font-weight: 600; }
svg { display: block; width: 100%; min-width: 1000px; height: auto; margin-top: 8px; }
pre, code { font: 12px ui-monospace, monospace; } summary { margin-top: 12px; cursor: pointer; }
";

/// Of the first broken rule, at the most.
const FIRST: usize = 160;

impl Page {
    /// What stands above the pictures of what is broken: no more than a line or two.
    fn first(&self) -> Option<String> {
        let first = self.broken.first()?;
        let (more, short) = (self.broken.len() - 1, first.chars().take(FIRST));
        let dots = if first.chars().count() > FIRST { " …" } else { "" };
        let more = if more > 0 { format!(" (and {more} more, below)") } else { String::new() };
        Some(short.chain(dots.chars()).chain(more.chars()).collect())
    }

    /// As HTML, which is XML as well.
    pub fn html(&self) -> String {
        let line = |class: &str, said: &String| format!("<p{class}>{}</p>\n", escape(said));
        let mut body = format!("<h1>{}</h1>\n", escape(&self.title));
        body.extend(self.facts.iter().map(|fact| line("", fact)));
        for command in &self.commands {
            body += &format!("<p><code>{}</code></p>\n", escape(command));
        }
        body.extend(self.first().iter().map(|first| line(" class=\"red\"", first)));
        for section in &self.sections {
            if !section.heading.is_empty() {
                body += &format!("<h2>{}</h2>\n", escape(&section.heading));
            }
            body += &section.svg;
        }
        if self.broken.len() > 1 {
            body += "<h2>All that is broken</h2>\n";
            body.extend(self.broken.iter().map(|broken| line(" class=\"red\"", broken)));
        }
        if !self.log.is_empty() {
            body += &format!(
                "<details><summary>All {} events</summary><pre>{}</pre></details>\n",
                self.log.len(),
                escape(&self.log.join("\n"))
            );
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>{}</title>\n\
             <style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n",
            escape(&self.title)
        )
    }
}
