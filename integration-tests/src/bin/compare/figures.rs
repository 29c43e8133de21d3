//! The ratios by name, and what went wrong.

use std::fmt::Write;
use std::process::ExitCode;

use crate::chart::{self, Line, Wait};

#[derive(Default)]
pub(crate) struct Figures {
    found: Vec<(&'static str, f64)>,
    lines: Vec<Line>,
    waits: Vec<Wait>,
    failures: Vec<String>,
}

impl Figures {
    pub(crate) fn set(&mut self, name: &'static str, value: f64) {
        self.found.push((name, value));
    }

    /// What is drawn of tasks on keys of their own.
    pub(crate) fn draw_lines(&mut self, lines: Vec<Line>) {
        self.lines = lines;
    }

    /// What is drawn of a crowd on one key.
    pub(crate) fn draw_waits(&mut self, waits: Vec<Wait>) {
        self.waits = waits;
    }

    /// Notes locks that were not had.
    pub(crate) fn failed(&mut self, locks: usize, whose: &str) {
        if locks > 0 {
            self.failures.push(format!("{whose}: {locks} locks failed"));
        }
    }

    /// Notes which of the `names` are missing or no number.
    pub(crate) fn expect(&mut self, names: impl IntoIterator<Item = &'static str>) {
        for name in names {
            match self.found.iter().find(|(found, _)| *found == name) {
                Some((_, value)) if value.is_finite() => {}
                Some((_, value)) => self.failures.push(format!("{name} is {value}")),
                None => self.failures.push(format!("{name} is missing")),
            }
        }
    }

    pub(crate) fn print(&self) {
        println!("\n## Ratios\n\n| name | value |\n|---|---|");
        for (name, value) in &self.found {
            println!("| `{name}` | {value:.3} |");
        }
    }

    /// A flat object.
    pub(crate) fn json(&self) -> String {
        let mut json = String::from("{");
        for (i, (name, value)) in self.found.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(json, "{comma}\n  \"{name}\": {value:.4}").unwrap();
        }
        json + "\n}\n"
    }

    /// The picture.
    ///
    /// # Errors
    ///
    /// Where a part of it was not measured.
    pub(crate) fn svg(&self) -> Result<String, &'static str> {
        if self.lines.is_empty() || self.waits.is_empty() {
            return Err("--svg: the sections tasks and queue are needed");
        }
        Ok(chart::svg(&self.lines, &self.waits))
    }

    /// Tells on stderr what went wrong.
    pub(crate) fn verdict(&self) -> ExitCode {
        for failure in &self.failures {
            eprintln!("compare: {failure}");
        }
        if self.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_lock_and_a_missing_or_senseless_ratio_are_failures() {
        let after = |what: fn(&mut Figures)| {
            let mut figures = Figures::default();
            what(&mut figures);
            figures.expect(["wanted"]);
            figures.verdict()
        };
        let found: fn(&mut Figures) = |figures| figures.set("wanted", 1.0);
        assert_eq!(after(found), ExitCode::SUCCESS);
        let broken: [fn(&mut Figures); 4] = [
            |_| (),
            |figures| figures.set("other", 1.0),
            |figures| figures.set("wanted", f64::INFINITY),
            |figures| {
                figures.set("wanted", 1.0);
                figures.failed(1, "somebody");
            },
        ];
        for broken in broken {
            assert_eq!(after(broken), ExitCode::FAILURE);
        }
    }

    #[test]
    fn the_ratios_are_written_as_a_flat_object() {
        let mut figures = Figures::default();
        figures.set("one", 1.0);
        figures.set("two", -2.5);
        assert_eq!(figures.json(), "{\n  \"one\": 1.0000,\n  \"two\": -2.5000\n}\n");
    }
}
