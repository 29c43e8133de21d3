use redlock_core::Token;
use redlock_core::options::MAX_TTL;

use super::*;

/// Not connected, and says so at once.
#[derive(Debug)]
struct Refusing;

impl Wire for Refusing {
    async fn call(&self, _: &'static str, _: &[Arg<'_>], _: Duration) -> Result<Reply, CallError> {
        Err(NodeError::from(Fault::Refused).into())
    }
}

#[tokio::test]
async fn who_is_refused_at_once_in_a_loop_lets_others_run() {
    let node = Arc::new(ServerNode::new("n", Refusing));
    let claim = Claim::new(LockKey::new("k").unwrap(), Token::random().unwrap());
    let other = tokio::spawn(async {});
    for _ in 0..1_000 {
        Arc::clone(&node).release(claim.clone(), MAX_TTL).await.unwrap_err();
    }
    assert!(other.is_finished());
}
