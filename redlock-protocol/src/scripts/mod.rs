//! The server-side text of the protocol.
//!
//! Keys and arguments travel beside the text and are never spliced into it. A server does not roll a
//! script back, so in each all reads, and with them every possible type error, come before the first
//! write. A text is sent whole (`EVAL`) until the server behind the present connection has run it, and by its digest
//! (`EVALSHA`) from then on. The digest is not sent on trial: what is sent again after a `NOSCRIPT` answer arrives behind
//! whatever was sent meanwhile.
//!
//! What scripts have in common are fragments, put in place at compile time (`assemble.rs`).
//!
//! In extend and release a key of another type is somebody else's, not an error; `pcall` lets every other
//! error through.
//!
//! Shares of a resource are a sorted set at its key: a member is a holder's value, its score when the share ends, in ms by the
//! server's clock. One whose last member does not begin as a token is no such set, and is answered like any other type.

mod assemble;

use std::sync::OnceLock;

use sha1_smol::Sha1;

/// The channel on which releases are told. A message is the name of the resource that is free.
pub const RELEASED_CHANNEL: &str = "redlock:released";

/// The script that frees one resource, if it still holds a value, and tells of it: `KEYS` the resource, `ARGV` the value and
/// [`RELEASED_CHANNEL`]. Answers 1 freed, 0 another value, -1 nothing; `{1, error}` where it was freed and could not be told,
/// and `{1, 0}` where nobody heard of it.
///
/// For a value that `redlock-core` did not store. Locks are released by [`LockNode`](redlock_core::LockNode).
pub fn release_script() -> &'static str {
    RELEASE_TELL_ONE.text
}

/// The text of a script's file, with the fragments in place that it names.
macro_rules! text {
    ($file:literal) => {{
        const SOURCE: &[u8] = include_bytes!($file);
        const TEXT: [u8; assemble::length(SOURCE)] = assemble::text(SOURCE);
        assemble::utf8(&TEXT)
    }};
}

/// All scripts: the digest that a server calls each by, and its text.
#[cfg(any(test, feature = "testing"))]
pub fn scripts() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().map(|script| (script.digest(), script.text))
}

/// The text of the script that a server is called to run by its digest.
#[cfg(any(test, feature = "testing"))]
pub fn script_text(digest: &[u8]) -> Option<&'static str> {
    scripts().find(|(known, _)| known.as_bytes() == digest).map(|(_, text)| text)
}

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
        self.digest.get_or_init(|| Sha1::from(self.text).digest().to_string())
    }
}

/// All of them.
#[cfg(any(test, feature = "testing"))]
pub(crate) static ALL: [&Script; 16] = [
    &ACQUIRE,
    &ACQUIRE_FENCED,
    &RAISE,
    &EXTEND,
    &RELEASE,
    &RELEASE_TELL,
    &RELEASE_TELL_ONE,
    &INSPECT,
    &KEEP,
    &ACQUIRE_SHARED,
    &EXTEND_SHARED,
    &RELEASE_SHARED,
    &RAISE_SHARED,
    &SCAN,
    &ACQUIRE_ANY,
    &RELEASE_EACH,
];

/// `KEYS` resources, `ARGV` value, time to live in ms, and where there is one the former value that is swapped. Answers
/// `{1, 0, swapped}` when granted, where so many held the former value, `{2, 0, swapped}` when one
/// of them held the value before, `{0, ms, value, alone}` when held by another, where
/// `ms` is the longest time to live of a foreign resource, -1 for never, and `value` what stands there (of shares the one that
/// ends last): of a long one the first 200 bytes, more than a token with a label has. `alone` is 1 where nothing but shares is
/// in the way, else 0.
pub(crate) static ACQUIRE: Script = Script::new(0, text!("acquire.lua"));

/// The same with a restart guard, a fencing number, an intent, or several of them. `KEYS` resources, with fencing their
/// counters in the same order, and with an intent the keys of those; `ARGV` value, time to live in ms, guard in ms,
/// counters' life in ms, hint, the intent's life in ms, and the former value as above. Without fencing life and hint are 0, a
/// guard or an intent of 0 is none.
///
/// Answers `{1, number, swapped, before}` and `{2, …}` as above, where `before` is the largest counter before,
/// `{0, ms, counter, value, alone}` when held, `{3, ms, s}` when warming up for `ms`
/// more after running for `s`, `{4, command, error}` when the server does not let us use a command, `{5, 0}` when a
/// counter is no number, `{6, 0}` when the server does not tell its uptime, `{7, s}` when its clock is `s` before its start.
///
/// The number is [`next`](redlock_core::backend::next), and the guard [`warming`](redlock_core::backend::warming).
/// `LASTSAVE` is the server's start until it saves, and only moves forward: if it is long ago, so is the start, and the
/// dearer `INFO` is spared. Where it is withheld, or says that nothing was ever saved, `INFO` decides. Both are whole
/// seconds of which the first may be almost over, so a second is taken off.
pub(crate) static ACQUIRE_FENCED: Script = Script::new(1, text!("acquire_fenced.lua"));

