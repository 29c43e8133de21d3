use crate::node::Fault;

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
    ("ERR unknown command 'EVAL', with args beginning with: ", Fault::Unsupported),
    (
        "ERR Unknown Redis command called from script script: 1, on @user_script:1.",
        Fault::Unsupported,
    ),
    ("ERR invalid expire time in 'set' command", Fault::Unexpected),
];
