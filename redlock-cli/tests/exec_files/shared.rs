//! A directory that a group shares.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::setup::{Directory, Ended, ended, redlock};

/// Two users of a group, root, and a stranger, each under a mask of their own.
const SCRIPT: &str = r#"
install -d -m 2770 -g 4242 "$D/locks" || exit
N="file:$D/locks?shared"
as() { user=$1; shift; setpriv --reuid="$user" --regid="$user" --groups=4242 "$@"; }
say() { echo "$1: $2"; }

(umask 077; exec setpriv --reuid=4001 --regid=4001 --groups=4242 \
    "$R" exec --node "$N" k -- sh -c ': >"$D/held"; until [ -e "$D/go" ]; do sleep 0.05; done; exit 5') &
until [ -e "$D/held" ] || ! kill -0 $!; do sleep 0.05; done
as 4002 "$R" exec -n --node "$N" k -- true; say "another of the group, held" $?
"$R" exec -n --node "$N" k -- true; say "root, held" $?
: >"$D/go"
wait $!; say "holder" $?
(umask 022; as 4002 "$R" exec -n --node "$N" k j -- true); say "another of the group, free" $?
(umask 077; "$R" exec -n --node "$N" k j -- true); say "root, free" $?
as 4001 "$R" exec -n --node "$N" k j -- true; say "first again" $?
setpriv --reuid=4003 --regid=4003 --clear-groups "$R" exec -n --node "$N" k -- true; say "stranger" $?
"$R" exec -n --node "file:$D/locks" k -- true; say "root, not as shared" $?
find "$D/locks" -type f ! -perm 660
"#;

/// As root, or as what is root in a user namespace with other users in it.
fn as_root(script: &str, directory: &Directory) -> Ended {
    let own = redlock();
    let mut command = match rustix::process::geteuid().is_root() {
        true => Command::new("sh"),
        false => {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--map-auto", "sh"]);
            command
        }
    };
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    // Other users may not get at the one that was built.
    let copy = format!("{}/redlock", directory.path());
    std::fs::copy(own.get_program(), &copy).unwrap();
    ended(command.args(["-c", script]).env("R", copy).env("D", directory.path()))
}

#[test]
fn users_of_a_group_share_a_directory_and_others_do_not() {
    let directory = Directory::new("shared");
    std::fs::create_dir(directory.path()).unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o1777)).unwrap();
    let ended = as_root(SCRIPT, &directory);
    let expected = "another of the group, held: 1\nroot, held: 1\nholder: 5\nanother of the group, free: 0\n\
                    root, free: 0\nfirst again: 0\nstranger: 125\nroot, not as shared: 125\n";
    assert_eq!(
        ended.stdout, expected,
        "this needs setpriv(1), and root or user namespaces with other users (on Debian: apt-get install uidmap): {ended:?}"
    );
    assert!(ended.stderr.contains("Permission denied"), "{ended:?}");
    assert!(ended.stderr.contains("must not be writable by group or others"), "{ended:?}");
}
