//! Standard output: lines for people, JSON for programs, and whether anybody reads them.

use std::fmt::{Arguments, Write as _};
use std::io::{self, IsTerminal, Write as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::words;
use crate::exit::Failure;

/// Prints a line. Whoever stopped reading (`| head`) is no failure; a disk that is full is one.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<(), Failure> {
    try_line(text).map(drop)
}

/// The same; says whether somebody still reads.
pub(crate) fn try_line(text: impl std::fmt::Display) -> Result<bool, Failure> {
    written(out(format_args!("{text}\n")))
}

/// Whether somebody still reads, by what became of something that was written.
pub(crate) fn written(done: io::Result<()>) -> Result<bool, Failure> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(format_args!("standard output: {error}"))),
        Ok(()) => Ok(true),
    }
}

/// Whether whoever read standard output has gone. Asks, and writes nothing.
pub(crate) fn is_unread() -> bool {
    let stdout = io::stdout();
    let mut out = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = PollFlags::ERR | PollFlags::HUP;
    matches!(poll(&mut out, Some(&now)), Ok(1..)) && out[0].revents().intersects(gone)
}

/// One line of JSON, in which nothing moves a cursor or has what follows shown in another order: it may be shown on a
/// terminal, and what others wrote may be in it.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let plain = serde_json::to_string(value).map_err(Failure::new)?;
    if !plain.chars().any(words::moves) {
        return Ok(plain);
    }
    let mut shown = String::with_capacity(plain.len() + 8);
    for c in plain.chars() {
        if words::moves(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    Ok(shown)
}

/// Whether colours may be used on standard output: it is a terminal, and `NO_COLOR` is not set.
pub(crate) fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// On standard output, at once.
pub(crate) fn out(args: Arguments<'_>) -> io::Result<()> {
    let mut text = String::new();
    text.write_fmt(args).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_nothing_that_moves_a_cursor_and_says_the_same() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}b\u{feff}\n\"ü👩\u{200d}🔧";
        let shown = json(&hostile).unwrap();
        assert!(!shown.chars().any(words::moves), "{shown:?}");
        assert!(shown.contains("ü👩\u{200d}🔧") && shown.contains("\\u202e"), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), hostile);
        assert_eq!(json(&"plain").unwrap(), r#""plain""#);
    }
}
