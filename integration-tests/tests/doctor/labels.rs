//! What holders call themselves, and what others would have them called.

use integration_tests::nodes::Client;
use integration_tests::{ChaosProxy, Servers};

use crate::setup::*;

const KEY: &str = "orders:42";

/// Values that a hostile program could have stored, as a Lua script writes them: after a token and a blank what would act on
/// a terminal, break a line or fill a screen, and what only looks like a label.
fn hostile() -> Vec<String> {
    let token = "0a".repeat(20);
    vec![
        format!(r"{token} \27[2J\27]0;canary\7"),
        format!(r"{token} canary\nredlock: {KEY}: free"),
        format!(r"{token} \226\128\174canary"),
        format!(r"{token} \155canary\255"),
        format!("{token} {}", "canary".repeat(1_700)),
        format!(" {token} canary"),
        format!("{token}  canary"),
        format!("{token}canary"),
        format!("{token}\\tcanary"),
        format!(" canary {token}"),
        "canary\\27[31m".to_owned(),
        "kept:canary".to_owned(),
    ]
}

async fn store(servers: &Servers, value: &str) {
    let script = format!("return redis.call('SET', KEYS[1], '{value}', 'PX', 600000)");
    for server in servers.iter() {
        server.exec(&["EVAL", &script, "1", KEY]).await;
    }
}

async fn what_another_program_stored_reaches_no_terminal_as_it_is(client: Client) {
    let servers = Servers::start(3).await;
    let urls = servers.urls();
    for value in hostile() {
        store(&servers, &value).await;
        let mut said = Vec::new();
        for words in [
            &["inspect", KEY] as &[_],
            &["inspect", "--json", KEY],
            &["leader", KEY],
            &["leader", "--json", KEY],
        ] {
            said.push(run(client, &urls, words).await.expect(0));
        }
        let asked = answer(client, &urls, KEY, "no").await.expect(1);
        assert!(asked.err.contains(": held by "), "{}", asked.err);
        said.push(asked);
        for flags in [["-n", "-q"], ["-n", "-v"], ["-w", "1s"], ["--at-least", "9s"]] {
            let words = [&["exec", KEY], &flags[..], &["--client", client.name()]].concat();
            let child = bare(&urls, &[&words[..], &["--", "echo", "ran"]].concat()).spawn();
            let run = ended(child.unwrap()).await;
            assert!(run.code == if flags[0] == "--at-least" { 0 } else { 1 }, "{run:?}");
            assert!(!run.err.contains("held by ") || run.err.contains("held by another"));
            said.push(run);
        }
        let mut watch = Running::start(client, &urls, &["watch", KEY]);
        let line = watch.line().await;
        for text in said.iter().flat_map(|run| [&run.out, &run.err]).chain([&line]) {
            assert!(!text.contains("canary") && !text.contains("0a0a0a"), "{value}: {text:?}");
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{value}: {text:?}");
            assert!(!text.contains('\u{202e}'), "{value}: {text:?}");
        }
        let taken = run(client, &urls, &["release", "--force", "--yes", KEY]).await.expect(0);
        assert_eq!(taken.out, format!("{KEY}: taken away, on 3 of 3 nodes\n"), "{value}");
    }
}

async fn the_locks_that_doctor_and_bench_take_name_them(client: Client) {
    let servers = Servers::start(1).await;
    let proxy = ChaosProxy::start(servers[0].addr()).await;
    let urls = [proxy.url()];
    for (words, program) in [
        (&["bench", "--duration", "100ms"] as &[_], " redlock bench"),
        (&["doctor", "--json"], " redlock doctor"),
    ] {
        run(client, &urls, words).await;
        assert!(proxy.seen(program.as_bytes()) > 0, "{words:?}");
    }
}

integration_tests::with_both_clients! {
    what_another_program_stored_reaches_no_terminal_as_it_is
    the_locks_that_doctor_and_bench_take_name_them
}
