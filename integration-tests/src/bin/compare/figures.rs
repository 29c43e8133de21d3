//! The ratios by name, and what went wrong.

use std::fmt::Write;
use std::process::ExitCode;

#[derive(Default)]
pub(crate) struct Figures {
    found: Vec<(&'static str, f64)>,
    failures: Vec<String>,
}

impl Figures {
    pub(crate) fn set(&mut self, name: &'static str, value: f64) {
        self.found.push((name, value));
    }

    /// Notes locks that were not had.
    pub(crate) fn failed(&mut self, locks: usize, whose: &str) {
        if locks > 0 {
            self.failures.push(format!("{whose}: {locks} locks failed"));
        }
    }

    /// Notes which of the `names` are missing or no number.
    pub(crate) fn expect(&mut self, names: impl Iterator<Item = &'static &'static str>) {
        for name in names {
            match self.found.iter().find(|(found, _)| found == name) {
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

    /// Tells on stderr what went wrong.
    pub(crate) fn verdict(&self) -> ExitCode {
        for failure in &self.failures {
            eprintln!("compare: {failure}");
        }
        if self.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
