use std::sync::Arc;
use std::time::Duration;

use redlock_core::faults::{Faulty, Lie, Misbehaviour, Verb};
use redlock_core::node::{Expiry, Found, Holder, Page};
use redlock_core::{InMemoryNode, LockNode, Redlock};

use super::*;

type Node = Arc<Faulty<InMemoryNode>>;

pub(in crate::list) fn nodes(count: usize) -> (Vec<Node>, Redlock) {
    let node = |index| Arc::new(Faulty::new(Arc::new(InMemoryNode::new(format!("n{index}")))));
    let nodes: Vec<Node> = (0..count).map(node).collect();
    let all = nodes.iter().map(|node| Arc::clone(node) as Arc<dyn LockNode>);
    let redlock = Redlock::builder().nodes(all).ttl(Duration::from_secs(10)).build().unwrap();
    (nodes, redlock)
}

pub(in crate::list) fn put(nodes: &[Node], name: impl AsRef<[u8]>, value: &str, ms: u64) {
    let ttl = Some(Duration::from_millis(ms));
    nodes.iter().for_each(|node| node.inner().put(&name, value, ttl));
}

pub(in crate::list) async fn list(redlock: &Redlock, limit: usize) -> List {
    List::new(&redlock.held("", limit, Duration::from_secs(10)).await.unwrap())
}

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233";

#[tokio::test(start_paused = true)]
async fn people_get_a_row_for_each_lock_and_programs_one_object() {
    let (nodes, redlock) = nodes(3);
    put(&nodes, "b", &format!("{TOKEN} ann@web-1"), 8_123);
    put(&nodes, "a", "kept:af63dc4c8601ec8c", 90_000);
    put(&nodes[..1], "c", "x", 900);
    put(&nodes[1..2], "c", "y", 900);
    let list = list(&redlock, 9).await;
    let holder = Holder::of(format!("{TOKEN} ann@web-1").as_bytes());
    assert_eq!(
        list.text().replace(&holder.to_string(), "0123456789abcdef"),
        "KEY  MODE       HOLDER                        LEFT    NODES\n\
         a    kept       af63dc4c8601ec8c              1m 30s  3 of 3\n\
         b    exclusive  ann@web-1 (0123456789abcdef)  8.1 s   3 of 3\n\
         c    unknown    -                             -       2 of 3  no majority agrees\n\
         \n\
         1 lock held, 1 kept, 1 unknown"
    );
    let json = output::json(&list.json()).unwrap();
    assert!(json.starts_with(
        r#"{"locks":[{"key":"a","bytes":null,"state":"kept","mode":"kept","holder":"af63dc4c8601ec8c","label":null,"#
    ));
    assert!(json.contains(
        r#""label":"ann@web-1","expiry":"in","remaining_ms":8123,"on":3,"of":3,"error":null}"#
    ));
    assert!(json.ends_with(
        r#"}],"more":0,"answered":true,"nodes":[{"name":"n0","error":null},{"name":"n1","error":null},{"name":"n2","error":null}]}"#
    ), "{json}");
    assert!(!format!("{list:?}{json}").contains(TOKEN));
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_and_who_fails_is_said() {
    let (nodes, redlock) = nodes(3);
    assert_eq!(list(&redlock, 9).await.text(), "no locks");
    (0..12).for_each(|number| put(&nodes, format!("{number:02}"), "x", 900));
    let cut = list(&redlock, 10).await;
    assert!(cut.text().ends_with("\n\n10 locks held, about 2 more (--limit)"), "{}", cut.text());
    assert_eq!(cut.json().more, 2);
    nodes[1].on(Verb::Scan).always(Misbehaviour::Failing(Fault::Permission.into()));
    let one = list(&redlock, 12).await;
    assert!(one.text().ends_with("\n\n12 locks held\nn1: missing right"), "{}", one.text());
    assert!(one.is_answered() && one.rows.iter().all(|row| row.on == 2));
    nodes[2].on(Verb::Scan).always(Misbehaviour::Refused);
    let two = list(&redlock, 12).await;
    let said =
        "\n\n12 unknown, 1 of 3 nodes told all, and 2 must\nn1: missing right\nn2: no connection";
    assert!(two.text().ends_with(said), "{}", two.text());
    assert!(!two.is_answered() && !two.json().answered);
}

#[tokio::test(start_paused = true)]
async fn names_of_any_bytes_are_shown_and_move_nothing() {
    let (nodes, redlock) = nodes(1);
    for name in
        [&b"gr\xc3\xbcn"[..], b"a\x1b[2J\r\n", "x\u{202e}y\u{9b}31m".as_bytes(), b"\xff\0\x1b"]
    {
        put(&nodes, name, "x", 900);
    }
    let list = list(&redlock, 9).await;
    let (text, json) = (list.text(), output::json(&list.json()).unwrap());
    let moves = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(moves) && !json.contains(moves), "{text:?} {json:?}");
    for shown in ["gr\u{fc}n ", "a\\u{1b}[2J\\r\\n ", "x\\u{202e}y\\u{9b}31m ", "\\xff\\x00\\x1b "]
    {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    let keys: serde_json::Value = serde_json::from_str(&json).unwrap();
    let keys: Vec<_> = keys["locks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lock| (&lock["key"], &lock["bytes"]))
        .collect();
    assert!(keys.contains(&(&"a\x1b[2J\r\n".into(), &serde_json::Value::Null)), "{keys:?}");
    assert!(keys.contains(&(&"\\xff\\x00\\x1b".into(), &"ff001b".into())), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_value_of_a_newer_version_is_shown_as_such() {
    let (nodes, redlock) = nodes(3);
    put(&nodes, "a", "x", 900);
    let shares =
        || Found::new(*b"shared", Err(NodeError::new(Fault::WrongType, "WRONGTYPE of shares")));
    let whole = || Found::of_value(*b"a", b"x", Expiry::Never);
    for node in &nodes {
        let page = Page::new(vec![whole(), shares()], None);
        node.on(Verb::Scan).always(Misbehaviour::Lying(Lie::Page(page)));
    }
    let list = list(&redlock, 9).await;
    let lines: Vec<_> = list.text().lines().map(str::to_owned).collect();
    assert_eq!(lines[1], "a       exclusive  af63f54c86021707  for ever  3 of 3");
    assert_eq!(
        lines[2],
        "shared  unknown    -                 -         3 of 3  key of another type: WRONGTYPE of shares"
    );
    assert!(list.is_answered());
    let json = output::json(&list.json()).unwrap();
    assert!(json.contains(r#""error":"key of another type: WRONGTYPE of shares""#), "{json}");
}
