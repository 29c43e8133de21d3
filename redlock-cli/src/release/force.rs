//! Taking a lock away from whoever holds it.
//!
//! What stands under the key is read on every server, shown, and deleted only where it still stands: a holder that came
//! in between keeps the lock.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use redis::{Value, cmd};
use redlock_core::node::Holder;
use redlock_core::protocol::{RELEASED_CHANNEL, release_script};
use redlock_core::{LockNode, Redlock};
use tokio::task::JoinSet;

use super::{is_free, typed};
use crate::args::ReleaseArgs;
use crate::config::{Address, Config, Nodes, Place};
use crate::exit::{self, Ending, Failure};
use crate::output::{self, plain};
use crate::raw::{Raw, Trouble};
use crate::view::{State, View};
use crate::{inspect, nodeset};

/// For connecting, and for each answer.
const LIMIT: Duration = Duration::from_secs(2);
/// A renewal that was under way gives a key back to nodes that lost it.
const PASSES: usize = 3;

/// A server, by the name that its node has.
struct Server {
    name: String,
    raw: Result<Raw, Trouble>,
}

/// What became of one key on all servers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    deleted: usize,
    /// Where somebody else came in between.
    others: usize,
    failed: Vec<String>,
}

pub(super) async fn run(config: &Config, redlock: &Redlock, args: &ReleaseArgs) -> Ending {
    if !args.yes && !io::stdin().is_terminal() {
        let why = "--force asks first, and standard input is no terminal; give --yes to take the lock away unasked";
        return Err(Failure::new(why));
    }
    let addresses = addresses(config)?;
    let mut worst = exit::OK;
    for key in &args.keys {
        worst = worst.max(one(config, redlock, addresses, key, args.yes).await?);
    }
    Ok(ExitCode::from(worst))
}

async fn one(
    config: &Config,
    redlock: &Redlock,
    addresses: &[Address],
    key: &str,
    yes: bool,
) -> Result<u8, Failure> {
    let full = format!("{}{key}", config.key_prefix);
    let before = view(redlock, key).await?;
    let holds = before.nodes.iter().any(|node| matches!(node.said, Ok(Some(_))));
    if !holds && is_free(before.state) {
        output::line(before.headline())?;
        return Ok(exit::OK);
    }
    if !yes {
        let mut err = io::stderr().lock();
        writeln!(err, "{}", before.text())?;
        writeln!(err, "Its holder may still be at work, and will not know.")?;
        write!(err, "Type the key to take it away: ")?;
        err.flush()?;
        drop(err);
        if !typed(key)? {
            output::line(format_args!("{}: left alone, that is not the key", plain(key)))?;
            return Ok(exit::CONTENDED);
        }
    }
    // Not before: servers close connections over which nothing is said while somebody thinks.
    let servers = connect(config, addresses).await?;
    let mut outcome = Outcome::default();
    for pass in 0..PASSES {
        let one = delete(&servers, &full, &before).await;
        let again = one.deleted > 0;
        outcome = Outcome { deleted: outcome.deleted.max(one.deleted), ..one };
        if !again && pass > 0 {
            break;
        }
    }
    let after = view(redlock, key).await?;
    for failure in &outcome.failed {
        eprintln!("redlock: {}: {failure}", plain(key));
    }
    let (code, told) = verdict(&outcome, servers.len(), &before, &after);
    output::line(told)?;
    Ok(code)
}

/// What it came to. Pure.
fn verdict(outcome: &Outcome, nodes: usize, before: &View, after: &View) -> (u8, String) {
    let held_by = |view: &View| match view.state {
        State::Held(hold) => Some(hold.holder),
        _ => None,
    };
    let on = format!("on {} of {}", outcome.deleted, output::count(nodes, "node"));
    let key = plain(&after.key);
    let now = after.headline();
    if is_free(after.state) {
        return (exit::OK, format!("{key}: taken away, {on}"));
    }
    // Who waits may be quicker than we are.
    if outcome.deleted > nodes / 2 {
        return (exit::OK, format!("{key}: taken away, {on}; {now}"));
    }
    if held_by(after).is_some() && held_by(after) != held_by(before) {
        return (exit::CONTENDED, format!("{now}; that holder came in between and was left alone"));
    }
    (exit::FAILED, format!("{now}; deleted {on}"))
}

async fn view(redlock: &Redlock, key: &str) -> Result<View, Failure> {
    let views = inspect::all(redlock, &[key.to_owned()]).await?;
    views.into_iter().next().ok_or_else(|| Failure::new("no answer"))
}

/// Deletes, on every server, what `before` saw there.
async fn delete(servers: &[Server], key: &str, before: &View) -> Outcome {
    let mut deletions = JoinSet::new();
    for (server, seen) in servers.iter().zip(&before.nodes) {
        // A node that did not answer when it was looked at may hold what the others hold.
        let seen = match (&seen.said, before.state) {
            (Ok(hold), _) => hold.map(|hold| hold.holder),
            (Err(_), State::Held(hold)) => Some(hold.holder),
            (Err(_), _) => None,
        };
        let (raw, name, key) = (server.raw.clone(), server.name.clone(), key.to_owned());
        deletions.spawn(async move {
            let deleted = match raw {
                Ok(raw) => delete_on(&raw, &key, seen).await,
                Err(trouble) => Err(trouble),
            };
            (name, deleted)
        });
    }
    let mut outcome = Outcome::default();
    while let Some(deleted) = deletions.join_next().await {
        match deleted {
            Ok((_, Ok(Deletion::Deleted))) => outcome.deleted += 1,
            Ok((_, Ok(Deletion::Other))) => outcome.others += 1,
            Ok((_, Ok(Deletion::Nothing))) => {}
            Ok((name, Err(trouble))) => outcome.failed.push(format!("{name}: {trouble}")),
            Err(error) => outcome.failed.push(error.to_string()),
        }
    }
    outcome.failed.sort_unstable();
    outcome
}

