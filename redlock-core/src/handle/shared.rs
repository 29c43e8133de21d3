//! What the clones of a handle share, and what each of their calls begins with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::decide::handover::Former;
use crate::decide::plan::Plan;
use crate::decide::slots::first_slot;
#[cfg(feature = "testing")]
use crate::driver::Wrapper;
use crate::driver::clock::Clock;
use crate::driver::{Asking, Attempt, Background, Barred, Failure, NodeSet};
use crate::error::{ConfigError, LockError, LockErrorKind};
use crate::handle::guard::LockGuard;
use crate::handle::hold::Hold;
use crate::handle::options::{LockOptions, Settings};
use crate::handle::queue::Queues;
use crate::node::key::{IntoLockKey, LockKey};
use crate::node::label::Label;
use crate::node::{LockNode, Mode};
use crate::telemetry::{Acquire, Sharing, Telemetry, Traits};

pub(crate) struct Shared {
    pub(crate) set: Arc<NodeSet>,
    pub(crate) queues: Arc<Queues>,
    /// Of those who wait for permits, by the names of the semaphores.
    pub(crate) semaphores: Arc<Queues>,
    pub(crate) settings: Settings,
    /// Of a call without options of its own.
    usual: Plan,
    pub(crate) key_prefix: Vec<u8>,
    rng: Mutex<fastrand::Rng>,
    #[cfg(feature = "testing")]
    wrapper: Wrapper,
}

/// A call whose input was checked.
pub(crate) struct Call {
    pub(crate) key: LockKey,
    pub(crate) plan: Plan,
    /// What the holder calls itself.
    pub(crate) label: Option<Label>,
    pub(crate) background: Background,
    /// Whose hold is taken over.
    pub(crate) former: Option<Former>,
    /// Of a call for a permit: the semaphore's name. Any one of the key's resources is a permit of it.
    pub(crate) semaphore: Option<LockKey>,
}

/// What a call learned from its last attempt, for the next one.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// Nodes that are not asked.
    pub(crate) barred: Vec<Barred>,
    /// For how long new shares are kept off, since the last one met shares.
    pub(crate) intent: Option<Duration>,
    /// Which slots of a semaphore were taken, as each node told.
    pub(crate) taken: Vec<u64>,
}

/// What an attempt won.
pub(crate) struct Had {
    pub(crate) guard: LockGuard,
    /// So many other permits are free.
    pub(crate) free: usize,
}

impl Call {
    pub(crate) fn sharing(&self) -> Sharing {
        self.semaphore.as_ref().map_or(self.plan.mode.into(), |_| Sharing::Permit)
    }

    /// What it asks for, as those know it who wait for it in line and who watch: a permit by its semaphore.
    pub(crate) fn name(&self) -> &LockKey {
        self.semaphore.as_ref().unwrap_or(&self.key)
    }
}

impl Shared {
    pub(crate) fn new(
        nodes: Vec<Arc<dyn LockNode>>,
        clock: Clock,
        settings: Settings,
        usual: Plan,
        key_prefix: Vec<u8>,
        rng: fastrand::Rng,
        #[cfg(feature = "testing")] wrapper: Wrapper,
    ) -> Self {
        let traits = Traits {
            fencing: settings.call.fencing.unwrap_or(false),
            restart_guard: settings.restart_guard.is_some(),
            wake_ups: settings.wake_ups(),
            log_keys: settings.log_keys,
        };
        let names = nodes.iter().map(|node| node.name().into()).collect();
        let telemetry = Telemetry::new(names, traits);
        let set = Arc::new(NodeSet::new(nodes, clock, settings.wake_ups(), telemetry));
        let [queues, semaphores] = [(); 2].map(|()| Arc::new(Queues::new(&set)));
        Self {
            set,
            queues,
            semaphores,
            settings,
            usual,
            key_prefix,
            rng: Mutex::new(rng),
            #[cfg(feature = "testing")]
            wrapper,
        }
    }

    pub(crate) fn plan(&self, options: &LockOptions) -> Result<Plan, ConfigError> {
        self.plan_as(options, Mode::Exclusive)
    }

    pub(crate) fn plan_as(&self, options: &LockOptions, mode: Mode) -> Result<Plan, ConfigError> {
        let usual = *options == LockOptions::new();
        let plan = if usual { self.usual } else { self.settings.plan(options)? };
        let plan = Plan { mode, ..plan };
        if mode == Mode::Shared {
            check_sharing(&plan, self.set.members.iter().map(|member| &*member.node))?;
        }
        if options.fencing.is_some() || options.at_least.is_some() {
            check_features(&plan, self.set.members.iter().map(|member| &*member.node))?;
        }
        Ok(plan)
    }

