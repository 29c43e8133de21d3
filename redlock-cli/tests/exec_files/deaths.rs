//! `redlock` dies, or its watcher: nothing of the command goes on beside the next holder.

use std::process::Command;

use rustix::process::{
    Pid, Signal, geteuid, getpid, kill_process, kill_process_group, set_child_subreaper,
    test_kill_process_group,
};

use crate::setup::{Directory, Running, ended, is_gone, until};

/// Says the watcher's id, its own, that of a daemon in a session of its own, of one that lost its parent, and of a child
/// that it waits for.
const FAMILY: &str = r#"
trap '' HUP INT TERM
echo $PPID
echo $$
setsid sh -c 'echo $$; exec sleep 1000' &
(setsid sh -c 'sh -c "echo \$\$; exec sleep 1000" &' &)
sh -c 'echo $$; exec sleep 1000'
"#;

/// A family at work under a lock.
struct Family {
    running: Running,
    watcher: Pid,
    members: Vec<String>,
}

impl Family {
    fn start(directory: &Directory, flags: &[&str], before: &[&str]) -> Self {
        let words = flags.iter().chain(&["--ttl", "8s", "k", "--"]).chain(before);
        let words: Vec<_> = words.chain(&["sh", "-c", FAMILY]).copied().collect();
        let mut running = Running::start(directory.exec(&words));
        let watcher = pid(&running.line());
        let members = (0..4).map(|_| running.line()).collect();
        Self { running, watcher, members }
    }

    fn assert_gone(&self) {
        let left: Vec<_> = self.members.iter().filter(|member| !is_gone(member)).collect();
        assert!(left.is_empty(), "{left:?} of {:?} at work beside the next holder", self.members);
    }

    /// Ends what is there by intention.
    fn end(&self) {
        for member in self.members.iter().filter(|member| !is_gone(member)) {
            let _ = kill_process(pid(member), Signal::KILL);
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.end();
    }
}

fn pid(id: &str) -> Pid {
    Pid::from_raw(id.parse().unwrap()).unwrap()
}

/// What makes the kernel forget who is to die with whom: a change of user where the tests may do that, or asking for it.
fn changed_user() -> &'static [&'static str] {
    if geteuid().is_root() {
        &["setpriv", "--reuid=65534", "--clear-groups"]
    } else {
        &["setpriv", "--pdeathsig", "clear"]
    }
}

fn next_holder(directory: &Directory) {
    let next = ended(&mut directory.exec(&["-w", "50s", "k", "--", "echo", "mine"]));
    assert_eq!((next.code, &*next.stdout), (Some(0), "mine\n"), "{next:?}");
}

#[test]
fn killed_it_takes_all_along_that_the_command_started() {
    let directory = Directory::new("deaths-killed");
    for before in [&[][..], changed_user()] {
        let family = Family::start(&directory, &[], before);
        family.running.signal(Signal::KILL);
        next_holder(&directory);
        family.assert_gone();
    }
}

#[test]
fn killed_with_its_group_it_takes_all_along() {
    let directory = Directory::new("deaths-group");
    for before in [&[][..], changed_user()] {
        let family = Family::start(&directory, &[], before);
        kill_process_group(family.running.pid(), Signal::KILL).unwrap();
        next_holder(&directory);
        family.assert_gone();
    }
}

#[test]
fn signals_that_ask_to_end_do_not_reach_the_watcher() {
    let directory = Directory::new("deaths-asked");
    let family = Family::start(&directory, &[], &[]);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::TSTP] {
        kill_process(family.watcher, signal).unwrap();
    }
    family.running.signal(Signal::KILL);
    next_holder(&directory);
    family.assert_gone();
}

#[test]
fn a_watcher_that_is_killed_ends_the_command_and_is_told_of() {
    let directory = Directory::new("deaths-watcher");
    for before in [&[][..], changed_user()] {
        let mut family = Family::start(&directory, &[], before);
        kill_process(family.watcher, Signal::KILL).unwrap();
        assert_eq!(family.running.wait(), Some(125));
        family.assert_gone();
        let said = family.running.said();
        assert!(said.contains("the process that watches over the command has died"), "{said}");
        let tried = ended(&mut directory.exec(&["-n", "k", "--", "true"]));
        assert_eq!(tried.code, Some(0), "given back, since nobody is at work: {tried:?}");
    }
}

#[test]
fn killed_with_its_watcher_it_takes_the_command_itself_along() {
    let directory = Directory::new("deaths-both");
    let family = Family::start(&directory, &[], &[]);
    // Neither gets to see the other's death.
    family.running.signal(Signal::STOP);
    kill_process(family.watcher, Signal::KILL).unwrap();
    family.running.signal(Signal::KILL);
    next_holder(&directory);
    // What it started is not covered, as the help says.
    assert!(is_gone(&family.members[0]));
}

