use std::time::Duration;

use clap::CommandFactory;

use super::*;
use crate::duration::{duration, wait};

fn keys(words: &[&str]) -> Vec<String> {
    match parsed(["redlock"].iter().chain(words)).unwrap() {
        Order::Exec(request) => request.keys,
        Order::Inspect(request) => request.keys,
        Order::Release(request) => request.keys,
        Order::Watch(request) => vec![request.key],
        Order::Leader(request) => vec![request.name],
        other => panic!("{other:?}"),
    }
}

fn refusal(words: &[&str]) -> String {
    let error = parsed(["redlock"].iter().chain(words)).unwrap_err();
    assert_eq!(error.exit_code(), i32::from(exit::USAGE));
    error.to_string()
}

#[test]
fn a_key_that_begins_with_a_dash_can_be_given_to_every_verb() {
    let verbs: [(&[&str], &[&str]); 5] = [
        (&["exec"], &["--", "true", "--key=x"]),
        (&["inspect"], &[]),
        (&["watch"], &[]),
        (&["leader"], &[]),
        (&["release"], &["--force"]),
    ];
    for (verb, rest) in verbs {
        for key in ["-k", "--", "--help", "-n", "--key=k", "plain", ""] {
            let flag = format!("--key={key}");
            assert_eq!(keys(&[verb, &[&flag], rest].concat()), [key], "{verb:?}");
            assert_eq!(keys(&[verb, &["--key", key], rest].concat()), [key], "{verb:?}");
        }
        let missing = if verb == ["leader"] { "<NAME>" } else { "<KEY>" };
        assert!(refusal(&[verb, rest].concat()).contains(missing), "{verb:?} without a key");
    }
    assert_eq!(keys(&["exec", "a", "--key=-b", "--key", "-c", "--", "true"]), ["a", "-b", "-c"]);
    assert_eq!(keys(&["inspect", "--key=-b", "--", "-a"]), ["-a", "-b"]);
    assert_eq!(keys(&["watch", "--", "-a"]), ["-a"]);
    for verb in ["watch", "leader"] {
        for words in [[verb, "a", "b"], [verb, "a", "--key=b"]] {
            refusal(&words);
        }
    }
}

#[test]
fn where_no_key_is_taken_none_is_advised() {
    for words in [&["--key-prefix", "lock:", "list"] as &[_], &["-x"], &["doctor", "-x"]] {
        let said = refusal(words);
        assert!(!said.contains("--key="), "{said}");
    }
}

#[test]
fn a_time_below_zero_is_no_flag() {
    for flag in ["-w", "--wait", "-k", "--kill-after"] {
        let said = refusal(&["exec", "k", flag, "-1", "--", "true"]);
        assert!(said.contains("invalid value '-1'"), "{said}");
    }
}

#[test]
fn a_semaphore_has_one_to_sixty_four_permits() {
    let permits = |words: &[&str]| match parsed(["redlock", "inspect", "k"].iter().chain(words)) {
        Ok(Order::Inspect(request)) => Some(request.permits),
        _ => None,
    };
    assert_eq!(permits(&[]), Some(None));
    assert_eq!(permits(&["--permits", "1"]), Some(Some(1)));
    assert_eq!(permits(&["--permits=64"]), Some(Some(64)));
    for wrong in ["0", "65", "-1", "many", ""] {
        assert_eq!(permits(&["--permits", wrong]), None, "{wrong}");
    }
}

#[test]
fn a_release_that_says_no_way_is_no_wrong_command_line_yet() {
    let way = |words: &[&str]| match parsed(["redlock", "release", "k"].iter().chain(words)) {
        Ok(Order::Release(request)) => Some(request.way),
        _ => None,
    };
    assert!(matches!(way(&[]), Some(release::Way::Unsaid)));
    assert!(matches!(way(&["--force"]), Some(release::Way::Force { asks: true })));
    assert!(matches!(way(&["--token", "-"]), Some(release::Way::Token(token)) if token == "-"));
    assert!(way(&["--yes"]).is_none() && way(&["--token=-", "--force"]).is_none());
}

#[test]
fn the_tip_for_a_key_that_begins_with_a_dash_works() {
    for words in
        [&["exec", "-x", "--", "true"] as &[_], &["inspect", "-x"], &["release", "--force", "-x"]]
    {
        let said = refusal(words);
        assert!(said.contains("'--key=-x'") && !said.contains("'-- -x'"), "{said}");
    }
    // A flag of nearly that name is no less likely.
    let said = refusal(&["exec", "--nodes", "--", "true"]);
    let long = parsed(["redlock", "exec", "-da\x1bsh", "--", "true"]).unwrap_err().to_string();
    assert!(long.contains("'--key=-da\\u{1b}sh'"), "{long}");
    assert!(said.contains("'--key=--nodes'") && said.contains("'--node'"), "{said}");
    assert!(!said.contains("'-- --nodes'"), "{said}");
    assert!(refusal(&["inspect", "--jsn", "k"]).contains("'--json'"), "a slip of the finger");
}

