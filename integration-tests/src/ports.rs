//! Loopback ports nobody else is likely to take while a server of ours is down.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;

// Below the kernel's ephemeral range (from 32768), as is port + 10000, the cluster bus: an outgoing connection cannot
// get the port of a killed server before the server comes back.
const FIRST: u16 = 12_000;
const LAST: u16 = 22_000;

static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A port that is free now and that this process will not hand out again. Another process may still win it, so
/// whoever binds it must be ready to ask for the next one.
///
/// # Panics
///
/// When there is none.
pub fn take() -> u16 {
    for _ in 0..1_000 {
        let port = fastrand::u16(FIRST..LAST);
        let fresh = TAKEN.lock().unwrap().get_or_insert_default().insert(port);
        if fresh && TcpListener::bind(loopback(port)).is_ok() {
            return port;
        }
    }
    panic!("no free loopback port between {FIRST} and {LAST}");
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Whether somebody else was quicker to take the port, in the words of the servers and of Docker.
pub(crate) fn is_conflict(why: &str) -> bool {
    let why = why.to_lowercase();
    why.contains("address already in use") || why.contains("port is already allocated")
}
