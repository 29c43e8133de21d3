//! From the command line and the configuration to a handle, and what the command is told of its lock.

use std::time::{Duration, SystemTime};

use redlock_core::{ConfigError, Lease, LockError, LockGuard, LockKey, Redlock, Renewal};

use crate::args::ExecArgs;
use crate::config::Config;
use crate::exit::Failure;
use crate::nodeset;

/// Time to live where none is given: a dead holder is waited for no longer, and a renewal may fail several times.
const TTL: Duration = Duration::from_secs(30);

/// A handle with all that was asked for. Nothing is sent.
pub(super) fn handle(args: &ExecArgs, config: &Config) -> Result<Redlock, Failure> {
    let mut builder = nodeset::builder(config)?
        .ttl(ttl(args, config))
        .renewal(Renewal::Auto)
        .fencing(!args.no_fence && config.fencing.unwrap_or(true));
    if let Some(max_hold) = args.max_hold {
        builder = builder.max_hold(max_hold);
    }
    if !tries_once(args) {
        builder = builder.wait_for(args.wait);
    }
    builder.build().map_err(|error| Failure::new(in_flags(&error)))
}

/// Takes the lock, waiting for it unless told not to.
pub(super) async fn lock(redlock: &Redlock, args: &ExecArgs) -> Result<LockGuard, LockError> {
    let key = LockKey::all(&args.keys)?;
    if tries_once(args) { redlock.try_lock(key).await } else { redlock.lock(key).await }
}

/// What the command finds in its environment.
pub(super) fn environment(keys: &[String], lease: &Lease) -> Vec<(&'static str, String)> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let until = now + lease.remaining();
    let mut variables = vec![
        // One a line: a key may hold any character, and a space is a likely one.
        ("REDLOCK_KEY", keys.join("\n")),
        ("REDLOCK_VALID_UNTIL", format!("{}.{:03}", until.as_secs(), until.subsec_millis())),
    ];
    variables.extend(lease.fence().map(|fence| ("REDLOCK_FENCE", fence.to_string())));
    variables
}

fn tries_once(args: &ExecArgs) -> bool {
    args.nonblock || args.wait.is_zero()
}

/// A longest hold below the usual time to live shortens it, since the one must be at least the other.
fn ttl(args: &ExecArgs, config: &Config) -> Duration {
    let usual = || args.max_hold.map_or(TTL, |max_hold| max_hold.min(TTL));
    args.ttl.or(config.ttl).unwrap_or_else(usual)
}

/// The same in the words of the command line.
fn in_flags(error: &ConfigError) -> String {
    let (flag, rule) = match error.field() {
        "wait_for" => ("--wait", "must be at least one node timeout; -n tries once"),
        "ttl" => ("--ttl", error.rule()),
        "max_hold" => ("--max-hold", error.rule()),
        "restart_guard" => ("--restart-guard", error.rule()),
        "key_prefix" => ("--key-prefix", error.rule()),
        "nodes" => ("--node", error.rule()),
        field => (field, error.rule()),
    };
    format!("{flag} = `{}`: {rule}", error.value())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn args(flags: &[&str]) -> ExecArgs {
        let words = ["redlock", "exec", "k"].iter().chain(flags).chain(&["--", "true"]);
        match Cli::parse_from(words).command {
            Command::Exec(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn config(text: &str) -> Config {
        let file = format!("nodes = ['127.0.0.1:1']\n{text}");
        let around = crate::config::Surroundings {
            file: Some(("redlock.toml".into(), file)),
            ..Default::default()
        };
        Config::resolve(&args(&[]).nodes, around, |_| None).unwrap()
    }

    fn refusal(flags: &[&str], text: &str) -> String {
        handle(&args(flags), &config(text)).unwrap_err().to_string()
    }

    #[test]
    fn the_time_to_live_is_the_flag_s_then_the_file_s_then_thirty_seconds() {
        let ttl_of = |flags: &[&str], text| ttl(&args(flags), &config(text));
        assert_eq!(ttl_of(&["--ttl", "7s"], "ttl = '5s'"), Duration::from_secs(7));
        assert_eq!(ttl_of(&[], "ttl = '5s'"), Duration::from_secs(5));
        assert_eq!(ttl_of(&[], ""), TTL);
        assert_eq!(ttl_of(&["--max-hold", "1h"], ""), TTL);
        assert_eq!(ttl_of(&["--max-hold", "10s"], ""), Duration::from_secs(10));
    }

    #[test]
    fn a_rule_that_is_broken_is_named_by_its_flag() {
        let cases: [(&[&str], &str, &str); 4] = [
            (&["--ttl", "1ms"], "", "--ttl = `1ms`: must be at least 10 ms"),
            (
                &["-w", "5ms"],
                "",
                "--wait = `5ms`: must be at least one node timeout; -n tries once",
            ),
            (
                &["--ttl", "1m", "--max-hold", "10s"],
                "",
                "--max-hold = `10s`: must be at least the time to live",
            ),
            (&[], "restart_guard = '10s'", "--ttl = `30s`: must be at most the longest that"),
        ];
        for (flags, text, expected) in cases {
            let refusal = refusal(flags, text);
            assert!(refusal.starts_with(expected), "{flags:?}: {refusal}");
        }
    }

    #[test]
    fn waiting_for_no_time_is_trying_once() {
        assert!(tries_once(&args(&["-n"])) && tries_once(&args(&["-w", "0s"])));
        assert!(!tries_once(&args(&[])));
        assert!(handle(&args(&["-w", "0s"]), &config("")).is_ok());
    }

    #[tokio::test]
    async fn the_command_is_told_its_keys_its_number_and_until_when() {
        let keys = ["b c".to_owned(), "a".to_owned()];
        let dir = std::env::temp_dir().join(format!("redlock-settings-{}", std::process::id()));
        let node = format!("file:{}", dir.display());
        let config = |args: &ExecArgs| {
            Config::resolve(&args.nodes, crate::config::Surroundings::default(), |_| None).unwrap()
        };
        let with_fence = args(&["--node", &node]);
        let redlock = handle(&with_fence, &config(&with_fence)).unwrap();
        let guard = redlock.try_lock(&keys[..]).await.unwrap();
        let told = environment(&keys, &guard.lease());
        assert_eq!(told[0], ("REDLOCK_KEY", "b c\na".to_owned()));
        assert_eq!(told[2], ("REDLOCK_FENCE", guard.fence().unwrap().to_string()));
        let (whole, millis) = told[1].1.split_once('.').unwrap();
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        assert!((now + 20..=now + 30).contains(&whole.parse().unwrap()), "{told:?}");
        assert_eq!(millis.len(), 3);
        let without = args(&["--no-fence", "--node", &node]);
        let plain = handle(&without, &config(&without)).unwrap();
        let guard = plain.try_lock("k").await.unwrap();
        assert_eq!(environment(&keys, &guard.lease()).len(), 2);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
