//! One server that stands for two nodes, and would vote twice.

use crate::node::{Fault, NodeError};

/// What is wrong with the node at `index` when its server is that of another one, by the run ids that the nodes told so far.
/// The node's own may be among them.
pub fn duplicate<'a>(
    index: usize,
    run_id: &str,
    told: &[Option<String>],
    name: impl FnOnce(usize) -> &'a str,
) -> Option<NodeError> {
    let mut others = told.iter().enumerate().filter(|(other, _)| *other != index);
    let (twin, _) = others.find(|(_, told)| told.as_deref() == Some(run_id))?;
    let detail = format!(
        "node {} of {} is the same server as node {}, {}",
        index + 1,
        told.len(),
        twin + 1,
        name(twin)
    );
    Some(NodeError::new(Fault::Duplicate, &detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_the_twin_of_whoever_told_the_same_and_never_of_itself() {
        let told = [Some("a".to_owned()), None, Some("b".to_owned())];
        let found = |index, run_id| {
            let error = duplicate(index, run_id, &told, |twin| ["x", "y", "z"][twin]);
            error.map(|error| (error.fault(), error.detail().to_owned()))
        };
        assert_eq!(found(0, "a"), None);
        assert_eq!(found(1, "c"), None);
        let said = "node 2 of 3 is the same server as node 3, z";
        assert_eq!(found(1, "b"), Some((Fault::Duplicate, said.to_owned())));
    }
}
