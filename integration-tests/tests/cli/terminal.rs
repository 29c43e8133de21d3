//! In the foreground of a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use integration_tests::Servers;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::setup::{LIMIT, forget, redlock, state, until, until_free, until_gone};
use crate::signals::TELLER;

const PROCESS: &str = "pid,ppid,pgid,sid,tpgid,stat,wchan:20,pending,blocked,ignored,caught,args";

/// Starts a command line at a terminal of its own, and gives the end that a person has.
pub(crate) fn open(servers: &Servers, words: &[&str], folder: &Path) -> (File, Child) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let line = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
    let mut command = Command::new("setsid");
    // Otherwise Ctrl-C throws output away, also that of whoever was quick to get the signal.
    let quiet = "stty noflsh; exec \"$@\"";
    // Whoever runs the tests in the background of a script ignores what is pressed here.
    let heard = "--default-signal=HUP,INT,QUIT";
    command.args(["--ctty", "env", heard, "sh", "-c", quiet, "sh"]).args(words);
    command.env("REDLOCK_NODES", servers.urls().join(",")).env_remove("REDLOCK_CONFIG");
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent");
    command.current_dir(folder);
    let process = command.stdin(line()).stdout(line()).stderr(line()).spawn().unwrap();
    (File::from(master), process)
}

/// A command line at a terminal of its own, which it is in the foreground of.
struct Terminal {
    keyboard: File,
    lines: Receiver<String>,
    process: Child,
}

impl Terminal {
    fn start(servers: &Servers, words: &[&str]) -> Self {
        let inner = redlock(["exec"].iter().chain(words).copied());
        let words: Vec<_> = inner.as_std().get_args().map(|word| word.to_str().unwrap()).collect();
        Self::run(servers, &["env"].iter().chain(&words).copied().collect::<Vec<_>>())
    }

    fn run(servers: &Servers, words: &[&str]) -> Self {
        let (keyboard, process) = open(servers, words, Path::new("."));
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let (mut buffer, mut text) = ([0; 1024], String::new());
            // A terminal that nobody has open any more is an error on Linux.
            while let Ok(read @ 1..) = screen.read(&mut buffer) {
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
                while let Some((line, rest)) = text.split_once('\n') {
                    let _ = sender.send(line.trim().to_owned());
                    text = rest.to_owned();
                }
            }
        });
        Self { keyboard, lines, process }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).unwrap_or_else(|why| {
            // Who waits there for whom tells more than that nothing came.
            let listed = Command::new("ps").args(["-eo", PROCESS]).output();
            let listed = listed.map(|ps| String::from_utf8_lossy(&ps.stdout).into_owned());
            panic!("a line: {why}\n{}", listed.unwrap_or_else(|error| error.to_string()));
        })
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.line().parse().unwrap()).unwrap()
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    async fn end(mut self) -> Option<i32> {
        until("it has ended", async || self.process.try_wait().unwrap().is_some()).await;
        self.process.wait().unwrap().code()
    }
}

#[tokio::test]
async fn keys_and_signals_reach_the_command_once() {
    let servers = Servers::start(1).await;
    let mut terminal = Terminal::start(&servers, &["k", "--", TELLER]);
    let command = terminal.pid();
    let keys = [("\x03", "^CINT", Signal::INT, "INT"), ("\x1c", "^\\QUIT", Signal::QUIT, "QUIT")];
    for (key, shown, signal, name) in keys.into_iter().cycle().take(10) {
        terminal.press(key);
        assert_eq!(terminal.line(), shown, "by the terminal");
        // Two of one kind would be one if redlock had not seen the first yet; now it has.
        terminal.signal(Signal::USR1);
        assert_eq!(terminal.line(), "USR1", "by kill");
        terminal.signal(signal);
        assert_eq!(terminal.line(), name, "by kill");
    }
    kill_process(command, Signal::KILL).unwrap();
    assert_eq!(terminal.end().await, Some(137));
}

#[tokio::test]
async fn the_command_reads_from_the_terminal() {
    let servers = Servers::start(1).await;
    let mut terminal = Terminal::start(
        &servers,
        &["k", "--", "sh", "-c", "read a </dev/tty; echo got $a; exit 4"],
    );
    terminal.press("it\n");
    assert_eq!((terminal.line(), terminal.line()), ("it".to_owned(), "got it".to_owned()));
    assert_eq!(terminal.end().await, Some(4));
}

