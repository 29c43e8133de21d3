//! A process that says its id, and then the name of every signal it gets. A shell with traps loses some while it forks.

#![allow(clippy::print_stdout)]

use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut user1 = signal(SignalKind::user_defined1())?;
    let mut user2 = signal(SignalKind::user_defined2())?;
    println!("{}", std::process::id());
    loop {
        let name = tokio::select! {
            _ = hangup.recv() => "HUP",
            _ = interrupt.recv() => "INT",
            _ = quit.recv() => "QUIT",
            _ = terminate.recv() => "TERM",
            _ = user1.recv() => "USR1",
            _ = user2.recv() => "USR2",
        };
        println!("{name}");
    }
}
