//! What people and programs read: aligned tables, colour on a terminal only, JSON.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use comfy_table::{Table, presets};

use crate::exit::Failure;

/// A table without frames, its columns aligned.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// The table's lines, each behind `indent` and without blanks at its end.
pub(crate) fn rows(table: &Table, indent: &str) -> String {
    let line = |line: String| format!("{indent}{}", line.trim_end());
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether colours may be used on standard output: it is a terminal, and `NO_COLOR` is not set.
pub(crate) fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints a line. Whoever stopped reading (`| head`) is no failure.
pub(crate) fn line(text: impl std::fmt::Display) -> io::Result<()> {
    try_line(text).map(drop)
}

/// The same; says whether somebody still reads.
pub(crate) fn try_line(text: impl std::fmt::Display) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true),
    }
}

/// One line of JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(Failure::new)
}

/// A time as people say it: `250 ms`, `8.1 s`, `2m 5s`.
pub(crate) fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..60 => {
            let tenths = time.as_millis() / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        seconds => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
    }
}

/// A latency: `0.31 ms`, `12.4 ms`, `1.25 s`.
pub(crate) fn latency(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    match ms {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.1} ms"),
        ms => format!("{:.2} s", ms / 1e3),
    }
}

/// A latency in whole microseconds, for programs.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// `1 node`, `2 nodes`.
pub(crate) fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

/// A name that cannot move the cursor.
pub(crate) fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them_and_never_rounded_up() {
        let ms = Duration::from_millis;
        for (time, said) in [
            (ms(0), "0 ms"),
            (ms(999), "999 ms"),
            (ms(8_199), "8.1 s"),
            (ms(59_999), "59.9 s"),
            (ms(125_900), "2m 5s"),
        ] {
            assert_eq!(span(time), said);
        }
        let us = Duration::from_micros;
        for (time, said) in
            [(us(314), "0.31 ms"), (us(12_440), "12.4 ms"), (us(1_250_000), "1.25 s")]
        {
            assert_eq!(latency(time), said);
        }
    }

    #[test]
    fn a_table_has_aligned_columns_and_no_blanks_at_its_end() {
        let mut table = table(&["A", "LONG"]);
        table.add_row(["node", "x"]);
        assert_eq!(rows(&table, "  "), "  A     LONG\n  node  x");
    }

    #[test]
    fn a_key_cannot_move_the_cursor() {
        assert_eq!(plain("grün\u{1b}[2J\n'"), "grün\\u{1b}[2J\\n'");
    }
}