#[test]
fn a_command_that_ended_leaves_running_what_it_left_running() {
    let directory = Directory::new("deaths-none");
    let script = "setsid sh -c 'echo $$; exec sleep 1000' >&3 & read line; exit 4";
    let mut running =
        Running::start(directory.exec(&["k", "--", "sh", "-c", &format!("exec 3>&1; {script}")]));
    let daemon = running.line();
    running.close_input();
    assert_eq!(running.wait(), Some(4));
    let next = ended(&mut directory.exec(&["-n", "k", "--", "true"]));
    assert_eq!(next.code, Some(0), "{next:?}");
    assert!(!is_gone(&daemon), "it is not covered by the lock");
    kill_process(pid(&daemon), Signal::KILL).unwrap();
}

#[test]
fn a_lock_that_is_lost_ends_daemons_too() {
    let directory = Directory::new("deaths-lost");
    let mut family = Family::start(&directory, &["-k", "500ms"], &[]);
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    assert_eq!(family.running.wait(), Some(124));
    family.assert_gone();
    let unreaped = family.members.iter().find(|id| std::path::Path::new("/proc").join(id).exists());
    assert_eq!(unreaped, None, "left to be reaped by somebody else");
    std::fs::remove_dir_all(elsewhere).unwrap();
}

#[test]
fn who_gets_no_lock_leaves_nobody_to_be_reaped_by_others() {
    // As the first process of a container often is: it gets orphans, and does not look.
    set_child_subreaper(Some(getpid())).unwrap();
    let directory = Directory::new("deaths-refused");
    let mut holder = Running::start(directory.exec(&["k", "--", "sh", "-c", "echo up; read line"]));
    assert_eq!(holder.line(), "up");
    for (words, code) in [(["-n", "k", "--", "true"], 1), (["-n", "", "--", "true"], 125)] {
        let mut refused = Running::start(directory.exec(&words));
        assert_eq!(refused.wait(), Some(code), "{words:?}");
        let left = test_kill_process_group(refused.pid());
        assert_eq!(left, Err(rustix::io::Errno::SRCH), "{words:?}");
    }
    holder.end();
}

#[test]
fn orphans_are_reaped_while_the_command_runs() {
    let directory = Directory::new("deaths-orphans");
    let script = "(sh -c 'echo $$' &); read line";
    let mut running = Running::start(directory.exec(&["k", "--", "sh", "-c", script]));
    let orphan = running.line();
    let stat = format!("/proc/{orphan}/stat");
    until("it is reaped", || !std::path::Path::new(&stat).exists());
    running.end();
}

/// `redlock` as the first process of a namespace.
fn as_the_first(directory: &Directory, words: &[&str]) -> Command {
    let inner = directory.exec(words);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

#[test]
fn as_the_first_process_it_does_not_wait_for_orphans_that_ended() {
    let directory = Directory::new("deaths-first");
    let words = ["-k", "1000s", "--ttl", "8s", "k", "--", "sh", "-c"];
    let script = "(sleep 1000 &); echo up; exec sleep 1000";
    let words: Vec<_> = words.into_iter().chain([script]).collect();
    let mut running = Running::start(as_the_first(&directory, &words));
    // Where it says nothing, namespaces of users are missing: sysctl -w user.max_user_namespaces=10000
    // kernel.apparmor_restrict_unprivileged_userns=0
    assert_eq!(running.line(), "up");
    let elsewhere = format!("{}-moved", directory.path());
    std::fs::rename(directory.path(), &elsewhere).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(!ended.stderr.contains("killed"), "{ended:?}");
    std::fs::remove_dir_all(elsewhere).unwrap();
}

/// As `nsenter` and `unshare` on a terminal: the group, and the terminal's foreground, are none that it could name.
#[test]
fn in_a_group_of_outside_its_namespace_it_tells_all_of_the_command() {
    for signal in ["TERM", "HUP"] {
        tells_all_of_the_command_there(signal);
    }
}

fn tells_all_of_the_command_there(signal: &str) {
    let directory = Directory::new(&format!("deaths-outside-{signal}"));
    // The first process takes all with it, so the command waits.
    let script = r#"
trap 'wait; exit 7' SIGNAL
sh -c 'trap "echo told; exit" SIGNAL; kill -SIGNAL 1; while :; do sleep 0.05; done' &
wait; exit 3"#;
    let script = script.replace("SIGNAL", signal);
    let inner = as_the_first(&directory, &["--ttl", "30s", "k", "--", "sh", "-c", "$SCRIPT"]);
    // It begins a session at a terminal of its own, whose group the command stays in.
    let words: Vec<_> = inner.get_args().map(|word| word.to_string_lossy()).collect();
    let line = format!("exec unshare {}", words.join(" ").replace("$SCRIPT", "\"$SCRIPT\""));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("SCRIPT", script);
    let ended = Running::start(command).end();
    assert_eq!(ended.code, Some(7), "{ended:?}");
    // A shell may say of its sleep that it was terminated.
    assert!(ended.stdout.lines().any(|line| line == "told"), "{ended:?}");
}
