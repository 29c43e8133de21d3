//! Where `/proc` is not mounted.

use integration_tests::Servers;
use integration_tests::nodes::Client;
use tokio::process::Command;

use crate::setup::{Running, ended, exec, forget, until_free, until_gone};

/// `redlock exec WORDS…` without `/proc`.
fn without_proc(servers: &Servers, words: &[&str]) -> Command {
    let inner = exec(Client::Redis, servers, words.iter().copied());
    let inner = inner.as_std();
    let hide = "mount -t tmpfs none /proc && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", hide, "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.process_group(0).kill_on_drop(true);
    command
}

#[tokio::test]
async fn without_proc_it_runs_its_command_and_exits_as_that_does() {
    let servers = Servers::start(1).await;
    let cases: [(&[&str], i32); 3] = [
        (&["sh", "-c", "exit 4"], 4),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["/nonexistent/command"], 127),
    ];
    for (command, code) in cases {
        let words: Vec<_> = ["k", "--"].iter().chain(command).copied().collect();
        let ended = ended(without_proc(&servers, &words)).await;
        assert_eq!(
            ended.code,
            Some(code),
            "{command:?}: {ended:?}; if it is about namespaces of users: sysctl -w \
             user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0"
        );
    }
    until_free(&servers).await;
}

#[tokio::test]
async fn without_proc_a_lost_lock_ends_the_command_s_group() {
    let servers = Servers::start(1).await;
    let script = "sleep 1000 & echo $!; trap '' TERM; wait; sleep 1000";
    let words = ["-k", "500ms", "--ttl", "10s", "k", "--", "sh", "-c", script];
    let mut running = Running::start(without_proc(&servers, &words));
    let child = running.pid().await;
    forget(&servers).await;
    let ended = running.end().await;
    assert_eq!(ended.code, Some(124), "{ended:?}");
    until_gone(child).await;
}
