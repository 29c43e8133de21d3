//! Taking a lock away from whoever holds it.
//!
//! What stands under the key is read on every server, shown, and deleted only where it still stands: a holder that came
//! in between keeps the lock.

use std::io::{self, IsTerminal, Write};

use redis::{Value, cmd};
use redlock_core::LockNode;
use redlock_core::node::Holder;
use redlock_protocol::{RELEASED_CHANNEL, release_script};
use tokio::task::JoinSet;

use super::stdin::typed;
use super::told::Told;
use crate::config::{Address, Config, Nodes, Place};
use crate::exit::{self, Failure};
use crate::look::{LIMIT, Looker, State, View};
use crate::nodes::{Raw, Trouble, nodeset};
use crate::output::{self, plain};

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

pub(super) async fn run(
    config: &Config,
    looker: &mut Looker,
    keys: &[String],
    asks: bool,
    told: &mut Told,
) -> Result<u8, Failure> {
    if asks && !io::stdin().is_terminal() {
        let why = "--force asks first, and standard input is no terminal; give --yes to take the lock away unasked";
        return Err(Failure::usage(why));
    }
    let addresses = addresses(config)?;
    let mut worst = exit::OK;
    for key in keys {
        worst = worst.max(one(config, looker, addresses, key, asks, told).await?);
    }
    Ok(worst)
}

async fn one(
    config: &Config,
    looker: &mut Looker,
    addresses: &[Address],
    key: &str,
    asks: bool,
    told: &mut Told,
) -> Result<u8, Failure> {
    let full = format!("{}{key}", config.key_prefix);
    let before = looker.one(key).await?;
    let holds = before.nodes.iter().any(|node| matches!(node.said, Ok(Some(_))));
    if !holds && before.state == State::Free {
        told.state(looker, &before, "").await?;
        return Ok(exit::OK);
    }
    if let State::Shared(_) = before.state {
        let why = "a share is not taken away: its holder cannot be told from the others; it frees itself when its time is over";
        told.line(format_args!("{}; {why}", before.headline()));
        return Ok(exit::FAILED);
    }
    if asks {
        // Nobody can answer what was not shown.
        ask(&before).map_err(|error| Failure::new(format_args!("standard error: {error}")))?;
        if !typed(key)? {
            told.line(format_args!("{}: left alone, that is not the key", plain(key)));
            return Ok(exit::CONTENDED);
        }
    }
    // Not before: servers close connections over which nothing is said while somebody thinks.
    let servers = connect(config, addresses, &before).await?;
    let mut outcome = Outcome::default();
    for pass in 0..PASSES {
        let one = delete(&servers, &full, &before).await;
        let again = one.deleted > 0;
        outcome = Outcome { deleted: outcome.deleted.max(one.deleted), ..one };
        if !again && pass > 0 {
            break;
        }
    }
    let after = looker.one(key).await?;
    for failure in &outcome.failed {
        output::say(format_args!("redlock: {}: {failure}", plain(key)));
    }
    let (code, text) = verdict(&outcome, servers.len(), &before, &after);
    told.line(text);
    Ok(code)
}

fn ask(before: &View) -> io::Result<()> {
    let mut err = io::stderr().lock();
    writeln!(err, "{}", before.text())?;
    writeln!(
        err,
        "{}",
        match before.state {
            State::Kept(_) =>
                "Its holder is done, and wanted nobody else to have it until then: a job that is due once may run twice.",
            _ => "Its holder may still be at work, and is told no sooner than at its next renewal.",
        }
    )?;
    write!(err, "Type the key to take it away: ")?;
    err.flush()
}

/// What it came to. Pure.
fn verdict(outcome: &Outcome, nodes: usize, before: &View, after: &View) -> (u8, String) {
    let held_by = |view: &View| match &view.state {
        State::Held(hold) | State::Kept(hold) => Some(hold.holder),
        _ => None,
    };
    let on = format!("on {} of {}", outcome.deleted, output::count(nodes, "node"));
    let key = plain(&after.key);
    let now = after.headline();
    if after.state == State::Free {
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

/// Deletes, on every server, what `before` saw there.
async fn delete(servers: &[Server], key: &str, before: &View) -> Outcome {
    let mut deletions = JoinSet::new();
    for (server, seen) in servers.iter().zip(&before.nodes) {
        // A node that did not answer when it was looked at may hold what the others hold.
        let seen = match (&seen.said, &before.state) {
            (Ok(hold), _) => hold.as_ref().map(|hold| hold.holder),
            (Err(_), State::Held(hold) | State::Kept(hold)) => Some(hold.holder),
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
    // Whether its token stands there or its mark: the one may take the other's place at any moment.
    if seen.map(|seen| seen.holder()) != Some(Holder::of(&value).holder()) {
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

/// Whether there is such a door at all.
pub(super) fn can(config: &Config) -> bool {
    addresses(config).is_ok()
}

/// Where the servers are. Nodes in directories have no such door.
fn addresses(config: &Config) -> Result<&[Address], Failure> {
    let addresses: &[Address] = match &config.nodes {
        Nodes::Named(addresses) => addresses,
        Nodes::Embedded => &[],
    };
    let directory = addresses
        .iter()
        .find(|node| matches!(node.place(), Place::Directory(_) | Place::Shared(_)));
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

/// Connects to all of them at once; to those not again that gave no answer when they were looked at.
async fn connect(
    config: &Config,
    addresses: &[Address],
    before: &View,
) -> Result<Vec<Server>, Failure> {
    let nodes = nodeset::nodes(config)?;
    let names = nodes.iter().map(|node| LockNode::name(&**node).to_owned());
    let mut connecting = JoinSet::new();
    for (index, (address, name)) in addresses.iter().zip(names).enumerate() {
        if let Place::Server(url) = address.place() {
            let url = url.clone();
            let silent = before.nodes.get(index).is_some_and(|node| node.silent);
            connecting.spawn(async move {
                let raw = match silent {
                    true => Err(Trouble::silent()),
                    false => Raw::connect(&url, LIMIT).await,
                };
                (index, Server { name, raw })
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
    use crate::look::view::tests::{hold, view};

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
