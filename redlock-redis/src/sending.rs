//! How commands are handed to redis-rs, at the first poll.

use std::pin::Pin;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, RedisResult, Value};

/// A single command's answer, or the list of all answers.
pub(crate) type Sending = Pin<Box<dyn Future<Output = RedisResult<Value>> + Send>>;

/// Hands over several commands, whose answers come as a list, or one.
pub(crate) fn send(mut connection: MultiplexedConnection, mut parts: Vec<Cmd>) -> Sending {
    if parts.len() > 1 {
        let count = parts.len();
        let mut pipeline = Pipeline::with_capacity(count);
        for part in parts {
            pipeline.add_command(part);
        }
        return Box::pin(async move {
            let values = connection.send_packed_commands(&pipeline, 0, count).await?;
            Ok(Value::Array(values))
        });
    }
    send_one(connection, parts.pop().unwrap_or_default())
}

/// Hands over one command.
pub(crate) fn send_one(mut connection: MultiplexedConnection, one: Cmd) -> Sending {
    Box::pin(async move { connection.send_packed_command(&one).await })
}
