//! The group and the session of this process.

#[cfg(target_os = "linux")]
use rustix::process::getpid;

/// The id of its group, which is 0 where the group was made outside of this process's namespace (`docker exec`, `unshare
/// --pid`): so the kernel calls whatever cannot be named here. `None` where nothing tells.
#[cfg(target_os = "linux")]
pub(crate) fn group() -> Option<i32> {
    of_stat(&stat()?, GROUP)
}

/// Whether it leads its session: the terminal's own end is then told it, and nobody else.
#[cfg(target_os = "linux")]
pub(crate) fn leads_session() -> bool {
    let session = stat().and_then(|stat| of_stat(&stat, SESSION));
    session == Some(getpid().as_raw_nonzero().get())
}

/// As the kernel says: there are no such namespaces.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_methods)]
pub(crate) fn group() -> Option<i32> {
    Some(rustix::process::getpgrp().as_raw_nonzero().get())
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_methods)]
pub(crate) fn leads_session() -> bool {
    rustix::process::getsid(None).is_ok_and(|leader| leader == rustix::process::getpid())
}

/// What proc(5) says of this process. `getpgrp` and `getsid` of rustix hold that there is no 0.
#[cfg(target_os = "linux")]
fn stat() -> Option<String> {
    let me = std::fs::read_link("/proc/self").ok()?;
    if me.to_str() != Some(&getpid().to_string()) {
        return None;
    }
    let stat = std::fs::read("/proc/self/stat").ok()?;
    Some(String::from_utf8_lossy(&stat).into_owned())
}

/// Places behind the name.
#[cfg(target_os = "linux")]
const GROUP: usize = 2;
#[cfg(target_os = "linux")]
const SESSION: usize = 3;

/// As proc(5) has it: `ID (NAME) STATE PARENT GROUP SESSION …`. The name may hold anything.
#[cfg(target_os = "linux")]
fn of_stat(stat: &str, place: usize) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(place)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_the_kernel_names() {
        let own = std::process::Command::new("ps")
            .args(["-o", "pgid=", "-p", &std::process::id().to_string()])
            .output()
            .unwrap();
        let own = String::from_utf8(own.stdout).unwrap();
        assert_eq!(group(), own.trim().parse().ok(), "{own:?}");
    }

    #[test]
    fn a_group_of_elsewhere_is_zero_and_a_name_is_no_field() {
        for (place, wanted) in [(GROUP, 12), (SESSION, 7)] {
            assert_eq!(of_stat("7 (a) S 1 (b) S 5 0 0 0 -1", place), Some(0));
            assert_eq!(of_stat("7 (a) S 5 12 7 0 -1", place), Some(wanted));
            for stat in ["", "7 (a", "7 (a) S 5", "7 (a) S 5 x y"] {
                assert_eq!(of_stat(stat, place), None, "{stat}");
            }
        }
    }
}
