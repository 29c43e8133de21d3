//! From the command line and the configuration to a handle.

use std::time::Duration;

use redlock_core::{ConfigError, LockError, LockErrorKind, Redlock, Renewal, options};

use super::request::{Name, Request};
use crate::config::Config;
use crate::exit::Failure;
use crate::label;
use crate::nodes::nodeset;

/// Time to live where none is given: a dead holder is waited for no longer, and a renewal may fail several times.
const TTL: Duration = Duration::from_secs(30);

/// A handle with all that was asked for. Nothing is sent.
pub(super) fn handle(request: &Request, config: &Config) -> Result<Redlock, Failure> {
    let label = match &request.label {
        Name::Usual => request.command.first().and_then(|program| label::own(program)),
        Name::Given(label) => Some(label.clone()),
        Name::None => None,
    };
    let mut builder = nodeset::builder(config, label)?
        .ttl(ttl(request, config))
        .renewal(Renewal::Auto)
        .fencing(request.fence && config.fencing.unwrap_or(true));
    if let Some(max_hold) = request.max_hold {
        builder = builder.max_hold(max_hold);
    }
    if !request.tries_once() {
        builder = builder.wait_for(request.wait);
    }
    builder.build().map_err(|error| {
        of_config(request, config, &error).unwrap_or_else(|| broken(request, &error))
    })
}

/// Why there is no lock, where the time that was asked for cannot be promised.
pub(super) fn impossible(request: &Request, error: &LockError) -> Option<Failure> {
    match error.kind() {
        LockErrorKind::Invalid if request.at_least.is_some() => {
            Some(broken(request, error.config()?))
        }
        _ => None,
    }
}

/// A longest hold below the usual time to live shortens it, since the one must be at least the other; a time for which
/// nobody else is to run the command lengthens it, since a dead holder must keep it, too.
fn ttl(request: &Request, config: &Config) -> Duration {
    let usual = || request.max_hold.map_or(TTL, |max_hold| max_hold.min(TTL));
    let needed = request.at_least.map_or(Duration::ZERO, options::shortest_ttl);
    request.ttl.unwrap_or_else(|| config.ttl.unwrap_or_else(usual).max(needed))
}

/// A time to live that nobody asked for on the command line: it is said where it stands.
fn of_config(request: &Request, config: &Config, error: &ConfigError) -> Option<Failure> {
    let is_as_configured = request.ttl.is_none() && config.ttl == Some(ttl(request, config));
    let origin =
        config.ttl_origin.as_ref().filter(|_| error.field() == "ttl" && is_as_configured)?;
    Some(Failure::new(format_args!("{origin}: `{}` {}", error.value(), error.rule())))
}

/// A setting that breaks its rule; of a time that cannot be promised, a command line that is wrong.
fn broken(request: &Request, error: &ConfigError) -> Failure {
    let Some(at_least) = request.at_least else { return Failure::new(in_flags(error)) };
    match error.field() {
        "at_least" => Failure::usage(in_flags(error)),
        // Nobody gave one.
        "ttl" if request.ttl.is_none() => Failure::usage(format_args!(
            "--at-least = `{at_least:?}`: takes a time to live of {}, which {}",
            error.value(),
            error.rule()
        )),
        "max_hold"
            if options::shortest_ttl(at_least) > request.max_hold.unwrap_or(Duration::MAX) =>
        {
            Failure::usage(format_args!(
                "--at-least = `{at_least:?}`: takes a time to live of {:?}, which --max-hold = `{}` must be at least",
                options::shortest_ttl(at_least),
                error.value()
            ))
        }
        _ => Failure::new(in_flags(error)),
    }
}

/// The same in the words of the command line.
fn in_flags(error: &ConfigError) -> String {
    let flag = match error.field() {
        "wait_for" => "--wait",
        "ttl" => "--ttl",
        "max_hold" => "--max-hold",
        "at_least" => "--at-least",
        "restart_guard" => "--restart-guard",
        "key_prefix" => "--key-prefix",
        "nodes" => "--node",
        field => field,
    };
    let rule = error.rule().replace("to try once use try_lock", "-n tries once");
    format!("{flag} = `{}`: {rule}", error.value())
}

#[cfg(test)]
mod tests {
    use redlock_config::Surroundings;

    use super::super::hold::take;
    use super::*;
    use crate::args::{Order, parsed};

    fn args(flags: &[&str]) -> Request {
        let words = ["redlock", "exec", "k"].iter().chain(flags).chain(&["--", "true"]);
        match parsed(words).unwrap() {
            Order::Exec(request) => request,
            other => panic!("{other:?}"),
        }
    }

