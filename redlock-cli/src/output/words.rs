//! Times, numbers and names as people read them. Pure.

use std::time::Duration;

use redlock_core::MAX_KEY_BYTES;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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

/// A name that cannot move the cursor, nor have what follows shown in another order.
pub(crate) fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if moves(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// Keys in a line: so many of them, and of each that no lock can have its begin.
pub(crate) fn keys(all: &[String]) -> String {
    let mut shown: Vec<_> = all.iter().take(MOST_KEYS).map(|key| short(key)).collect();
    let more = all.len() - shown.len();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

const MOST_KEYS: usize = 8;

fn short(key: &str) -> String {
    // More is no key, whatever its prefix.
    if key.len() <= MAX_KEY_BYTES {
        return plain(key);
    }
    let begin: String = key.chars().take(64).collect();
    format!("{}… ({} bytes)", plain(&begin), key.len())
}

/// Whether a terminal does something with the character other than show it.
pub(super) fn moves(c: char) -> bool {
    c.is_control() || is_unseen(c)
}

/// Marks of direction and the like. Joiners are not among them: words and emoji are written with those.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// As much of the text as fits into so many columns, with `…` where something is cut off.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    // Character by character: wider than a sequence of them is shown at the most.
    let mut width = 1;
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width > columns {
            break;
        }
        shown.push(c);
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_and_long_ones_are_said_in_a_line() {
        let names = |count: usize| (0..count).map(|key| format!("k{key}")).collect::<Vec<_>>();
        assert_eq!(keys(&names(2)), "k0, k1");
        assert_eq!(keys(&names(8)), "k0, k1, k2, k3, k4, k5, k6, k7");
        assert_eq!(keys(&names(64)), "k0, k1, k2, k3, k4, k5, k6, k7, and 56 more");
        assert_eq!(
            keys(&["it's\n".into(), "k".repeat(MAX_KEY_BYTES)]),
            format!("it's\\n, {}", "k".repeat(MAX_KEY_BYTES))
        );
        let long = format!("{}… (130000 bytes)", "k".repeat(64));
        assert_eq!(keys(&["k".repeat(130_000)]), long);
    }

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
    fn a_key_cannot_move_the_cursor() {
        assert_eq!(plain("grün\u{1b}[2J\n'"), "grün\\u{1b}[2J\\n'");
        assert_eq!(plain("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        assert_eq!(
            plain("e\u{301} 錠 👩\u{200d}🔧"),
            "e\u{301} 錠 👩\u{200d}🔧",
            "as it is written"
        );
    }

    #[test]
    fn a_line_is_cut_to_the_columns_that_there_are() {
        for (text, columns, shown) in [
            ("orders:42", 9, "orders:42"),
            ("orders:42", 8, "orders:…"),
            ("錠錠錠", 6, "錠錠錠"),
            ("錠錠錠", 5, "錠錠…"),
            ("錠錠錠", 4, "錠…"),
            ("e\u{301}xyz", 3, "e\u{301}x…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, columns), shown, "{text} in {columns}");
            assert!(cut(text, columns).width() <= columns);
        }
    }
}
