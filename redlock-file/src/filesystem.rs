//! Which file systems are not of this machine alone.

use std::os::fd::AsFd;

/// Type numbers from `statfs(2)`. Over most of these two machines may see one directory, while locks, clocks and boot ids
/// are each machine's own; behind FUSE it cannot be told.
const SHARED: &[(u32, &str)] = &[
    (0x0000_6969, "must not be on NFS: locks hold on one machine only"),
    (0x0000_517b, "must not be on SMB: locks hold on one machine only"),
    (0xff53_4d42, "must not be on SMB: locks hold on one machine only"),
    (0xfe53_4d42, "must not be on SMB: locks hold on one machine only"),
    (0x0102_1997, "must not be on 9p: locks hold on one machine only"),
    (0x6573_5546, "must not be on FUSE: it may be shared with other machines"),
    (0x5346_414f, "must not be on AFS: locks hold on one machine only"),
    (0x7375_7245, "must not be on Coda: locks hold on one machine only"),
    (0x00c3_6400, "must not be on Ceph: locks hold on one machine only"),
    (0x0bd0_0bd0, "must not be on Lustre: locks hold on one machine only"),
    (0x7461_636f, "must not be on OCFS2: locks hold on one machine only"),
    (0x0116_1970, "must not be on GFS2: locks hold on one machine only"),
    (0x4750_4653, "must not be on GPFS: locks hold on one machine only"),
    (0x0000_564c, "must not be on NCP: locks hold on one machine only"),
    (0x786f_4256, "must not be on a folder of the virtual machine's host"),
];

/// The rule that the file system of `directory` breaks.
pub(crate) fn refusal(directory: impl AsFd) -> Option<&'static str> {
    // A system that hides what it is is let pass: the check is help, not proof.
    let found = rustix::fs::fstatfs(directory).ok()?;
    // The field's type differs between systems; the numbers have 32 bits.
    rule(found.f_type as u32)
}

fn rule(number: u32) -> Option<&'static str> {
    SHARED.iter().find(|(known, _)| *known == number).map(|(_, rule)| *rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_refused_and_local_ones_are_not() {
        assert!(rule(0x6969).is_some_and(|rule| rule.contains("NFS")));
        assert!(rule(0xff53_4d42).is_some_and(|rule| rule.contains("SMB")));
        for local in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x794c_7630] {
            assert_eq!(rule(local), None, "{local:x}");
        }
    }
}
