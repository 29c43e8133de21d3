use redlock_core::node::Fault;

/// Error replies as servers send them, and what each means; every adapter is tested against this table.
///
/// The texts were sent by Redis 6.2, Redis 7.0 and Valkey 9.1.
pub const ERROR_REPLIES: &[(&str, Fault)] = &[
    ("LOADING Redis is loading the dataset in memory", Fault::Loading),
    (
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        Fault::Busy,
    ),
    ("OOM command not allowed when used memory > 'maxmemory'.", Fault::OutOfMemory),
    (
        "ERR Error running script (call to f_0): @user_script:14: @user_script: 14: -OOM command not allowed when \
         used memory > 'maxmemory'.",
        Fault::OutOfMemory,
    ),
    (
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        Fault::CannotPersist,
    ),
    ("NOREPLICAS Not enough good replicas to write.", Fault::NoReplicas),
    (
        "ERR Error running script (call to f_0): @user_script:14: @user_script: 14: -NOREPLICAS Not enough good \
         replicas to write.",
        Fault::NoReplicas,
    ),
    ("ERR max number of clients reached", Fault::TooManyClients),
    ("READONLY You can't write against a read only replica.", Fault::Replica),
    (
        "ERR Error running script (call to f_0): @user_script:14: @user_script: 14: -READONLY You can't write \
         against a read only replica.",
        Fault::Replica,
    ),
    (
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        Fault::Replica,
    ),
    ("MOVED 3999 127.0.0.1:6381", Fault::ClusterMember),
    ("ASK 3999 127.0.0.1:6381", Fault::ClusterMember),
    ("TRYAGAIN Multiple keys request during rehashing of slot", Fault::ClusterMember),
    ("CLUSTERDOWN Hash slot not served", Fault::ClusterMember),
    ("CROSSSLOT Keys in request don't hash to the same slot", Fault::ClusterMember),
    ("WRONGTYPE Operation against a key holding the wrong kind of value", Fault::WrongType),
    (
        "ERR Error running script (call to f_0): @user_script:3: WRONGTYPE Operation against a key holding the \
         wrong kind of value",
        Fault::WrongType,
    ),
    ("NOAUTH Authentication required.", Fault::Authentication),
    ("WRONGPASS invalid username-password pair or user is disabled.", Fault::Authentication),
    ("NOPERM this user has no permissions to run the 'set' command", Fault::Permission),
    (
        "NOPERM this user has no permissions to access one of the keys used as arguments",
        Fault::Permission,
    ),
    (
        "ERR The user executing the script can't run this command or subcommand script: 1, on @user_script:1.",
        Fault::Permission,
    ),
    (
        "ERR ACL failure in script: User u has no permissions to run the 'get' command",
        Fault::Permission,
    ),
    (
        "ERR Error running script (call to f_0): @user_script:1: @user_script: 1: The user executing the script \
         can't run this command or subcommand",
        Fault::Permission,
    ),
    (
        "NOPERM this user has no permissions to access one of the channels used as arguments",
        Fault::Permission,
    ),
    (
        "ERR The user executing the script can't publish to the channel mentioned in the command",
        Fault::Permission,
    ),
    (
        "@user_script: 1: The user executing the script can't publish to the channel mentioned in the command",
        Fault::Permission,
    ),
    ("ERR ACL failure in script: No permissions to access a channel", Fault::Permission),
    (
        "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the \
         default user.",
        Fault::ProtectedMode,
    ),
    ("NOPROTO unsupported protocol version", Fault::Unsupported),
    ("ERR unsupported command 'eval'", Fault::Unsupported),
    ("ERR unknown command 'EVAL', with args beginning with: ", Fault::Unsupported),
    (
        "ERR Unknown Redis command called from script script: 1, on @user_script:1.",
        Fault::Unsupported,
    ),
    ("ERR invalid expire time in 'set' command", Fault::Unexpected),
];

/// What a connection is turned down with, by a server, a proxy, or TLS, and what each means; every adapter is tested against
/// this table, as far as its client can be told so.
pub const TURNED_DOWN: &[(&str, Fault)] = &[
    (
        "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the \
         default user. In this mode connections are only accepted from the loopback interface.",
        Fault::ProtectedMode,
    ),
    ("NOAUTH HELLO must be called with the client already authenticated", Fault::Authentication),
    ("WRONGPASS invalid username-password pair or user is disabled.", Fault::Authentication),
    ("ERR invalid password", Fault::Authentication),
    ("ERR Client sent AUTH, but no password is set", Fault::Authentication),
    ("ERR Protocol error: unauthenticated multibulk length", Fault::Authentication),
    ("NOPERM this user has no permissions to run the 'hello' command", Fault::Permission),
    ("ERR max number of clients reached", Fault::TooManyClients),
    ("LOADING Redis is loading the dataset in memory", Fault::Loading),
    ("MASTERDOWN Link with MASTER is down", Fault::Replica),
    ("ERR DB index is out of range", Fault::Database),
    ("ERR invalid DB index", Fault::Database),
    ("ERR SELECT is not allowed in cluster mode", Fault::Database),
    ("ERR unknown command `HELLO`, with args beginning with: `3`", Fault::Unsupported),
    ("ERR unknown command 'HELLO'", Fault::Unsupported),
    ("NOPROTO unsupported protocol version", Fault::Unsupported),
    ("unsupported command 'hello'", Fault::Unsupported),
    ("invalid peer certificate: UnknownIssuer", Fault::Tls),
    (
        "IO Error: invalid peer certificate: certificate not valid for name \"b\"; certificate is only valid for \
         DnsName(\"a\")",
        Fault::Tls,
    ),
    (
        "invalid peer certificate: certificate expired: verification time 2 (UNIX), but certificate is not valid after 1 \
         (1 seconds ago)",
        Fault::Tls,
    ),
    ("received corrupt message of type InvalidContentType", Fault::Tls),
    ("received fatal alert: HandshakeFailure", Fault::Tls),
    ("received fatal alert: CertificateRequired", Fault::Tls),
    (
        "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed",
        Fault::Tls,
    ),
    ("error:0A00010B:SSL routines:ssl3_get_record:wrong version number", Fault::Tls),
    // A server that stops, or stands behind a proxy without it, looks like these for a moment.
    ("ERR upstream failure", Fault::Refused),
    ("received fatal alert: InternalError", Fault::Refused),
    ("tls handshake eof", Fault::Refused),
    ("ERR something new", Fault::Refused),
    ("", Fault::Refused),
];
