use super::*;
use crate::node::token::Token;

const LIMIT: Duration = Duration::from_secs(1);

fn claim(key: &str) -> Claim {
    Claim::new(LockKey::new(key).unwrap(), Token::random().unwrap())
}

#[tokio::test(start_paused = true)]
async fn expired_resources_do_not_pile_up() {
    let node = Arc::new(InMemoryNode::new("a"));
    for i in 0..10_000 {
        let terms = Terms::new(Duration::from_millis(10));
        node.clone().acquire(claim(&i.to_string()), terms, LIMIT).await.unwrap();
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert!(node.lock().locks.entries.len() <= store::PURGE_FLOOR);
    assert_eq!(node.keys().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets_and_is_a_new_run() {
    let node = Arc::new(InMemoryNode::new("a"));
    node.put("k", "v", None);
    tokio::time::advance(LIMIT).await;
    let before = node.clone().identity(LIMIT).await.unwrap();
    assert_eq!(before.uptime, Some(LIMIT));
    node.restart();
    let after = node.clone().identity(LIMIT).await.unwrap();
    assert_ne!(before.run_id, after.run_id);
    assert_eq!(after.uptime, Some(Duration::ZERO));
    assert_eq!(node.keys(), Vec::<Vec<u8>>::new());
}

#[cfg(feature = "testing")]
#[tokio::test(start_paused = true)]
async fn a_fast_clock_frees_early_and_a_slow_one_late() {
    for (ppm, lived) in [(0, 1000), (10_000, 991), (-10_000, 1011), (i64::MIN, 2000)] {
        let node = InMemoryNode::new("a").with_clock_rate(ppm);
        node.put("k", "v", Some(Duration::from_secs(1)));
        let mut millis = 0;
        while node.value("k").is_some() && millis < 2000 {
            tokio::time::advance(Duration::from_millis(1)).await;
            millis += 1;
        }
        assert_eq!(millis, lived, "{ppm} ppm");
    }
}

#[test]
fn debug_shows_no_token() {
    let node = InMemoryNode::new("a");
    node.put("k", "canary", None);
    assert_eq!(format!("{node:?}"), r#"InMemoryNode { name: "a", held: 1, .. }"#);
}

#[derive(Default)]
struct Heard(Mutex<Vec<Vec<u8>>>);

impl Listener for Heard {
    fn listening(&self) {
        self.0.lock().unwrap().push(b"listening".to_vec());
    }

    fn released(&self, resource: &[u8]) {
        self.0.lock().unwrap().push(resource.to_vec());
    }
}

/// A listener that asks the node as soon as it hears.
struct Curious(Arc<InMemoryNode>);

impl Listener for Curious {
    fn listening(&self) {
        assert_eq!(self.0.listeners(), 1);
    }

    fn released(&self, resource: &[u8]) {
        assert_eq!(self.0.value(resource), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_ask_the_node_and_finds_the_resource_free() {
    let node = Arc::new(InMemoryNode::new("a"));
    let listening = tokio::spawn(node.clone().listen(Arc::new(Curious(node.clone())), LIMIT));
    tokio::task::yield_now().await;
    let claim = claim("k");
    node.clone().acquire(claim.clone(), Terms::new(LIMIT), LIMIT).await.unwrap();
    let removal = node.clone().release_and_tell(claim, LIMIT).await;
    assert_eq!(removal, Ok(Removal::Removed));
    listening.abort();
    assert!(listening.await.unwrap_err().is_cancelled());
    assert_eq!(node.listeners(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_restart_cuts_listeners_off_and_who_comes_back_stays() {
    let node = Arc::new(InMemoryNode::new("a"));
    let heard = Arc::new(Heard::default());
    let mut first = node.clone().listen(heard.clone(), LIMIT);
    let begun = tokio::time::timeout(Duration::ZERO, &mut first).await;
    assert!(begun.is_err());
    node.restart();
    assert_eq!(node.listeners(), 0);
    let mut second = node.clone().listen(heard.clone(), LIMIT);
    assert!(tokio::time::timeout(Duration::ZERO, &mut second).await.is_err());
    assert_eq!(first.await.fault(), crate::node::Fault::ConnectionLost);
    assert_eq!(node.listeners(), 1);
    let claim = claim("k");
    node.clone().acquire(claim.clone(), Terms::new(LIMIT), LIMIT).await.unwrap();
    node.clone().release_and_tell(claim, LIMIT).await.unwrap();
    assert_eq!(
        *heard.0.lock().unwrap(),
        [b"listening".to_vec(), b"listening".to_vec(), b"k".to_vec()]
    );
}
