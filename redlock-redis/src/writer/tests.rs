use std::task::Waker;
use std::time::Duration;

use redis::RedisConnectionInfo;
use tokio::sync::oneshot;

use super::*;
use crate::asked::Answer;
use crate::command::Command;

fn queued(start: Instant, seconds: u64) -> (Queued, oneshot::Receiver<Answer>) {
    let (answer, receiver) = oneshot::channel();
    let deadline = start + Duration::from_secs(seconds);
    (Queued { command: Command::new("PING", &[]), deadline, answer }, receiver)
}

/// As on another thread than that of the task, between its looks.
#[tokio::test(start_paused = true)]
async fn what_a_caller_hands_over_while_the_task_looks_stands_before_what_came_after_it() {
    let (stream, _server) = tokio::io::duplex(64);
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    // Nobody drives it: nothing is answered.
    let (connection, _driver) = MultiplexedConnection::new(&info, stream).await.unwrap();
    let start = Instant::now();
    let (before, _answer) = queued(start, 9);
    let queue = Queue::new(before);
    queue.open(start, Some(connection.clone()));
    let mut cx = Context::from_waker(Waker::noop());
    queue.take(&mut Vec::new(), 1, cx.waker());
    queue.rest(start);

    let mut writer = Writer::new(connection, &queue);
    assert!(!writer.settle(&mut cx));
    let answers = [1, 2].map(|seconds| {
        let (command, answer) = queued(start, seconds);
        assert!(queue.push(command, start).is_ok());
        answer
    });
    assert!(!writer.hand_over(&mut cx));
    let seconds = |batch: &Batch| batch.deadline().map(|deadline| (deadline - start).as_secs());
    assert_eq!(writer.under_way.iter().map(seconds).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!((writer.unanswered, answers.len()), (2, 2));
}
