//! A command, encoded, and what has to be known of it to send it with others.

use std::hash::{DefaultHasher, Hash, Hasher};

use redis::{Cmd, RedisWrite};
use redlock_protocol::Arg;
use redlock_protocol::together::{Release, Together};

/// A command that is ready to be sent.
pub(crate) struct Command {
    pub(crate) encoded: Cmd,
    /// Which of its arguments are all of its keys, one twice if there is one; nothing where nobody knows.
    keys: Option<[usize; 2]>,
    /// If it is one that can be sent together with others.
    pub(crate) release: Option<Release>,
}

/// Which arguments are the keys.
fn keys(name: &str, args: &[Arg<'_>]) -> Option<[usize; 2]> {
    match (name, args) {
        ("SET", [Arg::Bytes(_), ..]) => Some([0; 2]),
        // Our scripts touch those alone that they are called with.
        ("EVAL" | "EVALSHA", [_, Arg::Int(1), Arg::Bytes(_), ..]) => Some([2; 2]),
        ("EVAL" | "EVALSHA", [_, Arg::Int(2), Arg::Bytes(_), Arg::Bytes(_), ..]) => Some([2, 3]),
        _ => None,
    }
}

/// The keys that a command touches, by their hashes: two that are equal may be of different keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keys {
    /// One twice if there is one.
    These([u64; 2]),
    Unknown,
}

impl Keys {
    /// Whether both may touch the same key.
    pub(crate) fn meet(self, other: Self) -> bool {
        match (self, other) {
            (Self::These(these), Self::These(those)) => {
                these.iter().any(|this| those.contains(this))
            }
            _ => true,
        }
    }
}

impl Command {
    pub(crate) fn new(name: &'static str, args: &[Arg<'_>]) -> Self {
        const DIGITS: usize = 20;
        let length = |arg: &Arg<'_>| match arg {
            Arg::Bytes(bytes) => bytes.len(),
            Arg::Text(text) => text.len(),
            Arg::Int(_) => DIGITS,
        };
        let data = name.len() + args.iter().map(length).sum::<usize>();
        let mut encoded = Cmd::with_capacity(1 + args.len(), data);
        encoded.write_arg(name.as_bytes());
        for arg in args {
            match *arg {
                Arg::Bytes(bytes) => encoded.write_arg(bytes),
                Arg::Text(text) => encoded.write_arg(text.as_bytes()),
                Arg::Int(number) => {
                    encoded.arg(number);
                }
            }
        }
        // The server's own commands for it cost less than a script.
        let release = if name == "EVALSHA" { Release::of(name, args) } else { None };
        Self { encoded, keys: keys(name, args), release }
    }

    /// The keys that it touches: worth its price only where it meets others.
    pub(crate) fn keys(&self) -> Keys {
        let Some([one, other]) = self.keys else { return Keys::Unknown };
        let first = self.hash(one);
        Keys::These([first, if other == one { first } else { self.hash(other) }])
    }

    fn hash(&self, argument: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.argument(argument).hash(&mut hasher);
        hasher.finish()
    }

    fn argument(&self, index: usize) -> &[u8] {
        // Behind the name.
        match self.encoded.args_iter().nth(index + 1) {
            Some(redis::Arg::Simple(bytes)) => bytes,
            _ => &[],
        }
    }

    /// One command for several releases, which are told alike.
    pub(crate) fn together(releases: &[Self], by_digest: bool) -> Cmd {
        let told = releases.first().is_some_and(Self::is_told);
        let Together { name, script, channel } = Together::of(told, by_digest);
        let data =
            releases.iter().map(|release| release.encoded.args_iter().map(length).sum::<usize>());
        let mut command =
            Cmd::with_capacity(4 + 2 * releases.len(), script.len() + data.sum::<usize>());
        command.arg(name).arg(script).arg(releases.len());
        releases.iter().for_each(|release| release.copy(|parts| parts.key, &mut command));
        command.arg(channel);
        releases.iter().for_each(|release| release.copy(|parts| parts.value, &mut command));
        command
    }

    /// Whether it is a release that is told.
    pub(crate) fn is_told(&self) -> bool {
        self.release.is_some_and(|parts| parts.told)
    }

    fn copy(&self, part: fn(&Release) -> usize, to: &mut Cmd) {
        if let Some(release) = &self.release {
            to.write_arg(self.argument(part(release)));
        }
    }
}

fn length(arg: redis::Arg<&[u8]>) -> usize {
    match arg {
        redis::Arg::Simple(bytes) => bytes.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use redlock_protocol::RELEASED_CHANNEL;

    use super::*;

    fn encoded(cmd: &Cmd) -> String {
        String::from_utf8(cmd.get_packed_command()).unwrap()
    }

    #[test]
    fn arguments_are_sent_as_they_are() {
        let args =
            [Arg::Bytes(b"\r\n\0\xff"), Arg::Text("PX"), Arg::Int(u64::MAX), Arg::Bytes(b"")];
        assert_eq!(
            Command::new("SET", &args).encoded.get_packed_command(),
            b"*5\r\n$3\r\nSET\r\n$4\r\n\r\n\0\xff\r\n$2\r\nPX\r\n$20\r\n18446744073709551615\r\n$0\r\n\r\n"
        );
    }

    #[test]
    fn commands_meet_where_they_may_touch_the_same_key() {
        let set = |key: &'static str| Command::new("SET", &[Arg::Bytes(key.as_bytes())]).keys();
        let script = |keys: &[&'static str]| {
            let count = Arg::Int(keys.len() as u64);
            let keys = keys.iter().map(|key| Arg::Bytes(key.as_bytes()));
            let args: Vec<_> = [Arg::Text("digest"), count].into_iter().chain(keys).collect();
            Command::new("EVALSHA", &args).keys()
        };
        let apart =
            [(set("a"), set("b")), (set("a"), script(&["b"])), (set("a"), script(&["b", "c"]))];
        let meet = [
            (set("a"), set("a")),
            (set("a"), script(&["a"])),
            (script(&["c"]), script(&["b", "c"])),
            (script(&["a", "b"]), script(&["b", "c"])),
            // Nobody looks at so many.
            (set("a"), script(&["b", "c", "d"])),
            (set("a"), Command::new("SCAN", &[Arg::Int(0)]).keys()),
        ];
        for (expected, pairs) in [(false, apart.as_slice()), (true, &meet)] {
            for (one, other) in pairs {
                assert_eq!(
                    (one.meet(*other), other.meet(*one)),
                    (expected, expected),
                    "{one:?}, {other:?}"
                );
            }
        }
    }

    #[test]
    fn several_releases_are_one_command_with_their_keys_and_values() {
        let release = |key: &'static str, value: &'static str| {
            let digest = Arg::Text("digest");
            let (key, value) = (Arg::Bytes(key.as_bytes()), Arg::Bytes(value.as_bytes()));
            let mut command = Command::new("EVALSHA", &[digest, Arg::Int(1), key, value]);
            assert!(command.release.is_none(), "it is of another script");
            command.release = Some(Release { key: 2, value: 3, told: true });
            command
        };
        let releases = [release("a", "1"), release("b", "2")];
        let digest = Together::of(true, true).script;
        let sent = encoded(&Command::together(&releases, true));
        let end = format!(
            "\r\n$1\r\na\r\n$1\r\nb\r\n${}\r\n{RELEASED_CHANNEL}\r\n$1\r\n1\r\n$1\r\n2\r\n",
            RELEASED_CHANNEL.len()
        );
        assert_eq!(sent, format!("*8\r\n$7\r\nEVALSHA\r\n$40\r\n{digest}\r\n$1\r\n2{end}"));
    }
}
