//! Signals that reach `redlock` while its command runs.

use std::time::Duration;

use integration_tests::Servers;
use integration_tests::nodes::Client;
use rustix::process::Signal;
use tokio::time::timeout;

use crate::setup::{Running, exec, redlock, state, until, until_free};

/// A program that says every signal it gets.
pub(crate) const TELLER: &str = env!("CARGO_BIN_EXE_signal-teller");

const PASSED_ON: [(Signal, &str); 6] = [
    (Signal::HUP, "HUP"),
    (Signal::INT, "INT"),
    (Signal::QUIT, "QUIT"),
    (Signal::TERM, "TERM"),
    (Signal::USR1, "USR1"),
    (Signal::USR2, "USR2"),
];

async fn each_signal_is_passed_on_once_and_the_command_decides(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = Running::start(exec(client, &servers, ["k", "--", TELLER]));
    let command = running.pid().await;
    // Were one passed on twice, the next line would be that one again.
    for (signal, name) in PASSED_ON.iter().cycle().take(24) {
        running.signal(*signal);
        assert_eq!(running.line().await, *name);
    }
    assert!(state(command).is_some());
    rustix::process::kill_process(command, Signal::KILL).unwrap();
    assert_eq!(running.end().await.code, Some(137));
    until_free(&servers).await;
}

async fn a_command_that_a_signal_ends_gives_its_code(client: Client) {
    let servers = Servers::start(3).await;
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let words = ["k", "--", "sh", "-c", "echo up; exec sleep 1000"];
        let mut running = Running::start(exec(client, &servers, words));
        running.line().await;
        running.signal(signal);
        let ended = running.end().await;
        assert_eq!((ended.code, &*ended.stderr), (Some(code), ""), "{ended:?}");
    }
    until_free(&servers).await;
}

async fn one_that_is_stopped_is_ended_by_each_of_them(client: Client) {
    let servers = Servers::start(3).await;
    let signals =
        [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129), (Signal::QUIT, 131)];
    for (signal, code) in signals {
        let words = ["k", "--", "sh", "-c", "echo $$; kill -STOP $$; echo went on"];
        let mut running = Running::start(exec(client, &servers, words));
        let command = running.pid().await;
        until("it is stopped", async || state(command) == Some('T')).await;
        running.signal(signal);
        let ended = running.end().await;
        assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{ended:?}");
    }
    until_free(&servers).await;
}

async fn what_a_shell_started_gets_them_too(client: Client) {
    let servers = Servers::start(3).await;
    // Without a signal of its own the sleeper would keep the output open.
    let words = ["k", "--", "sh", "-c", "echo up; sleep 1000; echo went on"];
    let mut running = Running::start(exec(client, &servers, words));
    running.line().await;
    running.signal(Signal::TERM);
    let ended = running.end().await;
    assert_eq!((ended.code, &*ended.stdout), (Some(143), ""), "{ended:?}");
}

async fn stopping_it_stops_the_command_which_goes_on_with_it(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = Running::start(exec(client, &servers, ["k", "--", TELLER]));
    let command = running.pid().await;
    running.signal(Signal::TSTP);
    until("the command is stopped", async || state(command) == Some('T')).await;
    // As a shell does, which goes by the process that it started.
    until("redlock is stopped", async || state(running.own_pid()) == Some('T')).await;
    running.signal(Signal::CONT);
    until("the command goes on", async || state(command) != Some('T')).await;
    rustix::process::kill_process(command, Signal::KILL).unwrap();
    assert_eq!(running.end().await.code, Some(137));
}

/// Before it came to stop itself, that is: nobody would continue it once more. To look whether it was continued and to stop are
/// two steps, so one in many may come between them. Mostly the kernel takes the signal to stop back by itself.
async fn who_is_continued_at_once_does_not_stay_stopped(client: Client) {
    let servers = Servers::start(3).await;
    let mut running = Running::start(exec(client, &servers, ["k", "--", TELLER]));
    let command = running.pid().await;
    let mut stayed = 0;
    for _ in 0..300 {
        running.signal(Signal::TSTP);
        running.signal(Signal::CONT);
        // Said by who goes on, and heard by who goes on. The first may have come before the signal to stop, the second has not.
        for _ in 0..2 {
            running.signal(Signal::USR1);
            let own = running.own_pid();
            let line = match timeout(Duration::from_secs(2), running.line()).await {
                Err(_) if state(own) == Some('T') => {
                    stayed += 1;
                    running.signal(Signal::CONT);
                    running.line().await
                }
                Err(_) => running.line().await,
                Ok(line) => line,
            };
            assert_eq!(line, "USR1");
        }
        assert!(stayed <= 3, "it stays stopped");
    }
    // No more in the same moment.
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.signal(Signal::TSTP);
    until("one that is not continued stops", async || state(running.own_pid()) == Some('T')).await;
    running.signal(Signal::CONT);
    rustix::process::kill_process(command, Signal::KILL).unwrap();
    assert_eq!(running.end().await.code, Some(137));
    until_free(&servers).await;
}

#[tokio::test]
async fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let servers = Servers::start(1).await;
    let inner = redlock(["exec", "--node", &servers[0].addr().to_string(), "k", "--"]);
    let mut command = tokio::process::Command::new("env");
    command.arg("--ignore-signal=HUP").arg(env!("CARGO_BIN_EXE_redlock-command"));
    command.args(inner.as_std().get_args().skip(2)).arg(TELLER);
    command.process_group(0).kill_on_drop(true);
    let mut running = Running::start(command);
    let pid = running.pid().await;
    // It would catch the signal if it came.
    running.signal(Signal::HUP);
    running.signal(Signal::USR1);
    assert_eq!(running.line().await, "USR1");
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(running.end().await.code, Some(137));
}

integration_tests::with_both_clients! {
    each_signal_is_passed_on_once_and_the_command_decides
    a_command_that_a_signal_ends_gives_its_code
    one_that_is_stopped_is_ended_by_each_of_them
    what_a_shell_started_gets_them_too
    stopping_it_stops_the_command_which_goes_on_with_it
    who_is_continued_at_once_does_not_stay_stopped
}