#[tokio::test]
async fn a_lost_lock_ends_the_command_here_too() {
    let servers = Servers::start(1).await;
    let words = ["--ttl", "10s", "k", "--", "sh", "-c", "echo $$; exec sleep 1000"];
    let terminal = Terminal::start(&servers, &words);
    let command = terminal.pid();
    forget(&servers).await;
    until_gone(command).await;
    assert_eq!(terminal.end().await, Some(124));
}

#[tokio::test]
async fn control_z_stops_both_and_the_shell_continues_them() {
    let servers = Servers::start(1).await;
    let exec = format!("{} exec k -- {TELLER}", env!("CARGO_BIN_EXE_redlock-command"));
    let script = format!("{exec}; echo stopped; fg >/dev/null; echo ended");
    let mut terminal = Terminal::run(&servers, &["bash", "-mc", &script]);
    let command = terminal.pid();
    terminal.press("\x1a");
    while !terminal.line().ends_with("stopped") {}
    until("the command goes on", async || state(command) != Some('T')).await;
    terminal.press("\x03");
    // What the shell says of its jobs may come in between.
    while !terminal.line().ends_with("INT") {}
    kill_process(command, Signal::KILL).unwrap();
    while terminal.line() != "ended" {}
    terminal.end().await;
}

#[tokio::test]
async fn control_z_stops_nobody_where_no_shell_could_continue_it() {
    let servers = Servers::start(1).await;
    let mut terminal = Terminal::start(&servers, &["k", "--", TELLER]);
    let command = terminal.pid();
    terminal.press("\x1a");
    terminal.press("\x03");
    assert!(terminal.line().ends_with("^CINT"));
    terminal.signal(Signal::USR1);
    assert_eq!(terminal.line(), "USR1");
    kill_process(command, Signal::KILL).unwrap();
    assert_eq!(terminal.end().await, Some(137));
}

#[tokio::test]
async fn a_background_job_that_wants_to_read_is_brought_to_the_foreground() {
    let servers = Servers::start(1).await;
    let exec = format!("{} exec k -- cat", env!("CARGO_BIN_EXE_redlock-command"));
    // The shell says when it is stopped, since it wanted to read.
    let script = format!(
        "{exec} & until jobs | grep -q Stopped; do sleep 0.1; done; echo stopped; fg >/dev/null; echo ended $?"
    );
    let mut terminal = Terminal::run(&servers, &["bash", "-mc", &script]);
    while !terminal.line().ends_with("stopped") {}
    terminal.press("it\n");
    // What was typed, and what was read.
    while terminal.line() != "it" {}
    while terminal.line() != "it" {}
    terminal.press("\x03");
    while !terminal.line().ends_with("ended 130") {}
    terminal.end().await;
}

#[tokio::test]
async fn what_a_shell_started_at_a_terminal_ends_with_it() {
    let servers = Servers::start(1).await;
    // The terminal's own end is none of its.
    let script = "(trap '' HUP; exec sleep 1000) & echo $!; echo up; wait";
    let terminal = Terminal::start(&servers, &["k", "--", "sh", "-c", script]);
    let child = terminal.pid();
    assert_eq!(terminal.line(), "up");
    terminal.signal(Signal::TERM);
    until_gone(child).await;
    assert_eq!(terminal.end().await, Some(143));
}

/// The kernel tells the leader of a session that its terminal is gone, and nobody else.
#[tokio::test]
async fn a_terminal_that_is_gone_ends_the_command_where_nothing_stands_between() {
    let servers = Servers::start(1).await;
    let command = [env!("CARGO_BIN_EXE_redlock-command"), "exec", "k", "--"];
    let words = [&command[..], &["sh", "-c", "echo up; sleep 1000; echo down"]].concat();
    let (mut screen, mut process) = open(&servers, &words, Path::new("."));
    let mut text = String::new();
    while !text.contains("up") {
        let mut buffer = [0; 64];
        let read = screen.read(&mut buffer).unwrap();
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    drop(screen);
    until("it has ended", async || process.try_wait().unwrap().is_some()).await;
    assert_eq!(process.wait().unwrap().code(), Some(129));
    until_free(&servers).await;
}