    fn config(text: &str) -> Config {
        let file = format!("nodes = ['127.0.0.1:1']\n{text}");
        let around = Surroundings::new(|_| None, |_| Ok(Some(file.clone())));
        Config::resolve(&args(&[]).flags, around.with_file("redlock.toml")).unwrap()
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
                "--wait = `5ms`: must be at least one node timeout, 50ms; -n tries once",
            ),
            (
                &["--ttl", "1m", "--max-hold", "10s"],
                "",
                "--max-hold = `10s`: must be at least the time to live, 60s",
            ),
            (&[], "restart_guard = '10s'", "--ttl = `30s`: must be at most 10s, the longest that"),
        ];
        for (flags, text, expected) in cases {
            let refusal = refusal(flags, text);
            assert!(refusal.starts_with(expected), "{flags:?}: {refusal}");
        }
    }

    #[test]
    fn a_time_for_which_nobody_else_is_to_run_it_lengthens_the_time_to_live() {
        let ttl_of = |flags: &[&str], text| ttl(&args(flags), &config(text));
        let ms = Duration::from_millis;
        assert_eq!(ttl_of(&["--at-least", "20s"], ""), TTL);
        assert_eq!(ttl_of(&["--at-least", "50s"], ""), ms(50_508));
        assert_eq!(ttl_of(&["--at-least", "50s"], "ttl = '5s'"), ms(50_508));
        assert_eq!(ttl_of(&["--at-least", "50s"], "ttl = '2m'"), ms(120_000));
        assert_eq!(ttl_of(&["--at-least", "50s", "--ttl", "5s"], ""), ms(5_000));
        assert!(args(&["--at-least", "50s"]).tries_once());
        assert!(parsed(["redlock", "exec", "k", "--at-least=9s", "-w5s", "--", "true"]).is_err());
    }

    #[tokio::test]
    async fn a_time_that_cannot_be_promised_is_a_command_line_that_is_wrong() {
        let short = args(&["--at-least", "50s", "--ttl", "50s"]);
        let redlock = handle(&short, &config("")).unwrap();
        let refusal = take(&redlock, &short).await.unwrap_err();
        let failure = impossible(&short, &refusal.error).unwrap();
        let said = "--at-least = `50s`: must be at most 49.498s, the time to live of 50s less the drift allowance";
        assert_eq!((failure.to_string().as_str(), failure.code()), (said, crate::exit::USAGE));
        let none = args(&["--at-least", "0s"]);
        let redlock = handle(&none, &config("")).unwrap();
        let refusal = take(&redlock, &none).await.unwrap_err();
        let failure = impossible(&none, &refusal.error).unwrap();
        let said = "--at-least = `0ns`: must be longer than nothing";
        assert!(failure.to_string().starts_with(said), "{failure}");
        assert_eq!(failure.code(), crate::exit::USAGE);
        let flags = ["--at-least", "50s"];
        let failure = handle(&args(&flags), &config("restart_guard = '40s'")).unwrap_err();
        assert_eq!(failure.code(), crate::exit::USAGE);
        let said = "--at-least = `50s`: takes a time to live of 50.508s, which must be at most 40s, the longest that";
        assert!(failure.to_string().starts_with(said), "{failure}");
        let brief = args(&["--at-least", "50s", "--max-hold", "10s"]);
        let failure = handle(&brief, &config("")).unwrap_err();
        let said = "--at-least = `50s`: takes a time to live of 50.508s, which --max-hold = `10s` must be at least";
        assert_eq!((failure.to_string().as_str(), failure.code()), (said, crate::exit::USAGE));
        // That time to live is somebody else's wish.
        let brief = args(&["--at-least", "5s", "--max-hold", "10s"]);
        let failure = handle(&brief, &config("ttl = '1m'")).unwrap_err();
        let said = "--max-hold = `10s`: must be at least the time to live, 60s";
        assert_eq!((failure.to_string().as_str(), failure.code()), (said, crate::exit::FAILED));
    }

    #[test]
    fn what_is_contended_ends_by_whether_it_may_be_skipped() {
        let code = |flags: &[&str]| args(flags).conflict_exit_code;
        assert_eq!(code(&["-n"]), 1);
        assert_eq!(code(&["--at-least", "50s"]), 0);
        assert_eq!(code(&["--at-least", "50s", "-E", "75"]), 75);
        assert_eq!(code(&["-E", "0"]), 0);
    }

    #[test]
    fn waiting_for_no_time_is_trying_once() {
        assert!(args(&["-n"]).tries_once() && args(&["-w", "0s"]).tries_once());
        assert!(!args(&[]).tries_once());
        assert!(handle(&args(&["-w", "0s"]), &config("")).is_ok());
    }

    #[test]
    fn a_time_to_live_of_a_file_is_refused_by_where_it_stands() {
        let file = config("ttl = '1m'\nrestart_guard = '40s'");
        let failure = handle(&args(&[]), &file).unwrap_err();
        let said = "redlock.toml, line 2, ttl: `60s` must be at most 40s, the longest that";
        assert!(failure.to_string().starts_with(said), "{failure}");
        assert_eq!(failure.code(), crate::exit::FAILED);
        let failure = handle(&args(&["--ttl", "50s"]), &file).unwrap_err();
        assert!(failure.to_string().starts_with("--ttl = `50s`: must be at most 40s"), "{failure}");
    }
}
