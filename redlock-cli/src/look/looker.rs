//! Asking all nodes who holds locks.
//!
//! A node that hangs costs one pause, once: it is asked again at each look, side by side with the others, but not waited
//! for until it has answered.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redlock_core::decisions::fence;
use redlock_core::node::{Fault, Holding, NodeError};
use redlock_core::{Inspection, LockKey, LockNode, LockState, NodeView};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::handle::{LIMIT, handle};
use super::view::View;
use crate::config::Config;
use crate::exit::Failure;
use crate::nodes::nodeset;

/// For how long the others are waited for when a majority agrees.
const GRACE: Duration = Duration::from_secs(1);

/// What a node says of each key.
type Said = Vec<Result<Vec<Option<Holding>>, NodeError>>;

pub(crate) struct Looker {
    nodes: Vec<Asked>,
    prefix: String,
}

struct Asked {
    node: Arc<dyn LockNode>,
    /// It did not answer the last time.
    silent: bool,
    /// The question that was not waited for. It tells whether it was answered at all.
    pending: Option<JoinHandle<bool>>,
}

impl Looker {
    /// Over a set that could have locks.
    pub(crate) fn new(config: &Config) -> Result<Self, Failure> {
        handle(config)?;
        Ok(Self::over(nodeset::nodes(config)?, &config.key_prefix))
    }

    fn over(nodes: Vec<Arc<dyn LockNode>>, prefix: &str) -> Self {
        let asked = |node| Asked { node, silent: false, pending: None };
        Self { nodes: nodes.into_iter().map(asked).collect(), prefix: prefix.to_owned() }
    }

    /// What stands before all keys.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// One key.
    pub(crate) async fn one(&mut self, key: &str) -> Result<View, Failure> {
        let views = self.look(&[key.to_owned()]).await?;
        views.into_iter().next().ok_or_else(|| Failure::new("no key"))
    }

    /// All keys at once. A node's answers come together.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing, but for the next look nodes that had not answered are silent.
    pub(crate) async fn look(&mut self, keys: &[String]) -> Result<Vec<View>, Failure> {
        let full = keys.iter().map(|key| LockKey::new(format!("{}{key}", self.prefix)));
        let full: Arc<[LockKey]> = full.collect::<Result<_, _>>()?;
        let begun = Instant::now();
        let (sender, mut answers) = mpsc::unbounded_channel();
        for (index, asked) in self.nodes.iter_mut().enumerate() {
            asked.ask(index, &full, &sender).await;
        }
        drop(sender);
        let mut said: Vec<Option<Said>> = (0..self.nodes.len()).map(|_| None).collect();
        loop {
            let waited_for = self.nodes.iter().zip(&said);
            let over =
                waited_for.filter(|(asked, said)| said.is_none() && !asked.silent).count() == 0;
            // Those that are waited for have all answered: whatever else has come by now is taken along.
            let until = match (over, self.clear(keys, &said)) {
                (true, _) => begun,
                (false, true) => begun + GRACE,
                (false, false) => begun + LIMIT,
            };
            match timeout_at(until, answers.recv()).await {
                Ok(Some((index, answer))) => said[index] = Some(answer),
                Ok(None) | Err(_) => break,
            }
        }
        for (asked, said) in self.nodes.iter_mut().zip(&said) {
            asked.silent = said.as_ref().is_none_or(|said| !is_answered(said));
        }
        Ok(keys.iter().enumerate().map(|(at, key)| View::new(key, &self.view(at, &said))).collect())
    }

    /// The fencing counter of each key that a majority of nodes has, where one has. To be asked behind a look: who did not
    /// answer that is not asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub(crate) async fn counters(&self, keys: &[String]) -> Result<Vec<Option<u64>>, Failure> {
        let full = keys.iter().map(|key| LockKey::new(format!("{}{key}", self.prefix)));
        let full: Vec<LockKey> = full.collect::<Result<_, _>>()?;
        let asking = self.nodes.iter().map(|asked| async {
            let asked_for = full.iter().map(async |key| {
                if asked.silent {
                    return None;
                }
                let told = Arc::clone(&asked.node).inspect_counters(key.clone(), GRACE).await;
                told.ok()?.first().copied().flatten()
            });
            join_all(asked_for).await
        });
        let told: Vec<Vec<Option<u64>>> = join_all(asking).await;
        let of_key = |at: usize| fence::of_majority(told.iter().map(|node| node[at]));
        Ok((0..keys.len()).map(of_key).collect())
    }

    /// Whether a majority agrees on every key.
    fn clear(&self, keys: &[String], said: &[Option<Said>]) -> bool {
        (0..keys.len()).all(|at| self.view(at, said).state != LockState::Unknown)
    }

    fn view(&self, at: usize, said: &[Option<Said>]) -> Inspection {
        let views = self.nodes.iter().zip(said).map(|(asked, said)| {
            let holdings = said.as_ref().and_then(|said| said.get(at)).cloned();
            NodeView::new(asked.node.name(), holdings.unwrap_or_else(|| Err(Fault::Timeout.into())))
        });
        Inspection::of(views.collect(), 1)
    }
}

impl Asked {
    /// Asks it, unless an earlier question is still out.
    async fn ask(
        &mut self,
        index: usize,
        keys: &Arc<[LockKey]>,
        answers: &mpsc::UnboundedSender<(usize, Said)>,
    ) {
        match &mut self.pending {
            Some(pending) if !pending.is_finished() => {
                self.silent = true;
                return;
            }
            // It came too late to be told, but it came.
            Some(pending) => self.silent &= !pending.await.unwrap_or(false),
            None => {}
        }
        let (node, keys, answers) = (Arc::clone(&self.node), Arc::clone(keys), answers.clone());
        self.pending = Some(tokio::spawn(async move {
            let asking = keys.iter().map(|key| Arc::clone(&node).inspect(key.clone(), LIMIT));
            let said = join_all(asking).await;
            let answered = is_answered(&said);
            // Whoever asked may have gone on.
            let _ = answers.send((index, said));
            answered
        }));
    }
}

/// Whether a node said something, if only that it is not there.
fn is_answered(said: &Said) -> bool {
    let silent = |error: &NodeError| error.fault() == Fault::Timeout;
    !said.iter().any(|said| said.as_ref().is_err_and(silent))
}

#[cfg(test)]
#[path = "looker_tests.rs"]
mod tests;
