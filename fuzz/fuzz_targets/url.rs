//! No URL makes a node panic, and no error and no `Debug` shows what stands where a password does.
//!
//! Input: scheme, user, the rest of the password, and what follows the `@`, one a line.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use redlock_protocol::redacted_url;
use redlock_fred::FredNode;
use redlock_redis::RedisNode;

const SECRET: &str = "hunter2hunter2";

fn shown(url: &str) -> String {
    fn both(result: Result<impl Debug, redlock_core::ConfigError>) -> String {
        match result {
            Ok(node) => format!("{node:?}"),
            Err(error) => format!("{error} {error:?}"),
        }
    }
    let redacted = redacted_url(url);
    format!("{redacted} {} {}", both(RedisNode::connect(url)), both(FredNode::connect(url)))
}

fuzz_target!(|input: &str| {
    shown(input);
    let mut lines = input.splitn(4, '\n');
    let [scheme, user, rest, address] = [(); 4].map(|()| lines.next().unwrap_or_default());
    // A socket's path is shown, whatever it is called.
    if input.contains(SECRET) || scheme.to_ascii_lowercase().contains("unix") {
        return;
    }
    for url in [
        format!("{scheme}://{user}:{SECRET}{rest}@{address}"),
        format!("redis://{user}:{SECRET}{rest}@{address}"),
        format!("redis://{address}?{user}={SECRET}{rest}"),
        format!("redis://{address}#{SECRET}{rest}"),
    ] {
        let shown = shown(&url);
        assert!(!shown.contains(SECRET), "{url} is shown as {shown}");
    }
});