#[derive(Debug, PartialEq, Eq)]
enum Deletion {
    Deleted,
    Nothing,
    Other,
}

async fn delete_on(raw: &Raw, key: &str, seen: Option<Holder>) -> Result<Deletion, Trouble> {
    let value = match raw.call(cmd("GET").arg(key)).await? {
        Value::BulkString(value) => value,
        _ => return Ok(Deletion::Nothing),
    };
    if seen != Some(Holder::of(&value)) {
        return Ok(Deletion::Other);
    }
    let mut delete = cmd("EVAL");
    delete.arg(release_script()).arg(1).arg(key).arg(value).arg(RELEASED_CHANNEL);
    Ok(deletion(&raw.call(&delete).await?))
}

/// What the script's answer says.
fn deletion(answer: &Value) -> Deletion {
    match answer {
        // Those who wait could not be told.
        Value::Array(parts) => parts.first().map_or(Deletion::Nothing, deletion),
        Value::Int(1) => Deletion::Deleted,
        Value::Int(0) => Deletion::Other,
        _ => Deletion::Nothing,
    }
}

/// Where the servers are. Nodes in directories have no such door.
fn addresses(config: &Config) -> Result<&[Address], Failure> {
    let addresses: &[Address] = match &config.nodes {
        Nodes::Named(addresses) => addresses,
        Nodes::Embedded => &[],
    };
    let directory = addresses.iter().find(|node| matches!(node.place(), Place::Directory(_)));
    if addresses.is_empty() || directory.is_some() {
        let node = directory
            .map_or_else(|| "the directory of this machine".to_owned(), ToString::to_string);
        return Err(Failure::new(format_args!(
            "--force: `{node}` is no server, and a lock in a directory cannot be taken away: end its holder, or wait until \
             it expires (redlock inspect says when)"
        )));
    }
    Ok(addresses)
}

/// Connects to all of them at once.
async fn connect(config: &Config, addresses: &[Address]) -> Result<Vec<Server>, Failure> {
    let nodes = nodeset::nodes(config)?;
    let names = nodes.iter().map(|node| LockNode::name(&**node).to_owned());
    let mut connecting = JoinSet::new();
    for (index, (address, name)) in addresses.iter().zip(names).enumerate() {
        if let Place::Server(url) = address.place() {
            let url = url.clone();
            connecting.spawn(async move {
                (index, Server { name, raw: Raw::connect(&url, LIMIT).await })
            });
        }
    }
    let mut servers = connecting.join_all().await;
    servers.sort_by_key(|(index, _)| *index);
    Ok(servers.into_iter().map(|(_, server)| server).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{hold, view};

    #[test]
    fn a_key_that_was_deleted_counts_though_nobody_could_be_told() {
        let refused = Value::Array(vec![Value::Int(1), Value::BulkString(b"NOPERM".to_vec())]);
        assert_eq!(deletion(&refused), Deletion::Deleted);
        let answers = [1, 0, -1].map(|answer| deletion(&Value::Int(answer)));
        assert_eq!(answers, [Deletion::Deleted, Deletion::Other, Deletion::Nothing]);
    }

    #[test]
    fn what_force_came_to_is_judged_by_what_a_majority_says_afterwards() {
        let done = |deleted, others| Outcome { deleted, others, failed: Vec::new() };
        let was = view(State::Held(hold("a", 900)), &[]);
        let free = view(State::Free, &[Ok(None), Ok(None), Err("x")]);
        assert_eq!(
            verdict(&done(2, 0), 3, &was, &free),
            (exit::OK, "orders:42: taken away, on 2 of 3 nodes".to_owned())
        );
        let another = view(State::Held(hold("b", 900)), &[]);
        let (code, told) = verdict(&done(1, 2), 3, &was, &another);
        assert_eq!(code, exit::CONTENDED);
        assert!(told.ends_with("left; that holder came in between and was left alone"), "{told}");
        let (code, told) = verdict(&done(2, 0), 3, &was, &another);
        assert_eq!(code, exit::OK, "somebody waited for it");
        assert!(told.starts_with("orders:42: taken away, on 2 of 3 nodes; orders:42: held by"));
        let (code, told) = verdict(&done(1, 0), 3, &was, &was);
        assert_eq!(code, exit::FAILED, "two nodes could not be asked");
        assert!(told.ends_with("900 ms left; deleted on 1 of 3 nodes"), "{told}");
        let unknown = view(State::Unknown, &[Ok(None), Err("x"), Err("x")]);
        let (code, told) = verdict(&done(1, 0), 3, &was, &unknown);
        assert_eq!(code, exit::FAILED);
        assert!(told.ends_with("; deleted on 1 of 3 nodes"), "{told}");
    }
}
