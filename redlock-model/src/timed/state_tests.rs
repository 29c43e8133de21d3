use super::*;

const READER: Who = Who { kind: Kind::Reader, ttl: 3, longer: &[1] };

fn shared(rule: Rule, until: [Small; 2]) -> Node {
    let mut node = Node::default();
    node.share(rule, 0, until[0]);
    node.share(rule, 1, until[1]);
    node
}

#[test]
fn a_share_ends_at_its_own_time_and_the_key_with_the_longest() {
    let mut node = shared(Rule::Final, [3, 1]);
    node.expire(1);
    assert_eq!((node.shares, node.key), ([Some(3), None, None], 3));
    node.expire(3);
    assert_eq!(node, Node::default());
    let mut node = shared(Rule::KeyLivesAsTheLast, [3, 1]);
    node.expire(1);
    assert_eq!(node, Node::default(), "both went with the key");
}

#[test]
fn an_extension_is_never_shorter() {
    let extended = |rule, until| {
        let mut node = shared(rule, [3, 1]);
        node.extend(rule, 0, until);
        (node.shares[0], node.key)
    };
    assert_eq!(extended(Rule::Final, 2), (Some(3), 3));
    assert_eq!(extended(Rule::Final, 4), (Some(4), 4));
    assert_eq!(extended(Rule::ExtensionShortens, 2), (Some(2), 2));
}

#[test]
fn a_release_ends_one_share() {
    let released = |rule| {
        let mut node = shared(rule, [3, 1]);
        node.free(rule, 0);
        (node.shares, node.key)
    };
    assert_eq!(released(Rule::Final), ([None, Some(1), None], 1));
    assert_eq!(released(Rule::ReleaseDels), ([None; CLIENTS], 0));
}

#[test]
fn a_node_that_restarted_grants_nothing_until_it_has_run_for_so_long() {
    let setting = super::super::crash([Some(READER), None, None], 2, 9);
    let mut node = Node::default();
    node.crash(4);
    assert!(![4, 5].into_iter().any(|now| node.grants(&setting, &READER, now)));
    assert!(node.grants(&setting, &READER, 6));
}
