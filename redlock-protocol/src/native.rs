//! What a newer server does for one resource without a script.

#![allow(clippy::disallowed_methods)]

use std::time::Duration;

use tokio::time::Instant;

use super::info::NativeRelease;
use super::reply::{Reply, unexpected};
use super::{Arg, CallError, ServerNode, Wire};
use crate::node::{Claim, Expiry, Removal, Terms, Vote};

impl<W: Wire> ServerNode<W> {
    /// `SET key token NX PX ttl GET`: no value means granted, our own token that an earlier request was.
    pub(super) async fn set_get(
        &self,
        key: &[u8],
        claim: &Claim,
        terms: Terms,
        limit: Limit,
    ) -> Result<Vote, CallError> {
        let token = claim.token().as_bytes();
        let reply = self
            .call(
                "SET",
                &[
                    Arg::Bytes(key),
                    Arg::Bytes(token),
                    Arg::Text("NX"),
                    Arg::Text("PX"),
                    Arg::Int(terms.ttl_millis()),
                    Arg::Text("GET"),
                ],
                limit.left(),
            )
            .await?;
        match reply {
            Reply::Nil => Ok(Vote::Granted { fence: None }),
            Reply::Bytes(value) if value == token => Ok(Vote::AlreadyOurs),
            Reply::Bytes(_) => {
                // Only a hint for the retry: the refusal stands whatever becomes of this command.
                let left = self.call("PTTL", &[Arg::Bytes(key)], limit.left()).await;
                let expiry = left.map_or(Expiry::Unknown, Reply::into_expiry);
                Ok(Vote::Held { expiry, fence: None })
            }
            _ => Err(unexpected().into()),
        }
    }

    pub(super) async fn native_release(
        &self,
        claim: &Claim,
        limit: Limit,
    ) -> Option<Result<Removal, CallError>> {
        let key = Arg::Bytes(claim.key().single()?);
        let token = Arg::Bytes(claim.token().as_bytes());
        let reply = match self.known.abilities().native_release {
            NativeRelease::Delifeq => self.call("DELIFEQ", &[key, token], limit.left()).await,
            NativeRelease::Delex => {
                self.call("DELEX", &[key, Arg::Text("IFEQ"), token], limit.left()).await
            }
            NativeRelease::None => return None,
        };
        match reply {
            Ok(Reply::Int(1)) => Some(Ok(Removal::Removed)),
            // Gone or somebody else's: only the script can tell, and it is not on the common path.
            Ok(_) => None,
            Err(CallError::Server(_)) => {
                // No right to it, or an older server behind the same address.
                self.known.lack_native_release();
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// One time limit over the several commands of a verb.
#[derive(Clone, Copy)]
pub(super) struct Limit(Instant, Duration);

impl Limit {
    pub(super) fn new(timeout: Duration) -> Self {
        Self(Instant::now(), timeout)
    }

    pub(super) fn left(self) -> Duration {
        self.1.saturating_sub(self.0.elapsed())
    }
}
