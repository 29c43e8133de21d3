//! A worker's connection to the store.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::history::HoldId;

/// A connection to the store.
pub(crate) struct Line {
    replies: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Line {
    pub(crate) async fn connect(store: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(store).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self { replies: BufReader::new(read).lines(), write })
    }

    pub(crate) async fn tell(
        &mut self,
        verb: &str,
        hold: HoldId,
        rest: &str,
    ) -> Result<(), Failure> {
        let HoldId { worker, life, number } = hold;
        let line = format!("{verb} {worker} {life} {number} {rest}\n");
        Ok(self.write.write_all(line.as_bytes()).await?)
    }

    pub(crate) async fn ask(
        &mut self,
        verb: &str,
        hold: HoldId,
        rest: &str,
    ) -> Result<String, Failure> {
        self.tell(verb, hold, rest).await?;
        let reply = timeout(Duration::from_secs(30), self.replies.next_line()).await??;
        Ok(reply.ok_or("the store is gone")?)
    }
}
