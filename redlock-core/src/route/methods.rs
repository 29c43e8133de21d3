//! Pure: which methods a policy speaks of.

use crate::error::ConfigError;

/// The methods that a policy locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Methods {
    Unsafe,
    All,
    Only(Vec<String>),
}

impl Methods {
    pub(super) fn contain(&self, method: &str) -> bool {
        match self {
            Self::Unsafe => !matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE"),
            Self::All => true,
            Self::Only(methods) => named(methods, method),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self::Only(methods) = self else { return Ok(()) };
        some("methods", methods)?;
        let lower = |method: &&String| {
            method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
        };
        methods.iter().find(lower).map_or(Ok(()), |method| {
            Err(refused("methods", method, "must be upper-case, like POST"))
        })
    }
}

/// Whether a list has the method. GET names HEAD, which frameworks answer by the handler of GET.
pub(super) fn named(methods: &[String], method: &str) -> bool {
    let named = |method: &str| methods.iter().any(|only| only == method);
    named(method) || method == "HEAD" && named("GET")
}

/// A slip in the name of a method that shares would let the requests that it was meant for pass without a lock, so it has to be
/// one that there is.
pub(super) fn check_shared(methods: &[String]) -> Result<(), ConfigError> {
    some("shared_methods", methods)?;
    let unknown = methods.iter().find(|method| !REGISTERED.contains(&method.as_str()));
    unknown.map_or(Ok(()), |method| {
        let rule = "must be a method that is registered with IANA, in upper case, like GET";
        Err(refused("shared_methods", method, rule))
    })
}

fn some(field: &'static str, methods: &[String]) -> Result<(), ConfigError> {
    match methods {
        [] => Err(ConfigError::new(field, "none", "must name at least one method")),
        _ => Ok(()),
    }
}

fn refused(field: &'static str, method: &str, rule: &'static str) -> ConfigError {
    ConfigError::new(field, method.escape_debug().to_string(), rule)
}

/// IANA's Hypertext Transfer Protocol (HTTP) Method Registry, but for `*` and PRI, which nobody sends.
const REGISTERED: [&str; 39] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];
