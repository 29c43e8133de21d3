//! What a newer server does for one resource without a script.

use std::time::Duration;

use redlock_core::node::{Claim, Expiry, Fault, Holding, Removal, Vote};

use crate::call_error::CallError;
use crate::info::NativeRelease;
use crate::limit::Limit;
use crate::refusal::classify;
use crate::reply::{Reply, unexpected};
use crate::scripts;
use crate::server_node::ServerNode;
use crate::wire::{Arg, Wire};

impl<W: Wire> ServerNode<W> {
    /// `SET key value NX PX ttl GET`: no value means granted, our own that an earlier request was.
    pub(crate) async fn set_get(
        &self,
        key: &[u8],
        claim: &Claim,
        ttl_millis: u64,
        limit: &mut Limit,
    ) -> Result<Vote, CallError> {
        let own = claim.value();
        let reply = self
            .call(
                "SET",
                &[
                    Arg::Bytes(key),
                    Arg::Bytes(own),
                    Arg::Text("NX"),
                    Arg::Text("PX"),
                    Arg::Int(ttl_millis),
                    Arg::Text("GET"),
                ],
                limit,
            )
            .await;
        let reply = match reply {
            Err(CallError::Server(text)) if classify(&text).fault() == Fault::WrongType => {
                // It is rare, and large.
                return Box::pin(self.shared_or(claim, CallError::Server(text), limit)).await;
            }
            reply => reply?,
        };
        match reply {
            Reply::Nil => Ok(Vote::Granted { fence: None }),
            Reply::Bytes(value) if value == own => Ok(Vote::AlreadyOurs),
            Reply::Bytes(value) => {
                // Only a hint for the retry: the refusal stands whatever becomes of this command.
                let left = self.call("PTTL", &[Arg::Bytes(key)], limit).await;
                let expiry = left.map_or(Expiry::Unknown, Reply::into_expiry);
                Ok(Vote::held_by(&value, expiry, None))
            }
            _ => Err(unexpected().into()),
        }
    }

    /// The answer where no string stands under the key: shares refuse the claim, anything else is wrong. Nothing but a look
    /// may be sent any more, since the release of a caller who left would come before an acquire.
    async fn shared_or(
        &self,
        claim: &Claim,
        wrong: CallError,
        limit: &mut Limit,
    ) -> Result<Vote, CallError> {
        let looked = self.eval(&scripts::INSPECT, claim.key(), &[], limit).await;
        match looked.map(|reply| reply.into_holdings(1)) {
            Ok(Ok(mut holdings)) => Ok(match holdings.pop().flatten() {
                Some(Holding { expiry, label, shares: Some(_), .. }) => {
                    Vote::Shared { expiry, fence: None, label }
                }
                Some(Holding { expiry, label, holder, .. }) => {
                    Vote::Held { expiry, fence: None, label, kept: holder.is_kept() }
                }
                // It freed itself meanwhile.
                None => {
                    Vote::Shared { expiry: Expiry::In(Duration::ZERO), fence: None, label: None }
                }
            }),
            Ok(Err(_)) | Err(CallError::Server(_)) => Err(wrong),
            // That it is refused is certain, and why is not known.
            Err(CallError::Node(_)) => {
                Ok(Vote::Held { expiry: Expiry::Unknown, fence: None, label: None, kept: false })
            }
        }
    }

    pub(crate) async fn native_release(
        &self,
        claim: &Claim,
        limit: &mut Limit,
    ) -> Option<Result<Removal, CallError>> {
        let key = Arg::Bytes(claim.key().single()?);
        let value = Arg::Bytes(claim.value());
        let reply = match self.known.abilities().native_release {
            NativeRelease::Delifeq => self.call("DELIFEQ", &[key, value], limit).await,
            NativeRelease::Delex => {
                self.call("DELEX", &[key, Arg::Text("IFEQ"), value], limit).await
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
