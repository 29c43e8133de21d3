//! Puts the texts of scripts together, at compile time.
//!
//! In a script or a fragment the line `--# NAME one, two` stands for the fragment of that name, in which `$1` reads `one` and
//! `$2` reads `two`. A fragment is whole lines.

// Whoever panics here is the compiler.
#![allow(clippy::panic)]

/// What several scripts have in common.
const FRAGMENTS: [(&str, &[u8]); 11] = [
    // Sorts the resource `KEYS[i]` into those that are free, ours, another's or shared; what holds `ARGV[$1]` is free, and
    // counted. `alone` is 0 where not only shares are in the way.
    ("LOOK", include_bytes!("fragments/look.lua")),
    // The largest of the counters from `$1` to `$2`. One that is so large that the next even number is no number any more
    // ends the script.
    ("COUNTERS", include_bytes!("fragments/counters.lua")),
    // Ends the script while a server is younger than the guard.
    ("GUARD", include_bytes!("fragments/guard.lua")),
    // The hint, as far as the server's clock agrees.
    ("NEAR", include_bytes!("fragments/near.lua")),
    // The server's time in ms, by which shares end.
    ("NOW", include_bytes!("fragments/now.lua")),
    // Sorts the resources into those that the claim has whole, those it has a share of (with the share's end, and with those
    // two that end last), and what is gone or foreign.
    ("STANDS", include_bytes!("fragments/stands.lua")),
    // `shown(key)`: how many share a key, and the last of them to end with their rests; `false` where what stands there is
    // something else, or why it cannot be read.
    ("SHOWN", include_bytes!("fragments/shown.lua")),
    // Tells of the keys in `$1` where `ARGV[$2]` names a channel. A refusal to tell answers for the script, beside `$3`.
    ("TELL", include_bytes!("fragments/tell.lua")),
    // Lifts the counters to `ARGV[2]` and keeps them for `ARGV[3]`, if the resources are ours.
    ("LIFT", include_bytes!("fragments/lift.lua")),
    // Reads `key`: what is there to compare is left to an `elseif` behind it.
    ("VALUE", include_bytes!("fragments/value.lua")),
    // Frees what is ours and remembers what is not.
    ("FREE", include_bytes!("fragments/free.lua")),
];

/// How long the text is.
pub(crate) const fn length(source: &[u8]) -> usize {
    put(source, b"", &mut [], 0)
}

/// The text, of as many bytes as [`length`] says.
pub(crate) const fn text<const LENGTH: usize>(source: &[u8]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    put(source, b"", &mut text, 0);
    text
}

/// The same bytes as text.
pub(crate) const fn utf8(text: &[u8]) -> &str {
    match str::from_utf8(text) {
        Ok(text) => text,
        Err(_) => panic!("a script is no UTF-8"),
    }
}

/// Writes `source` into `out` from `at` on, as far as there is room, with its fragments and `arguments` in their places. Gives
/// where it ends.
const fn put(mut source: &[u8], arguments: &[u8], out: &mut [u8], mut at: usize) -> usize {
    let mut begins_line = true;
    loop {
        match source {
            [] => return at,
            [b'-', b'-', b'#', b' ', rest @ ..] if begins_line => {
                let (line, below) = cut(rest, b"\n");
                let (name, arguments) = cut(line, b" ");
                at = put(fragment(name), arguments, out, at);
                source = below;
            }
            [b'$', digit @ b'1'..=b'9', rest @ ..] => {
                at = put(argument(arguments, *digit - b'1'), b"", out, at);
                source = rest;
                begins_line = false;
            }
            [byte, rest @ ..] => {
                if at < out.len() {
                    out[at] = *byte;
                }
                at += 1;
                source = rest;
                begins_line = *byte == b'\n';
            }
        }
    }
}

const fn fragment(name: &[u8]) -> &'static [u8] {
    let mut i = 0;
    while i < FRAGMENTS.len() {
        let (known, text) = FRAGMENTS[i];
        if same(known.as_bytes(), name) {
            return text;
        }
        i += 1;
    }
    panic!("a script names a fragment that is not there")
}

/// The argument of this position, counted from 0.
const fn argument(arguments: &[u8], position: u8) -> &[u8] {
    let (first, others) = cut(arguments, b", ");
    match position {
        _ if first.is_empty() => panic!("a fragment is given too few arguments"),
        0 => first,
        position => argument(others, position - 1),
    }
}

/// What stands before the first `mark`, and what behind it.
const fn cut<'a>(text: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let mut at = 0;
    while at + mark.len() <= text.len() {
        let (before, rest) = text.split_at(at);
        let (found, behind) = rest.split_at(mark.len());
        if same(found, mark) {
            return (before, behind);
        }
        at += 1;
    }
    (text, b"")
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([a, one @ ..], [b, other @ ..]) => *a == *b && same(one, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is assembled at compile time is so at run time.
    fn assembled(source: &str) -> String {
        let mut text = vec![0; length(source.as_bytes())];
        assert_eq!(put(source.as_bytes(), b"", &mut text, 0), text.len());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_line_that_names_a_fragment_is_the_fragment_with_its_arguments() {
        let text = assembled("before\n--# COUNTERS 2 * n, #KEYS\nbehind '^%d+$'\n");
        let counters = include_str!("fragments/counters.lua");
        let counters = counters.replace("$1", "2 * n").replace("$2", "#KEYS");
        assert_eq!(text, format!("before\n{counters}behind '^%d+$'\n"));
        assert!(text.contains("for i = 2 * n, #KEYS do"));
    }

    #[test]
    fn other_comments_and_text_stay() {
        for source in ["-- # LOOK\n", "x --# LOOK k\n", "local a = '$x' .. b\n", ""] {
            assert_eq!(assembled(source), source);
        }
    }

    #[test]
    fn arguments_are_told_apart_by_comma_and_space() {
        assert_eq!(argument(b"2 * n + 1, #KEYS", 0), b"2 * n + 1");
        assert_eq!(argument(b"2 * n + 1, #KEYS", 1), b"#KEYS");
        assert_eq!(argument(b"ARGV[1]", 0), b"ARGV[1]");
    }

    #[test]
    #[should_panic = "too few arguments"]
    fn an_argument_that_is_not_given_is_an_error() {
        assembled("--# LOOK\n");
    }

    #[test]
    #[should_panic = "not there"]
    fn a_fragment_that_is_not_there_is_an_error() {
        assembled("--# LOOKS key\n");
    }
}
