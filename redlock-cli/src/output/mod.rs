//! What people and programs read, on standard output and on standard error.

pub(crate) mod progress;
mod say;
mod stdout;
mod table;
mod words;

pub(crate) use self::say::say;
pub(crate) use self::stdout::{colours, is_unread, json, line, out, try_line, written};
pub(crate) use self::table::{rows, table};
pub(crate) use self::words::{count, cut, keys, latency, micros, plain, span};
