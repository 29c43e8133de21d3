//! The server-side text of the protocol.
//!
//! Keys and arguments travel beside the text and are never spliced into it. A server does not roll a
//! script back, so in each all reads, and with them every possible type error, come before the first
//! write. The texts are sent whole (`EVAL`): a `NOSCRIPT` answer to a caller who is gone would leave a key
//! behind.
//!
//! In extend and release a key of another type is somebody else's, not an error; `pcall` lets every other
//! error through.

/// `KEYS` resources, `ARGV` token and time to live in ms. Answers `{1, 0}` when granted, `{2, 0}` when one
/// of them held the token before, `{0, ms}` when held by another, where
/// `ms` is the longest time to live of a foreign resource, -1 for never.
pub(crate) const ACQUIRE: &str = include_str!("acquire.lua");

/// The same with a restart guard, a fencing number, or both. `KEYS` resources, and with fencing their counters in the
/// same order; `ARGV` token, time to live in ms, guard in ms, counters' life in ms, hint. Without fencing the last two
/// are 0, a guard of 0 is none.
///
/// Answers `{1, number}` and `{2, number}` as above, `{0, ms, counter}` when held, `{3, ms, s}` when warming up for `ms`
/// more after running for `s`, `{4, command, error}` when the server does not let us use a command, `{5, 0}` when a
/// counter is no number, `{6, 0}` when the server does not tell its uptime, `{7, s}` when its clock is `s` before its start.
///
/// The number is [`fence::next`](crate::fence::next), and the guard [`fence::warming`](crate::fence::warming).
/// `LASTSAVE` is the server's start until it saves, and only moves forward: if it is long ago, so is the start, and the
/// dearer `INFO` is spared. Where it is withheld, or says that nothing was ever saved, `INFO` decides. Both are whole
/// seconds of which the first may be almost over, so a second is taken off.
pub(crate) const ACQUIRE_FENCED: &str = include_str!("acquire_fenced.lua");

/// `KEYS` resources and their counters, `ARGV` token, number, counters' life in ms. Answers as extend, and -2 when a
/// counter is no number.
pub(crate) const RAISE: &str = include_str!("raise.lua");

/// `KEYS` resources, `ARGV` token and time to live in ms; with fencing also the counters and their life in ms. Answers
/// 1 extended, 0 foreign, -1 gone.
///
/// `SET … IFEQ` would do it in one command but would also shorten a longer time to live; `PEXPIRE … GT`
/// needs a server of version 7.
pub(crate) const EXTEND: &str = include_str!("extend.lua");

/// `KEYS` resources, `ARGV` token. Answers 1 removed, 0 foreign, -1 gone.
pub(crate) const RELEASE: &str = include_str!("release.lua");

/// The same, and a message of the name for each resource that it freed: `ARGV` token and channel. A server that refuses
/// to tell makes the answer `{answer, error}`; the resources are free nevertheless.
pub(crate) const RELEASE_TELL: &str = include_str!("release_tell.lua");

/// `KEYS` resources. Answers three values per resource: 1 or 0 for held, the value, the time to live in ms.
pub(crate) const INSPECT: &str = include_str!("inspect.lua");

#[cfg(test)]
mod tests {
    const SCRIPTS: [&str; 6] = [
        super::ACQUIRE,
        super::ACQUIRE_FENCED,
        super::EXTEND,
        super::RAISE,
        super::RELEASE,
        super::RELEASE_TELL,
    ];

    #[test]
    fn a_release_that_tells_frees_by_the_same_text_and_tells_after_it() {
        let (frees, _) = super::RELEASE.split_once("if foreign").unwrap();
        let tells = super::RELEASE_TELL.strip_prefix(frees).unwrap();
        assert!(frees.contains("'DEL'") && tells.contains("pcall('PUBLISH'"));
        assert!(!tells.contains("call('DEL'") && !tells.contains("redis.call"));
    }

    #[test]
    fn the_scripts_slack_and_largest_number_are_the_cores() {
        let slack = crate::fence::SLACK.as_micros().to_string();
        assert!(super::ACQUIRE_FENCED.contains(&format!(", {slack}\n")));
        for script in [super::ACQUIRE_FENCED, super::RAISE] {
            assert!(script.contains(&format!(">= {}", crate::fence::LARGEST)));
        }
    }

    #[test]
    fn times_to_live_are_relative_and_no_clients_wall_clock_is_sent() {
        let commands = [include_str!("../server_node.rs"), include_str!("../native.rs")];
        for text in SCRIPTS.into_iter().chain([super::INSPECT]).chain(commands) {
            assert!(!text.contains("PXAT") && !text.contains("EXAT") && !text.contains("EXPIREAT"));
        }
    }

    #[test]
    fn every_read_comes_before_the_first_write() {
        let last =
            |text: &str, calls: &[&str]| calls.iter().filter_map(|call| text.rfind(call)).max();
        let first =
            |text: &str, calls: &[&str]| calls.iter().filter_map(|call| text.find(call)).min();
        for text in SCRIPTS {
            let read = last(text, &["'GET'", "'PTTL'", "'TIME'", "'LASTSAVE'", "'INFO'"]).unwrap();
            let write = first(text, &["'SET'", "'DEL'", "'PEXPIRE'"]).unwrap();
            assert!(read < write, "{text}");
        }
    }
}
