//! What is answered to the scripts of fencing and the restart guard. The same for every adapter.

use std::time::Duration;

use crate::common::{FakeServer, LONG, claim, reply};
use redlock_core::Label;
use redlock_core::node::{Expiry, Extension, Fault, FaultClass, FenceTerms, LockNode, Terms, Vote};

#[tokio::test]
async fn a_fenced_acquire_is_one_script_over_resources_and_counters() {
    let server = FakeServer::start(|_| reply("*2\r\n:1\r\n:42\r\n")).await;
    let terms = fenced(Some(Duration::from_secs(12)));
    let vote = server.node().acquire(claim(&["a", "b"]), terms, LONG).await.unwrap();
    assert_eq!(vote, Vote::Granted { fence: Some(42) });
    let command = &server.commands()[0];
    let keys = ["4", "a", "b", "redlock:fence:a", "redlock:fence:b"];
    assert_eq!(command[2..7], keys.map(|key| key.as_bytes().to_vec()));
    assert_eq!(command[7].len(), 40);
    let numbers = ["10000", "12000", "600000", "7", "0"];
    assert_eq!(command[8..], numbers.map(|number| number.as_bytes().to_vec()));
}

#[tokio::test]
async fn a_guard_without_fencing_touches_no_counter() {
    let server = FakeServer::start(|_| reply("*2\r\n:1\r\n:0\r\n")).await;
    let terms = Terms::new(Duration::from_secs(10)).with_guard(Some(Duration::from_secs(12)));
    let vote = server.node().acquire(claim(&["a"]), terms, LONG).await.unwrap();
    assert_eq!(vote, Vote::Granted { fence: None });
    let command = &server.commands()[0];
    assert_eq!(command[2..4], [b"1".to_vec(), b"a".to_vec()]);
    let words = ["10000", "12000", "0", "0", "0"];
    assert_eq!(command[5..], words.map(|word| word.as_bytes().to_vec()));
}

#[tokio::test]
async fn shares_are_asked_for_by_one_script_that_looks_at_intents_where_they_are_heeded() {
    let server = FakeServer::start(|_| reply("*2\r\n:1\r\n:43\r\n")).await;
    let terms = fenced(None);
    let vote = server.node().acquire(claim(&["a", "b"]).shared(), terms, LONG).await;
    assert_eq!(vote, Ok(Vote::Granted { fence: Some(43) }));
    let repair = server.node().acquire(claim(&["a"]).shared(), terms.heeding(false), LONG).await;
    assert_eq!(repair, Ok(Vote::Granted { fence: Some(43) }));
    let words = |words: &[&str]| -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    };
    let commands = server.commands();
    let fences = ["redlock:fence:a", "redlock:fence:b"];
    let intents = ["redlock:want:a", "redlock:want:b"];
    let keys = [&["6", "a", "b"][..], &fences, &intents].concat();
    assert_eq!(commands[0][2..9], words(&keys));
    assert_eq!(commands[0][10..], words(&["10000", "0", "600000", "7", "1"]));
    assert_eq!(commands[1][2..5], words(&["2", "a", "redlock:fence:a"]));
    assert_eq!(commands[1][6..], words(&["10000", "0", "600000", "7", "0"]));
}

#[tokio::test]
async fn an_intent_is_left_by_the_fenced_script() {
    let text = "*5\r\n:0\r\n:1500\r\n:0\r\n$1\r\nx\r\n:1\r\n";
    let server = FakeServer::start(move |_| reply(text)).await;
    let terms = Terms::new(Duration::from_secs(10)).with_intent(Some(Duration::from_millis(700)));
    let vote = server.node().acquire(claim(&["a"]), terms, LONG).await;
    let expiry = Expiry::In(Duration::from_millis(1_500));
    assert_eq!(vote, Ok(Vote::Shared { expiry, fence: None, label: None }));
    let command = &server.commands()[0];
    let words = |words: [&str; 3]| words.map(|word| word.as_bytes().to_vec());
    assert_eq!(command[2..5], words(["2", "a", "redlock:want:a"]));
    assert_eq!(command[8..], words(["0", "0", "700"]));
}

#[tokio::test]
async fn a_swap_is_the_acquires_script_with_the_former_value_and_never_the_native_command() {
    let former = b"the former".to_vec();
    let server = FakeServer::start(|_| reply("*4\r\n:1\r\n:42\r\n:2\r\n:7\r\n")).await;
    let both = claim(&["a", "b"]).succeeding(&former[..]);
    let vote = server.node().acquire(both, fenced(None), LONG).await;
    assert_eq!(vote, Ok(Vote::Swapped { fence: Some(42), resources: 2, counter: Some(7) }));
    assert_eq!(server.commands()[0].last(), Some(&former));

    let server = FakeServer::start(|_| reply("*3\r\n:1\r\n:0\r\n:1\r\n")).await;
    let one = claim(&["a"]).succeeding(&former[..]);
    let vote = server.node().acquire(one, Terms::new(Duration::from_secs(10)), LONG).await;
    assert_eq!(vote, Ok(Vote::Swapped { fence: None, resources: 1, counter: None }));
    let command = &server.commands()[0];
    assert_eq!((&command[0], command.last()), (&b"EVAL".to_vec(), Some(&former)));
    assert_eq!(command.len(), 7, "text, one key, token, time to live, former value");
}