    /// `home` finishes releases where the runtime of the call ended.
    pub(crate) fn call(
        &self,
        key: impl IntoLockKey,
        options: &LockOptions,
        home: Option<&Handle>,
    ) -> Result<Call, LockError> {
        let key = key.into_lock_key()?.with_prefix(&self.key_prefix)?;
        self.call_on(key, Mode::Exclusive, options, home)
    }

    /// The same for a key with its prefix, in any mode.
    pub(crate) fn call_on(
        &self,
        key: LockKey,
        mode: Mode,
        options: &LockOptions,
        home: Option<&Handle>,
    ) -> Result<Call, LockError> {
        let plan = self.plan_as(options, mode)?;
        let label = self.settings.label(options)?.cloned();
        let (background, former, semaphore) = (self.background(home)?, None, None);
        Ok(Call { key, plan, label, background, former, semaphore })
    }

    /// Where a call's work goes on.
    pub(crate) fn background(&self, home: Option<&Handle>) -> Result<Background, LockError> {
        if self.set.closing.is_cancelled() {
            return Err(LockError::bare(LockErrorKind::Closed));
        }
        let background = Background::current(&self.set.tracker, home)
            .ok_or_else(|| LockError::bare(LockErrorKind::Environment))?;
        #[cfg(feature = "testing")]
        let background = background.through(self.wrapper.clone());
        Ok(background)
    }

    pub(crate) fn max_waiters(&self) -> usize {
        self.settings.max_waiters()
    }

    pub(crate) fn random(&self) -> u64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    pub(crate) async fn attempt(
        &self,
        call: &Call,
        acquire: &Acquire<'_>,
        learned: &Learned,
    ) -> Result<Had, Failure> {
        let (set, attempt) = (&self.set, acquire.attempt());
        let Call { key, plan, label, background, former, semaphore } = call;
        let (label, former) = (label.as_ref(), former.as_ref());
        let Learned { barred, intent, taken } = learned;
        let slots = key.resources().len();
        let first = semaphore.as_ref().map(|_| first_slot(taken, set.len(), slots, self.random()));
        let asking = Asking { label, former, barred, intent: *intent, first };
        let granted = Attempt::run(set, background, key, plan, asking).await;
        attempt.ended(match &granted {
            Ok(granted) => Ok(&granted.votes),
            Err(failure) => Err(&failure.error),
        });
        let granted = granted?;
        let free = granted.free;
        let hold = Hold::new(Arc::clone(set), call.background.clone(), call.plan, granted);
        Ok(Had { guard: LockGuard::new(hold), free })
    }
}

/// Whether a lock can be shared, on every node and as planned.
fn check_sharing<'a>(
    plan: &Plan,
    mut nodes: impl Iterator<Item = &'a dyn LockNode>,
) -> Result<(), ConfigError> {
    if let Some(at_least) = plan.at_least {
        let rule = "must not be set for a lock that is shared: it keeps nobody out for a time";
        return Err(ConfigError::new("at_least", format!("{at_least:?}"), rule));
    }
    let lacking = nodes.find(|node| !node.features().shared);
    lacking.map_or(Ok(()), |node| {
        let rule = "must be able to share, as every node must";
        Err(ConfigError::new("read", node.name().to_owned(), rule))
    })
}

/// Whether every node can do what the plan asks for.
pub(crate) fn check_features<'a>(
    plan: &Plan,
    mut nodes: impl Iterator<Item = &'a dyn LockNode>,
) -> Result<(), ConfigError> {
    let (fencing, guard) = (plan.fencing, plan.restart_guard.is_some());
    let keeping = plan.at_least.is_some();
    if !fencing && !guard && !keeping {
        return Ok(());
    }
    let lacking = nodes.find_map(|node| {
        let features = node.features();
        let field = match features {
            _ if fencing && !features.fencing => "fencing",
            _ if guard && !features.restart_guard => "restart_guard",
            _ if keeping && !features.keeping => "at_least",
            _ => return None,
        };
        Some(ConfigError::new(field, node.name().to_owned(), "must be supported by every node"))
    });
    lacking.map_or(Ok(()), Err)
}
