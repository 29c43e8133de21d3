use std::sync::Arc;

use fred::rustls::crypto::ring;
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::{Config, ServerConfig, TlsConnector};

/// TLS with the system's trusted certificates and the checks on.
///
/// The set of ciphers is named here: rustls panics when it is left to choose and another crate in the build
/// brings a second one.
pub(crate) fn use_tls(config: &mut Config) -> Result<(), &'static str> {
    let mut trusted = RootCertStore::empty();
    // A certificate that cannot be read is one less to trust; no more than that.
    trusted.add_parsable_certificates(fred::rustls_native_certs::load_native_certs().certs);
    if trusted.is_empty() {
        return Err("needs the system's trusted certificates, and none were found");
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "needs a version of TLS that rustls supports")?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    config.tls = Some(TlsConnector::from(tls).into());
    if let ServerConfig::Centralized { server } = &mut config.server {
        // In a URL an IPv6 address has brackets, in a certificate it has none.
        let host = server.host.trim_matches(['[', ']']).to_owned();
        server.tls_server_name = Some(host.into());
    }
    Ok(())
}