#[tokio::test]
async fn the_fenced_scripts_answers_are_told_apart() {
    let second = Duration::from_secs(1);
    for (text, vote) in [
        ("*2\r\n:2\r\n:42\r\n", Vote::AlreadyOurs),
        (
            "*4\r\n:0\r\n:1500\r\n:42\r\n$43\r\n0123456789012345678901234567890123456789 me\r\n",
            Vote::Held {
                expiry: Expiry::In(second * 3 / 2),
                fence: Some(42),
                label: Some(Label::new("me").unwrap()),
                kept: false,
            },
        ),
        (
            "*4\r\n:0\r\n:-1\r\n:0\r\n$1\r\nx\r\n",
            Vote::Held { expiry: Expiry::Never, fence: None, label: None, kept: false },
        ),
        (
            "*3\r\n:3\r\n:2500\r\n:9\r\n",
            Vote::Warming { uptime: second * 9, remaining: second * 5 / 2 },
        ),
    ] {
        let server = FakeServer::start(move |_| reply(text)).await;
        let answer = server.node().acquire(claim(&["a"]), fenced(None), LONG).await;
        assert_eq!(answer, Ok(vote), "{text:?}");
    }
}

#[tokio::test]
async fn what_fencing_and_the_guard_lack_is_a_misconfiguration_that_names_it() {
    let withheld = |command: &str, error: &str| {
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        format!("*3\r\n:4\r\n{}{}", bulk(command), bulk(error))
    };
    let mut cases = vec![
        ("*2\r\n:5\r\n:0\r\n".to_owned(), Fault::WrongType, "fencing counter"),
        ("*2\r\n:6\r\n:0\r\n".to_owned(), Fault::Unsupported, "uptime_in_seconds"),
    ];
    for command in ["TIME", "INFO"] {
        for (error, fault) in [
            ("NOPERM User x has no permissions to run the command", Fault::Permission),
            (
                "ERR The user executing the script can't run this command or subcommand script: f_0, on @user_script:24.",
                Fault::Permission,
            ),
            ("ERR ACL failure in script: User x has no permissions", Fault::Permission),
            ("ERR Unknown Redis command called from script script: f_0", Fault::Unsupported),
        ] {
            cases.push((withheld(command, error), fault, command));
        }
    }
    for (text, fault, named) in cases {
        let sent = text.clone();
        let server = FakeServer::start(move |_| reply(sent.clone())).await;
        let terms = fenced(Some(Duration::from_secs(12)));
        let error = server.node().acquire(claim(&["a"]), terms, LONG).await.unwrap_err();
        assert_eq!((error.fault(), error.class()), (fault, FaultClass::Misconfigured), "{text:?}");
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_before_the_servers_start_is_no_vote_and_says_so() {
    let server = FakeServer::start(|_| reply("*2\r\n:7\r\n:3600\r\n")).await;
    let terms = fenced(Some(Duration::from_secs(12)));
    let error = server.node().acquire(claim(&["a"]), terms, LONG).await.unwrap_err();
    assert_eq!(error.class(), FaultClass::NotApplied);
    assert!(error.to_string().contains("set back to 3600 s before its start"), "{error}");
}

#[tokio::test]
async fn a_fenced_answer_of_another_shape_is_unknown() {
    for text in [
        "*2\r\n:1\r\n:0\r\n",
        "*2\r\n:1\r\n:-7\r\n",
        "*1\r\n:1\r\n",
        "*2\r\n:0\r\n:1500\r\n",
        "*3\r\n:0\r\n:1500\r\n:42\r\n",
        "*2\r\n:3\r\n:1500\r\n",
        "*2\r\n:4\r\n:0\r\n",
        "*2\r\n:9\r\n:0\r\n",
        ":1\r\n",
        "_\r\n",
    ] {
        let server = FakeServer::start(move |_| reply(text)).await;
        let error = server.node().acquire(claim(&["a"]), fenced(None), LONG).await.unwrap_err();
        assert_eq!(
            (error.fault(), error.class()),
            (Fault::Unexpected, FaultClass::Unknown),
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn raise_and_a_fenced_extension_are_one_script_over_resources_and_counters() {
    for (text, extension) in [
        (":1\r\n", Extension::Extended),
        (":0\r\n", Extension::Foreign),
        (":-1\r\n", Extension::Gone),
    ] {
        let server = FakeServer::start(move |_| reply(text)).await;
        let life = Duration::from_secs(600);
        let node = server.node();
        assert_eq!(node.clone().raise(claim(&["a"]), 42, life, LONG).await, Ok(extension));
        assert_eq!(node.clone().extend(claim(&["a"]), fenced(None), LONG).await, Ok(extension));
        let keys = ["2", "a", "redlock:fence:a"].map(|key| key.as_bytes().to_vec());
        let [raise, extend] = &server.commands()[..] else { panic!("two commands") };
        assert_eq!((&raise[2..5], &extend[2..5]), (&keys[..], &keys[..]));
        assert_eq!(raise[6..], ["42", "600000"].map(|word| word.as_bytes().to_vec()));
        assert_eq!(extend[6..], ["10000", "600000"].map(|word| word.as_bytes().to_vec()));
    }
    let server = FakeServer::start(|_| reply(":-2\r\n")).await;
    let error = server.node().raise(claim(&["a"]), 42, LONG, LONG).await.unwrap_err();
    assert_eq!(error.fault(), Fault::WrongType);
}

/// Ten seconds, with a number to be given.
fn fenced(guard: Option<Duration>) -> Terms {
    let fencing = FenceTerms { hint: 7, life: Duration::from_secs(600) };
    Terms::new(Duration::from_secs(10)).with_fencing(Some(fencing)).with_guard(guard)
}
