//! A terminal of forty columns.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::common::{Directory, redlock, until};

const BEGIN: &str = "\r\x1b[2K";

#[test]
fn watch_keeps_one_live_line_on_a_narrow_terminal_and_follows_its_width() {
    let directory = Directory::new("narrow");
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let resize = |columns| {
        let size = Winsize { ws_row: 20, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
    };
    resize(40);
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = File::options().read(true).write(true).open(name).unwrap();
    // Wide, and long.
    let key = "錠".repeat(30);
    let mut command = redlock();
    command.args(["watch", &key, "--interval", "1h"]).env("REDLOCK_NODES", directory.node());
    let mut child = command.stdout(terminal).stderr(Stdio::null()).spawn().unwrap();
    let mut screen = File::from(master.try_clone().unwrap());
    let (sender, shown) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = screen.read(&mut buffer) {
            let _ = sender.send(buffer[..read].to_vec());
        }
    });
    let mut bytes = Vec::new();
    let live = |bytes: &mut Vec<u8>| -> Vec<String> {
        bytes.extend(shown.recv_timeout(Duration::from_millis(50)).unwrap_or_default());
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split(BEGIN).skip(1).map(str::to_owned).collect()
    };
    let wanted = |wide: usize| format!("{}…", "錠".repeat(wide));
    until("a live line of 39 columns", || live(&mut bytes).last() == Some(&wanted(19)));
    resize(20);
    kill_process(Pid::from_child(&child), Signal::WINCH).unwrap();
    until("one of 19", || live(&mut bytes).last() == Some(&wanted(9)));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    until("it has ended", || child.try_wait().unwrap().is_some());
    until("the line is removed", || live(&mut bytes).last() == Some(&String::new()));
    let lines = String::from_utf8_lossy(&bytes).matches('\n').count();
    assert_eq!(lines, 1, "what was seen first; the live line begins no other");
}
