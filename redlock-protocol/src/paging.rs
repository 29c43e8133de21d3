//! What stands on a server, page by page.

use std::time::Duration;

use redlock_core::key::{COUNTER_PREFIX, INTENT_PREFIX, MAX_KEY_BYTES};
use redlock_core::node::{NodeError, Page};

use crate::limit::Limit;
use crate::scripts;
use crate::server_node::ServerNode;
use crate::wire::{Arg, Wire};

impl<W: Wire> ServerNode<W> {
    pub(crate) async fn page(
        &self,
        prefix: &[u8],
        from: u64,
        timeout: Duration,
    ) -> Result<Page, NodeError> {
        let pattern = pattern(prefix);
        let values = [
            Arg::Int(from),
            Arg::Bytes(&pattern),
            Arg::Int(Page::SIZE as u64),
            Arg::Text(COUNTER_PREFIX),
            Arg::Text(INTENT_PREFIX),
            Arg::Int(MAX_KEY_BYTES as u64),
            Arg::Int(Page::LONGEST_VALUE as u64),
        ];
        let reply = self
            .eval_on(&scripts::SCAN, (0, std::iter::empty()), &values, &mut Limit::new(timeout))
            .await?;
        reply.into_page()
    }
}

/// What `MATCH` takes for every name that begins like this.
fn pattern(prefix: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(prefix.len() + 1);
    for byte in prefix {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\') {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern.push(b'*');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_byte_by_byte() {
        for (prefix, wanted) in [
            (&b""[..], &b"*"[..]),
            (b"orders:", b"orders:*"),
            (b"a*b?[c-d]^\\", b"a\\*b\\?\\[c-d\\]^\\\\*"),
            (b"\xff\0\r\n", b"\xff\0\r\n*"),
        ] {
            assert_eq!(pattern(prefix), wanted, "{}", prefix.escape_ascii());
        }
    }
}
