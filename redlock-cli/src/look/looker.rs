//! Asking all nodes who holds locks.
//!
//! A node that hangs costs one pause, once: it is asked again at each look, side by side with the others, but not waited
//! for until it has answered.
//!
//! Beside what it holds, a node is asked who it is, until it has answered that: a server of two nodes would vote twice.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use redlock_core::decisions::{fence, twins};
use redlock_core::node::{Fault, Holding, Identity, NodeError};
use redlock_core::{Inspection, LockKey, LockNode, LockState, NodeView, Redlock};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::handle::{LIMIT, handle};
use super::view::View;
use crate::config::Config;
use crate::exit::Failure;
use crate::nodes::nodeset;

/// For how long the others are waited for when a majority agrees.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// What a node says of each key.
type Said = Vec<Result<Vec<Option<Holding>>, NodeError>>;

/// What a node says in one look.
struct Answer {
    index: usize,
    said: Said,
    /// Where it was asked.
    identity: Option<Result<Identity, NodeError>>,
}

pub(crate) struct Looker {
    nodes: Vec<Asked>,
    /// Of each node's server, as far as it told.
    run_ids: Vec<Option<String>>,
    prefix: String,
}

struct Asked {
    node: Arc<dyn LockNode>,
    /// It said who it is, or that it does not tell, and was there ever since.
    met: bool,
    /// It did not answer the last time.
    silent: bool,
    /// The question that was not waited for. It tells whether it was answered at all.
    pending: Option<JoinHandle<bool>>,
}

impl Looker {
    /// Over a set that could have locks.
    pub(crate) fn new(config: &Config) -> Result<Self, Failure> {
        Self::beside(&handle(config)?, config)
    }

    /// Beside a handle of the same configuration.
    pub(crate) fn beside(_: &Redlock, config: &Config) -> Result<Self, Failure> {
        Ok(Self::over(nodeset::nodes(config)?, &config.key_prefix))
    }

    fn over(nodes: Vec<Arc<dyn LockNode>>, prefix: &str) -> Self {
        let asked = |node| Asked { node, met: false, silent: false, pending: None };
        let run_ids = vec![None; nodes.len()];
        Self { nodes: nodes.into_iter().map(asked).collect(), run_ids, prefix: prefix.to_owned() }
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
        let said = self.ask(&full, GRACE).await?;
        Ok(keys.iter().enumerate().map(|(at, key)| View::new(key, &self.view(at, &said))).collect())
    }

    /// Asks those who they are that have not said so yet, for so long at the most. For whoever goes on without a look.
    ///
    /// # Cancel safety
    ///
    /// As that of [`look`](Self::look).
    pub(crate) async fn meet(&mut self, within: Duration) -> Result<(), Failure> {
        self.ask(&Arc::from([]), within).await.map(drop)
    }

    /// Asks all nodes. When a majority agrees on each key the others are waited for until `grace` is over.
    async fn ask(
        &mut self,
        keys: &Arc<[LockKey]>,
        grace: Duration,
    ) -> Result<Vec<Option<Said>>, Failure> {
        let begun = Instant::now();
        let (sender, mut answers) = mpsc::unbounded_channel();
        for (index, asked) in self.nodes.iter_mut().enumerate() {
            asked.ask(index, keys, &sender).await;
        }
        drop(sender);
        let mut said: Vec<Option<Said>> = (0..self.nodes.len()).map(|_| None).collect();
        loop {
            let waited_for = self.nodes.iter().zip(&said);
            let over =
                waited_for.filter(|(asked, said)| said.is_none() && !asked.silent).count() == 0;
            // Those that are waited for have all answered: whatever else has come by now is taken along.
            let until = match (over, self.clear(keys.len(), &said)) {
                (true, _) => begun,
                (false, true) => begun + grace,
                (false, false) => begun + LIMIT,
            };
            match timeout_at(until, answers.recv()).await {
                Ok(Some(answer)) => {
                    self.meets(answer.index, answer.identity)?;
                    said[answer.index] = Some(answer.said);
                }
                Ok(None) | Err(_) => break,
            }
        }
        for (asked, said) in self.nodes.iter_mut().zip(&said) {
            asked.silent = said.as_ref().is_none_or(|said| !is_answered(said));
            // Another server may stand there from now on.
            asked.met &= said.as_ref().is_some_and(|said| !is_gone(said));
        }
        Ok(said)
    }

    /// Takes note of who a node is. No vote is counted of one that is the server of another.
    fn meets(
        &mut self,
        index: usize,
        identity: Option<Result<Identity, NodeError>>,
    ) -> Result<(), Failure> {
        let Some(Ok(identity)) = identity else { return Ok(()) };
        let nodes = &self.nodes;
        if let Some(run_id) = &identity.run_id
            && let Some(twin) =
                twins::duplicate(index, run_id, &self.run_ids, |twin| nodes[twin].node.name())
        {
            return Err(Failure::new(format_args!("{}: {twin}", nodes[index].node.name())));
        }
        self.run_ids[index] = identity.run_id;
        self.nodes[index].met = true;
        Ok(())
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
    fn clear(&self, keys: usize, said: &[Option<Said>]) -> bool {
        (0..keys).all(|at| self.view(at, said).state != LockState::Unknown)
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
        answers: &mpsc::UnboundedSender<Answer>,
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
        let met = self.met;
        self.pending = Some(tokio::spawn(async move {
            let asking = keys.iter().map(|key| Arc::clone(&node).inspect(key.clone(), LIMIT));
            let meeting =
                async { if met { None } else { Some(Arc::clone(&node).identity(LIMIT).await) } };
            let (identity, said) = join(meeting, join_all(asking)).await;
            let nameless = matches!(&identity, Some(Err(error)) if error.fault() == Fault::Timeout);
            let answered = is_answered(&said) && !nameless;
            // Whoever asked may have gone on.
            let _ = answers.send(Answer { index, said, identity });
            answered
        }));
    }
}

/// Whether a node said something, if only that it is not there.
fn is_answered(said: &Said) -> bool {
    let silent = |error: &NodeError| error.fault() == Fault::Timeout;
    !said.iter().any(|said| said.as_ref().is_err_and(silent))
}

/// Whether there was nobody to ask.
fn is_gone(said: &Said) -> bool {
    use Fault::{ConnectionLost, Refused, Timeout};
    let gone = |error: &NodeError| matches!(error.fault(), ConnectionLost | Refused | Timeout);
    said.iter().any(|said| said.as_ref().is_err_and(gone))
}

#[cfg(test)]
#[path = "looker_tests.rs"]
mod tests;
