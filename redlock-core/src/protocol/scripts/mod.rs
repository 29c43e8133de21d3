//! The server-side text of the protocol.
//!
//! Keys and arguments travel beside the text and are never spliced into it. A server does not roll a
//! script back, so in each all reads, and with them every possible type error, come before the first
//! write. A text is sent whole (`EVAL`) until the server behind the present connection has run it, and by its digest
//! (`EVALSHA`) from then on. The digest is not sent on trial: what is sent again after a `NOSCRIPT` answer arrives behind
//! whatever was sent meanwhile.
//!
//! In extend and release a key of another type is somebody else's, not an error; `pcall` lets every other
//! error through.

use std::sync::OnceLock;

use sha1::{Digest, Sha1};

/// A script, by its text and by its digest.
#[derive(Debug)]
pub(crate) struct Script {
    /// Which of the scripts it is.
    pub(crate) id: u8,
    pub(crate) text: &'static str,
    digest: OnceLock<String>,
}

impl Script {
    const fn new(id: u8, text: &'static str) -> Self {
        Self { id, text, digest: OnceLock::new() }
    }

    /// What `EVALSHA` knows it by.
    pub(crate) fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let digest = Sha1::digest(self.text.as_bytes());
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }
}

/// All of them.
#[cfg(any(test, feature = "testing"))]
pub(crate) static ALL: [&Script; 8] = [
    &ACQUIRE,
    &ACQUIRE_FENCED,
    &RAISE,
    &EXTEND,
    &RELEASE,
    &RELEASE_TELL,
    &RELEASE_TELL_ONE,
    &INSPECT,
];

/// `KEYS` resources, `ARGV` token and time to live in ms. Answers `{1, 0}` when granted, `{2, 0}` when one
/// of them held the token before, `{0, ms}` when held by another, where
/// `ms` is the longest time to live of a foreign resource, -1 for never.
pub(crate) static ACQUIRE: Script = Script::new(0, include_str!("acquire.lua"));

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
pub(crate) static ACQUIRE_FENCED: Script = Script::new(1, include_str!("acquire_fenced.lua"));

/// `KEYS` resources and their counters, `ARGV` token, number, counters' life in ms. Answers as extend, and -2 when a
/// counter is no number.
pub(crate) static RAISE: Script = Script::new(2, include_str!("raise.lua"));

/// `KEYS` resources, `ARGV` token and time to live in ms; with fencing also the counters and their life in ms. Answers
/// 1 extended, 0 foreign, -1 gone.
///
/// `SET … IFEQ` would do it in one command but would also shorten a longer time to live; `PEXPIRE … GT`
/// needs a server of version 7.
pub(crate) static EXTEND: Script = Script::new(3, include_str!("extend.lua"));

/// `KEYS` resources, `ARGV` token. Answers 1 removed, 0 foreign, -1 gone.
pub(crate) static RELEASE: Script = Script::new(4, include_str!("release.lua"));

/// The same, and a message of the name for each resource that it freed: `ARGV` token and channel. A server that refuses
/// to tell makes the answer `{answer, error}`; the resources are free nevertheless.
pub(crate) static RELEASE_TELL: Script = Script::new(5, include_str!("release_tell.lua"));

/// The same for one resource, in fewer steps: most releases are of one, and servers spend their time in here.
pub(crate) static RELEASE_TELL_ONE: Script = Script::new(7, include_str!("release_tell_one.lua"));

/// `KEYS` resources. Answers three values per resource: 1 or 0 for held, the value, the time to live in ms.
pub(crate) static INSPECT: Script = Script::new(6, include_str!("inspect.lua"));

#[cfg(test)]
mod tests {
    fn scripts() -> impl Iterator<Item = &'static str> {
        super::ALL.iter().map(|script| script.text).filter(|text| *text != super::INSPECT.text)
    }

    #[test]
    fn a_release_that_tells_frees_by_the_same_text_and_tells_after_it() {
        let (frees, _) = super::RELEASE.text.split_once("if foreign").unwrap();
        let tells = super::RELEASE_TELL.text.strip_prefix(frees).unwrap();
        assert!(frees.contains("'DEL'") && tells.contains("pcall('PUBLISH'"));
        assert!(!tells.contains("call('DEL'") && !tells.contains("redis.call"));
    }

    #[test]
    fn the_scripts_slack_and_largest_number_are_the_cores() {
        let slack = crate::fence::SLACK.as_micros().to_string();
        assert!(super::ACQUIRE_FENCED.text.contains(&format!(", {slack}\n")));
        for script in [super::ACQUIRE_FENCED.text, super::RAISE.text] {
            assert!(script.contains(&format!(">= {}", crate::fence::LARGEST)));
        }
    }

    #[test]
    fn times_to_live_are_relative_and_no_clients_wall_clock_is_sent() {
        let commands = [include_str!("../server_node.rs"), include_str!("../native.rs")];
        for text in scripts().chain([super::INSPECT.text]).chain(commands) {
            assert!(!text.contains("PXAT") && !text.contains("EXAT") && !text.contains("EXPIREAT"));
        }
    }

    #[test]
    fn every_read_comes_before_the_first_write() {
        let last =
            |text: &str, calls: &[&str]| calls.iter().filter_map(|call| text.rfind(call)).max();
        let first =
            |text: &str, calls: &[&str]| calls.iter().filter_map(|call| text.find(call)).min();
        for text in scripts() {
            let read = last(text, &["'GET'", "'PTTL'", "'TIME'", "'LASTSAVE'", "'INFO'"]).unwrap();
            let write = first(text, &["'SET'", "'DEL'", "'PEXPIRE'"]).unwrap();
            assert!(read < write, "{text}");
        }
    }

    #[test]
    fn a_digest_is_the_servers() {
        // SCRIPT LOAD "return 1"
        let one = super::Script::new(0, "return 1");
        assert_eq!(one.digest(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
        let ids: std::collections::HashSet<_> = super::ALL.iter().map(|one| one.id).collect();
        assert_eq!(ids.len(), super::ALL.len());
    }
}
