//! Questions to one server, each with a time limit. Changes nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::cmd;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::facts::{Clock, Directory, Entry, Server, Settings};
use super::info::Info;
use crate::config::Secret;
use crate::nodes::{Raw, Trouble, TroubleKind, greeting, host};

/// So many round trips make a median.
const PINGS: usize = 5;
/// The one with the shortest round trip tells the time best.
const CLOCK_LOOKS: usize = 5;

/// What a server that turns clients away has to say, it says at once.
const GREETING: Duration = Duration::from_millis(500);

/// What a server says of itself, and the connection it said it over.
pub(super) async fn server(url: &Secret, limit: Duration) -> Result<(Server, Raw), Trouble> {
    use TroubleKind::{Closed, Login, Protocol};

    match asked(url, limit).await {
        // It may have said why, to nobody; or it is a server of another kind.
        Err(gone) if matches!(gone.kind, Closed | Login | Protocol) => {
            Err(greeting(url, limit.min(GREETING), limit).await.unwrap_or(gone))
        }
        asked => asked,
    }
}

async fn asked(url: &Secret, limit: Duration) -> Result<(Server, Raw), Trouble> {
    use TroubleKind::{Full, Login, Protected};

    let begun = Instant::now();
    let raw = Raw::connect(url, limit).await?;
    let connect = begun.elapsed();
    let mut pings = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let begun = Instant::now();
        match raw.call(&cmd("PING")).await {
            // A server that does not know its user any more refuses everything, as one does that takes nobody.
            Err(no) if no.is_gone() || matches!(no.kind, Login | Protected | Full) => {
                return Err(no);
            }
            // Another refusal has come and gone as well.
            _ => pings.push(begun.elapsed()),
        }
    }
    pings.sort_unstable();
    let info = raw.text(&cmd("INFO")).await.map(|text| Info::parse(&text));
    let server = Server {
        connect,
        ping: pings[PINGS / 2],
        info,
        settings: settings(&raw).await,
        clock: clock(&raw).await,
    };
    match raw.gone() {
        Some(gone) => Err(gone.clone()),
        None => Ok((server, raw)),
    }
}

async fn settings(raw: &Raw) -> Result<Settings, Trouble> {
    // One by one: before 7.0 it takes one name.
    let get = async |name: &str| {
        let value = raw.call(cmd("CONFIG").arg("GET").arg(name)).await?;
        let mut found: HashMap<String, String> =
            redis::from_redis_value(value).map_err(|_| unexpected())?;
        Ok(found.remove(name).unwrap_or_default())
    };
    Ok(Settings {
        appendonly: get("appendonly").await? == "yes",
        appendfsync: get("appendfsync").await?,
        save: get("save").await?,
    })
}

async fn clock(raw: &Raw) -> Result<Clock, Trouble> {
    let mut best: Option<Clock> = None;
    for _ in 0..CLOCK_LOOKS {
        let (ours, begun) = (SystemTime::now(), Instant::now());
        let value = raw.call(&cmd("TIME")).await?;
        let error = begun.elapsed() / 2;
        let (seconds, micros): (i64, i64) =
            redis::from_redis_value(value).map_err(|_| unexpected())?;
        let ours = ours.duration_since(UNIX_EPOCH).unwrap_or_default() + error;
        let ours = i64::try_from(ours.as_micros()).unwrap_or(i64::MAX);
        let theirs = seconds.saturating_mul(1_000_000).saturating_add(micros);
        if best.is_none_or(|best| error < best.error) {
            best = Some(Clock { ahead: theirs.saturating_sub(ours), error });
        }
    }
    best.ok_or_else(unexpected)
}

fn unexpected() -> Trouble {
    Trouble::new(TroubleKind::Refused, "an unexpected answer")
}

/// Where the URL's host leads.
pub(super) async fn hosts(url: &Secret, limit: Duration) -> Vec<IpAddr> {
    let Some(host) = host(url) else { return Vec::new() };
    match timeout(limit, lookup_host(host)).await {
        Ok(Ok(addresses)) => {
            let mut hosts: Vec<_> = addresses.map(|address| address.ip().to_canonical()).collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts
        }
        _ => Vec::new(),
    }
}

/// Looks at a directory without making it.
pub(super) fn directory(path: &std::path::Path) -> Directory {
    use std::os::unix::fs::MetadataExt;
    let found = match std::fs::metadata(path) {
        Ok(data) => Ok(Some(Entry {
            is_directory: data.is_dir(),
            owner: data.uid(),
            mode: data.mode() & 0o7777,
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    Directory { path: path.to_owned(), found, us: rustix::process::geteuid().as_raw() }
}
