use super::finding::{Check, Finding};
use crate::doctor::facts::{Facts, Kind};

const CHECK: Check = Check::Directory;

/// Locks in a directory are files: whoever may write there may take and break any of them.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in &facts.nodes {
        let Kind::Directory(directory) = &node.kind else { continue };
        let path = directory.path.display();
        let finding = match &directory.found {
            Err(why) => {
                Finding::fail(CHECK, format!("{path}: {why}"), "let this user read the directory")
            }
            Ok(None) => Finding::ok(CHECK, format!("{path} is made when the first lock is taken")),
            Ok(Some(entry)) if !entry.is_directory => {
                Finding::fail(CHECK, format!("{path} is no directory"), "name a directory")
            }
            // Anything else of the group's is refused when it is opened.
            Ok(Some(entry)) if entry.mode & 0o2072 == 0o2070 => Finding::ok(
                CHECK,
                format!(
                    "{path} is shared by its group (mode {:04o}), who can break any lock; locks hold on this machine only",
                    entry.mode
                ),
            ),
            Ok(Some(entry)) if entry.mode & 0o022 != 0 => Finding::warn(
                CHECK,
                format!(
                    "others may write to {path} (mode {:04o}), and so break any lock",
                    entry.mode
                ),
                format!("chmod go-w {path}, unless that is meant"),
            ),
            Ok(Some(entry)) if entry.owner != directory.us => Finding::warn(
                CHECK,
                format!(
                    "{path} belongs to user {}, and this is user {}",
                    entry.owner, directory.us
                ),
                "run all that share locks as one user",
            ),
            Ok(Some(entry)) => {
                let mode = entry.mode;
                Finding::ok(
                    CHECK,
                    format!(
                        "{path} is this user's alone (mode {mode:04o}); locks hold on this machine only"
                    ),
                )
            }
        };
        findings.push(finding.on(node));
    }
    findings
}