/// The same for shares, but for former values and with no intents to leave: `KEYS` resources, with fencing their counters,
/// and where intents are heeded the keys of those; in `ARGV` the sixth is 1 where they are, else 0. Answers as above, without
/// `swapped`, `before` and `alone`; `value` is empty where an intent is in the way.
///
/// The number is [`fence::next_shared`](redlock_core::backend::next_shared).
///
/// A key lives as long as its last share, and a millisecond more: a share is over when its end is past, a key when it is
/// reached. `ZADD` comes first, because a server without memory refuses it then and not behind another write; where the user
/// may not do what comes behind it, it is taken back.
pub(crate) static ACQUIRE_SHARED: Script = Script::new(9, text!("acquire_shared.lua"));

/// One of several resources: `KEYS` these, and with fencing their counters in the same order; `ARGV` value, time to live in ms,
/// guard in ms, counters' life in ms, hint, and which to look at first, from 0. Without fencing life and hint are 0, a guard of
/// 0 is none.
///
/// Answers `{1, slot, number, taken}` when it gave the resource of that place, `{2, slot, 0, taken}` when that one held the value
/// before, `{0, ms, 0, taken}` when all are taken, where `ms` is the shortest time to live, -1 where all have none,
/// `{3, ms, s, taken}` when warming up; `taken` has a digit for each resource, 1 where something stood. Else as
/// [`ACQUIRE_FENCED`].
///
/// `MGET` reads what is no string as nothing, so `EXISTS` is asked of all that it found nothing under, in one command.
pub(crate) static ACQUIRE_ANY: Script = Script::new(14, text!("acquire_any.lua"));

/// `KEYS` resources and their counters, `ARGV` value, number, counters' life in ms. Answers as extend, and -2 when a
/// counter is no number.
pub(crate) static RAISE: Script = Script::new(2, text!("raise.lua"));

/// `KEYS` resources, `ARGV` value and time to live in ms; with fencing also the counters and their life in ms. Answers
/// 1 extended, 0 foreign, -1 gone.
///
/// `SET … IFEQ` would do it in one command but would also shorten a longer time to live; `PEXPIRE … GT`
/// needs a server of version 7.
pub(crate) static EXTEND: Script = Script::new(3, text!("extend.lua"));

/// The same for shares, and for what shares are to be made of: `ARGV` value, time to live, counters' life or 0, and
/// [`RELEASED_CHANNEL`] or nothing. Answers as extend; `{1, error}` where it was done and could not be told.
///
/// Shares that are over go first, for behind that a server without memory takes the new end of a share. Where the user may not
/// keep the key as long, the end is put back. Before a value is removed, the commands that make a share of it are tried on it:
/// it is of another type, or the user may not.
pub(crate) static EXTEND_SHARED: Script = Script::new(10, text!("extend_shared.lua"));

/// As [`RAISE`], for shares and for what the claim has whole.
pub(crate) static RAISE_SHARED: Script = Script::new(12, text!("raise_shared.lua"));

/// `KEYS` resources, `ARGV` value. Answers 1 removed, 0 foreign, -1 gone.
pub(crate) static RELEASE: Script = Script::new(4, text!("release.lua"));

/// The same, and a message of the name for each resource that it freed: `ARGV` value and channel. A server that refuses
/// to tell makes the answer `{answer, error}`; the resources are free nevertheless.
pub(crate) static RELEASE_TELL: Script = Script::new(5, text!("release_tell.lua"));

/// The same for one resource, in fewer steps: most releases are of one, and servers spend their time in here.
pub(crate) static RELEASE_TELL_ONE: Script = Script::new(7, text!("release_tell_one.lua"));

/// The same for shares, and for what the claim has whole: `ARGV` value, and [`RELEASED_CHANNEL`] or nothing. Told are resources
/// of which nobody has a share any more.
pub(crate) static RELEASE_SHARED: Script = Script::new(11, text!("release_shared.lua"));

/// The releases of several claims, of one resource each: `KEYS` these, `ARGV` [`RELEASED_CHANNEL`] or nothing, and the value for
/// each. Answers for each what [`RELEASE_TELL_ONE`] or [`RELEASE`] does; `{error}` where that would be an error.
///
/// Nothing is refused to one for another's sake, and so here a write may come before a read.
pub(crate) static RELEASE_EACH: Script = Script::new(15, text!("release_each.lua"));

/// `KEYS` resources. Answers three values per resource: 0 for free, 1 for held, 2 for shared; the value, or a list of how many
/// shares there are and for those that end last, at most 16, value and rest in ms; the time to live in ms.
pub(crate) static INSPECT: Script = Script::new(6, text!("inspect.lua"));

/// `KEYS` resources, `ARGV` token, rest in ms (above 0) and [mark](redlock_core::node::Claim::mark). Answers as release, where
/// a mark that stands counts as the token. No time to live becomes longer
/// ([`stay`](redlock_core::backend::stay)).
pub(crate) static KEEP: Script = Script::new(8, text!("keep.lua"));

