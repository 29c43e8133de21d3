//! The group of this process.

#[cfg(target_os = "linux")]
use rustix::process::getpid;

/// Its id, which is 0 where the group was made outside of this process's namespace (`docker exec`, `unshare --pid`): so the
/// kernel calls whatever cannot be named here. `None` where nothing tells.
#[cfg(target_os = "linux")]
pub(crate) fn group() -> Option<i32> {
    // `getpgrp` of rustix holds that there is no 0.
    let me = std::fs::read_link("/proc/self").ok()?;
    if me.to_str() != Some(&getpid().to_string()) {
        return None;
    }
    let stat = std::fs::read("/proc/self/stat").ok()?;
    of_stat(&String::from_utf8_lossy(&stat))
}

/// As the kernel says: there are no such namespaces.
#[cfg(not(target_os = "linux"))]
pub(crate) fn group() -> Option<i32> {
    Some(rustix::process::getpgrp().as_raw_nonzero().get())
}

/// As proc(5) has it: `ID (NAME) STATE PARENT GROUP …`. The name may hold anything.
#[cfg(target_os = "linux")]
fn of_stat(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(2)?.parse().ok()
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
        assert_eq!(of_stat("7 (a) S 1 (b) S 5 0 0 0 -1"), Some(0));
        assert_eq!(of_stat("7 (a) S 5 12 7 0 -1"), Some(12));
        for stat in ["", "7 (a", "7 (a) S 5", "7 (a) S 5 x"] {
            assert_eq!(of_stat(stat), None, "{stat}");
        }
    }
}
