use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};
use redlock_core::node::{Fault, NodeError};

/// What a process says that has as many files open as it may, or a machine (`EMFILE`, `ENFILE`).
const TOO_MANY_FILES: [i32; 2] = [24, 23];

/// Why this client cannot speak TLS to the host, which redis-rs finds out before it connects: it has no certificates to trust,
/// or no certificate can be for such a name. Nothing for any other error.
///
/// redis-rs has no kind for these, but wraps what its TLS said, where else it wraps errors of I/O alone.
pub(crate) fn no_tls(error: &RedisError) -> Option<NodeError> {
    if !matches!(error.kind(), ErrorKind::Io | ErrorKind::Client) {
        return None;
    }
    let wrapped = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    if wrapped.is::<io::Error>() || is_out_of_files(wrapped) {
        return None;
    }
    let said = wrapped.to_string();
    let about = if said.contains("dns name") { NAME } else { TRUST };
    Some(NodeError::new(Fault::Tls, &format!("{about}: {said}")))
}

const NAME: &str = "no certificate can be for such a host";
const TRUST: &str = "the trusted certificates cannot be read";

/// Which ends by itself.
fn is_out_of_files(error: &Arc<dyn Error + Send + Sync>) -> bool {
    let io = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let code = io.and_then(io::Error::raw_os_error);
    cfg!(unix) && code.is_some_and(|code| TOO_MANY_FILES.contains(&code))
}