/// No `KEYS`: what is there is what is asked for, and no cluster would take it. `ARGV` cursor, pattern, how many names to look
/// at, what begins the names of counters and of intents, the longest name of a lock, and how long a value may be. Answers the next cursor, and
/// three values for each name: the name, the value and its time to live in ms; where the value cannot be read nothing, and why.
///
/// Of a value that is longer it tells one byte more than there may be: megabytes of somebody else's stay where they are.
pub(crate) static SCAN: Script = Script::new(13, text!("scan.lua"));

#[cfg(test)]
mod tests {
    fn scripts() -> impl Iterator<Item = &'static str> {
        let looks = [super::INSPECT.text, super::SCAN.text];
        super::ALL.iter().map(|script| script.text).filter(move |text| !looks.contains(text))
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
        let slack = redlock_core::backend::SLACK.as_micros().to_string();
        assert!(super::ACQUIRE_FENCED.text.contains(&format!(", {slack}, ")));
        assert!(super::ACQUIRE_SHARED.text.contains(&format!(", {slack}, ")));
        assert!(super::ACQUIRE_ANY.text.contains(&format!(", {slack}, ")));
        for script in [super::RAISE.text, super::RAISE_SHARED.text] {
            assert!(script.contains(&format!(">= {}", redlock_core::backend::LARGEST)));
        }
        // Both the next even number and the next odd one are numbers.
        let grants = [&super::ACQUIRE_FENCED, &super::ACQUIRE_SHARED, &super::ACQUIRE_ANY];
        for script in grants.map(|script| script.text) {
            assert!(script.contains(&format!(">= {} ", redlock_core::backend::LARGEST - 1)));
        }
    }

    #[test]
    fn times_to_live_are_relative_and_no_clients_wall_clock_is_sent() {
        let commands = [
            include_str!("../server_node.rs"),
            include_str!("../native.rs"),
            include_str!("../fenced.rs"),
        ];
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
        const READS: [&str; 9] = [
            "'GET'",
            "'PTTL'",
            "'TIME'",
            "'LASTSAVE'",
            "'INFO'",
            "'ZSCORE'",
            "'ZRANGE'",
            "'MGET'",
            "'EXISTS'",
        ];
        const WRITES: [&str; 6] =
            ["'SET'", "'DEL'", "'PEXPIRE'", "'ZADD'", "'ZREM'", "'ZREMRANGEBYSCORE'"];
        // Where an intent is left nothing else is done.
        const INTENT: &str = "redis.call('SET', KEYS[i], '1', 'PX', ARGV[6])";
        assert!(super::ACQUIRE_FENCED.text.contains(INTENT));
        for text in scripts() {
            let text = text.replace(INTENT, "");
            let (read, write) = (last(&text, &READS).unwrap(), first(&text, &WRITES).unwrap());
            assert!(read < write, "{text}");
        }
    }

    /// A text that changes is another script: servers are sent it anew, and services of two versions send both.
    #[test]
    fn the_scripts_are_these() {
        let digests = [
            (&super::ACQUIRE, "046ca37c972b228dd19884413ada86e17fa060fc"),
            (&super::ACQUIRE_FENCED, "20748ec3eecf29aab828e80b9a64e661a47f7127"),
            (&super::RAISE, "30e7e21e7cb0d56ddd5539ca6960281b059708b0"),
            (&super::EXTEND, "f0de2f9127c2b3fdcd5f08e61d4bbcc8ed72231c"),
            (&super::RELEASE, "3954289516c7f8e50f048c72f612f30a60e18bc3"),
            (&super::RELEASE_TELL, "59a1d78f81bb1cb4fdf8ff7d932835b9fee64149"),
            (&super::RELEASE_TELL_ONE, "0d986a27e0ef71d11f8c7883b612938c040eb8c3"),
            (&super::INSPECT, "59237d43d3ae250a6d72c05f525176a91741792b"),
            (&super::KEEP, "08af71ab07e96e904ac9f451184f3045c5265d27"),
            (&super::ACQUIRE_SHARED, "88dddd74b93bf035544fa88093332f1b27434b6e"),
            (&super::EXTEND_SHARED, "b598ec15567fdcafddb490da134150fc61964c20"),
            (&super::RELEASE_SHARED, "ba00b49948cbf23505ddb66f4b43b686a8491606"),
            (&super::RAISE_SHARED, "25ed49cbc24387686ba52e7a00f6d52551b731cc"),
            (&super::SCAN, "37657aec4ed7a67b0b6c4e0ce3d26c832843445d"),
            (&super::ACQUIRE_ANY, "fcade6bae907a70eb4bb3cf55e9bedaa4b833afb"),
            (&super::RELEASE_EACH, "f9d849887fff78c382abacd8db56054eba1475f1"),
        ];
        for (script, digest) in digests {
            assert_eq!(script.digest(), digest, "{}", script.text);
        }
        assert_eq!(digests.len(), super::ALL.len());
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
