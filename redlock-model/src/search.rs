//! A breadth-first search, so that the first way that is found to anything is a shortest one.
//!
//! Stateright's own ends with the last one that it came upon, and remembers a way for each state it has yet to look at.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use stateright::{Expectation, Model, Property};

/// What a search found.
pub(crate) struct Found<A> {
    /// Different states.
    pub(crate) states: usize,
    /// Steps of the longest of the shortest ways to a state.
    pub(crate) depth: usize,
    /// Whether it went through all of them.
    pub(crate) complete: bool,
    /// By property that a state breaks or reaches, a shortest way there.
    pub(crate) ways: BTreeMap<&'static str, Vec<A>>,
}

/// Where each state was first come upon: from which one, and by which of its steps. States are told apart by their
/// fingerprints.
type Origins = HashMap<u64, Option<(u64, usize)>, BuildHasherDefault<AsItIs>>;

/// Goes through all states, or until `wanted` is found, if that is anything.
pub(crate) fn search<M: Model>(model: &M, wanted: &[&str]) -> Found<M::Action>
where
    M::State: Hash,
    M::Action: Clone,
{
    let mut open = model.properties();
    let (mut origins, mut ways) = (Origins::default(), BTreeMap::new());
    let (mut depth, mut next, mut steps) = (0_usize, Vec::new(), Vec::new());
    let mut visit = |state: M::State, from, origins: &mut Origins, next: &mut Vec<_>| {
        let print = fingerprint(&state);
        if origins.contains_key(&print) {
            return false;
        }
        origins.insert(print, from);
        open.retain(|property| {
            let is_found = is_found(model, property, &state);
            if is_found {
                ways.insert(property.name, print);
            }
            !is_found
        });
        next.push((state, print));
        !wanted.is_empty() && wanted.iter().all(|name| ways.contains_key(name))
    };
    let mut done = false;
    for state in model.init_states() {
        done |= visit(state, None, &mut origins, &mut next);
    }
    while !done && !next.is_empty() {
        let now = std::mem::take(&mut next);
        depth += 1;
        'all: for (state, print) in now {
            model.actions(&state, &mut steps);
            for (index, step) in steps.drain(..).enumerate() {
                let Some(state) = model.next_state(&state, step) else { continue };
                if visit(state, Some((print, index)), &mut origins, &mut next) {
                    done = true;
                    break 'all;
                }
            }
        }
    }
    let depth = if next.is_empty() && !done { depth.saturating_sub(1) } else { depth };
    let ways = ways.into_iter().map(|(name, print)| (name, way(model, &origins, print)));
    Found { states: origins.len(), depth, complete: !done, ways: ways.collect() }
}

fn is_found<M: Model>(model: &M, property: &Property<M>, state: &M::State) -> bool {
    let holds = (property.condition)(model, state);
    match property.expectation {
        Expectation::Always => !holds,
        Expectation::Sometimes => holds,
        // No world has any.
        Expectation::Eventually => false,
    }
}

/// The same in every run.
fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// The steps to a state.
fn way<M: Model>(model: &M, origins: &Origins, to: u64) -> Vec<M::Action>
where
    M::State: Hash,
    M::Action: Clone,
{
    let (mut print, mut indices) = (to, Vec::new());
    while let Some(Some((from, index))) = origins.get(&print) {
        indices.push(*index);
        print = *from;
    }
    let mut states = model.init_states().into_iter();
    let mut state = states.find(|state| fingerprint(state) == print);
    let (mut way, mut steps) = (Vec::new(), Vec::new());
    for index in indices.into_iter().rev() {
        let Some(here) = state.take() else { break };
        steps.clear();
        model.actions(&here, &mut steps);
        let Some(step) = steps.get(index).cloned() else { break };
        state = model.next_state(&here, step.clone());
        way.push(step);
    }
    way
}

/// A fingerprint is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, print: u64) {
        self.0 = print;
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
