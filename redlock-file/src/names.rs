//! What the files of a directory are called.

/// The file of the run.
pub(crate) const RUN: &str = "run";

/// Behind the name of a file of resources: the file that it is written to next.
const SPARE: &str = ".spare";

pub(crate) const LISTENERS: &str = "listeners";
pub(crate) const RELEASED: &str = "released";

/// A file of resources.
pub(crate) fn file_name(number: u8) -> String {
    format!("{number:02x}")
}

pub(crate) fn spare_name(number: u8) -> String {
    format!("{number:02x}{SPARE}")
}

/// Names that only the holder of the directory's lock writes to; what a killed one left is overwritten.
pub(crate) fn temporary(number: usize) -> String {
    format!("new{number}")
}

/// Whether we would give a file this name. Others are not read.
pub(crate) fn is_ours(name: &str) -> bool {
    [RUN, LISTENERS, RELEASED].contains(&name) || is_temporary(name) || is_bucket(name)
}

pub(crate) fn is_temporary(name: &str) -> bool {
    name.strip_prefix("new").is_some_and(|number| {
        !number.is_empty() && number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The name of a file of resources, or of its spare.
pub(crate) fn is_bucket(name: &str) -> bool {
    let digits = name.strip_suffix(SPARE).unwrap_or(name);
    digits.len() == 2 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
