//! What this process calls itself on the nodes.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::{env, fs};

use redlock_core::{Label, MAX_LABEL_BYTES};
use rustix::process::getuid;
use rustix::system::uname;

/// `user@host pid program`, of the process that runs `program` under a lock. Not its arguments, which may be secrets.
pub(crate) fn own(program: &OsStr) -> Option<Label> {
    let user = user(&|name| env::var_os(name), getuid().as_raw(), &|| {
        fs::read_to_string("/etc/passwd").unwrap_or_default()
    });
    let program = Path::new(program).file_name().unwrap_or(program);
    let host = uname().nodename().to_string_lossy().into_owned();
    fitted(&format!("{user}@{host} {} {}", std::process::id(), lossy(program)))
}

/// The same of a verb of `redlock` that locks for itself.
pub(crate) fn of_verb(verb: &str) -> Option<Label> {
    own(OsStr::new(&format!("redlock {verb}")))
}

/// Who runs it: as the environment says, which services and schedulers do not set everywhere; then as the table of users does,
/// and for a user who is in none, as in a container, `uid=1000`.
fn user(var: &dyn Fn(&str) -> Option<OsString>, uid: u32, passwd: &dyn Fn() -> String) -> String {
    let named = ["USER", "LOGNAME"].into_iter().filter_map(var).find(|user| !user.is_empty());
    named.map_or_else(
        || named_in(&passwd(), uid).unwrap_or_else(|| format!("uid={uid}")),
        |user| lossy(&user),
    )
}

/// The first name that the table has for it: `name:password:uid:…`. Pure.
fn named_in(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
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
    fn a_user_without_a_name_in_the_environment_has_one_of_the_table() {
        let passwd = "# a comment\nroot:x:0:0:root:/root:/bin/sh\n+\nbad:x:no\n::7:\ndeploy:x:1000:1000::/:\ntoo:x:1000:1::/:\n";
        let named = |of: &'static [(&str, &str)], uid| {
            let var = |name: &str| Some(of.iter().find(|(set, _)| *set == name)?.1.into());
            user(&var, uid, &|| passwd.to_owned())
        };
        assert_eq!(named(&[("USER", "me"), ("LOGNAME", "other")], 0), "me");
        assert_eq!(named(&[("USER", ""), ("LOGNAME", "me")], 0), "me");
        assert_eq!(named(&[], 0), "root");
        assert_eq!(named(&[("USER", "")], 1000), "deploy");
        for nobody in [7, 1001] {
            assert_eq!(named(&[], nobody), format!("uid={nobody}"));
        }
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
