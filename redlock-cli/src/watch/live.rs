//! The last line of a terminal, written anew at each look.

use std::io::{self, IsTerminal};

use rustix::termios::tcgetwinsize;

use crate::exit::Failure;
use crate::output;

/// Of a terminal that does not know its own.
const COLUMNS: u16 = 80;

/// Only where standard output is a terminal.
pub(crate) struct Live(bool);

impl Live {
    pub(crate) fn new(json: bool) -> Self {
        Self(!json && io::stdout().is_terminal())
    }

    /// Text without control characters.
    pub(crate) fn show(&self, text: &str) -> Result<(), Failure> {
        let columns = tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col);
        self.write(&line(text, columns))
    }

    pub(crate) fn clear(&self) -> Result<(), Failure> {
        self.write("")
    }

    fn write(&self, line: &str) -> Result<(), Failure> {
        if !self.0 {
            return Ok(());
        }
        output::written(output::out(format_args!("\r\x1b[2K{line}"))).map(drop)
    }
}

/// No wider than the terminal, less the column at whose end some go on to the next line. Pure.
fn line(text: &str, columns: u16) -> String {
    let columns = if columns == 0 { COLUMNS } else { columns };
    output::cut(text, usize::from(columns) - 1)
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::look::State;
    use crate::look::view::tests::{hold, view};

    #[test]
    fn the_live_line_fits_into_any_terminal_whatever_the_key_is() {
        for key in ["orders:42", "a\r\n\u{1b}[2Jb", "\u{9318}\u{524d}:42", "\u{202e}x"] {
            let mut view = view(State::Held(hold("a", 8_123)), &[]);
            view.key = key.to_owned();
            for columns in 1..120 {
                let line = line(&view.headline(), columns);
                assert!(line.width() < usize::from(columns), "{line} in {columns}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
            assert_eq!(line(&view.headline(), 0), view.headline(), "of unknown width");
        }
    }
}