#[test]
fn who_leaves_the_dashes_out_before_the_command_is_told_where_they_belong() {
    let tip = "the command comes after '--': redlock exec KEY -- COMMAND";
    for words in [&["exec", "k", "true"] as &[_], &["exec", "k"], &["exec", "k", "--"]] {
        let said = refusal(words);
        assert!(said.contains(tip), "{said}");
    }
    assert!(!refusal(&["inspect"]).contains(tip));
}

#[test]
fn a_bare_number_is_seconds_where_flock_and_timeout_take_it_so_and_else_is_told_its_unit() {
    let second = Duration::from_secs(1);
    for (text, time) in [
        ("10", 10 * second),
        ("0", Duration::ZERO),
        ("0.5", second / 2),
        (".5", second / 2),
        ("5.", 5 * second),
    ] {
        assert_eq!(wait(text), Ok(time));
        assert!(duration(text).unwrap_err().contains(&format!("write {text}s")), "{text}");
    }
    for (text, time) in [("1m 30s", 90 * second), ("250ms", second / 4)] {
        assert_eq!((wait(text), duration(text)), (Ok(time), Ok(time)));
    }
    let much = "9".repeat(400);
    for text in ["500000000000years", "101years", "3162240001"] {
        assert!(wait(text).is_err() && duration(text).is_err(), "no clock goes so far: {text}");
    }
    assert!(duration("100years").is_ok());
    for text in ["", "-1", "1e3", ".", "1.2.3", "soon", "1 0", "99999999999999999999", &much] {
        assert!(wait(text).is_err() && duration(text).is_err(), "{text}");
    }
    for flags in [["-w", "10"], ["-k", "10"], ["-w", "0.5"]] {
        assert_eq!(keys(&[&["exec", "k"] as &[_], &flags, &["--", "true"]].concat()), ["k"]);
    }
    let said = refusal(&["exec", "k", "--ttl", "30", "--", "true"]);
    assert!(said.contains("'30'") && said.contains("write 30s") && said.contains("30ms"), "{said}");
}

/// Of every subcommand.
#[test]
fn every_time_is_read_by_one_of_the_two() {
    for command in Cli::command().get_subcommands_mut() {
        for argument in command
            .get_arguments()
            .filter(|argument| argument.get_num_args().is_some_and(|n| n.takes_values()))
        {
            let times = ["DURATION", "LONGEST_TTL"];
            let named = argument.get_value_names().unwrap_or_default();
            if !named.iter().any(|name| times.contains(&name.as_str())) {
                continue;
            }
            let name = argument.get_long().unwrap();
            let rest: &[&str] = if command.get_name() == "exec" { &["--", "true"] } else { &[] };
            let key: &[&str] =
                if ["bench", "doctor"].contains(&command.get_name()) { &[] } else { &["k"] };
            let flag = format!("--{name}=7");
            let words = [&[command.get_name()] as &[&str], key, &[&flag], rest].concat();
            let result = parsed(["redlock"].iter().chain(&words));
            let seconds = ["wait", "kill-after"].contains(&name);
            assert_eq!(result.is_ok(), seconds, "{words:?}");
            assert!(seconds || result.unwrap_err().to_string().contains("write 7s"), "{words:?}");
        }
    }
}

#[test]
fn a_label_is_the_given_one_the_usual_one_or_none() {
    let label = |flags: &[&str]| match parsed(
        ["redlock", "exec", "k"].iter().chain(flags).chain(&["--", "true"]),
    )
    .unwrap()
    {
        Order::Exec(request) => request.label,
        other => panic!("{other:?}"),
    };
    assert_eq!(label(&[]), exec::Name::Usual);
    assert_eq!(label(&["--no-label"]), exec::Name::None);
    for text in ["orders@pod-7", &"x".repeat(128), &"é".repeat(64)] {
        let given = redlock_core::Label::new(text).unwrap();
        assert_eq!(label(&["--label", text]), exec::Name::Given(given));
    }
    refusal(&["exec", "k", "--no-label", "--label=x", "--", "true"]);
}

#[test]
fn a_label_that_breaks_a_rule_is_a_wrong_command_line_and_moves_no_cursor() {
    let long = "x".repeat(129);
    for (label, rule) in [
        ("", "must not be empty"),
        (&long, "must be at most 128 bytes"),
        (&format!("{}é", &long[..127]), "must be at most 128 bytes"),
        ("a\x1b[2J\nb", "must be printable characters"),
        (" a", "must not begin or end with a blank"),
    ] {
        let said = refusal(&["exec", "k", &format!("--label={label}"), "--", "true"]);
        let line = said.lines().next().unwrap();
        assert!(line.contains("--label <TEXT>") && line.ends_with(rule), "{said:?}");
        assert!(!line.contains(char::is_control), "{said:?}");
    }
}

#[test]
fn a_prefix_that_begins_with_a_dash_is_given_behind_two() {
    let asked = |words: &[&str]| match parsed(["redlock"].iter().chain(words)).unwrap() {
        Order::List(request) => (request.prefix, request.limit, request.follow),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&["list"]), (String::new(), 1_000, None));
    let followed = Some(Duration::from_secs(2));
    assert_eq!(asked(&["list", "--watch", "--", "-x"]), ("-x".to_owned(), 1_000, followed));
    let said = refusal(&["list", "-x"]);
    assert!(said.contains("'-- -x'") && !said.contains("--key"), "{said}");
}
