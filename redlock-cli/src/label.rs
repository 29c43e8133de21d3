//! What this process calls itself on the nodes.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

use redlock_core::{Label, MAX_LABEL_BYTES};
use rustix::process::getuid;
use rustix::system::uname;

/// `user@host pid program`, of the process that runs `program` under a lock. Not its arguments, which may be secrets.
pub(crate) fn own(program: &OsStr) -> Option<Label> {
    let user = ["USER", "LOGNAME"].iter().find_map(env::var_os).filter(|user| !user.is_empty());
    let user = user.map_or_else(|| getuid().as_raw().to_string(), |user| lossy(&user));
    let program = Path::new(program).file_name().unwrap_or(program);
    let host = uname().nodename().to_string_lossy().into_owned();
    fitted(&format!("{user}@{host} {} {}", std::process::id(), lossy(program)))
}

/// The same of a verb of `redlock` that locks for itself.
pub(crate) fn of_verb(verb: &str) -> Option<Label> {
    own(OsStr::new(&format!("redlock {verb}")))
}

fn lossy(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}

/// As much of it as a label takes, with `?` for what cannot be printed. Pure.
fn fitted(text: &str) -> Option<Label> {
    let mut label = String::new();
    for c in text.chars() {
        let shown = c == ' ' || Label::new(c.encode_utf8(&mut [0; 4])).is_ok();
        let c = if shown { c } else { '?' };
        if label.len() + c.len_utf8() > MAX_LABEL_BYTES {
            break;
        }
        label.push(c);
    }
    Label::new(label.trim_matches(' ')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_what_is_named_and_no_argument() {
        let label = own(OsStr::new("/usr/local/bin/backup.sh")).unwrap();
        let (user, rest) = label.as_str().split_once('@').unwrap();
        assert!(!user.is_empty());
        assert!(rest.ends_with(&format!(" {} backup.sh", std::process::id())), "{label}");
        let label = of_verb("bench").unwrap();
        let ending = format!(" {} redlock bench", std::process::id());
        assert!(label.as_str().ends_with(&ending), "{label}");
    }

    #[test]
    fn whatever_programs_are_called_there_is_a_label() {
        let label = |text: &str| fitted(text).unwrap().to_string();
        assert_eq!(label("me@host 1 a\x1b[2Jb\u{202e}c\u{fffd}"), "me@host 1 a?[2Jb?c\u{fffd}");
        assert_eq!(label(" me@host 1  "), "me@host 1");
        assert_eq!(label(&"x".repeat(500)).len(), MAX_LABEL_BYTES);
        assert_eq!(label(&"é".repeat(500)).len(), MAX_LABEL_BYTES);
        assert_eq!(label(&format!("a{}", "錠".repeat(500))).len(), 127);
        assert_eq!(fitted(""), None);
    }
}
